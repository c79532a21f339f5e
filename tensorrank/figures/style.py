"""What figures share: the marks of standings, and the entries of legends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke

from tensorrank.errors import TensorRankError
from tensorrank.pictures.look import paper
from tensorrank.separation.result import Standing

# The mark of each standing, whether it is filled, and its name in legends.
MARKS: dict[Standing, tuple[str, bool, str]] = {
    "exact": ("o", True, "exact rank"),
    "probable": ("o", False, "probable rank"),
    "lower bound": ("^", True, "certified lower bound"),
    "numerical": ("x", True, "numerical rank"),
}

T = TypeVar("T")


def something(given: Sequence[T], without: str = "an experiment without rows was") -> Sequence[T]:
    """What was given to be shown; refuses that there is nothing."""
    if not given:
        raise TensorRankError(f"{without} given; expected at least one to show")
    return given


def box() -> Any:
    """A box of the paper's colour behind words that stand on lines."""
    return {"facecolor": paper(), "edgecolor": "none", "pad": 1.5}


def halo() -> list[AbstractPathEffect]:
    """A rim of the paper's colour, by which letters keep clear of the lines behind them."""
    return [withStroke(linewidth=2.5, foreground=paper())]


def by_standing(standing: Standing, colour: str) -> dict[str, Any]:
    """How a mark shows the standing of a rank."""
    marker, filled, _ = MARKS[standing]
    return {"marker": marker, "color": colour, "markerfacecolor": colour if filled else paper(), "linestyle": ""}


def standing_entries(standings: Iterable[Standing], colour: str) -> list[Line2D]:
    """An entry of a legend for each of these standings, the strongest first."""
    met = set(standings)
    return [Line2D([], [], label=MARKS[one][2], **by_standing(one, colour)) for one in MARKS if one in met]


def line_entry(label: str, colour: str, line: Any = "-", **style: Any) -> Line2D:
    """An entry of a legend: a line, with marks where a marker is given."""
    return Line2D([], [], color=colour, linestyle=line, label=label, **style)


def mark_entry(label: str, colour: str, marker: str = "o", *, face: str | None = None, **style: Any) -> Line2D:
    """An entry of a legend: a mark without a line, filled unless a face is given."""
    return line_entry(label, colour, "", marker=marker, markerfacecolor=face or colour, **style)
