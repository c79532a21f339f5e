"""A circuit as plain arrays, which compiled passes go through block by block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products
from tensorrank.mixtures.tables import Table, floats

# What a block is.
LEAVES, PRODUCTS, SUMS = range(3)
# The columns of `Plan.blocks`: what a block is, its first slot, how many slots it has; how many columns its table or
# factors its products have; the variable of leaves; the number of its table, and where this begins in `Tables.entries`,
# by columns and by rows; where what it takes begins in `Plan.taken` and in `Plan.runs`.
KIND, START, SIZE, WIDTH, SITE, TABLE, ACROSS, DOWN, TAKEN, RUN = range(10)
# The columns of `Tables.bounds`.
LEAST, MOST, PLAIN, IDENTITY = range(4)
# The binary logarithms of entries of plain tables are within this of 0, except those of zeros.
REACH = 300.0


class Tables(NamedTuple):
    """The different tables of a circuit, for passes.

    Attributes:
        entries: each table by columns, with one more column for a missing value; then each by rows.
        bounds: (tables, 4): the binary logarithm of the least entry but zeros, at most 0; that of the largest sum of a
            row, at least 0; whether both are within REACH; and whether the table is the identity matrix.
    """

    entries: Floats
    bounds: Floats


class Plan:
    """The structure of a circuit as arrays, and its tables: those that are one array are one table.

    Attributes:
        circuit: the circuit.
        given: the different tables, in the order in which blocks use them.
        blocks: for each block its numbers, (blocks, 10).
        taken: the slots that blocks take: terms in the order of a table's columns, or the first factors of all
            products, then the second ones, and so on. The last ones, as many as the widest table has columns, are no
            slots of the circuit, but the densities of a variable's components.
        runs: for the terms of each block of sums, and for each factor of each block of products, the block to which all
            of these slots belong, or -1, and whether the slots follow each other, (runs, 2).
        owners: for each slot its block; for the densities of components the number after the last.
        components: where the components (values) of each variable begin among those of all, and how many there are.
        counted: where the entries of each table begin among those of all, by rows, and how many there are.

    >>> from tensorrank.mixtures.evaluation.circuit import Sums
    >>> coin = np.array([[0.9, 0.1], [0.5, 0.5]])
    >>> plan = Plan(Circuit((Leaves(0, coin), Sums(np.array([[0.25, 0.75]]), np.arange(2)))))
    >>> plan.blocks[:, [KIND, START, SIZE, WIDTH]], plan.taken, plan.runs
    (array([[0, 0, 2, 2],
           [2, 2, 1, 2]]), array([0, 1, 3, 4]), array([[0, 1]]))
    >>> plan.tables.entries[:6]
    array([0.9, 0.5, 0.1, 0.5, 1. , 1. ])
    """

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit
        self.given: list[Table] = []
        numbers: dict[int, int] = {}
        found: list[tuple[int, int, int, int]] = []
        taken: list[Integers] = []
        for block in circuit.blocks:
            if isinstance(block, Products):
                found.append((PRODUCTS, block.factors.shape[1], 0, 0))
                taken.append(block.factors.T.ravel())
                continue
            key = id(block.table)
            if key not in numbers:
                numbers[key] = len(self.given)
                self.given.append(block.table)
            kind, site, slots = (LEAVES, block.site, _NO_SLOTS) if isinstance(block, Leaves) else (SUMS, 0, block.terms)
            found.append((kind, block.table.shape[1], site, numbers[key]))
            taken.append(slots)
        kinds, widths, sites, tables = np.array(found).T
        starts = np.array(circuit.starts)
        sizes = np.diff(starts)
        rows, columns = np.array([table.shape for table in self.given], dtype=np.int64).reshape(-1, 2).T
        across, self.counted = _places(rows * (columns + 1)), _places(rows * columns)
        down = across[-1] + self.counted
        runs = np.where(kinds == PRODUCTS, widths, kinds == SUMS)
        lengths = np.where(kinds == PRODUCTS, sizes, widths)
        begins = _places(runs * lengths)[:-1], _places(runs)[:-1]
        self.blocks = np.stack(
            [kinds, starts[:-1], sizes, widths, sites, tables, across[tables], down[tables], *begins], axis=1
        )
        self.taken = np.concatenate([*taken, _NO_SLOTS])
        self.owners = np.repeat(np.arange(len(kinds) + 1), [*sizes, self.widest])
        self.runs = _sources(self.owners[self.taken], self.taken, _places(np.repeat(lengths, runs))[:-1])
        self.taken = np.concatenate([self.taken, np.arange(starts[-1], starts[-1] + self.widest)])
        values = {block.site: block.table.shape[1] for block in circuit.blocks if isinstance(block, Leaves)}
        self.components = _places([values[site] for site in sorted(values)])

    @cached_property
    def tables(self) -> Tables:
        """The circuit's own tables, where missing values are summed over."""
        return self.with_tables([floats(table) for table in self.given])

    @property
    def widest(self) -> int:
        """The most columns of a table."""
        return max(int(table.shape[1]) for table in self.given)

    def with_tables(self, tables: Sequence[Floats], *, largest: bool = False) -> Tables:
        """Other tables of these shapes; a missing value counts with the sum of a row, or with its largest entry."""
        across = [np.column_stack([table, table.max(axis=1) if largest else table.sum(axis=1)]).T.ravel() for table in tables]
        least = np.array([np.log2(table[table > 0].min(initial=1.0)) for table in tables])
        most = np.array([np.log2(table.sum(axis=1).max(initial=1.0)) for table in tables])
        entries = np.concatenate([*across, *(table.ravel() for table in tables)])
        identity = [table.shape[0] == table.shape[1] and bool((table == np.eye(len(table))).all()) for table in tables]
        return Tables(entries, np.stack([least, most, (least >= -REACH) & (most <= REACH), identity], axis=1))

    def by_table(self, entries: Floats) -> list[Floats]:
        """Numbers in the order of all tables' entries, by rows, as tables."""
        pairs = zip(self.given, self.counted, self.counted[1:], strict=False)
        return [entries[start:stop].reshape(table.shape) for table, start, stop in pairs]


_NO_SLOTS = np.empty(0, dtype=np.int64)


def _places(counts: Sequence[int] | Integers) -> Integers:
    """Where each of several runs of numbers begins, and the number of all."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(np.asarray(counts, dtype=np.int64))])


def _sources(owners: Integers, slots: Integers, starts: Integers) -> Integers:
    """For runs of slots that begin at these places the block of all of them, or -1, and whether they are neighbours."""
    if not len(starts):
        return np.empty((0, 2), dtype=np.int64)
    least, most = np.minimum.reduceat(owners, starts), np.maximum.reduceat(owners, starts)
    follows = np.diff(slots, prepend=0) == 1
    follows[starts] = True
    return np.stack([np.where(least == most, least, -1), np.logical_and.reduceat(follows, starts)], axis=1)
