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
