"""The depth of the knee against the width: measured on ranks, or enclosed by bounds, beside the formula."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import ceil
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy

from tensorrank.arguments import several, whole_number
from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.experiments.depth_series import Series
from tensorrank.figures.axes import names_at_ends
from tensorrank.figures.depth_sheets import atlas_entry
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.pictures.look import DASHED, Hue, grey, hue, ink
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Sheet, in_style, one_axes

WIDTHS = (*(2**k for k in range(14)), 12288)
# The lower bounds are searched: some seconds in all up to this width, minutes beyond.
_SEARCHED = 128
# No width that fits in memory has a knee beyond this depth.
_DEEPEST = 1000
_LATER: Any = {"marker": r"$\uparrow$", "markersize": 9}
_FEW: Hue = "ink"
_MANY: Hue = "blue"
_CAPTION = (
    "The measured knee is the depth at which log₃ of the rank passes V φ(1), with V free variables. A rank between two "
    "bounds passes it no earlier than the upper bound does, and no later than the lower."
)


@checked
@in_style
def knee(
    series: Sequence[Series] = (),
    *,
    widths: Sequence[int] = WIDTHS,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture[Axes]:
    """The depth of the knee against the width d, on a logarithmic axis: measured, or enclosed, beside the formula.

    All ranks lie near V phi(t), where V is the number of free variables (`figures.collapse`), and the knee is at t = 1.
    There are two ways to say at which depth that is:

    - The knee *by formula* (`bounds.knee`) is where t is 1 for large widths: log3(2 d) for one token a side, and
      log3(2 d (d+1)) for many tokens. The lines show it.
    - The *measured* knee is where the logarithm of ranks to base 3 passes V phi(1), in proportion between two depths.
      The marks show it. At widths 1 to 4 it is up to a layer later than the formula has it; with the width the two
      come together.

    For one token a side, V = d, and the ranks are exact at every width by the theorem on two tokens. For many tokens,
    V = d (d+1) / 2, ranks are known at few widths; where those of heads of full width were computed below and above,
    their measured knee is a diamond (small: from the atlas). Everywhere else two bounds enclose it. The rank is at most
    the moment bound, so it passes V phi(1) no earlier than that does; d heads have at least the rank that the largest
    lower bound in closed form says (`bounds.lower_bound`), so they pass it no later: the bar leads from the one to the
    other. Searching the lower bounds takes minutes at widths beyond 128, where an arrow says that only the earlier end
    is known.

    Args:
        series: findings by depth, as `series_of` groups them. There may be none.
        widths: the widths.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its words.

    Returns:
        The figure and its axes.

    Raises:
        TensorRankError: if there are no widths, or one is not a whole number of at least 1.

    Source: the theorem on two tokens and the bounds for many, docs/explanation/bounds.md; the published threshold,
    Levine et al. (NeurIPS 2020, arXiv 2006.12467).

    >>> import tensorrank as tr
    >>> figure, ax = tr.figures.knee(widths=[1, 16, 256])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('width d (log scale)', 'depth of the knee')
    """
    given = several("widths", widths, "a list of widths, such as [1, 16, 256]")
    sizes = sorted({whole_number("a width", width, 1, 10**6) for width in given})
    sheet = one_axes(6.4, 4.3, ax, figsize)
    ax = sheet.ax
    least, most = sizes[0], max(sizes[-1], sizes[0] + 1)
    x = np.geomspace(least, most, 200)
    ends = []
    for line, dashes, name in ((2 * x * (x + 1), "-", "log₃ 2d(d+1)"), (2 * x, "-", "log₃ 2d"), (x, DASHED, "log₃ d")):
        ax.plot(x, np.log(line) / np.log(3), color=grey(0.55), linewidth=1.1, linestyle=dashes, zorder=1)
        ends.append((name, float(np.log(line[-1]) / np.log(3)), grey(0.25)))
    for width in sizes:
        _enclosed(sheet, width)
    ax.plot(sizes, [_passed(partial(_two_tokens, width), width) for width in sizes], "o", color=hue(_FEW), markersize=4.5)
    marked = [one for one in series if _computed(ax, one)]
    ax.set(xscale="log", xlim=(least / 1.4, most * 1.3), ylim=(0, None))
    ax.set(xlabel="width d (log scale)", ylabel="depth of the knee")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    sheet.caption(_CAPTION)
    sheet.legend(_legend(sizes, marked))
    names_at_ends(sheet, ax, ends, most)
    return sheet.one()


def _two_tokens(width: int, depth: int) -> float:
    return bounds.log3_two_token_rank(depth, width)


def _enclosed(sheet: Sheet, width: int) -> None:
    """Between which depths the measured knee of one width is for many tokens, as far as the bounds tell."""
    ax = sheet.ax
    free, colour = width * (width + 1) // 2, hue(_MANY)
    first = _passed(lambda depth: bounds.log3_moment_bound(depth, width), free)
    if width <= _SEARCHED:
        # The monomial bound is searched faster than the largest, which passes little earlier.
        near = _passed(lambda depth: bounds.log3_monomial_bound(depth, width, heads=width), free)
        last = _passed(lambda depth: bounds.log3_lower_bound(depth, width, heads=width), free, ceil(near))
        ax.plot([width, width], [first, last], "-", color=colour, linewidth=4, alpha=0.35, solid_capstyle="butt")
    else:
        above = offset_copy(ax.transData, sheet.figure, y=9, units="points")
        ax.plot(width, first, color=colour, transform=above, **_LATER)
    ax.plot(width, first, "_", color=colour, markersize=9, markeredgewidth=1.6)


def _computed(ax: Axes, series: Series) -> bool:
    """Mark the measured knee of computed ranks of many tokens, if there are ranks on both of its sides."""
    width = series.model.width
    logs = {f.model.depth: bounds.log3(f.result.value) for f in series.findings if f.proved and f.result.value > 0}
    enough = max(logs, default=0)
    few = series.model.tokens < 2 * width or series.model.head_dim < width
    if few or width == 1 or any(depth not in logs for depth in range(1, enough + 1)):
        return False
    free = width * (width + 1) // 2
    if not logs or logs[enough] < free * bounds.rank_curve(1):
        return False
    depth = _passed(lambda depth: logs[depth], free)
    size = 4.0 if _from_atlas(series, depth) else 6.0
    ax.plot(width, depth, "D", color=hue(_MANY), markeredgecolor=ink(), markersize=size, zorder=4)
    return True


def _from_atlas(series: Series, depth: float) -> bool:
    """Whether a rank on either side of a depth was taken from an atlas."""
    return any(map(series.from_atlas, (int(depth), int(np.ceil(depth)))))


def _passed(log3_rank: Callable[[int], float], variables: int, start: int = 1) -> float:
    """The depth at which log3 of the rank passes so many variables times phi(1), in proportion between two depths.

    The search goes up or down from a depth.
    """
    wanted, depth = variables * bounds.rank_curve(1), start
    while log3_rank(depth) < wanted and depth < _DEEPEST:
        depth += 1
    while depth > 1 and log3_rank(depth - 1) >= wanted:
        depth -= 1
    if depth == 1:
        return 1.0
    below, above = np.log([log3_rank(depth - 1), log3_rank(depth)])
    return depth - 1 + float((np.log(wanted) - below) / (above - below))


def _legend(sizes: Sequence[int], marked: Sequence[Series]) -> list[Artist]:
    many = hue(_MANY)
    entries: list[Artist] = [
        mark_entry("measured, one token a side: exact", hue(_FEW), markersize=4.5),
        mark_entry("many tokens: no earlier (moment bound)", many, "_", markersize=9, markeredgewidth=1.6),
    ]
    if sizes[0] <= _SEARCHED:
        entries.append(Patch(color=many, alpha=0.35, label="no later, with d heads (lower bounds)"))
    if sizes[-1] > _SEARCHED:
        entries.append(mark_entry("how much later is not known", many, **_LATER))
    if marked:
        entries.append(mark_entry("measured, many tokens", many, "D", markeredgecolor=ink(), markersize=6))
    entries += [
        line_entry("knee by formula", grey(0.55), linewidth=1.1),
        line_entry("threshold as published", grey(0.55), DASHED, linewidth=1.1),
    ]
    return entries + atlas_entry(marked, "D")
