"""The picture of a tensor network: tensors, bonds as thick as they are wide, open legs, and the minimum cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import log2
from typing import Any

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tensorrank.networks.cuts import Cut, minimum_cut
from tensorrank.networks.layout import Node, Point, free_direction, given_places, layout, leg_graph
from tensorrank.networks.tensors import LabelledTensors
from tensorrank.pictures.look import Hue, grey, hue, ink_on, paper, tint, type_size
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import in_style, one_axes
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.whole_numbers import abbreviated

_CUT: Hue = "vermilion"
# How far bonds and edges are from the ink.
_BOND, _EDGE = 0.25, 0.15
_STUB, _MARGIN = 0.52, 0.42
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

# How much smaller than other words figures of sites and dimensions are.
_SITE, _DIMENSION = 0.84, 0.78


@in_style
def picture(
    network: LabelledTensors,
    partition: PartitionLike | None = None,
    positions: Mapping[str, Point] | None = None,
    *,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture[Axes]:
    """A picture of a network, with the minimum cut if a partition is given.

    Boxes are tensors; lines are bonds, the thicker the larger their dimension, which stands on them. A dot is a leg
    that more than two tensors share. Open legs end in their site's number: in a dark disc on side A, in a light square
    on side B. Legs of the minimum cut are dashed and orange. Without positions, chains lie on a line, trees hang from
    their middle, and others are laid out by springs. Axes or a size of the figure may be given.

    >>> from tensorrank.networks.tensor_train import TensorTrain
    >>> train = TensorTrain.random((2,) * 6, 3, seed=0).to_network()
    >>> figure, axes = picture(train, "halves")
    >>> axes.get_title()
    'rank at most 3 = the dimension of bond 2'
    """
    split = None if partition is None else checked_partition(network.sites, partition, network.open_legs)
    cut = None if split is None else minimum_cut(network, split)
    graph = leg_graph(network)
    places = layout(graph) if positions is None else given_places(graph, positions)
    sides = dict.fromkeys(range(network.sites), "")
    if split is not None:
        sides = {site: name for name, side in (("A", split.a), ("B", split.b)) for site in side}
    cut_legs = frozenset(cut.legs if cut else ())
    stubs = _stubs(network, graph, places)
    corners = np.array([*places.values(), *(end for _, end in stubs)])
    least, most = corners.min(axis=0) - _MARGIN, corners.max(axis=0) + _MARGIN
    width, height = (float(size) for size in most - least)
    inch = min(0.85, 9 / width)
    sheet = one_axes(max(3.6, inch * width), inch * height + (0.4 if cut else 0.1), ax, figsize)
    axes = sheet.ax
    _show_bonds(axes, network, graph, places, cut_legs)
    _show_sites(axes, network, stubs, sides, cut_legs)
    _show_tensors(axes, network, places)
    axes.set(aspect="equal", xlim=(least[0], most[0]), ylim=(least[1], most[1]))
    axes.set_axis_off()
    if cut is not None:
        axes.set_title(_title(network, cut))
        sheet.legend(_legend(cut))
    return sheet.one()


def _side(name: str) -> tuple[str, str]:
    """The colour and the mark of a side: in grey, too, A is a dark disc and B a light square."""
    looks = {"A": (hue("blue"), "o"), "B": (tint(hue("orange"), 0.4), "s")}
    return looks.get(name, (grey(0.55), "o"))


def _show_bonds(
    axes: Axes, network: LabelledTensors, graph: nx.Graph, places: Mapping[Node, Point], cut_legs: frozenset[str]
) -> None:
    for first, second, legs in graph.edges(data="legs"):
        (x0, y0), (x1, y1) = places[first], places[second]
        sizes = [network.sizes[leg] for leg in legs]
        axes.plot([x0, x1], [y0, y1], **_line_style(legs, sizes, cut_legs), zorder=1)
        # A leg that many tensors share is named by its dimension once, at its dot.
        if not any(node[0] == "dot" for node in (first, second)):
            middle = (x0 + x1) / 2, (y0 + y1) / 2
            _annotate(axes, middle, "·".join(map(str, sizes)), not cut_legs.isdisjoint(legs))
    for node in graph:
        kind, leg = node
        if kind == "dot":
            x, y = places[node]
            axes.plot(x, y, "o", color=_colour(leg in cut_legs), markersize=6, zorder=5)
            away = free_direction(node, graph, places, 0)
            _annotate(axes, (x + 0.32 * away[0], y + 0.32 * away[1]), str(network.sizes[leg]), leg in cut_legs)


def _stubs(network: LabelledTensors, graph: nx.Graph, places: Mapping[Node, Point]) -> list[tuple[Point, Point]]:
    """For each site where its open leg begins and ends."""
    used: Counter[Node] = Counter()
    found = []
    for leg in network.open_legs:
        holders = [tensor.name for tensor in network.tensors if leg in tensor.legs]
        node = ("dot", leg) if len(holders) > 1 else ("tensor", holders[0])
        # The dimension of a dot stands in its freest direction.
        dx, dy = free_direction(node, graph, places, used[node] + (node[0] == "dot"))
        used[node] += 1
        x, y = places[node]
        found.append(((x, y), (x + _STUB * dx, y + _STUB * dy)))
    return found


def _show_sites(
    axes: Axes, network: LabelledTensors, stubs: list[tuple[Point, Point]], sides: Mapping[int, str], cut_legs: frozenset[str]
) -> None:
    for site, (leg, (start, end)) in enumerate(zip(network.open_legs, stubs, strict=True)):
        style = _line_style([leg], [network.sizes[leg]], cut_legs)
        axes.plot([start[0], end[0]], [start[1], end[1]], **style, zorder=1)
        face, marker = _side(sides[site])
        size = type_size()
        axes.plot(*end, marker, color=face, markersize=1.45 * size, markeredgecolor=grey(_EDGE), markeredgewidth=0.8, zorder=3)
        look: Any = {"fontsize": _SITE * size, "ha": "center", "va": "center_baseline", "zorder": 4}
        axes.text(*end, str(site), color=ink_on(face), **look)


def _show_tensors(axes: Axes, network: LabelledTensors, places: Mapping[Node, Point]) -> None:
    for tensor in network.tensors:
        axes.text(
            *places["tensor", tensor.name],
            tensor.name,
            fontsize=_SITE * type_size() * min(1.0, 8 / len(tensor.name)),
            ha="center",
            va="center",
            zorder=3,
            bbox={"boxstyle": "round,pad=0.35", "facecolor": paper(), "edgecolor": grey(_EDGE), "linewidth": 1.0},
        )


def _colour(is_cut: bool) -> str:
    return hue(_CUT) if is_cut else grey(_BOND)


def _line_style(legs: list[str], sizes: list[int], cut_legs: frozenset[str]) -> dict[str, Any]:
    is_cut = not cut_legs.isdisjoint(legs)
    return {
        "color": _colour(is_cut),
        "linestyle": (0, (2.2, 1.2)) if is_cut else "-",
        "linewidth": min(6.0, 0.8 + 0.6 * sum(map(log2, sizes))),
    }


def _annotate(axes: Axes, place: Point, text: str, is_cut: bool) -> None:
    box = {"boxstyle": "round,pad=0.12", "facecolor": paper(), "edgecolor": "none"}
    axes.text(
        *place,
        text,
        fontsize=_DIMENSION * type_size(),
        color=_colour(is_cut),
        ha="center",
        va="center",
        zorder=2,
        bbox=box,
        fontweight="bold" if is_cut else "normal",
    )


def _title(network: LabelledTensors, cut: Cut) -> str:
    if not cut.legs:
        return "rank at most 1: no leg joins the sides"
    if len(cut.legs) == 1:
        return f"rank at most {abbreviated(cut.bound)} = the dimension of {cut.legs[0]}"
    counted = Counter(network.sizes[leg] for leg in cut.legs)
    powers = [f"{size}{str(count).translate(_RAISED) if count > 1 else ''}" for size, count in sorted(counted.items())]
    return f"rank at most {abbreviated(cut.bound)} = {' · '.join(powers)}, the dimensions of {len(cut.legs)} legs"


def _legend(cut: Cut) -> list[Line2D]:
    marks = [
        Line2D([], [], marker=marker, color=face, markeredgecolor=grey(_EDGE), markersize=9, linestyle="", label=f"side {name}")
        for name, (face, marker) in ((name, _side(name)) for name in ("A", "B"))
    ]
    line = Line2D([], [], color=hue(_CUT), linewidth=1.6, linestyle=(0, (2.2, 1.2)), label="minimum cut")
    return [*marks, line] if cut.legs else marks
