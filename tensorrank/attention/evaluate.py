"""Evaluation of self-attention without softmax, by tokens and by moments, in any arithmetic.

By tokens, as the layer is written (Levine et al., NeurIPS 2020, section 2):

    x_i' = sum_h W_O^h sum_j (W_V^h x_j) <W_Q^h x_i, W_K^h x_j>,

with x_i added by a residual connection, and the sum over j <= i under a causal mask. A feedforward layer, if there is
one, then maps each token z to W_D ((W_U z) * (W_G z)), again with z added by a residual connection.

By moments: with M = sum_j x_j x_j^T and G_l(M) = sum_h W_O^h W_V^h M W_K^hT W_Q^h (plus the identity for a residual
connection), layer l maps every token x to G_l(M) x and M to G_l M G_l^T, so the cost does not depend on the number of
tokens. Neither a causal mask nor feedforward layers have such a form (`streaming`, `token_grid`). Both forms hold over
any commutative ring: here over floats, fractions (object arrays) or GF(p).
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention.small_products import multiply, multiply_by_row, multiply_row, reduce_row
from tensorrank.attention.weights import AttentionWeights

# Images of a first layer are kept up to this many numbers.
_MOST_IMAGES = 2**21


def forward_tokens(
    weights: AttentionWeights, tokens: Array, field: PrimeField | None = None, *, residual: bool = False, causal: bool = False
) -> Array:
    """The outputs of all tokens, from shape (batch, tokens, width) to that shape: the reference for all other forms."""
    product = np.matmul if field is None else field.matmul
    weights, x = weights.by_head(), tokens
    seen = np.tri(tokens.shape[1], dtype=np.int64) if causal else np.ones((), dtype=np.int64)
    for layer, (query, key, value, output) in enumerate(
        zip(weights.query, weights.key, weights.value, weights.output, strict=True)
    ):
        total = x.copy() if residual else np.zeros_like(x)
        for q, k, v, o in zip(query, key, value, output, strict=True):
            scores = product(product(x, q.T), np.swapaxes(product(x, k.T), -1, -2)) * seen
            total = total + product(product(scores, product(x, v.T)), o.T)
        x = total if field is None else total % field.prime
        if weights.up is not None and weights.gate is not None and weights.down is not None:
            inner = product(x, weights.up[layer].T) * product(x, weights.gate[layer].T)
            forward = product(inner if field is None else inner % field.prime, weights.down[layer].T)
            total = x + forward if residual else forward
            x = total if field is None else total % field.prime
    return x


def moment_rows(weights: AttentionWeights, moments: Array, field: PrimeField | None = None, *, residual: bool = False) -> Array:
    """The rows P(M) with e_0^T x^(L) = P(M) x, from shape (batch, width, width) to (batch, width)."""
    if field is not None:
        return RowsInField(weights, field, residual=residual)(moments)
    weights = weights.by_head()
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


class RowsInField:
    """The rows P(M) of one network over GF(p), by compiled code, with what all moments share computed once.

    Each head of a layer is outer x inner x (M x right), where right is W_K^T W_Q. For a narrow head inner is W_V and
    outer is W_O. A wide head is cheaper with W_O W_V as inner and no outer. The last layer is needed in its first row
    only. The first layer is linear in M: where M has few entries, as at lattice points, it is a sum of images of the
    entries, G(E_ij + E_ji), and no product of matrices.
    """

    def __init__(self, weights: AttentionWeights, field: PrimeField, *, residual: bool = False) -> None:
        weights = weights.by_head()
        self.field, self.residual = field, residual
        depth, _, height, width = weights.query.shape
        right = field.matmul(np.swapaxes(weights.key, -1, -2), weights.query)
        whole = field.matmul(weights.output, weights.value)
        narrow = 3 * height < 2 * width
        inner, outer = (weights.value, weights.output) if narrow else (whole, whole[..., :0])
        self._given = tuple(np.ascontiguousarray(field.balanced(w)) for w in (inner, outer, right, whole[-1, :, 0]))
        images = np.zeros((0, 0, width, width))
        if depth > 1 and width**4 <= _MOST_IMAGES:
            images = np.ascontiguousarray(field.balanced(_images(whole[0], right[0], field)))
        self._images = images

    def __call__(self, moments: Residues) -> Residues:
        """The rows at a batch of symmetric matrices, from shape (batch, width, width) to (batch, width)."""
        rows: Residues = np.empty(moments.shape[:2], dtype=np.int64)
        if rows.size:
            field, moments = self.field, np.ascontiguousarray(moments)
            _moment_rows_mod_p(self._given, self._images, moments, field.prime, field.constants, self.residual, rows)
        return rows


def _images(whole: Residues, right: Residues, field: PrimeField) -> Residues:
    """The matrices of a first layer at E_ij + E_ji for i < j, and at E_ii; shape (width,) * 4, zero for i > j.

    `whole` is W_O W_V and `right` is W_K^T W_Q, both of shape (heads, width, width).
    """
    # Entry (a, b) at E_ij is the sum over heads of whole[a, i] right[j, b].
    width = whole.shape[1]
    columns = np.moveaxis(whole, 0, -1).reshape(-1, len(whole))
    at_one_entry = field.matmul(columns, right.reshape(len(right), -1)).reshape((width,) * 4).transpose(1, 2, 0, 3)
    images = (at_one_entry + at_one_entry.swapaxes(0, 1)) % field.prime
    diagonal = np.arange(width)
    images[diagonal, diagonal] = at_one_entry[diagonal, diagonal]
    images[np.tril_indices(width, -1)] = 0
    return images


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
def _few_entries(moment, modulus, most, places, values):  # type: ignore[no-untyped-def]
    """List the entries i <= j of M that are not zero, as balanced residues.

    Returns their number, or -1 if they are more than there is room for or sum to more than allowed.
    """
    found, size = 0, 0.0
    for i in range(len(moment)):
        for j in range(i, len(moment)):
            value = moment[i, j]
            if value != 0:
                if found == len(values):
                    return -1
                places[found, 0], places[found, 1] = i, j
                values[found] = value - modulus if value > modulus // 2 else value
                size += abs(values[found])
                found += 1
    return found if size <= most else -1


@compiled(fastmath={"contract"})
def _sparse_layer(images, places, values, found, residual, prime, layer):  # type: ignore[no-untyped-def]
    """The matrix G(M) of a first layer as the sum of the images of the entries of M."""
    flat, width = layer.reshape(-1), len(layer)
    flat[:] = 0.0
    # Two images at a time, since most of the time goes into reading and writing the sums.
    for entry in range(0, found, 2):
        again = min(entry + 1, found - 1)
        value, other = values[entry], values[again] if again > entry else 0.0
        image = images[places[entry, 0], places[entry, 1]].reshape(-1)
        second = images[places[again, 0], places[again, 1]].reshape(-1)
        for a in range(len(flat)):
            flat[a] += value * image[a] + other * second[a]
    if residual:
        for a in range(width):
            layer[a, a] += 1.0
    reciprocal = 1.0 / prime
    for a in range(len(flat)):
        flat[a] -= prime * np.rint(flat[a] * reciprocal)


@compiled(fastmath={"contract"})
def _multiply_by_few(row, places, values, found, prime, result):  # type: ignore[no-untyped-def]
    """The product of a row and a symmetric matrix given by its entries i <= j, reduced."""
    result[:] = 0.0
    for entry in range(found):
        i, j = places[entry]
        result[j] += values[entry] * row[i]
        if i != j:
            result[i] += values[entry] * row[j]
    for j in range(len(result)):
        result[j] -= prime * np.rint(result[j] / prime)


@compiled()
def _moment_rows_mod_p(weights, images, moments, modulus, field, residual, rows):  # type: ignore[no-untyped-def]
    inner, outer, right, first = weights
    depth, heads, height, width = inner.shape
    layers, turned = np.empty((depth, width, width)), np.empty((width, width))
    moment, half = np.empty((width, width)), np.empty((width, width))
    image = np.empty((height, width))
    row, other, room, total = np.empty(width), np.empty(width), np.empty(width), np.empty((1, width))
    places, values = np.empty((width, 2), dtype=np.int64), np.empty(width)
    # Sums of entries of M times residues stay exact while the entries sum to no more than this.
    most = 2.0**52 / (modulus // 2 + 2)
    for item in range(len(moments)):
        found = _few_entries(moments[item], modulus, most, places, values) if len(images) else -1
        if found < 0 or depth > 2:
            for i in range(width):
                for j in range(width):
                    value = moments[item, i, j]
                    moment[i, j] = value - modulus if value > modulus // 2 else value
        for index in range(depth - 1):
            if index == 0 and found >= 0:
                _sparse_layer(images, places, values, found, residual, field[0], layers[0])
            else:
                _layer(inner[index], outer[index], right[index], moment, field, residual, image, half, layers[index])
            if index < depth - 2:
                turned[:] = layers[index].T
                multiply(layers[index], moment, half, field)
                multiply(half, turned, moment, field)
        # The last layer's first row, e_0^T W_O W_V M W_K^T W_Q for each head, with M = G M' G^T of the layer before.
        total[0] = 0.0
        if residual:
            total[0, 0] = 1.0
        for h in range(heads):
            if depth > 1:
                multiply_row(first[h], layers[depth - 2], other, room, field)
                if depth == 2 and found >= 0:
                    _multiply_by_few(other, places, values, found, field[0], row)
                else:
                    multiply_row(other, moment, row, room, field)
                multiply_by_row(layers[depth - 2], row, other, field)
            else:
                multiply_row(first[h], moment, other, room, field)
            multiply_row(other, right[depth - 1, h], row, room, field)
            for j in range(width):
                total[0, j] += row[j]
        reduce_row(total, 0, field[0])
        row[:] = total[0]
        for index in range(depth - 2, -1, -1):
            multiply_row(row, layers[index], other, room, field)
            row[:] = other
        for j in range(width):
            value = np.int64(row[j])
            rows[item, j] = value + modulus if value < 0 else value
