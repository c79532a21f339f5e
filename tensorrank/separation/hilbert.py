"""The dimensions of the spaces of functions on a side, degree by degree: Hilbert series and the moment bound.

The moment matrix M = sum_j x_j x_j^T of n tokens of dimension d has rank at most min(n, d). By Howe duality for
GL_d x O_n the functions of degree k on one side of a bipartition span, for n < d, spaces of dimension

    B_k(n) = [t^2k]     average over g in O(n) of          det(1 - t g)^-d     (functions of M: O(n)-invariants),
    A_k(n) = [t^(2k+1)] average over g in O(n) of  trace(g) det(1 - t g)^-d     (x_q times functions of M: vectors).

For n >= d the entries of M are independent, and B_k = ((D, k)) and A_k = d ((D, k)) with D = d(d+1)/2. Here ((n, k)) is
the number of monomials of degree k in n variables.

B_k is also the sum of dim S_2mu(d) over partitions with at most n rows, and A_k the sum of dim S_mu(d) over partitions
with one odd row. Listing partitions is expensive. By Weyl's integration formula the averages are small determinants,
which take a fraction of a second up to width 16 and half a minute at width 64 with 32 tokens.

Both series are rational in x = t^2 with denominator (1 - x)^pole, where pole = nd - n(n-1)/2 is the dimension of the
set of moment matrices. Once a series is known, its values and sums at any degree are exact and immediate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import accumulate, islice
from math import comb, prod

import numpy as np
from numpy.polynomial.polynomial import polyadd, polymul, polypow

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.primes import LARGEST_PRIME, primes_below
from tensorrank.errors import TooLargeError
from tensorrank.separation.interpolation import line_coefficients
from tensorrank.separation.monomials import monomial_count

# Steps of the determinants that take about a minute; width 64 with 32 tokens takes half of them.
_MOST_STEPS = 45 * 10**8


@dataclass(frozen=True)
class HilbertSeries:
    """The series numerator(x) / (1 - x)^pole; its coefficient at x^k is the dimension in degree k.

    >>> HilbertSeries((1,), 3).value(2), HilbertSeries((1,), 3).sum_to(2)
    (6, 10)
    """

    numerator: tuple[int, ...]
    pole: int

    def value(self, degree: int) -> int:
        """The coefficient at x^degree (0 for negative degrees)."""
        return sum(h * monomial_count(self.pole, degree - j) for j, h in enumerate(self.numerator))

    @property
    def summed(self) -> HilbertSeries:
        """The series of the sums of the coefficients up to each degree."""
        return HilbertSeries(self.numerator, self.pole + 1)

    def sum_to(self, degree: int) -> int:
        """The sum of the coefficients at x^0..x^degree."""
        return self.summed.value(degree)


@dataclass(frozen=True)
class MomentSpaces:
    """The functions on the two sides of a bipartition, by degree in that side's moment matrix.

    Attributes:
        degree: C, the degree of the whole in the moments.
        output_side: A_k, functions x_q f(M_A) with f of degree k (the side of the output token).
        other_side: B_k, functions of M_B of degree k.
    """

    degree: int
    output_side: HilbertSeries
    other_side: HilbertSeries

    def rows(self, k: int) -> int:
        """A_k: the dimension on the output token's side at degree k there."""
        return self.output_side.value(k)

    def columns(self, k: int) -> int:
        """B_(C-k): the dimension on the other side at degree k on the output token's side."""
        return self.other_side.value(self.degree - k)

    def crossing(self) -> int:
        """The largest k with A_k <= B_(C-k); -1 if there is none. A_k grows with k and B_(C-k) falls."""
        low, high = -1, self.degree
        while low < high:
            middle = (low + high + 1) // 2
            if self.rows(middle) <= self.columns(middle):
                low = middle
            else:
                high = middle - 1
        return low

    def bound(self) -> int:
        """Sum over k of min(A_k, B_(C-k)), the moment bound on the separation rank."""
        crossing = self.crossing()
        return self.output_side.sum_to(crossing) + self.other_side.sum_to(self.degree - crossing - 1)


@lru_cache(maxsize=4096)
def block_shape(spaces: MomentSpaces, k: int) -> tuple[int, int]:
    """The rows and columns of the block of degree k; plans ask for them again and again.

    >>> block_shape(moment_spaces(2, 4, 2, 2), 1)
    (6, 10)
    """
    return spaces.rows(k), spaces.columns(k)


def moment_spaces(width: int, degree: int, output_tokens: int, other_tokens: int) -> MomentSpaces:
    """The function spaces for so many tokens on the output token's side and on the other.

    >>> spaces = moment_spaces(width=2, degree=13, output_tokens=2, other_tokens=2)
    >>> [min(spaces.rows(k), spaces.columns(k)) for k in range(14)]
    [2, 6, 12, 20, 30, 42, 36, 28, 21, 15, 10, 6, 3, 1]
    >>> spaces.bound()
    232
    """
    near = _of_one_token(width, 1, degree) if output_tokens == 1 else vector_series(width, output_tokens)
    far = _of_one_token(width, 0, degree) if other_tokens == 1 else invariant_series(width, other_tokens)
    return MomentSpaces(degree, near, far)


@cache
def invariant_series(width: int, tokens: int) -> HilbertSeries:
    """The series of B_k, the dimensions of the spaces of degree-k polynomials in the moments of so many tokens."""
    if tokens == 0:
        return HilbertSeries((1,), 0)
    if tokens >= width:
        return HilbertSeries((1,), width * (width + 1) // 2)
    return _of_one_token(width, 0, width) if tokens == 1 else _averaged(width, tokens, vector=False)


@cache
def vector_series(width: int, tokens: int) -> HilbertSeries:
    """The series of A_k: the dimensions of the spans of x_q times degree-k polynomials in the moments, x a token."""
    if tokens >= width:
        return HilbertSeries((width,), width * (width + 1) // 2)
    return _of_one_token(width, 1, width) if tokens == 1 else _averaged(width, tokens, vector=True)


def _of_one_token(width: int, parity: int, most: int) -> HilbertSeries:
    """The series of the forms of degree 2k + parity in one token, right for k up to `most`.

    Forms of all degrees have the series 1 / (1 - z)^width, which is (1 + z)^width / (1 - z^2)^width.
    """
    _refuse_steps(width * min(width, 2 * most), 1, width)
    degrees = range(parity, min(width - 1, 2 * most), 2)
    first = width if parity else 1
    numerator = accumulate(degrees, lambda c, n: c * (width - n) * (width - n - 1) // ((n + 1) * (n + 2)), initial=first)
    return HilbertSeries(tuple(numerator), width)


def _refuse_steps(steps: int, tokens: int, width: int) -> None:
    if steps > _MOST_STEPS:
        raise TooLargeError(
            f"counting the functions of {shown(tokens)} tokens of width {shown(width)} would take minutes; expected "
            "smaller sizes, or as many tokens as the width, for which the count is known"
        )


def _averaged(width: int, tokens: int, *, vector: bool) -> HilbertSeries:
    """The series of the average over O(n), as the mean of the averages over its two components.

    Let m pairs exp(+-i theta) be the free eigenvalues of a component, and a_k the Fourier coefficients of
    phi = |1 - t exp(i theta)|^-2d. The average of the product of all phi(theta) is a determinant of
    a_(i-j) +- a_(i+j+shift). The fixed eigenvalues +-1 of the component add a factor. The average times the trace is
    the determinant with the last row replaced by its successor: 2 cos(theta) shifts the functions behind the rows up
    and down, and all else repeats a row or cancels against the fixed eigenvalues.
    """
    pairs = tokens // 2
    _refuse_steps(width**2 * max(1, pairs**3 * (pairs**2 + 12 * width) // 4), tokens, width)
    # Each component: free pairs, sign, shift, and the factors of the fixed eigenvalues over a power of 1 - t^2.
    # Coefficients stand lowest first.
    if tokens % 2:
        components = [(pairs, -1, 1, _power((1, 1), width)), (pairs, 1, 1, _power((1, -1), width))]
    else:
        components = [(pairs, 1, 0, _power((1,), 1)), (pairs - 1, -1, 2, _power((1, 0, -1), width - 1))]
    pole = pairs * (2 * width - 1) + (width if tokens % 2 else 0)
    total = _power((0,), 1)
    for count, sign, shift, fixed in components:
        numerator = _determinant(width, count, sign, shift, last_row=count - (not vector))
        if count == 0 and vector:
            # Nothing but the fixed eigenvalues +1 and -1, whose trace is 0.
            numerator = [0]
        if shift == 0 and not (vector and count == 1):
            # The first row is that of cos(0) = 1, which stands twice; its successor 2 cos(theta) does not.
            numerator = [c // 2 for c in numerator]
        total = polyadd(total, polymul(np.array(numerator, dtype=object), fixed))
    parity = 1 if vector else 0
    numerator = [c // 2 for c in total[parity::2]]
    dimension = tokens * width - tokens * (tokens - 1) // 2
    for _ in range(pole - dimension):
        numerator = _divided_by_one_minus_x(numerator)
    while numerator and numerator[-1] == 0:
        numerator.pop()
    return HilbertSeries(tuple(numerator), dimension)


def _determinant(width: int, size: int, sign: int, shift: int, *, last_row: int) -> list[int]:
    """det[a_(i-j) + sign a_(i+j+shift)] without its denominator (1 - t^2)^(size (2 width - 1)): coefficients in t.

    Rows are i = 0..size-2 and last_row, columns j = 0..size-1. Values are computed modulo primes and lifted. No
    coefficient exceeds a bound that the product of these primes exceeds more than twice, so the result is proved and
    the choice of the primes is free.
    """
    if size == 0:
        return [1]
    rows = [*range(size - 1), last_row]
    orders = range(last_row + size + shift)
    fourier = {k: _fourier_numerator(width, k) for k in orders}
    longest = max(k + 2 * (len(f) - 1) for k, f in fourier.items())
    sizes = {k: sum(map(abs, f)) for k, f in fourier.items()}
    bound = prod(sum(sizes[abs(i - j)] + sizes[i + j + shift] for j in range(size)) for i in rows)
    points = np.arange(size * longest + 1)
    coefficients, modulus = [0] * len(points), 1
    for prime in islice(primes_below(LARGEST_PRIME), bound.bit_length() // 30 + 2):
        field = PrimeField(prime)
        values = {k: _evaluate(f, k, points, prime) for k, f in fourier.items()}
        matrices = np.stack(
            [np.stack([values[abs(i - j)] + sign * values[i + j + shift] for j in range(size)], -1) for i in rows], -2
        )
        residues = line_coefficients(_determinants_mod(matrices % prime, field), field)
        lift = pow(modulus, -1, prime)
        coefficients = [c + modulus * ((int(r) - c) * lift % prime) for c, r in zip(coefficients, residues, strict=True)]
        modulus *= prime
    return [c - modulus if c > modulus // 2 else c for c in coefficients]


def _fourier_numerator(width: int, k: int) -> list[int]:
    """q(x) with a_k = t^k q(t^2) / (1 - t^2)^(2d-1), for |1 - t exp(i theta)|^-2d; a polynomial of degree below d."""
    series = [comb(width + j - 1, j) * comb(width + k + j - 1, k + j) for j in range(width)]
    return list(polymul(np.array(series, dtype=object), _power((1, -1), 2 * width - 1))[:width])


def _evaluate(numerator: list[int], k: int, points: Residues, prime: int) -> Residues:
    squares = points * points % prime
    value = np.zeros_like(points)
    for coefficient in reversed(numerator):
        value = (value * squares + coefficient % prime) % prime
    for _ in range(k):
        value = value * points % prime
    return value


def _determinants_mod(matrices: Residues, field: PrimeField) -> Residues:
    """The determinants of a stack of square matrices over GF(p), shape (count, n, n)."""
    work, everyone = matrices.copy(), np.arange(len(matrices))
    result = np.ones(len(work), dtype=np.int64)
    for column in range(work.shape[1]):
        pivot = column + (work[:, column:, column] != 0).argmax(axis=1)
        top, chosen = work[:, column].copy(), work[everyone, pivot].copy()
        work[everyone, pivot], work[:, column] = top, chosen
        diagonal = chosen[:, column]
        result = np.where(pivot == column, result, -result) * diagonal % field.prime
        inverse = field.inverse(np.where(diagonal == 0, 1, diagonal))
        factors = work[:, column + 1 :, column] * inverse[:, None] % field.prime
        work[:, column + 1 :] = (work[:, column + 1 :] - factors[..., None] * chosen[:, None] % field.prime) % field.prime
    return result


def _power(base: Sequence[int], exponent: int) -> Array:
    # Whole numbers of any size: numpy's polynomials keep them where they are objects.
    return np.asarray(polypow(np.array(base, dtype=object), exponent))


def _divided_by_one_minus_x(numerator: list[int]) -> list[int]:
    *quotient, remainder = accumulate(numerator)
    if remainder != 0:
        raise ArithmeticError("a Hilbert series has a pole of higher order than its dimension")
    return quotient
