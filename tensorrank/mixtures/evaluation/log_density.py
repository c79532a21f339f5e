"""Log-densities of many rows, a few times faster than by a logarithm of every slot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.evaluation.inference import MISSING, ObservedCodes, SiteObservation, log_values, selected
from tensorrank.mixtures.evaluation.scaled_slots import (
    Factor,
    LookedUp,
    ScaledTable,
    in_array,
    joined,
    product,
    scaled,
    sums,
)

# A block's rows held at once, in numbers: within the caches of a processor, and enough to hide the calls.
_HELD = 2**16
_FEWEST_ROWS = 64

# Slots that a block takes: of one block, or of several, each with the places of its slots in the whole.
TakenSlots: TypeAlias = "tuple[int, slice | Slots] | list[tuple[int, Slots, Slots]]"


class LogDensity:
    """The log-density of a circuit, as a function of what is observed at each site.

    Rows are evaluated as scaled slots, and those that come out doubtful in logarithms.

    >>> coins = Leaves(0, np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> circuit = Circuit((coins, Sums(np.array([[0.25, 0.75]]), np.arange(2))))
    >>> np.exp(LogDensity(circuit)([ObservedCodes(np.array([0, 1, -1]))]))  # the last is missing
    array([0.6, 0.4, 1. ])
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        tables = {id(table): table for table in circuit.float_tables if table.size}
        scaled_tables = {key: ScaledTable.of(table) for key, table in tables.items()}
        self._tables = [scaled_tables.get(id(table)) for table in circuit.float_tables]
        self._taken: list[list[TakenSlots]] = []
        last_use: dict[int, int] = {}
        starts = np.array(circuit.starts)
        for number, block in enumerate(circuit.blocks):
            columns = (
                block.factors.T if isinstance(block, Products) else [block.terms] if isinstance(block, Sums) else []
            )
            self._taken.append([_by_block(column, starts) for column in columns])
            for taken in self._taken[-1]:
                last_use |= dict.fromkeys([taken[0]] if isinstance(taken, tuple) else [one[0] for one in taken], number)
        # For each block those that none after it takes.
        self._dropped: list[list[int]] = [[] for _ in circuit.blocks]
        for source, number in last_use.items():
            self._dropped[number].append(source)

    def rows_at_once(self) -> int:
        """How many rows to evaluate in one call."""
        return max(_FEWEST_ROWS, _HELD // max(block.size for block in self._circuit.blocks))

    def __call__(self, observed: Sequence[SiteObservation]) -> Floats:
        """The natural logarithm of the density in each row, -inf where it is 0."""
        with np.errstate(all="ignore"):
            found, doubtful = in_array(self._last(observed), np.empty).last_logs()
        (again,) = np.nonzero(doubtful)
        # Here all slots are held, not those of a few blocks.
        step = max(_FEWEST_ROWS, 2**20 // self._circuit.slots)
        for start in range(0, len(again), step):
            rows = again[start : start + step]
            found[rows] = log_values(self._circuit, selected(observed, rows))[-1]
        return found

    def _last(self, observed: Sequence[SiteObservation]) -> Factor:
        held: dict[int, Factor] = {}
        for number, (block, table) in enumerate(zip(self._circuit.blocks, self._tables, strict=True)):
            parts = [_taken(held, taken) for taken in self._taken[number]]
            if table is None:
                held[number] = product(parts, np.empty)
            elif isinstance(block, Leaves):
                given = observed[block.site]
                if isinstance(given, ObservedCodes):
                    held[number] = LookedUp(table.columns, given.numbers - MISSING, table.low, table.high)
                else:
                    held[number] = sums(table, scaled(given)[0], np.empty)
            else:
                held[number] = sums(table, in_array(parts[0], np.empty).settled(np.empty), np.empty)
            for source in self._dropped[number]:
                del held[source]
        return held[number]


def _by_block(slots: Slots, starts: Integers) -> TakenSlots:
    blocks = np.searchsorted(starts, slots, side="right") - 1
    local = slots - starts[blocks]
    if (blocks == blocks[0]).all():
        first = int(local[0])
        neighbours = (local == np.arange(first, first + len(local))).all()
        return int(blocks[0]), slice(first, first + len(local)) if neighbours else local
    found = []
    for block in np.unique(blocks):
        (places,) = np.nonzero(blocks == block)
        found.append((int(block), local[places], places))
    return found


def _taken(held: dict[int, Factor], taken: TakenSlots) -> Factor:
    """The slots that a block takes, with one shift for all of them."""
    if isinstance(taken, tuple):
        return held[taken[0]].taken(taken[1])
    parts = [(in_array(held[number].taken(local), np.empty), places) for number, local, places in taken]
    return joined(parts, np.empty)
