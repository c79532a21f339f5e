"""The look of pictures: the reader's settings of matplotlib, and ours where the reader has left the defaults.

Nothing is black or white by name. Greys lie between the ink, in which matplotlib writes, and the paper, on which it
writes, so that they are seen on dark grounds as well. Hues are Okabe and Ito's, told apart with every common colour
vision and ordered so that neighbours differ in lightness; a cycle of colours of the reader's own takes their place.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.colors import to_hex, to_rgb

Hue: TypeAlias = Literal["ink", "vermilion", "blue", "sky", "green", "orange", "purple"]

_OKABE_ITO: dict[Hue, str] = {
    "ink": "",
    "vermilion": "#D55E00",
    "blue": "#0072B2",
    "sky": "#56B4E9",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
}
# What we prefer to matplotlib's defaults.
_OURS: dict[str, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "legend.frameon": False,
}
# Marks that differ in shape, so that series are told apart without colours.
MARKS = "osD^vPX*<>pHd"
# Dashes of lines, in multiples of their width.
DASHED, DOTTED = (0, (4, 2)), (0, (1, 1.6))
# The least difference in lightness of a shade from the paper.
_CLEAR = 0.45


def settings() -> Any:
    """Our preferences for those of matplotlib's settings that are at their defaults."""
    own: Any = mpl.rcParams
    defaults: Any = mpl.rcParamsDefault
    return {name: value for name, value in _OURS.items() if own[name] == defaults[name]}


def ink() -> str:
    """The colour of words and lines."""
    return to_hex(mpl.rcParams["text.color"])


def paper() -> str:
    """The colour of the ground on which axes stand."""
    grounds = (mpl.rcParams["axes.facecolor"], mpl.rcParams["figure.facecolor"])
    return next((to_hex(ground) for ground in grounds if str(ground).lower() != "none"), "#ffffff")


def grey(level: float) -> str:
    """The shade so far from the ink, 0, to the paper, 1.

    >>> grey(0), grey(0.5), grey(1)
    ('#000000', '#808080', '#ffffff')
    """
    return tint(ink(), level)


def tint(colour: str, level: float) -> str:
    """A colour so far from itself, 0, to the paper, 1."""
    red, green, blue = ((1 - level) * one + level * other for one, other in zip(to_rgb(colour), to_rgb(paper()), strict=True))
    return to_hex((red, green, blue))


def ink_on(colour: str) -> str:
    """The colour of words on a ground: ink or paper, whichever differs more in lightness."""
    return max(ink(), paper(), key=lambda one: abs(lightness(one) - lightness(colour)))


def type_size() -> float:
    """The size of words, in points."""
    return float(mpl.rcParams["font.size"])


def hue(name: Hue) -> str:
    """A colour by its name, or the one in its place in the reader's own cycle of colours."""
    hues = _hues()
    return hues[list(_OKABE_ITO).index(name) % len(hues)]


def colours(keys: Iterable[int]) -> dict[int, str]:
    """A colour for every key, small keys first: hues, or where they are too few shades of the map of colours."""
    ordered = sorted(set(keys))
    hues = _hues()
    if len(ordered) <= len(hues):
        return dict(zip(ordered, hues, strict=False))
    return dict(zip(ordered, shades(len(ordered)), strict=True))


def shades(count: int) -> list[str]:
    """So many colours of the reader's map of colours, from one end to the other, without those that the paper hides."""
    every = mpl.colormaps[mpl.rcParams["image.cmap"]](np.linspace(0, 1, 256))
    clear = [one for one in every if abs(lightness(one) - lightness(paper())) >= _CLEAR] or list(every)
    return [to_hex(clear[place]) for place in np.linspace(0, len(clear) - 1, count).round().astype(int)]


def colours_and_marks(keys: Iterable[int], marks: str = MARKS) -> dict[int, tuple[str, str]]:
    """A colour for every key, and a mark that tells it apart without colours."""
    return {key: (colour, marks[i % len(marks)]) for i, (key, colour) in enumerate(colours(keys).items())}


def lightness(colour: Any) -> float:
    """How light a colour is in print without colours, from 0 to 1."""
    return float(np.dot(to_rgb(colour), (0.299, 0.587, 0.114)))


def _hues() -> list[str]:
    own = mpl.rcParams["axes.prop_cycle"].by_key().get("color")
    if own and mpl.rcParams["axes.prop_cycle"] != mpl.rcParamsDefault["axes.prop_cycle"]:
        return [to_hex(one) for one in own]
    return [colour or ink() for colour in _OKABE_ITO.values()]
