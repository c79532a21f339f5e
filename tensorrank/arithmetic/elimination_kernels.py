"""Compiled kernels of the elimination: one panel, one triangular solve, and the reductions that follow a product.

All work on balanced residues in float64 (`PrimeField.balanced`). `split` is 0 when products of two residues can be
summed directly (primes below about 2**24.5); otherwise multipliers are taken apart as high * split + low. Sums run
over at most `PANEL` products, which the field's bound on terms allows in both cases.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# `contract` lets x - p * rint(x / p) use a fused multiply-add: more accurate and faster. Nothing else is relaxed,
# except in sums of exact integers below 2**53, which may be taken in any order.
_FUSED = {"contract"}
_ANY_ORDER = {"contract", "reassoc", "nsz"}


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@njit(cache=True, nogil=True, fastmath=_FUSED)
def _inverse(residue, prime):  # type: ignore[no-untyped-def]
    """The balanced inverse of a nonzero balanced residue, by Euclid."""
    modulus = np.int64(prime)
    old, new = np.int64(0), np.int64(1)
    rest, divisor = modulus, np.int64(residue) % modulus
    while divisor != 0:
        quotient = rest // divisor
        old, new = new, old - quotient * new
        rest, divisor = divisor, rest - quotient * divisor
    inverse = old % modulus
    return np.float64(inverse - modulus if inverse > modulus // 2 else inverse)


@njit(cache=True, nogil=True, fastmath=_FUSED)
def _reduced(value, prime, reciprocal):  # type: ignore[no-untyped-def]
    return value - prime * np.rint(value * reciprocal)


@njit(cache=True, nogil=True, fastmath=_FUSED)
def _product(left, right, prime, reciprocal, split):  # type: ignore[no-untyped-def]
    """The balanced product of two balanced residues."""
    if split == 0.0:
        return _reduced(left * right, prime, reciprocal)
    high = np.rint(left / split)
    low = left - high * split
    return _reduced(_reduced(high * right, prime, reciprocal) * split + low * right, prime, reciprocal)


@njit(cache=True, nogil=True, fastmath=_ANY_ORDER)
def _column_minus_product(panel, first, last, column, known, upper, out):  # type: ignore[no-untyped-def]
    for i in range(first, last):
        total = 0.0
        for pivot in range(known):
            total += panel[i, pivot] * upper[pivot]
        out[i] = panel[i, column] - total


@njit(cache=True, nogil=True, fastmath=_ANY_ORDER)
def _column_minus_split_product(panel, first, last, column, known, upper, split, prime, out):  # type: ignore[no-untyped-def]
    reciprocal = 1.0 / prime
    for i in range(first, last):
        total_high, total_low = 0.0, 0.0
        for pivot in range(known):
            high = np.rint(panel[i, pivot] / split)
            total_high += high * upper[pivot]
            total_low += (panel[i, pivot] - high * split) * upper[pivot]
        total_high = total_high - prime * np.rint(total_high * reciprocal)
        out[i] = panel[i, column] - total_low - total_high * split


@njit(cache=True, nogil=True, fastmath=_FUSED)
def eliminate_panel(matrix, order, panel, row, start, stop, prime, split):  # type: ignore[no-untyped-def]
    """Eliminate columns start..stop of the rows from `row` on, one column at a time (Crout); returns the pivots found.

    The columns are worked on in `panel`, a compact copy, which ends up holding the multipliers; these are stored
    in columns row..row+pivots of the matrix. Whole rows of the matrix are swapped,
    and with them their numbers in `order`.
    """
    rows, columns = matrix.shape
    width = stop - start
    reciprocal = 1.0 / prime
    for i in range(row, rows):
        for j in range(width):
            panel[i, j] = matrix[i, start + j]
    upper = np.empty(width)
    current = np.empty(rows)
    found = 0
    for j in range(width):
        for i in range(found):
            total = panel[row + i, j]
            for pivot in range(i):
                total = total - _product(panel[row + i, pivot], upper[pivot], prime, reciprocal, split)
            upper[i] = _reduced(total, prime, reciprocal)
        top = row + found
        if split == 0.0:
            _column_minus_product(panel, top, rows, j, found, upper, current)
        else:
            _column_minus_split_product(panel, top, rows, j, found, upper, split, prime, current)
        for i in range(top, rows):
            current[i] = _reduced(current[i], prime, reciprocal)
        source = top
        while source < rows and current[source] == 0.0:
            source += 1
        if source == rows:
            continue
        if source != top:
            for column in range(columns):
                matrix[top, column], matrix[source, column] = matrix[source, column], matrix[top, column]
            for column in range(width):
                panel[top, column], panel[source, column] = panel[source, column], panel[top, column]
            current[top], current[source] = current[source], current[top]
            order[top], order[source] = order[source], order[top]
        inverse = _inverse(current[top], prime)
        for i in range(top + 1, rows):
            panel[i, found] = _product(current[i], inverse, prime, reciprocal, split)
        found += 1
        if top + 1 == rows:
            break
    for i in range(row + 1, rows):
        for pivot in range(min(found, i - row)):
            matrix[i, row + pivot] = panel[i, pivot]
    return found


@njit(cache=True, nogil=True, fastmath=_FUSED)
def solve_unit_lower(matrix, row, pivots, start, stop, prime, split):  # type: ignore[no-untyped-def]
    """Multiply these rows and columns by the inverse of the unit lower triangle stored beside them."""
    reciprocal = 1.0 / prime
    chunk = 128
    high_sum = np.empty(chunk)
    for left in range(start, stop, chunk):
        right = min(stop, left + chunk)
        for i in range(row + 1, row + pivots):
            if split == 0.0:
                for pivot in range(row, i):
                    multiplier = matrix[i, pivot]
                    for j in range(left, right):
                        matrix[i, j] -= multiplier * matrix[pivot, j]
            else:
                high_sum[:] = 0.0
                for pivot in range(row, i):
                    high = np.rint(matrix[i, pivot] / split)
                    low = matrix[i, pivot] - high * split
                    for j in range(left, right):
                        high_sum[j - left] += high * matrix[pivot, j]
                        matrix[i, j] -= low * matrix[pivot, j]
                for j in range(left, right):
                    matrix[i, j] -= split * _reduced(high_sum[j - left], prime, reciprocal)
            for j in range(left, right):
                matrix[i, j] = _reduced(matrix[i, j], prime, reciprocal)


@njit(cache=True, nogil=True, fastmath=_FUSED)
def subtract(target, product, prime):  # type: ignore[no-untyped-def]
    """Target - product, reduced, in place."""
    reciprocal = 1.0 / prime
    rows, columns = target.shape
    for i in range(rows):
        for j in range(columns):
            target[i, j] = _reduced(target[i, j] - product[i, j], prime, reciprocal)


@njit(cache=True, nogil=True, fastmath=_FUSED)
def subtract_scaled(target, product, scale, prime):  # type: ignore[no-untyped-def]
    """Target - scale * product, reduced, in place; the product is reduced first, so that it can be scaled exactly."""
    reciprocal = 1.0 / prime
    rows, columns = target.shape
    for i in range(rows):
        for j in range(columns):
            scaled = scale * _reduced(product[i, j], prime, reciprocal)
            target[i, j] = _reduced(target[i, j] - scaled, prime, reciprocal)


@njit(cache=True, nogil=True, fastmath=_FUSED)
def split(matrix, scale):  # type: ignore[no-untyped-def]
    """The two parts of high * scale + low, as contiguous arrays."""
    rows, columns = matrix.shape
    high, low = np.empty((rows, columns)), np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            high[i, j] = np.rint(matrix[i, j] / scale)
            low[i, j] = matrix[i, j] - high[i, j] * scale
    return high, low


@njit(cache=True, nogil=True)
def balance(integers, prime, result):  # type: ignore[no-untyped-def]
    """The balanced residues of an int64 matrix."""
    half = prime // 2
    for i in range(integers.shape[0]):
        for j in range(integers.shape[1]):
            residue = integers[i, j] % prime
            result[i, j] = residue - prime if residue > half else residue
