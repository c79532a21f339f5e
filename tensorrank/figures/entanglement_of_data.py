"""Which cuts data favours: entanglement over the levels of canonical cuts, and what orders of the variables change."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from tensorrank.checked import checked
from tensorrank.experiments.data_cuts import DataCuts
from tensorrank.figures.axes import faint_grid
from tensorrank.figures.style import line_entry, something
from tensorrank.pictures.look import DASHED, colours_and_marks, grey
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

_MARKS = "osD^vP"
_LINES: list[Any] = [DASHED, ":", "-.", (0, (1, 3)), (0, (6, 1, 1, 1, 1, 1))]
_BARS: Any = {"linewidth": 1.5, "markersize": 4.5, "elinewidth": 1.0, "capsize": 2.5}
_CAPTION = (
    "Means over the blocks of a level; of random orders their mean, with bars of one standard deviation. Data above the "
    "line of a model at some level is none of its functions."
)


@checked
@in_style
def data_cuts(study: DataCuts, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """The entanglement of data over the levels of canonical cuts, for several orders of its variables.

    On the left the mean over the blocks of a level, from single variables to halves, and the logarithm of the proven
    upper bound on the ranks of models there. On the right what each order adds to the entanglement of the order as
    given.

    Args:
        study: as `tensorrank.experiments.data_entanglement` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of two axes.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> data = tr.DataTensor([[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    >>> figure, axes = tr.figures.data_cuts(tr.experiments.data_entanglement(data))
    >>> [text.get_text() for text in axes[0].get_xticklabels()]
    ['1', '2']
    """
    something(study.rows)
    families, models = study.families, list(dict.fromkeys(row.model for row in study.models))
    styles = dict(zip(families, colours_and_marks(range(len(families)), _MARKS).values(), strict=True))
    lines = {model: _LINES[number % len(_LINES)] for number, model in enumerate(models)}
    sheet = several_axes(7.6, 3.5, 2, figsize=figsize)
    whole, changes = sheet.panels
    levels = study.levels[::-1]
    for family, (colour, mark) in styles.items():
        means, spreads = zip(*(study.mean(family, level) for level in levels), strict=True)
        random = any(spreads)
        bars: dict[str, Any] = {"color": colour, "marker": mark, **_BARS}
        whole.errorbar(range(len(levels)), means, yerr=spreads if random else None, **bars)
        if family != families[0]:
            added = [mean - study.mean(families[0], level)[0] for mean, level in zip(means, levels, strict=True)]
            changes.errorbar(range(len(levels)), added, yerr=spreads if random else None, **bars)
    changes.axhline(0, color=styles[families[0]][0], linewidth=1.2)
    for model in models:
        known = {row.level: row.log_rank for row in study.models if row.model == model}
        places = [place for place, level in enumerate(levels) if level in known]
        heights = [known[levels[place]] for place in places]
        whole.plot(places, heights, color=grey(0.3), linestyle=lines[model], linewidth=1.2, zorder=1)
    whole.set(ylabel="entanglement (nats)", title="entanglement of the data")
    changes.set(ylabel="added to the order as given (nats)", title="what the order changes")
    for ax in sheet.panels:
        _level_ticks(ax, study, levels)
    sheet.caption(_CAPTION)
    sheet.legend(
        [
            *(line_entry(family, colour, marker=mark, markersize=5) for family, (colour, mark) in styles.items()),
            *(line_entry(f"ln of the rank bound, {model}", grey(0.3), lines[model], linewidth=1.2) for model in models),
        ]
    )
    return sheet.all()


def _level_ticks(ax: Axes, study: DataCuts, levels: tuple[int, ...]) -> None:
    """Levels by the sizes of their blocks."""
    sizes = [sorted({row.size for row in study.rows if row.level == level}) for level in levels]
    labels = ["–".join(map(str, dict.fromkeys((found[0], found[-1])))) for found in sizes]
    ax.set_xticks(range(len(levels)), labels)
    ax.set_xlabel(f"variables in a block, of {study.sites}")
    faint_grid(ax, "y")
