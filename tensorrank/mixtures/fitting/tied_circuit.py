"""A circuit and its different tables, which are what a fit changes: blocks that share an array share what is learnt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tensorrank.arithmetic.arrays import Floats
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products
from tensorrank.mixtures.evaluation.passes import Passes
from tensorrank.mixtures.evaluation.plan import TABLE
from tensorrank.mixtures.tables import Table, floats


@dataclass(frozen=True, eq=False)
class TiedCircuit:
    """A circuit whose tables have distributions as rows; what shares an array stays equal in a fit.

    Attributes:
        passes: the passes over the circuit.

    >>> import numpy as np
    >>> coin = np.array([[0.9, 0.1], [0.5, 0.5]])
    >>> pair = (Leaves(0, coin), Leaves(1, coin), Products(np.array([[0, 2], [1, 3]])))
    >>> from tensorrank.mixtures.evaluation.circuit import Sums
    >>> tied = TiedCircuit(Passes(Circuit((*pair, Sums(np.array([[0.25, 0.75]]), np.array([4, 5]))))))
    >>> tied.groups, tied.sites
    ((0, 0, None, 1), ((0, 1), ()))
    """

    passes: Passes

    def __post_init__(self) -> None:
        if self.circuit.blocks[-1].size != 1:
            raise TensorRankError(
                f"the last block of the circuit has {self.circuit.blocks[-1].size} slots; expected one, the density"
            )

    @property
    def circuit(self) -> Circuit:
        """The circuit."""
        return self.passes.plan.circuit

    @property
    def _given(self) -> list[Table]:
        return self.passes.plan.given

    @cached_property
    def groups(self) -> tuple[int | None, ...]:
        """The number of each block's table; blocks that share an array share the number, products have none."""
        numbers = self.passes.plan.blocks[:, TABLE].tolist()
        blocks = zip(self.circuit.blocks, numbers, strict=True)
        return tuple(None if isinstance(block, Products) else number for block, number in blocks)

    @cached_property
    def sites(self) -> tuple[tuple[int, ...], ...]:
        """For each table the variables whose leaves have it."""
        found: list[list[int]] = [[] for _ in self._given]
        for block, group in zip(self.circuit.blocks, self.groups, strict=True):
            if isinstance(block, Leaves) and group is not None:
                found[group].append(block.site)
        return tuple(map(tuple, found))

    @cached_property
    def tables(self) -> tuple[Floats, ...]:
        """The different tables in float64; rows sum to one up to rounding."""
        return tuple(table / table.sum(axis=1, keepdims=True) for table in map(floats, self._given))

    @cached_property
    def group_of(self) -> dict[int, int]:
        """The numbers of the different tables by their identities."""
        return {identity(table): group for group, table in enumerate(self._given)}


def identity(table: Table) -> int:
    """A number that a table has in common with its views, such as the prior as a single row."""
    return id(table if table.base is None else table.base)
