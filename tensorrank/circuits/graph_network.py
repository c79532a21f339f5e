"""Graph networks with product aggregation: message passing whose only nonlinearity is the product.

With N(i) for vertex i and its neighbours, layer l gives vertex i the vector h^(l, i), the product over j in N(i) of
W^(l) h^(l-1, j), entry by entry, where h^(0, i) is the input vector of i. The output is one linear form w of h^(L, t),
for an output vertex t, or of the product of the h^(L, i) over all vertices i.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property, lru_cache
from math import inf, isfinite, log2
from typing import Any, ClassVar, cast

import numpy as np

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import refuse_long
from tensorrank.checked import checked
from tensorrank.circuits.gated_degrees import BEYOND
from tensorrank.circuits.gated_values import Arithmetic, Numbers
from tensorrank.circuits.given_graphs import Edges, GraphLike, given_graph
from tensorrank.circuits.graph_bounds import GraphCounts
from tensorrank.circuits.walks import Neighbours, boundary, closed_neighbours, kept_walks, walks_to
from tensorrank.errors import CombinationError, TensorRankError
from tensorrank.separation.architecture import Instance, Model, Weights
from tensorrank.separation.named_weights import Shapes, WeightedArchitecture, drawn_or_given, heights_of
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition

# Bytes of vectors under evaluation at once.
_BATCH_BYTES = 2**25
# Every bound goes through the vertices of all layers.
_MOST_VALUES = 2000
# The sums of whole numbers that are made to choose edges: a minute or so.
_MOST_SUMS = 1e9
# The characters of edges that a repr has.
_LONGEST_EDGES = 400


@checked
@dataclass(frozen=True)
class GraphNetwork(WeightedArchitecture):
    """A graph network with product aggregation; every vertex is a site with a vector of numbers.

    Args:
        edges: pairs of vertices numbered from 0; or an undirected graph of networkx whose nodes are 0 to n - 1; or a
            text: "path:n", "cycle:n", "complete:n", "star:n" (vertex 0 in the middle), each with n vertices,
            "grid:axb", or edges such as "0-1,1-2". Edges have no direction. Every vertex is a neighbour of itself in
            any case, so that loops add nothing, and neither do edges that are given twice.
        depth: L, the number of layers.
        width: D, the dimension of a vertex's vector after every layer.
        features: D_x, the dimension of an input vector; the width by default.
        vertices: n, the number of vertices, where some of the last have no edge.
        output_vertex: the vertex from which the output is read; by default it is read from the product over all.

    A graph need not be connected, and vertices may have no edge.

    Raises:
        TensorRankError: if depth, width or features is no whole number of at least 1, the graph is none, a vertex is
            out of range, there are fewer than 2 vertices or more than 500, or depth times vertices is more than 2000.

    Weights are `input` of shape (D, D_x), `between` of shape (L - 1, D, D), from each layer to the next (none at depth
    1), and `output` of shape (D,).

    Source: Razin, Verbin, Cohen, On the ability of graph neural networks to model interactions between vertices
    (NeurIPS 2023, arXiv 2211.16494).

    >>> from tensorrank.separation.solve import separation_rank
    >>> path = GraphNetwork("path:4", depth=2, width=2)
    >>> [(path.walk_index(side), separation_rank(path, side).value) for side in ([0], [0, 1])]
    [(5, 6), (6, 24)]
    """

    kind: ClassVar = "graph"
    # Pairs in ascending order after construction.
    edges: GraphLike
    depth: int
    width: int
    _: KW_ONLY
    # None stands for the width, and for all vertices that edges name; after construction both are whole numbers.
    features: int = None  # type: ignore[assignment]
    vertices: int = None  # type: ignore[assignment]
    output_vertex: int | None = None

    def __post_init__(self) -> None:
        for name in ("depth", "width"):
            self._set(name, whole_number(name, getattr(self, name), 1))
        self._set("features", self.width if self.features is None else whole_number("features", self.features, 1))
        edges, vertices = given_graph(self.edges, self.vertices)
        self._set("edges", edges)
        self._set("vertices", vertices)
        if self.depth * vertices > _MOST_VALUES:
            raise TensorRankError(
                f"a graph network of depth {shown(self.depth)} and {vertices} vertices was asked for; expected at most "
                f"{_MOST_VALUES}, depth times vertices: try fewer of either"
            )
        if self.output_vertex is not None:
            output = whole_number("output_vertex", self.output_vertex, 0)
            if output >= vertices:
                raise CombinationError(f"output_vertex is {shown(output)}; the graph has vertices 0 to {vertices - 1}")
            self._set("output_vertex", output)

    def to_dict(self) -> dict[str, Any]:
        """The arguments as plain values; edges are texts such as "0-1"."""
        return {**super().to_dict(), "edges": [f"{one}-{other}" for one, other in self._pairs]}

    def __repr__(self) -> str:
        # As short as a graph can be written, and read again.
        edges = ",".join(f"{one}-{other}" for one, other in self._pairs)
        shapes = f"depth={self.depth}, width={self.width}, features={self.features}, vertices={self.vertices}"
        written = repr(edges) if len(edges) <= _LONGEST_EDGES else shown(self.edges)
        return f"GraphNetwork(edges={written}, {shapes}, output_vertex={self.output_vertex})"

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def sites(self) -> int:
        """The number of sites: each vertex is one."""
        return self.vertices

    @property
    def _pairs(self) -> Edges:
        # What the field holds after construction.
        return cast(Edges, self.edges)

    @cached_property
    def neighbours(self) -> Neighbours:
        """For every vertex its neighbours and itself."""
        return closed_neighbours(self._pairs, self.vertices)

    @property
    def outputs(self) -> tuple[int, ...]:
        """The vertices from which the output is read."""
        return tuple(range(self.vertices)) if self.output_vertex is None else (self.output_vertex,)

    @property
    def _walks(self) -> tuple[tuple[int, ...], ...]:
        """For the lengths 0..L the walks from each vertex to an output vertex."""
        return walks_to(self.neighbours, self.outputs, self.depth)

    @property
    def input_degree(self) -> int:
        """The degree of the output in the inputs: the number of walks of L steps that end in an output vertex."""
        return sum(self._walks[self.depth])

    @property
    def weight_degree(self) -> int:
        """The degree of the output in the weights: one for each such walk of every length from 1 to L, and one."""
        return sum(map(sum, self._walks[1:])) + 1

    def walk_index(self, partition: PartitionLike) -> int:
        """The walks of L - 1 steps from boundary vertices, those with an edge to the other side, to output vertices.

        Each step of a walk goes to a neighbour or stays. The source says that the walk index is what decides, mostly,
        how much a network can correlate two sides of a partition of its vertices.

        Source: Razin, Verbin, Cohen (arXiv 2211.16494), from figure 1 and the authors' code.

        >>> GraphNetwork("star:4", depth=2, width=2).walk_index([1])  # 2 walks from vertex 1 and 4 from the centre
        6
        """
        side = checked_partition(self.sites, partition).a
        return sum(self._walks[self.depth - 1][vertex] for vertex in boundary(self.neighbours, side))

    def sparsified(self, count: int) -> GraphNetwork:
        """The network without so many edges, each removed where the least walk indices stay highest.

        One edge is removed at a time: the one after whose removal the walk indices of single vertices against all
        others, read at that vertex, are highest, the least compared first. Of edges that are alike the first is taken.

        Args:
            count: the edges to remove, from 0 to all.

        Raises:
            TensorRankError: if there are fewer edges, or it takes more than a minute or so.

        Source: walk index sparsification, Razin, Verbin, Cohen (arXiv 2211.16494), from the authors' code.

        >>> GraphNetwork("0-1,0-2,1-2,2-3", depth=2, width=2).sparsified(1).edges
        ((0, 1), (1, 2), (2, 3))
        """
        whole_number("count", count, 0)
        edges = list(self._pairs)
        if count > len(edges):
            raise CombinationError(f"{shown(count)} edges are to be removed; the graph has {len(edges)}")
        needed = float(count * len(edges) * self.vertices**3 * max(1, 2 * self.depth.bit_length()))
        refuse_long(_MOST_SUMS, needed, f"the removal of {count} of {len(edges)} edges", "fewer edges")
        for _ in range(count):
            rests = [edges[:place] + edges[place + 1 :] for place in range(len(edges))]
            edges = max(rests, key=lambda rest: kept_walks(closed_neighbours(rest, self.vertices), self.depth - 1))
        return replace(self, edges=edges)

    def value_work(self, partition: Bipartition) -> float:
        """The operations of one value: of all vectors that see both sides, for exact arithmetic many times over."""
        inside, mixed = set(partition.a), 0.0
        seen = [{vertex in inside} for vertex in range(self.vertices)]
        for layer in range(self.depth):
            mixed += sum(len(sides) == 2 for sides in seen) * (layer > 0) * (self.width + 5)
            seen = [set().union(*(seen[j] for j in near)) for near in self.neighbours]
            mixed += 0.2 * sum(len(sides) == 2 for sides in seen)
        return 20.0 * self.width * (mixed + 1)

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        layers, width = self.depth, self.width
        between = {"between": ("depth - 1, width, width", (layers - 1, width, width))} if layers > 1 else {}
        return {"input": ("width, features", (width, self.features)), **between, "output": ("width", (width,))}

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> GraphInstance:
        """The network over GF(p) with random weights, or with the exact image of those given."""
        return GraphInstance(field, self, drawn_or_given(weights, self.shapes, field, rng))

    def entries(self, weights: Weights | None = None) -> list[Array | str]:
        """The weights given, each after its name, and all edges."""
        return [*super().entries(weights), str(self.edges)]

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the coefficients of the output, a polynomial in inputs and in weights not given.

        The coefficients are whole numbers that are not negative; their sum is the output for inputs and weights of
        ones. Given weights are at most as large as the largest of their array. Each array occurs in all terms to the
        same degree, so that its denominators are cleared at once.
        """
        found = heights_of(weights, self.shapes)
        largest = {name: found[name].largest if found else 0.0 for name in self.shapes}
        walks = self._walks
        # Floats do not hold the counts of the deepest networks, of which nothing is said.
        try:
            bits = log2(self.width) + largest["output"]
            for steps in range(1, self.depth + 1):
                first = steps == self.depth
                terms, name = (self.features, "input") if first else (self.width, "between")
                bits += float(sum(walks[steps])) * (log2(terms) + largest[name])
        except OverflowError:
            return inf
        total = bits + sum(one.denominator for one in found.values())
        return total if isfinite(total) else inf

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True for a network of the same graph, depth and output that is no wider and has no more features.

        Weights are padded with zeros, so that further entries stay zero, and inputs are restricted to the first
        features. For almost all weights the rank is the largest that any weights give, and restricting inputs raises
        none.
        """
        return (
            isinstance(other, GraphNetwork)
            and (self.edges, self.vertices, self.depth) == (other.edges, other.vertices, other.depth)
            and self.output_vertex == other.output_vertex
            and self.width >= other.width
            and self.features >= other.features
            and {frozenset(partition.a), frozenset(partition.b)}
            == {frozenset(side) for side in (other_partition.a, other_partition.b)}
        )

    def float_grid(self, weights: dict[str, Floats], partition: Bipartition, count: int, rng: np.random.Generator) -> Floats:
        """The values in floats at all pairs of so many standard normal inputs of each side."""
        rows, columns = (rng.standard_normal((count, len(side), self.features)) for side in (partition.a, partition.b))
        arithmetic = Arithmetic(np.matmul, lambda numbers: numbers)
        found = self._values(weights, _by_vertex(partition, rows, columns), arithmetic)
        return np.array(np.broadcast_to(found, (count, count)))

    def _values(self, weights: Mapping[str, Numbers], inputs: list[Numbers], arithmetic: Arithmetic) -> Numbers:
        """The value at every pair, of inputs of shape (rows, 1, D_x) for each vertex of A and (1, columns, D_x) of B.

        A vector that depends on one side alone keeps an axis of length 1 for the other.
        """
        maps = [weights["input"], *weights.get("between", ())]
        vectors: Mapping[int, Numbers] = dict(enumerate(inputs))
        for steps, matrix in zip(range(self.depth - 1, -1, -1), maps, strict=True):
            mapped = {j: arithmetic.product(vector, matrix.T) for j, vector in vectors.items()}
            # Vertices from which no walk leads to an output are left out.
            wanted = [i for i, count in enumerate(self._walks[steps]) if count]
            vectors = {i: _product([mapped[j] for j in self.neighbours[i]], arithmetic) for i in wanted}
        every = _product(list(vectors.values()), arithmetic)
        return arithmetic.product(every, weights["output"][:, None])[..., 0]

    def generic_lower_bound(self, partition: PartitionLike) -> int:
        """The lower bound of `GraphCounts`, which has the proof: by vertices that see others across the boundary.

        For one layer it is the rank, and for a single vertex against all others.
        """
        return _bounds(self, frozenset(checked_partition(self.sites, partition).a))[0]

    def rank_bound(self, partition: PartitionLike) -> int | None:
        """The upper bound of `GraphCounts`, which has the proof; None if it is beyond all use.

        It is at most the width to the power of 1 + 2 w, where w is the walk index.
        """
        bound = _bounds(self, frozenset(checked_partition(self.sites, partition).a))[1]
        return None if bound == BEYOND else bound


@lru_cache(maxsize=256)
def _bounds(network: GraphNetwork, side: frozenset[int]) -> tuple[int, int]:
    counts = GraphCounts(network.neighbours, network.outputs, network.depth, network.width, network.features, side)
    return counts.lower(), counts.upper()


def _by_vertex(partition: Bipartition, rows: Numbers, columns: Numbers) -> list[Numbers]:
    """The inputs of every vertex: those of a row with an axis for columns, those of a column with one for rows."""
    places = {vertex: rows[:, None, place] for place, vertex in enumerate(partition.a)}
    places |= {vertex: columns[None, :, place] for place, vertex in enumerate(partition.b)}
    return [places[vertex] for vertex in range(partition.sites)]


def _product(factors: Sequence[Numbers], arithmetic: Arithmetic) -> Numbers:
    """The product entry by entry, the smallest arrays first, so that the sides meet once."""

    def merged() -> Iterator[Numbers]:
        for shape in sorted({factor.shape for factor in factors}):
            alike = [factor for factor in factors if factor.shape == shape]
            found = alike[0]
            for factor in alike[1:]:
                found = arithmetic.reduce(found * factor)
            yield found

    parts = sorted(merged(), key=lambda part: part.size)
    found = parts[0]
    for part in parts[1:]:
        found = arithmetic.reduce(found * part)
    return found


@dataclass(frozen=True, eq=False)
class GraphInstance(Instance):
    """A graph network over GF(p) with its weights fixed."""

    field: PrimeField
    network: GraphNetwork
    weights: Mapping[str, Residues]

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random vectors, of shape (count, len(sites), D_x)."""
        return self.field.random((count, len(sites), self.network.features), rng)

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The values at all pairs of a row's vectors (side A) and a column's (side B).

        Rows and columns are taken in slices that keep to the memory, if a single pair does.
        """
        network = self.network
        arithmetic = Arithmetic(self.field.matmul, lambda numbers: numbers % self.field.prime)
        # The vectors of two layers of all vertices, and residues, floats and their product of one of them.
        entries = (2 * network.vertices + 6) * max(network.width, network.features)
        batch = max(1, min(memory or _BATCH_BYTES, _BATCH_BYTES) // (8 * entries))
        wide = max(1, min(len(columns), batch))
        high = max(1, batch // wide)
        found: Residues = np.empty((len(rows), len(columns)), dtype=np.int64)
        for top in range(0, len(rows), high):
            for left in range(0, len(columns), wide):
                inputs = _by_vertex(partition, rows[top : top + high], columns[left : left + wide])
                found[top : top + high, left : left + wide] = network._values(self.weights, inputs, arithmetic)
        return found
