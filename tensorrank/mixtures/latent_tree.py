"""Latent tree models: any rooted tree of hidden variables with the observed ones at its leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from math import inf
from typing import Annotated, Any, ClassVar, Literal, Self, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import several, shown, things, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Edge, Name, checked_edges, from_the_root, is_name
from tensorrank.mixtures.evaluation.circuit import Blocks, Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.fitting.fittable import Fittable
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.skeletons import Skeletons, uniform
from tensorrank.mixtures.fitting.structures import parents_of
from tensorrank.mixtures.formats.fields import Fields, checked_name
from tensorrank.mixtures.formats.written_tables import written
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.tables import Table, check_entries, distributions, free_parameters, random_distributions
from tensorrank.networks.network import Tensor, TensorNetwork

__all__ = ["Edge", "LatentTree", "Name"]

# Of more leaves only so many are shown.
_MOST_NAMED = 12


@dataclass(frozen=True, eq=False, repr=False)
class LatentTree(Fittable):
    """A latent tree model: hidden variables on a rooted tree, observed ones at its leaves.

    Attributes:
        root: the name of the root.
        prior: the distribution of the root's states.
        edges: an `Edge`, or (parent, child, table), for each node but the root, in any order.
        variables: the names of the leaves, in the order of variables 0, 1, ... If None, names tell the order: leaves
            named 0..N-1 are the variables of these numbers; if every node is named by a number, leaves follow by their
            numbers; if leaves are named by texts, they follow in the order of the edges.
        densities: Gaussian components; categorical variables if None.

    Raises:
        TensorRankError: if the edges make no tree from the root, a table does not fit its parent, is negative or has a
            row that does not sum to one (exactly for fractions, within 1e-6 for floats), or variables are no leaves.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), section 3.

    >>> coin = [[0.9, 0.1], [0.2, 0.8]]
    >>> tree = LatentTree("z", [0.5, 0.5], [("z", 0, coin), ("z", 1, coin)])
    >>> tree.marginal([0, 1])
    array([[0.425, 0.125],
           [0.125, 0.325]])
    >>> tree.parameters, tree.table_entries
    (5, 10)
    """

    kind: ClassVar[str] = "latent_tree"

    root: Name
    prior: Table
    edges: tuple[Edge, ...]
    variables: Sequence[Name] | None = None
    _: KW_ONLY
    densities: Gaussians | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "prior", distributions(self.prior, "the prior of the root", ["state"]))
        object.__setattr__(self, "edges", checked_edges(self.edges))
        order = self.order
        states: dict[Name, int] = {self.root: len(self.prior)}
        for name in order[1:]:
            edge = self._edge_to[name]
            if edge.table.shape[0] != states[edge.parent]:
                raise TensorRankError(
                    f"the table of the edge {edge.parent!r} -> {name!r} has {edge.table.shape[0]} rows; expected one "
                    f"for each of the {states[edge.parent]} states of {edge.parent!r}"
                )
            states[name] = edge.table.shape[1]
        object.__setattr__(self, "variables", self._numbered(self.variables))
        self._check_densities()

    def __repr__(self) -> str:
        hidden = [self.states[name] for name in self.latents]
        return f"LatentTree({self.sites} variables, {len(hidden)} hidden of at most {max(hidden)} states)"

    @cached_property
    def order(self) -> tuple[Name, ...]:
        """All nodes, parents before their children."""
        return tuple(from_the_root(self.root, self.edges))

    @cached_property
    def _edge_to(self) -> Mapping[Name, Edge]:
        return {edge.child: edge for edge in self.edges}

    @cached_property
    def children(self) -> Mapping[Name, tuple[Name, ...]]:
        """For each hidden variable its children, in the order of the edges; parents come before their children."""
        found: dict[Name, list[Name]] = {}
        for edge in self.edges:
            found.setdefault(edge.parent, []).append(edge.child)
        return {name: tuple(found[name]) for name in self.order if name in found}

    @property
    def latents(self) -> tuple[Name, ...]:
        """The hidden variables, parents before their children."""
        return tuple(self.children)

    @cached_property
    def labels(self) -> Mapping[Name, str]:
        """A text for each node that no other node has: its name, quoted if both 1 and "1" are names."""
        texts = {name: str(name) for name in self.order}
        return texts if len(set(texts.values())) == len(texts) else {name: repr(name) for name in self.order}

    def parent(self, name: Name) -> Name | None:
        """The parent of a node, None for the root.

        Raises:
            TensorRankError: if no node has the name.
        """
        return None if self._is_root(name) else self._edge(name).parent

    def table(self, name: Name) -> Table:
        """The table P(node | its parent); of the root the prior, as a single row.

        Raises:
            TensorRankError: if no node has the name.
        """
        return self.prior[None] if self._is_root(name) else self._edge(name).table

    def _is_root(self, name: Name) -> bool:
        return isinstance(name, int | str) and name == self.root

    def _edge(self, name: Name) -> Edge:
        try:
            return self._edge_to[name]
        except (KeyError, TypeError):  # unknown, or nothing that could be a key
            raise TensorRankError(f"no node is named {shown(name)}; expected one of {shown(list(self.order))}") from None

    @cached_property
    def states(self) -> Mapping[Name, int]:
        """The number of states of each node, hidden or observed."""
        return {self.root: len(self.prior), **{edge.child: edge.table.shape[1] for edge in self.edges}}

    @cached_property
    def leaves(self) -> tuple[Name, ...]:
        """The names of variables 0, 1, ..."""
        return tuple(self.variables or ())

    @property
    def site_names(self) -> tuple[Name, ...]:
        """The names of variables 0, 1, ...: those of the leaves."""
        return self.leaves

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of values (components) of each variable."""
        return tuple(self.states[name] for name in self.leaves)

    @property
    def parameters(self) -> int:
        """The number of free parameters: one less than entries for the prior and for each row of a table."""
        return free_parameters([self.prior[None], *(edge.table for edge in self.edges)])

    @property
    def table_entries(self) -> int:
        """The number of entries of the prior and of all edges' tables."""
        return len(self.prior) + sum(int(edge.table.size) for edge in self.edges)

    @property
    def circuit(self) -> Circuit:
        """The circuit: slots for each node by its parent's states, and for each node of several children by its own."""
        return self._compiled[0]

    @property
    def hidden_slots(self) -> Mapping[Name, Slots]:
        """The hidden variables, parents before their children, each with a slot for each state."""
        return self._compiled[1]

    @cached_property
    def _compiled(self) -> tuple[Circuit, Mapping[Name, Slots]]:
        site_of = {name: site for site, name in enumerate(self.leaves)}
        blocks = Blocks()
        messages: dict[Name, Slots] = {}
        states: dict[Name, Slots] = {}
        for name in reversed(self.order):
            if name in site_of:
                messages[name] = blocks.add(Leaves(site_of[name], self.table(name)))
                continue
            below = [messages.pop(child) for child in self.children[name]]
            states[name] = blocks.add(Products(np.array(below).T)) if len(below) > 1 else below[0]
            messages[name] = blocks.add(Sums(self.table(name), states[name]))
        return Circuit(tuple(blocks)), {name: states[name] for name in self.latents}

    def coefficients(self) -> TensorNetwork:
        """The network of tensors "prior" and "table NAME", which share a leg "state NAME" for each hidden variable."""
        names = self.labels
        legs = {name: f"state {names[name]}" for name in self.latents}
        legs |= {name: f"site {site}" for site, name in enumerate(self.leaves)}
        tensors = [Tensor("prior", (legs[self.root],), self.prior)]
        tensors += [
            Tensor(f"table {names[edge.child]}", (legs[edge.parent], legs[edge.child]), edge.table) for edge in self.edges
        ]
        return TensorNetwork(tuple(tensors), tuple(f"site {site}" for site in range(self.sites)))

    def restricted(self, sites: Collection[int | str]) -> LatentTree:
        """The marginal of some variables' components, numbered anew in their order, with the tables that lead to them.

        >>> LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0).restricted({0, 3})
        LatentTree(2 variables, 3 hidden of at most 2 states)
        """
        kept = [self.leaves[site] for site in sorted(self.variables_given(sites))]
        needed: set[Name] = set()
        for leaf in kept:
            name: Name | None = leaf
            while name is not None and name not in needed:
                needed.add(name)
                name = self.parent(name)
        edges = tuple(edge for edge in self.edges if edge.child in needed)
        return LatentTree(self.root, self.prior, edges, kept)

    def latent_tree(self) -> LatentTree:
        """The model itself."""
        return self

    def toward_tree(self, limit: float = inf) -> LatentTree:
        """The model itself."""
        return self

    def _marginal_network(self, sites: Sequence[int]) -> TensorNetwork:
        """The network of the restricted tree, which is smaller and faster to contract."""
        return self.restricted(sites).coefficients()

    def fields(self) -> dict[str, Any]:
        """The root, its prior and the edges; the variables where the leaves' names do not number them."""
        edges = [{"parent": edge.parent, "child": edge.child, "table": written(edge.table)} for edge in self.edges]
        variables = {} if self.numbering == self.leaves else {"variables": list(self.leaves)}
        return {"root": self.root, "prior": written(self.prior), "edges": edges, **variables}

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("root", "prior", "edges", optional=("variables",))
        edges = []
        for where, given in fields.entries("edges"):
            edge = Fields.within(given, where, ("parent", "child", "table"))
            edges.append(Edge(edge.name("parent"), edge.name("child"), edge.table("table")))
        variables = None
        if "variables" in fields:
            variables = [checked_name(name, "an entry of 'variables'") for name in fields.sequence("variables")]
        return cls(fields.name("root"), fields.table("prior"), tuple(edges), variables, densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The number of hidden variables, the most states of one, and the leaves in the order of the variables."""
        states = max(self.states[name] for name in self.latents)
        return {"hidden": len(self.latents), "states": states, "leaves": list(self.leaves)}

    def own_lines(self) -> list[tuple[str, str]]:
        """The hidden variables; the names of the leaves where these are not their numbers."""
        sizes = self.own_sizes()
        lines = [("hidden", f"{sizes['hidden']} variables of at most {sizes['states']} states")]
        if self.leaves != tuple(range(self.sites)):
            named = [f"{name!r} is variable {site}" for site, name in enumerate(self.leaves[:_MOST_NAMED])]
            more = f" and {self.sites - _MOST_NAMED} more" if self.sites > _MOST_NAMED else ""
            lines.append(("leaves", ", ".join(named) + more))
        return lines

    def replaced(self, image: Callable[[Table], Table], densities: Gaussians | None) -> Self:
        """The model with the image of each table in its place, and with these components."""
        edges = tuple(Edge(edge.parent, edge.child, image(edge.table)) for edge in self.edges)
        return type(self)(self.root, image(self.prior), edges, self.variables, densities=densities)

    @classmethod
    def fit_report(
        cls,
        data: ArrayLike,
        states: int = 2,
        random_state: int | np.random.Generator = 0,
        *,
        tree: Annotated[Literal["balanced", "chow_liu"] | Sequence[int], CHECKED_WHERE_USED] = "balanced",
        branching: int = 2,
        **options: Unpack[FitOptions],
    ) -> FitReport[Self]:
        """Fits a latent tree model to data by expectation-maximisation (EM), on a tree given or made for the data.

        Args:
            data: whole numbers or real numbers of shape (rows, sites), or real numbers of shape (rows, sites,
                features). Missing values, as of `log_density`, are summed out.
            states: the number of states of each hidden variable.
            random_state: a whole number or a numpy Generator.
            tree: "balanced", a balanced tree over the variables in order; "chow_liu", a hidden variable for each
                observed one, joined by the tree of the variables with the greatest mutual informations along its edges
                (Chow, Liu 1968); or a list of the parents of nodes 1, 2, ..., as `random` takes it.
            branching: how many children the hidden variables of the balanced tree have: 64, 8, 4 and 2 make 1, 2, 3 and
                6 levels over 64 variables.
            **options: the options of every fit, which `FitOptions` names.

        >>> LatentTree.fit([[0, 0, 1, 1]] * 5 + [[1, 1, 0, 0]] * 5)
        LatentTree(4 variables, 3 hidden of at most 2 states)
        """
        made = Skeletons.of(data, options)
        r = made.states("states", states, shared=False, joints=1)
        plain = cls.random(parents_of(tree, made.observed, branching), r, 1, 0)
        tables = {leaf: made.emission(r, site) for site, leaf in enumerate(plain.leaves)}
        edges = tuple(Edge(edge.parent, edge.child, tables.get(edge.child, uniform(r, r))) for edge in plain.edges)
        skeleton = cls(plain.root, uniform(r), edges, plain.leaves, densities=made.components(r, shared=False))
        return made.fit(skeleton, random_state)

    @classmethod
    def random(
        cls, parents: Sequence[int], states: int, symbols: int, seed: int | np.random.Generator, *, fractions: bool = False
    ) -> LatentTree:
        """Random tables on a given tree.

        Args:
            parents: for node 1, 2, ... the number of its parent, smaller than its own; 0 is the root. Nodes without
                children are the variables, in this order.
            states: the number of states of the hidden variables.
            symbols: the number of values of the observed ones.
            seed: a whole number or a numpy Generator.
            fractions: whether entries are fractions.

        Raises:
            TensorRankError: if numbers are too small, or a parent does not come before its child.

        >>> LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0)
        LatentTree(4 variables, 3 hidden of at most 2 states)
        """
        rng = random_stream(seed)
        states, symbols = whole_number("states", states, 1), whole_number("symbols", symbols, 1)
        expected = "at least one, each smaller than its child's number"
        above = [whole_number("a parent", parent, 0) for parent in several("parents", parents, expected)]
        if any(parent > node for node, parent in enumerate(above)):
            raise TensorRankError(f"parents are {shown(above)}; expected {expected}")
        hidden = set(above)
        inner = len(hidden) - 1
        entries = states + inner * states**2 + (len(above) - inner) * states * symbols
        check_entries(entries, f"the tables of {len(above)} edges", fractions=fractions)
        leaves = [node for node in range(1, len(above) + 1) if node not in hidden]
        names: dict[int, Name] = {node: f"z{node}" for node in hidden} | {node: site for site, node in enumerate(leaves)}
        edges = [
            Edge(
                names[parent],
                names[node],
                random_distributions((states, states if node in hidden else symbols), rng, fractions=fractions),
            )
            for node, parent in enumerate(above, start=1)
        ]
        return cls("z0", random_distributions((states,), rng, fractions=fractions), tuple(edges))

    @property
    def numbering(self) -> tuple[Name, ...] | None:
        """The leaves in the order of the variables as their names alone tell it; None if the names leave it open."""
        leaves = [name for name in self.order if name not in self.children]
        numbers = sorted(name for name in leaves if isinstance(name, int))
        if len(numbers) == len(leaves) and (
            numbers == list(range(len(leaves))) or all(isinstance(name, int) for name in self.order)
        ):
            return tuple(numbers)
        if numbers or any(str(name).isdecimal() for name in leaves):
            return None
        placed = {edge.child: place for place, edge in enumerate(self.edges)}
        return tuple(sorted(leaves, key=lambda name: placed[name]))

    def _numbered(self, variables: Sequence[Name] | None) -> tuple[Name, ...]:
        leaves = [name for name in self.order if name not in self.children]
        named = ", ".join(map(repr, leaves))
        if variables is None:
            if self.numbering is None:
                raise TensorRankError(
                    f"the leaves are named {named}, which leaves open what number each has as a variable; expected 0 "
                    f"to {len(leaves) - 1}, or their names in order as variables"
                )
            return self.numbering
        given = things(variables) or ()
        if len(given) != len(leaves) or not all(map(is_name, given)) or set(given) != set(leaves):
            raise TensorRankError(f"the variables are {shown(variables)}; expected each leaf once: {named}")
        return given
