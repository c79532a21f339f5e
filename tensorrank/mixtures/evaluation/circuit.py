"""Circuits, as which all mixtures are evaluated.

A circuit is a sequence of slots. Each slot is a nonnegative function of some variables: a leaf, or a sum or a product
of earlier slots. Slots of one kind that belong together make a circuit block; the last slot is the density. A latent
variable is a block of sums with a slot for each state. A node of a sum-product network is a slot of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.mixtures.tables import Table, floats, holds_fractions

Slots = Integers
# Products of so many pairs of entries over GF(p) take less time one by one than as a product of matrices.
_SMALL_PRODUCT = 2**12
# What a block takes: neighbouring slots, or those with given numbers.
Taken: TypeAlias = "slice | Slots"


@dataclass(frozen=True, eq=False)
class Leaves:
    """A slot for each row of the table: sum over j of table[slot, j] * f_j(x_site)."""

    site: int
    table: Table

    @property
    def size(self) -> int:
        """The number of slots."""
        return int(self.table.shape[0])


@dataclass(frozen=True, eq=False)
class Products:
    """A slot for each row of factors: the product of the slots with these numbers."""

    factors: Slots

    @property
    def size(self) -> int:
        """The number of slots."""
        return int(self.factors.shape[0])


@dataclass(frozen=True, eq=False)
class Sums:
    """A slot for each row of the table: the sum over i of table[slot, i] * slot terms[i]; terms are different."""

    table: Table
    terms: Slots

    @property
    def size(self) -> int:
        """The number of slots."""
        return int(self.table.shape[0])


CircuitBlock: TypeAlias = "Leaves | Products | Sums"


class Blocks(list[CircuitBlock]):
    """The blocks of a circuit that is being built."""

    size = 0

    def add(self, block: CircuitBlock) -> Slots:
        """Append a block and return its slots."""
        self.append(block)
        self.size += block.size
        return np.arange(self.size - block.size, self.size)


@dataclass(frozen=True, eq=False)
class TakenSlots:
    """Slots of one block that another one takes.

    Attributes:
        block: the number of the block that they belong to.
        slots: their numbers within that block.
        places: their places in the operand of the block that takes them.
    """

    block: int
    slots: Slots
    places: Slots


@dataclass(frozen=True, eq=False)
class Circuit:
    """Blocks of slots, numbered through; the last slot is the density.

    >>> coins = Leaves(0, np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> circuit = Circuit((coins, Sums(np.array([[0.25, 0.75]]), np.arange(2))))
    >>> circuit.values([np.eye(2)])  # at x_0 = 0 and x_0 = 1
    array([0.6, 0.4])
    """

    blocks: tuple[CircuitBlock, ...]

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The first slot of each block, and the number of all slots."""
        return tuple(int(start) for start in np.cumsum([0, *(block.size for block in self.blocks)]))

    @property
    def slots(self) -> int:
        """The number of slots."""
        return self.starts[-1]

    @cached_property
    def over_fractions(self) -> bool:
        """Whether all tables hold Fractions."""
        return all(holds_fractions(block.table) for block in self.blocks if not isinstance(block, Products))

    @cached_property
    def float_tables(self) -> tuple[Array, ...]:
        """The table of each block in float64, of no entries for products."""
        return self._tables(floats)

    @cached_property
    def parts(self) -> tuple[tuple[Taken, ...], ...]:
        """The operands of each block, by the numbers of their slots in the whole circuit; slices for neighbours."""
        return tuple(tuple(map(as_slice, operands(block))) for block in self.blocks)

    @cached_property
    def taken(self) -> tuple[tuple[tuple[TakenSlots, ...], ...], ...]:
        """The operands of each block, each as slots of one or more earlier blocks."""
        return tuple(tuple(map(self._by_block, operands(block))) for block in self.blocks)

    def _by_block(self, slots: Slots) -> tuple[TakenSlots, ...]:
        starts = np.array(self.starts)
        blocks = np.searchsorted(starts, slots, side="right") - 1
        local = slots - starts[blocks]
        places = {int(block): np.flatnonzero(blocks == block) for block in np.unique(blocks)}
        return tuple(TakenSlots(block, local[here], here) for block, here in places.items())

    def with_tables(self, tables: Sequence[Array]) -> Circuit:
        """The circuit with other tables, one for each block; the tables of products are not used."""
        blocks = zip(self.blocks, tables, strict=True)
        return Circuit(tuple(block if isinstance(block, Products) else replace(block, table=table) for block, table in blocks))

    def values(self, inputs: Sequence[Array]) -> Array:
        """The density at so many inputs by plain arithmetic, which may underflow: in floats, or exactly.

        Args:
            inputs: for each site an array (rows, components) of the values of its component densities; Fractions
                (objects) give exact results if the tables are exact.
        """
        exact = self.over_fractions and all(array.dtype == object for array in inputs)
        tables = self._tables(lambda table: table) if exact else self.float_tables
        return self._last(inputs, tables, object if exact else np.float64, np.matmul, lambda product: product)

    def residues(self, inputs: Sequence[Residues], field: PrimeField) -> Residues:
        """The density over GF(p) at so many inputs, by the exact images of the tables.

        Args:
            inputs: for each site an array (rows, components) of residues 0..p-1.
            field: GF(p).

        Raises:
            PrimeError: if p divides a denominator of an entry.
        """
        tables = self._tables(field.image)

        def matmul(table: Residues, values: Residues) -> Residues:
            if table.size * values.shape[1] > _SMALL_PRODUCT:
                return field.matmul(table, values)
            # Products of two residues are below 2^62.
            return np.asarray((table[:, :, None] * values % field.prime).sum(axis=1) % field.prime)

        return self._last(inputs, tables, np.int64, matmul, lambda product: product % field.prime)

    def _last(
        self,
        inputs: Sequence[Array],
        tables: Sequence[Array],
        dtype: Any,
        matmul: Callable[[Array, Array], Array],
        reduced: Callable[[Array], Array],
    ) -> Array:
        values: Array = np.empty((self.slots, len(inputs[0])), dtype=dtype)
        for out, block, table, parts in self.steps(tables):
            match block:
                case Leaves():
                    values[out] = matmul(table, inputs[block.site].T)
                case Products():
                    product = values[parts[0]]
                    for part in parts[1:]:
                        product = reduced(product * values[part])
                    values[out] = product
                case Sums():
                    values[out] = matmul(table, values[parts[0]])
        return np.asarray(values[-1])

    def steps(self, tables: Sequence[Array]) -> Iterator[tuple[slice, CircuitBlock, Array, tuple[Taken, ...]]]:
        """The blocks in order, each as its slots, itself, its table, and its operands."""
        for number, block in enumerate(self.blocks):
            yield slice(*self.starts[number : number + 2]), block, tables[number], self.parts[number]

    def _tables(self, image: Callable[[Table], Array]) -> tuple[Array, ...]:
        """The image of each block's table, empty for products; a table that several blocks share is mapped once."""
        tables = [np.empty(0) if isinstance(block, Products) else block.table for block in self.blocks]
        images = {id(table): image(table) for table in {id(table): table for table in tables}.values()}
        return tuple(images[id(table)] for table in tables)


def operands(block: CircuitBlock) -> tuple[Slots, ...]:
    """What a block takes: columns of factors to be multiplied one after the other, or terms; nothing for leaves."""
    return tuple(block.factors.T) if isinstance(block, Products) else (block.terms,) if isinstance(block, Sums) else ()


def as_slice(slots: Slots) -> Taken:
    """The slots as a slice, if their numbers follow each other."""
    first = int(slots[0])
    return slice(first, first + len(slots)) if (slots == np.arange(first, first + len(slots))).all() else slots
