"""What all figures share: colours, marks, lines, entries of legends, and writing files whole."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tensorrank.arguments import one_of, several, shown
from tensorrank.errors import TensorRankError
from tensorrank.separation.result import Standing
from tensorrank.whole_files import refuse_slash, write_whole

# Okabe and Ito's palette, told apart with every common colour vision, ordered so that neighbours differ in grey too.
_PALETTE = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

# The mark of each standing, whether it is filled, and its name in legends.
MARKS: dict[Standing, tuple[str, bool, str]] = {
    "exact": ("o", True, "exact rank"),
    "probable": ("o", False, "probable rank"),
    "lower bound": ("^", True, "certified lower bound"),
    "numerical": ("x", True, "numerical rank"),
}

RC: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9.5,
    "legend.frameon": False,
    "svg.fonttype": "none",
}

# Dashes of lines, in multiples of their width.
DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.6))
# A box behind words that stand on lines.
WHITE: Any = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


def in_style(figure: Callable[P, R]) -> Callable[P, R]:
    """The function, under the settings that all figures share."""

    @functools.wraps(figure)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(RC):
            return figure(*args, **kwargs)

    return styled


def something(given: Sequence[T], without: str = "an experiment without rows was") -> Sequence[T]:
    """What was given to be shown; refuses that there is nothing."""
    if not given:
        raise TensorRankError(f"{without} given; expected at least one to show")
    return given


def colours(keys: Iterable[int]) -> dict[int, str]:
    """A colour for every key, small keys first: the palette, or a map from dark to light where it does not suffice."""
    ordered = sorted(set(keys))
    if len(ordered) <= len(_PALETTE):
        return dict(zip(ordered, _PALETTE, strict=False))
    shades = mpl.colormaps["viridis"].resampled(len(ordered) + 1)
    return {key: mpl.colors.to_hex(shades(i)) for i, key in enumerate(ordered)}


def colours_and_marks(keys: Iterable[int], marks: str = "osD^vPX*") -> dict[int, tuple[str, str]]:
    """A colour for every key, and a mark that tells it apart without colours."""
    return {key: (colour, marks[i % len(marks)]) for i, (key, colour) in enumerate(colours(keys).items())}


def by_standing(standing: Standing, colour: str) -> dict[str, Any]:
    """How a mark shows the standing of a rank."""
    marker, filled, _ = MARKS[standing]
    return {"marker": marker, "color": colour, "markerfacecolor": colour if filled else "white", "linestyle": ""}


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


def save(figure: Figure, stem: str | Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write a figure as stem.png and stem.svg, each whole or not at all; returns the paths.

    Raises:
        TensorRankError: if a file cannot be written, no figure or list of formats is given, or a format is unknown.
    """
    if not isinstance(figure, Figure):
        raise TensorRankError(f"a {type(figure).__name__} was given; expected a figure: the first of (figure, axes)")
    if isinstance(formats, str):
        raise TensorRankError(f"formats are {shown(formats)}; expected a list, such as ['{formats}']")
    if not isinstance(stem, str | os.PathLike) or not Path(stem).name:
        raise TensorRankError(f"the stem is {shown(stem)}; expected the path of a file without its ending, such as 'out/ranks'")
    refuse_slash(f"the stem {stem}", stem)
    known = list(figure.canvas.get_supported_filetypes())
    kinds = [one_of("a format", kind, known) for kind in several("formats", formats, "a list, such as ['png', 'svg']")]
    paths = []
    for kind in kinds:
        path = Path(stem).with_name(f"{Path(stem).name}.{kind}")
        with mpl.rc_context(RC):
            write_whole(path, functools.partial(figure.savefig, format=kind, dpi=200))
        paths.append(path)
    return paths
