"""The separation rank between two tokens, which a theorem gives for every depth and width.

**Theorem.** One token stands on each side, and one head is at least as wide as the tokens. Then for almost all weights
the separation rank is binom(d + C, d), with C = (3^L - 1) / 2: the number of monomials of degree at most C in d
variables. It is the same with further heads, with shared keys and values, with residual connections, and with position
vectors or an embedding, but not with both. With an embedding d is its rank.

The statement with its proof stands in docs/explanation/two_tokens.md.
"""

from __future__ import annotations

import math
from functools import lru_cache
from math import comb

from tensorrank.arguments import finite_number
from tensorrank.attention.large_counts import checked_size, log3_monomials_to_degree, refuse_long
from tensorrank.separation.architecture import ProvedRank

# The binomial coefficient of so many digits, some 950,000, takes about two seconds.
_LONGEST_LOG3 = 2e6


def two_token_rank(depth: int, width: int) -> int:
    """The separation rank between two tokens, binom(d + C, d), for almost all weights and a head of full width.

    Args:
        depth: L, which gives the degree C = (3^L - 1) / 2.
        width: d; with an embedding its rank.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the rank has more than a million digits.

    Source: the theorem on two tokens, stated and proved in docs/explanation/two_tokens.md.

    >>> [two_token_rank(depth, 2) for depth in (1, 2, 3, 4)]
    [3, 15, 105, 861]
    >>> two_token_rank(96, 12288).bit_length()
    1708198
    """
    log3 = log3_two_token_rank(depth, width)
    refuse_long("the rank between two tokens", log3, "Try log3_two_token_rank", most=_LONGEST_LOG3)
    return _binomial((3**depth - 1) // 2, width)


def masked_two_token_bound(depth: int, width: int) -> int:
    """A lower bound on the rank between two tokens under a causal mask, binom(d + 3^(L-1), d).

    It holds for almost all weights and a head of full width. The output token is the second of the two, and sees both.

    Args:
        depth: L.
        width: d; with an embedding its rank.

    Raises:
        TensorRankError: as `two_token_rank` does.

    Source: stated and proved in docs/explanation/two_tokens.md, behind the theorem on two tokens.

    >>> [masked_two_token_bound(depth, 2) for depth in (1, 2, 3)]
    [3, 10, 55]
    """
    # It is less than without a mask.
    log3 = log3_two_token_rank(depth, width)
    refuse_long("the bound between two tokens", log3, "Try smaller sizes", most=_LONGEST_LOG3)
    return _binomial(3 ** (depth - 1), width)


@lru_cache(maxsize=16)
def _binomial(degree: int, width: int) -> int:
    # A study asks for the rank several times.
    return comb(width + degree, min(width, degree))


def two_token_theorem(depth: int, width: int) -> ProvedRank:
    """The rank between two tokens as `separation_rank` gives it, with the theorem in words.

    >>> two_token_theorem(3, 2)
    ProvedRank(value=105, theorem='the theorem on two tokens, binom(d + C, d) with d = 2 and C = (3^3 - 1) / 2')
    """
    words = f"the theorem on two tokens, binom(d + C, d) with d = {width} and C = (3^{depth} - 1) / 2"
    return ProvedRank(two_token_rank(depth, width), words)


def log3_two_token_rank(depth: int, width: int) -> float:
    """The logarithm to base 3 of `two_token_rank`, at any depth and width.

    Ten digits and more are right. It is close to d phi(C / d), where phi is `rank_curve`.

    Args:
        depth: L.
        width: d; with an embedding its rank.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or more than 10^100.

    Source: as for `two_token_rank`.

    >>> [round(3 ** log3_two_token_rank(depth, 2)) for depth in (1, 2, 3, 4)]
    [3, 15, 105, 861]
    >>> f"{log3_two_token_rank(96, 12288):.6g}, {log3_two_token_rank(10**9, 12288):.4g}"
    '1.07775e+06, 1.229e+13'
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    return log3_monomials_to_degree(depth, width)


def rank_curve(ratio: float) -> float:
    """The curve phi(t) = (1 + t) log3(1 + t) - t log3(t), on which the ranks between two tokens lie at every width.

    At width d and t = C / d the logarithm to base 3 of `two_token_rank` is d phi(t), less about half the logarithm of
    2 pi d C / (d + C). While t is small, phi(t) is about t log3(e / t): C triples with every layer, and the rank grows
    double-exponentially in the depth. Where t is large, phi(t) is about log3(e t): every layer adds d to the logarithm,
    and the rank is saturated.

    Args:
        ratio: t, a number of at least 0.

    Raises:
        TensorRankError: if the ratio is no finite number of at least 0.

    Source: as for `two_token_rank`, with Stirling's formula.

    >>> [round(rank_curve(ratio), 3) for ratio in (0, 0.01, 1, 100)]
    [0.0, 0.051, 1.262, 5.107]
    """
    t = finite_number("ratio", ratio, least=0)
    if t == 0:
        return 0.0
    return (math.log1p(t) + t * math.log1p(1 / t)) / math.log(3)
