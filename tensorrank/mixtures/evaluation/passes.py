"""Passes over a circuit for many rows: log-densities, flows of slots, and most probable paths.

Work is in proportion to slots times rows, whether these are many short rows or one long one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.resources import thread_count, worker_threads
from tensorrank.mixtures.evaluation.circuit import Circuit
from tensorrank.mixtures.evaluation.extended_floats import LOG_2
from tensorrank.mixtures.evaluation.plan import KIND, SIZE, SUMS, Plan, Tables
from tensorrank.mixtures.evaluation.row_kernels import fall_rows, rise_rows, trace_rows

# Slots times rows in a piece of work: enough that a thread is worth waking.
_PIECE = 2**19
# Rows that are taken at once: enough that calls cost little beside them, few enough for the caches of a processor.
_MOST_LANES = 128
_NEAR = 2**19
# Values of tables of so many columns are counted by products of matrices.
_FEW = 64


class Evidence(NamedTuple):
    """What is observed of all variables in some rows.

    Attributes:
        codes: values of categorical variables, (rows, variables), MISSING where unknown; no columns for real ones.
        logs: log-densities of the components of all variables, (components, rows), 0 where unknown; none of categorical
            ones.
        densities: the mantissas of these densities, (components, rows), as extended floats.
        exponents: their exponents, one for each variable, (variables, rows).
    """

    codes: Integers
    logs: Floats
    densities: Floats
    exponents: Floats

    @classmethod
    def of_codes(cls, codes: Integers) -> Evidence:
        """Values of categorical variables, (rows, variables)."""
        none = np.empty((0, len(codes)))
        return cls(np.ascontiguousarray(codes, dtype=np.int64), none, none, none)

    @classmethod
    def of_logs(cls, logs: Floats, components: Integers) -> Evidence:
        """Log-densities of components, (components of all variables, rows), and where those of each variable begin."""
        largest = np.maximum.reduceat(logs, components[:-1], axis=0)
        exponents = np.floor(np.where(np.isneginf(largest), 0.0, largest) / LOG_2)
        mantissas = np.repeat(exponents * -LOG_2, np.diff(components), axis=0)
        mantissas += logs
        # Of logarithms beyond 2**53 the rest has no digit that counts.
        np.exp(np.minimum(mantissas, 1.0, out=mantissas), out=mantissas)
        return cls(np.empty((logs.shape[1], 0), dtype=np.int64), np.ascontiguousarray(logs), mantissas, exponents)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.codes)


class Passes:
    """Passes over a circuit, with its own tables or with others.

    Attributes:
        plan: the circuit as arrays.

    >>> from tensorrank.mixtures.evaluation.circuit import Leaves, Sums
    >>> coins = Leaves(0, np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> passes = Passes(Circuit((coins, Sums(np.array([[0.25, 0.75]]), np.arange(2)))))
    >>> np.exp(passes.log_density(Evidence.of_codes(np.array([[0], [1], [-1]])))).round(3)  # the last is missing
    array([0.6, 0.4, 1. ])
    """

    def __init__(self, circuit: Circuit) -> None:
        self.plan = Plan(circuit)
        self._all_sums = np.zeros(len(circuit.blocks), dtype=np.bool_)
        self._spare: list[_Room] = []
        slots, widest = circuit.slots, self.plan.widest
        room = 2 * (slots + widest)
        self._places = np.array(
            [slots, slots + widest, room, room + 1, room + 2, room + 3, room + 3 + widest, room + 3 + 2 * widest]
        )

    def log_density(self, evidence: Evidence, tables: Tables | None = None, largest: NDArray[np.bool_] | None = None) -> Floats:
        """The natural logarithm of the last slot in each row, -inf where it is 0.

        Args:
            evidence: the rows.
            tables: as of the plan; the circuit's own if None.
            largest: for each block whether its sums are replaced by the largest of their terms; no block if None.
        """
        found = np.empty(evidence.rows)
        with self._lanes(evidence, tables, largest) as given:
            rise_rows(*given.first, found)
        return found

    def flows(self, evidence: Evidence, slots: Integers, *, components: bool = False) -> tuple[Floats, Floats, Floats]:
        """The flows of some slots, those of all components, and the log-densities.

        The flow of a slot is the probability that it is in the induced tree, given the row: of a hidden variable's
        states, and of components, their posteriors. All flows of a row of density 0 are 0.

        Returns:
            (rows, slots), (components of all variables, rows) or no rows, and (rows,).
        """
        hidden, logs = np.empty((evidence.rows, len(slots))), np.empty(evidence.rows)
        found = np.empty((self.plan.components[-1] if components else 0, evidence.rows))
        none, ones = np.empty((evidence.rows, 0), dtype=np.bool_), np.ones(evidence.rows)
        with self._lanes(evidence, None, None) as given:
            fall_rows(*given.first, *given.downward, none, ones, np.empty(0), slots, hidden, found, logs)
        return hidden, found, logs

    def counts(self, evidence: Evidence, tables: Tables, known: NDArray[np.bool_], weights: Floats) -> ExpectedUses:
        """How often each entry of a table, and each component, is expected to be used.

        Args:
            evidence: the rows.
            tables: as of the plan.
            known: (rows, variables), whether a variable is known; where none below a slot is, nothing is counted.
            weights: how often each row counts.
        """
        if known.all():
            known = known[:, :0]
        counts, logs = np.zeros(self.plan.counted[-1]), np.empty(evidence.rows)
        found = np.empty(evidence.logs.shape)
        no_slots, hidden = np.empty(0, dtype=np.int64), np.empty((evidence.rows, 0))
        with self._lanes(evidence, tables, None) as given:
            fall_rows(*given.first, *given.downward, known, weights, counts, no_slots, hidden, found, logs)
        return ExpectedUses(self.plan.by_table(counts), found, logs)

    def paths(
        self, evidence: Evidence, slots: Sequence[Integers], tables: Tables | None = None, *, completed: bool = False
    ) -> Paths:
        """The induced tree of largest weight in each row: a term of each sum that is met, from the root down.

        Args:
            evidence: the rows.
            slots: of each hidden variable those of its states, which are no other one's; the tree has one at most.
            tables: as of the plan; the circuit's own if None.
            completed: whether missing values of categorical variables are to be filled in: of each leaf in the tree the
                most probable value. The tables have to count a missing value with the largest entry then.
        """
        variables, numbers = np.full(self.plan.circuit.slots, -1), np.zeros(self.plan.circuit.slots, dtype=np.int64)
        # All at once, since a long series has thousands of hidden variables.
        counts = np.array(list(map(len, slots)), dtype=np.int64)
        own = np.concatenate([*slots, np.empty(0, dtype=np.int64)])
        variables[own] = np.repeat(np.arange(len(slots)), counts)
        numbers[own] = np.arange(len(own)) - np.repeat(np.cumsum(counts) - counts, counts)
        states, logs = np.empty((evidence.rows, len(slots)), dtype=np.int64), np.empty(evidence.rows)
        codes = evidence.codes.copy() if completed else evidence.codes[:, :0]
        # The components of real variables are summed over: they belong to what is observed.
        with self._lanes(evidence, tables, self.plan.blocks[:, KIND] == SUMS) as given:
            trace_rows(*given.first, variables, numbers, states, codes, logs)
        return Paths(states, codes, logs)

    @contextmanager
    def _lanes(self, evidence: Evidence, tables: Tables | None, largest: NDArray[np.bool_] | None) -> Iterator[_Given]:
        """The arguments that all kernels begin with, and arrays for as many rows as are taken at once."""
        plan = self.plan
        # Powers of two, so that pieces of nearly as many rows have as many lanes.
        lanes = max(1, min(1 << (evidence.rows - 1).bit_length(), _MOST_LANES, _NEAR // plan.circuit.slots))
        # Fresh pages cost as much as the arithmetic on them, so arrays are used again.
        try:
            room = self._spare.pop()
        except IndexError:
            room = None
        if room is None or room.flows.shape[1] != lanes:
            room = _Room.of(plan, lanes)
        structure = (plan.blocks, plan.taken, plan.runs, plan.owners)
        given = (evidence.codes, evidence[1:], self._places, room.values, room.rows, room.bounds)
        largest = self._all_sums if largest is None else largest
        try:
            yield _Given((*structure, *(tables or plan.tables), largest, plan.components, *given), room[3:])
        finally:
            self._spare.append(room)

    def __reduce__(self) -> tuple[type[Passes], tuple[Circuit]]:
        return type(self), (self.plan.circuit,)


class _Room(NamedTuple):
    """Arrays that a pass writes: numbers and bounds as of `rise`, flows and room for uses as of `fall`."""

    values: Floats
    rows: Integers
    bounds: Floats
    flows: Floats
    used: Floats
    chosen: Floats

    @classmethod
    def of(cls, plan: Plan, lanes: int) -> _Room:
        """Arrays for a circuit and so many lanes."""
        slots, largest = plan.circuit.slots + plan.widest, int(plan.blocks[:, SIZE].max())
        values = np.empty((2 * slots + 3 + 2 * plan.widest + largest, lanes))
        flows, used = np.empty((plan.circuit.slots, lanes)), np.empty(max(table.size for table in plan.given))
        rows, bounds, chosen = np.empty(slots, dtype=np.int64), np.empty((len(plan.blocks) + 1, 3)), np.empty((lanes, _FEW))
        return cls(values, rows, bounds, flows, used, chosen)


class _Given(NamedTuple):
    """The arguments that all kernels begin with, and those that only `fall_rows` takes after them."""

    first: tuple[Any, ...]
    downward: tuple[Floats, ...]


class ExpectedUses(NamedTuple):
    """How often each entry of a table and each component is used, as far as rows tell.

    Attributes:
        entries: for each table of the plan, in its shape, summed over rows times their weights.
        components: of real variables in each row, (components of all variables, rows).
        logs: the log-density of each row; where it is -inf nothing is counted.
    """

    entries: list[Floats]
    components: Floats
    logs: Floats


class Paths(NamedTuple):
    """The induced tree of largest weight in each row.

    Attributes:
        states: of each hidden variable, (rows, variables), -1 where the tree has none or the density is 0.
        codes: the values of the variables, missing ones filled in; no columns if this was not asked for.
        logs: the logarithm of the tree's weight.
    """

    states: Integers
    codes: Integers
    logs: Floats


def in_pieces(rows: int, slots: int, work: Callable[[slice], None]) -> None:
    """Does some work on rows in pieces of a size that does not depend on the number of threads, which share them."""
    step = max(1, _PIECE // slots)
    pieces = [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
    # A thread holds BLAS at one, too, which would begin others for each of many small products.
    with worker_threads(min(len(pieces), thread_count(None)) or 1) as pool:
        pool.map(work, pieces)
