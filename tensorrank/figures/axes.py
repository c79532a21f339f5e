"""Ticks of logarithmic axes."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, log2

from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator


def powers_of_two(axis: Axis, numbers: Iterable[float]) -> None:
    """Ticks of a logarithmic axis at powers of two from around the numbers, of four where there are many."""
    shown = list(numbers)
    ends = range(floor(log2(min(shown))), ceil(log2(max(shown))) + 1)
    axis.set_major_locator(FixedLocator([2.0**k for k in ends[:: 2 if len(ends) > 11 else 1]]))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_locator(NullLocator())
