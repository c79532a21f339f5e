"""What all figures share: colours, marks, and writing files whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from tensorrank.errors import TensorRankError
from tensorrank.separation.result import Standing
from tensorrank.whole_files import write_whole

# Okabe and Ito's palette, told apart with every common colour vision, ordered so that neighbours differ in grey too.
_PALETTE = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

# Filled: proved. Open: probable. Triangle: only a lower bound.
MARKS: dict[Standing, tuple[str, bool, str]] = {
    "exact": ("o", True, "exact"),
    "probable": ("o", False, "probable"),
    "lower bound": ("^", True, "certified lower bound"),
    "numerical": ("x", True, "numerical"),
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


def colours(widths: Iterable[int]) -> dict[int, str]:
    """A colour for every width: the palette, or a map from dark to light where it does not suffice."""
    ordered = sorted(set(widths))
    if len(ordered) <= len(_PALETTE):
        return dict(zip(ordered, _PALETTE, strict=False))
    shades = mpl.colormaps["viridis"].resampled(len(ordered) + 1)
    return {width: mpl.colors.to_hex(shades(i)) for i, width in enumerate(ordered)}


def save(figure: Figure, stem: str | Path, formats: Sequence[str] = ("png", "svg")) -> list[Path]:
    """Write a figure as stem.png and stem.svg, each whole or not at all; returns the paths.

    Raises:
        TensorRankError: if a file cannot be written, or no figure or list of formats is given.
    """
    if not isinstance(figure, Figure):
        raise TensorRankError(f"a {type(figure).__name__} was given; expected a figure: the first of (figure, axes)")
    if isinstance(formats, str):
        raise TensorRankError(f"formats are {formats!r}; expected a list, such as ['{formats}']")
    paths = []
    for kind in formats:
        path = Path(stem).with_name(f"{Path(stem).name}.{kind}")
        with mpl.rc_context(RC):
            write_whole(path, lambda temporary: figure.savefig(temporary, dpi=200))
        paths.append(path)
    return paths
