"""What squares with signs save, and what a single square costs."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tensorrank.checked import checked
from tensorrank.experiments.squares import SquaredSeparations
from tensorrank.figures.axes import faint_grid
from tensorrank.figures.style import line_entry, something
from tensorrank.pictures.look import DASHED, Hue, grey, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

_SQUARE: Hue = "blue"
_MONOTONE: Hue = "vermilion"


@checked
@in_style
def squared_separations(study: SquaredSeparations, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """States and ranks against the number of pairs of bits: left unique disjointness, right the sum of two numbers.

    Whole lines are models that are known, dashed ones what every model of the other sort needs at least. Open marks on
    the left are ranks of the density between both sides, and the dotted line is their bound r (r + 1) / 2.

    Args:
        study: what `tensorrank.experiments.squared_separations` returns.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of two axes.

    Raises:
        TensorRankError: if there are no rows.

    >>> import tensorrank as tr
    >>> figure, axes = tr.figures.squared_separations(tr.experiments.squared_separations([2, 4, 8], ranked=4))
    >>> [ax.get_title() for ax in axes]
    ['unique disjointness, (1 − a·b)²', 'sum of two numbers, 1 + i + j']
    """
    rows = something(study.rows)
    sheet = several_axes(7.6, 3.7, 2, sharex=True, sharey=True, figsize=figsize)
    left, right = sheet.panels
    pairs = [row.pairs for row in rows]
    _known(left, pairs, [row.squared_states for row in rows], _SQUARE)
    _needed(left, pairs, [row.classes_needed for row in rows], _MONOTONE)
    left.plot(pairs, [row.rank_bound for row in rows], color=grey(0.35), linestyle=":", linewidth=1.2)
    ranks = {row.pairs: row.rank.value for row in rows if row.rank is not None}
    left.plot(ranks.keys(), ranks.values(), "o", color=grey(0.35), fillstyle="none", markersize=4.5)
    _known(right, pairs, [row.monotone_classes for row in rows], _MONOTONE)
    _needed(right, pairs, [row.square_needed for row in rows], _SQUARE)
    left.set(title="unique disjointness, (1 − a·b)²", yscale="log", ylabel="states or rank (log scale)")
    right.set(title="sum of two numbers, 1 + i + j")
    for ax in sheet.panels:
        ax.set_xlabel("pairs of bits n")
        faint_grid(ax, "y")
    left.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 4, 10]))
    ranked = [line_entry("rank of the density", grey(0.35), "", marker="o", fillstyle="none")] if ranks else []
    sheet.legend(
        [
            line_entry("one square", hue(_SQUARE), linewidth=1.8),
            line_entry("one square needs at least", hue(_SQUARE), DASHED),
            line_entry("latent classes", hue(_MONOTONE), linewidth=1.8),
            line_entry("latent classes needed at least", hue(_MONOTONE), DASHED),
            *ranked,
            line_entry("bound on the rank, r (r + 1) / 2", grey(0.35), ":"),
        ]
    )
    return sheet.all()


def _known(ax: Axes, pairs: list[int], states: list[int], colour: Hue) -> None:
    ax.plot(pairs, states, color=hue(colour), linewidth=1.8, marker="o", markersize=3.5)


def _needed(ax: Axes, pairs: list[int], states: list[int], colour: Hue) -> None:
    ax.plot(pairs, states, color=hue(colour), linewidth=1.8, linestyle=DASHED, marker="^", markersize=3.5)
