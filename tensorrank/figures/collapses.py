"""Two regimes at every width: ranks rise along one line, turn at the knee, and fall onto one curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, NullLocator

from tensorrank.arguments import several, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.attention import bounds
from tensorrank.attention.large_counts import LARGEST
from tensorrank.checked import checked
from tensorrank.experiments.depth_series import Series
from tensorrank.figures.axes import beside, names_at_ends
from tensorrank.figures.depth_sheets import KNEE, atlas_entry, mark_size
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.pictures.look import DASHED, DOTTED, grey, ink, shades
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes
from tensorrank.whole_numbers import abbreviated

WIDTHS = (1, 4, 16, 64, 256, 1024, 4096, 12288)
# Widths of the band for many tokens: the lower bounds are searched, in seconds up to here.
_BANDS = (2, 4, 8, 16, 32)
_CAPTION = (
    "Axes of log₃ of the rank are logarithmic themselves: a straight rise is double-exponential growth with depth. "
    "t triples with every layer."
)
_LOWEST = 5e-5
# How far above the curve its limits stand.
_ABOVE = 1.7


@checked
@in_style
def collapse(
    series: Sequence[Series] = (),
    *,
    widths: Sequence[int] = WIDTHS,
    deepest: int = 24,
    figsize: tuple[float, float] | None = None,
) -> Picture[Panels]:
    """The separation rank of every width on one curve, between two tokens and for many.

    On the left, log3 of the rank between two tokens against depth, exact by the theorem on two tokens. While a layer
    multiplies the logarithm of the rank, all widths rise along one line; each leaves the line at its knee by formula,
    log3(2 d) from width 2 on (`tensorrank.bounds.knee`), marked by a tick.

    In the middle the same ranks, in the measure of the V = d coordinates of a token: log3 of the rank over V against
    t = C / d, where C = (3^L - 1) / 2 is the degree. On the right, many tokens, where V = d (d+1) / 2 entries of the
    moment matrix are free and t = C / (2 V): bands between the largest lower bound in closed form
    (`tensorrank.bounds.lower_bound`) and the moment bound, for as many heads as the width, and ranks computed of heads
    of full width (small: from the atlas). All lie near one curve, phi (`tensorrank.bounds.rank_curve`).
    While t is small the curve rises almost like C, which triples with every layer: growth is double-exponential in the
    depth. Where t is large it rises with log C, by the same amount for every layer: the rank is saturated. At t = 1,
    the knee, it turns.

    Args:
        series: findings by depth, as `series_of` groups them. Computed ranks of heads of full width are marked. There
            may be none.
        widths: the widths between two tokens.
        deepest: the depth to which the theorem is shown.
        figsize: width and height of the figure in inches; by default it fits its panels and words.

    Returns:
        The figure, and an array of three axes.

    Raises:
        TensorRankError: if there are no widths, or a number is not a whole number of at least 1.

    Source: the theorem on two tokens and the bounds for many, docs/explanation/bounds.md.

    >>> import tensorrank as tr
    >>> figure, (over_depth, two_tokens, many_tokens) = tr.figures.collapse(widths=[1, 16, 256], deepest=8)
    >>> two_tokens.get_xlabel()
    't = C / d'
    """
    given = several("widths", widths, "a list of widths, such as [1, 16, 256]")
    sizes = sorted({whole_number("a width", width, 1, LARGEST) for width in given})
    depths = np.arange(1, whole_number("deepest", deepest, 2, 1000) + 1)
    norm = LogNorm(float(min(*sizes, *_BANDS)), float(max(*sizes, *_BANDS)))
    scale = ScalarMappable(norm, ListedColormap(shades(256)))

    def shade(width: int) -> Any:
        return scale.to_rgba(np.array(float(width)))

    sheet = several_axes(10.5, 3.7, 3, figsize=figsize)
    over_depth, two, many = sheet.panels
    ends = [
        (
            f"d = {width if width < 10**6 else abbreviated(width)}",
            _two_tokens(over_depth, two, width, depths, shade(width)),
            grey(0.1),
        )
        for width in sizes
    ]
    for width in _BANDS:
        _many_tokens(many, width, depths, shade(width))
    marked = [_computed(two, many, one, shade(one.model.width)) for one in series]
    for ax, variables in ((two, "d"), (many, "(d(d+1)/2)")):
        _curve(ax)
        ax.set(xlabel=f"t = C / {'d' if ax is two else 'd(d+1)'}", ylabel=f"log₃ separation rank / {variables}")
    over_depth.set(yscale="log", xlim=(0, depths[-1] * 1.02), xlabel="depth L", ylabel="log₃ separation rank")
    over_depth.xaxis.set_major_locator(FixedLocator(range(0, depths[-1] + 1, max(1, depths[-1] // 6))))
    over_depth.set_title("one token a side: exact at every width")
    two.set_title("one curve: one token a side")
    many.set_title("the same curve: many tokens")
    sheet.caption(_CAPTION)
    sheet.legend(_legend([one for one, found in zip(series, marked, strict=True) if found]))
    names_at_ends(sheet, over_depth, ends, float(depths[-1]))
    return sheet.all()


def _two_tokens(over_depth: Axes, two: Axes, width: int, depths: Integers, colour: Any) -> float:
    """The ranks of one width between two tokens, with the knee by formula; returns where they end."""
    ranks = np.array([bounds.log3_two_token_rank(int(depth), width) for depth in depths])
    over_depth.plot(depths, ranks, ".-", color=colour, linewidth=1.2, markersize=4)
    knee = bounds.knee(width, 1)
    if depths[0] <= knee <= depths[-1]:
        height = float(np.exp(np.interp(knee, depths, np.log(ranks))))
        over_depth.plot(knee, height, color=ink(), zorder=4, **KNEE)
    two.plot([_degree(depth) / width for depth in depths], ranks / width, "o", color=colour, markersize=3.6)
    return float(ranks[-1])


def _many_tokens(ax: Axes, width: int, depths: Integers, colour: Any) -> None:
    """The band of one width for many tokens and as many heads as the width."""
    variables = width * (width + 1) // 2
    ratios = [_degree(depth) / (2 * variables) for depth in depths]
    lower = [bounds.log3_lower_bound(int(depth), width, heads=width) / variables for depth in depths]
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
    for one in computed:
        ratio, height = _degree(one.model.depth) / scale, bounds.log3(one.result.value) / variables
        ax.plot(ratio, height, "o", color=colour, markeredgecolor=ink(), markersize=mark_size(one.from_atlas), zorder=4)
    return bool(computed)


def _curve(ax: Axes) -> None:
    """The curve, its two limits, and the knee."""
    t = np.geomspace(_LOWEST, 1e12, 400)
    ax.plot(t, [bounds.rank_curve(x) for x in t], color=ink(), linewidth=0.9, zorder=3)
    small, large = t[t <= 0.4], t[t >= 2]
    # The limits of the curve, moved up to be seen beside it.
    rising, level = _ABOVE * small * np.log(np.e / small) / np.log(3), _ABOVE * np.log(np.e * large) / np.log(3)
    ax.plot(small, rising, color=grey(0.35), linewidth=1.1, linestyle=DASHED)
    ax.plot(large, level, color=grey(0.35), linewidth=1.1, linestyle=DOTTED)
    ax.axvline(1, color=grey(0.75), linewidth=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlim=(_LOWEST, 1e12), ylim=(_LOWEST * 5, 150))
    # Of the logarithm of the rank.
    ax.text(_LOWEST * 1.6, 8, "every layer\nmultiplies", fontsize="small", color=grey(0.15))
    ax.text(1e5, 1.5, "every layer adds", fontsize="small", color=grey(0.15))
    ax.xaxis.set_major_locator(FixedLocator([10.0**k for k in range(-4, 13, 4)]))
    ax.xaxis.set_minor_locator(NullLocator())
    beside(ax, "knee", (1, _LOWEST * 5), (4, 4), fontsize="small", color=grey(0.15))


def _degree(depth: int) -> int:
    return bounds.moment_degree(int(depth))


def _legend(marked: Sequence[Series]) -> list[Artist]:
    entries: list[Artist] = [
        mark_entry("rank by the theorem on two tokens", grey(0.3), markersize=3.6),
        mark_entry("knee by formula, log₃ 2d from d = 2 on", ink(), **KNEE),
        Patch(color=grey(0.75), label="many tokens, d heads: between the bounds that are proved"),
        line_entry("φ(t) = (1+t) log₃(1+t) − t log₃ t", ink(), linewidth=0.9),
        line_entry("φ for small t, moved up: t log₃(e/t)", grey(0.35), DASHED, linewidth=1.1),
        line_entry("φ for large t, moved up: log₃(e t)", grey(0.35), DOTTED, linewidth=1.1),
    ]
    if marked:
        entries.append(mark_entry("computed rank", grey(0.6), markeredgecolor=ink(), markersize=6))
    return entries + atlas_entry(marked)
