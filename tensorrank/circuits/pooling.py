"""Pooling geometries of convolutional circuits: which positions of each level are multiplied together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import CombinationError, TensorRankError

# For each level its windows, each a tuple of positions of that level.
Levels = tuple[tuple[tuple[int, ...], ...], ...]

Named = Literal["neighbours", "mirror"]
Pooling = Annotated[Named | Sequence[Sequence[Sequence[int]]], CHECKED_WHERE_USED]
_NAMED = get_args(Named)
# Bytes of a position in a window, and of the window.
_BYTES_PER_SITE = 200


def pooling_levels(sites: int, depth: int, pooling: Pooling) -> Levels:
    """The windows of so many levels, of a geometry given by name or as lists: each position in one window of its level.

    >>> pooling_levels(8, 2, "neighbours")
    (((0, 1), (2, 3), (4, 5), (6, 7)), ((0, 1, 2, 3),))
    >>> pooling_levels(6, 2, "mirror")
    (((0, 5), (1, 4), (2, 3)), ((0, 1, 2),))
    """
    if isinstance(pooling, str):
        return _named(sites, depth, pooling)
    levels = tuple(tuple(_window(window) for window in _listed(windows, "a level")) for windows in _listed(pooling, "the"))
    if len(levels) != depth:
        raise CombinationError(f"{len(levels)} levels of windows were given for {depth} widths; expected as many")
    positions = sites
    for level, windows in enumerate(levels):
        covered = sorted(position for window in windows for position in window)
        if covered != list(range(positions)):
            raise CombinationError(
                f"the windows of level {level} hold the positions {', '.join(map(str, covered))}; expected each of 0 "
                f"to {positions - 1} once"
            )
        positions = len(windows)
    if positions != 1:
        raise TensorRankError(f"the last level has {positions} windows; expected one that pools all that is left")
    return levels


def _listed(given: object, what: str) -> Sequence[Any]:
    found = things(given)
    if not found:
        raise TensorRankError(
            f"{what} pooling is {shown(given)}; expected for each level a list of windows, each a list of positions"
        )
    return found


def _window(window: object) -> tuple[int, ...]:
    return tuple(whole_number("a position in a window", position, 0) for position in _listed(window, "a window's"))


def _named(sites: int, depth: int, pooling: str) -> Levels:
    if pooling not in _NAMED:
        raise TensorRankError(f"the pooling is {shown(pooling)}; expected one of {', '.join(_NAMED)}, or lists of windows")
    refuse_beyond(memory_limit(None), _BYTES_PER_SITE * sites, f"the windows of {shown(sites)} sites", "fewer sites")
    levels = []
    positions = sites
    for level in range(depth - 1):
        if positions <= 2:
            raise CombinationError(
                f"{depth} levels were asked for, but {level + 1} pool all {sites} sites; give at most so many widths"
            )
        half = positions // 2
        odd = positions % 2
        if pooling == "neighbours":
            windows = [(2 * i, 2 * i + 1) for i in range(half)] + [(positions - 1,)] * odd
        else:
            windows = [(i, positions - 1 - i) for i in range(half)] + [(half,)] * odd
        levels.append(tuple(windows))
        positions = len(windows)
    return (*levels, (tuple(range(positions)),))
