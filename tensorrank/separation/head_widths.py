"""How wide a head is, where its width is not given: one check for attention and for recurrences."""

from __future__ import annotations

from tensorrank.arguments import whole_number
from tensorrank.errors import CombinationError


def head_width(width: int, heads: int, given: int | None) -> int:
    """The width of a head: the one given, or an equal share of the width of a token.

    >>> head_width(6, 2, None), head_width(6, 4, 5)
    (3, 5)
    >>> head_width(3, 2, None)
    Traceback (most recent call last):
    tensorrank.errors.CombinationError: 2 heads do not divide the width 3; expected a divisor, or give head_dim
    """
    if given is not None:
        return whole_number("head_dim", given, 1)
    if width % heads:
        raise CombinationError(f"{heads} heads do not divide the width {width}; expected a divisor, or give head_dim")
    return width // heads
