"""Arrays over GF(p): random ones, reduction, products, inverses, and the exact images of rational numbers."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from operator import index
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import as_whole_number, shown
from tensorrank.arithmetic.arrays import Array, Floats, Integers
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.primes import LARGEST_PRIME, is_prime, primes_below
from tensorrank.errors import PrimeError, TensorRankError

Residues = Integers

# A float64 holds every integer up to 2**53; sums of products must stay below.
_EXACT = 2**53
# A float64 is a whole number of this many bits times a power of 2.
_MANTISSA_BITS = 53
# Where one product alone takes too much of the 53 bits, one of its factors is cut in two at this bit.
SPLIT_BIT = 15
# The fewest products to sum between two reductions: with fewer, most time would go into reducing.
FEWEST_TERMS = 64


@dataclass(frozen=True)
class PrimeField:
    """The field GF(p) of a prime p, 2 <= p < 2**31; its arrays are int64 with entries in 0..p-1.

    Raises:
        PrimeError: if the number is not a prime in that range.

    >>> field = PrimeField(7)
    >>> field.matmul([[1, 2], [3, 4]], [[5], [6]])
    array([[3],
           [4]])
    """

    prime: int

    def __post_init__(self) -> None:
        given = self.prime
        number = as_whole_number(given)
        if number is None:
            raise PrimeError(f"the modulus is {shown(given)}; expected a whole number that is prime")
        if not 2 <= number <= LARGEST_PRIME:
            raise PrimeError(f"the modulus is {shown(given)}; expected a prime between 2 and {LARGEST_PRIME} (2**31 - 1)")
        if not is_prime(number):
            nearest = next(primes_below(number))
            raise PrimeError(f"the modulus {number} is not a prime; try {nearest}")
        object.__setattr__(self, "prime", number)

    @cached_property
    def imaginary_unit(self) -> int:
        """A square root of -1, which there is for p = 2 and where p is 1 modulo 4: the smaller of the two.

        Raises:
            PrimeError: if p is 3 modulo 4.

        >>> PrimeField(13).imaginary_unit
        5
        """
        if self.prime % 4 == 3:
            nearest = next((p for p in primes_below(self.prime) if p % 4 == 1), 5)
            raise PrimeError(
                f"-1 has no square root modulo {self.prime}, and complex entries need one; expected a prime that is 1 modulo "
                f"4: try {nearest}"
            )
        # A power of a number that is no square; half of all numbers are none.
        roots = (pow(number, (self.prime - 1) // 4, self.prime) for number in range(1, self.prime))
        root = next(root for root in roots if root * root % self.prime == self.prime - 1)
        return min(root, self.prime - root)

    @property
    def largest_residue(self) -> int:
        """A bound on the absolute value of a balanced residue, with room for the rounding of x - p*rint(x/p)."""
        return self.prime // 2 + 2

    @property
    def splits(self) -> bool:
        """True if products cut one factor in two, because whole factors would leave too few terms to a sum."""
        return (_EXACT - 4 * self.prime) // self.largest_residue**2 < FEWEST_TERMS

    @property
    def terms(self) -> int:
        """The number of products of balanced residues that a float64 can sum exactly.

        If the field splits factors, one factor of each product is a half, below 2**SPLIT_BIT in absolute value.
        """
        factor = 2**SPLIT_BIT if self.splits else self.largest_residue
        # Small primes would allow sums so long that x/p loses its fraction; 2**14 terms keep rint exact.
        return min((_EXACT - 4 * self.prime) // (factor * self.largest_residue), 2**14)

    @property
    def constants(self) -> tuple[float, float, int]:
        """The numbers that compiled code needs: p, the scale at which factors are cut (0: never), and `terms`."""
        return float(self.prime), 2.0**SPLIT_BIT if self.splits else 0.0, self.terms

    def random(self, shape: int | tuple[int, ...], rng: np.random.Generator) -> Residues:
        """Uniformly random elements of the field, an int64 array of the given shape."""
        return rng.integers(0, self.prime, shape, dtype=np.int64)

    def reduce(self, integers: ArrayLike) -> Residues:
        """The residues 0..p-1 of an array of whole numbers of any size (unsigned and Python integers too).

        Raises:
            TensorRankError: if the array does not hold integers; `image` takes fractions and floats.
        """
        array = as_given(integers)
        if array.size == 0:
            return np.zeros(array.shape, dtype=np.int64)
        if array.dtype == object:
            odd = [x for x in array.flat if not isinstance(x, int | np.integer)]
            if odd:
                raise _not_whole(f"with the entry {shown(odd[0])}")
            return np.array([int(x) % self.prime for x in array.flat], dtype=np.int64).reshape(array.shape)
        if array.dtype.kind not in "iub":
            raise _not_whole(f"of {array.dtype}")
        if array.dtype.kind == "u":
            return (array % np.uint64(self.prime)).astype(np.int64)
        return array.astype(np.int64) % self.prime

    def image(self, values: ArrayLike) -> Residues:
        """The exact image of whole numbers, fractions or floats, complex ones too; a float is what it stores exactly.

        The imaginary unit goes to a square root of -1, so that the image of a sum is the sum of the images, and the
        image of a product their product.

        Raises:
            TensorRankError: for NaN, infinity, or entries that are no rational numbers.
            PrimeError: if a denominator is divisible by p (for p = 2, any float that is not whole), or entries are
                complex and -1 has no square root.

        >>> from fractions import Fraction
        >>> PrimeField(7).image([0.5, Fraction(1, 3), -1])
        array([4, 5, 6])
        >>> PrimeField(5).image([1j, 1 + 0.5j])
        array([2, 2])
        """
        array = as_given(values)
        if array.dtype.kind in "iub":
            return self.reduce(array)
        if array.dtype.kind == "c":
            return (self.image(array.real) + self.imaginary_unit * self.image(array.imag)) % self.prime
        if array.dtype.kind not in "fO":
            raise TensorRankError(f"an array of {array.dtype} was given; expected whole numbers, fractions or floats")
        if array.dtype.kind == "f" and array.dtype.itemsize <= 8:
            return self._image_of_floats(array)
        if array.dtype == object and all(isinstance(value, float) for value in array.flat):
            return self._image_of_floats(array.astype(np.float64))
        residues = [self._image_of(value) for value in array.flat]
        return np.array(residues, dtype=np.int64).reshape(array.shape)

    def _image_of_floats(self, array: Array) -> Residues:
        if array.size == 0:
            return np.zeros(array.shape, dtype=np.int64)
        given = array.ravel()
        floats = given.astype(np.float64)
        finite = np.isfinite(floats)
        if not finite.all():
            raise _not_finite(given[~finite][0])
        if self.prime == 2:
            halved = floats != np.trunc(floats)
            if halved.any():
                raise self._divides(given[halved][0])
            return np.asarray(floats % 2, dtype=np.int64).reshape(array.shape)
        fractions, exponents = np.frexp(floats)
        # floats = mantissas * 2**(exponents - 53) with whole mantissas, subnormal numbers too.
        mantissas = np.ldexp(fractions, _MANTISSA_BITS).astype(np.int64)
        least = int(exponents.min())
        span, first = int(exponents.max()) - least, pow(2, least - _MANTISSA_BITS, self.prime)
        doubled = accumulate(range(span), lambda power, _: power * 2 % self.prime, initial=first)
        powers = np.fromiter(doubled, dtype=np.int64)
        residues = mantissas % self.prime * powers[exponents - least] % self.prime
        return np.asarray(residues, dtype=np.int64).reshape(array.shape)

    def _image_of(self, value: Any) -> int:
        if isinstance(value, np.integer):
            value = int(value)
        try:
            top, bottom = map(index, value.as_integer_ratio())
        except (ValueError, OverflowError):  # NaN and infinity, of Decimal too
            raise _not_finite(value) from None
        except (AttributeError, TypeError):
            raise TensorRankError(f"an entry is {shown(value)}; expected a whole number, fraction or float") from None
        if bottom % self.prime == 0:
            # Only a ratio that is not in lowest terms, as Python's numbers give it, may have an image all the same.
            top, bottom = Fraction(top, bottom).as_integer_ratio()
            if bottom % self.prime == 0:
                raise self._divides(value)
        return top * pow(bottom, -1, self.prime) % self.prime

    def _divides(self, value: Any) -> PrimeError:
        return PrimeError(f"the entry {value} has a denominator divisible by {self.prime}; choose another prime")

    def balanced(self, residues: ArrayLike) -> Floats:
        """Balanced residues as float64: those in (-p/2, p/2], of which the most products can be summed exactly."""
        reduced = self.reduce(residues)
        return np.where(reduced > self.prime // 2, reduced - self.prime, reduced).astype(np.float64)

    def matmul(self, left: ArrayLike, right: ArrayLike) -> Residues:
        """The exact matrix product of two arrays of whole numbers, of any inner size and batched as by numpy.matmul.

        The products run on float64 BLAS: balanced residues are summed `terms` at a time, which stays below 2**53.
        """
        a, b = self.balanced(left), self.balanced(right)
        if not self.splits:
            return self._matmul_exact(a, b)
        high = np.rint(a / 2**SPLIT_BIT)
        low = a - high * 2**SPLIT_BIT
        upper = self._matmul_exact(high, b) * 2**SPLIT_BIT
        return np.asarray((upper + self._matmul_exact(low, b)) % self.prime, dtype=np.int64)

    def _matmul_exact(self, a: Floats, b: Floats) -> Residues:
        inner = a.shape[-1] if a.ndim else 0
        if inner <= self.terms:
            return np.asarray(np.matmul(a, b)).astype(np.int64) % self.prime
        step = self.terms
        parts = (
            np.matmul(a[..., start : start + step], b[start : start + step] if b.ndim == 1 else b[..., start : start + step, :])
            for start in range(0, inner, step)
        )
        return np.asarray(sum(part.astype(np.int64) % self.prime for part in parts) % self.prime, dtype=np.int64)

    def inverse(self, residues: ArrayLike) -> Residues:
        """The multiplicative inverse of every entry.

        Raises:
            PrimeError: if an entry is divisible by p.

        >>> PrimeField(7).inverse([1, 2, 3])
        array([1, 4, 5])
        """
        base = self.reduce(residues)
        if not base.all():
            raise PrimeError(f"an entry divisible by {self.prime} has no inverse in GF({self.prime})")
        result = np.ones_like(base)
        exponent = self.prime - 2
        while exponent:
            if exponent & 1:
                result = result * base % self.prime
            base = base * base % self.prime
            exponent >>= 1
        return result


def factorials(highest: int, field: PrimeField) -> Residues:
    """The factorials 0!, 1!, ..., highest! in GF(p).

    >>> factorials(4, PrimeField(7))
    array([1, 1, 2, 6, 3])
    """
    values = accumulate(range(1, highest + 1), lambda value, n: value * n % field.prime, initial=1)
    return np.fromiter(values, dtype=np.int64)


def _not_whole(array: str) -> TensorRankError:
    return TensorRankError(
        f"an array {array} was given where whole numbers are expected; use PrimeField.image for fractions and floats"
    )


def _not_finite(value: Any) -> TensorRankError:
    return TensorRankError(f"an entry is {value}; expected finite numbers")
