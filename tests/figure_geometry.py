"""What a reader sees of a picture: which words are written where, and whether they are whole, apart and legible."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass

import numpy as np
from matplotlib import pyplot
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import same_color, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, Patch
from matplotlib.text import Text


@dataclass
class Seen:
    """A figure as the user's own `savefig` writes it, with its words and their extents in pixels."""

    figure: Figure
    pixels: np.ndarray
    words: list

    @classmethod
    def of(cls, figure, **options):
        written, plain = {}, Text.draw

        def told(text, renderer):
            if text.get_visible() and text.get_text().strip():
                written[text] = None
            plain(text, renderer)

        Text.draw = told
        try:
            file = io.BytesIO()
            figure.savefig(file, format="png", **options)
        finally:
            Text.draw = plain
        file.seek(0)
        # What was laid out stays as it is while it is measured.
        figure.set_layout_engine("none")
        return cls(figure, pyplot.imread(file), [(text, text.get_window_extent()) for text in written])

    def overlapping(self, tolerance=1.5):
        """Pairs of words that lie on one another by more than some pixels in both directions."""
        found = []
        for (one, a), (other, b) in itertools.combinations(self.words, 2):
            across, up = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            if across > tolerance and up > tolerance:
                found.append((one.get_text(), other.get_text()))
        return found

    def outside(self, tolerance=1.0):
        """By how many pixels what is drawn leaves the figure on each side: left, below, right, above."""
        box = self.figure.get_tightbbox().transformed(self.figure.dpi_scale_trans)
        frame = self.figure.bbox
        beyond = [frame.x0 - box.x0, frame.y0 - box.y0, box.x1 - frame.x1, box.y1 - frame.y1]
        return [float(round(one, 1)) for one in beyond if one > tolerance]

    def cut_off(self):
        """Whether the outermost pixels differ: something is cut off there."""
        edge = np.concatenate([self.pixels[0], self.pixels[-1], self.pixels[:, 0], self.pixels[:, -1]])
        return bool((np.abs(edge - edge[0]) > 0.01).any())

    def legends_over_axes(self):
        """Words of legends of the figure that lie on axes."""
        boxes = [ax.get_window_extent() for ax in self.figure.axes]
        shown = [(one, one.get_window_extent()) for one in self.figure.legends]
        return [one.get_texts()[0].get_text() for one, extent in shown if any(extent.overlaps(box) for box in boxes)]

    def without_marks(self):
        """Labels of legends whose mark, line or area is nowhere in the axes."""
        own = {artist for legend in legends(self.figure) for artist in legend.findobj()}
        shown = (Line2D, LineCollection, PolyCollection, Patch)
        artists = {one for ax in self.figure.axes for one in ax.findobj(lambda artist: isinstance(artist, shown))} - own
        seen = set().union(*map(_looks, artists))
        entries = [pair for one in legends(self.figure) for pair in zip(one.legend_handles, one.get_texts(), strict=True)]
        return [text.get_text() for handle, text in entries if not _looks(handle) <= seen]

    def illegible(self, least=2.2):
        """Words that the ground swallows: of the axes, of the figure, or of a box or a disc of their own."""
        found = []
        for text, _ in self.words:
            patch = text.get_bbox_patch()
            ground = (text.axes or self.figure).get_facecolor() if patch is None else patch.get_facecolor()
            for line in text.axes.lines if text.axes else ():
                if np.array_equal(line.get_xydata(), [text.get_position()]):
                    ground = line.get_markerfacecolor()
            if to_rgba(ground)[3] and contrast(text.get_color(), ground) < least:
                found.append((text.get_text(), text.get_color()))
        return found

    def swallowed(self, least=1.25):
        """Colours of lines and marks that the ground of their axes swallows."""
        lines = [(line.get_color(), ax.get_facecolor()) for ax in self.figure.axes for line in ax.lines]
        return [colour for colour, ground in lines if contrast(colour, ground) < least]

    def faults(self):
        """Every fault by its name."""
        names = ("overlapping", "outside", "cut_off", "legends_over_axes", "without_marks", "illegible", "swallowed")
        return {name: fault for name in names if (fault := getattr(self, name)())}


def legends(figure):
    return [*figure.legends, *(legend for ax in figure.axes for legend in ax.findobj(Legend))]


def _looks(artist):
    """What of an artist a reader finds again in a legend, whatever its colour."""
    if isinstance(artist, LineCollection):
        # Bars of errors.
        return {("mark", "|", False), ("mark", "|", True)}
    if isinstance(artist, FancyArrowPatch):
        return _looks(Line2D([], [], linestyle=artist.get_linestyle()))
    if not isinstance(artist, Line2D):
        return {("area",)}
    marker, face = str(artist.get_marker()), artist.get_markerfacecolor()
    hollow = face == "none" or not same_color(face, artist.get_color())
    looks = set() if artist.get_linestyle() in ("None", "", " ") else {("line", artist._unscaled_dash_pattern)}
    return looks if marker in ("None", "") else looks | {("mark", marker, hollow)}


def contrast(one, other):
    """The ratio of luminances of two colours, as accessibility guidelines (WCAG 2) define it: 1 to 21."""
    lights = []
    for colour in (one, other):
        channels = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
        lights.append(float(np.dot(channels, (0.2126, 0.7152, 0.0722))))
    return (max(lights) + 0.05) / (min(lights) + 0.05)
