"""Separation rank against depth: what was computed, between the bounds that are proved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_series import MOST_SHOWN, Series, deepest_of
from tensorrank.figures.axes import depth_ticks, names_at_ends
from tensorrank.figures.depth_sheets import KNEE, SeriesStyle, atlas_entry, depth_sheet, knee_entry, mark_size, series_styles
from tensorrank.figures.style import MARKS, by_standing, line_entry, something, standing_entries
from tensorrank.pictures.look import DASHED, grey, ink
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style

_LOWEST = 0.3
# How far the ground of a regime is from the ink, and its name.
_GROUND = {
    "growing": (0.86, "growing: a layer at least doubles log₃ rank"),
    "turning": (0.94, "turning; beyond, saturated: it adds at most half"),
    "saturated": (1.0, ""),
}
_CAPTION = (
    "The axis is logarithmic in log₃ of the rank: steps of equal height multiply the exponent. A straight rise is "
    "double-exponential growth; where it bends, layers begin to pay less."
)


@checked
@in_style
def rank_vs_depth(
    series: Sequence[Series],
    *,
    deepest: int = 12,
    overlay: bool = False,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture[Panels]:
    """log3 of the separation rank against depth: one panel a series on common axes, or all series in one.

    Filled marks are exact ranks, open ones probable, triangles certified lower bounds; small marks come from the atlas.
    The shaded band lies between the bounds that are proved for every depth: the moment bound, and the largest lower
    bound in closed form. Where no mark stands, nothing else is known. The rank axis is logarithmic in log3 of the rank:
    a straight rise is double-exponential growth.

    In panels, the dashed lines are the bounds as published. A tick at the bottom marks log3 of the width, one at the
    top the knee by formula (`bounds.knee`). The ground is darkest at growing depths, where another layer at least
    doubles log3 of the rank; saturated ones, where it adds at most half, have none. With `overlay` all series share one
    axes, with their names at the right and a tick across each line at its knee.

    Args:
        series: findings by depth, as `series_of` groups them.
        deepest: the depth to which the bounds are shown, or further, to that of the deepest network given (at most
            1000).
        overlay: whether all series share one axes.
        ax: axes to fill, for an overlay or a single series; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its panels and words.

    Returns:
        The figure, and an array of axes: one a series, or a single one.

    Raises:
        TensorRankError: if there are no series, or one axes is given for several panels.

    >>> import tensorrank as tr
    >>> from tensorrank.experiments.depth_series import series_of
    >>> with tr.Store(":memory:") as store:
    ...     findings = list(tr.Study.over(tr.SelfAttention, width=(1, 2), depth=(1, 2, 3)).run(store))
    >>> figure, axes = tr.figures.rank_vs_depth(series_of(findings))
    >>> [ax.get_title() for ax in axes]
    ['width 1', 'width 2']
    >>> figure, (ax,) = tr.figures.rank_vs_depth(series_of(findings), overlay=True)
    """
    something(series, "no findings were")
    deepest = deepest_of(series, whole_number("deepest", deepest, 1, MOST_SHOWN))
    if ax is not None and len(series) > 1 and not overlay:
        raise TensorRankError(f"ax is one axes, and {len(series)} series have a panel each; give overlay=True, or one series")
    sheet = depth_sheet(1 if overlay else len(series), ax, figsize)
    styles = series_styles(series)
    if not overlay:
        styles = [replace(style, dashes="-") for style in styles]
    met: set[str] = set()
    ends = []
    for index, (one, style) in enumerate(zip(series, styles, strict=True)):
        panel: Axes = sheet.panels[0 if overlay else index]
        ends.append(_ranks(panel, one, style, deepest, met))
        if overlay:
            _knee_across(panel, one, style, deepest, met)
        else:
            panel.set_title(one.label(series))
            _surroundings(panel, one, deepest, met)
    for panel in sheet.panels:
        panel.set(yscale="log", xlim=(0, deepest + 0.4), ylim=(_LOWEST, max(ends) * 1.6))
        panel.yaxis.set_major_formatter("{x:g}")
        depth_ticks(panel, 0, deepest, 7)
    sheet.outer_labels("depth L", "log₃ separation rank (log scale)")
    sheet.caption(_CAPTION)
    sheet.legend(_legend(series, met))
    if overlay:
        names = [one.label(series) for one in series]
        names_at_ends(sheet, sheet.ax, list(zip(names, ends, [style.colour for style in styles], strict=True)), deepest)
    return sheet.all()


def _ranks(ax: Axes, series: Series, style: SeriesStyle, deepest: int, met: set[str]) -> float:
    """The band between the bounds, and the ranks; returns where the upper bound ends."""
    model, sides = series.model, (series.side, series.other)
    depths = np.arange(1, deepest + 1)
    upper = [bounds.log3_moment_bound(int(depth), model.width, *sides) for depth in depths]
    lower = [bounds.log3_lower_bound(int(depth), model.width, model.heads, model.head_dim, *sides) for depth in depths]
    ax.fill_between(depths, lower, upper, color=style.colour, alpha=0.22, linewidth=0)
    ax.plot(depths, upper, color=style.colour, linewidth=1.0, linestyle=style.dashes)
    ax.plot(depths, lower, color=style.colour, linewidth=0.6, linestyle=style.dashes)
    for finding in series.findings:
        if finding.result.value > 0 and finding.model.depth <= deepest:
            look = by_standing(finding.result.standing, style.colour)
            height = bounds.log3(finding.result.value)
            size = mark_size(finding.from_atlas)
            ax.plot(finding.model.depth, height, **look, markersize=size, zorder=4, clip_on=False)
            met.add(finding.result.standing)
    return max(upper)


def _knee_across(ax: Axes, series: Series, style: SeriesStyle, deepest: int, met: set[str]) -> None:
    """A tick across the moment bound of a series, at its knee by formula."""
    if not 1 <= series.knee <= deepest:
        return
    depths = range(1, deepest + 1)
    logs = np.log([bounds.log3_moment_bound(depth, series.model.width, series.side, series.other) for depth in depths])
    ax.plot(series.knee, np.exp(np.interp(series.knee, depths, logs)), color=style.colour, zorder=5, **KNEE)
    met.add("knee")


def _surroundings(ax: Axes, series: Series, deepest: int, met: set[str]) -> None:
    """The ground of the regimes, ticks at the published threshold and at the knee, and the bounds as published.

    A depth reaches half-way to its neighbours, the first one to the left edge.
    """
    for depth in range(1, deepest + 1):
        regime = series.regime(depth)
        start = depth - 0.5 if depth > 1 else 0
        ax.axvspan(start, depth + 0.5, color=grey(_GROUND[regime][0]), linewidth=0, zorder=0)
        met.add(regime)
    for place, name, height in ((bounds.log3(series.model.width), "threshold", 0.04), (series.knee, "knee", 0.96)):
        if place <= deepest:
            ax.plot(place, height, color=ink(), transform=ax.get_xaxis_transform(), **KNEE)
            met.add(name)
    for theorem in (1, 2):
        # They apply on either side of L = log3 d, so not across it.
        found = [bounds.published_bounds(depth, *_heads(series.model)) for depth in range(1, deepest + 1)]
        for edge in ("lower", "upper"):
            points = [
                (depth, getattr(one, edge))
                for depth, one in enumerate(found, 1)
                if one and one.theorem == theorem and getattr(one, edge) > _LOWEST
            ]
            if points:
                ax.plot(*zip(*points, strict=True), color=grey(0.35), linewidth=0.9, linestyle=DASHED)
                met.add("published")


def _heads(model: SelfAttention) -> tuple[int, int, int]:
    return model.width, model.heads, model.head_dim


def _legend(series: Sequence[Series], met: set[str]) -> list[Artist]:
    """Entries for what the panels show, and for nothing else."""
    entries: list[Artist] = [*standing_entries((one for one in MARKS if one in met), ink())]
    entries += atlas_entry(series)
    entries.append(Patch(facecolor=grey(0.65), label="between the bounds that are proved"))
    if "published" in met:
        entries.append(line_entry("bounds as published, where positive", grey(0.35), DASHED, linewidth=0.9))
    if "knee" in met:
        entries.append(knee_entry(f"knee by formula{', on top' if 'threshold' in met else ''}"))
    if "threshold" in met:
        entries.append(knee_entry("log₃ d, at the bottom: threshold as published"))
    entries += [Patch(facecolor=grey(level), label=name) for regime, (level, name) in _GROUND.items() if name and regime in met]
    return entries
