"""The nonnegative hierarchical format: transfer tensors on a tree, with distributions at its leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np

from tensorrank.arguments import several, shown, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.circuit import Blocks, Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.formats.written_tables import written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_tree import Edge, LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tables import Table, check_entries, check_total, free_parameters, nonnegative, random_distributions
from tensorrank.mixtures.way import Way, refuse_larger
from tensorrank.networks.hierarchical_tucker import Tree, balanced_tree, sites_of
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.whole_numbers import span


@dataclass(frozen=True, eq=False)
class Leaf:
    """Functions of one variable's components: f_c(j) = table[c, j].

    Attributes:
        variable: the variable's number.
        table: nonnegative, of shape (functions, components).
    """

    variable: int
    table: Table
    children: ClassVar[tuple[int, ...]] = ()


@dataclass(frozen=True, eq=False)
class Transfer:
    """Functions of the variables below one or two nodes, whose functions are g and h.

    With two children f_c = sum over a, b of table[c, a, b] * g_a * h_b, with one f_c = sum over a of table[c, a] * g_a.

    Attributes:
        children: the numbers of one or two earlier nodes.
        table: nonnegative, of shape (functions, functions of the first child, of the second).
    """

    children: tuple[int, ...]
    table: Table


Node: TypeAlias = "Leaf | Transfer"


@dataclass(frozen=True, eq=False, repr=False)
class Hierarchical(Mixture):
    """A nonnegative coefficient tensor built up along a dimension tree; the last node's one function is the tensor.

    The functions of a node need not be distributions: only the whole tensor sums to one, and `normalized` makes
    distributions of them. Nodes of a single child hold a matrix; a binary tree needs none.

    Attributes:
        nodes: `Leaf` and `Transfer` nodes, children before their parents; the last is the root.
        densities: Gaussian components; categorical variables if None.

    Raises:
        TensorRankError: if the nodes make no tree over variables 0..N-1, tables do not fit their children or are
            negative, or the whole does not sum to one (exactly for fractions, within 1e-6 for floats).

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), on the format of Hackbusch, Kuehn (J.
    Fourier Anal. Appl. 15, 2009); with entries of any sign, `tensorrank.networks.hierarchical_tucker`.

    >>> from tensorrank.mixtures.hierarchical import Leaf, Transfer
    >>> half = [["1/2", "1/2"], [0, 1]]
    >>> pair = Hierarchical([Leaf(0, half), Leaf(1, half), Transfer((0, 1), [[["1/4", 0], [0, "3/4"]]])])
    >>> pair.probability([[0, 0], [1, 1]])
    array([Fraction(1, 16), Fraction(13, 16)], dtype=object)
    """

    kind: ClassVar[str] = "hierarchical"

    nodes: tuple[Node, ...]
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        given = several("nodes", self.nodes, "leaves and transfer nodes, the root last")
        nodes = tuple(_checked(node, number) for number, node in enumerate(given))
        object.__setattr__(self, "nodes", nodes)
        parents: dict[int, int] = {}
        for number, node in enumerate(nodes):
            for place, child in enumerate(node.children):
                if child >= number:
                    raise TensorRankError(f"node {number} has the child {child}; expected the number of an earlier node")
                if child in parents:
                    raise TensorRankError(f"node {child} is a child of {parents[child]} and of {number}; expected one parent")
                parents[child] = number
                if node.table.shape[1 + place] != nodes[child].table.shape[0]:
                    raise TensorRankError(
                        f"the table of node {number} has the shape {node.table.shape}; expected dimension {1 + place} "
                        f"to be {nodes[child].table.shape[0]}, the functions of its child {child}"
                    )
        apart = [number for number in range(len(nodes) - 1) if number not in parents]
        if apart:
            raise TensorRankError(f"node {apart[0]} is no child of any node; expected a single tree with its root last")
        variables = [node.variable for node in nodes if isinstance(node, Leaf)]
        if sorted(variables) != list(range(len(variables))):
            raise TensorRankError(
                f"the leaves are of the variables {', '.join(map(str, variables))}; expected each of 0 to N - 1 once"
            )
        if nodes[-1].table.shape[0] != 1:
            raise TensorRankError(f"the root, the last node, has {nodes[-1].table.shape[0]} functions; expected 1")
        with np.errstate(over="ignore", invalid="ignore"):  # what is infinite, or infinite times 0, is not 1
            try:
                total = self.masses[-1][0]
            except OverflowError:  # a fraction beyond every float meets a table of floats
                total = np.inf
        check_total(total, "the model")
        self._check_densities()

    def __repr__(self) -> str:
        return f"Hierarchical({self.sites} variables, {len(self.nodes)} nodes of rank at most {max(self.ranks)})"

    @property
    def ranks(self) -> tuple[int, ...]:
        """The number of functions of each node."""
        return tuple(int(node.table.shape[0]) for node in self.nodes)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of components (values) of each variable."""
        found = {node.variable: int(node.table.shape[1]) for node in self.nodes if isinstance(node, Leaf)}
        return tuple(found[site] for site in range(len(found)))

    @property
    def parameters(self) -> int:
        """The free parameters of the normalised form: entries less one for each function."""
        return free_parameters([node.table.reshape(node.table.shape[0], -1) for node in self.nodes])

    @property
    def table_entries(self) -> int:
        """The entries of all tables, zeros included."""
        return sum(int(node.table.size) for node in self.nodes)

    def fields(self) -> dict[str, Any]:
        """The nodes: the variable or the children of each, and its table."""
        return {
            "nodes": [
                {"variable": node.variable, "table": written(node.table)}
                if isinstance(node, Leaf)
                else {"children": list(node.children), "table": written(node.table)}
                for node in self.nodes
            ]
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("nodes")
        nodes: list[Node] = []
        for where, given in fields.entries("nodes"):
            inner = isinstance(given, Mapping) and "children" in given
            node = Fields.within(given, where, ("children" if inner else "variable", "table"))
            table = node.table("table")
            nodes.append(Transfer(tuple(node.sequence("children")), table) if inner else Leaf(node["variable"], table))
        return cls(tuple(nodes), densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The number of nodes, and the functions of each."""
        return {"nodes": len(self.nodes), "ranks": list(self.ranks)}

    def own_lines(self) -> list[tuple[str, str]]:
        """The nodes, and between which numbers of functions they have."""
        return [("nodes", f"{len(self.nodes)}, of {span(self.ranks)} functions")]

    @cached_property
    def masses(self) -> tuple[Any, ...]:
        """For each node the sums of its functions over all values: Fractions if the tables are, floats otherwise."""
        found: list[Any] = []
        for node in self.nodes:
            table = node.table
            if isinstance(node, Leaf):
                found.append(table.sum(axis=1))
                continue
            for child in reversed(node.children):
                table = table @ found[child]
            found.append(table)
        return tuple(found)

    @property
    def circuit(self) -> Circuit:
        """The circuit, with a slot for each function and for each pair that a table takes with more than 0."""
        return self._compiled[0]

    @property
    def hidden_slots(self) -> Mapping[Name, Slots]:
        """The hidden variables: for each node but the root, by its number, the function that is taken."""
        return self._compiled[1]

    @cached_property
    def _compiled(self) -> tuple[Circuit, Mapping[Name, Slots]]:
        blocks, slots = Blocks(), list[Slots]()
        for node in self.nodes:
            if isinstance(node, Leaf):
                slots.append(blocks.add(Leaves(node.variable, node.table)))
            elif len(node.children) == 1:
                slots.append(blocks.add(Sums(node.table, slots[node.children[0]])))
            else:
                pairs = support(node.table)
                first, second = (slots[child][pairs[:, side]] for side, child in enumerate(node.children))
                terms = blocks.add(Products(np.column_stack([first, second])))
                slots.append(blocks.add(Sums(node.table[:, pairs[:, 0], pairs[:, 1]], terms)))
        return Circuit(tuple(blocks)), dict(enumerate(slots[:-1]))

    def coefficients(self) -> TensorNetwork:
        """The network of tensors "node i"; the leg "functions i" joins node i to its parent, "site v" is variable v."""
        tensors = []
        for number, node in enumerate(self.nodes):
            below = [f"site {node.variable}"] if isinstance(node, Leaf) else [f"functions {i}" for i in node.children]
            root = number == len(self.nodes) - 1
            legs = tuple(below) if root else (f"functions {number}", *below)
            tensors.append(Tensor(f"node {number}", legs, node.table[0] if root else node.table))
        return TensorNetwork(tuple(tensors), tuple(f"site {site}" for site in range(self.sites)))

    def latent_tree(self) -> LatentTree:
        """The density as a latent tree, with a hidden variable "node i" for each transfer node.

        The states of a hidden variable are the pairs (a, b) that its node's table B takes with more than 0: at most r^2
        of them for rank r, and only r where tables lie on the diagonal. If functions are distributions (`normalized`),
        B[c, a, b] is the probability of (a, b) given that the parent has taken function c.

        >>> Hierarchical.random([3] * 4, rank=2, seed=0).latent_tree()
        LatentTree(4 variables, 3 hidden of at most 4 states)
        """
        nodes = self.normalized().nodes
        last = len(nodes) - 1
        if isinstance(nodes[last], Leaf):
            edge = Edge("root", 0, nodes[0].table)
            return LatentTree("root", np.ones(1, dtype=int), (edge,), densities=self.densities)
        # The states of each transfer node; and of which node each is a child, and which one.
        taken = {number: support(node.table) for number, node in enumerate(nodes) if isinstance(node, Transfer)}
        above = {child: (number, place) for number, node in enumerate(nodes) for place, child in enumerate(node.children)}

        def rows(number: int) -> Table:
            """The node's functions as distributions over its states, a row for each function."""
            table = nodes[number].table
            return np.asarray(table[(slice(None), *taken[number].T)]) if number in taken else table

        edges = []
        for number in reversed(range(last)):
            parent, place = above[number]
            node = nodes[number]
            name = node.variable if isinstance(node, Leaf) else f"node {number}"
            edges.append(Edge(f"node {parent}", name, rows(number)[taken[parent][:, place]]))
        return LatentTree(f"node {last}", rows(last)[0], tuple(edges), densities=self.densities)

    def latent_tree_entries(self) -> int:
        """The table entries of `latent_tree`, without building it.

        >>> model = Hierarchical.random([3] * 4, rank=2, seed=0)
        >>> model.latent_tree_entries() == model.latent_tree().table_entries
        True
        """
        nodes = self.normalized().nodes
        states = [node.table.shape[1] if isinstance(node, Leaf) else len(support(node.table)) for node in nodes]
        return pair_entries(nodes, states)

    def toward_tree(self, limit: float = inf) -> LatentTree:
        """The latent tree of the pairs of functions at each node."""
        entries = self.latent_tree_entries()
        refuse_larger(entries, limit)
        return self.latent_tree()

    def way(self) -> Way:
        """By way of the pairs of functions."""
        return Way("by way of the pairs of functions at its nodes: ")

    def normalized(self) -> Hierarchical:
        """The format of the same tensor in which every function is a distribution; the model itself if they all are.

        Floats count as distributions within rounding. A function that is 0 everywhere becomes any distribution, since
        no table takes it with more than 0.
        """
        if all(np.all(mass == 1) if mass.dtype == object else np.abs(mass - 1).max() < 1e-12 for mass in self.masses):
            return self
        nodes: list[Node] = []
        for node, mass in zip(self.nodes, self.masses, strict=True):
            table = node.table
            if isinstance(node, Transfer):
                for place, child in enumerate(node.children):
                    below = self.masses[child]
                    table = table * below.reshape([-1 if axis == place + 1 else 1 for axis in range(table.ndim)])
            table = np.array(table)
            own = np.array(mass)
            table[own == 0] = 0
            table[(own == 0, *[0] * (table.ndim - 1))] = 1
            own[own == 0] = Fraction(1) if own.dtype == object else 1.0
            table = table / own.reshape([-1] + [1] * (table.ndim - 1))
            nodes.append(Leaf(node.variable, table) if isinstance(node, Leaf) else Transfer(node.children, table))
        return Hierarchical(tuple(nodes), densities=self.densities)

    @classmethod
    def random(
        cls,
        shape: Sequence[int],
        rank: int,
        seed: int | np.random.Generator,
        *,
        tree: Tree | None = None,
        fractions: bool = False,
    ) -> Hierarchical:
        """Random distributions on a binary tree.

        Args:
            shape: the number of values of each variable, two or more of them.
            rank: the number of functions of all nodes but the root.
            seed: a whole number or a numpy Generator.
            tree: nested pairs of variables, such as ((0, 1), (2, 3)); balanced if None.
            fractions: whether entries are fractions.

        Raises:
            TensorRankError: if a number is not a whole number of at least 1, the tree is none of the variables, or the
                tables would not fit in memory.

        >>> Hierarchical.random([3] * 4, rank=2, seed=0)
        Hierarchical(4 variables, 7 nodes of rank at most 2)
        """
        rng = random_stream(seed)
        rank = whole_number("rank", rank, 1)
        shape = several("numbers of values", shape, "one for each variable")
        sizes = [whole_number("the number of values", k, 1) for k in shape]
        entries = rank * sum(sizes) + len(sizes) * rank**3
        check_entries(entries, f"the tables of rank {shown(rank)} of {len(sizes)} variables", fractions=fractions)
        tree = balanced_tree(len(sizes)) if tree is None else tree
        if len(sites_of(tree)) != len(sizes):
            raise TensorRankError(f"a tree of {len(sites_of(tree))} variables was given for {len(sizes)}; expected as many")
        nodes: list[Node] = []

        def build(part: Tree, functions: int) -> int:
            if isinstance(part, tuple):
                children = (build(part[0], rank), build(part[1], rank))
                table = random_distributions((functions, rank * rank), rng, fractions=fractions)
                nodes.append(Transfer(children, table.reshape(functions, rank, rank)))
            else:
                nodes.append(Leaf(part, random_distributions((functions, sizes[part]), rng, fractions=fractions)))
            return len(nodes) - 1

        build(tree, 1)
        return cls(tuple(nodes))


def support(table: Table) -> Slots:
    """The pairs (a, b), in order, that some function of a transfer tensor takes with more than 0; shape (pairs, 2)."""
    return np.argwhere((table > 0).any(axis=0))


def pair_entries(nodes: Sequence[Node], states: Sequence[int]) -> int:
    """The table entries of a latent tree on the nodes, which has so many states at each: of leaves, their values.

    A root that is a leaf hangs below a hidden variable of one state.
    """
    tables = sum(states[number] * states[child] for number, node in enumerate(nodes) for child in node.children)
    return tables + states[-1] + (len(nodes) == 1)


def _checked(node: Node, number: int) -> Node:
    match node:
        case Leaf():
            variable = whole_number(f"the variable of node {number}", node.variable, 0)
            return Leaf(variable, nonnegative(node.table, f"the table of node {number}", ["function", "component"]))
        case Transfer():
            given = several(f"the children of node {number}", node.children, "one or two different nodes")
            children = tuple(whole_number(f"a child of node {number}", child, 0) for child in given)
            if len(children) > 2 or len(set(children)) < len(children):
                raise TensorRankError(f"node {number} has the children {children}; expected one or two different nodes")
            axes = ["function", *(f"function of node {child}" for child in children)]
            return Transfer(children, nonnegative(node.table, f"the table of node {number}", axes))
    raise TensorRankError(f"node {number} is {shown(node)}; expected Leaf(variable, table) or Transfer(children, table)")
