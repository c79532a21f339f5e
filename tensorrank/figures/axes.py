"""Axes of figures: panels, grids, ticks of logarithmic axes, and words beside points."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, floor, log2
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

# Several axes of a figure.
Panels: TypeAlias = NDArray[np.object_]


def one_panel(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure of this size in inches, and its only axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def panels(width: float, height: float, columns: int, rows: int = 1, **options: Any) -> tuple[Figure, Panels]:
    """A figure of this size in inches, and its axes, row by row; other options are those of `Figure.subplots`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **options).ravel()


def faint_grid(ax: Axes, axis: Any = "both", colour: str = "0.93") -> None:
    """A grid behind what is shown."""
    ax.grid(axis=axis, color=colour)
    ax.set_axisbelow(True)


def beside(ax: Axes, text: str, point: tuple[Any, Any], offset: tuple[float, float], **style: Any) -> None:
    """Words beside a point, at an offset in points of type."""
    ax.annotate(text, point, xytext=offset, textcoords="offset points", **style)


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
