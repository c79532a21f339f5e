"""The largest lower bound that is known in closed form, as a whole number of any size or as its logarithm.

Four are known for almost all weights: the monomial bound, the identity bound of as wide a network as one head and the
tokens of either side allow, the rank between two tokens for as wide a head, and the product bound of blocks that have
the first three. Each may be the largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from tensorrank.attention.identity_weights import identity_bound
from tensorrank.attention.large_counts import LONGEST_LOG3, if_short, log3_moment_bound
from tensorrank.attention.monomial import MOST_STEPS, Monomial, monomial, wanted_sizes
from tensorrank.attention.products import Block, layouts
from tensorrank.attention.two_tokens import log3_two_token_rank, masked_two_token_bound, two_token_rank

T = TypeVar("T", int, float)
# Several blocks of many layouts are searched for monomials, each for some milliseconds.
_STEPS_OF_A_BLOCK = 10**5


def lower_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> int:
    """The largest of the monomial, identity, two-token and product bounds, for almost all weights.

    A bound that would take minutes to count, or to search for, is left out; without any it is 1.

    Args:
        depth: L.
        width: d.
        heads: H.
        head_dim: a; width // heads by default, an error if heads does not divide the width.
        output_tokens: tokens on the output token's side; many (at least d) by default.
        other_tokens: tokens on the other side; as many as on the first by default.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or heads does not divide the width.

    Source: as for `monomial_bound`, `identity_bound`, `two_token_rank` and `product_bound`.

    >>> lower_bound(3, 3), lower_bound(3, 2, heads=2), lower_bound(3, 2, output_tokens=1)
    (2512, 140, 105)
    >>> lower_bound(3, 6, heads=3, output_tokens=1)  # 15 for each of three blocks of width 2, and two such terms
    6750
    """
    sizes = _Sizes(*wanted_sizes(depth, width, heads, head_dim, output_tokens, other_tokens))
    return max(_apart(sizes), _product(sizes))


def log3_lower_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> float:
    """The logarithm to base 3 of `lower_bound`, at any depth and width.

    It is right to ten digits and more. Arguments and errors are those of `lower_bound`. Where the whole number leaves
    out the rank between two tokens, since its digits would take minutes, the logarithm has it.

    >>> [round(3 ** log3_lower_bound(depth, 2)) for depth in (1, 2, 3)]
    [3, 17, 196]
    """
    return largest_lower_bound(*wanted_sizes(depth, width, heads, head_dim, output_tokens, other_tokens))[0]


def largest_lower_bound(*sizes: int) -> tuple[float, str]:
    """The logarithm to base 3 of `lower_bound`, and which bound it is: monomial, identity, two tokens or product.

    Args:
        sizes: depth, width, heads, head_dim, output_tokens and other_tokens, all checked.

    >>> largest_lower_bound(3, 12, 6, 2, 2, 2)[1], largest_lower_bound(2, 2, 1, 2, 2, 2)[1]
    ('product', 'identity')
    """
    known = _Sizes(*sizes)
    return max(_log3_apart(known), (_best_layout(known)[0], "product"), key=lambda found: found[0])


def product_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> int:
    """The product bound: a lower bound on the separation rank, for almost all weights, of at least three heads.

    Blocks of coordinates evolve apart, and the last layers multiply what they compute. The layout of blocks is the best
    of several. Without three heads, three coordinates and two layers, or if the bound has more than 48,000 digits, it
    is 1. Arguments and errors are those of `lower_bound`.

    Source: the statement and proof at the head of `tensorrank.attention.products`.

    >>> product_bound(2, 3, heads=3, output_tokens=1)  # 2 for each of three blocks of width 1, and two such terms
    16
    >>> product_bound(3, 6, heads=3, output_tokens=1), two_token_rank(3, 2)  # one head alone has the rank of width 2
    (6750, 105)
    """
    return _product(_Sizes(*wanted_sizes(depth, width, heads, head_dim, output_tokens, other_tokens)))


def masked_lower_bound(depth: int, width: int, heads: int, head_dim: int) -> int:
    """A lower bound under a causal mask, for almost all weights: that between two tokens, or a product of such bounds.

    >>> masked_lower_bound(3, 2, 1, 2), masked_lower_bound(3, 6, 3, 2)
    (55, 1000)
    """

    def between_two(depth: int, width: int) -> int:
        return if_short(lambda: masked_two_token_bound(depth, min(width, head_dim))) or 1

    products = (
        math.prod(pow(between_two(block.depth, block.width), block.count) for block in blocks)
        for blocks in layouts(depth, width, heads)
    )
    return int(max(between_two(depth, width), *products, 1))


@dataclass(frozen=True)
class _Sizes:
    """The sizes of a network: L, d, H, a, the tokens on the output token's side and on the other.

    The search for a monomial may take as many steps as `most_steps`.
    """

    depth: int
    width: int
    heads: int
    head_dim: int
    near: int
    far: int
    most_steps: int = MOST_STEPS

    @property
    def head(self) -> int:
        """The width of the widest network with one full head inside."""
        return min(self.width, self.head_dim)

    @property
    def narrow(self) -> int:
        """The width of the widest network with one full head, and as many tokens a side, inside."""
        return min(self.head, self.near, self.far)

    def monomial(self) -> Monomial:
        return monomial(self.depth, self.width, self.heads, self.head_dim, self.near, self.far, self.most_steps)

    def of(self, block: Block) -> _Sizes:
        """The sizes of a block, for which a monomial is searched only if it takes a moment."""
        return _Sizes(block.depth, block.width, block.heads, self.head_dim, self.near, self.far, _STEPS_OF_A_BLOCK)

    def exchanged(self) -> _Sizes:
        """The sizes with the output token on the other side."""
        return replace(self, near=self.far, far=self.near)


@lru_cache(maxsize=4096)
def _apart(sizes: _Sizes) -> int:
    """The largest bound but the product bound."""
    known = (
        if_short(lambda: sizes.monomial().bound),
        if_short(lambda: identity_bound(sizes.depth, sizes.narrow)),
        if_short(lambda: two_token_rank(sizes.depth, sizes.head)),
    )
    return max((bound for bound in known if bound is not None), default=1)


@lru_cache(maxsize=4096)
def _log3_apart(sizes: _Sizes) -> tuple[float, str]:
    """The logarithm to base 3 of the largest bound but the product bound, and its name."""
    known = {
        "two tokens": log3_two_token_rank(sizes.depth, sizes.head),
        "identity": if_short(lambda: math.log(identity_bound(sizes.depth, sizes.narrow)) / math.log(3)),
        "monomial": if_short(lambda: sizes.monomial().log3_bound),
    }
    return max(((log, name) for name, log in known.items() if log is not None), key=lambda found: found[0])


def _product(sizes: _Sizes) -> int:
    """The product bound, or 1 where it has too many digits."""
    log3, blocks = _best_layout(sizes)
    if log3 > LONGEST_LOG3:
        return 1
    given, least = _of_blocks(_apart, sizes, blocks)
    counts = [block.count for block in blocks]
    doublings = sum(counts) // 2
    return int(max(math.prod(map(pow, given, counts)), 2**doublings * math.prod(map(pow, least, counts))))


@lru_cache(maxsize=1024)
def _best_layout(sizes: _Sizes) -> tuple[float, tuple[Block, ...]]:
    """The logarithm to base 3 of the largest product bound, and its blocks; 0 and no blocks if there is none."""
    best: tuple[float, tuple[Block, ...]] = (0.0, ())
    possible = [(_log3_product(_log3_at_most, sizes, one), one) for one in layouts(sizes.depth, sizes.width, sizes.heads)]
    # The bound of a layout takes a search for each block. Layouts that promise most come first, and end it soon.
    for most, blocks in sorted(possible, key=lambda each: each[0], reverse=True):
        if most < best[0]:
            break
        best = max(best, (_log3_product(lambda block: _log3_apart(block)[0], sizes, blocks), blocks), key=lambda each: each[0])
    return best


def _log3_at_most(sizes: _Sizes) -> float:
    """The logarithm to base 3 of the moment bound, which no lower bound passes."""
    return log3_moment_bound(sizes.depth, sizes.width, sizes.near, sizes.far)


def _log3_product(apart: Callable[[_Sizes], float], sizes: _Sizes, blocks: Sequence[Block]) -> float:
    """The logarithm to base 3 of the product bound of a layout, from the logarithm that each block has."""
    given, least = _of_blocks(apart, sizes, blocks)
    counts = [block.count for block in blocks]
    doublings = sum(counts) // 2
    of_given, of_least = (sum(log * count for log, count in zip(logs, counts, strict=True)) for logs in (given, least))
    return max(of_given, doublings * math.log(2, 3) + of_least)


def _of_blocks(apart: Callable[[_Sizes], T], sizes: _Sizes, blocks: Sequence[Block]) -> tuple[list[T], list[T]]:
    """The ranks of the blocks, for the sides as given, and the smaller one with the sides exchanged or not."""
    given = [apart(sizes.of(block)) for block in blocks]
    exchanged = [apart(sizes.of(block).exchanged()) for block in blocks]
    return given, [min(pair) for pair in zip(given, exchanged, strict=True)]
