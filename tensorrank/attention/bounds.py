"""Bounds on the separation rank of self-attention: moments, monomials, the published theorems, the knee.

Everything is in whole numbers or in logarithms to base 3; `log3` takes whole numbers of any size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import comb
from typing import Literal

from tensorrank.arguments import whole_number
from tensorrank.attention.large_counts import log3_affine_bound, log3_moment_bound
from tensorrank.attention.monomial import monomial
from tensorrank.errors import TensorRankError
from tensorrank.separation.hilbert import HilbertSeries, MomentSpaces, moment_spaces

__all__ = [
    "PublishedBounds",
    "Regime",
    "affine_bound",
    "counting_bound",
    "equal_sizes",
    "is_saturated",
    "knee",
    "knee_power",
    "log3",
    "log3_affine_bound",
    "log3_moment_bound",
    "moment_bound",
    "moment_degree",
    "monomial_bound",
    "published_bounds",
    "regime",
]

Regime = Literal["double-exponential", "saturated"]


def log3(number: int) -> float:
    """The logarithm to base 3 of a positive whole number of any size.

    Raises:
        TensorRankError: if the number is not a whole number of at least 1.

    >>> round(log3(3**10000), 6)
    10000.0
    """
    return math.log(whole_number("the number", number, 1)) / math.log(3)


def moment_degree(depth: int) -> int:
    """C = (3^L - 1) / 2: the degree of a network of depth L in the entries of its input's moment matrix.

    >>> [moment_degree(depth) for depth in (1, 2, 3)]
    [1, 4, 13]
    """
    return int((3 ** whole_number("depth", depth, 1) - 1) // 2)


def moment_bound(depth: int, width: int, output_tokens: int | None = None, other_tokens: int | None = None) -> int:
    """The moment bound: no weights, heads or head widths give a larger separation rank.

    Args:
        depth: L.
        width: d.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: docs/method.md (GL_d x O_n duality); whole numbers of any size, exact.

    >>> [moment_bound(depth, 2) for depth in (1, 2, 3, 4)]
    [3, 18, 232, 4538]
    >>> moment_bound(3, 2, 1, 1)
    105
    """
    width = whole_number("width", width, 1)
    near = width if output_tokens is None else whole_number("output_tokens", output_tokens, 1)
    far = near if other_tokens is None else whole_number("other_tokens", other_tokens, 1)
    return moment_spaces(width, moment_degree(depth), near, far).bound()


def affine_bound(depth: int, width: int, embedding_rank: int) -> int:
    """The moment bound for tokens x = E w + p: an embedding of rank r < d, and a position vector for each token.

    Of the D = d(d+1)/2 entries of M, in coordinates that begin with the columns of E, those beyond the first r rows and
    columns are fixed, and D' = r(r+1)/2 + r(d-r) are free; of x, the first r coordinates are. So at most
    (r+1) ((D', k)) functions of degree k on the output token's side meet ((D', C-k)) of degree C - k on the other.

    Args:
        depth: L.
        width: d.
        embedding_rank: r.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: docs/method.md; whole numbers of any size, exact, for any number of tokens.

    >>> affine_bound(2, 3, 1), affine_bound(2, 3, 2)
    (18, 39)
    """
    width, rank = whole_number("width", width, 1), whole_number("embedding_rank", embedding_rank, 1)
    if rank > width:
        raise TensorRankError(f"embedding_rank is {rank}; expected at most the width {width}")
    free = rank * (rank + 1) // 2 + rank * (width - rank)
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
    """The monomial bound: for almost all weights the separation rank is at least this.

    Args:
        depth: L.
        width: d.
        heads: H.
        head_dim: a; width // heads by default, an error if heads does not divide the width.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: docs/method.md, extended to heads wider than 1; `tensorrank.attention.monomial` gives the weights.

    >>> [monomial_bound(depth, 2, heads=2) for depth in (2, 3, 4)]
    [12, 140, 2448]
    """
    width, heads = whole_number("width", width, 1), whole_number("heads", heads, 1)
    near = width if output_tokens is None else whole_number("output_tokens", output_tokens, 1)
    far = near if other_tokens is None else whole_number("other_tokens", other_tokens, 1)
    if head_dim is None and width % heads:
        raise TensorRankError(f"{heads} heads do not divide the width {width}; expected a divisor, or give head_dim")
    dim = width // heads if head_dim is None else whole_number("head_dim", head_dim, 1)
    return monomial(whole_number("depth", depth, 1), width, heads, dim, near, far).bound


@dataclass(frozen=True)
class PublishedBounds:
    """A published theorem's bounds on log3 of the separation rank.

    Attributes:
        theorem: 1 (depth below log3 of the width) or 2 (above it).
        lower: lower bound, base 3.
        upper: upper bound, base 3; for many tokens that of theorem 2 is passed by certified lower bounds (MATH.md
            section 2).
    """

    theorem: Literal[1, 2]
    lower: float
    upper: float


def published_bounds(depth: int, width: int, heads: int = 1, head_dim: int | None = None) -> PublishedBounds | None:
    """Theorems 1 and 2 of Levine et al. with their constants.

    None where neither applies: H >= d, 3^L = d, or heads whose widths do not add up to d.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), theorems 1 and 2.

    >>> published_bounds(depth=1, width=64, heads=2).theorem, published_bounds(depth=8, width=64, heads=2).theorem
    (1, 2)
    >>> published_bounds(depth=3, width=27) is None
    True
    """
    depth, width, heads = (
        whole_number("depth", depth, 1),
        whole_number("width", width, 1),
        whole_number("heads", heads, 1),
    )
    if heads >= width or 3**depth == width or (head_dim is not None and heads * head_dim != width):
        return None
    if 3**depth < width:
        lower = 3.0 ** (depth - 2) * (math.log(width - heads, 3) - depth + 2 - math.log(2, 3))
        return PublishedBounds(1, lower, moment_degree(depth) * math.log(width + heads, 3))
    b1 = -depth * (heads / 2 + 1)
    b2 = -width * (1 + 0.5 * math.log((width - heads) / 2, 3))
    c1 = float(depth)
    c2 = -2 * width * math.log(width / (2 * math.sqrt(2) * math.e), 3) + math.log(width, 3)
    return PublishedBounds(2, 0.5 * width * depth + b1 + b2, 2 * width * depth + c1 + c2)


def counting_bound(depth: int, width: int, heads: int = 1) -> int | None:
    """The whole number behind the published lower bounds, ((n, 3^(L-2))) with n = (d - H) // 2.

    None where it says nothing: n < 1 or L < 2.

    Source: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467), proof of theorems 1 and 2.

    >>> counting_bound(depth=3, width=8, heads=2)
    10
    """
    depth, width = whole_number("depth", depth, 1), whole_number("width", width, 1)
    free = (width - whole_number("heads", heads, 1)) // 2
    if depth < 2 or free < 1:
        return None
    return comb(free + 3 ** (depth - 2) - 1, free - 1)


def knee_power(width: int, side_tokens: int | None = None) -> int:
    """3^(depth of the knee), a whole number.

    For at least d tokens on the smaller side it is 2 d (d+1): there half the degree in the moments, C/2, meets their
    number D. For one token a side it is 2 d: there half the degree in the tokens, 3^L/2, meets the d coordinates.
    In between, 2 n d, the coordinates of the n tokens on the smaller side, is our rule. Below the knee another
    layer multiplies the logarithm of the rank; beyond it another layer only adds to it.

    >>> knee_power(2), knee_power(8, side_tokens=1)
    (12, 16)
    """
    width = whole_number("width", width, 1)
    side = width if side_tokens is None else whole_number("side_tokens", side_tokens, 1)
    return 2 * width * (width + 1) if side >= width else 2 * side * width


def knee(width: int, side_tokens: int | None = None) -> float:
    """The depth of the knee of the moment bound, log3 of `knee_power`; it grows like the logarithm of the width."""
    return log3(knee_power(width, side_tokens))


def is_saturated(depth: int, width: int, side_tokens: int | None = None) -> bool:
    """Whether the depth is at or beyond the knee."""
    return bool(3 ** whole_number("depth", depth, 1) >= knee_power(width, side_tokens))


def regime(depth: int, width: int, side_tokens: int | None = None) -> Regime:
    """The regime of a depth by the rule of the knee: "double-exponential" below it, "saturated" from it on.

    >>> [regime(depth, 2) for depth in (1, 2, 3)]
    ['double-exponential', 'double-exponential', 'saturated']
    """
    return "saturated" if is_saturated(depth, width, side_tokens) else "double-exponential"


def equal_sizes(parameters: int, rule: int = 4, deepest: int | None = None) -> list[tuple[int, int]]:
    """The depths L and widths d that make the most of rule * L * d^2 parameters.

    For each depth the largest width, and of the depths with the same width the greatest.

    Args:
        parameters: the budget.
        rule: parameters of a layer over d^2: 4 for attention alone, 12 with a feed-forward network of width 4 d.
        deepest: depths beyond it are left out.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    >>> equal_sizes(64)
    [(1, 4), (4, 2), (16, 1)]
    """
    budget, rule = whole_number("parameters", parameters, 1), whole_number("rule", rule, 1)
    last = budget // rule if deepest is None else min(whole_number("deepest", deepest, 1), budget // rule)
    sizes = []
    depth = 1
    while depth <= last:
        width = math.isqrt(budget // (rule * depth))
        depth = budget // (rule * width * width)
        if depth <= last:
            sizes.append((depth, width))
        depth += 1
    return sizes
