"""The moment bound and the affine bound in logarithms, for networks as large as those in use.

As whole numbers these bounds would have billions of digits. Each is a sum over k = 0..C of min(A_k, B_(C-k)). Here A_k
and B_k are the dimensions of the functions of degree k that the two sides have. For many tokens they are f ((D, k)) and
((D, k)): f functions of the output token and D free entries of the moment matrix, both different for the two bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

from tensorrank.arguments import whole_number
from tensorrank.attention.monomial import token_counts
from tensorrank.errors import TensorRankError, TooLargeError
from tensorrank.separation.hilbert import HilbertSeries, invariant_series, vector_series

T = TypeVar("T")
# The degree of a network of so many layers is a float with room to spare; that of a deeper one exceeds every width.
MOST_COUNTED = 600
LARGEST = 10**100
# Whole numbers beyond 3 to this power, some 48,000 digits, take seconds to count.
LONGEST_LOG3 = 1e5
_DEEPEST = 3000
# A product of so few factors is taken factor by factor; beyond it Stirling's formula has 12 digits.
_FEW = 16


def log_monomial_count(variables: int, degree: int) -> float:
    """The natural logarithm of ((n, k)) = binom(n+k-1, k), the monomials of degree k in n variables, to 12 digits.

    >>> from math import comb, log
    >>> abs(log_monomial_count(6, 10) - log(comb(15, 10))) < 1e-12
    True
    """
    few, many = sorted((variables - 1, degree))
    if few <= _FEW:
        return math.fsum(math.log1p(many / i) for i in range(1, few + 1))
    # Stirling's formula, ordered so that nothing large cancels.
    leading = few * math.log1p(many / few) + many * math.log1p(few / many)
    rest = math.log((1 / few + 1 / many) / (2 * math.pi)) / 2
    return leading + rest + _stirling_rest(few + many) - _stirling_rest(few) - _stirling_rest(many)


def _stirling_rest(number: int) -> float:
    """What log(n!) has beyond Stirling's formula n log n - n + log(2 pi n) / 2, up to 1 / (1680 n^7)."""
    inverse = 1 / number
    return inverse * (1 / 12 - inverse**2 * (1 / 360 - inverse**2 / 1260))


def refuse_long(what: str, log3: float, instead: str, most: float = LONGEST_LOG3) -> None:
    """Raise an error if a whole number, whose logarithm to base 3 is given, has too many digits."""
    if log3 > most:
        raise TooLargeError(
            f"{what} is about 3^{log3:.4g}; expected at most 3^{most:g}, whose digits can be computed. {instead}"
        )


def if_short(bound: Callable[[], T | None]) -> T | None:
    """A bound, or None where its digits or the search for it would take minutes."""
    try:
        return bound()
    except TooLargeError:
        return None


def refuse_deep(depth: int, what: str, instead: str) -> None:
    """Raise an error if a bound at such a depth would take too many steps, one for each digit of the degree."""
    if depth > _DEEPEST:
        raise TooLargeError(f"depth is {depth}; expected at most {_DEEPEST} for the digits of {what}. {instead}")


def checked_size(name: str, given: int) -> int:
    """A depth or a width, whole numbers from 1 to 10^100."""
    if whole_number(name, given, 1) > LARGEST:
        raise TensorRankError(f"{name} is more than 10^100; expected the {name} of a network")
    return int(given)


def power_of_3_reaches(depth: int, number: int) -> bool:
    """True if 3^depth is at least a positive whole number, without computing a power with millions of digits.

    >>> power_of_3_reaches(3, 27), power_of_3_reaches(3, 28), power_of_3_reaches(10**9, 28)
    (True, False, True)
    """
    return depth >= number.bit_length() or 3**depth >= number


def log3_moment_bound(depth: int, width: int, output_tokens: int | None = None, other_tokens: int | None = None) -> float:
    """The logarithm to base 3 of `moment_bound`, at any depth and width.

    About ten digits are right. `moment_bound` gives the whole number where it is not too large.

    Args:
        depth: L.
        width: d.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, a size is more than 10^100, or the functions
            of fewer tokens than d would take minutes to count.

    Source: the moment form of Levine et al. (NeurIPS 2020, arXiv 2006.12467), section 2, as for `moment_bound`.

    >>> [round(3 ** log3_moment_bound(depth, 2)) for depth in (1, 2, 3, 4)]
    [3, 18, 232, 4538]
    >>> round(3 ** log3_moment_bound(3, 2, 1, 1))
    105
    >>> f"{log3_moment_bound(96, 12288):.4g}"
    '5.975e+09'
    """
    depth, width = _checked(depth, width)
    near, far = token_counts(width, output_tokens, other_tokens)
    if near == far == 1:
        # The lesser of the two degrees takes each value up to C once.
        return log3_monomials_to_degree(depth, width)
    return log3_crossing_sum(depth, vector_series(width, near), invariant_series(width, far))


def log3_monomials_to_degree(depth: int, variables: int) -> float:
    """The logarithm to base 3 of binom(n + C, n), the monomials of degree up to C = (3^L - 1) / 2 in n variables."""
    if depth <= MOST_COUNTED:
        return log_monomial_count(variables + 1, (3**depth - 1) // 2) / math.log(3)
    # The degree is far more than the square of any number of variables: binom(n + C, n) is C^n / n!.
    return variables * (depth - math.log(2, 3)) - math.lgamma(variables + 1) / math.log(3)


def log3_affine_bound(depth: int, width: int, embedding_rank: int) -> float:
    """The logarithm to base 3 of `affine_bound`, for an embedding of rank r and a position vector for each token.

    About ten digits are right. `affine_bound` gives the whole number where it is not too large.

    Args:
        depth: L.
        width: d.
        embedding_rank: r, at most d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, the width is more than 10^100, or the rank is
            more than the width.

    Source: as for `affine_bound`; embeddings of low rank, Wies, Levine, Jannai, Shashua (ICML 2021, arXiv 2105.03928).

    >>> [round(3 ** log3_affine_bound(2, 3, rank)) for rank in (1, 2)]
    [18, 39]
    """
    depth, width = _checked(depth, width)
    rank = whole_number("embedding_rank", embedding_rank, 1)
    if rank > width:
        raise TensorRankError(f"embedding_rank is {rank}; expected at most the width {width}")
    free = rank * (rank + 1) // 2 + rank * (width - rank)
    return log3_crossing_sum(depth, HilbertSeries((rank + 1,), free), HilbertSeries((1,), free))


def _checked(depth: int, width: int) -> tuple[int, int]:
    return checked_size("depth", depth), checked_size("width", width)


def log3_crossing_sum(depth: int, output_side: HilbertSeries, other_side: HilbertSeries) -> float:
    """The logarithm to base 3 of the sum over k of min(A_k, B_(C-k)), for the series of A_k and B_k.

    The first number grows with k and the second falls, so they cross once, after some k.
    """
    if depth > MOST_COUNTED:
        return _saturated(depth, output_side, other_side)
    degree = (3**depth - 1) // 2
    low, high = -1, degree
    while low < high:
        middle = (low + high + 1) // 2
        if _log_value(output_side, middle) <= _log_value(other_side, degree - middle):
            low = middle
        else:
            high = middle - 1
    sides = []
    if low >= 0:
        sides.append(_log_value(output_side.summed, low))
    if low < degree:
        sides.append(_log_value(other_side.summed, degree - low - 1))
    return _log_sum(sides) / math.log(3)


def _log_value(series: HilbertSeries, degree: int) -> float:
    """The natural logarithm of a coefficient of a series."""
    terms = enumerate(series.numerator[: degree + 1])
    return _log_sum([math.log(h) + log_monomial_count(series.pole, degree - j) for j, h in terms if h])


def _saturated(depth: int, output_side: HilbertSeries, other_side: HilbertSeries) -> float:
    """The logarithm that `log3_crossing_sum` gives, where C is far more than the sizes of the series.

    There A_k is a k^(V-1) / (V-1)!, where a is the sum of the numerator and V the pole, and so is B_k with b. For equal
    poles the two cross at k = C / (1 + (a/b)^(1/(V-1))); otherwise the side with the smaller pole is almost all of the
    sum.
    """
    log_degree = depth * math.log(3) - math.log(2)
    near, far = ((math.log(sum(side.numerator)), side.pole) for side in (output_side, other_side))
    count, entries = min(near, far, key=lambda side: side[::-1])
    if near[1] != far[1] or entries == 1:
        # With one entry the numbers do not grow with k: the smaller is taken everywhere, C + 1 times.
        return (count + entries * log_degree - math.lgamma(entries + 1)) / math.log(3)
    ratio = (near[0] - far[0]) / (entries - 1)
    low = log_degree - math.log1p(math.exp(ratio))
    sides = [near[0] + entries * low, far[0] + entries * (low + ratio)]
    return (_log_sum(sides) - math.lgamma(entries + 1)) / math.log(3)


def _log_sum(logs: list[float]) -> float:
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs))
