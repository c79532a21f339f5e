"""How much of two sides of a graph a network can correlate, against the walks that leave the boundary between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import log
from typing import Annotated

import networkx as nx

from tensorrank.arguments import several, whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import CHECKED_WHERE_USED, checked
from tensorrank.circuits.given_graphs import GraphLike
from tensorrank.circuits.graph_network import GraphNetwork
from tensorrank.experiments.experiment import Experiment, told, where
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

# The partitions of a graph double with every vertex.
_MOST_VERTICES = 10


@checked
@dataclass(frozen=True)
class WalkRow(Record):
    """One partition of the vertices of one graph, and all that automorphisms of the graph make of it.

    Attributes:
        graph: the graph in words.
        side: the vertices of side A.
        alike: the number of partitions that automorphisms of the graph, or exchanging the sides, make of this one.
        walk_index: the walks of L - 1 steps from boundary vertices to output vertices.
        model: the network, with its sizes.
        rank: the separation rank with its standing.
        upper: the proven upper bound, or None if it is beyond all use.
    """

    left_out = ("model",)
    derived = ("width_power",)
    graph: str
    side: tuple[int, ...]
    alike: int
    walk_index: int
    model: GraphNetwork
    rank: SeparationRank
    upper: int | None

    @property
    def width_power(self) -> float | None:
        """The logarithm of the rank to the base of the width, which is at most 1 + 2 w; None at width 1."""
        return log(self.rank.value) / log(self.model.width) if self.model.width > 1 else None


@checked
@dataclass(frozen=True)
class WalkRanks(Experiment, name="walks across a boundary"):
    """Ranks of all partitions of some graphs.

    Attributes:
        depth, width, seed: as given to `walk_ranks`.
        rows: one row for a graph and a partition, few walks first.

    >>> [(row.side, row.walk_index, row.rank.value) for row in walk_ranks(["path:3"]).of("path:3")]
    [((0,), 5, 6), ((1,), 7, 8)]
    """

    depth: int
    width: int
    seed: int
    rows: tuple[WalkRow, ...]

    def of(self, graph: str) -> tuple[WalkRow, ...]:
        """The rows of one graph."""
        return where(self.rows, graph=graph)

    @property
    def met(self) -> int:
        """How many rows have the rank of their upper bound."""
        return sum(row.rank.value == row.upper for row in self.rows)

    def __str__(self) -> str:
        return (
            f"{len(self.rows)} partitions, depth {self.depth}, width {self.width}: {self.met} have the rank of their proven "
            "upper bound"
        )


@checked
@with_progress
def walk_ranks(
    graphs: Annotated[Sequence[GraphLike], CHECKED_WHERE_USED] = ("path:5", "cycle:5", "star:5"),
    *,
    depth: int = 2,
    width: int = 2,
    features: int | None = None,
    output_vertex: int | None = None,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    work: float | None = 1e10,
    progress: ProgressLike = None,
) -> WalkRanks:
    """Ranks of graph networks for every partition of the vertices, beside walk index and upper bound.

    Of partitions that an automorphism of the graph turns into each other, or that exchange the sides, one is measured:
    its side A has no more vertices than its side B.

    Args:
        graphs: graphs as `GraphNetwork` takes them, of up to 10 vertices.
        depth: the layers of the networks.
        width: the dimension of a vertex's vector.
        features: the dimension of an input; the width by default.
        output_vertex: the vertex from which the output is read; by default the product over all.
        seed: a whole number.
        memory: the limit for each rank.
        work: the limit for each rank in operations; a rank that needs more becomes a lower bound. None for no limit.
        progress: True shows a line in a terminal or a notebook; a function is called with the ranks done, their number
            and the next partition in words.

    Raises:
        TensorRankError: if no graphs are given, or one is none, has more than 10 vertices, or no output vertex.

    >>> found = walk_ranks(["cycle:4"], depth=3)
    >>> [(row.side, row.walk_index, row.rank.value) for row in found.rows if row.rank.standing == "exact"]
    [((0,), 27, 28)]
    >>> print(found)
    3 partitions, depth 3, width 2: 1 have the rank of their proven upper bound
    """
    given = several("graphs", graphs, "a list of graphs, such as ['path:5', 'cycle:5']")
    # None stands for the width, which the fields hold after construction.
    models = [
        GraphNetwork(graph, depth, width, features=features, output_vertex=output_vertex)  # type: ignore[arg-type]
        for graph in given
    ]
    questions = [
        (_in_words(graph, model), model, side, alike)
        for graph, model in zip(given, models, strict=True)
        for side, alike in _sides(_small(model))
    ]
    rows = []
    for name, model, side, alike in told(questions, reporter(progress), lambda one: f"{one[0]}, side {one[2]}"):
        partition = Bipartition.of(model.vertices, side)
        rank = separation_rank(model, partition, seed=seed, memory=memory, work=work)
        rows.append(WalkRow(name, side, alike, model.walk_index(side), model, rank, model.rank_bound(side)))
    order = {name: place for place, (name, *_) in enumerate(questions)}
    rows.sort(key=lambda row: (order[row.graph], row.walk_index, row.side))
    return WalkRanks(models[0].depth, models[0].width, seed, tuple(rows))


def _in_words(graph: object, model: GraphNetwork) -> str:
    return graph if isinstance(graph, str) else ",".join(model.to_dict()["edges"])


def _small(model: GraphNetwork) -> GraphNetwork:
    whole_number("the number of vertices of a graph", model.vertices, 2, _MOST_VERTICES)
    return model


def _sides(model: GraphNetwork) -> Iterator[tuple[tuple[int, ...], int]]:
    """Of all partitions that are alike the first side, and how many these are."""
    n = model.vertices
    found: dict[tuple[object, ...], list[tuple[tuple[int, ...], nx.Graph, list[int]]]] = {}
    for count in range(1, n // 2 + 1):
        for side in combinations(range(n), count):
            if 2 * count == n and 0 not in side:
                continue  # the other side has come before
            graph = _coloured(model, side)
            # Whatever is alike agrees in what is quick to compare.
            degrees = () if 2 * count == n else tuple(sorted(len(model.neighbours[vertex]) for vertex in side))
            known = found.setdefault((count, model.walk_index(side), *degrees), [])
            for _, other, alike in known:
                if _isomorphic(graph, other) or (2 * count == n and _isomorphic(graph, _swapped(other))):
                    alike[0] += 1
                    break
            else:
                known.append((side, graph, [1]))
    for group in found.values():
        for side, _, alike in group:
            yield side, alike[0]


def _coloured(model: GraphNetwork, side: Sequence[int]) -> nx.Graph:
    graph = nx.empty_graph(model.vertices)
    graph.add_edges_from(model.edges)
    for vertex in graph:
        graph.nodes[vertex]["colour"] = (vertex in side, vertex == model.output_vertex)
    return graph


def _swapped(graph: nx.Graph) -> nx.Graph:
    other = graph.copy()
    for _, values in other.nodes(data=True):
        in_a, output = values["colour"]
        values["colour"] = (not in_a, output)
    return other


def _isomorphic(one: nx.Graph, other: nx.Graph) -> bool:
    return bool(nx.vf2pp_is_isomorphic(one, other, node_label="colour"))
