"""The function of a sum-product network for the solver of separation ranks, evaluated on its graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from tensorrank.arithmetic.arrays import Array, Floats, Integers
from tensorrank.arithmetic.heights import height
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import WeightsError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.sum_product.cut_terms import cut_terms
from tensorrank.mixtures.sum_product.graph import Graph
from tensorrank.mixtures.sum_product.grid import SumProductGrid
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, ProductNode, SumNode, children_of
from tensorrank.networks.function import random_inputs
from tensorrank.separation.architecture import Architecture, Instance, Weights
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.rounding import FloatMatrix, Shake, measured, rounding_in, sample_size, vectors


@dataclass(frozen=True, eq=False, repr=False)
class SumProductFunction(Architecture):
    """The density of a sum-product network, an architecture without weights.

    Attributes:
        graph: the network.
        classes: for each variable the class of each component; components of one class are the same function.

    >>> from tensorrank.mixtures.sum_product.model import SumProduct
    >>> function = SumProduct.perfect_matchings(6, symbols=2, seed=0).architecture()
    >>> function.sites, function.rank_bound(Bipartition.interleaved(6))
    (6, 8)
    """

    graph: Graph
    classes: Sequence[Integers]
    _value_works: dict[Bipartition, float] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"SumProductFunction({self.sites} variables, {len(self.graph.nodes)} nodes)"

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """The number of different component functions of each variable."""
        return tuple(int(found.max()) + 1 for found in self.classes)

    @property
    def sites(self) -> int:
        """The number of variables."""
        return len(self.classes)

    @property
    def weight_degree(self) -> int:
        """0: the tables are given."""
        return 0

    @property
    def input_degree(self) -> int:
        """1 in the input of each site."""
        return self.sites

    def entries(self, weights: Weights | None = None) -> list[Array | str]:
        """The name, the kind, the children and the table of every node, and the classes; weights are refused."""
        self._refuse(weights)
        parts: list[Array | str] = [repr(self.graph.root), *self.classes]
        for name, node in self.graph.nodes.items():
            parts += [f"{name!r} {_shape(node)}", *_tables(node)]
        return parts

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the sum of the absolute values of the coefficients of the function.

        The function is a sum over trees, each with one child of every sum and all children of every product. A tree has
        every node at most once, since the children of a product have different variables. So the product of the common
        denominators of all tables clears each coefficient.
        """
        tables = {name: height(table) for name, node in self.graph.nodes.items() for table in _tables(node)}
        sizes: dict[Name, float] = {}
        for name in self.graph.order:
            node = self.graph.nodes[name]
            below = [sizes[child] for child in children_of(node)]
            # Weights of a sum are counted by their total, children by the largest of them.
            own = tables[name].total - tables[name].denominator if name in tables else 0.0
            sizes[name] = own + (sum(below) if isinstance(node, ProductNode) else max(below, default=0.0))
        return sizes[self.graph.root] + 2 * sum(one.denominator for one in tables.values())

    def value_work(self, partition: Bipartition) -> float:
        """Operations that one value costs in a grid, at the rate of a matrix product; kept once it is known."""
        if partition not in self._value_works:
            self._value_works[partition] = SumProductGrid.of(self.graph, partition).value_work()
        return self._value_works[partition]

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> SumProductInstance:
        """The function over GF(p): nothing is random but the inputs.

        Raises:
            WeightsError: if weights are given.
            PrimeError: if p divides a denominator of an entry.
        """
        self._refuse(weights)
        images = {name: self._image(node, field) for name, node in self.graph.nodes.items()}
        return SumProductInstance(self, field, replace(self.graph, nodes=images, shape=self.shape))

    def rank_bound(self, partition: Bipartition) -> int:
        """A number of terms g(x_A) * h(x_B) whose sum, with suitable functions g and h, is the density.

        Each node is written as a sum of such terms, with any coefficients, from the leaves up:

        - A node with all variables on one side is a single term.
        - A product has a term for each choice of one term of each child.
        - A sum has the terms of all its children. Terms that share a function of one side, built in the same way, are
          joined to one. So a sum has at most as many terms as different functions of A, or of B.
        - The functions of a node's variables in A have a basis of as many functions as these variables have joint
          values. A node of more terms is expanded in such a basis, or in one for B. All nodes of the same variables
          share the basis.

        The bound is the number of terms of the root.
        """
        graph = replace(self.graph, shape=self.shape)
        tried = [cut_terms(graph, partition, counting=True, keep_left=keep_left) for keep_left in (False, True)]
        return min(found.count(found.terms[graph.root]) for found in tried)

    def _refuse(self, weights: Weights | None) -> None:
        if weights is not None:
            raise WeightsError(
                "weights were given for a sum-product network, whose nodes hold all its numbers; expected None. Build the "
                "network with the tables you mean"
            )

    def in_floats(self, partition: Bipartition, weights: Weights | None, work: float, rank: int) -> FloatMatrix | None:
        """The values at all inputs of both sides, or at a sample of them, by the graph in floats."""
        epsilon = rounding_in(map(np.asarray, self.graph.tables()))
        if epsilon is None:
            return None
        rng = np.random.default_rng(0)
        most = sample_size(work, 4.0 * len(self.graph.nodes), rank)
        rows, all_rows = vectors(self.shape, partition.a, most, rng)
        columns, all_columns = vectors(self.shape, partition.b, most, rng)
        # Inputs of A run along axis 0, inputs of B along axis 1.
        inputs = {site: one.T[:, :, None] for site, one in zip(partition.a, rows, strict=True)}
        inputs |= {site: one.T[:, None, :] for site, one in zip(partition.b, columns, strict=True)}

        def values(shake: Shake) -> Floats:
            known: dict[Name, Floats] = {}
            for name in self.graph.order:
                known[name] = self._float_values(self.graph.nodes[name], known, inputs, shake)
            return np.array(np.broadcast_to(known[self.graph.root], (len(rows[0]), len(columns[0]))))

        return measured(values, epsilon, rank, whole=all_rows and all_columns)

    def _float_values(self, node: Node, known: Mapping[Name, Floats], inputs: Mapping[int, Floats], shake: Shake) -> Floats:
        """The values of a node in floats, from those of its children or the inputs of its variable."""
        match node:
            case LeafNode(variable=variable, distribution=distribution):
                merged = np.bincount(self.classes[variable], shake(np.asarray(distribution, dtype=np.float64)))
                return np.asarray(np.tensordot(merged, inputs[variable], 1))
            case SumNode(children=children, weights=weights):
                given = shake(np.asarray(weights, dtype=np.float64))
                return reduce(np.add, [w * known[child] for w, child in zip(given, children, strict=True)])
            case ProductNode(children=children):
                return reduce(np.multiply, [known[child] for child in children])

    def _image(self, node: Node, field: PrimeField) -> Node:
        """The node with balanced residues in its table; the entries of equal components of a leaf are added up."""
        match node:
            case SumNode(children=children, weights=weights):
                return SumNode(children, field.balanced(field.image(weights)))
            case LeafNode(variable=variable, distribution=distribution):
                merged = np.zeros(self.shape[variable], dtype=np.int64)
                np.add.at(merged, self.classes[variable], field.image(distribution))
                return LeafNode(variable, field.balanced(merged))
            case ProductNode():
                return node


def _tables(node: Node) -> list[Array]:
    """The table of a sum or of a leaf; none for a product."""
    match node:
        case SumNode(weights=table) | LeafNode(distribution=table):
            return [table]
        case ProductNode():
            return []


def _shape(node: Node) -> str:
    """What a node is, beside the numbers in its table."""
    return f"{type(node).__name__} of {node.variable if isinstance(node, LeafNode) else node.children!r}"


@dataclass(frozen=True, eq=False)
class SumProductInstance(Instance):
    """The function of a sum-product network over GF(p); its tables are mapped to balanced residues once.

    Attributes:
        function: the function over the rationals.
        field: GF(p).
        graph: the network with the images of its tables.
    """

    function: SumProductFunction
    field: PrimeField
    graph: Graph
    _grids: dict[Bipartition, SumProductGrid] = dataclasses.field(default_factory=dict)

    def sample(self, sites: Sequence[int], count: int, rng: np.random.Generator) -> Residues:
        """Random inputs, of shape (count, sites, largest number of values of all); 0 beyond a site's number."""
        return random_inputs(self.function.shape, sites, count, self.field, rng)

    def grid(self, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None = None) -> Residues:
        """The residues of the values at all pairs, in slices of rows where the memory asks for it.

        Raises:
            TensorRankError: if not even one row fits.
        """
        if partition not in self._grids:
            self._grids[partition] = SumProductGrid.of(self.graph, partition)
        limit = memory_limit(None) if memory is None else memory
        return self._grids[partition].evaluate(rows, columns, self.graph.shape, self.field, limit)
