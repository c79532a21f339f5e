"""How the ranks of communication matrices grow: the logarithms that models have to pay, against the size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tensorrank.checked import checked
from tensorrank.experiments.communication import CommunicationGrowth
from tensorrank.figures.axes import Panels, panels
from tensorrank.figures.style import in_style, something

# What is shown, what it bounds, and how: later ones lie above earlier ones, so that equal curves all stay visible.
_CURVES = (
    ("distinct rows", "different rows: memory of a recurrent model", "#D55E00", "-", "s", 8.0),
    ("Q", "rank over Q: log$_2$ of a linear recurrent state", "#000000", "--", "o", 5.5),
    ("GF(2)", "rank over GF(2)", "#0072B2", ":", "^", 5.0),
    ("VC dimension", "VC dimension: errors allowed, memory is at least 0.08 of it", "#009E73", "-.", "x", 6.0),
)


@checked
@in_style
def communication_growth(studies: Sequence[CommunicationGrowth]) -> tuple[Figure, Panels]:
    """Bits against size: log2 of the different rows and of ranks, and the VC dimension; a panel for each task.

    Args:
        studies: as `tensorrank.experiments.communication_growth` computes them.

    Returns:
        The figure, and an array of axes, one a task.

    Raises:
        TensorRankError: if no growth is given.
    """
    something(studies, "no growth of a task was")
    figure, axes = panels(max(4.6, 3.1 * len(studies) + 0.6), 4.2, len(studies), sharey=True)
    for ax, study in zip(axes, studies, strict=True):
        for of, label, colour, line, mark, size in _CURVES:
            points = [(n, bits) for n, bits in zip(study.sizes, study.bits(of), strict=True) if bits is not None]
            if points:
                look: Any = {"marker": mark, "markersize": size, "markerfacecolor": "none", "linewidth": 1.5}
                ax.plot(*zip(*points, strict=True), line, color=colour, label=label, **look)
        ax.set_title(study.task)
        ax.set_xlabel(study.size_name)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylabel("bits: log$_2$ of rank or rows")
    most = max((line.get_ydata().max() for ax in axes for line in ax.get_lines()), default=1.0)
    axes[0].set_ylim(0, 1.06 * max(most, 1.0))
    axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    handles = {handle.get_label(): handle for ax in axes for handle in ax.get_lines()}
    figure.legend(handles=list(handles.values()), loc="outside lower center", ncols=2 if len(studies) > 2 else 1)
    return figure, axes
