"""Log-densities of many rows, a few times faster than by a logarithm of every slot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation import scaled_slots
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Taken, as_slice
from tensorrank.mixtures.evaluation.inference import MISSING, ObservedCodes, SiteObservation, log_values, selected
from tensorrank.mixtures.evaluation.scaled_slots import Factor, ScaledTable

# A block's rows held at once, in numbers: within the caches of a processor, and enough to hide the calls.
_HELD = 2**16
_FEWEST_ROWS = 64


class LogDensity:
    """The log-density of a circuit, as a function of what is observed at each site.

    Rows are evaluated as scaled slots, and those that come out doubtful in logarithms.

    >>> from tensorrank.mixtures.evaluation.circuit import Sums
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
        # For each block its operands: slots of blocks, and where they stand among those that are taken.
        self._taken = [
            [[(one.block, as_slice(one.slots), one.places) for one in operand] for operand in operands]
            for operands in circuit.taken
        ]
        last_use = {
            one.block: number for number, operands in enumerate(circuit.taken) for operand in operands for one in operand
        }
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
            found, doubtful = self._last(observed).in_array().last_logs()
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
            parts = [_operand(held, parts) for parts in self._taken[number]]
            if table is None:
                held[number] = scaled_slots.product(parts)
            elif isinstance(block, Leaves):
                given = observed[block.site]
                if isinstance(given, ObservedCodes):
                    held[number] = table.looked_up(given.numbers - MISSING)
                else:
                    held[number] = scaled_slots.sums(table, scaled_slots.scaled(given)[0])
            else:
                held[number] = scaled_slots.sums(table, parts[0].in_array().settled())
            for source in self._dropped[number]:
                del held[source]
        return held[number]


def _operand(held: dict[int, Factor], parts: list[tuple[int, Taken, Integers]]) -> Factor:
    """The slots that a block takes, with one shift for all of them."""
    if len(parts) == 1:
        ((number, slots, _),) = parts
        return held[number].taken(slots)
    return scaled_slots.joined([(held[number].taken(slots).in_array(), places) for number, slots, places in parts])
