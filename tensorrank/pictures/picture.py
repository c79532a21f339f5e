"""A picture: a figure and its axes, which notebooks show by themselves, once.

Where pyplot shows its figures by itself, in notebooks and in windows of an interactive session, a picture is a figure
of pyplot and appears at the end of its cell, whether it was assigned or not. Elsewhere pyplot does not know of it, and
nothing is kept when the picture is dropped.
"""

from __future__ import annotations

import io
import sys
from typing import Any, Generic, NamedTuple, TypeVar

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

# Points between what stands at the edge of a figure and the edge.
EDGE = 6.0

A = TypeVar("A")


class Picture(NamedTuple, Generic[A]):
    """What a figure function returns: the figure, and its axes. A notebook shows it once.

    >>> import tensorrank as tr
    >>> picture = tr.figures.knee(widths=[1, 2, 4])
    >>> figure, axes = picture
    >>> picture
    Picture(7.1 x 5.9 inches, 1 axes)
    """

    figure: Figure
    axes: A

    def __repr__(self) -> str:
        """A line in few words."""
        width, height = self.figure.get_size_inches()
        return f"Picture({width:.1f} x {height:.1f} inches, {len(self.figure.axes)} axes)"

    def _repr_png_(self) -> bytes:
        return _png(self.figure)

    def _ipython_display_(self) -> None:
        if _is_pyplots(self.figure) and not _inline():
            # It has a window of its own.
            return
        _once(self.figure)
        # Only IPython asks for this.
        from IPython.display import display

        display(self.figure)


class ShownFigure(Figure):
    """A figure that notebooks show by itself, once, whether pyplot was imported or not."""

    def _repr_png_(self) -> bytes:
        return _png(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        # IPython asks for this first, and then for pictures as it is set up.
        _once(self)
        return {}


def blank_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, whose layout keeps all words inside."""
    if pyplot_shows():
        from matplotlib import pyplot

        return pyplot.figure(figsize=(width, height), layout=_layout(), FigureClass=ShownFigure)
    return ShownFigure(figsize=(width, height), layout=_layout())


def _layout() -> ConstrainedLayoutEngine:
    return ConstrainedLayoutEngine(w_pad=EDGE / 72, h_pad=EDGE / 72)


def pyplot_shows() -> bool:
    """Whether figures of pyplot appear by themselves: in notebooks, and where matplotlib is interactive.

    The backend of notebooks is brought up first, which makes matplotlib interactive.
    """
    if _inline():
        from matplotlib import pyplot

        bring_up: Any = pyplot.draw_if_interactive
        bring_up()
    return mpl.is_interactive()


def _inline() -> bool:
    """Whether figures of pyplot are shown in a notebook, at the end of a cell."""
    # Of the mapping itself: asking matplotlib would choose a backend.
    return "IPython" in sys.modules and "inline" in str(dict.__getitem__(mpl.rcParams, "backend"))


def _once(figure: Figure) -> None:
    """Have a notebook that is about to show a figure not show it again at the end of the cell."""
    if _inline():
        forget(figure)


def forget(figure: Figure) -> None:
    """Have pyplot show a figure nowhere that is not to be a picture."""
    if _is_pyplots(figure):
        from matplotlib import pyplot

        pyplot.close(figure)


def _is_pyplots(figure: Figure) -> bool:
    helpers: Any = sys.modules.get("matplotlib._pylab_helpers")
    managers = helpers.Gcf.get_all_fig_managers() if helpers else []
    return any(manager.canvas.figure is figure for manager in managers)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()
