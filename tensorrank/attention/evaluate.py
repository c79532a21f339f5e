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

from tensorrank.arithmetic.prime_field import PrimeField, Residues
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
        rows: Residues = np.empty(moments.shape[:2], dtype=np.int64)
        if rows.size:
            _moment_rows_mod_p(
                np.ascontiguousarray(weights.query), np.ascontiguousarray(weights.key),
                np.ascontiguousarray(weights.value), np.ascontiguousarray(weights.output),
                np.ascontiguousarray(moments), field.prime, rows,
            )  # fmt: skip
        return rows
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


@njit(cache=True, nogil=True)
def _multiply(left, right, result, prime):  # type: ignore[no-untyped-def]
    rows, inner = left.shape
    # A whole row of products fits an int64, or two at a time do.
    single = float(inner) * prime * prime > 9e18
    for i in range(rows):
        for j in range(right.shape[1]):
            total = 0
            for k in range(inner):
                total += left[i, k] * right[k, j]
                if single:
                    total %= prime
            result[i, j] = total % prime


@njit(cache=True, nogil=True)
def _layer(query, key, value, output, moment, prime, wide, core, part, layer):  # type: ignore[no-untyped-def]
    layer[:] = 0
    for h in range(query.shape[0]):
        _multiply(value[h], moment, wide, prime)
        _multiply(wide, key[h].T, core, prime)
        _multiply(core, query[h], wide, prime)
        _multiply(output[h], wide, part, prime)
        for i in range(layer.shape[0]):
            for j in range(layer.shape[1]):
                layer[i, j] = (layer[i, j] + part[i, j]) % prime


@njit(cache=True, nogil=True)
def _moment_rows_mod_p(query, key, value, output, moments, prime, rows):  # type: ignore[no-untyped-def]
    depth, heads, head_dim, width = query.shape
    layers = np.empty((depth, width, width), dtype=np.int64)
    moment = np.empty((width, width), dtype=np.int64)
    half = np.empty((width, width), dtype=np.int64)
    wide = np.empty((head_dim, width), dtype=np.int64)
    core = np.empty((head_dim, head_dim), dtype=np.int64)
    row = np.empty((1, width), dtype=np.int64)
    image = np.empty((1, width), dtype=np.int64)
    narrow = np.empty((1, head_dim), dtype=np.int64)
    last = depth - 1
    for item in range(moments.shape[0]):
        moment[:] = moments[item]
        for index in range(last):
            _layer(
                query[index], key[index], value[index], output[index], moment, prime,
                wide, core, half, layers[index],
            )  # fmt: skip
            _multiply(layers[index], moment, half, prime)
            _multiply(half, layers[index].T, moment, prime)
        # The last layer only as far as its first row needs: e_0^T W_O^h W_V^h M W_K^hT W_Q^h.
        rows[item] = 0
        for h in range(heads):
            _multiply(output[last, h, :1], value[last, h], row, prime)
            _multiply(row, moment, image, prime)
            _multiply(image, key[last, h].T, narrow, prime)
            _multiply(narrow, query[last, h], row, prime)
            for j in range(width):
                rows[item, j] = (rows[item, j] + row[0, j]) % prime
        row[0] = rows[item]
        for index in range(last - 1, -1, -1):
            _multiply(row, layers[index], image, prime)
            row[:] = image
        rows[item] = row[0]
