"""Products of matrices too small for BLAS, over GF(p): balanced residues in float64, compiled into their callers.

A field is known here by its `PrimeField.constants`.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(fastmath={"contract"})
def reduce_row(matrix, i, prime):  # type: ignore[no-untyped-def]
    """Reduce row i to balanced residues, in place."""
    reciprocal = 1.0 / prime
    for j in range(matrix.shape[1]):
        matrix[i, j] -= prime * np.rint(matrix[i, j] * reciprocal)


@compiled(fastmath={"contract"})
def multiply(left, right, result, field):  # type: ignore[no-untyped-def]
    """The product of two matrices of balanced residues, reduced as often as exact sums need.

    Where the field splits factors, those on the left are taken apart as split * high + low.
    """
    prime, split, terms = field
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
                reduce_row(upper, 0, prime)
                for j in range(columns):
                    result[i, j] += split * upper[0, j]
                    upper[0, j] = 0.0
            reduce_row(result, i, prime)


@compiled(fastmath={"contract", "reassoc", "nsz"})
def multiply_row(row, matrix, result, room, field):  # type: ignore[no-untyped-def]
    """The product of a row and a matrix of balanced residues, reduced; `room` is a row to compute in."""
    prime, split, terms = field
    reciprocal = 1.0 / prime
    rows, columns = matrix.shape
    for j in range(columns):
        result[j] = 0.0
    for start in range(0, rows, terms):
        stop = min(rows, start + terms)
        if split != 0.0:
            for j in range(columns):
                room[j] = 0.0
            for k in range(start, stop):
                high = np.rint(row[k] / split)
                for j in range(columns):
                    room[j] += high * matrix[k, j]
            for j in range(columns):
                result[j] += split * (room[j] - prime * np.rint(room[j] * reciprocal))
        for k in range(start, stop):
            factor = row[k]
            if split != 0.0:
                factor -= split * np.rint(factor / split)
            if factor != 0.0:
                for j in range(columns):
                    result[j] += factor * matrix[k, j]
        for j in range(columns):
            result[j] -= prime * np.rint(result[j] * reciprocal)


@compiled(fastmath={"contract", "reassoc", "nsz"})
def multiply_by_row(matrix, row, result, field):  # type: ignore[no-untyped-def]
    """The product of a row and the transpose of a matrix of balanced residues, reduced."""
    prime, split, terms = field
    reciprocal = 1.0 / prime
    rows, columns = matrix.shape
    for i in range(rows):
        result[i] = 0.0
    for start in range(0, columns, terms):
        stop = min(columns, start + terms)
        if split == 0.0:
            # Four rows at a time, since sums of few terms are no faster alone.
            for i in range(0, rows - rows % 4, 4):
                first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
                for k in range(start, stop):
                    first += matrix[i, k] * row[k]
                    second += matrix[i + 1, k] * row[k]
                    third += matrix[i + 2, k] * row[k]
                    fourth += matrix[i + 3, k] * row[k]
                result[i] += first
                result[i + 1] += second
                result[i + 2] += third
                result[i + 3] += fourth
        for i in range(0 if split != 0.0 else rows - rows % 4, rows):
            total, upper = 0.0, 0.0
            for k in range(start, stop):
                high = np.rint(row[k] / split) if split != 0.0 else 0.0
                upper += high * matrix[i, k]
                total += (row[k] - high * split) * matrix[i, k]
            upper -= prime * np.rint(upper * reciprocal)
            result[i] += split * upper + total
        for i in range(rows):
            result[i] -= prime * np.rint(result[i] * reciprocal)
