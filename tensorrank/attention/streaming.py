"""Self-attention without softmax under a causal mask, token by token over GF(p).

Each head of each layer keeps one matrix of what it has seen: its state S = sum_j (W_K x_j) (W_V x_j)^T takes in every
token, and the output at token i is the sum over heads of W_O S^T W_Q x_i. The tokens that precede the first of the
other side pass through the network once for a whole row or column of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tensorrank.arithmetic.compiled import compiled
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.attention.small_products import multiply, reduce_row
from tensorrank.attention.weights import AttentionWeights


def streaming_grid(
    weights: AttentionWeights,
    field: PrimeField,
    sides: tuple[Sequence[int], Sequence[int]],
    rows: Residues,
    columns: Residues,
    *,
    output: int,
    residual: bool = False,
) -> Residues:
    """The values at all pairs of a row's tokens and a column's tokens: coordinate 0 of the output token.

    The sides are the sites of the rows' tokens and of the columns', together 0..N-1. Rows and columns have the shape
    (count, sites of the side, width). `output` is the site whose output is taken; sites after it do not matter.
    """
    of_rows = np.full(output + 1, -1)
    of_columns = np.full(output + 1, -1)
    for sites, places in zip(sides, (of_rows, of_columns), strict=True):
        for place, site in enumerate(sites):
            if site <= output:
                places[site] = place
    if of_rows[0] < 0:
        return np.ascontiguousarray(
            streaming_grid(weights, field, sides[::-1], columns, rows, output=output, residual=residual).T
        )
    shared = int(np.argmax(of_rows < 0)) if (of_rows < 0).any() else output + 1
    values: Residues = np.empty((len(rows), len(columns)), dtype=np.int64)
    whole = weights.by_head()
    each = tuple(np.ascontiguousarray(field.balanced(w)) for w in (whole.query, whole.key, whole.value, whole.output))
    tokens = field.balanced(rows), np.ascontiguousarray(np.moveaxis(field.balanced(columns), 0, 2))
    _stream(each, *tokens, of_rows, of_columns, shared, field.prime, field.constants, residual, values)
    return values


# Columns that pass through the layers together: few enough that their states stay in the cache.
_TOGETHER = 64

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(fastmath={"contract"})
def _add_products(left, right, total, field):  # type: ignore[no-untyped-def]
    """Add left * right, entry by entry, to the total."""
    prime, split, _ = field
    reciprocal = 1.0 / prime
    for j in range(len(total)):
        if split == 0.0:
            product = left[j] * right[j]
        else:
            high = np.rint(left[j] / split)
            upper = high * right[j]
            upper -= prime * np.rint(upper * reciprocal)
            product = upper * split + (left[j] - high * split) * right[j]
        product += total[j]
        total[j] = product - prime * np.rint(product * reciprocal)


@compiled()
def _see(weights, states, x, field, residual):  # type: ignore[no-untyped-def]
    """Pass one token of each column through all layers, x of shape (width, columns), and replace x by the outputs."""
    query, key, value, out = weights
    depth, heads, dim, width = key.shape
    columns = x.shape[1]
    asked, sought = np.empty((dim, columns)), np.empty((dim, columns))
    held, answer = np.empty((dim, columns)), np.empty((dim, columns))
    total, part = np.empty((width, columns)), np.empty((width, columns))
    for layer in range(depth):
        if residual:
            total[:] = x
        else:
            total[:] = 0.0
        for h in range(heads):
            multiply(key[layer, h], x, sought, field)
            multiply(value[layer, h], x, held, field)
            multiply(query[layer, h], x, asked, field)
            answer[:] = 0.0
            for b in range(dim):
                for c in range(dim):
                    state = states[layer, h, b, c]
                    _add_products(sought[b], held[c], state, field)
                    _add_products(asked[b], state, answer[c], field)
            multiply(out[layer, h], answer, part, field)
            total += part
        for i in range(width):
            reduce_row(total, i, field[0])
        x[:] = total


@compiled()
def _stream(  # type: ignore[no-untyped-def]
    weights, rows, columns, of_rows, of_columns, shared, modulus, field, residual, values
):
    depth, heads, dim, width = weights[1].shape
    count = columns.shape[2]
    start = np.empty((depth, heads, dim, dim, 1))
    before = np.zeros((width, 1))
    for i in range(len(rows)):
        start[:] = 0.0
        for site in range(shared):
            before[:, 0] = rows[i, of_rows[site]]
            _see(weights, start, before, field, residual)
        for first in range(0, count, _TOGETHER):
            last = min(count, first + _TOGETHER)
            states, x = np.empty((depth, heads, dim, dim, last - first)), np.empty((width, last - first))
            states[:] = start
            x[:] = before
            for site in range(shared, len(of_rows)):
                for k in range(width):
                    if of_rows[site] >= 0:
                        x[k] = rows[i, of_rows[site], k]
                    else:
                        x[k] = columns[of_columns[site], k, first:last]
                _see(weights, states, x, field, residual)
            for j in range(first, last):
                result = np.int64(x[0, j - first])
                values[i, j] = result + modulus if result < 0 else result
