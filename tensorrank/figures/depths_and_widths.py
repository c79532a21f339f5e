"""The plane of depth and width: the curve of optimal shapes with its band, the two regimes, and models as points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.figures.axes import beside, doublings
from tensorrank.figures.style import halo, line_entry, mark_entry
from tensorrank.guidelines import KNOWN_MODELS, PUBLISHED, Advice, KnownModel, Optimum, TransitionFit
from tensorrank.pictures.look import DASHED, DOTTED, Hue, grey, hue, paper
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import in_style, one_axes
from tensorrank.whole_numbers import in_brief

# The logarithm of a width beyond all planes.
_HIGHEST = 600.0
_CURVE: Hue = "blue"
_YOURS: Hue = "vermilion"
# How far models and lines of equal size are from the ink.
_MODELS, _EQUAL = 0.33, 0.72


@checked
@in_style
def depth_width(
    yours: Sequence[tuple[str, Advice | Optimum]] = (),
    fit: TransitionFit = PUBLISHED,
    *,
    sigmas: float = 2.0,
    known: Sequence[KnownModel] | None = None,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture[Axes]:
    """Depth and width of models about the curve ln d = a + b L of a fit.

    Above the curve a network gains more from depth, below it more from width. Along a thin grey line networks have
    equally many parameters; along it leads a line from a model of yours to its best shape. The curve is dashed beyond
    the depths of the fit. The dotted line is the knee by formula (`bounds.knee`), where the rank of attention without
    softmax saturates: an exponential too, but a steeper one, as rank is not loss.

    Args:
        yours: names with what `guidelines.advise` says of your architectures, or `guidelines.optimum` of a size.
        fit: the published one by default.
        sigmas: standard errors to each side that the band spans.
        known: models to show; with the published fit those of `guidelines.KNOWN_MODELS` by default, with others none.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    >>> import tensorrank as tr
    >>> figure, ax = tr.figures.depth_width([("mine", tr.guidelines.advise(depth=12, width=768))])
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('depth L', 'width d (log scale)')
    """
    near = [(one.depth, one.width) for _, one in yours if isinstance(one, Advice)]
    models = [
        model
        for model in ((KNOWN_MODELS if fit == PUBLISHED else ()) if known is None else known)
        if not any(_alike(model, depth, width) for depth, width in near)
    ]
    points: list[tuple[float, float]] = [(model.depth, model.width) for model in models]
    for _, one in yours:
        best = one.optimum if isinstance(one, Advice) else one
        points.append((best.depth, best.width))
        if isinstance(one, Advice):
            points.append((one.depth, one.width))
    ends = list(fit.depths or ())
    deepest = 1.16 * max([6.0, *ends, *(depth for depth, _ in points)])
    widths = [*(width for _, width in points), *(fit.width(depth) for depth in ends or (1.0,))]
    low, high = min(widths) / 2.2, max(widths) * 2.2
    depths = np.linspace(0, deepest, 400)
    lower, curve, upper = (
        np.exp(np.minimum([fit.log_width(depth, side * sigmas) for depth in depths], _HIGHEST)) for side in (-1, 0, 1)
    )
    sheet = one_axes(7.2, 4.6, ax, figsize)
    ax = sheet.ax
    ax.set(xlim=(-0.01 * deepest, deepest), ylim=(low, high), yscale="log", xlabel="depth L", ylabel="width d (log scale)")
    ax.fill_between(depths, curve, high, color=hue(_CURVE), alpha=0.06, linewidth=0, zorder=0)
    _equal_sizes(ax, fit.rule, deepest, low, high)
    ax.fill_between(depths, lower, upper, color=hue(_CURVE), alpha=0.22, linewidth=0, zorder=1)
    inside = (depths >= ends[0]) & (depths <= ends[1]) if ends else np.zeros(len(depths), dtype=bool)
    ax.plot(depths, curve, color=hue(_CURVE), linewidth=1.2, linestyle=DASHED, zorder=2)
    ax.plot(depths[inside], curve[inside], color=hue(_CURVE), linewidth=2.2, zorder=2)
    _knee(ax, low, high)
    for model in models:
        ax.plot(model.depth, model.width, "o", color=grey(_MODELS), markersize=4.5, zorder=3)
        _label(ax, model.name, model, fit, deepest)
    for name, one in _joined(yours):
        _yours(ax, name, one, fit, deepest)
    ax.text(0.26, 0.97, "wide: depth pays more", transform=ax.transAxes, va="top", color=hue(_CURVE), path_effects=halo())
    ax.text(0.98, 0.03, "narrow: width pays more", transform=ax.transAxes, ha="right", color=hue(_CURVE), path_effects=halo())
    doublings(ax.yaxis, ".10g")
    sheet.legend(_handles(fit, sigmas, bool(models), yours))
    sheet.clear(ax)
    return sheet.one()


def _joined(yours: Sequence[tuple[str, Advice | Optimum]]) -> list[tuple[str, Advice | Optimum]]:
    """Every shape once, by all of its names."""
    names: dict[Advice | Optimum, list[str]] = {}
    for name, one in yours:
        names.setdefault(one, []).append(name)
    return [(", ".join(all_names), one) for one, all_names in names.items()]


def _alike(model: KnownModel, depth: float, width: float) -> bool:
    """Whether two names would stand on one another."""
    return abs(model.depth - depth) < 4 and abs(math.log(model.width / width)) < 0.15


def _equal_sizes(ax: Axes, rule: float, deepest: float, low: float, high: float) -> None:
    """Lines of equal size, a factor of ten apart, each with its size where it leaves the plane on the right."""
    depths = np.geomspace(0.5, deepest, 200)
    smallest, largest = rule * 0.5 * low**2, rule * deepest * high**2
    for power in range(math.ceil(math.log10(smallest)), math.floor(math.log10(largest)) + 1):
        widths = np.sqrt(10.0**power / (rule * depths))
        ax.plot(depths, widths, color=grey(_EQUAL), linewidth=0.6, zorder=0.5)
        if low * 1.1 < widths[-1] < high / 1.1:
            look: Any = {"fontsize": "x-small", "color": grey(0.45), "va": "center", "annotation_clip": False}
            beside(ax, in_brief(10.0**power), (deepest, widths[-1]), (4, 0), **look)


def _knee(ax: Axes, low: float, high: float) -> None:
    """The knee of the moment bound for many tokens, log3 of 2 d (d+1)."""
    widths = np.geomspace(max(1, low), high, 100)
    knees = [bounds.log3(bounds.knee_power(max(1, round(width)))) for width in widths]
    ax.plot(knees, widths, color=grey(0.25), linewidth=1.2, linestyle=DOTTED, zorder=1.5)


def _label(ax: Axes, name: str, at: KnownModel | Advice, fit: TransitionFit, deepest: float, colour: str | None = None) -> None:
    """A name on the side of a point that is away from the curve, if there is room."""
    left = math.log(at.width) > fit.log_width(at.depth) and at.depth > 0.12 * deepest
    aside, ha = (-6, "right") if left else (6, "left")
    look: Any = {"color": colour or grey(_MODELS), "fontsize": "small", "va": "center", "zorder": 3, "path_effects": halo()}
    beside(ax, name, (at.depth, at.width), (aside, 0), ha=ha, **look)


def _yours(ax: Axes, name: str, one: Advice | Optimum, fit: TransitionFit, deepest: float) -> None:
    best = one.optimum if isinstance(one, Advice) else one
    if isinstance(one, Advice):
        ax.plot(one.depth, one.width, "D", color=hue(_YOURS), markersize=7, zorder=5)
        along = np.geomspace(one.depth, max(best.depth, 0.5), 40)
        ax.plot(along, one.width * np.sqrt(one.depth / along), color=hue(_YOURS), linewidth=1.6, zorder=4)
    ax.plot(best.depth, best.width, "D", color=hue(_YOURS), markerfacecolor=paper(), markersize=7, zorder=5)
    if isinstance(one, Advice):
        _label(ax, name, one, fit, deepest, hue(_YOURS))
    else:
        beside(ax, name, (best.depth, best.width), (8, -3), color=hue(_YOURS), va="top", path_effects=halo())


def _handles(
    fit: TransitionFit, sigmas: float, models: bool, yours: Sequence[tuple[str, Advice | Optimum]]
) -> list[Line2D | Patch]:
    which = "published fit" if fit == PUBLISHED else "by the fit"
    beyond = "" if fit.depths is None else " (dashed beyond its depths)"
    style: Any = "-" if fit.depths is not None else DASHED
    handles: list[Line2D | Patch] = [
        line_entry(f"best shape, {which}{beyond}", hue(_CURVE), style, linewidth=2.2),
        Patch(color=hue(_CURVE), alpha=0.22, label=fit.band(sigmas)),
        line_entry("knee by formula, log₃ 2d(d+1)", grey(0.25), DOTTED, linewidth=1.2),
        line_entry("equal parameters without embeddings", grey(_EQUAL), linewidth=0.8),
    ]
    if models:
        handles.append(mark_entry("models as trained", grey(_MODELS), markersize=4.5))
    if any(isinstance(one, Advice) for _, one in yours):
        handles.append(line_entry("a shape, with a line to", hue(_YOURS), marker="D", markersize=6, linewidth=1.6))
    if yours:
        handles.append(mark_entry("the best shape of the same size", hue(_YOURS), "D", face=paper(), markersize=6))
    return handles
