"""Ranks of graph networks against the walk index, a mark for each partition of the vertices."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tensorrank.checked import checked
from tensorrank.circuits.graph_bounds import exponent_count
from tensorrank.experiments.walks_across import WalkRanks
from tensorrank.figures.axes import faint_grid
from tensorrank.figures.style import by_standing, line_entry, mark_entry, something, standing_entries
from tensorrank.pictures.look import DASHED, grey, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

# A name with more characters does not fit above a panel.
_LONGEST_NAME = 24


@checked
@in_style
def walks(study: WalkRanks, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """Separation ranks against the walk index, a panel for each graph and a mark for each partition of its vertices.

    Bars are the proven upper bounds, where a rank is below. The dashed line is the rank of one vertex against all
    others, whose rank the walk index limits alone: binom(D + w - 1, w) for walk index w and the lesser of width and
    features, D.

    Args:
        study: as `tensorrank.experiments.walk_ranks` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a graph.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, axes = tr.figures.walks(tr.experiments.walk_ranks(["path:3", "cycle:4"]))
    >>> [ax.get_title() for ax in axes]
    ['path:3', 'cycle:4']
    """
    rows = something(study.rows)
    graphs = list(dict.fromkeys(row.graph for row in rows))
    sheet = several_axes(3.0 * len(graphs) + 0.5, 3.6, len(graphs), sharey=True, figsize=figsize)
    bounded = [_marks(ax, study, graph) for ax, graph in zip(sheet.panels, graphs, strict=True)]
    sheet.panels[0].set(yscale="log", ylabel="separation rank (log scale)")
    handles = standing_entries((row.rank.standing for row in rows), hue("blue"))
    if any(bounded):
        handles.append(mark_entry("proven upper bound", grey(0.35), "_", markersize=11, markeredgewidth=1.8))
    handles.append(line_entry("rank of one vertex against all others", grey(0.5), DASHED))
    sheet.legend(handles)
    return sheet.all()


def _marks(ax: Axes, study: WalkRanks, graph: str) -> bool:
    """The marks of one graph; True if some bounds are shown."""
    rows = study.of(graph)
    model, counts = rows[0].model, sorted({row.walk_index for row in rows})
    width = min(model.width, model.features)
    ax.plot(counts, [exponent_count(width, w) for w in counts], color=grey(0.5), linestyle=DASHED, linewidth=1.2)
    above = [(row.walk_index, row.rank.value, row.upper) for row in rows if row.upper and row.rank.value < row.upper]
    for index, rank, upper in above:
        ax.plot([index, index], [rank, upper], color=grey(0.6), linewidth=0.8)
        ax.plot(index, upper, "_", color=grey(0.35), markersize=11, markeredgewidth=1.8)
    for row in rows:
        ax.plot(row.walk_index, row.rank.value, **by_standing(row.rank.standing, hue("blue")), markersize=6, zorder=3)
    ax.set_title(graph if len(graph) <= _LONGEST_NAME else f"{model.vertices} vertices")
    ax.set_xlabel("walk index w")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    faint_grid(ax, "y")
    return bool(above)
