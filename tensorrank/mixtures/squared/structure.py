"""The structure of squared mixtures: what is summed after squaring, which tables hold weights, and pairs of states."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from tensorrank.arguments import shown, things
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.rooted_tree import RootedTree
from tensorrank.mixtures.squared.pairs import Pairs, pair_table, pairs_count
from tensorrank.mixtures.tables import Table, check_entries, nonnegative


class SquaredTree(RootedTree):
    """A rooted tree of amplitudes that are squared, some of whose hidden variables are summed after squaring.

    Attributes:
        summed: the names of the hidden variables that are summed after squaring.
    """

    summed: Collection[Name]

    def _checked_names(self, given: Any) -> tuple[Name, ...]:
        names = None if isinstance(given, Mapping) else things(given)
        if names is None:
            raise TensorRankError(f"summed is {shown(given)}; expected names of hidden variables, such as ('z',)")
        odd = [name for name in names if not isinstance(name, int | str) or name not in self.children]
        if odd or len(set(names)) < len(names):
            raise TensorRankError(
                f"summed are {shown(names)}; expected different ones of the hidden variables {shown(list(self.latents))}"
            )
        return tuple(name for name in self.latents if name in names)

    def _holds_weights(self, name: Name) -> bool:
        """Whether the table that leads to a node holds squares of amplitudes: only these count there."""
        apart = name in self._apart
        return apart if name == self.root else apart and self._edge(name).parent in self._apart

    @cached_property
    def _apart(self) -> frozenset[Name]:
        """The nodes whose states are summed after squaring: observed ones, and the hidden ones in `summed`."""
        return frozenset((*self.leaves, *self.summed))

    def _check_weights(self) -> None:
        """Refuse negative entries where tables hold squares of amplitudes."""
        for name in self.order:
            if not self._holds_weights(name):
                continue
            if name == self.root:
                nonnegative(self.prior, "the prior of the root, which holds weights of a summed variable,", ["state"])
            else:
                axes = [f"state of {self._edge(name).parent!r}", f"state of {name!r}"]
                what = f"the table of the edge to {name!r}, which holds weights below a summed variable,"
                nonnegative(self.table(name), what, axes)

    @property
    def _amplitudes(self) -> bool:
        """Whether a hidden variable is not summed."""
        return len(self.summed) < len(self.latents)

    @cached_property
    def _pairs(self) -> Mapping[Name, Pairs]:
        return {name: Pairs.of(self.states[name], equal=name in self._apart) for name in self.order}

    @cached_property
    def _pair_tables(self) -> Mapping[Name, Table]:
        """The table of pairs that leads to each node, that of the root as a single row; tables may be shared."""
        entries = sum(self._pairs_above(name) * self.pairs_at(name) for name in self.order)
        check_entries(entries, f"the tables of pairs of states of {self!r}", fractions=True)
        made: dict[tuple[int, bool, bool], Table] = {}
        found: dict[Name, Table] = {}
        for name in self.order:
            given = self.prior if name == self.root else self.table(name)
            above = None if name == self.root else self._edge(name).parent
            key = (id(given), name in self._apart, above in self._apart)
            if key not in made:
                parent = Pairs.of(1, equal=True) if above is None else self._pairs[above]
                table = self.table(name)
                made[key] = table if self._holds_weights(name) else pair_table(table, parent, self._pairs[name])
            found[name] = made[key]
        return found

    def _pairs_above(self, name: Name) -> int:
        """The pairs of the states of a node's parent; 1 above the root."""
        return 1 if name == self.root else self.pairs_at(self._edge(name).parent)

    def pairs_at(self, name: Name) -> int:
        """The pairs of a node's states, r (r + 1) / 2, or r if they are summed: the rank at its edge is at most that.

        >>> from tensorrank.mixtures.squared.model import SquaredMixture
        >>> SquaredMixture.random([0, 0, 1, 1, 2, 2], 3, 2, seed=0).pairs_at("z1")
        6
        """
        self.table(name)
        return pairs_count(self.states[name], equal=name in self._apart)
