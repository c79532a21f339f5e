"""What gates buy: ranks against the number of tokens, of stacks with gates and without."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from tensorrank.checked import checked
from tensorrank.experiments.gates import GateRanks
from tensorrank.figures.axes import faint_grid
from tensorrank.figures.style import by_standing, line_entry, something, standing_entries
from tensorrank.pictures.look import DASHED, Hue, grey, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

_COLOURS: dict[str, Hue] = {
    "attention": "vermilion",
    "constant gates": "orange",
    "selective": "blue",
    "attention below": "green",
    "attention above": "purple",
}
_TITLES = {"halves": "first half against second", "interleaved": "even against odd tokens"}


@checked
@in_style
def gates(study: GateRanks, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """Separation ranks against the number of tokens, a line for each stack of layers, a panel for each cut.

    Lines are whole where states are as large as attention's, dashed where a stack has no more parameters. Marks are
    filled where the rank is exact and open where it is probable; triangles are lower bounds.

    Args:
        study: as `tensorrank.experiments.gate_ranks` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a cut.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, axes = tr.figures.gates(tr.experiments.gate_ranks((4, 6), depth=1))
    >>> [ax.get_title() for ax in axes]
    ['first half against second', 'even against odd tokens']
    """
    rows = something(study.rows)
    cuts, stacks = list(dict.fromkeys(row.cut for row in rows)), list(dict.fromkeys(row.stack for row in rows))
    sheet = several_axes(3.6 * len(cuts) + 0.5, 3.7, len(cuts), sharex=True, sharey=True, figsize=figsize)
    for ax, cut in zip(sheet.panels, cuts, strict=True):
        # Attention, which others are compared with, lies above them.
        for stack in reversed(stacks):
            _lines(ax, study, stack, cut)
        ax.set_title(_TITLES[cut])
        ax.set_xlabel("number of tokens N")
        faint_grid(ax, "y")
    sheet.panels[0].set(yscale="log", ylabel="separation rank (log scale)")
    sheet.panels[0].xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 4, 10]))
    handles = [line_entry(stack, hue(_COLOURS[stack]), linewidth=1.8) for stack in stacks]
    if any(row.equal == "parameters" and row.stack != "attention" for row in rows):
        handles.append(line_entry("no more parameters than attention", grey(0.35), DASHED))
    handles += standing_entries((row.rank.standing for row in rows), grey(0.35))
    sheet.legend(handles)
    return sheet.all()


def _lines(ax: Axes, study: GateRanks, stack: str, cut: str) -> None:
    colour = hue(_COLOURS[stack])
    for equal in ("parameters", "state"):
        rows = study.of(stack, equal, cut)  # type: ignore[arg-type] # of the study's own rows
        style = DASHED if equal == "parameters" else "-"
        ax.plot([row.tokens for row in rows], [row.rank.value for row in rows], color=colour, linewidth=1.5, linestyle=style)
        for row in rows:
            ax.plot(row.tokens, row.rank.value, **by_standing(row.rank.standing, colour), markersize=5.5, zorder=3)
