"""Self-attention under a causal mask, token by token over GF(p): each layer's heads keep one matrix of what they saw.

A head's state S = sum_j (W_K x_j) (W_V x_j)^T takes every token in; the output at token i is W_O S^T W_Q x_i. States
after the tokens that precede the other side's first are computed once for a whole row or column of the grid.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

from tensorrank.arithmetic.prime_field import SPLIT_BIT, PrimeField, Residues
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
    """Coordinate 0 of the output token at all pairs of a row's tokens and a column's tokens, under a causal mask.

    Args:
        weights: residues, with a W_K and W_V for each head or shared ones.
        field: GF(p).
        sides: the sites of the rows' tokens and of the columns', together 0..N-1.
        rows: shape (count, len(sides[0]), width).
        columns: shape (count, len(sides[1]), width).
        output: the site whose output is taken; sites after it do not matter.
        residual: whether layers add their input.

    Returns:
        Residues of shape (rows, columns).
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
    query, key, value, out = (
        np.ascontiguousarray(field.balanced(w)) for w in (whole.query, whole.key, whole.value, whole.output)
    )
    _stream(
        query,
        key,
        value,
        out,
        field.balanced(rows),
        np.ascontiguousarray(np.moveaxis(field.balanced(columns), 0, 2)),
        of_rows,
        of_columns,
        shared,
        field.prime,
        2.0**SPLIT_BIT if field.splits else 0.0,
        field.terms,
        residual,
        values,
    )
    return values


# Columns that pass through the layers together: their states stay in the cache.
_TOGETHER = 64

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@njit(cache=True, nogil=True, fastmath={"contract"})
def _add_products(left, right, total, prime, split):  # type: ignore[no-untyped-def]
    """Add left * right, entry by entry, to the total."""
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


@njit(cache=True, nogil=True)
def _see(query, key, value, out, states, x, prime, split, terms, residual):  # type: ignore[no-untyped-def]
    """Pass a token of each column, shape (width, columns), through layers and states; x becomes its output."""
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
            multiply(key[layer, h], x, sought, prime, split, terms)
            multiply(value[layer, h], x, held, prime, split, terms)
            multiply(query[layer, h], x, asked, prime, split, terms)
            answer[:] = 0.0
            for b in range(dim):
                for c in range(dim):
                    state = states[layer, h, b, c]
                    _add_products(sought[b], held[c], state, prime, split)
                    _add_products(asked[b], state, answer[c], prime, split)
            multiply(out[layer, h], answer, part, prime, split, terms)
            total += part
        for i in range(width):
            reduce_row(total, i, prime)
        x[:] = total


@njit(cache=True, nogil=True)
def _stream(  # type: ignore[no-untyped-def]
    query, key, value, out, rows, columns, of_rows, of_columns, shared, modulus, split, terms, residual, values
):
    depth, heads, dim, width = key.shape
    count = columns.shape[2]
    prime = np.float64(modulus)
    start = np.empty((depth, heads, dim, dim, 1))
    before = np.zeros((width, 1))
    for i in range(len(rows)):
        start[:] = 0.0
        for site in range(shared):
            before[:, 0] = rows[i, of_rows[site]]
            _see(query, key, value, out, start, before, prime, split, terms, residual)
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
                _see(query, key, value, out, states, x, prime, split, terms, residual)
            for j in range(first, last):
                result = np.int64(x[0, j - first])
                values[i, j] = result + modulus if result < 0 else result
