"""Rooted trees of hidden variables with the observed ones at their leaves: what all models on such trees share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from tensorrank.arguments import shown, things
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Edge, Name, from_the_root, is_name
from tensorrank.mixtures.evaluation.circuit import Blocks, Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.formats.fields import Fields, checked_name
from tensorrank.mixtures.formats.written_tables import written
from tensorrank.mixtures.tables import Table
from tensorrank.networks.network import Tensor, TensorNetwork

# Of more leaves only so many are shown.
_MOST_NAMED = 12


class RootedTree:
    """A rooted tree with a vector at its root and a table on each edge, whose leaves are the variables 0, 1, ...

    Attributes:
        root: the name of the root.
        prior: the vector over the root's states.
        edges: an `Edge` for each node but the root.
        variables: the names of the leaves, in the order of variables 0, 1, ...
    """

    root: Name
    prior: Table
    edges: tuple[Edge, ...]
    variables: Sequence[Name] | None

    def _check_tree(self) -> None:
        """Refuse tables that do not fit their parents, and number the leaves as variables."""
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
    def table_entries(self) -> int:
        """The number of entries of the prior and of all edges' tables."""
        return len(self.prior) + sum(int(edge.table.size) for edge in self.edges)

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

    def _circuit_of(self, table: Callable[[Name], Table]) -> tuple[Circuit, Mapping[Name, Slots]]:
        """The circuit with these tables, that of the root as a single row, and the slots of each hidden variable.

        There are slots for each node by its parent's states, and for each node of several children by its own.
        """
        site_of = {name: site for site, name in enumerate(self.leaves)}
        blocks = Blocks()
        messages: dict[Name, Slots] = {}
        states: dict[Name, Slots] = {}
        for name in reversed(self.order):
            if name in site_of:
                messages[name] = blocks.add(Leaves(site_of[name], table(name)))
                continue
            below = [messages.pop(child) for child in self.children[name]]
            states[name] = blocks.add(Products(np.array(below).T)) if len(below) > 1 else below[0]
            messages[name] = blocks.add(Sums(table(name), states[name]))
        return Circuit(tuple(blocks)), {name: states[name] for name in self.latents}

    def _network_of(self, table: Callable[[Name], Table], word: Callable[[Name], str]) -> TensorNetwork:
        """The network of these tables, "prior" and "table NAME", which share a leg for each hidden variable.

        The leg is called by a word, such as "state", and the name.
        """
        names = self.labels
        legs = {name: f"{word(name)} {names[name]}" for name in self.latents}
        legs |= {name: f"site {site}" for site, name in enumerate(self.leaves)}
        tensors = [Tensor("prior", (legs[self.root],), table(self.root)[0])]
        tensors += [
            Tensor(f"table {names[edge.child]}", (legs[edge.parent], legs[edge.child]), table(edge.child))
            for edge in self.edges
        ]
        return TensorNetwork(tuple(tensors), tuple(f"site {site}" for site in range(len(self.leaves))))

    def _tree_fields(self) -> dict[str, Any]:
        """The fields of the tree in files: the variables only where the leaves' names do not number them."""
        edges = [{"parent": edge.parent, "child": edge.child, "table": written(edge.table)} for edge in self.edges]
        variables = {} if self.numbering == self.leaves else {"variables": list(self.leaves)}
        return {"root": self.root, "prior": written(self.prior), "edges": edges, **variables}

    @staticmethod
    def _tree_of_fields(fields: Fields) -> tuple[Name, Table, tuple[Edge, ...], list[Name] | None]:
        """The root, its prior, the edges and the variables of a file's fields."""
        edges = []
        for where, given in fields.entries("edges"):
            edge = Fields.within(given, where, ("parent", "child", "table"))
            edges.append(Edge(edge.name("parent"), edge.name("child"), edge.table("table")))
        variables = None
        if "variables" in fields:
            variables = [checked_name(name, "an entry of 'variables'") for name in fields.sequence("variables")]
        return fields.name("root"), fields.table("prior"), tuple(edges), variables

    def _tree_sizes(self) -> dict[str, Any]:
        """The number of hidden variables, the most states of one, and the leaves in the order of the variables."""
        states = max(self.states[name] for name in self.latents)
        return {"hidden": len(self.latents), "states": states, "leaves": list(self.leaves)}

    def _tree_lines(self) -> list[tuple[str, str]]:
        """The hidden variables; the names of the leaves where these are not their numbers."""
        sizes = self._tree_sizes()
        lines = [("hidden", f"{sizes['hidden']} variables of at most {sizes['states']} states")]
        if self.leaves != tuple(range(len(self.leaves))):
            named = [f"{name!r} is variable {site}" for site, name in enumerate(self.leaves[:_MOST_NAMED])]
            more = f" and {len(self.leaves) - _MOST_NAMED} more" if len(self.leaves) > _MOST_NAMED else ""
            lines.append(("leaves", ", ".join(named) + more))
        return lines
