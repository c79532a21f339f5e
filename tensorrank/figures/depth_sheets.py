"""Sheets for series over depth: how series are told apart, and ranks of a study from those of an atlas."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tensorrank.experiments.depth_series import Series
from tensorrank.figures.style import mark_entry
from tensorrank.pictures.look import colours, ink
from tensorrank.pictures.sheet import Sheet, one_axes, several_axes

# Points; ranks taken from an atlas are small.
_OWN, _FROM_ATLAS = 6.0, 3.6
_COLUMNS = 4
# The tick across a line at its knee by formula: taller than every mark, so that none hides it.
KNEE: Any = {"marker": "|", "markersize": 13, "markeredgewidth": 1.5}


@dataclass(frozen=True)
class SeriesStyle:
    """The look of a series.

    Attributes:
        colour: which no other series of the picture has.
        dashes: of its lines: solid for many tokens, short dashes for fewer than can matter.
    """

    colour: str
    dashes: Any


def series_styles(series: Sequence[Series]) -> list[SeriesStyle]:
    """The look of each of some series that share a picture, in their order."""
    few = (0, (3, 1))
    return [
        SeriesStyle(colour, few if one.model.tokens < 2 * one.model.width else "-")
        for one, colour in zip(series, colours(range(len(series))).values(), strict=True)
    ]


def mark_size(from_atlas: bool) -> float:
    """The size of a mark, in points."""
    return _FROM_ATLAS if from_atlas else _OWN


def atlas_entry(series: Iterable[Series], marker: str = "o") -> list[Line2D]:
    """An entry of a legend for what was taken from an atlas, if anything was."""
    taken = any(finding.from_atlas for one in series for finding in one.findings)
    return [mark_entry("small: from the atlas", ink(), marker, markersize=_FROM_ATLAS)] if taken else []


def knee_entry(label: str) -> Line2D:
    """An entry of a legend for the tick across a line at the knee by formula."""
    return mark_entry(label, ink(), **KNEE)


def depth_sheet(count: int, ax: Axes | None, figsize: tuple[float, float] | None) -> Sheet:
    """A sheet for one axes, or for a panel a series on common scales."""
    if count == 1:
        return one_axes(6.4, 3.8, ax, figsize)
    columns = min(_COLUMNS, count)
    width, height = max(2.45 * columns + 0.5, 6.4), 2.3 * ceil(count / columns) + 0.3
    return several_axes(width, height, count, columns=columns, figsize=figsize, sharex=True, sharey=True)
