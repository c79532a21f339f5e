"""Compiled loops of the contraction engine. A prime of 0.0 stands for the reals: nothing is reduced.

Everything is C-contiguous float64, so that the inner loops run over neighbours in memory, several at a time.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled

# Lets p * rint(x / p) fuse with the subtraction, and a product with a sum; both stay exact for whole numbers.
_FUSED = {"contract"}

# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(fastmath=_FUSED)
def reduce_line(values, prime):  # type: ignore[no-untyped-def]
    """Reduce whole numbers below 2**53 to balanced residues, in place."""
    reciprocal = 1.0 / prime
    for j in range(len(values)):
        values[j] -= prime * np.rint(values[j] * reciprocal)


@compiled(fastmath=_FUSED)
def join_halves(high, low, scale, prime):  # type: ignore[no-untyped-def]
    """Replace high by the balanced residues of high * scale + low, for whole numbers below 2**53."""
    reciprocal = 1.0 / prime
    for j in range(len(high)):
        upper = high[j] - prime * np.rint(high[j] * reciprocal)
        lower = low[j] - prime * np.rint(low[j] * reciprocal)
        value = upper * scale + lower
        high[j] = value - prime * np.rint(value * reciprocal)


@compiled()
def to_residues(balanced, prime, residues):  # type: ignore[no-untyped-def]
    """Write the residues 0..p-1 of balanced ones to another array."""
    for j in range(len(balanced)):
        value = np.int64(balanced[j])
        residues[j] = value + prime if value < 0 else value


@compiled(fastmath=_FUSED)
def sum_of_planes(a, b, prime, total):  # type: ignore[no-untyped-def]
    """Set total[c, i, j] to the sum over k of a[k, i, j] * b[k, c, i or 0, j or 0], reduced.

    Shapes are (inner, n, m) for a, (inner, columns, n or 1, m or 1) for b and (columns, n, m) for the total. All sums
    of one line of a plane are made while it is in cache, then the next line follows.
    """
    for i in range(a.shape[1]):
        place = i if b.shape[2] > 1 else 0
        for c in range(b.shape[1]):
            line = total[c, i]
            for k in range(a.shape[0]):
                source = a[k, i]
                if b.shape[3] > 1:
                    factors = b[k, c, place]
                    if k == 0:
                        for j in range(len(line)):
                            line[j] = source[j] * factors[j]
                    else:
                        for j in range(len(line)):
                            line[j] += source[j] * factors[j]
                else:
                    factor = b[k, c, place, 0]
                    if k == 0:
                        for j in range(len(line)):
                            line[j] = source[j] * factor
                    else:
                        for j in range(len(line)):
                            line[j] += source[j] * factor
            if prime != 0.0:
                reduce_line(line, prime)


@compiled()
def take_independent(vectors, present, order, prime, taken):  # type: ignore[no-untyped-def]
    """Mark the vectors that are independent of those marked before them, at every condition at which they are present.

    Vectors are residues of shape (vectors, conditions, entries), and are destroyed.
    """
    count, conditions, entries = vectors.shape
    pivots = np.zeros((count, conditions), dtype=np.int64)
    marked = np.zeros(count, dtype=np.int64)
    found = 0
    for number in order:
        independent = True
        for at in range(conditions):
            if not present[number, at]:
                continue
            row = vectors[number, at]
            for k in range(found):
                other = marked[k]
                if present[other, at]:
                    factor = row[pivots[other, at]]
                    if factor:
                        for j in range(entries):
                            row[j] = (row[j] + (prime - factor) * vectors[other, at, j]) % prime
            pivot = 0
            while pivot < entries and row[pivot] == 0:
                pivot += 1
            if pivot == entries:
                independent = False
                break
            pivots[number, at] = pivot
            inverse, power, exponent = 1, row[pivot], prime - 2
            while exponent:
                if exponent & 1:
                    inverse = inverse * power % prime
                power, exponent = power * power % prime, exponent >> 1
            for j in range(entries):
                row[j] = row[j] * inverse % prime
        if independent:
            taken[number] = True
            marked[found] = number
            found += 1
