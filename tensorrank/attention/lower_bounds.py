"""The largest lower bound that is known in closed form, as a whole number of any size or as its logarithm.

Three are known for almost all weights: the monomial bound, the identity bound of as wide a network as one head and the
tokens of either side allow, and the rank between two tokens for as wide a head. Each may be the largest.
"""

from __future__ import annotations

import math

from tensorrank.arguments import whole_number
from tensorrank.attention.identity_weights import identity_bound
from tensorrank.attention.large_counts import if_short
from tensorrank.attention.monomial import log3_monomial_bound, token_counts, wanted_monomial
from tensorrank.attention.two_tokens import log3_two_token_rank, two_token_rank


def lower_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> int:
    """The largest of the monomial bound, the identity bound and the rank between two tokens, for almost all weights.

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

    Source: as for `monomial_bound`, `identity_bound` and `two_token_rank`.

    >>> lower_bound(3, 3), lower_bound(3, 2, heads=2), lower_bound(3, 2, output_tokens=1)
    (2512, 140, 105)
    """
    head, narrow = _widths(width, heads, head_dim, output_tokens, other_tokens)
    known = (
        if_short(lambda: wanted_monomial(depth, width, heads, head_dim, output_tokens, other_tokens).bound),
        if_short(lambda: identity_bound(depth, narrow)),
        if_short(lambda: two_token_rank(depth, head)),
    )
    return max((bound for bound in known if bound is not None), default=1)


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
    head, narrow = _widths(width, heads, head_dim, output_tokens, other_tokens)
    known = (
        if_short(lambda: log3_monomial_bound(depth, width, heads, head_dim, output_tokens, other_tokens)),
        if_short(lambda: math.log(identity_bound(depth, narrow)) / math.log(3)),
        log3_two_token_rank(depth, head),
    )
    return max(log for log in known if log is not None)


def _widths(
    width: int, heads: int, head_dim: int | None, output_tokens: int | None, other_tokens: int | None
) -> tuple[int, int]:
    """The width of the widest network with one full head inside, and that of the widest with as many tokens a side."""
    width, heads = whole_number("width", width, 1), whole_number("heads", heads, 1)
    head = max(1, width // heads) if head_dim is None else min(width, whole_number("head_dim", head_dim, 1))
    return head, min(head, *token_counts(width, output_tokens, other_tokens))
