"""Latent tree models: any rooted tree of hidden variables with the observed ones at its leaves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from math import inf
from typing import Annotated, Any, ClassVar, Literal, Self, Unpack

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import several, shown, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Edge, Name, checked_edges
from tensorrank.mixtures.evaluation.circuit import Circuit, Slots
from tensorrank.mixtures.fitting.fittable import Fittable
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.skeletons import Skeletons, uniform
from tensorrank.mixtures.fitting.structures import parents_of
from tensorrank.mixtures.formats.fields import Fields
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.rooted_tree import RootedTree
from tensorrank.mixtures.tables import Table, check_entries, distributions, free_parameters, random_distributions
from tensorrank.networks.network import TensorNetwork

__all__ = ["Edge", "LatentTree", "Name"]


@dataclass(frozen=True, eq=False, repr=False)
class LatentTree(RootedTree, Fittable):
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
        self._check_tree()
        self._check_densities()

    def __repr__(self) -> str:
        hidden = [self.states[name] for name in self.latents]
        return f"LatentTree({self.sites} variables, {len(hidden)} hidden of at most {max(hidden)} states)"

    @property
    def parameters(self) -> int:
        """The number of free parameters: one less than entries for the prior and for each row of a table."""
        return free_parameters([self.prior[None], *(edge.table for edge in self.edges)])

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
        return self._circuit_of(self.table)

    def coefficients(self) -> TensorNetwork:
        """The network of tensors "prior" and "table NAME", which share a leg "state NAME" for each hidden variable."""
        return self._network_of(self.table, lambda name: "state")

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
        return self._tree_fields()

    @classmethod
    def from_fields(cls, fields: Fields) -> Self:
        """The model of a file's fields."""
        fields.check("root", "prior", "edges", optional=("variables",))
        return cls(*cls._tree_of_fields(fields), densities=fields.densities())

    def own_sizes(self) -> dict[str, Any]:
        """The number of hidden variables, the most states of one, and the leaves in the order of the variables."""
        return self._tree_sizes()

    def own_lines(self) -> list[tuple[str, str]]:
        """The hidden variables; the names of the leaves where these are not their numbers."""
        return self._tree_lines()

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
