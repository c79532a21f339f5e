"""Products of small matrices over GF(p), many at a time: entry (i, j) of all of them stands in one row of lanes.

A matrix of so many rows and columns is an array of shape (rows, columns, lanes), of balanced residues in float64. The
innermost loops run over the lanes and fill the vector units of the processor, however small the matrices are. A field
is known here by its `PrimeField.constants`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tensorrank.arithmetic.compiled import compiled

# What a step does.
COPY, MULTIPLY, MULTIPLY_TURNED, APPLY, ADD, TIMES, MASK = range(7)


class Step(NamedTuple):
    """One step of a computation on numbered matrices: result = left right, or result += left right.

    Attributes:
        kind: COPY (of the left one), MULTIPLY, MULTIPLY_TURNED (by the transpose of the left one), APPLY (a constant
            matrix on the left, the same in all lanes), ADD (of the left one to the result), TIMES (left times right,
            entry by entry), or MASK (zero where the result's column is behind its row).
        left, right, result: the numbers of matrices; of a constant matrix its number among these.
        rows, inner, columns: of the product.
        more: whether the product is added.
        scaled: whether the first rows of the result, one for each token of the first side, are multiplied by the scale.
    """

    kind: int
    left: int
    right: int
    result: int
    rows: int
    inner: int
    columns: int
    more: bool = False
    scaled: bool = False


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled()
def run_steps(steps, matrices, constants, near, scale, upper, field):  # type: ignore[no-untyped-def]
    """Run steps, given as rows of numbers, on matrices of shape (number, rows, columns, lanes); `upper` is zero."""
    for step in range(len(steps)):
        kind, left, right, number, rows, inner, columns, more, scaled = steps[step]
        result = matrices[number]
        if kind == COPY:
            result[:rows, :columns] = matrices[left, :rows, :columns]
        elif kind == APPLY:
            for i in range(rows):
                for j in range(columns):
                    apply_lanes(constants[left, i, :inner], matrices[right], j, result[i, j], more, upper, field)
        elif kind == ADD:
            for i in range(rows):
                for j in range(columns):
                    _add(result[i, j], matrices[left, i, j], field)
        elif kind == TIMES:
            for i in range(rows):
                for j in range(columns):
                    _times(result[i, j], matrices[left, i, j], matrices[right, i, j], field)
        elif kind == MASK:
            for i in range(rows):
                for j in range(i + 1, columns):
                    result[i, j] = 0.0
        else:
            turned = kind == MULTIPLY_TURNED
            _multiply(matrices[left], turned, matrices[right], result, rows, inner, columns, more, upper, field)
        if scaled:
            for i in range(near):
                for j in range(columns):
                    _scale(result[i, j], scale, field)


@compiled(fastmath={"contract"})
def apply_lanes(factors, matrix, j, row, more, upper, field):  # type: ignore[no-untyped-def]
    """Write, or add if `more`, the products of factors, the same in all lanes, and column j of a matrix to a row."""
    prime, split, terms = field
    inner = len(factors)
    if not more:
        row[:] = 0.0
    for start in range(0, inner, terms):
        stop = min(inner, start + terms)
        if split == 0.0:
            # Four at a time, since each pass over the row reads and writes it.
            fours = start + (stop - start) // 4 * 4
            for k in range(start, fours, 4):
                _add_four(row, factors[k : k + 4], matrix[k, j], matrix[k + 1, j], matrix[k + 2, j], matrix[k + 3, j])
            for k in range(fours, stop):
                _add_multiple(row, upper, factors[k], matrix[k, j], split)
        else:
            for k in range(start, stop):
                _add_multiple(row, upper, factors[k], matrix[k, j], split)
        _join(row, upper, prime, split)


@compiled(fastmath={"contract"})
def _multiply(left, turned, right, result, rows, inner, columns, more, upper, field):  # type: ignore[no-untyped-def]
    prime, split, terms = field
    even = terms // 2 * 2
    for i in range(rows):
        for j in range(columns):
            if split == 0.0:
                for k in range(0, inner, 2):
                    # Two products at a time, and the reduction with the last: each pass over the lanes costs as much.
                    both = k + 1 < inner
                    then = k + 1 if both else k
                    modulus = prime if k + 2 >= inner or (k + 2) % even == 0 else 0.0
                    first = left[k, i] if turned else left[i, k]
                    second = left[then, i] if turned else left[i, then]
                    _add_two(result[i, j], more or k > 0, first, right[k, j], second, right[then, j], both, prime, modulus)
            else:
                if not more:
                    result[i, j, :] = 0.0
                for k in range(inner):
                    first = left[k, i] if turned else left[i, k]
                    _add_halves(result[i, j], upper, first, right[k, j], split)
                    if k + 1 == inner or (k + 1) % terms == 0:
                        _join(result[i, j], upper, prime, split)


@compiled(fastmath={"contract"})
def _add_two(row, more, first, second, third, fourth, both, prime, modulus):  # type: ignore[no-untyped-def]
    """Write, or add if `more`, one or both products of two rows; reduce the sums if the modulus is not 0."""
    reciprocal, keep, other = 1.0 / prime, 1.0 if more else 0.0, 1.0 if both else 0.0
    for w in range(len(row)):
        total = keep * row[w] + first[w] * second[w] + other * third[w] * fourth[w]
        row[w] = total - modulus * np.rint(total * reciprocal)


@compiled(fastmath={"contract"})
def _add_halves(row, upper, first, second, split):  # type: ignore[no-untyped-def]
    """Add the products of two rows; those of the high halves of the factors apart."""
    inverse = 1.0 / split
    for w in range(len(row)):
        high = np.rint(first[w] * inverse)
        upper[w] += high * second[w]
        row[w] += (first[w] - high * split) * second[w]


@compiled(fastmath={"contract"})
def _add_four(row, factors, first, second, third, fourth):  # type: ignore[no-untyped-def]
    """Add the multiples of four rows."""
    a, b, c, d = factors[0], factors[1], factors[2], factors[3]
    for w in range(len(row)):
        row[w] += a * first[w] + b * second[w] + c * third[w] + d * fourth[w]


@compiled(fastmath={"contract"})
def _add_multiple(row, upper, factor, column, split):  # type: ignore[no-untyped-def]
    """Add a multiple of a row; where the field splits factors, that by the high half of the factor apart."""
    if split == 0.0:
        for w in range(len(row)):
            row[w] += factor * column[w]
    else:
        high = np.rint(factor / split)
        low = factor - high * split
        for w in range(len(row)):
            upper[w] += high * column[w]
            row[w] += low * column[w]


@compiled(fastmath={"contract"})
def _join(row, upper, prime, split):  # type: ignore[no-untyped-def]
    """Reduce a row of sums, after adding the sums of high halves, which become zero."""
    reciprocal = 1.0 / prime
    if split == 0.0:
        for w in range(len(row)):
            row[w] -= prime * np.rint(row[w] * reciprocal)
    else:
        for w in range(len(row)):
            total = row[w] + split * (upper[w] - prime * np.rint(upper[w] * reciprocal))
            upper[w] = 0.0
            row[w] = total - prime * np.rint(total * reciprocal)


@compiled(fastmath={"contract"})
def _add(row, other, field):  # type: ignore[no-untyped-def]
    """Add a row of lanes to another one, in place."""
    prime = field[0]
    reciprocal = 1.0 / prime
    for w in range(len(row)):
        total = row[w] + other[w]
        row[w] = total - prime * np.rint(total * reciprocal)


@compiled(fastmath={"contract"})
def _times(row, first, second, field):  # type: ignore[no-untyped-def]
    """Write the products of two rows of lanes."""
    prime, split, _ = field
    reciprocal = 1.0 / prime
    for w in range(len(row)):
        if split == 0.0:
            product = first[w] * second[w]
        else:
            high = np.rint(first[w] / split)
            upper = high * second[w]
            product = (first[w] - high * split) * second[w] + split * (upper - prime * np.rint(upper * reciprocal))
        row[w] = product - prime * np.rint(product * reciprocal)


@compiled(fastmath={"contract"})
def _scale(row, factor, field):  # type: ignore[no-untyped-def]
    """Multiply a row of lanes by a residue, in place."""
    prime, split, _ = field
    reciprocal = 1.0 / prime
    if split == 0.0:
        for w in range(len(row)):
            product = factor * row[w]
            row[w] = product - prime * np.rint(product * reciprocal)
    else:
        high = np.rint(factor / split)
        low = factor - high * split
        for w in range(len(row)):
            upper = high * row[w]
            product = low * row[w] + split * (upper - prime * np.rint(upper * reciprocal))
            row[w] = product - prime * np.rint(product * reciprocal)
