"""Sum-product networks: mixtures and factorisations in any order, sharing parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from math import inf
from typing import Any, ClassVar, Self, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.circuit import Circuit, Slots
from tensorrank.mixtures.fitting.fittable import Fittable
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.skeletons import Skeletons
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.sum_product.circuit import compiled, with_tables
from tensorrank.mixtures.sum_product.function import SumProductFunction
from tensorrank.mixtures.sum_product.graph import Graph, variables_of
from tensorrank.mixtures.sum_product.induced_trees import classes_of, induced_tree_count
from tensorrank.mixtures.sum_product.nodes import (
    LeafNode,
    Node,
    ProductNode,
    SumNode,
    checked_nodes,
    children_of,
    node_fields,
    node_from_fields,
)
from tensorrank.mixtures.sum_product.random_networks import perfect_matchings, perfect_matchings_nodes, random_regions
from tensorrank.mixtures.sum_product.self_similar import copies, dimension_tree_of
from tensorrank.mixtures.sum_product.tensor_network import choice_network
from tensorrank.mixtures.tables import Table, random_distributions
from tensorrank.mixtures.way import Way, refuse_larger
from tensorrank.networks.network import TensorNetwork
from tensorrank.separation.architecture import Architecture

__all__ = ["LeafNode", "Name", "Node", "ProductNode", "SumNode", "SumProduct", "perfect_matchings"]


@dataclass(frozen=True, eq=False, repr=False)
class SumProduct(Fittable):
    """A sum-product network: a directed acyclic graph of sums, products and leaves, each a density of some variables.

    Children of a sum have the same variables (it is smooth), those of a product different ones (it is decomposable), so
    that every node is a distribution of its variables. A node may have any number of parents.

    Attributes:
        nodes: by name, in any order.
        root: the name of the node that is the density of all variables.
        densities: Gaussian components; categorical variables if None.

    Raises:
        TensorRankError: naming nodes and variables, if children are unknown, repeated or missing, there is a cycle, a
            node is not reached from the root, a sum is not smooth, a product is not decomposable, variables are not
            0..N-1, or weights or a leaf's distribution are negative or do not sum to one (exactly for fractions, within
            1e-6 for floats).

    Sources: Poon & Domingos, Sum-Product Networks (UAI 2011); Jaini, Poupart, Yu, Deep Homogeneous Mixture Models
    (NeurIPS 2018).

    >>> from tensorrank.mixtures.sum_product.nodes import LeafNode, ProductNode, SumNode
    >>> leaves = {f"{x}{name}": LeafNode(x, p) for x in (0, 1) for name, p in {"a": [0.9, 0.1], "b": [0, 1]}.items()}
    >>> pairs = {"pa": ProductNode(("0a", "1a")), "pb": ProductNode(("0b", "1b"))}
    >>> network = SumProduct(leaves | pairs | {"s": SumNode(("pa", "pb"), [0.5, 0.5])}, "s")
    >>> network.probability([[0, 0], [1, 1]])
    array([0.405, 0.505])
    >>> network
    SumProduct(2 variables, 7 nodes, 6 edges)
    """

    kind: ClassVar[str] = "sum_product"
    unit: ClassVar[str] = "edges"
    has_loops: ClassVar[bool] = True

    nodes: Mapping[Name, Node]
    root: Name
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", checked_nodes(self.nodes))
        _ = self.graph  # finds what is wrong
        self._check_densities()

    def __repr__(self) -> str:
        return f"SumProduct({self.sites} variables, {len(self.nodes)} nodes, {self.edges} edges)"

    @cached_property
    def graph(self) -> Graph:
        """The nodes in order, with their variables."""
        return Graph.of(self.nodes, self.root)

    @property
    def order(self) -> tuple[Name, ...]:
        """The names, children before their parents."""
        return self.graph.order

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values (components) of each variable."""
        return self.graph.shape

    @cached_property
    def scopes(self) -> Mapping[Name, frozenset[int]]:
        """The variables of each node."""
        found = {bits: frozenset(variables_of(bits)) for bits in set(self.graph.scopes.values())}
        return {name: found[bits] for name, bits in self.graph.scopes.items()}

    @cached_property
    def edges(self) -> int:
        """The number of edges."""
        return sum(len(children_of(node)) for node in self.nodes.values())

    @property
    def size(self) -> int:
        """The number of edges."""
        return self.edges

    @cached_property
    def table_entries(self) -> int:
        """The number of weights of all sums and of entries of all leaves."""
        return sum(map(len, self.graph.tables()))

    @cached_property
    def parameters(self) -> int:
        """The number of free parameters: one less than entries for each sum and each leaf."""
        return self.table_entries - len(self.graph.tables())

    def fields(self) -> dict[str, Any]:
        """The nodes, each with its name as "id", and the root."""
        return {"nodes": [{"id": name, **node_fields(node)} for name, node in self.nodes.items()], "root": self.root}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("nodes", "root")
        nodes: dict[Name, Node] = {}
        places: dict[Name, str] = {}
        for where, given in fields.entries("nodes"):
            name, node = node_from_fields(given, where)
            if name in places:
                raise TensorRankError(f"{places[name]} and {where} have the same id, {name!r}; expected two")
            nodes[name], places[name] = node, where
        return cls(nodes, fields.name("root"), densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The numbers of nodes and edges."""
        return {"nodes": len(self.nodes), "edges": self.edges}

    def own_lines(self) -> list[tuple[str, str]]:
        """The nodes and edges in a line."""
        return [("nodes", f"{len(self.nodes)}, with {self.edges} edges")]

    @property
    def circuit(self) -> Circuit:
        """The circuit, with a slot for each node, level by level; sums of the same children are one matrix."""
        return self._compiled[0]

    @cached_property
    def _compiled(self) -> tuple[Circuit, Mapping[Name, int]]:
        return compiled(self.nodes, self.order)

    @property
    def hidden_slots(self) -> Mapping[Name, Slots]:
        """The nodes below the root, each a hidden variable of one state, which it has in rows that it is part of.

        A node is part of a row if the induced tree that made the row has it. So `hidden_posteriors` gives the
        probability of that, and `viterbi` the most probable induced tree: state 0 for its nodes, -1 for all others.
        """
        slots = self._compiled[1]
        return {name: np.array([slots[name]]) for name in reversed(self.order[:-1])}

    @cached_property
    def dimension_tree(self) -> Hierarchical | None:
        """The density in the hierarchical format if the network is self-similar, otherwise None.

        A network is self-similar if all products of the same variables split them into the same parts.

        Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018).
        """
        return dimension_tree_of(self.graph, self.densities)

    @cached_property
    def induced_trees(self) -> int:
        """The number of induced trees: ways to choose a child at every sum that is met from the root down.

        >>> SumProduct.perfect_matchings(4, 2, seed=0).induced_trees
        12
        """
        return induced_tree_count(self.graph)

    def latent_class(self) -> LatentClass:
        """The density as a latent class model with a class for each induced tree, exponentially many in general.

        >>> SumProduct.perfect_matchings(4, 2, seed=0).latent_class()
        LatentClass(4 variables, 12 classes, 2 values)
        """
        return classes_of(self.graph, self.densities)

    def toward_tree(self, limit: float = inf) -> Mixture:
        """The dimension tree; if there is none, a latent class model."""
        if self.dimension_tree is not None:
            return self.dimension_tree
        entries = self.induced_trees * (1 + sum(self.shape))
        refuse_larger(entries, limit)
        return self.latent_class()

    def way(self) -> Way:
        """By way of the dimension tree or of the induced trees."""
        if self.dimension_tree is not None:
            return Way("by way of its dimension tree: ")
        trees = self.induced_trees
        return Way(f"by way of a class for each of {trees} induced trees: ", classes=trees)

    def neighbours_first(self) -> list[int]:
        """The variables in an order in which small scopes stay together."""
        scopes = sorted({one for one in self.scopes.values() if len(one) > 1}, key=lambda one: (len(one), min(one)))
        order = [0]
        while len(order) < self.sites:
            reached = set(order)
            touching = next((scope for scope in scopes if scope & reached and scope - reached), None)
            order.extend(sorted(set(range(self.sites)) - reached if touching is None else touching - reached))
        return order

    def coefficients(self) -> TensorNetwork:
        """The coefficient tensor as a network in which each group of nodes has a leg.

        An induced tree holds the root, all children of each product in it, and one child of each sum in it. The density
        is the sum over induced trees of their weights times their leaves (Zhao, Poupart, Gordon, ICML 2016). No induced
        tree reaches a node twice: two paths to it would part at a product, two of whose children would then share the
        node's variables. Two nodes of the same variables are in one induced tree only if one is below the other.

        Take the nodes of the same variables, and of these the ones with equally long paths down to other nodes of these
        variables: at most one of them is in an induced tree. The ones among them whose parents are in the same groups
        make a group. State 0 of the group's leg says that none of them is chosen, state i that its i-th member is.
        Tensors are named after the first member of a group:

        - "root" chooses the root;
        - "sums 's'" has the weights of all sums of a group, and leads to their children;
        - "children i 'p'", of entries 0 and 1, leads from products to their children of one group; where this is one to
          one, the two groups share the leg instead;
        - "joint i 'c'", of entries 0 and 1, unites what several groups choose of one, since no two of them choose;
        - "leaves 'l'" has the distributions of a group of leaves of a variable, and ones in state 0: since the network
          is smooth and decomposable, one leaf of each variable is chosen.

        There are as many entries as edges if all sums of a group have the same children and groups have one parent.
        """
        return choice_network(self.graph)

    def architecture(self) -> Architecture:
        """The density as a function of its variables, for `separation_rank`, evaluated on the graph.

        A self-similar network whose dimension tree has the very same tables is contracted in that form, which is
        faster. Equal Gaussian components become one, as in `to_network`.
        """
        if copies(self.graph) and self.dimension_tree is not None:
            return self.dimension_tree.architecture()
        if self.densities is None:
            classes = [np.arange(k) for k in self.shape]
        else:
            classes = [self.densities.distinct(site) for site in range(self.sites)]
        return SumProductFunction(self.graph, classes)

    def replaced(self, image: Callable[[Table], Table], densities: Gaussians | None) -> Self:
        """The network with the image of each table of its circuit in the place of its nodes', and these components."""
        return type(self)(with_tables(self.nodes, *self._compiled, image), self.root, densities=densities)

    @classmethod
    def fit_report(
        cls, data: ArrayLike, sums: int = 2, random_state: int | np.random.Generator = 0, **options: Unpack[FitOptions]
    ) -> FitReport[Self]:
        """Fits a sum-product network to data by expectation-maximisation (EM), on a random graph as of `random`.

        The graph is the same for all restarts. `fitted` of `tensorrank.mixtures.fitting.fit` fits a network given.

        Args:
            data: whole numbers or real numbers of shape (rows, sites), or real numbers of shape (rows, sites,
                features). Missing values, as of `log_density`, are summed out.
            sums: the number of sums of each region but the whole, and of leaves of each variable.
            random_state: a whole number or a numpy Generator.
            **options: the options of every fit, which `FitOptions` names.

        Sources: Peharz, Vergari, Stelzner, Molina, Shao, Trapp, Kersting, Ghahramani, Random Sum-Product Networks (UAI
        2019), for the graph; Peharz, Gens, Pernkopf, Domingos, On the Latent Variable Interpretation in Sum-Product
        Networks (IEEE Trans. Pattern Anal. Mach. Intell. 39, 2017), for EM.

        >>> pairs = [[0, 0, 1, 1]] * 5 + [[1, 1, 0, 0]] * 5
        >>> SumProduct.fit(pairs, tolerance=1e-3).marginal([0, 3]).round(1)
        array([[0. , 0.5],
               [0.5, 0. ]])
        """
        made = Skeletons.of(data, options)
        count = made.states("sums", sums, shared=False, joints=made.sites)

        def leaves(site: int, number: int) -> Table:
            return made.emission(count, site)[:number]

        widest = max(leaves(site, 1).shape[1] for site in range(made.sites))
        rng = random_stream(random_state)
        nodes, root = random_regions(made.sites, widest, leaves, rng, sums=count, fractions=False)
        return made.fit(cls(nodes, root, densities=made.components(count, shared=False)), random_state)

    @classmethod
    def random(
        cls, sites: int, symbols: int, seed: int | np.random.Generator, *, sums: int = 2, fractions: bool = False
    ) -> SumProduct:
        """A random network over regions, sets of variables that are each split in halves at random, in two ways.

        A region has `sums` sums over the products of all pairs of nodes of both halves; regions that are met again are
        shared. There are O(sites^2) regions. With a single sum each the variables are independent.

        Args:
            sites: the number of variables.
            symbols: the number of values of each.
            seed: a whole number or a numpy Generator.
            sums: the number of sums of each region but the whole, and of leaves of each variable.
            fractions: whether weights and distributions are fractions.

        Raises:
            TensorRankError: if a number is not a whole number of at least 1.

        >>> SumProduct.random(6, symbols=2, seed=0)
        SumProduct(6 variables, 79 nodes, 184 edges)
        """
        rng = random_stream(seed)
        n, k, count = (whole_number(name, given, 1) for name, given in (("sites", sites), ("symbols", symbols), ("sums", sums)))

        def leaves(site: int, number: int) -> Table:
            return random_distributions((number, k), rng, fractions=fractions)

        return cls(*random_regions(n, k, leaves, rng, sums=count, fractions=fractions))

    @classmethod
    def perfect_matchings(
        cls, sites: int, symbols: int, seed: int | np.random.Generator, *, rank: int | None = None, fractions: bool = False
    ) -> SumProduct:
        """A mixture of three products over pairs of variables: the pairs of three random perfect matchings.

        If the union of the perfect matchings is an expander graph, no tree model of polynomial size is this density.

        Args:
            sites: the number of variables, even and at least 4.
            symbols: the number of values of each.
            seed: a whole number or a numpy Generator; the function `perfect_matchings` takes the same.
            rank: how many products of two leaves each pair is a sum of; symbols if None.
            fractions: whether weights and distributions are fractions.

        Raises:
            TensorRankError: if a number is too small or sites is odd.

        >>> SumProduct.perfect_matchings(6, symbols=2, seed=0)
        SumProduct(6 variables, 67 nodes, 66 edges)
        """
        k = whole_number("symbols", symbols, 1)
        r = k if rank is None else whole_number("rank", rank, 1)
        return cls(*perfect_matchings_nodes(sites, k, seed, rank=r, fractions=fractions))
