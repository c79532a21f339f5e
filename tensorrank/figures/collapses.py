"""Two regimes at every width: ranks rise along one line, turn at the knee, and fall onto one curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from tensorrank.arguments import several, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.attention import bounds
from tensorrank.attention.large_counts import LARGEST
from tensorrank.checked import checked
from tensorrank.experiments.depth_series import Series
from tensorrank.figures.axes import Panels, beside, panels
from tensorrank.figures.style import DASHED, DOTTED, in_style, line_entry, mark_entry

WIDTHS = (1, 4, 16, 64, 256, 1024, 4096, 12288)
# Widths of the band for many tokens: the monomial bound is searched, in seconds up to here.
_BANDS = (2, 4, 8, 16, 32)
_SHADES = "viridis"
_LOWEST = 5e-5
# How far above the curve its limits stand.
_ABOVE = 1.7


@checked
@in_style
def collapse(series: Sequence[Series] = (), *, widths: Sequence[int] = WIDTHS, deepest: int = 24) -> tuple[Figure, Panels]:
    """The separation rank of every width on one curve, between two tokens and for many.

    On the left, log3 of the rank between two tokens against depth, exact by the theorem on two tokens. While a layer
    multiplies the logarithm of the rank, all widths rise along one line; each leaves the line at its knee, log3(2 d),
    marked by a tick.

    In the middle the same ranks, in the measure of the V = d coordinates of a token: log3 of the rank over V against
    t = C / d, where C = (3^L - 1) / 2 is the degree. On the right, many tokens, where V = d (d+1) / 2 entries of the
    moment matrix are free and t = C / (2 V): bands between the monomial and the moment bound for as many heads as the
    width, and ranks computed of heads of full width. All lie near one curve, phi (`tensorrank.bounds.rank_curve`).
    While t is small the curve rises almost like C, which triples with every layer: growth is double-exponential in the
    depth. Where t is large it rises with log C, by the same amount for every layer: the rank is saturated. At t = 1,
    the knee, it turns.

    Args:
        series: findings by depth, as `series_of` groups them. Computed ranks of heads of full width are marked. There
            may be none.
        widths: the widths between two tokens.
        deepest: the depth to which the theorem is shown.

    Returns:
        The figure, and an array of three axes.

    Raises:
        TensorRankError: if there are no widths, or a number is not a whole number of at least 1.

    Source: the theorem on two tokens and the bounds for many, docs/explanation/bounds.md.
    """
    given = several("widths", widths, "a list of widths, such as [1, 16, 256]")
    sizes = sorted({whole_number("a width", width, 1, LARGEST) for width in given})
    depths = np.arange(1, whole_number("deepest", deepest, 2, 1000) + 1)
    norm = LogNorm(float(min(*sizes, *_BANDS)), float(max(*sizes, *_BANDS)))
    shades = ScalarMappable(norm, _SHADES)

    def shade(width: int) -> Any:
        return shades.to_rgba(np.array(float(width)))

    figure, axes = panels(10.5, 4.1, 3)
    over_depth, two, many = axes
    for width in sizes:
        _two_tokens(over_depth, two, width, depths, shade(width))
    for width in _BANDS:
        _many_tokens(many, width, depths, shade(width))
    marked = [_computed(two, many, one, shade(one.model.width)) for one in series]
    for ax, variables in ((two, "d"), (many, "(d(d+1)/2)")):
        _curve(ax)
        ax.set(xlabel=f"t = C / {'d' if ax is two else 'd(d+1)'}", ylabel=f"log₃ separation rank / {variables}")
    over_depth.set(yscale="log", xlim=(0, depths[-1] * 1.3), xlabel="depth L", ylabel="log₃ separation rank")
    over_depth.xaxis.set_major_locator(FixedLocator(range(0, depths[-1] + 1, max(1, depths[-1] // 6))))
    over_depth.set_title("one token a side: exact at every width")
    two.set_title("one curve: one token a side")
    many.set_title("the same curve: many tokens")
    figure.legend(handles=_legend(any(marked)), loc="outside lower center", ncols=3, handlelength=1.8)
    return figure, axes


def _two_tokens(over_depth: Axes, two: Axes, width: int, depths: Integers, colour: Any) -> None:
    """The ranks of one width between two tokens, with the knee and the width by name."""
    ranks = np.array([bounds.log3_two_token_rank(int(depth), width) for depth in depths])
    over_depth.plot(depths, ranks, ".-", color=colour, linewidth=1.2, markersize=4)
    knee = bounds.knee(width, 1)
    if depths[0] <= knee <= depths[-1]:
        height = float(np.exp(np.interp(knee, depths, np.log(ranks))))
        over_depth.plot(knee, height, "|", color="0.1", markersize=12, markeredgewidth=1.5, zorder=4)
    beside(over_depth, f"d = {width}", (depths[-1], ranks[-1]), (5, -3), fontsize=8, color="0.1")
    two.plot([_degree(depth) / width for depth in depths], ranks / width, "o", color=colour, markersize=3.6)


def _many_tokens(ax: Axes, width: int, depths: Integers, colour: Any) -> None:
    """The band of one width for many tokens and as many heads as the width."""
    variables = width * (width + 1) // 2
    ratios = [_degree(depth) / (2 * variables) for depth in depths]
    lower = [bounds.log3_monomial_bound(int(depth), width, heads=width) / variables for depth in depths]
    upper = [bounds.log3_moment_bound(int(depth), width) / variables for depth in depths]
    ax.fill_between(ratios, lower, upper, color=colour, alpha=0.35, linewidth=0)


def _computed(two: Axes, many: Axes, series: Series, colour: Any) -> bool:
    """Mark the computed ranks of a series; False if its heads are narrow, or its tokens neither two nor many."""
    width, tokens = series.model.width, series.model.tokens
    if series.model.head_dim < width:
        return False
    if tokens == 2:
        ax, variables, scale = two, width, width
    elif tokens >= 2 * width:
        ax, variables = many, width * (width + 1) // 2
        scale = 2 * variables
    else:
        return False
    computed = [f for f in series.findings if f.proved and f.result.value > 1 and f.result.method != "theorem"]
    points = [(f.model.depth, f.result.value) for f in computed]
    ratios = [_degree(depth) / scale for depth, _ in points]
    heights = [bounds.log3(value) / variables for _, value in points]
    ax.plot(ratios, heights, "o", color=colour, markeredgecolor="black", markersize=6, zorder=4)
    return bool(points)


def _curve(ax: Axes) -> None:
    """The curve, its two limits, and the knee."""
    t = np.geomspace(_LOWEST, 1e12, 400)
    ax.plot(t, [bounds.rank_curve(x) for x in t], color="black", linewidth=0.9, zorder=3)
    small, large = t[t <= 0.4], t[t >= 2]
    # The limits of the curve, moved up to be seen beside it.
    rising, level = _ABOVE * small * np.log(np.e / small) / np.log(3), _ABOVE * np.log(np.e * large) / np.log(3)
    ax.plot(small, rising, color="0.35", linewidth=1.1, linestyle=DASHED)
    ax.plot(large, level, color="0.35", linewidth=1.1, linestyle=DOTTED)
    ax.axvline(1, color="0.75", linewidth=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=(_LOWEST, 1e12), ylim=(_LOWEST * 5, 150))
    # Of the logarithm of the rank.
    ax.text(_LOWEST * 1.6, 8, "every layer\nmultiplies", fontsize=8, color="0.15")
    ax.text(1e5, 1.5, "every layer adds", fontsize=8, color="0.15")
    ax.xaxis.set_major_locator(FixedLocator([10.0**k for k in range(-4, 13, 4)]))
    ax.xaxis.set_minor_locator(NullLocator())
    beside(ax, "knee", (1, _LOWEST * 5), (4, 4), fontsize=8.5, color="0.15")


def _degree(depth: int) -> int:
    return bounds.moment_degree(int(depth))


def _legend(computed: bool) -> list[Line2D | Patch]:
    entries: list[Line2D | Patch] = [
        mark_entry("rank by the theorem on two tokens", "0.3", markersize=3.6),
        Patch(color="0.75", label="many tokens, d heads: monomial to moment bound"),
        line_entry("φ(t) = (1+t) log₃(1+t) − t log₃ t", "black", linewidth=0.9),
        mark_entry("knee, log₃ 2d", "0.1", "|", markersize=12, markeredgewidth=1.5),
        line_entry("φ for small t, moved up: t log₃(e/t)", "0.35", DASHED, linewidth=1.1),
        line_entry("φ for large t, moved up: log₃(e t)", "0.35", DOTTED, linewidth=1.1),
    ]
    if computed:
        entries.append(Line2D([], [], marker="o", color="0.6", markeredgecolor="black", linestyle="", label="computed rank"))
    return entries
