"""How the ranks of communication matrices grow: the logarithms that models have to pay, against the size."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from matplotlib.ticker import MaxNLocator

from tensorrank.checked import checked
from tensorrank.experiments.communication import CommunicationGrowth
from tensorrank.figures.style import something
from tensorrank.pictures.look import Hue, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

# What is shown, what it bounds, and how: later ones lie above earlier ones, so that equal curves all stay visible.
_CURVES: tuple[tuple[str, str, Hue, str, str, float], ...] = (
    ("distinct rows", "different rows: memory of a recurrent model", "vermilion", "-", "s", 8.0),
    ("Q", "rank over Q: log$_2$ of a linear recurrent state", "ink", "--", "o", 5.5),
    ("GF(2)", "rank over GF(2)", "blue", ":", "^", 5.0),
    ("VC dimension", "VC dimension: errors allowed, memory is at least 0.08 of it", "green", "-.", "x", 6.0),
)

_COLUMNS = 4


@checked
@in_style
def communication_growth(
    studies: Sequence[CommunicationGrowth], *, figsize: tuple[float, float] | None = None
) -> Picture[Panels]:
    """Bits against size: log2 of the different rows and of ranks, and the VC dimension; a panel for each task.

    Args:
        studies: as `tensorrank.experiments.communication_growth` computes them.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a task.

    Raises:
        TensorRankError: if no growth is given.

    >>> import tensorrank as tr
    >>> def matrix(size):
    ...     return tr.tasks.Disjointness(size).communication()
    >>> study = tr.experiments.communication_growth("disjointness", "elements", (1, 2, 3), matrix)
    >>> figure, (ax,) = tr.figures.communication_growth([study])
    >>> ax.get_title(), ax.get_xlabel()
    ('disjointness', 'elements')
    """
    something(studies, "no growth of a task was")
    columns = min(_COLUMNS, len(studies))
    width, height = max(4.6, 3.1 * columns + 0.6), 3.6 * ceil(len(studies) / columns)
    sheet = several_axes(width, height, len(studies), columns=columns, sharey=True, figsize=figsize)
    axes = sheet.panels
    for ax, study in zip(axes, studies, strict=True):
        for of, label, colour, line, mark, size in _CURVES:
            points = [(n, bits) for n, bits in zip(study.sizes, study.bits(of), strict=True) if bits is not None]
            if points:
                look: Any = {"marker": mark, "markersize": size, "markerfacecolor": "none", "linewidth": 1.5}
                ax.plot(*zip(*points, strict=True), line, color=hue(colour), label=label, **look)
        ax.set_title(study.task)
        ax.set_xlabel(study.size_name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for ax in axes[::columns]:
        ax.set_ylabel("bits: log$_2$ of rank or rows")
    most = max((line.get_ydata().max() for ax in axes for line in ax.get_lines()), default=1.0)
    axes[0].set_ylim(0, 1.06 * max(most, 1.0))
    axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    handles = {handle.get_label(): handle for ax in axes for handle in ax.get_lines()}
    sheet.legend(list(handles.values()))
    return sheet.all()
