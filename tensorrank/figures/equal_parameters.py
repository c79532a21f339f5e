"""Curves of equal size: what certified separation rank each depth makes of one budget of parameters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tensorrank.arguments import shown, whole_number
from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.figures.axes import beside, names_at_ends
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.pictures.look import colours, grey
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import in_style, one_axes

_CAPTION = (
    "The axis is logarithmic in log₃ of the rank: steps of equal height multiply the exponent. Beyond the knee, further "
    "depth is bought with width for little."
)
# Curves take about a millisecond for each unit of width at depth 1, the square root of a budget.
_MOST_BUDGETS, _LONGEST = 100, 10_000


@checked
@in_style
def iso_parameters(
    budgets: Sequence[int],
    *,
    rule: int = 4,
    deepest: int = 32,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture[Axes]:
    """The certified band of log3 of the separation rank against depth, for networks of rule * L * d^2 parameters.

    The band lies between the largest lower bound in closed form (`bounds.lower_bound`) and the moment bound, for as
    many heads as the width and many tokens, at the depths and widths that make the most of the size
    (`bounds.equal_sizes`). The diamond is the knee by formula (`bounds.knee`), in the middle of the turn from growing
    to saturated networks (`bounds.regime`); it moves right with the logarithm of the width. There is no peak: at a
    fixed size the bound has no interior maximum, and what the knee marks is where further depth comes to be paid for in
    width.

    Args:
        budgets: numbers of parameters.
        rule: parameters of a layer over d^2: 4 for attention alone, 12 with a feed-forward network of width 4 d.
        deepest: the largest depth.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Raises:
        TensorRankError: if there are no budgets, one does not suffice for width 2, or the curves would take minutes.

    >>> import tensorrank as tr
    >>> figure, ax = tr.figures.iso_parameters([100, 1000], deepest=8)
    >>> [text.get_text() for text in ax.texts if "parameters" in text.get_text()]
    ['100 parameters', '1,000 parameters']
    """
    whole_number("rule", rule, 1)
    whole_number("deepest", deepest, 2)
    sizes = sorted({whole_number("a budget", budget, 1) for budget in budgets})
    if not sizes or sizes[0] < 4 * rule:
        raise TensorRankError(
            f"the budgets are {', '.join(map(str, sizes)) or 'none'}; expected at least {4 * rule} parameters each, "
            "enough for width 2"
        )
    if len(sizes) > _MOST_BUDGETS or sum(math.isqrt(size) for size in sizes) > _LONGEST:
        raise TensorRankError(
            f"{len(sizes)} budgets up to {shown(sizes[-1])} would take minutes; expected at most {_MOST_BUDGETS}, whose "
            f"square roots sum to at most {_LONGEST:,}: one of {_LONGEST**2:,} parameters, or more that are smaller"
        )
    colour = colours(sizes)
    sheet = one_axes(6.4, 4.1, ax, figsize)
    ax = sheet.ax
    ends = [(f"{size:,} parameters", _curve(ax, size, rule, deepest, colour[size]), colour[size]) for size in sizes]
    ax.set(yscale="log", xlim=(0.6, deepest + 0.4), xlabel="depth L", ylabel="log₃ separation rank (log scale)")
    ax.set_xticks([1, *range(4, deepest + 1, 4)])
    ax.yaxis.set_major_formatter("{x:g}")
    handles: list[Line2D | Patch] = [
        line_entry("moment bound, at most", grey(0.3)),
        Patch(color=grey(0.8), label="down to the largest lower bound that is proved"),
        mark_entry("knee by formula", grey(0.3), "D", markersize=5),
    ]
    sheet.caption(_CAPTION)
    sheet.legend(handles)
    names_at_ends(sheet, ax, ends, deepest)
    sheet.clear(ax)
    return sheet.one()


def _curve(ax: Axes, size: int, rule: int, deepest: int, colour: str) -> float:
    """The band of one size, with its knee; returns where it ends."""
    pairs = bounds.equal_sizes(size, rule, deepest)
    depths = [depth for depth, _ in pairs]
    upper = [bounds.log3_moment_bound(depth, width) for depth, width in pairs]
    lower = [bounds.log3_lower_bound(depth, width, heads=width) for depth, width in pairs]
    ax.fill_between(depths, lower, upper, color=colour, alpha=0.16, linewidth=0)
    ax.plot(depths, upper, ".-", color=colour, linewidth=1.4, markersize=4)
    # The depth at which the knee of the width that the size leaves is the depth itself.
    excess = [depth - bounds.knee(width) for depth, width in pairs]
    beyond = next((i for i, value in enumerate(excess) if value >= 0), None)
    if beyond:
        share = -excess[beyond - 1] / (excess[beyond] - excess[beyond - 1])
        depth = depths[beyond - 1] + share * (depths[beyond] - depths[beyond - 1])
        height = float(np.exp(np.interp(depth, depths, np.log(upper))))
        ax.plot(depth, height, "D", color=colour, markersize=6, zorder=4)
        beside(ax, f"width {np.sqrt(size / (rule * depth)):.0f}", (depth, height), (6, -11), fontsize="small", color=colour)
    return upper[-1]
