"""The moment bound and the affine bound in logarithms, for networks as large as those in use.

As whole numbers these bounds would have billions of digits. Each is a sum over k = 0..C of min(f ((D, k)), ((D, C-k))):
f functions of the output token and D free entries of the moment matrix, both different for the two bounds.
"""

from __future__ import annotations

import math

from scipy.special import betaln

from tensorrank.arguments import whole_number
from tensorrank.errors import TensorRankError

# The degree of a network of so many layers is a float with room to spare; that of a deeper one exceeds every width.
_MOST_COUNTED = 600
_WIDEST = 10**100


def log_monomial_count(variables: int, degree: int) -> float:
    """The natural logarithm of ((n, k)) = binom(n+k-1, k), the monomials of degree k in n variables.

    >>> from math import comb, log
    >>> abs(log_monomial_count(6, 10) - log(comb(15, 10))) < 1e-12
    True
    """
    if variables == 1:
        return 0.0
    return float(-math.log(variables + degree) - betaln(float(variables), float(degree + 1)))


def log3_moment_bound(depth: int, width: int) -> float:
    """The logarithm to base 3 of `moment_bound` for many tokens (at least d a side), at any depth and width.

    About ten digits are right. `moment_bound` gives the whole number where it is not too large.

    Args:
        depth: L.
        width: d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the width is more than 10^100.

    Source: the moment form of Levine et al. (NeurIPS 2020, arXiv 2006.12467), section 2, as for `moment_bound`.

    >>> [round(3 ** log3_moment_bound(depth, 2)) for depth in (1, 2, 3, 4)]
    [3, 18, 232, 4538]
    >>> f"{log3_moment_bound(96, 12288):.4g}"
    '5.975e+09'
    """
    depth, width = _checked(depth, width)
    return _log3_bound(depth, width, width * (width + 1) // 2)


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
    return _log3_bound(depth, rank + 1, rank * (rank + 1) // 2 + rank * (width - rank))


def _checked(depth: int, width: int) -> tuple[int, int]:
    depth, width = whole_number("depth", depth, 1), whole_number("width", width, 1)
    if width > _WIDEST:
        raise TensorRankError("width is more than 10^100; expected the width of a network")
    return depth, width


def _log3_bound(depth: int, functions: int, entries: int) -> float:
    """The logarithm to base 3 of the sum over k of min(f ((D, k)), ((D, C-k))), for f functions and D entries.

    The first count grows with k and the second falls, so they cross once, after some k. The terms up to k sum to
    f ((D+1, k)), those beyond it to ((D+1, C-k-1)).
    """
    if depth > _MOST_COUNTED:
        return _saturated(depth, functions, entries)
    degree = (3**depth - 1) // 2
    low, high = -1, degree
    while low < high:
        middle = (low + high + 1) // 2
        if math.log(functions) + log_monomial_count(entries, middle) <= log_monomial_count(entries, degree - middle):
            low = middle
        else:
            high = middle - 1
    sides = []
    if low >= 0:
        sides.append(math.log(functions) + log_monomial_count(entries + 1, low))
    if low < degree:
        sides.append(log_monomial_count(entries + 1, degree - low - 1))
    return _log_sum(sides) / math.log(3)


def _saturated(depth: int, functions: int, entries: int) -> float:
    """The logarithm that `_log3_bound` gives, where C is far more than D.

    There ((D, k)) is k^(D-1) / (D-1)!, and the two counts cross at k = C / (1 + f^(1/(D-1))).
    """
    log_degree = depth * math.log(3) - math.log(2)
    if entries == 1:
        # f terms of each kind for f = 1: C + 1 in all; for more, the first k are no smaller than the others.
        return log_degree / math.log(3)
    ratio = math.log(functions) / (entries - 1)
    low = log_degree - math.log1p(math.exp(ratio))
    factorial = math.lgamma(entries + 1)
    sides = [math.log(functions) + entries * low - factorial, entries * (low + ratio) - factorial]
    return _log_sum(sides) / math.log(3)


def _log_sum(logs: list[float]) -> float:
    largest = max(logs)
    return largest + math.log(math.fsum(math.exp(log - largest) for log in logs))
