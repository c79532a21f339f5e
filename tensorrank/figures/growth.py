"""Whether rows grow as a title says: what no row shows, no title claims."""

from __future__ import annotations

from collections.abc import Iterable
from math import log2

from tensorrank.experiments.sparse_averaging import Line, fitted_line

# The share of the variance that a line explains which a title may name.
_LEAST_DETERMINATION = 0.6

Points = Iterable[tuple[float, float]]


def rises(line: Line | None) -> bool:
    """Whether there is a line, it rises, and it explains most of what it goes through."""
    return line is not None and line.slope > 0 and line.determination >= _LEAST_DETERMINATION


def proportional(points: Points) -> bool:
    """Whether y is about proportional to x: a power of it between 3/4 and 4/3.

    >>> proportional([(2, 5), (4, 9), (8, 17)]), proportional([(2, 1), (8, 2), (32, 3)])
    (True, False)
    """
    line = _power(points)
    return line is not None and rises(line) and 3 / 4 <= line.slope <= 4 / 3


def logarithmic(points: Points) -> bool:
    """Whether y grows about with log x: on a line in it, and at most like the root of x.

    >>> logarithmic([(2, 5), (4, 6), (8, 7)]), logarithmic([(2, 5), (4, 9), (8, 17)])
    (True, False)
    """
    found = list(points)
    power = _power(found)
    return power is not None and rises(fitted_line((log2(x), y) for x, y in found)) and power.slope <= 1 / 2


def _power(points: Points) -> Line | None:
    """The line through logarithms, whose slope is the power."""
    return fitted_line((log2(x), log2(y)) for x, y in points if x > 0 and y > 0)
