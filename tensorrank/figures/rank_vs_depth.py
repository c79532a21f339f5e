"""Separation rank against depth: what was computed, between the bounds that are proved."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_series import Series
from tensorrank.figures.style import MARKS, RC, colours

_COLUMNS = 4
_LOWEST = 0.3


def rank_vs_depth(series: Sequence[Series], *, deepest: int = 12) -> tuple[Figure, NDArray[np.object_]]:
    """log3 of the separation rank against depth, one panel a series, on common axes.

    Filled marks are exact ranks, open ones probable, triangles certified lower bounds. The shaded band lies between the
    monomial and the moment bound, proved for every depth; the dashed lines are the bounds as published. A tick at
    the bottom marks log3 of the width, one at the top the knee, up to which the ground is grey. The rank axis is
    logarithmic in log3 of the rank: a straight rise is double-exponential growth, the bend is where saturation begins.

    Args:
        series: findings by depth, as `series_of` groups them.
        deepest: the depth to which the bounds are drawn.

    Returns:
        The figure, and an array of axes, one a series.

    Raises:
        TensorRankError: if there are no series.
    """
    if not series:
        raise TensorRankError("no findings were given; expected at least one to draw")
    columns = min(_COLUMNS, len(series))
    rows = ceil(len(series) / columns)
    colour = colours(s.model.width for s in series)
    with mpl.rc_context(RC):
        figure = Figure(figsize=(2.45 * columns + 0.5, 2.9 * rows + 0.75), layout="constrained")
        grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        axes = grid.ravel()[: len(series)]
        for spare in grid.ravel()[len(series) :]:
            spare.set_visible(False)
        highest = max(_draw(ax, s, series, colour[s.model.width], deepest) for ax, s in zip(axes, series, strict=True))
        axes[0].set(yscale="log", xlim=(0, deepest + 0.4), ylim=(_LOWEST, highest * 1.6))
        axes[0].set_xticks(range(0, deepest + 1, 2 if deepest > 6 else 1))
        axes[0].yaxis.set_major_formatter("{x:g}")
        for ax in grid[:, 0]:
            ax.set_ylabel("log₃ separation rank (log scale)")
        for index, ax in enumerate(axes):
            if index + columns >= len(series):
                ax.set_xlabel("depth L")
                ax.tick_params(labelbottom=True)
        figure.legend(handles=_legend(series), loc="outside lower center", ncols=3, handlelength=1.8)
    return figure, axes


def _draw(ax: Axes, series: Series, among: Sequence[Series], colour: str, deepest: int) -> float:
    """One panel; returns the largest value shown."""
    model, side = series.model, series.side
    other = model.tokens - side
    depths = np.arange(1, deepest + 1)
    upper = [bounds.log3(bounds.moment_bound(int(depth), model.width, side, other)) for depth in depths]
    lower = [
        bounds.log3(bounds.monomial_bound(int(depth), model.width, model.heads, model.head_dim, side, other))
        for depth in depths
    ]
    ax.fill_between(depths, lower, upper, color=colour, alpha=0.22, linewidth=0)
    ax.plot(depths, upper, color=colour, linewidth=1.0)
    ax.plot(depths, lower, color=colour, linewidth=0.6)
    _draw_published(ax, model, depths)
    for finding in series.findings:
        if finding.result.value > 0:
            mark, filled, _ = MARKS[finding.result.standing]
            ax.plot(
                finding.model.depth,
                bounds.log3(finding.result.value),
                mark,
                color=colour,
                markerfacecolor=colour if filled else "white",
                markersize=5.5,
                zorder=4,
                clip_on=False,
            )
    ax.axvspan(0, series.knee, color="0.94", linewidth=0, zorder=0)
    frame = ax.get_xaxis_transform()
    for depth, name, ends, height in (
        (bounds.log3(model.width), "log₃ d", (0, 0.05), 0.012),
        (series.knee, "knee", (0.95, 1), 0.955),
    ):
        ax.plot([depth, depth], ends, color="0.25", linewidth=1.4, transform=frame)
        ax.text(depth + 0.2, height, name, color="0.25", fontsize=7.5, transform=frame)
    ax.set_title(series.label(among))
    return max(upper)


def _draw_published(ax: Axes, model: SelfAttention, depths: NDArray[np.int64]) -> None:
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
                ax.plot(*zip(*points, strict=True), color="0.35", linewidth=0.9, linestyle=(0, (4, 2)))


def _legend(series: Sequence[Series]) -> list[Line2D | Patch]:
    standings = [f.result.standing for s in series for f in s.findings]
    marks = [
        Line2D([], [], marker=mark, color="0.2", markerfacecolor="0.2" if filled else "white", linestyle="", label=name)
        for standing, (mark, filled, name) in MARKS.items()
        if standing in standings
    ]
    return [
        *marks,
        Patch(facecolor="0.65", label="proved: monomial to moment bound"),
        Line2D([], [], color="0.35", linewidth=0.9, linestyle=(0, (4, 2)), label="bounds as published, where positive"),
        Patch(facecolor="0.94", label="below the knee: double-exponential growth"),
        Line2D([], [], marker="|", markersize=9, color="0.25", linestyle="", label="log₃ d: threshold as published"),
    ]
