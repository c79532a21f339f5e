"""Growth per added layer: the two regimes side by side."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tensorrank.attention import bounds
from tensorrank.errors import TensorRankError
from tensorrank.figures.style import RC, colours
from tensorrank.studies.series import Series


def increments(series: Sequence[Series], *, deepest: int = 12) -> tuple[Figure, Axes]:
    """How much log3 of the separation rank grows from depth L to L + 1.

    Marks are measured growth between ranks that are both proved (filled: both exact); lower bounds never enter. Lines
    are the growth of the moment bound, on to greater depth; the diamond on each is the knee. Rising: every layer
    multiplies the logarithm of the rank (double-exponential growth). Level: every layer adds the same (saturation).

    Args:
        series: findings by depth, as `series_of` groups them.
        deepest: the depth to which the growth of the moment bound is drawn.

    Raises:
        TensorRankError: if there are no series.
    """
    if not series:
        raise TensorRankError("no findings were given; expected at least one to draw")
    colour = colours(s.model.width for s in series)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        ax = figure.subplots()
        ends = [_draw(ax, s, series, colour[s.model.width], deepest) for s in series]
        if max(ends) > 20:
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter("{x:g}")
        else:
            ax.set_ylim(0, max(ends) * 1.08)
        ax.set(xlim=(0.5, deepest - 0.5), xlabel="depth L", ylabel="growth of log₃ separation rank, L to L + 1")
        ax.set_xticks(range(1, deepest))
        ax.legend(handles=_legend(series), loc="upper left", bbox_to_anchor=(0, 1.13), ncols=4, handlelength=1.8)
    return figure, ax


def _draw(ax: Axes, series: Series, among: Sequence[Series], colour: str, deepest: int) -> float:
    model, side = series.model, series.side
    logs = [
        bounds.log3(bounds.moment_bound(depth, model.width, side, model.tokens - side))
        for depth in range(1, deepest + 1)
    ]
    depths, growth = np.arange(1, deepest), np.diff(logs)
    ax.plot(depths, growth, color=colour, linewidth=1.1, alpha=0.75)
    if depths[0] <= series.knee <= depths[-1]:
        ax.plot(series.knee, np.interp(series.knee, depths, growth), "D", color=colour, markersize=4.5)
    exact = {f.model.depth for f in series.findings if f.result.standing == "exact"}
    for depth, value in series.increments():
        filled = {depth, depth + 1} <= exact
        ax.plot(
            depth, value, "o", color=colour, markerfacecolor=colour if filled else "white", markersize=6.5, zorder=4
        )
    ax.annotate(
        series.label(among),
        (depths[-1], growth[-1]),
        xytext=(0, 5),
        textcoords="offset points",
        ha="right",
        color=colour,
    )
    return float(max([*growth, *(value for _, value in series.increments())]))


def _legend(series: Sequence[Series]) -> list[Line2D]:
    handles = [Line2D([], [], marker="o", color="0.2", linestyle="", label="exact ranks")]
    if any(f.result.standing == "probable" for s in series for f in s.findings):
        handles.append(
            Line2D([], [], marker="o", color="0.2", markerfacecolor="white", linestyle="", label="probable ranks")
        )
    return [
        *handles,
        Line2D([], [], color="0.2", linewidth=1.1, label="moment bound"),
        Line2D([], [], marker="D", color="0.2", linestyle="", markersize=4.5, label="knee"),
    ]
