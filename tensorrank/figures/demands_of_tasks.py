"""What tasks demand of recurrent models, and of one layer of attention, beside the few layers that suffice."""

from __future__ import annotations

from math import ceil
from typing import Any

from matplotlib.ticker import MaxNLocator

from tensorrank.checked import checked
from tensorrank.experiments.demands import TaskDemands
from tensorrank.figures.style import something
from tensorrank.pictures.look import Hue, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes
from tensorrank.tasks.registry import named_task

# What is shown and how: later ones lie above earlier ones.
_CURVES: tuple[tuple[str, str, Hue, str, str], ...] = (
    ("memory_bits", "different rows (log$_2$): memory of a recurrent model", "vermilion", "-", "s"),
    ("state_bits", "rank over Q (log$_2$): state of a linear recurrent model", "ink", "--", "o"),
    ("vc", "splitting VC dimension", "green", "-.", "x"),
    ("layers", "layers of attention that suffice", "blue", ":", "^"),
)
_COLUMNS = 4


@checked
@in_style
def task_demands(study: TaskDemands, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """Bits against size, the largest over all splits of a task's sites, and layers of attention: a panel for each task.

    Args:
        study: as `tensorrank.experiments.task_demands` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a task.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, (ax,) = tr.figures.task_demands(tr.experiments.task_demands({"induction-heads": [3, 4]}))
    >>> ax.get_title(), ax.get_xlabel(), len(ax.lines)
    ('induction-heads', 'tokens N', 4)
    """
    something(study.rows)
    columns = min(_COLUMNS, len(study.tasks))
    width, height = max(4.6, 2.7 * columns + 0.6), 3.4 * ceil(len(study.tasks) / columns)
    sheet = several_axes(width, height, len(study.tasks), columns=columns, sharey=True, figsize=figsize)
    axes = sheet.panels
    for ax, task in zip(axes, study.tasks, strict=True):
        rows = study.of(task)
        for quantity, label, colour, line, mark in _CURVES:
            look: Any = {"marker": mark, "markersize": 5.5, "markerfacecolor": "none", "linewidth": 1.5}
            heights = [getattr(row, quantity) for row in rows]
            ax.plot([row.size for row in rows], heights, line, color=hue(colour), label=label, **look)
        ax.set_title(task if all(row.whole for row in rows) else f"{task}\n(lower bounds)")
        ax.set_xlabel(named_task(task).grows[1])
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[::columns]:
        ax.set_ylabel("bits, or layers")
    axes[0].set_ylim(0, 1.06 * max(line.get_ydata().max() for ax in axes for line in ax.get_lines()))
    axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    sheet.caption("Of all splits of a task's sites, the largest.")
    sheet.legend(axes[0].get_lines())
    return sheet.all()
