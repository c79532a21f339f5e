"""Growth per added layer: a rise, a turn and a plateau."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.experiments.depth_series import MOST_SHOWN, Series, deepest_of
from tensorrank.figures.axes import one_panel
from tensorrank.figures.style import colours, in_style, line_entry, mark_entry, something

# Networks that differ in heads only share a bound; their marks differ in shape.
_SHAPES = ("o", "s", "v", "P", "X", "^", "<", ">")
# Between two names, as a share of the height.
_GAP = 0.055


@checked
@in_style
def increments(series: Sequence[Series], *, deepest: int = 12) -> tuple[Figure, Axes]:
    """How much log3 of the separation rank grows from depth L to L + 1.

    Marks are measured growth between ranks that are both proved (filled: both exact); lower bounds never enter. Lines
    are the growth of the moment bound, on to greater depth; the diamond on each is the knee. Steep: every layer at
    least doubles the logarithm of the rank (growing). Level: every layer adds the same (saturated).

    Args:
        series: findings by depth, as `series_of` groups them.
        deepest: the depth to which the growth of the moment bound is shown, or further, to that of the deepest network
            given (at most 1000).

    Raises:
        TensorRankError: if there are no series.
    """
    something(series, "no findings were")
    deepest = deepest_of(series, whole_number("deepest", deepest, 2, MOST_SHOWN))
    colour = colours(s.model.width for s in series)
    variants = list(dict.fromkeys(_variant(s) for s in series))
    curves = {(s.model.width, s.model.tokens): s for s in series}
    figure, ax = one_panel(6.4, 4.2)
    ends = [(_bound(ax, s, colour[s.model.width], deepest), s) for s in curves.values()]
    for one in series:
        _ranks(ax, one, colour[one.model.width], _SHAPES[variants.index(_variant(one)) % len(_SHAPES)], deepest)
    highest = max(end for end, _ in ends)
    if highest > 20:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
    else:
        ax.set_ylim(0, highest * 1.08)
    ax.set(xlim=(0.7, deepest - 1), xlabel="depth L", ylabel="growth of log₃ separation rank, L to L + 1")
    ax.set_xticks(range(1, deepest, max(1, ceil(deepest / 14))))
    _label(ax, ends, colour, deepest - 1)
    figure.legend(handles=_legend(series, variants), loc="outside upper center", ncols=4, handlelength=1.8)
    return figure, ax


def _variant(series: Series) -> tuple[int, int | None]:
    """Heads, and their width if it is not the usual one: what the moment bound does not depend on."""
    model = series.model
    return model.heads, None if model.heads * model.head_dim == model.width else model.head_dim


def _bound(ax: Axes, series: Series, colour: str, deepest: int) -> float:
    """The growth of the moment bound, with its knee; returns where it ends."""
    model, side = series.model, series.side
    logs = [bounds.log3_moment_bound(depth, model.width, side, model.tokens - side) for depth in range(1, deepest + 1)]
    depths, growth = np.arange(1, deepest), np.diff(logs)
    ax.plot(depths, growth, color=colour, linewidth=1.1, alpha=0.75)
    if depths[0] <= series.knee <= depths[-1]:
        ax.plot(series.knee, np.interp(series.knee, depths, growth), "D", color=colour, markersize=4.5)
    return float(growth[-1])


def _ranks(ax: Axes, series: Series, colour: str, shape: str, deepest: int) -> None:
    exact = {f.model.depth for f in series.findings if f.result.standing == "exact"}
    for depth, value in (one for one in series.increments() if one[0] < deepest):
        face = colour if {depth, depth + 1} <= exact else "white"
        ax.plot(depth, value, shape, color=colour, markerfacecolor=face, markersize=6.5, zorder=4, clip_on=False)


def _label(ax: Axes, ends: list[tuple[float, Series]], colour: dict[int, str], last: int) -> None:
    """The curves by name at the right of the axes, moved apart where they would overlap."""
    lines = [s for _, s in ends]
    few = any(s.model.tokens < 2 * s.model.width for s in lines)
    fractions = ax.transAxes.inverted()
    lowest = -1.0
    for end, series in sorted(ends, key=lambda pair: pair[0]):
        _, height = fractions.transform(ax.transData.transform((last, end)))
        lowest = max(height, lowest + _GAP)
        model = series.model
        text = f"width {model.width}" + (f", {model.tokens} tokens" if few else "")
        ax.text(1.02, lowest, text, color=colour[model.width], va="center", transform=ax.transAxes)


def _legend(series: Sequence[Series], variants: Sequence[tuple[int, int | None]]) -> list[Line2D]:
    standings = {f.result.standing for s in series for f in s.findings}
    handles = [mark_entry("exact ranks", "0.2")]
    if "probable" in standings:
        handles.append(mark_entry("probable ranks", "0.2", face="white"))
    handles += [line_entry("moment bound", "0.2", linewidth=1.1), mark_entry("knee", "0.2", "D", markersize=4.5)]
    if len(variants) > 1:
        for (heads, head_dim), shape in zip(variants, _SHAPES, strict=False):
            text = f"{heads} head{'s' if heads > 1 else ''}" + ("" if head_dim is None else f" of width {head_dim}")
            handles.append(mark_entry(text, "0.5", shape))
    return handles
