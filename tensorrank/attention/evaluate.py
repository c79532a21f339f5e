"""Evaluation of self-attention without softmax, by tokens and by moments, in any arithmetic.

By tokens, as the layer is written (Levine et al., NeurIPS 2020, section 2):

    x_i' = sum_h W_O^h sum_j (W_V^h x_j) <W_Q^h x_i, W_K^h x_j>,

with x_i added by a residual connection, and the sum over j <= i under a causal mask.

By moments: with M = sum_j x_j x_j^T and G_l(M) = sum_h W_O^h W_V^h M W_K^hT W_Q^h (plus the identity for a residual
connection), layer l maps every token x to G_l(M) x and M to G_l M G_l^T, so the cost does not depend on the number of
tokens. A causal mask has no such form (`streaming`). Both forms hold over any commutative ring: here over floats,
fractions (object arrays) or GF(p).
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention.small_products import multiply, reduce_row
from tensorrank.attention.weights import AttentionWeights


def forward_tokens(
    weights: AttentionWeights, tokens: Array, field: PrimeField | None = None, *, residual: bool = False, causal: bool = False
) -> Array:
    """The outputs of all tokens, from shape (batch, tokens, width) to that shape: the reference for all other forms."""
    product = np.matmul if field is None else field.matmul
    weights, x = weights.by_head(), tokens
    seen = np.tri(tokens.shape[1], dtype=np.int64) if causal else np.ones((), dtype=np.int64)
    for query, key, value, output in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
        total = x.copy() if residual else np.zeros_like(x)
        for q, k, v, o in zip(query, key, value, output, strict=True):
            scores = product(product(x, q.T), np.swapaxes(product(x, k.T), -1, -2)) * seen
            total = total + product(product(scores, product(x, v.T)), o.T)
        x = total if field is None else total % field.prime
    return x


def moment_rows(weights: AttentionWeights, moments: Array, field: PrimeField | None = None, *, residual: bool = False) -> Array:
    """The rows P(M) with e_0^T x^(L) = P(M) x, from shape (batch, width, width) to (batch, width)."""
    weights = weights.by_head()
    if field is not None:
        return _moment_rows_in_field(weights, moments, field, residual)
    product: Array | None = None
    current = moments
    for query, key, value, output in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
        layer = sum(
            np.matmul(np.matmul(o, v), np.matmul(current, np.matmul(k.T, q)))
            for q, k, v, o in zip(query, key, value, output, strict=True)
        )
        if residual:
            layer = layer + np.eye(layer.shape[-1], dtype=np.int64)
        current = np.matmul(np.matmul(layer, current), np.swapaxes(layer, -1, -2))
        product = layer if product is None else np.matmul(layer, product)
    assert product is not None
    return product[:, 0, :]


def _moment_rows_in_field(weights: AttentionWeights, moments: Residues, field: PrimeField, residual: bool) -> Residues:
    """The rows P(M) by compiled code: each head is outer x inner x (M x right), where right is W_K^T W_Q.

    For a narrow head inner is W_V and outer is W_O. A wide head is cheaper with W_O W_V as inner and no outer. The last
    layer is needed in its first row only.
    """
    rows: Residues = np.empty(moments.shape[:2], dtype=np.int64)
    if rows.size:
        width = moments.shape[1]
        right = field.matmul(np.swapaxes(weights.key, -1, -2), weights.query)
        whole = field.matmul(weights.output, weights.value)
        narrow = 3 * weights.query.shape[2] < 2 * width
        inner, outer = (weights.value, weights.output) if narrow else (whole, whole[..., :0])
        given = tuple(np.ascontiguousarray(field.balanced(w)) for w in (inner, outer, right, whole[-1, :, 0]))
        _moment_rows_mod_p(given, np.ascontiguousarray(moments), field.prime, field.constants, residual, rows)
    return rows


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def _layer(inner, outer, right, moment, field, residual, image, part, layer):  # type: ignore[no-untyped-def]
    """The matrix G(M) of one layer: the sum over its heads, plus the identity for a residual connection."""
    for h in range(inner.shape[0]):
        multiply(moment, right[h], part, field)
        multiply(inner[h], part, image, field)
        if outer.shape[2]:
            multiply(outer[h], image, part, field)
        else:
            part[:] = image
        for i in range(len(layer)):
            for j in range(len(layer)):
                layer[i, j] = part[i, j] if h == 0 else layer[i, j] + part[i, j]
    for i in range(len(layer)):
        if residual:
            layer[i, i] += 1.0
        if residual or inner.shape[0] > 1:
            reduce_row(layer, i, field[0])


@compiled()
def _moment_rows_mod_p(weights, moments, modulus, field, residual, rows):  # type: ignore[no-untyped-def]
    inner, outer, right, first = weights
    depth, heads, height, width = inner.shape
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
            _layer(inner[index], outer[index], right[index], moment, field, residual, image, half, layers[index])
            turned[:] = layers[index].T
            if index < depth - 2:
                multiply(layers[index], moment, half, field)
                multiply(half, turned, moment, field)
        # The last layer's first row, e_0^T W_O W_V M W_K^T W_Q for each head, with M = G M' G^T of the layer before.
        total[0] = 0.0
        if residual:
            total[0, 0] = 1.0
        for h in range(heads):
            row[0] = first[h]
            if depth > 1:
                multiply(row, layers[depth - 2], other, field)
                multiply(other, moment, row, field)
                multiply(row, turned, other, field)
            else:
                multiply(row, moment, other, field)
            multiply(other, right[depth - 1, h], row, field)
            total += row
        reduce_row(total, 0, field[0])
        row[:] = total
        for index in range(depth - 2, -1, -1):
            multiply(row, layers[index], other, field)
            row[:] = other
        for j in range(width):
            value = np.int64(row[0, j])
            rows[item, j] = value + modulus if value < 0 else value
