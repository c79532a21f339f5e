"""Shallow approximations of deep mixtures: errors against parts, the guarantee, and the parts of exact forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf, isfinite, nan, sqrt
from typing import Any, Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from tensorrank.arguments import one_of
from tensorrank.checked import checked
from tensorrank.experiments.approximation import ApproximationTarget, ShallowApproximations
from tensorrank.figures.axes import beside
from tensorrank.figures.style import box, line_entry, mark_entry, something
from tensorrank.mixtures.approximation.result import Approximation, ApproximationStep, Estimate
from tensorrank.pictures.look import DASHED, MARKS, Hue, grey, hue, paper, type_size
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes
from tensorrank.whole_numbers import abbreviated

Measure = Literal["total variation", "relative error", "kl"]

# Neighbours differ in grey, too; beyond them colours repeat with other marks.
_COLOURS: tuple[Hue, ...] = ("blue", "vermilion", "ink", "green", "purple", "orange")
_LINES: dict[str, Any] = {
    "corrective": "-",
    "refitted": (0, (8, 1, 1, 1, 1, 1)),
    "line search": (0, (6, 1.5)),
    "plain": (0, (3, 1.5)),
    "sampling": (0, (1, 1.2)),
    "likelihood": (0, (5, 1.5, 1, 1.5)),
}
_MEANING = {"entries": "single entries of W", "products": "product distributions"}
_LABELS: dict[str, str] = {
    "total variation": "total variation distance of V and W",
    "relative error": "relative error, ‖V − W‖ / ‖W‖",
    "kl": "Kullback-Leibler divergence [nats]",
}
# Crossings and walls that are further to the right than by these factors are told in words.
_FARTHEST_CROSSING, _FARTHEST_WALL = 1e9, 8
# Measures below this are rounding.
_ROUNDING = 1e-7
# The dots of a wall, in multiples of their width.
_WALL = (0.0, (1.2, 1.8))
# Between lines of text, in multiples of its size.
_ROW = 1.4


@checked
@in_style
def approximation(
    study: ShallowApproximations, *, measure: Measure = "total variation", figsize: tuple[float, float] | None = None
) -> Picture[Panels]:
    """Errors of mixtures of entries beside their guarantee, and of mixtures of products beside the exact-rank wall.

    Left, for entries: the norm of V - W for an approximation V of W. The guarantee sqrt(8 / (t + 2)) is dashed; a thin
    line is the norm of W, by which no parts at all would miss it: where the guarantee is above, it says nothing. Right,
    for products: distances as distributions. A vertical line stands at the parts that an exact shallow form needs at
    least. Only the panels for which there are runs are shown; the wall is in the last. Steps that are certified to be
    the best have filled marks; marks are at 1, 2, 4, ... parts.

    Args:
        study: as `tensorrank.experiments.shallow_approximations` computes it.
        measure: what the right panel shows: "total variation", "relative error" or "kl".
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of one or two axes.

    Raises:
        TensorRankError: if there are no targets, or the measure is unknown.

    >>> import tensorrank as tr
    >>> runs = [tr.experiments.ApproximationRun("corrective", "entries", steps=3)]
    >>> chain = tr.HiddenMarkov.random(states=2, symbols=2, length=4, seed=0)
    >>> figure, (ax,) = tr.figures.approximation(tr.experiments.shallow_approximations([("chain", chain)], runs))
    >>> ax.get_ylabel()
    'error ‖V − W‖'
    """
    something(study.targets, "an experiment without targets was")
    one_of("the measure", measure, get_args(Measure))
    runs = [run for target in study.targets for run in target.runs]
    kinds = [atoms for atoms in ("entries", "products") if any(run.atoms == atoms for run in runs)]
    lines = _LINES if _several_methods(runs) else dict.fromkeys(_LINES, "-")
    sheet = several_axes(4.3 * len(kinds) + 0.6 * (len(kinds) == 1), 3.6, len(kinds), figsize=figsize)
    axes = sheet.panels
    for ax, atoms in zip(axes, kinds, strict=True):
        _curves(ax, study.targets, atoms, lines, "error" if atoms == "entries" else measure)
        ax.set(xlabel="parts of the mixture V (log scales)")
        if atoms == "entries":
            ax.set_ylabel("error ‖V − W‖")
            _guarantee(ax, study.targets)
        else:
            ax.set_ylabel(_LABELS[measure])
    # Walls count products.
    rows, inside = _walls(axes[-1], study.targets) if "products" in kinds else (0, False)
    sheet.grow(_ROW * type_size() * max(0, rows - 1))
    for ax, atoms in zip(axes, kinds, strict=True):
        ax.set_title(f"Mixtures of {_MEANING[atoms]}", pad=5 + _ROW * rows * type_size())
        _ticks(ax)
    if rows > inside:
        sheet.caption("An arrow leads to the parts that an exact form needs, beyond the axes.")
    sheet.legend(_handles(study.targets, runs, walls=inside))
    for ax in axes:
        sheet.clear(ax)
    return sheet.all()


def _curves(ax: Axes, targets: Sequence[ApproximationTarget], atoms: str, lines: Mapping[str, Any], measure: str) -> None:
    ax.set(xscale="log", yscale="log")
    for number, target in enumerate(targets):
        for run in (run for run in target.runs if run.atoms == atoms):
            colour, mark = _style(number)
            parts = [step.components for step in run.steps]
            values, spread = np.array([_value_and_spread(step, measure) for step in run.steps]).reshape(-1, 2).T
            ax.plot(parts, values, color=colour, linestyle=lines[run.method], linewidth=1.6, zorder=3)
            if spread.any():
                low = np.maximum(values - 2 * spread, values / 10)
                ax.fill_between(parts, low, values + 2 * spread, color=colour, alpha=0.2, linewidth=0)
            for filled in (True, False):
                shown = [i for i in _marked(run.steps) if (run.steps[i].certified is True) == filled]
                look: Any = {"color": colour, "markerfacecolor": colour if filled else paper(), "markersize": 5.5}
                ax.plot([parts[i] for i in shown], values[shown], mark, zorder=4, **look)
    _exact(ax)


def _exact(ax: Axes) -> None:
    """Where values are 0 but for rounding, lines end at the bottom, so that the others have the height."""
    values = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in ax.lines])
    seen = values[values >= _ROUNDING]
    if not seen.size or not (values < _ROUNDING).any():
        return
    bottom = float(seen.min()) / 4
    ax.set_ylim(bottom=bottom)
    ends = set()
    for line in ax.lines:
        xs, ys = (np.asarray(data, dtype=float) for data in (line.get_xdata(), line.get_ydata()))
        line.set_ydata(np.where(ys < _ROUNDING, bottom, ys))
        ends |= {(float(x), str(line.get_color())) for x in xs[ys < _ROUNDING]}
    for x, colour in sorted(ends):
        beside(ax, "exact", (x, bottom), (6, 4), color=colour, fontsize="small")


def _style(number: int) -> tuple[str, str]:
    return hue(_COLOURS[number % len(_COLOURS)]), MARKS[number % len(MARKS)]


def _value_and_spread(step: ApproximationStep, measure: str) -> tuple[float, float]:
    """A measure as a logarithmic axis can show it, NaN if it cannot, and its standard error, 0 if it has none."""
    found = getattr(step, measure.replace(" ", "_"))
    value, spread = (found.value, found.standard_error or 0.0) if isinstance(found, Estimate) else (found, 0.0)
    # What is 0 is shown as what is rounding.
    return max(float(value), _ROUNDING**2) if isfinite(value) else nan, spread


def _marked(steps: Sequence[ApproximationStep]) -> list[int]:
    """Steps 0, 1, 3, 7, ..., of 1, 2, 4, 8, ... parts if each adds one, and the last."""
    return [i for i in range(len(steps)) if (i + 1).bit_count() == 1 or i == len(steps) - 1]


def _guarantee(ax: Axes, targets: Sequence[ApproximationTarget]) -> None:
    """The dashed guarantee, the norms, and where the one passes the other."""
    most = max(step.components for target in targets for run in target.runs if run.atoms == "entries" for step in run.steps)
    crossings = [target.informative or inf for target in targets]
    near = max(crossings) <= _FARTHEST_CROSSING * most
    end = 4 * max(most, *crossings) if near else 4.0 * most
    parts = np.geomspace(1, end, 200)
    ax.plot(parts, np.sqrt(8 / (parts + 1)), color=grey(0.35), linestyle=DASHED, linewidth=1.6, zorder=2)
    for number, target in enumerate(targets):
        if target.norm > 0:
            ax.axhline(target.norm, color=_style(number)[0], linewidth=0.8, zorder=1)
            if near and target.informative is not None:
                look: Any = {"color": _style(number)[0], "markersize": 11, "markeredgewidth": 1.4, "zorder": 4}
                ax.plot(target.informative, sqrt(8 / (target.informative + 1)), "|", **look)
    ax.set_xlim(0.8, end)
    least, largest = min(crossings), max(crossings)
    if near:
        where = _about(least) if least > 0.8 * largest else f"{_about(least)}–{_about(largest)}"
        ax.annotate(
            f"the guarantee is below ‖W‖\nonly from {where} parts on",
            (least, sqrt(8 / (least + 1))),
            xytext=(0.99, 0.99),
            textcoords="axes fraction",
            ha="right",
            va="top",
            color=grey(0.25),
            bbox=box(),
            arrowprops={"arrowstyle": "-", "color": grey(0.5), "shrinkA": 2, "shrinkB": 5},
        )
        return
    # Far below the guarantee there is room, just above the largest norm.
    text = (
        f"the guarantee is below ‖W‖\nonly from {_about(least)} parts on →"
        if least < inf
        else ("‖W‖ is 0 in floating point:\nthe guarantee is never below")
    )
    height = max((target.norm for target in targets), default=0.0)
    place, frame = ((0.99, height), ax.get_yaxis_transform()) if height > 0 else ((0.99, 0.02), "axes fraction")
    beside(ax, text, place, (0, 3), xycoords=frame, ha="right", va="bottom", color=grey(0.25), bbox=box())


def _about(number: float) -> str:
    if number < 1e6:
        return f"{number:,.0f}"
    return rf"$10^{{{np.log10(float(number)):.0f}}}$"


def _walls(ax: Axes, targets: Sequence[ApproximationTarget]) -> tuple[int, bool]:
    """A vertical line at each wall with its number above, and arrows to those beyond the edge.

    Returns:
        How many rows of words stand above the axes, and whether there are lines.
    """
    walls = [(number, target.wall) for number, target in enumerate(targets) if target.wall.parts is not None]
    most = max(float(np.max(line.get_xdata())) for line in ax.lines if np.size(line.get_xdata()))
    inside = [wall.parts for _, wall in walls if wall.parts is not None and wall.parts <= _FARTHEST_WALL * most]
    ax.set_xlim(0.8, max([1.3 * most, *(1.6 * parts for parts in inside)]))
    # Walls beyond the edge stand above the others.
    rows = 1 if inside else 0
    placed: list[int] = []
    for number, wall in walls:
        parts, (colour, _) = wall.parts or 0, _style(number)
        proved = "" if wall.rank is None or wall.rank.standing == "exact" else "≥ "
        text = proved + abbreviated(parts, 7)
        above: Any = {"textcoords": "offset points", "va": "bottom", "color": colour, "annotation_clip": False}
        if parts in inside:
            # Lines in the same place take turns.
            dot, turns = _WALL[1][0], sum(_WALL[1]) * inside.count(parts)
            ax.axvline(parts, color=colour, linewidth=1.6, zorder=1, linestyle=(3.0 * placed.count(parts), (dot, turns - dot)))
            if parts not in placed:
                ax.annotate(text, (parts, 1), xycoords=ax.get_xaxis_transform(), xytext=(0, 1), ha="center", **above)
            placed.append(parts)
        else:
            ax.annotate(
                f"{text} →", (1, 1), xycoords="axes fraction", xytext=(0, 1 + _ROW * rows * type_size()), ha="right", **above
            )
            rows += 1
    return rows, bool(inside)


def _ticks(ax: Axes) -> None:
    """Whole numbers below 1000, powers of ten above."""
    for axis in (ax.xaxis, ax.yaxis):
        low, high = axis.get_view_interval()
        decades = np.log10(high / low)
        base = LogLocator(base=10, subs=(1.0,) if decades > 2.2 else (1.0, 2.0, 5.0), numticks=9)
        axis.set_major_locator(base)
        axis.set_minor_formatter(NullFormatter())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}" if x < 1e5 else f"$10^{{{np.log10(x):.0f}}}$"))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}" if 1e-3 <= y < 1e4 else f"$10^{{{np.log10(y):.0f}}}$"))


def _several_methods(runs: Sequence[Approximation]) -> bool:
    """Whether lines of one panel are of different methods."""
    return len({(run.method, run.atoms) for run in runs}) > len({run.atoms for run in runs})


def _handles(targets: Sequence[ApproximationTarget], runs: Sequence[Approximation], *, walls: bool) -> list[Line2D]:
    """What stands for what: targets, then methods if there are several, then lines that all share."""
    handles = []
    for number, target in enumerate(targets):
        colour, mark = _style(number)
        handles.append(line_entry(target.label, colour, marker=mark, markersize=5.5, linewidth=1.6))
    if _several_methods(runs):
        methods = dict.fromkeys(run.method for run in runs)
        handles += [line_entry(name, grey(0.3), _LINES[name], linewidth=1.6) for name in methods]
    if any(run.atoms == "entries" for run in runs):
        handles.append(line_entry("guarantee √(8/(t+2))", grey(0.35), DASHED, linewidth=1.6))
        handles.append(line_entry("‖W‖: the error of no parts", grey(0.3), linewidth=0.8))
    if walls:
        handles.append(line_entry("parts that an exact form needs", grey(0.3), _WALL, linewidth=1.6))
    if any(step.certified is not True for run in runs for step in run.steps):
        handles.append(mark_entry("hollow: step not certified", grey(0.3), face=paper(), markersize=5.5))
    return handles
