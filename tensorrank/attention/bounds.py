"""Bounds on the separation rank of self-attention without softmax, and the knee where its growth with depth changes.

Upper bounds hold for all weights, lower bounds for almost all. Bounds are whole numbers of any size, or logarithms to
base 3 where the number would have millions of digits.

The letters are those of the papers: L layers of width d, with H heads of width a. The moment matrix of the tokens is
M = sum_j x_j x_j^T, with D = d (d+1) / 2 different entries. The output of the last layer has degree C = (3^L - 1) / 2
in these entries. ((n, k)) = binom(n+k-1, k) is the number of monomials of degree k in n variables.

>>> import tensorrank as tr
>>> tr.bounds.moment_bound(depth=3, width=3)
3102
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import comb
from typing import Literal

from tensorrank.arguments import as_whole_number, shown, whole_number
from tensorrank.attention.head_bounds import head_bound
from tensorrank.attention.identity_weights import identity_bound
from tensorrank.attention.large_counts import (
    checked_size,
    log3_affine_bound,
    log3_moment_bound,
    log_monomial_count,
    power_of_3_reaches,
    refuse_deep,
    refuse_long,
)
from tensorrank.attention.lower_bounds import log3_lower_bound, lower_bound, product_bound
from tensorrank.attention.monomial import log3_monomial_bound, token_counts, wanted_monomial
from tensorrank.attention.regimes import Regime, growth_factor, regime, regime_of_factor
from tensorrank.attention.two_tokens import log3_two_token_rank, rank_curve, two_token_rank
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError, TooLargeError
from tensorrank.records import Record
from tensorrank.separation.hilbert import HilbertSeries, MomentSpaces, moment_spaces

__all__ = [
    "PublishedBounds",
    "Regime",
    "affine_bound",
    "counting_bound",
    "equal_sizes",
    "growth_factor",
    "head_bound",
    "identity_bound",
    "knee",
    "knee_power",
    "log3",
    "log3_affine_bound",
    "log3_lower_bound",
    "log3_moment_bound",
    "log3_monomial_bound",
    "log3_two_token_rank",
    "lower_bound",
    "moment_bound",
    "moment_degree",
    "monomial_bound",
    "product_bound",
    "published_bounds",
    "rank_curve",
    "regime",
    "regime_of_factor",
    "two_token_rank",
]


def __dir__() -> list[str]:
    """The public names, which completion shows."""
    return __all__


# The most depths and widths of equal size that are listed.
_MOST_SIZES = 10**5


def log3(number: int) -> float:
    """The logarithm to base 3 of a positive whole number of any size.

    Raises:
        TensorRankError: if the number is not a whole number of at least 1.

    >>> round(log3(3**10000), 6)
    10000.0
    """
    whole = as_whole_number(number)
    if whole is None or whole < 1:
        raise TensorRankError(f"the number is {shown(number)}; expected a whole number of at least 1")
    return math.log(whole) / math.log(3)


def moment_degree(depth: int) -> int:
    """The degree C = (3^L - 1) / 2 of a network of depth L in the entries of the moment matrix of its tokens.

    One layer multiplies the output token by a matrix that is linear in M, and turns M into an expression of degree 3.

    Args:
        depth: L.

    Raises:
        TensorRankError: if the depth is not a whole number of at least 1.

    >>> [moment_degree(depth) for depth in (1, 2, 3)]
    [1, 4, 13]
    """
    layers = checked_size("depth", depth)
    refuse_long(f"the degree of a network of depth {layers}", float(layers), "Try a smaller depth")
    return int((3**layers - 1) // 2)


def moment_bound(depth: int, width: int, output_tokens: int | None = None, other_tokens: int | None = None) -> int:
    """The moment bound: an upper bound on the separation rank for all weights, heads and head widths.

    The network sees the tokens of a side only through their moment matrix, M_A or M_B, and the output token itself. Its
    part of degree k in M_A lies in the product of two spaces of polynomials: those of degree k in M_A, linear in the
    output token, and those of degree C - k in M_B. The bound is the sum over k = 0..C of the smaller dimension. For at
    least d tokens on both sides the dimensions are d ((D, k)) and ((D, C-k)); for fewer tokens they are smaller.

    Args:
        depth: L.
        width: d.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: the moment form of Levine et al. (NeurIPS 2020, arXiv 2006.12467), section 2; the dimensions for few tokens,
    Howe's duality of GL_d and O_n (Remarks on classical invariant theory, Trans. AMS 313, 1989).

    >>> [moment_bound(depth, 2) for depth in (1, 2, 3, 4)]
    [3, 18, 232, 4538]
    >>> moment_bound(3, 2, 1, 1)
    105
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    tokens = token_counts(width, output_tokens, other_tokens)
    refuse_deep(depth, "the moment bound", "Try log3_moment_bound")
    if tokens == (1, 1):
        return two_token_rank(depth, width)  # the sum in closed form
    refuse_long("the moment bound", log3_moment_bound(depth, width, *tokens), "Try log3_moment_bound, or smaller sizes")
    return moment_spaces(width, moment_degree(depth), *tokens).bound()


def affine_bound(depth: int, width: int, embedding_rank: int) -> int:
    """The affine bound: the moment bound for tokens x = E w + p, with an embedding E of rank r and position vectors p.

    Take coordinates that begin with the columns of E. Then the first r coordinates of a token are free and the others
    are given by its position. Of the D entries of M, those in the first r rows and columns are free, which are
    D' = r (r+1) / 2 + r (d-r). So at most (r+1) ((D', k)) functions of degree k on the output token's side meet
    ((D', C-k)) functions of degree C - k on the other, and the bound is the sum over k of the smaller number. It holds
    for any number of tokens and for all weights.

    Args:
        depth: L.
        width: d.
        embedding_rank: r, at most d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the rank is more than the width.

    Source: the count above; embeddings of low rank, Wies, Levine, Jannai, Shashua (ICML 2021, arXiv 2105.03928).

    >>> affine_bound(2, 3, 1), affine_bound(2, 3, 2)
    (18, 39)
    """
    depth, width = checked_size("depth", depth), whole_number("width", width, 1)
    rank = whole_number("embedding_rank", embedding_rank, 1)
    if rank > width:
        raise TensorRankError(f"embedding_rank is {rank}; expected at most the width {width}")
    free = rank * (rank + 1) // 2 + rank * (width - rank)
    refuse_deep(depth, "the affine bound", "Try log3_affine_bound")
    refuse_long("the affine bound", log3_affine_bound(depth, width, rank), "Try log3_affine_bound, or smaller sizes")
    output_side, other_side = HilbertSeries((rank + 1,), free), HilbertSeries((1,), free)
    return MomentSpaces(moment_degree(depth), output_side, other_side).bound()


def monomial_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> int:
    """The monomial bound: a lower bound on the separation rank for almost all weights.

    At certain weights of 0 and 1 the network computes one monomial, x_0 times a product of powers M_e^(k_e) of entries
    of M. If the entries are independent, the separation rank of the monomial is the product of the k_e + 1. Almost all
    weights give at least as much, since special weights do not raise the rank. The bound is the largest such product
    that a search finds; `tensorrank.attention.monomial` gives the weights.

    Args:
        depth: L.
        width: d.
        heads: H.
        head_dim: a; width // heads by default, an error if heads does not divide the width.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, heads does not divide the width, or the search
            would take minutes.

    Source: the construction above, checked by computing the rank at these weights.

    >>> [monomial_bound(depth, 2, heads=2) for depth in (2, 3, 4)]
    [12, 140, 2448]
    """
    return wanted_monomial(depth, width, heads, head_dim, output_tokens, other_tokens).bound


@checked
@dataclass(frozen=True)
class PublishedBounds(Record):
    """The two bounds of a published theorem on the logarithm to base 3 of the separation rank.

    For one token a side both theorems stand. For many tokens the upper bound of theorem 2, whose slope in the depth is
    2 d + 1, is exceeded by `monomial_bound`, whose slope tends to D = d (d+1) / 2: for example at depth 11 and width 6.

    Attributes:
        theorem: 1 (depth below log3 of the width) or 2 (above it).
        lower: the lower bound on log3 of the separation rank.
        upper: the upper bound on log3 of the separation rank.
        depth: the depth that was asked for.
        width: the width.
        heads: the number of heads.
    """

    theorem: Literal[1, 2]
    lower: float
    upper: float
    depth: int
    width: int
    heads: int


def published_bounds(depth: int, width: int, heads: int = 1, head_dim: int | None = None) -> PublishedBounds | None:
    """The published bounds on log3 of the separation rank, theorems 1 and 2 of Levine et al. with their constants.

    Theorem 1 applies to depths L < log3 d, where its bounds grow like 3^L. Theorem 2 applies to L > log3 d, where its
    bounds grow like d L.

    Args:
        depth: L.
        width: d.
        heads: H.
        head_dim: a; d / H by default, as the theorems assume.

    Returns:
        The bounds, or None where neither theorem applies: for H >= d, for 3^L = d, or if H a is not d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), theorems 1 and 2.

    >>> published_bounds(depth=1, width=64, heads=2).theorem, published_bounds(depth=8, width=64, heads=2).theorem
    (1, 2)
    >>> published_bounds(depth=3, width=27) is None
    True
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    heads = whole_number("heads", heads, 1)
    reaches = power_of_3_reaches(depth, width)
    if heads >= width or (reaches and not power_of_3_reaches(depth, width + 1)):
        return None
    if head_dim is not None and heads * whole_number("head_dim", head_dim, 1) != width:
        return None
    if not reaches:
        lower = 3.0 ** (depth - 2) * (math.log(width - heads, 3) - depth + 2 - math.log(2, 3))
        return PublishedBounds(1, lower, moment_degree(depth) * math.log(width + heads, 3), depth, width, heads)
    b1 = -depth * (heads / 2 + 1)
    b2 = -width * (1 + 0.5 * math.log((width - heads) / 2, 3))
    c1 = float(depth)
    c2 = -2 * width * math.log(width / (2 * math.sqrt(2) * math.e), 3) + math.log(width, 3)
    return PublishedBounds(2, 0.5 * width * depth + b1 + b2, 2 * width * depth + c1 + c2, depth, width, heads)


def counting_bound(depth: int, width: int, heads: int = 1) -> int | None:
    """The counting bound ((n, 3^(L-2))) with n = (d - H) // 2: the whole number behind the published lower bounds.

    Args:
        depth: L.
        width: d.
        heads: H.

    Returns:
        A lower bound on the separation rank for almost all weights; None where it says nothing, for n < 1 or L < 2.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), proof of theorems 1 and 2.

    >>> counting_bound(depth=3, width=8, heads=2)
    10
    """
    depth, width = checked_size("depth", depth), checked_size("width", width)
    free = (width - whole_number("heads", heads, 1)) // 2
    if depth < 2 or free < 1:
        return None
    if free == 1:
        return 1
    # For a degree that is no float, the logarithm of k^(n-1) / (n-1)! is a bound.
    log = log_monomial_count(free, 3 ** (depth - 2)) if depth < 600 else (free - 1) * depth * math.log(3)
    refuse_long("the counting bound", log / math.log(3), "Try smaller sizes")
    return comb(free + 3 ** (depth - 2) - 1, free - 1)


def knee_power(width: int, side_tokens: int | None = None) -> int:
    """The whole number 3^K, where K is the depth of the knee of the moment bound.

    The knee is a point in the middle of the turn from growing to saturated networks (`regime`), which takes some two
    layers. It stands where half the degree meets the number of free variables:

    - For at least d tokens on the smaller side, C / 2 meets D at 3^K = 2 d (d+1).
    - For one token on the smaller side, 3^K / 2 meets the d coordinates of that token at 3^K = 2 d.
    - Between the two, for n tokens, the rule is 3^K = 2 n d, twice the number of their coordinates.

    Args:
        width: d.
        side_tokens: n, the tokens on the smaller side; many (at least d) by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    >>> knee_power(2), knee_power(8, side_tokens=1)
    (12, 16)
    """
    width = whole_number("width", width, 1)
    side = width if side_tokens is None else whole_number("side_tokens", side_tokens, 1)
    return 2 * width * (width + 1) if side >= width else 2 * side * width


def knee(width: int, side_tokens: int | None = None) -> float:
    """The depth of the knee of the moment bound: log3 of `knee_power`, which grows like the logarithm of the width.

    >>> round(knee(64), 2), round(knee(64, side_tokens=1), 2)
    (8.22, 4.42)
    """
    return log3(knee_power(width, side_tokens))


def equal_sizes(parameters: int, rule: int = 4, deepest: int | None = None) -> list[tuple[int, int]]:
    """The depths L and widths d that make the most of a budget of rule * L * d^2 parameters.

    Each depth is given the largest width that the budget allows. Of the depths with the same width only the greatest is
    listed.

    Args:
        parameters: the budget.
        rule: the parameters of a layer, divided by d^2: 4 for attention alone, 12 with a feed-forward network of width
            4 d.
        deepest: the greatest depth that is considered; whatever the budget allows by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    >>> equal_sizes(64)
    [(1, 4), (4, 2), (16, 1)]
    """
    budget, rule = whole_number("parameters", parameters, 1), whole_number("rule", rule, 1)
    deepest = None if deepest is None else whole_number("deepest", deepest, 1)
    # There are about twice the cube root of budget / rule of them.
    if budget // rule > _MOST_SIZES**3 and (deepest is None or deepest > _MOST_SIZES):
        raise TooLargeError(f"parameters are {shown(budget)}; expected fewer, or deepest at most {_MOST_SIZES}")
    last = budget // rule if deepest is None else min(deepest, budget // rule)
    sizes = []
    depth = 1
    while depth <= last:
        width = math.isqrt(budget // (rule * depth))
        depth = budget // (rule * width * width)
        if depth <= last:
            sizes.append((depth, width))
        depth += 1
    return sizes
