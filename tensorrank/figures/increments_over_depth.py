"""Growth per added layer: a rise, a turn and a plateau."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.depth_series import MOST_SHOWN, Series, deepest_of
from tensorrank.figures.axes import depth_ticks, names_at_ends
from tensorrank.figures.depth_sheets import KNEE, SeriesStyle, atlas_entry, depth_sheet, knee_entry, mark_size, series_styles
from tensorrank.figures.style import line_entry, mark_entry, something
from tensorrank.pictures.look import grey, ink, paper
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style

# Networks that differ in heads only share a bound; their marks differ in shape.
_SHAPES = ("o", "s", "v", "P", "X", "^", "<", ">")
# Growth beyond this needs a logarithmic axis.
_LINEAR = 20
_CAPTION = (
    "Where marks rise steeply, layers multiply the logarithm of the rank; where they are level, every layer adds the same."
)


@checked
@in_style
def increments(
    series: Sequence[Series],
    *,
    deepest: int = 12,
    overlay: bool = True,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture[Panels]:
    """How much log3 of the separation rank grows from depth L to L + 1: all series in one axes, or a panel each.

    Marks are measured growth between ranks that are both proved (filled: both exact; small: one or both from the
    atlas); lower bounds never enter. Lines are the growth of the moment bound, on to greater depth, dashed for fewer
    tokens than can matter; the tick across each is the knee by formula (`bounds.knee`). Steep: every layer at least
    doubles the logarithm of the rank (growing). Level: every layer adds the same (saturated).

    Args:
        series: findings by depth, as `series_of` groups them.
        deepest: the depth to which the growth of the moment bound is shown, or further, to that of the deepest network
            given (at most 1000).
        overlay: whether all series share one axes; panels have common axes.
        ax: axes to fill, for an overlay or a single series; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its panels and words.

    Returns:
        The figure, and an array of axes: a single one, or one a series.

    Raises:
        TensorRankError: if there are no series, or one axes is given for several panels.

    >>> import tensorrank as tr
    >>> from tensorrank.experiments.depth_series import series_of
    >>> with tr.Store(":memory:") as store:
    ...     findings = list(tr.Study.over(tr.SelfAttention, width=(1, 2), depth=(1, 2, 3)).run(store))
    >>> figure, (ax,) = tr.figures.increments(series_of(findings))
    >>> [text.get_text() for text in ax.texts]
    ['width 1', 'width 2']
    """
    something(series, "no findings were")
    deepest = deepest_of(series, whole_number("deepest", deepest, 2, MOST_SHOWN))
    count = 1 if overlay else len(series)
    if ax is not None and count > 1:
        raise TensorRankError(f"ax is one axes, and {count} series have a panel each; leave overlay=True, or give one series")
    sheet = depth_sheet(count, ax, figsize)
    styles = series_styles(series)
    variants = list(dict.fromkeys(_variant(one) for one in series))
    ends, met = [], set[str]()
    for index, (one, style) in enumerate(zip(series, styles, strict=True)):
        panel: Axes = sheet.panels[0 if overlay else index]
        ends.append(_bound(panel, one, style, deepest, met))
        _ranks(panel, one, style, _SHAPES[variants.index(_variant(one)) % len(_SHAPES)], deepest, met)
        if not overlay:
            panel.set_title(one.label(series))
    logarithmic = max(ends) > _LINEAR
    for panel in sheet.panels:
        if logarithmic:
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter("{x:g}")
        else:
            panel.set_ylim(0, max(ends) * 1.08)
        panel.set_xlim(0.7, max(deepest - 1, 1.3))
        depth_ticks(panel, 1, deepest - 1, 14 if overlay else 7)
    sheet.outer_labels("depth L", f"growth of log₃ separation rank,\nL to L + 1{' (log scale)' if logarithmic else ''}")
    sheet.caption(_CAPTION + (" The axis is logarithmic in that growth." if logarithmic else ""))
    sheet.legend(_legend(series, variants, met))
    if overlay:
        curves = {(one.model.width, one.model.tokens): place for place, one in enumerate(series)}
        names_at_ends(
            sheet, sheet.ax, [(_curve_name(series[i], series), ends[i], styles[i].colour) for i in curves.values()], deepest - 1
        )
    return sheet.all()


def _variant(series: Series) -> tuple[int, int | None]:
    """Heads, and their width if it is not the usual one: what the moment bound does not depend on."""
    model = series.model
    return model.heads, None if model.heads * model.head_dim == model.width else model.head_dim


def _bound(ax: Axes, series: Series, style: SeriesStyle, deepest: int, met: set[str]) -> float:
    """The growth of the moment bound, with the knee by formula; returns where it ends."""
    sides = series.side, series.other
    logs = [bounds.log3_moment_bound(depth, series.model.width, *sides) for depth in range(1, deepest + 1)]
    depths, growth = np.arange(1, deepest), np.diff(logs)
    ax.plot(depths, growth, color=style.colour, linewidth=1.1, linestyle=style.dashes)
    met.add("few" if style.dashes != "-" else "many")
    if depths[0] <= series.knee <= depths[-1]:
        ax.plot(series.knee, np.interp(series.knee, depths, growth), color=style.colour, zorder=5, **KNEE)
        met.add("knee")
    return float(growth[-1])


def _ranks(ax: Axes, series: Series, style: SeriesStyle, shape: str, deepest: int, met: set[str]) -> None:
    exact = {f.model.depth for f in series.findings if f.result.standing == "exact"}
    for depth, value in (one for one in series.increments() if one[0] < deepest):
        filled = {depth, depth + 1} <= exact
        size = mark_size(series.from_atlas(depth) or series.from_atlas(depth + 1))
        look: Any = {"color": style.colour, "markerfacecolor": style.colour if filled else paper(), "markersize": size}
        ax.plot(depth, value, shape, zorder=4, clip_on=False, **look)
        met.add("exact" if filled else "probable")


def _curve_name(series: Series, among: Sequence[Series]) -> str:
    """The width of a curve, and its tokens where some have fewer than can matter: heads share a curve."""
    few = any(one.model.tokens < 2 * one.model.width for one in among)
    return f"width {series.model.width}" + (f", {series.model.tokens} tokens" if few else "")


def _legend(series: Sequence[Series], variants: Sequence[tuple[int, int | None]], met: set[str]) -> list[Artist]:
    """Entries for what the axes show, and for nothing else."""
    entries: list[Artist] = []
    if "exact" in met:
        entries.append(mark_entry("growth between exact ranks", ink()))
    if "probable" in met:
        entries.append(mark_entry("one or both probable", ink(), face=paper()))
    if {"exact", "probable"} & met:
        entries += atlas_entry(series)
    if "many" in met:
        entries.append(line_entry("of the moment bound", ink(), linewidth=1.1))
    if "few" in met:
        entries.append(line_entry("of the moment bound, few tokens", ink(), (0, (3, 1)), linewidth=1.1))
    if "knee" in met:
        entries.append(knee_entry("knee by formula"))
    if len(variants) > 1 and {"exact", "probable"} & met:
        for (heads, head_dim), shape in zip(variants, _SHAPES, strict=False):
            text = f"{heads} head{'s' if heads > 1 else ''}" + ("" if head_dim is None else f" of width {head_dim}")
            entries.append(mark_entry(text, grey(0.4), shape))
    return entries
