"""Graphs as users give them: lists of edges, graphs of networkx, and texts such as cycle:6 or 0-1,1-2."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import networkx as nx

from tensorrank.arguments import MOST_LISTED, as_whole_number, listed, nearest, shown, things, whole_number
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import CombinationError, TensorRankError
from tensorrank.given_files.contents import text_of
from tensorrank.given_files.paths import named_in_errors

Edges = tuple[tuple[int, int], ...]
GraphLike = Annotated[str | Iterable[Sequence[int] | str] | nx.Graph, CHECKED_WHERE_USED]

# Bounds go through all vertices and edges of every layer; no rank of a graph of so many can be computed.
MOST_VERTICES, MOST_EDGES = 500, 10_000
# The most bytes of a file of edges.
_LONGEST_FILE = 2**20
_EXPECTED = "a list of edges such as [(0, 1), (1, 2)], a graph of networkx, or a text such as 'cycle:6' or '0-1,1-2'"


def given_graph(graph: GraphLike, vertices: int | None = None) -> tuple[Edges, int]:
    """The edges of a graph, each once with the smaller vertex first and in ascending order, and the number of vertices.

    Args:
        graph: pairs of vertices numbered from 0, which may be texts such as "0-1"; an undirected graph of networkx
            whose nodes are 0 to n - 1; or a text, which is the name of a graph (see `NAMED`) or its edges.
        vertices: the number of vertices, where there are more than the edges name. By default every vertex up to the
            largest named.

    Loops, and edges given twice, either way round, add nothing.

    Raises:
        TensorRankError: if the graph is none, an edge is no pair of whole numbers from 0, a vertex is out of range, or
            there are fewer than 2 vertices, more than 500, or more than 10000 edges.

    >>> given_graph("path:4"), given_graph([(1, 0), (0, 1), (1, 1)], vertices=3)
    ((((0, 1), (1, 2), (2, 3)), 4), (((0, 1),), 3))
    """
    if vertices is not None:
        vertices = whole_number("the number of vertices", vertices, 2, MOST_VERTICES)
    if isinstance(graph, str):
        graph = _named(graph) if ":" in graph else [one for one in re.split(r"[,+\s]+", graph) if one]
    if isinstance(graph, nx.Graph):
        vertices, graph = _nodes(graph, vertices), graph.edges()
    given = things(graph)
    if given is None:
        raise TensorRankError(f"the graph is {shown(graph)}; expected {_EXPECTED}")
    if len(given) > MOST_EDGES:
        raise TensorRankError(f"the graph has {len(given)} edges; expected at most {MOST_EDGES}")
    edges = {_edge(one) for one in given}
    largest = max(chain.from_iterable(edges), default=-1)
    if vertices is None:
        vertices = largest + 1
    vertices = whole_number("the number of vertices", vertices, 2, MOST_VERTICES)
    if largest >= vertices:
        outside = sorted(vertex for vertex in set(chain.from_iterable(edges)) if vertex >= vertices)
        named = listed(outside[:MOST_LISTED], len(outside))
        raise CombinationError(f"edges name the vertices {named}; the graph has vertices 0 to {vertices - 1}")
    return tuple(sorted((a, b) for a, b in edges if a != b)), vertices


def edges_of_file(path: Path) -> list[tuple[int, int]]:
    """The edges that a file of text has, one a line: two vertices with a space, a comma or a hyphen between.

    Lines that begin with # are left out.

    Raises:
        TensorRankError: naming the file and the line, if a line has no two whole numbers or the file cannot be read.
    """
    with named_in_errors(path):
        edges = []
        text = text_of(path, "a file of edges, two vertices on each line", most=_LONGEST_FILE)
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                words = re.split(r"[,\s-]+", line.strip())
                if len(words) != 2 or not all(word.isdecimal() for word in words):
                    raise TensorRankError(f"line {number} is {shown(line)}; expected two vertices, such as 0 1")
                edges.append((int(words[0]), int(words[1])))
        if not edges:
            raise TensorRankError("no edges were found; expected two vertices on each line, such as 0 1")
        return edges


def _edge(given: Any) -> tuple[int, int]:
    ends = given.split("-") if isinstance(given, str) else things(given)
    if ends is None or len(ends) != 2:
        wrong = "; give an array of shape (2, edges) transposed" if ends is not None and len(ends) > 2 else ""
        raise TensorRankError(f"an edge is {shown(given)}; expected a pair of vertices, such as (0, 1){wrong}")
    numbers = [int(end) if isinstance(end, str) and end.isdecimal() else as_whole_number(end) for end in ends]
    if any(number is None or number < 0 for number in numbers):
        raise TensorRankError(f"an edge is {shown(given)}; expected a pair of vertices, which are whole numbers from 0")
    low, high = sorted(number for number in numbers if number is not None)
    return low, high


def _nodes(graph: nx.Graph, vertices: int | None) -> int:
    """The number of vertices of a graph of networkx, which must be undirected and have the nodes 0 to n - 1."""
    if graph.is_directed():
        raise TensorRankError("a directed graph was given; expected an undirected one: try graph.to_undirected()")
    count = graph.number_of_nodes()
    if set(graph) != set(range(count)):
        raise TensorRankError(
            f"a graph of the nodes {shown(list(graph))} was given; expected 0 to n - 1: try "
            "networkx.convert_node_labels_to_integers(graph)"
        )
    if vertices is not None and vertices != count:
        raise CombinationError(f"{shown(vertices)} vertices were asked for, but the graph given has {count}; leave them out")
    return int(count)


def _grid(sizes: Sequence[int]) -> nx.Graph:
    return nx.convert_node_labels_to_integers(nx.grid_2d_graph(*sizes), ordering="sorted")


# For every name what follows it, and what makes the graph of these numbers.
NAMED: dict[str, tuple[str, Callable[[Sequence[int]], nx.Graph]]] = {
    "path": ("path:4", lambda sizes: nx.path_graph(sizes[0])),
    "cycle": ("cycle:4", lambda sizes: nx.cycle_graph(sizes[0])),
    "complete": ("complete:4", lambda sizes: nx.complete_graph(sizes[0])),
    # Vertex 0 is the centre, and one of those counted.
    "star": ("star:4", lambda sizes: nx.star_graph(sizes[0] - 1)),
    "grid": ("grid:2x3", _grid),
}


def _named(text: str) -> nx.Graph:
    """The graph that a text such as cycle:6 names; its vertices are all counted by the number."""
    name, _, size = text.partition(":")
    if name not in NAMED:
        raise TensorRankError(f"the graph is {shown(text)}; {nearest(name, NAMED)}")
    example, make = NAMED[name]
    words = size.split("x")
    if len(words) != example.count("x") + 1 or not all(re.fullmatch("[0-9]{1,3}", word) for word in words):
        raise TensorRankError(f"the graph is {shown(text)}; expected whole numbers behind the colon, as in {example!r}")
    sizes, least = [int(word) for word in words], 1 if name == "grid" else 3 if name == "cycle" else 2
    for number in sizes:
        whole_number(f"a size of {shown(text)}", number, least, MOST_VERTICES)
    whole_number(
        f"the number of vertices of {shown(text)}", sizes[0] * sizes[-1] if name == "grid" else sizes[0], 2, MOST_VERTICES
    )
    return make(sizes)
