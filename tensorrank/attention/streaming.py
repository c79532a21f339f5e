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
        np.ascontiguousarray(np.swapaxes(field.balanced(w), -1, -2))
        for w in (whole.query, whole.key, whole.value, whole.output)
    )
    _stream(
        query, key, value, out, field.balanced(rows), field.balanced(columns), of_rows, of_columns, shared,
        field.prime, 2.0**SPLIT_BIT if field.splits else 0.0, field.terms, residual, values,
    )  # fmt: skip
    return values


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@njit(cache=True, nogil=True)
def _see(query, key, value, out, states, x, prime, split, terms, residual):  # type: ignore[no-untyped-def]
    """Pass one token x through all layers, each taking it into its states; x becomes its output."""
    depth, heads, width, dim = key.shape
    projected, sought, update = np.empty((1, dim)), np.empty((dim, 1)), np.empty((dim, dim))
    total, part = np.empty((1, width)), np.empty((1, width))
    for layer in range(depth):
        if residual:
            total[:] = x
        else:
            total[:] = 0.0
        for h in range(heads):
            state = states[layer, h]
            multiply(x, key[layer, h], projected, prime, split, terms)
            sought[:, 0] = projected[0]
            multiply(x, value[layer, h], projected, prime, split, terms)
            multiply(sought, projected, update, prime, split, terms)
            for i in range(dim):
                for j in range(dim):
                    state[i, j] += update[i, j]
                reduce_row(state, i, prime)
            multiply(x, query[layer, h], projected, prime, split, terms)
            multiply(projected, state, update[:1], prime, split, terms)
            multiply(update[:1], out[layer, h], part, prime, split, terms)
            total += part
        reduce_row(total, 0, prime)
        x[:] = total


@njit(cache=True, nogil=True)
def _stream(  # type: ignore[no-untyped-def]
    query, key, value, out, rows, columns, of_rows, of_columns, shared, modulus, split, terms, residual, values
):
    depth, heads, width, dim = key.shape
    prime = np.float64(modulus)
    start, states = np.empty((depth, heads, dim, dim)), np.empty((depth, heads, dim, dim))
    before, x = np.zeros((1, width)), np.empty((1, width))
    for i in range(len(rows)):
        start[:] = 0.0
        for site in range(shared):
            before[0] = rows[i, of_rows[site]]
            _see(query, key, value, out, start, before, prime, split, terms, residual)
        for j in range(len(columns)):
            states[:] = start
            x[:] = before
            for site in range(shared, len(of_rows)):
                x[0] = rows[i, of_rows[site]] if of_rows[site] >= 0 else columns[j, of_columns[site]]
                _see(query, key, value, out, states, x, prime, split, terms, residual)
            result = np.int64(x[0, 0])
            values[i, j] = result + modulus if result < 0 else result
