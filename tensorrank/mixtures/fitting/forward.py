"""Forward values of a batch of rows, and how the posterior of a sum is shared among its terms.

There are two kinds, for the same use: scaled slots, which are fast, and logarithms, for rows whose slots are too far
apart for plain floats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation import scaled_slots
from tensorrank.mixtures.evaluation.circuit import Leaves, Products, Sums
from tensorrank.mixtures.evaluation.inference import MISSING, ObservedCodes, SiteObservation, log_values
from tensorrank.mixtures.evaluation.scaled_slots import SPARE, Factor, LookedUp, ScaledSlots, ScaledTable
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tree_circuit import TreeCircuit
from tensorrank.mixtures.fitting.workspace import Workspace

# A posterior of a sum below this is 0, and so is the share of each of its terms.
_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows that are done together, and the tree that they are observed at the leaves of."""

    tree: TreeCircuit
    observed: Observations

    @cached_property
    def known(self) -> list[NDArray[np.bool_] | None]:
        """The rows in which something is known below a block, for each block; None for all rows."""
        return self.tree.known(self.observed.known)

    @cached_property
    def places(self) -> Integers:
        """The column of a table that each row has at each site, (sites, rows), as `LookedUp` counts columns."""
        return np.ascontiguousarray(self.observed.codes.T - MISSING)

    def part(self, rows: Integers) -> Batch:
        """Some of the rows."""
        return Batch(self.tree, self.observed.part(rows))


class Forward(Protocol):
    """Forward values, from which posteriors are shared."""

    def shares(self, number: int, posterior: Floats, counted: Floats) -> Floats:
        """The posteriors of the terms of a block's sums, (terms, rows).

        Args:
            number: the block, of sums or of leaves with real values.
            posterior: the posteriors of its sums, (sums, rows).
            counted: for each entry of the block's table how often it is used, (sums, terms); added to.
        """


class ScaledForward:
    """Forward values as scaled slots, in arrays of a workspace; tables are those of the tree's groups.

    Attributes:
        logs: the log-density of each row.
        doubtful: rows where something that is lost may count; `shares` adds to them.
    """

    def __init__(self, tables: list[ScaledTable], parameters: Parameters, batch: Batch, space: Workspace) -> None:
        self._tables, self._batch, self._space = tables, batch, space
        self._sums: list[Factor] = []
        self._terms: dict[int, ScaledSlots] = {}
        tree = batch.tree
        real = None if parameters.densities is None else parameters.log_densities(batch.observed)
        for number, (block, group, below) in enumerate(zip(tree.circuit.blocks, tree.groups, tree.below, strict=True)):
            if isinstance(block, Products):
                self._sums.append(scaled_slots.product([self._sums[factor] for factor in below], space.array))
                continue
            table = tables[group]
            if isinstance(block, Sums):
                self._terms[number] = self._sums[below[0]].in_array(space.array).settled(space.array)
            elif real is None:
                self._sums.append(table.looked_up(batch.places[block.site]))
                continue
            else:
                self._terms[number], _ = scaled_slots.scaled(real[block.site], real[block.site])
            self._sums.append(scaled_slots.sums(table, self._terms[number], space.array))
        self.logs, self.doubtful = self._sums[-1].in_array(space.array).last_logs()
        self.doubtful |= ~np.isfinite(self.logs)

    def shares(self, number: int, posterior: Floats, counted: Floats) -> Floats:
        """The posteriors of a block's terms, as `Forward` says; the forward values of the block are overwritten."""
        tree, table, total = self._batch.tree, self._tables[self._batch.tree.groups[number]], self._sums[number]
        if table.identity:
            counted += np.diag(posterior.sum(axis=1))
            return posterior
        if isinstance(total, LookedUp):
            raise AssertionError("leaves of categorical variables have no terms")
        terms = self._terms[number].mantissas
        if total.lost is not None:
            uncertain = posterior * total.doubtful()
            self.doubtful |= uncertain.sum(axis=0) > self._batch.observed.weights * 2.0**-SPARE
        ratios = np.maximum(total.mantissas, _TINY, out=total.mantissas)
        np.divide(posterior, ratios, out=ratios)
        counted += (ratios @ terms.T) * table.entries
        found = np.matmul(table.entries.T, ratios, out=self._space.scratch(terms.shape))
        # Terms that are sums themselves are needed when it is their turn.
        below = tree.below[number]
        chained = bool(below) and not isinstance(tree.circuit.blocks[below[0]], Products)
        return np.multiply(found, terms, out=self._space.array(terms.shape) if chained else terms)


class LogarithmicForward:
    """Forward values as logarithms, a few times slower; `logs` is the log-density of each row."""

    def __init__(self, parameters: Parameters, batch: Batch) -> None:
        self._batch = batch
        self._observed: list[SiteObservation] = (
            [ObservedCodes(column) for column in np.ascontiguousarray(batch.observed.codes.T)]
            if parameters.densities is None
            else list(parameters.log_densities(batch.observed))
        )
        self._circuit = batch.tree.with_tables(parameters.tables)
        self._slots = log_values(self._circuit, self._observed)
        self.logs = self._slots[-1]

    def shares(self, number: int, posterior: Floats, counted: Floats) -> Floats:
        """The posteriors of a block's terms, as `Forward` says."""
        block, starts = self._circuit.blocks[number], self._circuit.starts
        if isinstance(block, Products):
            raise AssertionError("products have no posteriors to share")
        if isinstance(block, Leaves):
            terms = self._observed[block.site]
            if isinstance(terms, ObservedCodes):
                raise AssertionError("leaves of categorical variables have no terms")
        else:
            (below,) = self._batch.tree.below[number]
            terms = self._slots[starts[below] : starts[below + 1]]
        total = self._slots[starts[number] : starts[number + 1]]
        ratios = np.log(posterior) - total
        # A sum of 0 has no posterior to share.
        ratios[np.isneginf(total)] = -np.inf
        found = np.exp(ratios[:, None] + terms + np.log(np.asarray(block.table))[:, :, None])
        counted += found.sum(axis=2)
        return np.asarray(found.sum(axis=0))
