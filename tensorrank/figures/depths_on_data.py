"""What depth buys on data: held-out log-likelihood against the levels of a model, at equal numbers of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tensorrank.checked import checked
from tensorrank.experiments.depth_on_data import DepthOnData, FamilyScores
from tensorrank.figures.axes import beside, faint_grid
from tensorrank.figures.style import box, line_entry, mark_entry, something
from tensorrank.pictures.look import DASHED, colours_and_marks, grey
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

# The gap between levels and families without levels, how far apart the budgets of one place are, and all of them.
_GAP, _BESIDE, _SPREAD = 0.5, 0.13, 0.7
# Families need more room for their names than levels for their numbers.
_NAMED = 1.35
# In places: what a panel's title and label need.
_NARROWEST = 7.0
# In inches: what two and three columns of the legend need.
_TWO_COLUMNS, _THREE_COLUMNS = 5.7, 9.0
_BARS: Any = {"linewidth": 1.6, "markersize": 5.5, "elinewidth": 1.1, "capsize": 2.5}


@checked
@in_style
def depth_on_data(
    studies: DepthOnData | Sequence[DepthOnData], *, figsize: tuple[float, float] | None = None
) -> Picture[Panels]:
    """A panel for each data set, a line for each budget of parameters, over the levels of hidden variables.

    Marks are means over splits of the held-out log-likelihood of a row, bars their standard deviation; the best depth
    of each line has a ring, and so has one below it by no more than the difference's standard deviation. Families
    without levels, such as chains, stand to the right. Where the model that gave the data is known, a dashed line
    is the score of this model. The score of independent variables stands in the title.

    Args:
        studies: as `tensorrank.experiments.compare_depths` computes them.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a data set.

    Raises:
        TensorRankError: if there is nothing to show.

    >>> import numpy as np
    >>> import tensorrank as tr
    >>> data = np.random.default_rng(0).integers(0, 2, (40, 4))
    >>> chains = tr.experiments.MixtureFamily("hidden Markov", "chain")
    >>> study = tr.experiments.compare_depths(data, [chains], [20, 40], splits=2, pseudocounts=(0.1,), iterations=2)
    >>> figure, (ax,) = tr.figures.depth_on_data(study)
    >>> ax.get_ylabel()
    'held-out log-likelihood (nats a row)'
    """
    shown = [studies] if isinstance(studies, DepthOnData) else list(studies)
    for study in something(shown, "no experiments were"):
        something(study.scores, "an experiment without scores was")
    budgets = sorted({budget for study in shown for budget in study.budgets})
    styles = colours_and_marks(budgets, "osD^vP")
    places = [_places(study) for study in shown]
    widths = [max(max(found.values()) + 1.2, _NARROWEST) for found in places]
    width = max(0.9 + 0.45 * sum(widths), _TWO_COLUMNS)
    sheet = several_axes(width, 4.1, len(shown), gridspec_kw={"width_ratios": widths}, figsize=figsize)
    axes = sheet.panels
    for ax, study, found in zip(axes, shown, places, strict=True):
        _panel(ax, study, found, styles)
    axes[0].set_ylabel("held-out log-likelihood (nats a row)")
    handles = [
        line_entry(f"at most {budget:,} parameters", colour, marker=marker, linewidth=1.6)
        for budget, (colour, marker) in styles.items()
    ]
    labels = {"o": "best depth, all within a standard deviation", "|": "± standard deviation over splits"}
    handles += [mark_entry(label, grey(0.35), marker, face="none", markersize=11) for marker, label in labels.items()]
    sheet.legend(handles)
    return sheet.all()


def _places(study: DepthOnData) -> dict[int | str, float]:
    """Where each depth, and after a gap each family without one, stands."""
    depths = sorted({one.depth for one in study.scores if one.depth is not None})
    others = dict.fromkeys(one.family for one in study.scores if one.depth is None)
    first = len(depths) + _GAP if depths else 0.0
    found: dict[int | str, float] = {depth: float(place) for place, depth in enumerate(depths)}
    return found | {name: first + _NAMED * place for place, name in enumerate(others)}


def _panel(ax: Axes, study: DepthOnData, places: Mapping[int | str, float], styles: Mapping[int, tuple[str, str]]) -> None:
    apart = min(_BESIDE, _SPREAD / len(study.budgets))
    for number, budget in enumerate(study.budgets):
        colour, marker = styles[budget]
        aside = apart * (number - (len(study.budgets) - 1) / 2)
        scores = study.of(budget)
        levels = sorted((one for one in scores if one.depth is not None), key=lambda one: one.depth or 0)
        for group, line in ((levels, "-"), ([one for one in scores if one.depth is None], "")):
            if group:
                x, y, spread = zip(*((places[_place(one)] + aside, one.mean, one.spread) for one in group), strict=True)
                ax.errorbar(x, y, yerr=spread, color=colour, marker=marker, linestyle=line, **_BARS)
        if len(levels) > 1:
            rings = [(places[_place(one)] + aside, one.mean) for one in study.best(budget)]
            ax.plot(*zip(*rings, strict=True), "o", color=colour, markerfacecolor="none", markersize=13)
    if study.truth is not None:
        ceiling = float(np.mean(study.truth))
        ax.axhline(ceiling, color=grey(0.35), linewidth=1.2, linestyle=DASHED)
        look = {"xycoords": ("axes fraction", "data"), "va": "bottom", "color": grey(0.35), "bbox": box()}
        beside(ax, "the model that gave the data", (0, ceiling), (4, 3), **look)
    ax.set_xticks(list(places.values()), [_label(name) for name in places])
    ax.tick_params(axis="x", length=0)
    ax.set_xlim(-0.5, max(places.values()) + 0.65)
    _limits(ax, study)
    faint_grid(ax, "y")
    depths = [place for name, place in places.items() if isinstance(name, int)]
    if depths and len(depths) < len(places):
        ax.axvline(depths[-1] + (1 + _GAP) / 2 - 0.1, color=grey(0.8), linewidth=0.8)
    ax.set_xlabel("levels of hidden variables" + (" | other structures" if len(depths) < len(places) else ""))
    independent = f"{study.independent.mean:.1f}".replace("-", "−")
    name = study.name[:1].upper() + study.name[1:]
    ax.set_title(f"{name}\n({study.rows} rows; independent variables: {independent})", pad=8)


def _limits(ax: Axes, study: DepthOnData) -> None:
    """Room above the truth for its name."""
    ends = [one.mean + sign * one.spread for one in study.scores for sign in (-1, 1)]
    ends += [] if study.truth is None else [float(np.mean(study.truth))]
    low, high = min(ends), max(ends)
    room = 0.1 * (high - low) or 1.0
    ax.set_ylim(low - room / 2, high + room)


def _place(one: FamilyScores) -> int | str:
    return one.family if one.depth is None else one.depth


def _label(name: int | str) -> str:
    return fill(name, 8) if isinstance(name, str) else "1\n(latent\nclass)" if name == 1 else str(name)
