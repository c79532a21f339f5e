"""Compiled loops of the elimination: one panel, two small inverses, and the passes before and after a product.

Matrices hold balanced residues as int8, int16 or int32, the smallest that holds those of the prime; arithmetic is in
float64. Kernels take a whole matrix and offsets into it, not a view, so that the compiler knows rows to be contiguous.

`split` is 0 where products of two residues can be summed directly, for primes below about 2**24.5. For larger primes
multipliers are taken apart as high * split + low. Sums run over at most `PANEL` products, which the field's bound on
terms allows in both cases.
"""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.compiled import compiled

# `contract` lets x - p * rint(x / p) use a fused multiply-add: more accurate and faster. Nothing else is relaxed,
# except in sums of exact integers below 2**53, which may be taken in any order.
_FUSED = {"contract"}
_ANY_ORDER = {"contract", "reassoc", "nsz"}
# Entries copied at a time where an array is narrowed in place.
_CHUNK = 4096


# Numba finds the types of compiled functions by itself; mypy is told to let them be.


@compiled(fastmath=_FUSED)
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


@compiled(fastmath=_FUSED)
def _reduced(value, prime, reciprocal):  # type: ignore[no-untyped-def]
    return value - prime * np.rint(value * reciprocal)


@compiled(fastmath=_FUSED)
def _product(left, right, prime, reciprocal, split):  # type: ignore[no-untyped-def]
    """The balanced product of two balanced residues."""
    if split == 0.0:
        return _reduced(left * right, prime, reciprocal)
    high = np.rint(left / split)
    low = left - high * split
    return _reduced(_reduced(high * right, prime, reciprocal) * split + low * right, prime, reciprocal)


@compiled(fastmath=_ANY_ORDER)
def _dot(left, right, start, stop, prime, reciprocal, split):  # type: ignore[no-untyped-def]
    """The sum of products of at most `PANEL` pairs of balanced residues, not reduced."""
    total = 0.0
    if split == 0.0:
        for i in range(start, stop):
            total += left[i] * right[i]
    else:
        for i in range(start, stop):
            total += _product(left[i], right[i], prime, reciprocal, split)
    return total


@compiled(fastmath=_ANY_ORDER)
def _column_minus_product(panel, first, column, known, upper, out):  # type: ignore[no-untyped-def]
    for i in range(first, len(panel)):
        total = 0.0
        for pivot in range(known):
            total += panel[i, pivot] * upper[pivot]
        out[i] = panel[i, column] - total


@compiled(fastmath=_ANY_ORDER)
def _column_minus_split_product(panel, first, column, known, upper, split, out_high, out):  # type: ignore[no-untyped-def]
    for i in range(first, len(panel)):
        total_high, total_low = 0.0, 0.0
        for pivot in range(known):
            high = np.rint(panel[i, pivot] / split)
            total_high += high * upper[pivot]
            total_low += (panel[i, pivot] - high * split) * upper[pivot]
        out_high[i] = total_high
        out[i] = panel[i, column] - total_low


@compiled(fastmath=_FUSED)
def eliminate_panel(matrix, order, row, bottom, start, stop, prime, split, upper_inverse):  # type: ignore[no-untyped-def]
    """Eliminate columns start..stop of rows row..bottom, column by column (Crout), and return the number of pivots.

    Whole rows of the matrix are swapped, and with them their numbers in `order`. If every column has a pivot, or no
    rows are left out, the multipliers are stored in columns row..row+pivots of the matrix; otherwise nothing else is
    changed. If every column has one, `upper_inverse` becomes the inverse of the upper triangle.
    """
    columns = matrix.shape[1]
    width, height = stop - start, bottom - row
    reciprocal = 1.0 / prime
    panel = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            panel[i, j] = matrix[row + i, start + j]
    upper = np.empty((width, width))
    current, current_high = np.empty(height), np.empty(height)
    found = 0
    for j in range(width):
        known = upper[j]
        for i in range(found):
            known[i] = _reduced(panel[i, j] - _dot(panel[i], known, 0, i, prime, reciprocal, split), prime, reciprocal)
        if split == 0.0:
            _column_minus_product(panel, found, j, found, known, current)
        else:
            _column_minus_split_product(panel, found, j, found, known, split, current_high, current)
            for i in range(found, height):
                current[i] -= split * _reduced(current_high[i], prime, reciprocal)
        for i in range(found, height):
            current[i] = _reduced(current[i], prime, reciprocal)
        source = found
        while source < height and current[source] == 0.0:
            source += 1
        if source == height:
            continue
        if source != found:
            for column in range(columns):
                matrix[row + found, column], matrix[row + source, column] = (
                    matrix[row + source, column],
                    matrix[row + found, column],
                )
            for column in range(width):
                panel[found, column], panel[source, column] = panel[source, column], panel[found, column]
            current[found], current[source] = current[source], current[found]
            order[row + found], order[row + source] = order[row + source], order[row + found]
        inverse = _inverse(current[found], prime)
        known[found] = inverse
        for i in range(found + 1, height):
            panel[i, found] = _product(current[i], inverse, prime, reciprocal, split)
        found += 1
        if found == height:
            break
    if found == width:
        _invert_upper(upper, upper_inverse, prime, reciprocal, split)
    if found == width or bottom == matrix.shape[0]:
        for i in range(1, height):
            for pivot in range(min(found, i)):
                matrix[row + i, row + pivot] = panel[i, pivot]
    return found


@compiled(fastmath=_FUSED)
def _invert_upper(columns, result, prime, reciprocal, split):  # type: ignore[no-untyped-def]
    """The inverse of an upper triangle given by columns, the inverses of the pivots on its diagonal."""
    size = len(columns)
    for j in range(size):
        known = columns[j]
        for i in range(j + 1, size):
            result[i, j] = 0.0
        result[j, j] = known[j]
        for i in range(j - 1, -1, -1):
            total = _reduced(_dot(result[i], known, i, j, prime, reciprocal, split), prime, reciprocal)
            result[i, j] = -_product(total, known[j], prime, reciprocal, split)


@compiled(fastmath=_FUSED)
def invert_unit_lower(matrix, top, left, pivots, prime, split):  # type: ignore[no-untyped-def]
    """The inverse of the unit lower triangle stored in rows top..top+pivots and columns left..left+pivots."""
    reciprocal = 1.0 / prime
    result = np.zeros((pivots, pivots))
    total = np.empty(pivots)
    for i in range(pivots):
        total[:] = 0.0
        for pivot in range(i):
            multiplier = np.float64(matrix[top + i, left + pivot])
            if split == 0.0:
                for j in range(pivot + 1):
                    total[j] -= multiplier * result[pivot, j]
            else:
                for j in range(pivot + 1):
                    total[j] -= _product(multiplier, result[pivot, j], prime, reciprocal, split)
        for j in range(i):
            result[i, j] = _reduced(total[j], prime, reciprocal)
        result[i, i] = 1.0
    return result.astype(matrix.dtype)


@compiled()
def copy(matrix, top, left, offset, result):  # type: ignore[no-untyped-def]
    """Copy a rectangle of the matrix, with an offset added, to a matrix of another type."""
    for i in range(result.shape[0]):
        source = matrix[top + i, left : left + result.shape[1]]
        for j in range(result.shape[1]):
            result[i, j] = source[j] + offset


@compiled()
def cut(matrix, top, left, scale, offset, high, low):  # type: ignore[no-untyped-def]
    """Take a rectangle of the matrix apart as high * scale + low, and add an offset to both."""
    for i in range(high.shape[0]):
        source = matrix[top + i, left : left + high.shape[1]]
        for j in range(high.shape[1]):
            upper = np.rint(source[j] / scale)
            high[i, j] = upper + offset
            low[i, j] = source[j] - upper * scale + offset


@compiled()
def add_digits(high, low, offset, both):  # type: ignore[no-untyped-def]
    """Write the sums of two digits that carry an offset, as numbers that carry it too."""
    for i in range(high.shape[0]):
        for j in range(high.shape[1]):
            both[i, j] = high[i, j] + low[i, j] - offset


@compiled(fastmath=_FUSED)
def accumulate(total, product, scale, prime, fresh):  # type: ignore[no-untyped-def]
    """Add scale * product to the total, reduced; a product that is scaled is reduced first, so that this is exact.

    If fresh, the total counts as zero.
    """
    reciprocal = 1.0 / prime
    for i in range(total.shape[0]):
        if fresh:
            for j in range(total.shape[1]):
                total[i, j] = 0.0
        if scale != 1.0:
            for j in range(total.shape[1]):
                scaled = scale * _reduced(np.float64(product[i, j]), prime, reciprocal)
                total[i, j] = _reduced(total[i, j] + scaled, prime, reciprocal)
        else:
            for j in range(total.shape[1]):
                total[i, j] = _reduced(total[i, j] + product[i, j], prime, reciprocal)


@compiled(fastmath=_FUSED)
def add_to(matrix, top, left, sign, product, prime):  # type: ignore[no-untyped-def]
    """Add sign * product to a rectangle of the matrix, reduced; with a sign of 0 the product replaces it."""
    reciprocal = 1.0 / prime
    for i in range(product.shape[0]):
        target = matrix[top + i, left : left + product.shape[1]]
        if sign == 0.0:
            for j in range(product.shape[1]):
                target[j] = _reduced(np.float64(product[i, j]), prime, reciprocal)
        else:
            for j in range(product.shape[1]):
                target[j] = _reduced(target[j] + sign * np.float64(product[i, j]), prime, reciprocal)


@compiled(fastmath=_FUSED)
def combine(first, top, left, second, second_top, second_left, sign, prime, reciprocal, result):  # type: ignore[no-untyped-def]
    """Set the result to first + sign * second, rectangles of the result's shape, reduced.

    For residues of up to two bytes the sign, the prime and its reciprocal are best float32, which is twice as fast.
    """
    for i in range(result.shape[0]):
        a = first[top + i, left : left + result.shape[1]]
        b = second[second_top + i, second_left : second_left + result.shape[1]]
        out = result[i]
        for j in range(result.shape[1]):
            out[j] = _reduced(a[j] + sign * b[j], prime, reciprocal)


@compiled()
def balance(integers, prime, result):  # type: ignore[no-untyped-def]
    """Write the balanced residues of an int64 matrix to the result."""
    half = prime // 2
    for i in range(integers.shape[0]):
        for j in range(integers.shape[1]):
            residue = integers[i, j]
            if residue < 0 or residue >= prime:
                residue %= prime
            result[i, j] = residue - prime if residue > half else residue


@compiled()
def are_balanced(floats, prime):  # type: ignore[no-untyped-def]
    """True if a float64 matrix holds only whole numbers within prime // 2 of 0."""
    half = np.float64(prime // 2)
    for i in range(floats.shape[0]):
        for j in range(floats.shape[1]):
            value = floats[i, j]
            if not (abs(value) <= half and value == np.rint(value)):
                return False
    return True


@compiled()
def narrow_in_place(floats, integers):  # type: ignore[no-untyped-def]
    """Move whole numbers, front to back, to an array of a smaller type that begins at the same address."""
    held = np.empty(_CHUNK, dtype=integers.dtype)
    for start in range(0, len(floats), _CHUNK):
        source, target = floats[start : start + _CHUNK], integers[start : start + _CHUNK]
        for i in range(len(source)):
            held[i] = source[i]
        for i in range(len(source)):
            target[i] = held[i]


@compiled()
def transpose(matrix, result):  # type: ignore[no-untyped-def]
    """Write the transpose to the result, square by square."""
    side = 32
    rows, columns = matrix.shape
    for top in range(0, rows, side):
        for left in range(0, columns, side):
            for i in range(top, min(rows, top + side)):
                for j in range(left, min(columns, left + side)):
                    result[j, i] = matrix[i, j]
