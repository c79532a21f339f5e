"""What depth and structure buy: sizes that shallow, cut and tree-shaped models need, ranks of formats in others."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from tensorrank.checked import checked
from tensorrank.experiments.formats import CutRow, FormatRanks
from tensorrank.experiments.interleaved import InterleavedRanks, InterleavedRow
from tensorrank.experiments.levels import LevelSizes
from tensorrank.experiments.perfect_matchings import PerfectMatchingStates
from tensorrank.figures.axes import beside, faint_grid
from tensorrank.figures.style import by_standing, line_entry, mark_entry, something, standing_entries
from tensorrank.pictures.look import DASHED, Hue, colours_and_marks, grey, hue, paper
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, one_axes, several_axes
from tensorrank.separation.result import Standing

_SHALLOW: Hue = "vermilion"
_OWN: Hue = "ink"
_RANK: Hue = "blue"
_NAMES = {"hidden_markov": "hidden Markov model", "tensorial_mixture": "tensorial mixture"}


@checked
@in_style
def interleaved(study: InterleavedRanks, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """Sizes against the number of variables: of a model, and of a latent class model with the same density.

    Marks are filled where the rank is exact and open where it is probable; triangles are lower bounds.

    Args:
        study: as `tensorrank.experiments.interleaved_ranks` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a kind of model.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, axes = tr.figures.interleaved(tr.experiments.interleaved_ranks((4, 8)))
    >>> [ax.get_title() for ax in axes]
    ['hidden Markov model, 2 states, 2 symbols', 'tensorial mixture, 2 states, 2 symbols']
    """
    kinds = list(dict.fromkeys(row.model for row in something(study.rows)))
    sheet = several_axes(3.5 * len(kinds) + 0.5, 3.7, len(kinds), sharex=True, sharey=True, figsize=figsize)
    axes = sheet.panels
    for ax, kind in zip(axes, kinds, strict=True):
        _sizes_and_ranks(ax, [row for row in study.rows if row.model == kind])
        ax.set_title(f"{_NAMES.get(kind, kind)}, {study.states} states, {study.symbols} symbols")
        ax.set_xlabel("number of variables N")
    most = max(row.sites for row in study.rows)
    axes[0].set(yscale="log", ylabel="table entries, rank (log scale)", xlim=(0, most * 1.06))
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 4, 10]))
    handles = [
        line_entry("entries that a latent class model needs at least", hue(_SHALLOW), linewidth=1.8),
        line_entry("entries of the model itself", hue(_OWN), DASHED, linewidth=1.8),
        line_entry("rank of even against odd variables", hue(_RANK), ":", linewidth=1.0),
        *standing_entries((row.rank.standing for row in study.rows), grey(0.35)),
    ]
    sheet.legend(handles)
    return sheet.all()


def _sizes_and_ranks(ax: Axes, rows: Sequence[InterleavedRow]) -> None:
    sites = [row.sites for row in rows]
    own, shallow = [row.table_entries for row in rows], [row.shallow_entries for row in rows]
    ax.plot(sites, own, color=hue(_OWN), linewidth=1.8, linestyle=DASHED)
    ax.plot(sites, shallow, color=hue(_SHALLOW), linewidth=1.8)
    ax.plot(sites, [row.rank.value for row in rows], color=hue(_RANK), linewidth=1.0, linestyle=":")
    for row in rows:
        _mark(ax, row.sites, row.shallow_entries, row.rank.standing, hue(_SHALLOW))
        _mark(ax, row.sites, row.rank.value, row.rank.standing, hue(_RANK), size=4.0)
    last = rows[-1]
    # Beside the last marks, that none lies on the arrow.
    right = last.sites * 1.035
    arrow = {"arrowstyle": "<->", "color": grey(0.3), "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (right, last.shallow_entries), (right, last.table_entries), arrowprops=arrow)
    ratio = last.shallow_entries / last.table_entries
    middle = (last.shallow_entries * last.table_entries) ** 0.5
    text = f"× {ratio:,.0f}" if ratio >= 10 else f"× {ratio:.1f}"
    beside(ax, text, (right, middle), (-5, 6), ha="right", va="center", color=grey(0.2))


@checked
@in_style
def levels(study: LevelSizes, *, ax: Axes | None = None, figsize: tuple[float, float] | None = None) -> Picture[Axes]:
    """Size needed against the number of levels kept, a line for each whole tensorial mixture.

    The band leads from the least entries that are proved necessary to those that suffice; it is thin where both sides
    agree on the states. Filled marks rest on a computed rank, open ones on the theorem for almost all tables.

    Args:
        study: as `tensorrank.experiments.level_sizes` computes it.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure and its axes; heights are logarithms to base 10, for sizes may exceed every float.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, ax = tr.figures.levels(tr.experiments.level_sizes((2, 3)))
    >>> [text.get_text() for text in ax.texts]
    ['4 variables', '8 variables']
    """
    something(study.rows)
    styles = colours_and_marks(whole.depth for whole in study.wholes)
    sheet = one_axes(6.2, 4.0, ax, figsize)
    ax = sheet.ax
    names = []
    for whole in study.wholes:
        rows = study.of(whole.depth)
        colour, mark = styles[whole.depth]
        kept = [row.levels for row in rows]
        low, high = ([log10(getattr(row, f"entries_{side}")) for row in rows] for side in ("lower", "upper"))
        ax.fill_between(kept, low, high, color=colour, alpha=0.25, linewidth=0)
        ax.plot(kept, high, color=colour, linewidth=1.5)
        face = colour if whole.source == "computed" else paper()
        ax.plot(kept, low, mark, color=colour, markerfacecolor=face, markersize=6, zorder=3)
        # The line's name stands at its left end, where lines are far apart.
        names.append(beside(ax, f"{whole.sites} variables", (1, high[0]), (-8, 0), color=colour, ha="right", va="center"))
    most = max(row.levels for row in study.rows)
    ax.set_xticks(range(1, most + 1))
    ax.set(xlabel="levels kept (1: latent class model; last: the whole mixture)", xlim=(1 - 0.22 * most, most + 0.3))
    ax.set_ylabel("table entries needed (log scale)")
    least = min(log10(row.entries_lower) for row in study.rows)
    highest = max(log10(row.entries_upper) for row in study.rows)
    ax.set_ylim(least - 0.08 * highest, 1.06 * highest)
    _powers(ax)
    faint_grid(ax, "y")
    labels = {"computed": "at least, by a computed rank", "theorem": "at least, for almost all tables"}
    marks = {whole.source: styles[whole.depth][1] for whole in reversed(study.wholes)}
    handles: list[Line2D | Patch] = [
        mark_entry(labels[source], grey(0.3), marks[source], face=grey(0.3) if source == "computed" else paper())
        for source in dict.fromkeys(whole.source for whole in study.wholes)
    ]
    handles.append(line_entry("enough, by construction", grey(0.3), linewidth=1.5))
    handles.append(Patch(color=grey(0.3), alpha=0.25, linewidth=0, label="in between: not known"))
    sheet.legend(handles)
    ax.set_title(f"Tensorial mixtures of {study.states} states and {study.symbols} symbols, cut to fewer levels")
    sheet.apart(ax, names)
    return sheet.one()


@checked
@in_style
def formats(study: FormatRanks, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """The ranks of every cut of a model in the other format, beside their bound.

    Left are the tensor train ranks of a balanced latent tree. Right are the hierarchical ranks of a hidden Markov
    model; intervals of equal length stand together.

    Args:
        study: as `tensorrank.experiments.format_ranks` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of two axes.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, (train, tree) = tr.figures.formats(tr.experiments.format_ranks(4))
    >>> train.get_xlabel()
    'cut after the first i variables'
    """
    something(study.rows)
    intervals = study.dyadic
    # A gap of one place between intervals of different lengths.
    places = [index + sum(a.length < row.length for a in _firsts(intervals)) for index, row in enumerate(intervals)]
    sheet = several_axes(8.2, 3.5, 2, sharey=True, figsize=figsize)
    axes = sheet.panels
    _cuts(axes[0], [row.last + 1 for row in study.prefixes], study.prefixes, study.states)
    _cuts(axes[1], places, intervals, study.states)
    axes[0].set(xlabel="cut after the first i variables", ylabel="rank of the cut")
    r, n = study.states, study.sites
    train = rf"${r}^{{\lceil \log_2({n})/2 \rceil}} = {study.prefixes[0].bound}$"
    axes[0].set_title(f"Train ranks of a balanced tree: at most {train}")
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 4, 10]))
    axes[1].set_title(f"Hierarchical ranks of a chain: at most ${r}^2 = {r * r}$")
    lengths = list(dict.fromkeys(row.length for row in intervals))
    groups = [[place for place, row in zip(places, intervals, strict=True) if row.length == n] for n in lengths]
    names = [f"{len(group)}\nof {length}" for group, length in zip(groups, lengths, strict=True)]
    axes[1].set_xticks([float(np.mean(group)) for group in groups], names)
    axes[1].tick_params(axis="x", length=0)
    axes[1].set_xlabel("dyadic intervals (number of length), left to right")
    axes[0].set_ylim(0, max(row.bound for row in study.rows) * 1.15)
    axes[0].yaxis.set_major_locator(MaxNLocator(integer=True))
    handles = [
        *standing_entries((row.rank.standing for row in study.rows), hue(_RANK)),
        line_entry("proven bound for every cut", hue(_SHALLOW), linewidth=1.6),
        line_entry("rank in the model's own format", grey(0.35), DASHED),
    ]
    sheet.legend(handles)
    return sheet.all()


def _firsts(rows: Sequence[CutRow]) -> list[CutRow]:
    """The first row of each length."""
    return [row for index, row in enumerate(rows) if not index or rows[index - 1].length != row.length]


def _cuts(ax: Axes, places: Sequence[int], rows: Sequence[CutRow], own: int) -> None:
    ax.axhline(rows[0].bound, color=hue(_SHALLOW), linewidth=1.6)
    ax.axhline(own, color=grey(0.35), linewidth=1.0, linestyle=DASHED)
    for place, row in zip(places, rows, strict=True):
        ax.plot([place, place], [0, row.rank.value], color=hue(_RANK), linewidth=1.0, alpha=0.5)
        _mark(ax, place, row.rank.value, row.rank.standing, hue(_RANK))


@checked
@in_style
def perfect_matchings(
    study: PerfectMatchingStates, *, ax: Axes | None = None, figsize: tuple[float, float] | None = None
) -> Picture[Axes]:
    """States that some hidden variable of any tree model needs, against the edges of the mixture of matchings.

    Both axes are logarithmic: what grows polynomially is straight, what bends upwards grows faster. Circles and
    diamonds rest on all balanced bipartitions, triangles on the spectrum; all hold for almost all tables.

    Args:
        study: as `tensorrank.experiments.perfect_matching_states` computes it.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure and its axes; heights are logarithms to base 10.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> figure, ax = tr.figures.perfect_matchings(tr.experiments.perfect_matching_states((4, 6)))
    >>> ax.get_ylabel()
    'edges, states (log scale)'
    """
    rows = something(study.rows)
    sites = [row.sites for row in rows]
    states = [log10(row.states) for row in rows]
    styles: dict[str, tuple[str, str]] = {
        "ranks": ("o", "all balanced bipartitions, by ranks and pairs cut"),
        "pairs cut": ("D", "all balanced bipartitions, by pairs cut"),
        "spectrum": ("^", "spectral bound, for almost all tables"),
    }
    sheet = one_axes(6.2, 4.1, ax, figsize)
    ax = sheet.ax
    ax.plot(sites, [log10(row.edges) for row in rows], color=hue(_OWN), linewidth=1.8, linestyle=DASHED)
    methods = list(dict.fromkeys(row.method for row in rows))
    handles = []
    for method in methods:
        mark, label = styles[method]
        own = [(row.sites, log10(row.states)) for row in rows if row.method == method]
        ax.plot(*zip(*own, strict=True), mark, linestyle="-", color=hue(_SHALLOW), linewidth=1.6, markersize=6)
        handles.append(line_entry(label, hue(_SHALLOW), marker=mark, markersize=6))
    ax.set_xscale("log", base=2)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set(xlabel="number of variables N (log scale)", ylabel="edges, states (log scale)")
    edges = log10(rows[-1].edges)
    # Half way along, where the scale is logarithmic.
    middle = (sites[0] * sites[-1]) ** 0.5, (log10(rows[0].edges) + edges) / 2
    beside(ax, "edges of the network", middle, (-12, 12), ha="center", va="bottom", color=hue(_OWN))
    text = "states that every\ntree model needs at least"
    beside(ax, text, (sites[-1], states[-1]), (-24, 0), ha="right", va="top", color=hue(_SHALLOW))
    ax.set_ylim(0, max(*states, edges) * 1.08)
    _powers(ax)
    faint_grid(ax, "y")
    ax.set_title(f"Mixtures of three perfect matchings, {study.symbols} symbols")
    sheet.legend(handles)
    return sheet.one()


def _mark(ax: Axes, x: float, y: float, standing: Standing, colour: str, size: float = 6.0) -> None:
    ax.plot(x, y, **by_standing(standing, colour), markersize=size, zorder=3)


def _powers(ax: Axes) -> None:
    """Ticks of an axis of logarithms to base 10."""
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda power, _: f"$10^{{{power:.0f}}}$"))
