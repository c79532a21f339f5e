"""The depth of the knee against the width: exact between two tokens, from bounds and computed ranks for many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from tensorrank.arguments import several, whole_number
from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.experiments.depth_series import Series
from tensorrank.figures.axes import beside, one_panel
from tensorrank.figures.style import DASHED, in_style, line_entry, mark_entry

WIDTHS = (*(2**k for k in range(14)), 12288)
# The monomial bound is searched, in seconds up to this width.
_SEARCHED = 32
# No width that fits in memory has a knee beyond this depth.
_DEEPEST = 1000
_FEW, _MANY = "#000000", "#0072B2"


@checked
@in_style
def knee(series: Sequence[Series] = (), *, widths: Sequence[int] = WIDTHS) -> tuple[Figure, Axes]:
    """The depth of the knee against the width d, on a logarithmic axis.

    All ranks lie near V phi(t), where V is the number of free variables (`figures.collapse`), and the knee is at t = 1.
    So the knee of ranks is read off where their logarithm to base 3 passes V phi(1), in proportion between two depths.

    - One token a side, V = d: ranks by the theorem on two tokens, at every width.
    - Many tokens, V = d (d+1) / 2: the moment bound passes V phi(1) first and the monomial bound for d heads last. The
      rank of d heads does so between them: a bar. Where ranks of heads of full width were computed below and above,
      their own knee is marked.

    The lines are log3(2 d), log3(2 d (d+1)), and the published threshold log3(d). All grow with the logarithm of the
    width: three times the width moves the knee by one layer between two tokens, and by about two for many.

    Args:
        series: findings by depth, as `series_of` groups them. There may be none.
        widths: the widths.

    Raises:
        TensorRankError: if there are no widths, or one is not a whole number of at least 1.

    Source: the theorem on two tokens and the bounds for many, docs/explanation/bounds.md; the published threshold,
    Levine et al. (NeurIPS 2020, arXiv 2006.12467).
    """
    given = several("widths", widths, "a list of widths, such as [1, 16, 256]")
    sizes = sorted({whole_number("a width", width, 1, 10**6) for width in given})
    figure, ax = one_panel(6.4, 4.5)
    least, most = sizes[0], max(sizes[-1], sizes[0] + 1)
    x = np.geomspace(least, most, 200)
    for line, dashes, name in ((2 * x * (x + 1), "-", "log₃ 2d(d+1)"), (2 * x, "-", "log₃ 2d"), (x, DASHED, "log₃ d")):
        ax.plot(x, np.log(line) / np.log(3), color="0.55", linewidth=1.1, linestyle=dashes, zorder=1)
        beside(ax, name, (x[-1], np.log(line[-1]) / np.log(3)), (6, -7 if dashes == DASHED else 0), fontsize=8.5, color="0.25")
    for width in sizes:
        _of_many(ax, width)
    pairs = [_passed(partial(_two_tokens, width), width) for width in sizes]
    ax.plot(sizes, pairs, "o", color=_FEW, markersize=4.5)
    marked = [_computed(ax, one) for one in series]
    ax.set(xscale="log", xlim=(least / 1.4, most * 4.5), ylim=(0, None))
    ax.set(xlabel="width d (log scale)", ylabel="depth of the knee")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(handles=_legend(any(marked)), loc="outside upper center", ncols=2, handlelength=1.8)
    return figure, ax


def _two_tokens(width: int, depth: int) -> float:
    return bounds.log3_two_token_rank(depth, width)


def _of_many(ax: Axes, width: int) -> None:
    """Where the knee of one width is for many tokens, as far as the bounds tell."""
    free = width * (width + 1) // 2
    first = _passed(lambda depth: bounds.log3_moment_bound(depth, width), free)
    ax.plot(width, first, "_", color=_MANY, markersize=9, markeredgewidth=1.6)
    if width <= _SEARCHED:
        last = _passed(lambda depth: bounds.log3_monomial_bound(depth, width, heads=width), free)
        ax.plot([width, width], [first, last], "-", color=_MANY, linewidth=4, alpha=0.35, solid_capstyle="butt")


def _computed(ax: Axes, series: Series) -> bool:
    """Mark the knee of computed ranks of many tokens, if there are ranks on both of its sides."""
    width = series.model.width
    logs = {f.model.depth: bounds.log3(f.result.value) for f in series.findings if f.proved and f.result.value > 0}
    enough = max(logs, default=0)
    few = series.model.tokens < 2 * width or series.model.head_dim < width
    if few or width == 1 or any(depth not in logs for depth in range(1, enough + 1)):
        return False
    free = width * (width + 1) // 2
    if not logs or logs[enough] < free * bounds.rank_curve(1):
        return False
    ax.plot(width, _passed(lambda depth: logs[depth], free), "D", color=_MANY, markeredgecolor="black", markersize=5, zorder=4)
    return True


def _passed(log3_rank: Callable[[int], float], variables: int) -> float:
    """The depth at which log3 of the rank passes so many variables times phi(1), in proportion between two depths."""
    wanted, depth = variables * bounds.rank_curve(1), 1
    while log3_rank(depth) < wanted and depth < _DEEPEST:
        depth += 1
    if depth == 1:
        return 1.0
    below, above = np.log([log3_rank(depth - 1), log3_rank(depth)])
    return depth - 1 + float((np.log(wanted) - below) / (above - below))


def _legend(computed: bool) -> list[Line2D | Patch]:
    entries: list[Line2D | Patch] = [
        mark_entry("one token a side: exact, by the theorem", _FEW, markersize=4.5),
        mark_entry("many tokens: moment bound, the earliest", _MANY, "_", markersize=9, markeredgewidth=1.6),
        Patch(color=_MANY, alpha=0.35, label="up to the monomial bound (d heads)"),
        line_entry("threshold as published, log₃ d", "0.55", DASHED, linewidth=1.1),
    ]
    if computed:
        entries.append(mark_entry("many tokens: computed ranks", _MANY, "D", markeredgecolor="black", markersize=5))
    return entries
