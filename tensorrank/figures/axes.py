"""Axes of figures: grids, ticks of logarithmic axes, and words beside points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, floor, log2
from typing import Any

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from tensorrank.pictures.look import grey
from tensorrank.pictures.sheet import Sheet


def faint_grid(ax: Axes, axis: Any = "both") -> None:
    """A grid behind what is shown."""
    ax.grid(axis=axis, color=grey(0.92))
    ax.set_axisbelow(True)


def beside(ax: Axes, text: str, point: tuple[Any, Any], offset: tuple[float, float], **style: Any) -> Annotation:
    """Words beside a point, at an offset in points of type."""
    return ax.annotate(text, point, xytext=offset, textcoords="offset points", **style)


def doublings(axis: Axis, form: str) -> None:
    """Ticks of a logarithmic axis at powers of two wherever it leads, in a form for numbers."""
    axis.set_major_locator(LogLocator(2, numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda number, _: format(number, form)))


def powers_of_two(axis: Axis, numbers: Iterable[float]) -> None:
    """Ticks of a logarithmic axis at powers of two from around the numbers, of four where there are many."""
    shown = list(numbers)
    ends = range(floor(log2(min(shown))), ceil(log2(max(shown))) + 1)
    axis.set_major_locator(FixedLocator([2.0**k for k in ends[:: 2 if len(ends) > 11 else 1]]))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_locator(NullLocator())


def depth_ticks(ax: Axes, first: int, deepest: int, most: int) -> None:
    """About so many ticks at whole depths."""
    ax.set_xticks(range(first, deepest + 1, max(1, ceil(deepest / most))))


def names_at_ends(sheet: Sheet, ax: Axes, ends: Sequence[tuple[str, float, str]], last: float) -> None:
    """Curves by name at their right ends, moved apart where names would overlap.

    Args:
        sheet: the sheet, whose other words all stand.
        ax: the axes of the curves.
        ends: name, height of the end in data, and colour of each curve.
        last: where the curves end.
    """
    look: Any = {"va": "center", "annotation_clip": False}
    sheet.apart(ax, [beside(ax, name, (last, height), (7, 0), color=colour, **look) for name, height, colour in ends])
