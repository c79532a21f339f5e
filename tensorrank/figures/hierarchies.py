"""The hierarchy of mixtures: kinds of models as nodes, measured reductions as arrows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.hierarchy import Hierarchy
from tensorrank.figures.style import box, line_entry, something
from tensorrank.mixtures.reductions.equality import ReductionReport
from tensorrank.pictures.look import Hue, grey, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import in_style, one_axes

# The more general a kind, the further right; units are inches.
_PLACES = {
    "latent_class": (0.0, 0.0),
    "hidden_markov": (2.8, 1.5),
    "tensorial_mixture": (2.8, -1.5),
    "latent_tree": (5.6, 0.0),
    "hierarchical": (8.4, -1.5),
    "sum_product": (8.4, 1.5),
    "squared": (2.8, -3.2),
}
_NAMES = {
    "latent_class": "latent class model",
    "hidden_markov": "hidden Markov model",
    "tensorial_mixture": "tensorial mixture",
    "latent_tree": "latent tree model",
    "hierarchical": "hierarchical format",
    "sum_product": "sum-product network",
    "squared": "squared mixture",
}
_LOWEST = -2.0
_WIDTH, _HEIGHT = 1.72, 0.62
# How far arrows bend, so that two of opposite directions stand apart; upright ones more, for labels lie flat.
_BEND, _UPRIGHT_BEND = 0.17, 0.34
_EXACT: Hue = "ink"
_CLOSE: Hue = "blue"
_NONE: Hue = "vermilion"


@checked
@in_style
def hierarchy(
    study: Hierarchy | Sequence[ReductionReport], *, ax: Axes | None = None, figsize: tuple[float, float] | None = None
) -> Picture[Axes]:
    """Models as nodes with their sizes, reductions as arrows with the factor by which the size grows.

    Solid black arrows are reductions that are equal exactly, blue ones within the tolerance of floats. A dashed arrow
    was not made, being too large: beside it stands what every form of the target's kind needs at least.

    Args:
        study: what `tensorrank.experiments.measure_hierarchy` returns, or reports of `check_reduction`, at most one for
            each pair of kinds.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure and its axes.

    Raises:
        TensorRankError: if there are no reports, two for the same pair, or one says that a reduction is not equal.

    >>> import tensorrank as tr
    >>> figure, ax = tr.figures.hierarchy(tr.experiments.measure_hierarchy(4))
    >>> "latent tree model" in " ".join(text.get_text() for text in ax.texts)
    True
    """
    reports = study.rows if isinstance(study, Hierarchy) else study
    arrows = {(report.source, report.target): report for report in reports}
    something(reports, "no reports were")
    if len(arrows) < len(reports):
        raise TensorRankError(f"{len(reports)} reports are of {len(arrows)} pairs of kinds; expected one for each pair")
    for report in reports:
        if report.equal is False:
            raise TensorRankError(f"{report}: expected reductions that are equal to their sources")
    sheet = one_axes(9.6, 5.6, ax, figsize)
    ax = sheet.ax
    boxes = {kind: _node(ax, kind, arrows) for kind in _PLACES}
    for report in reports:
        _arrow(ax, report, boxes)
    ax.set(xlim=(-1.0, 9.4), ylim=(-3.6, 1.9), aspect="equal")
    ax.axis("off")
    styles = dict.fromkeys(_style(report) for report in reports)
    labels = {
        hue(_EXACT): "reduction, equal exactly: size × factor",
        hue(_CLOSE): "reduction, equal within rounding: size × factor",
        hue(_NONE): "too large to make: needed at least",
    }
    handles = [line_entry(labels[colour], colour, line, linewidth=1.6) for colour, line in styles]
    sheet.legend(handles)
    return sheet.one()


def _node(ax: Axes, kind: str, arrows: Mapping[tuple[str, str], ReductionReport]) -> Patch:
    x, y = _PLACES[kind]
    corner = (x - _WIDTH / 2, y - _HEIGHT / 2)
    look: Any = {"facecolor": grey(0.96), "edgecolor": grey(0.3), "linewidth": 1.0, "zorder": 2}
    box = FancyBboxPatch(corner, _WIDTH, _HEIGHT, boxstyle="round,pad=0,rounding_size=0.08", **look)
    ax.add_patch(box)
    sizes = {report.size_before for (source, _), report in arrows.items() if source == kind}
    unit = "edges" if kind == "sum_product" else "table entries"
    text = _NAMES[kind] + "".join(f"\n{size:,} {unit}" for size in sorted(sizes)[:1])
    ax.text(x, y, text, ha="center", va="center", zorder=3)
    return box


def _style(report: ReductionReport) -> tuple[str, Literal["-", "--"]]:
    if report.equal is None:
        return hue(_NONE), "--"
    return (hue(_EXACT) if report.over_fields else hue(_CLOSE)), "-"


def _arrow(ax: Axes, report: ReductionReport, boxes: Mapping[str, Patch]) -> None:
    (x0, y0), (x1, y1) = _PLACES[report.source], _PLACES[report.target]
    # Arrows of what stands below all others bend outwards, around these.
    bend = _UPRIGHT_BEND if x0 == x1 else -_BEND if min(y0, y1) < _LOWEST else _BEND
    colour, line = _style(report)
    ends: Any = {"patchA": boxes[report.source], "patchB": boxes[report.target], "shrinkA": 3, "shrinkB": 3}
    look: Any = {"arrowstyle": "-|>", "mutation_scale": 13, "linewidth": 1.4, "zorder": 1}
    curve = f"arc3,rad={bend}"
    ax.add_patch(FancyArrowPatch((x0, y0), (x1, y1), connectionstyle=curve, color=colour, linestyle=line, **ends, **look))
    # The middle of a quadratic curve whose control point stands off by the bend times the distance.
    x, y = (x0 + x1 + bend * (y1 - y0)) / 2, (y0 + y1 - bend * (x1 - x0)) / 2
    ax.text(x, y, _label(report), color=colour, ha="center", va="center", zorder=4, bbox=box())


def _label(report: ReductionReport) -> str:
    if report.ratio is not None:
        return f"× {_brief(report.ratio)}"
    if report.bound is not None and report.bound > report.size_before:
        return f"≥ × {_brief(report.bound / report.size_before)}"
    return f"≥ {report.states_needed:,} states" if report.states_needed is not None else "none known"


def _brief(factor: float) -> str:
    return f"{factor:,.0f}" if factor >= 10 else f"{factor:.2g}"
