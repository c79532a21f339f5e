"""A sheet: the axes that a figure function fills, with room for a legend above and a caption below.

Sizes are given for type of 9 points and grow with the reader's, so that words and what they stand beside keep their
proportions. The layout is matplotlib's constrained one: it holds for `savefig` as well, whoever calls it.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil, inf, isfinite
from typing import Any, ParamSpec, TypeAlias, TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Annotation, Text
from numpy.typing import NDArray

from tensorrank.errors import TensorRankError
from tensorrank.pictures.look import settings, type_size
from tensorrank.pictures.picture import EDGE, Picture, blank_figure, forget, pyplot_shows
from tensorrank.pictures.words import apart, cleared, crowded, wrapped_to

# Several axes of a figure, row by row.
Panels: TypeAlias = NDArray[np.object_]

# The size of type, in points, for which the sizes of sheets are given.
_TYPE = 9
# The share of the height of a figure of a given size that its legend and caption may take.
_WORDS = 0.4
# Lines of type above and below axes.
_LINES = 4
# Inches of the largest picture that matplotlib can write at 200 dots an inch.
_LARGEST = 300.0
# By what type becomes smaller where words have no room in a figure of a given size, and the least size that is read.
_SMALLER, _LEAST = 0.85, 5.0

P = ParamSpec("P")
R = TypeVar("R", bound=Picture[Any])


def in_style(figure: Callable[P, R]) -> Callable[P, R]:
    """The function, under the settings that all pictures share.

    In a figure of a given size (`figsize`), type becomes smaller until no words lie on one another and nothing is cut
    off, or until it is as small as can be read.
    """

    @functools.wraps(figure)
    def styled(*args: P.args, **kwargs: P.kwargs) -> R:
        # The backend of a notebook sets what the context would take back.
        pyplot_shows()
        with mpl.rc_context(settings()):
            if not kwargs.get("figsize"):
                return figure(*args, **kwargs)
            with warnings.catch_warnings():
                # Whoever draws the picture hears of it if nothing fits.
                warnings.filterwarnings("ignore", "constrained_layout not applied")
                picture = figure(*args, **kwargs)
                while crowded(picture.figure) and type_size() * _SMALLER >= _LEAST:
                    forget(picture.figure)
                    mpl.rcParams["font.size"] = type_size() * _SMALLER
                    picture = figure(*args, **kwargs)
                return picture

    return styled


@dataclass(frozen=True)
class Sheet:
    """A figure and the axes to fill.

    Attributes:
        figure: the figure that has the axes.
        panels: the axes, row by row.
        columns: how many of them stand in a row.
        own: whether the figure was made for them, and not given by the user.
        grows: whether the figure may become higher for its legend and caption.
        last: what is done when everything else stands: names are moved apart.
    """

    figure: Figure
    panels: Panels
    columns: int
    own: bool
    grows: bool
    last: list[Callable[[], None]] = field(default_factory=list)

    @property
    def ax(self) -> Axes:
        """The first axes, or the only ones."""
        first: Axes = self.panels[0]
        return first

    def one(self) -> Picture[Axes]:
        """The finished picture of one axes."""
        self._finish()
        return Picture(self.figure, self.ax)

    def all(self) -> Picture[Panels]:
        """The finished picture of several axes."""
        self._finish()
        return Picture(self.figure, self.panels)

    def legend(self, handles: Sequence[Artist], title: str | None = None) -> None:
        """A legend of entries that have labels, above all axes: nothing is behind it.

        In a figure whose size was given, legend and caption leave most of the height to the axes if they can: the
        caption goes first, then the type of the legend becomes smaller.
        """
        given = self.own and not self.grows
        room = _WORDS * self.figure.bbox.height if given else inf
        for size in ("medium", "small", "x-small", "xx-small") if given else ("medium",):
            legend = self._legend(list(handles), title, size)
            height = legend.get_window_extent().height
            if height + self._caption_height() > room:
                self.figure.supxlabel("")
            if height <= room or size == "xx-small":
                break
            legend.remove()
        points = height * 72 / self.figure.dpi
        if self.own:
            self.grow(points)
        else:
            self.last.append(lambda: _raise_title(self.ax, points))

    def _legend(self, handles: list[Artist], title: str | None, size: str) -> Legend:
        """A legend of as many columns as fit."""
        above: Any = {"loc": "outside upper center"} if self.own else {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0)}
        if size != "medium":
            above |= {"fontsize": size, "title_fontsize": size}
        width = self.figure.bbox.width - 2 * EDGE if self.own else self.ax.get_window_extent().width
        holder = self.figure if self.own else self.ax
        for columns in range(len(handles), 0, -1):
            # As many rows as that many columns need, and no more columns than fill them.
            ncols = ceil(len(handles) / ceil(len(handles) / columns))
            legend = holder.legend(handles=handles, ncols=ncols, handlelength=2.0, title=title, **above)
            if columns == 1:
                _narrow(legend, width)
            if columns == 1 or legend.get_window_extent().width <= width:
                break
            legend.remove()
        return legend

    def caption(self, text: str) -> None:
        """A sentence below all axes, which says how to read them; none below axes of the user's."""
        if self.own:
            words = self.figure.supxlabel(text, fontsize="small", fontstyle="italic")
            wrapped_to(words, self.figure.bbox.width - 2 * EDGE)
            self.grow(words.get_window_extent().height * 72 / self.figure.dpi)

    def _caption_height(self) -> float:
        """In pixels."""
        words = self.figure._supxlabel  # type: ignore[attr-defined, unused-ignore]
        return float(words.get_window_extent().height) if words is not None and words.get_text() else 0.0

    def outer_labels(self, across: str, up: str) -> None:
        """The labels of axes that share their scales: below the lowest of each column, and left of the first."""
        for place, ax in enumerate(self.panels):
            if place + self.columns >= len(self.panels):
                ax.set_xlabel(across)
                ax.tick_params(labelbottom=True)
            if place % self.columns == 0:
                ax.set_ylabel(up)

    def apart(self, ax: Axes, names: Sequence[Annotation]) -> None:
        """Have names beside axes moved up and down until none lies on another."""
        self.last.append(functools.partial(apart, self.figure, ax, names))

    def clear(self, ax: Axes) -> None:
        """Have names beside points of some axes moved to places of their own."""
        self.last.append(functools.partial(cleared, self.figure, ax))

    def grow(self, points: float) -> None:
        """Make the figure higher by so many points and an edge, unless its size was given."""
        if self.grows and points > 0:
            width, height = self.figure.get_size_inches()
            self.figure.set_size_inches(width, height + (points + EDGE) / 72)

    def _finish(self) -> None:
        """Break titles and labels that are longer than a panel's share of the figure, then move names apart."""
        if self.own:
            words = self._caption_height() + sum(legend.get_window_extent().height for legend in self.figure.legends)
            rows = ceil(len(self.panels) / self.columns)
            width = self.figure.bbox.width / self.columns - 2 * EDGE
            # Below the axes stand the numbers of ticks and a label, above them a title.
            height = (self.figure.bbox.height - words) / rows - _LINES * type_size() * self.figure.dpi / 72
            for ax in self.panels:
                for label, length in ((ax.title, width), (ax.xaxis.label, width), (ax.yaxis.label, height)):
                    wrapped_to(label, length)
        for act in self.last:
            act()


def one_axes(width: float, height: float, ax: Axes | None, figsize: tuple[float, float] | None) -> Sheet:
    """The axes that were given, or the only ones of a new figure.

    Args:
        width: of the figure, in inches at type of 9 points, unless a size is given.
        height: of the axes with their labels.
        ax: axes of the user's, or None.
        figsize: the size of the whole figure in inches, or None.

    Raises:
        TensorRankError: if both axes and a size are given, or the size is none.
    """
    if ax is None:
        return several_axes(width, height, 1, figsize=figsize)
    if figsize is not None:
        raise TensorRankError(f"ax and figsize {figsize} were both given; the axes have their size, so give one of the two")
    figure = ax.get_figure()
    while not isinstance(figure, Figure):
        if figure is None:
            raise TensorRankError("ax are axes that were removed from their figure; expected axes of a figure")
        figure = figure.figure
    return Sheet(figure, np.array([ax], dtype=object), 1, own=False, grows=False)


def several_axes(
    width: float,
    height: float,
    count: int,
    *,
    columns: int | None = None,
    figsize: tuple[float, float] | None = None,
    **options: Any,
) -> Sheet:
    """A new figure with so many axes, in one row or in rows of some columns.

    Args:
        width: of the figure, in inches at type of 9 points, unless a size is given.
        height: of all axes with their labels and titles.
        count: of the axes.
        columns: in a row; all by default.
        figsize: the size of the whole figure in inches, or None.
        options: those of `Figure.subplots`.

    Raises:
        TensorRankError: if a size is given that is none.
    """
    if figsize is not None and not all(isfinite(one) and 0 < one <= _LARGEST for one in figsize):
        raise TensorRankError(f"figsize is {figsize}; expected a width and a height in inches, at most {_LARGEST:g}")
    scale = type_size() / _TYPE
    figure = blank_figure(*(figsize or (scale * width, scale * height)))
    across = columns or count
    panels = figure.subplots(ceil(count / across), across, squeeze=False, **options).ravel()
    for spare in panels[count:]:
        spare.remove()
    return Sheet(figure, panels[:count], across, own=True, grows=figsize is None)


def _narrow(legend: Legend, width: float) -> None:
    """Break the lines of a legend of one column until it is no wider."""
    texts: list[Text] = legend.get_texts()
    beside = legend.get_window_extent().width - max(text.get_window_extent().width for text in texts)
    for text in texts:
        wrapped_to(text, width - beside)


def _raise_title(ax: Axes, points: float) -> None:
    """Lift the title of some axes above a legend that stands on them."""
    if ax.get_title():
        ax.set_title(ax.get_title(), pad=points + EDGE)
