"""Separation rank against depth: what was computed, between the bounds that are proved."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.checked import checked
from tensorrank.experiments.depth_series import MOST_SHOWN, Series, deepest_of
from tensorrank.figures.axes import Panels, panels
from tensorrank.figures.style import DASHED, by_standing, colours, in_style, line_entry, mark_entry, something, standing_entries

_COLUMNS = 4
_LOWEST = 0.3
_GROUND = {"growing": "0.88", "turning": "0.95", "saturated": "1.0"}
# In inches: what two and three columns of the legend need.
_TWO_COLUMNS, _THREE_COLUMNS = 6.6, 9.0


@checked
@in_style
def rank_vs_depth(series: Sequence[Series], *, deepest: int = 12) -> tuple[Figure, Panels]:
    """log3 of the separation rank against depth, one panel a series, on common axes.

    Series with exact ranks both below their knee and beyond it come first; otherwise the order stays.

    Filled marks are exact ranks, open ones probable, triangles certified lower bounds. The shaded band lies between the
    bounds that are proved for every depth: the moment bound, and the largest lower bound in closed form. Where no mark
    stands, nothing else is known. The dashed lines are the bounds as published. A tick at the bottom marks log3 of the
    width, one at the top the knee. The ground is grey at growing depths, where another layer at least doubles log3 of
    the rank, and white at saturated ones, where it adds at most half; light grey is between. The rank axis is
    logarithmic in log3 of the rank: a straight rise is double-exponential growth.

    Args:
        series: findings by depth, as `series_of` groups them.
        deepest: the depth to which the bounds are shown, or further, to that of the deepest network given (at most
            1000).

    Returns:
        The figure, and an array of axes, one a series.

    Raises:
        TensorRankError: if there are no series.
    """
    something(series, "no findings were")
    deepest = deepest_of(series, whole_number("deepest", deepest, 1, MOST_SHOWN))
    series = sorted(series, key=lambda one: not one.crosses_knee)
    columns = min(_COLUMNS, len(series))
    rows = ceil(len(series) / columns)
    colour = colours(s.model.width for s in series)
    width = max(2.45 * columns + 0.5, _TWO_COLUMNS)
    figure, grid = panels(width, 2.9 * rows + 0.75, columns, rows, sharex=True, sharey=True)
    axes = grid[: len(series)]
    for spare in grid[len(series) :]:
        spare.set_visible(False)
    highest = max(_panel(ax, s, series, colour[s.model.width], deepest) for ax, s in zip(axes, series, strict=True))
    axes[0].set(yscale="log", xlim=(0, deepest + 0.4), ylim=(_LOWEST, highest * 1.6))
    axes[0].set_xticks(range(0, deepest + 1, 1 if deepest <= 6 else max(2, ceil(deepest / 7))))
    axes[0].yaxis.set_major_formatter("{x:g}")
    for ax in grid[::columns]:
        ax.set_ylabel("log₃ separation rank (log scale)")
    for index, ax in enumerate(axes):
        if index + columns >= len(series):
            ax.set_xlabel("depth L")
            ax.tick_params(labelbottom=True)
    beside = 3 if width > _THREE_COLUMNS else 2
    figure.legend(handles=_legend(series), loc="outside lower center", ncols=beside, handlelength=1.8)
    return figure, axes


def _panel(ax: Axes, series: Series, among: Sequence[Series], colour: str, deepest: int) -> float:
    """One panel; returns the largest value shown."""
    model, side = series.model, series.side
    depths, tokens = np.arange(1, deepest + 1), (side, model.tokens - side)
    upper = [bounds.log3_moment_bound(int(depth), model.width, *tokens) for depth in depths]
    lower = [bounds.log3_lower_bound(int(depth), model.width, model.heads, model.head_dim, *tokens) for depth in depths]
    ax.fill_between(depths, lower, upper, color=colour, alpha=0.22, linewidth=0)
    ax.plot(depths, upper, color=colour, linewidth=1.0)
    ax.plot(depths, lower, color=colour, linewidth=0.6)
    _published(ax, model, depths)
    for finding in series.findings:
        if finding.result.value > 0 and finding.model.depth <= deepest:
            look = by_standing(finding.result.standing, colour)
            height = bounds.log3(finding.result.value)
            ax.plot(finding.model.depth, height, **look, markersize=5.5, zorder=4, clip_on=False)
    _ground(ax, series, deepest)
    frame = ax.get_xaxis_transform()
    for depth, name, ends, height in (
        (bounds.log3(model.width), "log₃ d", (0, 0.05), 0.012),
        (series.knee, "knee", (0.95, 1), 0.955),
    ):
        if depth <= deepest:
            ax.plot([depth, depth], ends, color="0.25", linewidth=1.4, transform=frame)
            ax.text(depth + deepest / 60, height, name, color="0.25", fontsize=7.5, transform=frame)
    ax.set_title(series.label(among))
    return max(upper)


def _ground(ax: Axes, series: Series, deepest: int) -> None:
    """Shade the depths by their regimes; a depth reaches half-way to its neighbours, the first one to the left edge."""
    for depth in range(1, deepest + 1):
        start = depth - 0.5 if depth > 1 else 0
        ax.axvspan(start, depth + 0.5, color=_GROUND[series.regime(depth)], linewidth=0, zorder=0)


def _published(ax: Axes, model: SelfAttention, depths: NDArray[np.int64]) -> None:
    """The two published theorems, as published; they apply on either side of L = log3 d, so not across it."""
    for theorem in (1, 2):
        valid = [
            (depth, found)
            for depth in depths
            if (found := bounds.published_bounds(int(depth), model.width, model.heads, model.head_dim))
            and found.theorem == theorem
        ]
        for edge in ("lower", "upper"):
            points = [(depth, getattr(found, edge)) for depth, found in valid if getattr(found, edge) > _LOWEST]
            if points:
                ax.plot(*zip(*points, strict=True), color="0.35", linewidth=0.9, linestyle=DASHED)


def _legend(series: Sequence[Series]) -> list[Line2D | Patch]:
    return [
        *standing_entries((f.result.standing for s in series for f in s.findings), "0.2"),
        Patch(facecolor="0.65", label="between the bounds that are proved"),
        line_entry("bounds as published, where positive", "0.35", DASHED, linewidth=0.9),
        Patch(facecolor=_GROUND["growing"], label="growing: a layer at least doubles log₃ rank"),
        Patch(facecolor=_GROUND["turning"], label="turning; white: saturated, it adds at most half"),
        mark_entry("log₃ d: threshold as published", "0.25", "|", markersize=9),
    ]
