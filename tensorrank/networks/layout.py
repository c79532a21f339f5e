"""Where the tensors of a picture lie: a graph of the network, and a place for each of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from math import hypot

import networkx as nx
import numpy as np

from tensorrank.errors import TensorRankError
from tensorrank.networks.tensors import LabelledTensors

Point = tuple[float, float]
# ("tensor", its name) or ("dot", a leg).
Node = tuple[str, str]

# A direction whose cosine with every bond is below this is free enough.
_CLEAR = 0.6


def leg_graph(network: LabelledTensors) -> nx.Graph:
    """Tensors and, where a leg is more than a bond of two tensors, a dot; edges carry their legs."""
    graph = nx.Graph()
    graph.add_nodes_from(("tensor", tensor.name) for tensor in network.tensors)
    for leg in network.sizes:
        holders = [("tensor", tensor.name) for tensor in network.tensors if leg in tensor.legs]
        is_open = leg in network.open_legs
        if len(holders) == 2 and not is_open:
            ends = [tuple(holders)]
        elif len(holders) > 1:
            ends = [(("dot", leg), holder) for holder in holders]
        else:
            continue
        for first, second in ends:
            if graph.has_edge(first, second):
                graph.edges[first, second]["legs"].append(leg)
            else:
                graph.add_edge(first, second, legs=[leg])
    return graph


def given_places(graph: nx.Graph, positions: Mapping[str, Point]) -> dict[Node, Point]:
    """The places given for tensors, by name, with every dot in the middle of its tensors."""
    names = {name for kind, name in graph if kind == "tensor"}
    odd = sorted(names ^ set(positions))
    if odd:
        raise TensorRankError(f"positions are missing or too many for {', '.join(odd)}; expected one for each tensor")
    places: dict[Node, Point] = {("tensor", name): (float(x), float(y)) for name, (x, y) in positions.items()}
    for node in graph:
        if node not in places:
            around = [places[neighbour] for neighbour in graph[node]]
            places[node] = (sum(x for x, _ in around) / len(around), sum(y for _, y in around) / len(around))
    return places


def layout(graph: nx.Graph) -> dict[Node, Point]:
    """Components side by side: chains as lines, trees in levels around their centre, others by springs."""
    places: dict[Node, Point] = {}
    left = 0.0
    for component in nx.connected_components(graph):
        # Copied in the graph's own order: that of a set of texts differs from run to run.
        part = nx.Graph()
        part.add_nodes_from(node for node in graph if node in component)
        part.add_edges_from(edge for edge in graph.edges if edge[0] in component)
        if nx.is_tree(part):
            found = _line(part) if max(dict(part.degree).values(), default=0) <= 2 else _levels(part)
        else:
            found = _springs(part)
        shift = left - min(x for x, _ in found.values())
        places |= {node: (x + shift, y) for node, (x, y) in found.items()}
        left = max(x for x, _ in found.values()) + shift + 1.2
    return places


def _line(part: nx.Graph) -> dict[Node, Point]:
    order = list(part)
    ends = [node for node in order if part.degree(node) < 2]
    return {node: (float(x), 0.0) for x, node in enumerate(nx.dfs_preorder_nodes(part, ends[0]))}


def _levels(part: nx.Graph) -> dict[Node, Point]:
    """Leaves evenly on the bottom line, every other node above the middle of its children."""
    order = {node: number for number, node in enumerate(part)}
    root = min(nx.center(part), key=lambda node: (-part.degree(node), order[node]))
    places: dict[Node, Point] = {}
    leaves = 0
    height: dict[Node, int] = {}
    parents = nx.dfs_predecessors(part, root)
    for node in nx.dfs_postorder_nodes(part, root):
        children = sorted((other for other in part[node] if parents.get(other) == node), key=lambda c: places[c][0])
        if children:
            x = (places[children[0]][0] + places[children[-1]][0]) / 2
            height[node] = 1 + max(height[child] for child in children)
        else:
            x, leaves, height[node] = float(leaves), leaves + 1, 0
        places[node] = (x, 0.0)
    return {node: (x, 1.1 * height[node]) for node, (x, _) in places.items()}


def _springs(part: nx.Graph) -> dict[Node, Point]:
    """Kamada and Kawai's layout, at a distance of about one for neighbours."""
    found = nx.kamada_kawai_layout(part)
    spans = np.array([complex(*found[a]) - complex(*found[b]) for a, b in part.edges])
    # Turned so that most bonds are level or upright, as they are in a lattice.
    turn = np.exp(-0.25j * np.angle(np.sum((spans / np.abs(spans)) ** 4))) * 1.15 / np.median(np.abs(spans))
    placed = {node: complex(*place) * turn for node, place in found.items()}
    return {node: (float(z.real), float(z.imag)) for node, z in placed.items()}


def free_direction(node: Node, graph: nx.Graph, places: Mapping[Node, Point], rank: int) -> Point:
    """The direction that is rank-th best for an open leg: clear of the node's bonds, downwards if possible."""
    x, y = places[node]
    spans = [(places[other][0] - x, places[other][1] - y) for other in graph[node]]
    taken = [(dx / hypot(dx, dy), dy / hypot(dx, dy)) for dx, dy in spans if hypot(dx, dy) > 0]
    angles = np.deg2rad(-90 + 45 * np.array([0, 4, 1, -1, 2, -2, 3, -3]))

    def crowding(direction: Point) -> float:
        nearest = max((direction[0] * dx + direction[1] * dy for dx, dy in taken), default=-1.0)
        return max(_CLEAR, round(nearest, 1))

    # Sorting keeps the order of angles among equals.
    return sorted(((float(np.cos(angle)), float(np.sin(angle))) for angle in angles), key=crowding)[rank % len(angles)]
