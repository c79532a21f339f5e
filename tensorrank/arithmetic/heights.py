"""How large given entries are as whole numbers, which bounds how many primes can divide what is made of them.

Entries are multiplied by a common denominator D, after which all are whole numbers. A determinant of such numbers, or a
coefficient of a polynomial in them, is a whole number whose size follows from theirs. If it is not zero and below 2^b,
then it has at most b / 30 prime divisors above 2^30, so a random prime hardly ever divides it
(`tensorrank.arithmetic.primes.PrimeRange.unlucky`). All sizes here are logarithms to base 2, rounded up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.given_arrays import as_given

# A float64 is a whole number of this many bits times a power of 2.
_MANTISSA_BITS = 53
# Up to so many bits in all, the least common denominator is computed.
_MOST_BITS = 2**16
# More than the rounding of any logarithm here.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Height:
    """The sizes of the entries of an array after multiplication by a common denominator D, in bits.

    Attributes:
        denominator: a bound on log2(D), of the least D for which all entries times D are whole numbers.
        largest: a bound on log2 of the largest absolute value of an entry times D; 0 if all are zero.
        total: a bound on log2 of the sum of these absolute values; 0 if all are zero.
    """

    denominator: float
    largest: float
    total: float

    @property
    def cleared(self) -> float:
        """The total and the denominator together, in bits.

        Primes that divide a denominator are passed over. A prime out of those that remain divides a number m with no
        larger probability than a prime out of all divides m * D.
        """
        return self.total + self.denominator


def height(values: ArrayLike) -> Height:
    """The height of an array of whole numbers, fractions or floats; a float is the dyadic rational it stores.

    Of complex floats it is the height of their real and imaginary parts together, so that sizes bound absolute values.

    >>> height([0.5, 3]).denominator, round(2 ** height([0.5, 3]).total, 3)
    (1.0, 7.0)
    """
    array = as_given(values)
    if not array.size:
        return Height(0.0, 0.0, 0.0)
    if array.dtype.kind == "c":
        return height(np.stack([array.real, array.imag]))
    if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
        return _of_floats(array.astype(np.float64))
    if array.dtype.kind in "iub":
        return _of_whole_numbers(array)
    ratios = [_ratio(value) for value in array.flat]
    bottoms = {bottom for _, bottom in ratios}
    if sum(bottom.bit_length() for bottom in bottoms) <= _MOST_BITS:
        common = math.lcm(*bottoms)
        scaled = [abs(top) * (common // bottom) for top, bottom in ratios]
        return Height(bits(common), bits(max(scaled)), bits(sum(scaled)))
    # The product of all denominators is a common one, too, and needs no long arithmetic.
    denominator = sum(map(bits, bottoms))
    sizes = [bits(abs(top)) - math.log2(bottom) for top, bottom in ratios if top] or [-denominator]
    return Height(denominator, denominator + max(sizes), denominator + bits_of_sum(sizes))


def bits(number: int) -> float:
    """log2 of a whole number of at least 1, of any size and rounded up; 0 for 0.

    >>> bits(8), bits(0), math.ceil(bits(3**5000))
    (3.0, 0.0, 7925)
    """
    if number <= 1:
        return 0.0
    found = math.log2(number)
    return found if found == int(found) and number == 1 << int(found) else found + _ROUNDING


def bits_of_sum(terms: Iterable[float]) -> float:
    """log2 of a sum of numbers whose logarithms are given; -inf for no terms.

    >>> bits_of_sum([3.0, 3.0])
    4.0
    """
    found = list(terms)
    return float(np.logaddexp2.reduce(found)) if found else -math.inf


def factorial_bits(number: int) -> float:
    """log2 of number!, rounded up; inf where that is beyond all floats.

    >>> round(2 ** factorial_bits(5), 3), factorial_bits(3**700)
    (120.0, inf)
    """
    return math.lgamma(number + 1) / math.log(2) + _ROUNDING if number < 2**1000 else math.inf


def minor_bits(size: int, entry: float) -> float:
    """log2 of a bound on the coefficients of a minor of this size, whose entries are polynomials.

    A minor is a sum of size! products of entries, so that the sum of the absolute values of its coefficients is at most
    size! times the product of those sums of its entries. For each entry that sum is at most 2^entry.
    """
    return factorial_bits(size) + size * entry


def _of_whole_numbers(array: Array) -> Height:
    sizes = np.abs(array.astype(np.float64))
    largest, total = float(sizes.max()), float(sizes.sum())
    return Height(0.0, math.log2(largest) + _ROUNDING, math.log2(total) + _ROUNDING) if largest else Height(0.0, 0.0, 0.0)


def _of_floats(array: Array) -> Height:
    given = array[array != 0]
    if not given.size:
        return Height(0.0, 0.0, 0.0)
    fractions, exponents = np.frexp(given)
    mantissas = np.abs(np.ldexp(fractions, _MANTISSA_BITS)).astype(np.int64)
    # The power of 2 that belongs to the last bit of an entry which is set.
    lowest = exponents - _MANTISSA_BITS + np.log2(mantissas & -mantissas).astype(np.int64)
    denominator = float(max(0, -int(lowest.min())))
    sizes = np.log2(mantissas.astype(np.float64)) + (exponents - _MANTISSA_BITS)
    largest, total = float(sizes.max()), float(np.logaddexp2.reduce(sizes))
    return Height(denominator, denominator + largest + _ROUNDING, denominator + total + _ROUNDING)


def _ratio(value: Any) -> tuple[int, int]:
    top, bottom = value.as_integer_ratio()
    return int(top), int(bottom)
