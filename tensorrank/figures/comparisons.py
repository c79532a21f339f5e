"""Architectures of equal size side by side: the separation rank each makes of the same number of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from tensorrank.attention.bounds import log3
from tensorrank.checked import checked
from tensorrank.experiments.comparison import Compared
from tensorrank.figures.axes import beside, faint_grid
from tensorrank.figures.style import by_standing, line_entry, something, standing_entries
from tensorrank.pictures.look import Hue, grey, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes
from tensorrank.separation.result import Standing

_COLOURS: dict[str, Hue] = {"attention": "vermilion", "recurrent": "blue", "convolutional": "ink"}
# Ranks beyond this many digits are told apart by their place alone.
_LEGIBLE = 10**7


@checked
@in_style
def comparison(compared: Sequence[Compared], *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """One line an architecture, by family and rank: log3 of the separation rank, and the same for each parameter.

    Filled marks are exact ranks, open ones probable, triangles certified lower bounds; a line leads on to the proven
    upper bound where it is larger. The number of parameters, which differs a little, stands beside the name.

    Args:
        compared: as `tensorrank.experiments.compare` yields them.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of two axes: log3 of the rank, and log3 of the rank divided by the parameters.

    Raises:
        TensorRankError: if there is nothing to compare.

    >>> import tensorrank as tr
    >>> few = tr.experiments.contenders(32, families=["attention"])
    >>> figure, (rank, each) = tr.figures.comparison(list(tr.experiments.compare(few, work=1e7)))
    >>> rank.get_xlabel()
    'log₃ separation rank (log scale)'
    """
    shown = [one for one in compared if one.log3_value is not None]
    something(shown, "no architectures with a positive rank were")
    families = list(dict.fromkeys(one.contender.family for one in shown))
    shown.sort(key=lambda one: (families.index(one.contender.family), one.log3_value or 0.0))
    heights = [place + families.index(one.contender.family) for place, one in enumerate(shown)]
    sheet = several_axes(8.4, max(2.0, 0.8 + 0.22 * (len(shown) + len(families))), 2, sharey=True, figsize=figsize)
    axes = sheet.panels
    for ax, each in zip(axes, (False, True), strict=True):
        for one, height in zip(shown, heights, strict=True):
            _line(ax, one, height, one.contender.parameters if each else 1)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        least = min((one.log3_value or inf) / (one.contender.parameters if each else 1) for one in shown)
        if any(one.log3_value == 0 for one in shown):
            # Rank 1 has no place on a logarithmic axis of log3: below the next rank the axis is linear.
            ax.set_xscale("symlog", linthresh=min(least, 1.0), linscale=0.4)
            ax.set_xlim(left=-0.3 * min(least, 1.0))
        else:
            ax.set_xscale("log")
            ax.set_xlim(left=ax.get_xlim()[0] * (1.0 if each else 0.6))
            ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter("{x:g}")
        ax.xaxis.set_minor_formatter(NullFormatter())
        faint_grid(ax, "x")
    axes[0].set_yticks(heights, [f"{one.contender.shape}  ({one.contender.parameters})" for one in shown])
    axes[0].set_ylim(-0.8, max(heights) + 0.8)
    axes[0].set(xlabel="log₃ separation rank (log scale)", ylabel="architecture  (parameters)")
    axes[1].set_xlabel("log₃ separation rank / parameter (log scale)")
    sheet.legend(_legend(shown, families))
    return sheet.all()


def _line(ax: Axes, one: Compared, height: int, scale: int) -> None:
    colour = hue(_COLOURS[one.contender.family])
    assert one.log3_value is not None
    here = one.log3_value / scale
    upper = one.result.upper
    if upper is not None and upper > one.result.value:
        ax.plot([here, log3(upper) / scale], [height, height], color=colour, linewidth=1.0, alpha=0.6)
        ax.plot(log3(upper) / scale, height, "|", color=colour, markersize=7)
    ax.plot(here, height, **by_standing(one.result.standing, colour), markersize=6.5, zorder=3)
    if scale == 1 and one.result.value < _LEGIBLE:
        beside(ax, one.result.brief(), (here, height), (-6, 0), ha="right", va="center", fontsize="x-small")


def _legend(shown: Sequence[Compared], families: Sequence[str]) -> list[Line2D]:
    # Families are told by colour alone, and names: each has a mark that stands in the picture.
    first: dict[str, Standing] = {one.contender.family: one.result.standing for one in reversed(shown)}
    handles = [Line2D([], [], label=family, **by_standing(first[family], hue(_COLOURS[family]))) for family in families]
    handles += standing_entries((one.result.standing for one in shown), grey(0.35))
    if any(one.result.upper is not None and one.result.upper > one.result.value for one in shown):
        handles.append(line_entry("up to the proven bound", grey(0.5), marker="|", markersize=7))
    return handles
