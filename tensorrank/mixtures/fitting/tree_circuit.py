"""A circuit as a tree of blocks, each taken once and whole by one block above it; and which blocks share a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, TakenSlots
from tensorrank.mixtures.tables import Table, floats

NO_GROUP = -1


@dataclass(frozen=True, eq=False)
class TreeCircuit:
    """A circuit whose blocks make a tree, with the last one as the root, which has a single slot.

    Circuits that use a block in part, more than once or never are refused.

    >>> from tensorrank.mixtures.evaluation.circuit import Sums
    >>> coin = np.array([[0.9, 0.1], [0.5, 0.5]])
    >>> pair = (Leaves(0, coin), Leaves(1, coin), Products(np.array([[0, 2], [1, 3]])))
    >>> tree = TreeCircuit(Circuit((*pair, Sums(np.array([[0.25, 0.75]]), np.array([4, 5])))))
    >>> tree.below, tree.groups
    (((), (), (0, 1), (2,)), (0, 0, -1, 1))
    """

    circuit: Circuit

    def __post_init__(self) -> None:
        used = sorted(block for below in self.below for block in below)
        if used != list(range(len(self.circuit.blocks) - 1)) or self.circuit.blocks[-1].size != 1:
            raise TensorRankError(
                "the circuit is no tree of blocks; expected each block but the last to be used once, and a last one of "
                "a single slot: latent trees, hidden Markov, latent class and tensorial mixture models can be fitted"
            )

    @cached_property
    def below(self) -> tuple[tuple[int, ...], ...]:
        """The numbers of the blocks that each block takes, -1 for one that is not taken whole."""
        return tuple(tuple(map(self._whole, operands)) for operands in self.circuit.taken)

    @cached_property
    def group_of(self) -> dict[int, int]:
        """The numbers of the different tables by their identities, in the order in which blocks use them."""
        return {one: group for group, one in enumerate(self._different)}

    @cached_property
    def groups(self) -> tuple[int, ...]:
        """The number of each block's table; blocks that share an array share the number, products have NO_GROUP."""
        return tuple(
            NO_GROUP if isinstance(block, Products) else self.group_of[identity(block.table)] for block in self.circuit.blocks
        )

    @cached_property
    def tables(self) -> tuple[Floats, ...]:
        """The different tables in float64, by the numbers of their groups; rows sum to one up to rounding."""
        return tuple(table / table.sum(axis=1, keepdims=True) for table in map(floats, self._different.values()))

    @cached_property
    def _different(self) -> dict[int, Table]:
        return {identity(block.table): block.table for block in self.circuit.blocks if not isinstance(block, Products)}

    @cached_property
    def slots(self) -> int:
        """How many slots there are apart from leaves."""
        return sum(block.size for block in self.circuit.blocks if not isinstance(block, Leaves))

    def known(self, sites: NDArray[np.bool_]) -> list[NDArray[np.bool_] | None]:
        """The rows in which a variable below a block is known, for each block; None for all rows.

        Variables known in each row are given, (rows, sites).
        """
        found: list[NDArray[np.bool_] | None] = []
        for block, below in zip(self.circuit.blocks, self.below, strict=True):
            if isinstance(block, Leaves):
                rows = sites[:, block.site]
                found.append(None if rows.all() else np.ascontiguousarray(rows))
                continue
            parts = [part for part in (found[number] for number in below) if part is not None]
            rows = np.logical_or.reduce(parts) if len(parts) == len(below) else np.ones(1, dtype=bool)
            found.append(None if rows.all() else rows)
        return found

    def with_tables(self, tables: Sequence[Floats]) -> Circuit:
        """The circuit with other tables, by the numbers of their groups."""
        return self.circuit.with_tables([tables[group] for group in self.groups])

    def _whole(self, operand: Sequence[TakenSlots]) -> int:
        """The number of the block whose slots an operand is, all of them in order; or -1."""
        first = operand[0]
        return first.block if np.array_equal(first.slots, np.arange(self.circuit.blocks[first.block].size)) else -1


def identity(table: Table) -> int:
    """A number that a table has in common with its views, such as the prior as a single row."""
    return id(table if table.base is None else table.base)
