"""Loss against size for each depth, where the deeper overtake, and the fit through these points."""

from __future__ import annotations

import math
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.figures.axes import beside, doublings
from tensorrank.figures.style import line_entry, mark_entry
from tensorrank.guidelines import PUBLISHED, TransitionFit
from tensorrank.guidelines.ablation import Ablation, Pairs
from tensorrank.guidelines.crossings import Crossing
from tensorrank.pictures.look import DOTTED, MARKS, colours, grey, hue, paper
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, Sheet, in_style, several_axes

# Widths of a fit for layers of about so many parameters by d^2 can be compared.
_SAME_RULE = 0.1


@checked
@in_style
def ablation(
    data: Ablation,
    *,
    pairs: Pairs = "neighbours",
    loss: str = "held-out loss",
    sigmas: float = 2.0,
    against: TransitionFit | None = PUBLISHED,
    figsize: tuple[float, float] | None = None,
) -> Picture[Panels]:
    """Left, loss against parameters, a curve a depth; right, the widths at which the deeper overtake, with their fit.

    The points on the right stand at the depth half-way of each pair, with one standard error; open ones were not used
    by the fit. Where there is no fit, the picture says why.

    Args:
        data: losses by depth and size.
        pairs: of depths that the fit uses, as in `Ablation.fit`.
        loss: what the losses are called.
        sigmas: standard errors to each side that the band spans.
        against: a fit to compare with, where the plane shows it; None for none.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of its two axes.

    >>> import tensorrank as tr
    >>> sizes = (1e3, 1e4, 1e5)
    >>> losses = {1: (3.1, 3.0, 2.9), 2: (3.2, 2.9, 2.7), 3: (3.4, 2.9, 2.6)}
    >>> curves = [tr.guidelines.Curve(depth, sizes, loss, None, (1, 1, 1)) for depth, loss in losses.items()]
    >>> figure, (left, right) = tr.figures.ablation(tr.guidelines.Ablation(curves))
    >>> left.get_title()
    'The deeper overtakes at 2 of 2 steps in depth'
    """
    colour = colours(data.depths)
    try:
        fit, why = data.fit(pairs), ""
    except TensorRankError as error:
        fit, why = None, str(error)
    sheet = several_axes(9.4, 4.0, 2, width_ratios=(1.25, 1), figsize=figsize)
    axes = sheet.panels
    for i, curve in enumerate(data.curves):
        _curve(axes[0], data, i, colour[curve.depth])
    axes[0].set(xscale="log", xlabel="parameters without embeddings (log scale)", ylabel=loss)
    ring = mark_entry("next overtakes", grey(0.35), face="none", markersize=9)
    axes[0].legend(handles=[*axes[0].get_legend_handles_labels()[0], ring], title="depth L", ncols=1 + (len(data.curves) > 4))
    axes[0].set_title(_overtaking(data.chosen(pairs), pairs))
    _transitions(sheet, axes[1], data, pairs, fit, why, sigmas, against)
    sheet.clear(axes[1])
    return sheet.all()


def _overtaking(crossings: tuple[Crossing, ...], pairs: str) -> str:
    found = sum(crossing.size is not None for crossing in crossings)
    what = "pairs of depths" if pairs == "all" else "steps in depth"
    return f"The deeper overtakes at {found} of {len(crossings)} {what}" if found else "No depth overtakes another"


def _curve(ax: Axes, data: Ablation, place: int, colour: str) -> None:
    curve = data.curves[place]
    line = np.linspace(curve.log_sizes[0], curve.log_sizes[-1], 200)
    ax.plot(np.exp(line), curve.at(line), color=colour, linewidth=1.3, linestyle="-" if place % 2 else (0, (5, 1)))
    ax.errorbar(
        curve.sizes,
        curve.losses,
        yerr=curve.errors,
        color=colour,
        marker=MARKS[place % len(MARKS)],
        markersize=4.5,
        linestyle="",
        elinewidth=1,
        capsize=2,
        label=str(curve.depth),
    )
    for crossing in data.crossings:
        following = data.depths[place + 1 : place + 2]
        if crossing.shallow == curve.depth and crossing.deep in following and crossing.size is not None:
            height = float(curve.at(np.array([math.log(crossing.size)]))[0])
            ax.plot(crossing.size, height, "o", markersize=12, markerfacecolor="none", color=grey(0.35), markeredgewidth=1)


def _transitions(
    sheet: Sheet,
    ax: Axes,
    data: Ablation,
    pairs: Pairs,
    fit: TransitionFit | None,
    why: str,
    sigmas: float,
    against: TransitionFit | None,
) -> None:
    used = {(one.shallow, one.deep) for one in data.chosen(pairs)}
    shown: list[float] = []
    for crossing in data.crossings:
        width = crossing.width(data.rule)
        if width is None:
            continue
        inside = (crossing.shallow, crossing.deep) in used
        shown.append(width)
        error = crossing.width_error or 0.0
        spread = [[width - width * math.exp(-error)], [width * math.expm1(error)]]
        ax.errorbar(
            crossing.depth,
            width,
            yerr=spread,
            color=grey(0.15) if inside else grey(0.6),
            marker="o",
            markersize=5.5,
            markerfacecolor=None if inside else paper(),
            linestyle="",
            capsize=2.5,
            zorder=3,
        )
        if inside:
            beside(ax, f"{crossing.shallow} → {crossing.deep}", (crossing.depth, width), (7, -3), fontsize="small", va="top")
    ax.set(xlabel="depth L, half-way between the two", ylabel="width d of the crossing (log scale)", yscale="log")
    line = np.linspace(0.9 * data.depths[0], 1.05 * data.depths[-1], 200)
    handles: list[Line2D | Patch] = []
    if any(one.size is not None and (one.shallow, one.deep) not in used for one in data.crossings):
        handles.append(mark_entry("not used: not neighbours", grey(0.6), face=paper(), markersize=5.5))
    if fit is not None:
        lower, upper = (np.array([fit.width(depth, side * sigmas) for depth in line]) for side in (-1, 1))
        ax.fill_between(line, lower, upper, color=hue("blue"), alpha=0.2, linewidth=0)
        ax.plot(line, [fit.width(depth) for depth in line], color=hue("blue"), linewidth=1.8)
        (a, b), (a_error, b_error) = (fit.intercept, fit.slope), fit.errors
        handles += [
            line_entry(f"ln d = ({a:.2f} ± {a_error:.2f}) + ({b:.3f} ± {b_error:.3f}) L", hue("blue"), linewidth=1.8),
            Patch(color=hue("blue"), alpha=0.2, label=fit.band(sigmas)),
        ]
        ax.set_title(_quality(fit))
        shown += [fit.width(depth) for depth in data.depths]
    else:
        ax.set_title("Widths of the crossings: too few for a fit")
        ax.text(0.03, 0.98, fill(why, 64), transform=ax.transAxes, va="top", fontsize="x-small")
    if against is not None and shown and abs(data.rule / against.rule - 1) < _SAME_RULE:
        ax.plot(line, [against.width(depth) for depth in line], color=grey(0.4), linewidth=1.2, linestyle=DOTTED)
        handles.append(line_entry("published fit, depths 6 to 48", grey(0.4), DOTTED, linewidth=1.2))
        shown += [against.width(depth) for depth in data.depths]
    if shown:
        # Above the points there is room for what a picture without a fit says.
        ax.set_ylim(min(shown) / 2, max(shown) * (2 if fit is not None else 8))
        doublings(ax.yaxis, "g")
    else:
        ax.set_yticks([])
    ax.set_xlim(line[0], line[-1])
    if handles:
        sheet.legend(handles)


def _quality(fit: TransitionFit) -> str:
    if fit.chi_square is None or not fit.degrees_of_freedom:
        return "Crossings and their fit"
    return f"Crossings and their fit (χ² {fit.chi_square:.2g} at {fit.degrees_of_freedom} d.o.f.)"
