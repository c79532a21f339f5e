"""Evaluating self-attention without softmax, by tokens and by moments, in any arithmetic.

By tokens, as the layer is written (Levine et al., NeurIPS 2020, section 2):

    x_i' = sum_h W_O^h sum_j (W_V^h x_j) <W_Q^h x_i, W_K^h x_j>.

By moments: with M = sum_j x_j x_j^T and G_l(M) = sum_h W_O^h W_V^h M W_K^hT W_Q^h, layer l maps every token x to
G_l(M) x and M to G_l M G_l^T, so the cost does not depend on the number of tokens. Both hold over any commutative
ring: floats, fractions (object arrays), or GF(p).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tensorrank.arithmetic.prime_field import SPLIT_BIT, PrimeField, Residues
from tensorrank.attention.weights import AttentionWeights

Array = NDArray[Any]


def forward_tokens(weights: AttentionWeights, tokens: Array, field: PrimeField | None = None) -> Array:
    """All output tokens: shape (batch, tokens, width) to the same; the reference the moment form is checked against."""
    multiply = np.matmul if field is None else field.matmul
    x = tokens
    for query, key, value, output in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
        total = np.zeros_like(x)
        for q, k, v, o in zip(query, key, value, output, strict=True):
            scores = multiply(multiply(x, q.T), np.swapaxes(multiply(x, k.T), -1, -2))
            total = total + multiply(multiply(scores, multiply(x, v.T)), o.T)
        x = total if field is None else total % field.prime
    return x


def moment_rows(weights: AttentionWeights, moments: Array, field: PrimeField | None = None) -> Array:
    """The rows P(M) with e_0^T x^(L) = P(M) x: shape (batch, width, width) to (batch, width)."""
    if field is not None:
        return _moment_rows_in_field(weights, moments, field)
    product: Array | None = None
    current = moments
    for query, key, value, output in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
        layer = sum(
            np.matmul(np.matmul(o, v), np.matmul(current, np.matmul(k.T, q)))
            for q, k, v, o in zip(query, key, value, output, strict=True)
        )
        current = np.matmul(np.matmul(layer, current), np.swapaxes(layer, -1, -2))
        product = layer if product is None else np.matmul(layer, product)
    assert product is not None
    return product[:, 0, :]


def _moment_rows_in_field(weights: AttentionWeights, moments: Residues, field: PrimeField) -> Residues:
    """Compiled: each head as outer x inner x (M x right), with right = W_K^T W_Q, inner = W_V and outer = W_O.

    A wide head is cheaper with inner = W_O W_V and no outer. The last layer is needed in its first row only.
    """
    rows: Residues = np.empty(moments.shape[:2], dtype=np.int64)
    if rows.size:
        width = moments.shape[1]
        right = field.matmul(np.swapaxes(weights.key, -1, -2), weights.query)
        whole = field.matmul(weights.output, weights.value)
        narrow = 3 * weights.query.shape[2] < 2 * width
        inner, outer = (weights.value, weights.output) if narrow else (whole, whole[..., :0])
        _moment_rows_mod_p(
            np.ascontiguousarray(field.balanced(inner)), np.ascontiguousarray(field.balanced(outer)),
            np.ascontiguousarray(field.balanced(right)), np.ascontiguousarray(field.balanced(whole[-1, :, 0])),
            np.ascontiguousarray(moments), field.prime, 2.0**SPLIT_BIT if field.splits else 0.0, field.terms, rows,
        )  # fmt: skip
    return rows


def moment_grid(
    weights: AttentionWeights, field: PrimeField, tokens: Residues, moments_a: Residues, moments_b: Residues
) -> Residues:
    """The values at all pairs of rows (output token and moment of its side) and columns (moment of the other side).

    Args:
        weights: residues.
        field: GF(p).
        tokens: the output token of each row, shape (rows, width).
        moments_a: shape (rows, width, width).
        moments_b: shape (columns, width, width).
    """
    values: Residues = np.empty((len(moments_a), len(moments_b)), dtype=np.int64)
    for i, (token, moment) in enumerate(zip(tokens, moments_a, strict=True)):
        rows = moment_rows(weights, (moment + moments_b) % field.prime, field)
        values[i] = field.matmul(rows, token)
    return values


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@njit(cache=True, nogil=True, fastmath={"contract"})
def _reduce(matrix, i, prime):  # type: ignore[no-untyped-def]
    reciprocal = 1.0 / prime
    for j in range(matrix.shape[1]):
        matrix[i, j] -= prime * np.rint(matrix[i, j] * reciprocal)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _multiply(left, right, result, prime, split, terms):  # type: ignore[no-untyped-def]
    """The product of balanced residues, reduced after so many terms; a split factor is taken apart as high and low."""
    inner, columns = right.shape
    upper = np.zeros((1, columns if split else 0))
    for i in range(left.shape[0]):
        for j in range(columns):
            result[i, j] = 0.0
        for start in range(0, inner, terms):
            for k in range(start, min(inner, start + terms)):
                factor = left[i, k]
                if factor == 0.0:
                    continue  # moments at lattice points are sparse
                if split == 0.0:
                    for j in range(columns):
                        result[i, j] += factor * right[k, j]
                else:
                    high = np.rint(factor / split)
                    low = factor - high * split
                    for j in range(columns):
                        upper[0, j] += high * right[k, j]
                        result[i, j] += low * right[k, j]
            if split != 0.0:
                _reduce(upper, 0, prime)
                for j in range(columns):
                    result[i, j] += split * upper[0, j]
                    upper[0, j] = 0.0
            _reduce(result, i, prime)


@njit(cache=True, nogil=True)
def _turn(matrix, result):  # type: ignore[no-untyped-def]
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            result[j, i] = matrix[i, j]


@njit(cache=True, nogil=True)
def _layer(inner, outer, right, moment, prime, split, terms, image, part, layer):  # type: ignore[no-untyped-def]
    """G(M), the sum of its heads."""
    for h in range(inner.shape[0]):
        _multiply(moment, right[h], part, prime, split, terms)
        _multiply(inner[h], part, image, prime, split, terms)
        if outer.shape[2]:
            _multiply(outer[h], image, part, prime, split, terms)
        else:
            part[:] = image
        for i in range(len(layer)):
            for j in range(len(layer)):
                layer[i, j] = part[i, j] if h == 0 else layer[i, j] + part[i, j]
    if inner.shape[0] > 1:
        for i in range(len(layer)):
            _reduce(layer, i, prime)


@njit(cache=True, nogil=True)
def _moment_rows_mod_p(inner, outer, right, first, moments, modulus, split, terms, rows):  # type: ignore[no-untyped-def]
    depth, heads, height, width = inner.shape
    prime = np.float64(modulus)
    layers, turned = np.empty((depth, width, width)), np.empty((width, width))
    moment, half = np.empty((width, width)), np.empty((width, width))
    image = np.empty((height, width))
    row, other, total = np.empty((1, width)), np.empty((1, width)), np.empty((1, width))
    for item in range(len(moments)):
        for i in range(width):
            for j in range(width):
                value = moments[item, i, j]
                moment[i, j] = value - modulus if value > modulus // 2 else value
        for index in range(depth - 1):
            _layer(inner[index], outer[index], right[index], moment, prime, split, terms, image, half, layers[index])
            _turn(layers[index], turned)
            if index < depth - 2:
                _multiply(layers[index], moment, half, prime, split, terms)
                _multiply(half, turned, moment, prime, split, terms)
        # The last layer's first row, e_0^T W_O W_V M W_K^T W_Q for each head, with M = G M' G^T of the layer before.
        total[0] = 0.0
        for h in range(heads):
            row[0] = first[h]
            if depth > 1:
                _multiply(row, layers[depth - 2], other, prime, split, terms)
                _multiply(other, moment, row, prime, split, terms)
                _multiply(row, turned, other, prime, split, terms)
            else:
                _multiply(row, moment, other, prime, split, terms)
            _multiply(other, right[depth - 1, h], row, prime, split, terms)
            total += row
        _reduce(total, 0, prime)
        row[:] = total
        for index in range(depth - 2, -1, -1):
            _multiply(row, layers[index], other, prime, split, terms)
            row[:] = other
        for j in range(width):
            value = np.int64(row[0, j])
            rows[item, j] = value + modulus if value < 0 else value
