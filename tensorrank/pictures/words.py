"""Words that find room: lines broken to a width, names at the ends of curves moved apart, and whether all have room."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox, BboxBase
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

# Stands for a space at which no line is broken, and the fewest letters of a line.
_JOINED, _SHORTEST = "\u00a0", 8
# How often names are placed at most.
_ROUNDS = 3
_OTHER_SIDE: dict[str, Any] = {"left": "right", "right": "left"}
# Pixels by which boxes of words may lie on one another: their letters are still apart.
_TOUCHING = 1.5


def crowded(figure: Figure) -> bool:
    """Whether words of a figure lie on one another, or anything leaves the figure."""
    figure.draw_without_rendering()
    drawn, frame = figure.get_tightbbox().transformed(figure.dpi_scale_trans), figure.bbox
    if min(drawn.x0, drawn.y0) < 0 or drawn.x1 > frame.x1 or drawn.y1 > frame.y1:
        return True
    boxes = [text.get_window_extent() for text in _written(figure)]
    return any(min(_lengths(one, other)) > _TOUCHING for one, other in combinations(boxes, 2))


def _written(figure: Figure) -> list[Text]:
    """All words of a figure that are drawn: no labels of ticks beyond the axes."""
    left_out: set[Any] = set()
    for axis in figure.findobj(Axis):
        low, high = sorted(axis.get_view_interval())
        # As matplotlib draws ticks: half a pixel beyond an end is at the end.
        room = (high - low) * 1e-9
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not low - room <= tick.get_loc() <= high + room:
                left_out |= {tick.label1, tick.label2}
    texts: list[Any] = [text for text in figure.findobj(Text) if text not in left_out]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


def wrapped_to(text: Text, length: float) -> None:
    """Break the lines of a text until none is longer than so many pixels, or until words cannot be broken.

    Formulas between dollars count as words. Words that stand upright are measured upright.
    """
    lines = [re.sub(r"\$.*?\$", lambda formula: formula[0].replace(" ", _JOINED), line) for line in text.get_text().split("\n")]
    letters = max(map(len, lines))
    while letters > _SHORTEST and (longest := _longest(text)) > length:
        letters = max(_SHORTEST, min(letters - 1, int(letters * length / longest)))
        broken = [textwrap.fill(line, letters, break_long_words=False, break_on_hyphens=False) for line in lines]
        text.set_text("\n".join(broken).replace(_JOINED, " "))


def _longest(text: Text) -> float:
    box = text.get_window_extent()
    return float(box.height if text.get_rotation() == 90 else box.width)


def apart(figure: Figure, ax: Axes, names: Sequence[Annotation]) -> None:
    """Move names, whose places are offsets in points, up and down until none lies on another, as little as possible.

    The order stays, and names stay beside the axes where there is room for all of them. Layouts are computed first, so
    names are moved last of all.
    """
    if len(names) < 2:
        return
    figure.draw_without_rendering()
    boxes = [name.get_window_extent() for name in names]
    order = np.argsort([box.y0 + box.y1 for box in boxes], kind="stable")
    places = np.array([(boxes[i].y0 + boxes[i].y1) / 2 for i in order])
    step = max(box.height for box in boxes)
    frame = ax.get_window_extent()
    for i, moved in zip(order, _spread(places, step, frame.y0 + step / 2, frame.y1 - step / 2) - places, strict=True):
        x, y = names[i].xyann
        names[i].xyann = (x, y + moved * 72 / figure.dpi)


def _spread(places: Floats, step: float, low: float, high: float) -> Floats:
    """The nearest places in the same order that are a step apart: means of those that would meet.

    >>> _spread(np.array([0.0, 1.0, 9.0]), 3.0, -9, 9).tolist(), _spread(np.array([0.0, 1.0, 9.0]), 3.0, 0, 9).tolist()
    ([-1.0, 2.0, 9.0], [0.0, 3.0, 9.0])
    """
    steps = step * np.arange(len(places))
    blocks: list[list[float]] = []
    for place in places - steps:
        blocks.append([place])
        while len(blocks) > 1 and np.mean(blocks[-2]) > np.mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1] += last
    level = np.concatenate([np.full(len(block), np.mean(block)) for block in blocks])
    if low <= high - steps[-1]:
        level = level.clip(low, high - steps[-1])
    return np.asarray(level + steps)


def cleared(figure: Figure, ax: Axes) -> None:
    """Give each name beside a point of some axes the free place that is nearest to where it stands.

    Names are words whose place is an offset in points, and which stay within the axes. They are placed in their order.
    Each may stand on the other side of its point, and higher or lower by up to four lines; where everything is taken,
    it stands where it covers least of other words, of single marks, and of what is beyond the axes. Layouts are
    computed first, so names are moved last of all; where that changes the layout they are placed again.
    """
    words = [text for text in ax.texts if text.get_text()]
    # What matplotlib's types do not know of an annotation: that it is a text.
    names: list[Any] = [one for one in words if isinstance(one, Annotation) and one.get_annotation_clip() is not False]
    names = [name for name in names if name.anncoords == "offset points"]
    fixed = [text for text in words if text not in names]
    own = [(name, name.xyann, name.get_ha()) for name in names]
    for tries in range(_ROUNDS):
        figure.draw_without_rendering()
        boxes = [text.get_window_extent() for text in (*fixed, *names)]
        if tries and not any(_common(one, other) for one, other in combinations(boxes, 2)):
            break
        placed = [text.get_window_extent() for text in fixed] + _single_marks(ax)
        for name, place, ha in own:
            _to_free_place(name, place, ha, placed, ax.get_window_extent())
            placed.append(name.get_window_extent())


def _to_free_place(name: Any, place: tuple[float, float], ha: str, taken: Sequence[BboxBase], frame: BboxBase) -> None:
    """Move a name to where it covers least of what is taken and of what is beyond a frame."""
    (x, y), line = place, name.get_window_extent().height * 72 / name.figure.dpi
    sides = [(x, ha)] + ([(-x, _OTHER_SIDE[ha])] if ha in _OTHER_SIDE else [])
    best: tuple[float, Any] = (np.inf, None)
    for lines in (0, 1, -1, 2, -2, 3, -3, 4, -4):
        for aside, aligned in sides:
            name.xyann = (aside, y + lines * line)
            name.set_ha(aligned)
            box = name.get_window_extent()
            beyond = box.width * box.height - _common(box, frame)
            cost = sum(_common(box, other) for other in taken) + beyond + abs(lines)
            if cost < best[0]:
                best = (cost, (name.xyann, aligned))
    name.xyann, aligned = best[1]
    name.set_ha(aligned)


def _single_marks(ax: Axes) -> list[BboxBase]:
    """The boxes of marks that stand for one point each."""
    pixels = ax.figure.dpi / 72
    boxes: list[BboxBase] = []
    for line in ax.lines:
        points: Any = line.get_xydata()
        if line.get_marker() != "None" and len(points) == 1 and line.get_transform() == ax.transData:
            (x, y), half = ax.transData.transform(points[0]), line.get_markersize() * pixels / 2
            boxes.append(Bbox.from_extents(x - half, y - half, x + half, y + half))
    return boxes


def _common(one: BboxBase, other: BboxBase) -> float:
    """The area that two boxes have in common, in pixels."""
    across, up = _lengths(one, other)
    return max(across, 0) * max(up, 0)


def _lengths(one: BboxBase, other: BboxBase) -> tuple[float, float]:
    """How far two boxes share places across and up, in pixels: less than nothing where they are apart."""
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    up = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(across), float(up)
