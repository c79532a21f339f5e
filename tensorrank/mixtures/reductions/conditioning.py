"""Conditional tables of a few nodes of a latent tree, given the states of others around them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.tables import TOLERANCE, Table, floats, holds_fractions


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a tree that some nodes cut out, which depends on the rest of the tree only through these nodes."""

    # The node of the cut that is the parent of the region's top; None if the region holds the root.
    above: Name | None
    # The nodes of the cut whose parents lie in the region.
    beside: tuple[Name, ...] = ()


@dataclass(frozen=True, eq=False)
class Conditionals:
    """The conditional tables of some nodes of a tree, over fractions if all of the tree's tables are, else float64.

    Entries are sums of products of the tree's entries, divided only for a region with nodes beside it. The table of one
    node given its parent is a copy.
    """

    tree: LatentTree

    @cached_property
    def over_fractions(self) -> bool:
        """Whether all tables hold fractions."""
        return holds_fractions(self.tree.prior) and all(holds_fractions(edge.table) for edge in self.tree.edges)

    @cached_property
    def _marginals(self) -> dict[Name, Table]:
        return {self.tree.root: self._own(self.tree.prior)}

    def given(self, targets: Sequence[Name], region: Region, states: Mapping[Name, Integers], rows: int) -> Table:
        """The table P(targets | nodes around a region), with a row for each of some joint states of these nodes.

        The targets are nodes of the region, hidden or observed, in any order. `states` has for each node around the
        region its state in each joint state, all of positive probability. The shape is (rows, product of the targets'
        states), the last target running fastest. Rows of floats that miss one by more than the tolerance for given
        tables are divided by their sums.
        """
        nodes, table = self._joint((*region.beside, *targets), region.above)
        strides = _strides([self.tree.states[name] for name in nodes])
        at = dict(zip(nodes, strides, strict=True))
        start = np.zeros(rows, dtype=np.int64)
        for name in region.beside:
            start += at[name] * states[name]
        if region.above is not None:
            start += table.shape[1] * states[region.above]
        different, which = np.unique(start, return_inverse=True)
        ends = np.zeros(1, dtype=np.int64)
        for name in targets:
            ends = np.add.outer(ends, at[name] * np.arange(self.tree.states[name])).reshape(-1)
        found = table.reshape(-1)[different[:, None] + ends]
        if region.beside:
            found = found / found.sum(axis=1, keepdims=True)
        return self.settled(found)[which.reshape(-1)]

    def settled(self, table: Table) -> Table:
        """The table; rows of floats whose sums are too far from one are divided by these."""
        if self.over_fractions:
            return table
        sums = table.sum(axis=1, keepdims=True)
        return np.where(np.abs(sums - 1) > TOLERANCE / 2, table / sums, table)

    def _joint(self, nodes: Sequence[Name], above: Name | None) -> tuple[tuple[Name, ...], Table]:
        """The table P(nodes | the node above), of shape (states above or 1, joint states), its nodes in order."""
        path = self._spanned(nodes, above)
        wanted = set(nodes)
        messages: dict[Name | None, list[tuple[tuple[Name, ...], Table]]] = {}
        top = path[0]
        for name in reversed(path):
            order: tuple[Name, ...] = ()
            product = self._ones(self.tree.states[name])
            for names, message in messages.pop(name, []):
                order += names
                product = (product[:, :, None] * message[:, None, :]).reshape(len(product), -1)
            table = self._own(self.tree.table(name))
            if name == top and above is None:
                table = self._marginal(name)[None]
            if name in wanted:
                order = (name, *order)
                product = (table[:, :, None] * product[None, :, :]).reshape(len(table), -1)
            else:
                product = table @ product
            messages.setdefault(None if name == top else self.tree.parent(name), []).append((order, product))
        return messages[None][0]

    def _spanned(self, nodes: Iterable[Name], above: Name | None) -> list[Name]:
        """The nodes on the paths from some up to a child of `above`, or to where the paths meet; parents first."""
        depths: dict[Name, int] = {}
        for node in nodes:
            climbed = []
            name: Name | None = node
            while name is not None and name != above and name not in depths:
                climbed.append(name)
                name = self.tree.parent(name)
            start = -1 if name is None else depths.get(name, -1)
            depths |= {one: start + 1 + place for place, one in enumerate(reversed(climbed))}
        path = sorted(depths, key=lambda one: depths[one])
        if above is not None:
            return path
        # From the root on, drop nodes that were not asked for, down to the one where paths part.
        asked = set(nodes)
        alone = 0
        while path[alone] not in asked and (alone + 2 == len(path) or depths[path[alone + 2]] > alone + 1):
            alone += 1
        return path[alone:]

    def _marginal(self, name: Name) -> Table:
        missing = [name]
        while missing[-1] not in self._marginals:
            above = self.tree.parent(missing[-1])
            assert above is not None
            missing.append(above)
        for before, after in zip(reversed(missing[1:]), reversed(missing[:-1]), strict=True):
            self._marginals[after] = self._marginals[before] @ self._own(self.tree.table(after))
        return self._marginals[name]

    def _own(self, table: Table) -> Table:
        return table if self.over_fractions else floats(table)

    def _ones(self, states: int) -> Table:
        return np.ones((states, 1), dtype=object if self.over_fractions else np.float64)


def numbered(codes: Mapping[Name, Integers], names: Sequence[Name], states: Mapping[Name, int]) -> Integers:
    """The numbers of joint states from the states of some nodes, the last node running fastest."""
    strides = _strides([states[name] for name in names])
    return np.asarray(sum(stride * codes[name] for name, stride in zip(names, strides, strict=True)))


def unravelled(codes: Integers, names: Sequence[Name], states: Mapping[Name, int]) -> dict[Name, Integers]:
    """The states of some nodes from the numbers of their joint states, the last node running fastest."""
    sizes = [states[name] for name in names]
    return {name: codes // stride % size for name, stride, size in zip(names, _strides(sizes), sizes, strict=True)}


def _strides(sizes: Sequence[int]) -> list[int]:
    return [prod(sizes[place + 1 :]) for place in range(len(sizes))]


def check_memory(entries: int, what: str) -> None:
    """Refuse tables beyond the memory that may be used, at 8 bytes an entry: a float, or a reference to a fraction."""
    smaller = "the number of states or the rank of an unfolding, which need no tables"
    refuse_beyond(memory_limit(None), 8 * entries, what, smaller)
