"""The singular values behind a numerical rank, with their threshold, and what another tolerance would say."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from tensorrank.arguments import shown
from tensorrank.arithmetic.spectrum import CLEAR_GAP, NumericalRank
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.figures.axes import beside
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.pictures.look import DASHED, colours_and_marks, grey, paper
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes
from tensorrank.separation.result import SeparationRank

# Thresholds closer than this share one label.
_APART = 100.0
# How far below the lowest threshold values are still shown: rounding errors lie there.
_DEEP = 1e-4

Finding = SeparationRank | NumericalRank
# A colour and a mark by the place of a result.
Styles = Mapping[int, tuple[str, str]]


@checked
@in_style
def spectrum(
    results: Finding | Sequence[Finding], labels: Sequence[str] | None = None, *, figsize: tuple[float, float] | None = None
) -> Picture[Panels]:
    """Singular values relative to the largest, and the rank against the tolerance.

    Left: filled marks are counted, open ones lie below the threshold (dashed); the arrow spans a clear gap. Right: a
    level stretch around the threshold means that the rank does not depend on the tolerance, a steady climb that there
    is no rank to read; dotted, it is level only because the sample holds no more. Values far below the thresholds (and
    zeros, which a logarithmic axis cannot show) are left out. Where a threshold is below rounding, the region below
    rounding is shaded: singular values and ranks mean nothing there.

    Args:
        results: one or several numerical ranks: of `numerical_separation_rank`, or of `numerical_rank`.
        labels: a name for each, in the legend; numbers by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure and an array of its two axes.

    Raises:
        TensorRankError: if there is nothing to show, a result has no spectrum, or labels and results differ in number.

    >>> import numpy as np
    >>> import tensorrank as tr
    >>> rank = tr.numerical_rank(np.diag([1.0, 0.5, 1e-12]), rtol=1e-6)
    >>> figure, (values, curve) = tr.figures.spectrum(rank)
    >>> values.get_ylabel(), curve.get_xlabel()
    ('singular value / largest', 'tolerance / largest singular value')
    """
    listed: list[Finding] = [results] if isinstance(results, SeparationRank | NumericalRank) else list(results)
    found = [_spectrum_of(result) for result in listed]
    if not found:
        raise TensorRankError("no results were given; expected at least one numerical rank to show")
    if labels is None:
        labels = [f"spectrum {i}" for i in range(len(found))] if len(found) > 1 else ["singular values"]
    if len(labels) != len(found):
        raise TensorRankError(
            f"labels {shown(tuple(labels))} were given for {len(found)} results; expected a list of one for each"
        )
    styles = colours_and_marks(range(len(found)))
    floor = _floor(found)
    sheet = several_axes(7.6, 3.5, 2, width_ratios=(1.15, 1), figsize=figsize)
    axes = sheet.panels
    dotted = False
    for index, one in enumerate(found):
        _values(axes[0], one, *styles[index], floor)
        dotted |= _curve(axes[1], one, styles[index][0], floor)
    _label_thresholds(axes[0], found, styles)
    rounding = max((one.relative_noise for one in found if one.below_rounding), default=0.0)
    if rounding:
        axes[0].axhspan(floor, rounding, **_below_rounding())
        axes[1].axvspan(floor, rounding, **_below_rounding())
    _finish(axes, found, floor)
    legend = _legend(found, labels, styles, dotted) + (
        [Patch(label="rounding errors", **_below_rounding())] if rounding else []
    )
    sheet.legend(legend)
    sheet.clear(axes[0])
    return sheet.all()


def _spectrum_of(result: Finding) -> NumericalRank:
    found = result.spectrum if isinstance(result, SeparationRank) else result
    if isinstance(result, SeparationRank) and found is None:
        raise TensorRankError(f"a rank with standing {shown(result.standing)} has no spectrum; expected a numerical one")
    if not isinstance(found, NumericalRank):
        raise TensorRankError(
            f"a result of type {type(result).__name__} was given; expected a SeparationRank or a NumericalRank"
        )
    if not found.relative.any():
        raise TensorRankError("a spectrum without a value above zero was given; expected one to show")
    return found


def _below_rounding() -> dict[str, Any]:
    """The look of the region below rounding."""
    return {"facecolor": grey(0.9), "edgecolor": "none", "zorder": 0}


def _floor(found: Sequence[NumericalRank]) -> float:
    """The lowest value shown: the last counted one, and what lies just below the lowest threshold."""
    lowest = min(one.relative[one.relative > 0].min() for one in found)
    thresholds = [one.relative_threshold for one in found if one.relative_threshold > 0]
    counted = min(one.relative[max(one.value, 1) - 1] for one in found)
    shown = min(_DEEP * min(1.0, *thresholds), counted) if thresholds else lowest
    return float(10.0 ** math.floor(math.log10(max(lowest, shown)) - 0.3))


def _values(ax: Axes, one: NumericalRank, colour: str, shape: str, floor: float) -> None:
    index, values = np.arange(1, one.spectrum.size + 1), one.relative
    size = 3.6 if one.spectrum.size <= 100 else 2.6
    counted = index <= one.value
    look: Any = {"color": colour, "markersize": size, "markeredgewidth": 0.7, "linestyle": "", "zorder": 3}
    for chosen, face in ((counted, colour), (~counted & (values >= floor), paper())):
        ax.plot(index[chosen], values[chosen], shape, markerfacecolor=face, **look)
    if one.relative_threshold > 0:
        ax.axhline(one.relative_threshold, color=colour, linewidth=0.9, linestyle=DASHED, zorder=1)
    if 0 < one.value < one.spectrum.size and not one.ambiguous:
        above, below = values[one.value - 1], max(float(values[one.value]), floor)
        where = math.sqrt(one.value * (one.value + 1))
        arrow = {"arrowstyle": "<->", "color": colour, "linewidth": 1.0, "shrinkA": 4, "shrinkB": 4}
        ax.annotate("", xy=(where, above), xytext=(where, below), arrowprops=arrow)
        power = rf"$10^{{{math.floor(math.log10(one.gap))}}}$" if math.isfinite(one.gap) else "∞"
        beside(ax, f"gap {power}", (where, math.sqrt(above * below)), (-5, 0), color=colour, ha="right", va="center")


def _curve(ax: Axes, one: NumericalRank, colour: str, floor: float) -> bool:
    """Show rank against tolerance; returns whether a part of it is as large as the matrix, and so dotted."""
    tolerances, ranks = one.curve()
    inside = tolerances > floor
    x = np.concatenate([[floor], tolerances[inside]])
    y = np.concatenate([[one.rank_at(floor)], ranks[inside]]).astype(float)
    # Rank 0, from tolerance 1 on, has no place on a logarithmic axis.
    y[y == 0] = np.nan
    full = bool(y[0] == one.spectrum.size)
    if full:
        ax.plot(x[:2], [y[0], y[0]], color=colour, linewidth=1.4, linestyle=":", zorder=3)
    ax.step(x[int(full) :], y[int(full) :], where="post", color=colour, linewidth=1.4, zorder=3)
    if one.relative_threshold > 0:
        ax.axvline(one.relative_threshold, color=colour, linewidth=0.9, linestyle=DASHED, zorder=1)
        if one.value:
            ax.plot(one.relative_threshold, one.value, "o", color=colour, markersize=5, zorder=4)
    return full


def _label_thresholds(ax: Axes, found: Sequence[NumericalRank], styles: Styles) -> None:
    """A word above each threshold, one for those that lie close together."""
    last = math.inf
    for index in sorted(range(len(found)), key=lambda i: -found[i].relative_threshold):
        threshold = found[index].relative_threshold
        if 0 < threshold * _APART < last:
            alone = all(o.relative_threshold <= 0 or not 1 < threshold / o.relative_threshold < _APART for o in found)
            text, shade = ("threshold", styles[index][0]) if alone else ("thresholds", grey(0.25))
            beside(ax, text, (1, threshold), (-2, 3), color=shade, va="bottom")
            last = threshold


def _finish(axes: Panels, found: Sequence[NumericalRank], floor: float) -> None:
    largest = max(one.spectrum.size for one in found)
    highest = max(one.rank_at(floor) for one in found)
    top = 4 * max(1.0, *(one.relative_threshold for one in found))
    axes[0].set(xlim=(0.85, 1.2 * largest), ylim=(floor, top), xlabel="index", ylabel="singular value / largest")
    axes[1].set(xlim=(floor, top), ylim=(0.85, 1.5 * highest), xlabel="tolerance / largest singular value")
    axes[1].set_ylabel("rank")
    for ax in axes:
        ax.set(xscale="log", yscale="log")
    for axis, most in ((axes[0].xaxis, largest), (axes[1].yaxis, highest)):
        axis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0) if most <= 200 else (1.0,)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")


def _doubt(one: NumericalRank) -> str:
    if one.below_rounding:
        return "threshold below rounding"
    if one.value == one.spectrum.size:
        return "full rank"
    return "no gap" if one.gap < CLEAR_GAP else "grew with the sample"


def _legend(found: Sequence[NumericalRank], labels: Sequence[str], styles: Styles, dotted: bool) -> list[Artist]:
    handles: list[Artist] = []
    for index, (one, label) in enumerate(zip(found, labels, strict=True)):
        trust = f"{_doubt(one)}, ambiguous" if one.ambiguous else "clear gap"
        handles.append(mark_entry(f"{label}: rank {one.value}, {trust}", *styles[index], markersize=5))
    handles.append(mark_entry("below the threshold, not counted", grey(0.3), face=paper(), markersize=4.5))
    if dotted:
        handles.append(line_entry("all values of the sample", grey(0.3), ":", linewidth=1.4))
    return handles
