"""The E step: log-likelihoods, and how often each entry of a table is expected to be used, over a batch of rows.

Forward values are found from the leaves up. Posteriors are found from the root down: a factor has the posterior of its
product, and the terms of a sum share its posterior in proportion to what they add. Only ratios of forward values enter,
so a common scale of them does not. What rescaling loses is bounded, and rows where it could matter are done again with
forward values in logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.circuit import Products, Sums
from tensorrank.mixtures.evaluation.scaled_slots import ScaledTable
from tensorrank.mixtures.fitting.forward import Batch, Forward, LogarithmicForward, ScaledForward
from tensorrank.mixtures.fitting.gaussian_moments import Moments
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.workspace import Workspace

# Tables of so many columns count their values by a matrix product.
_MOST_COLUMNS = 64
# Numbers that logarithms hold at once.
_HELD = 2**22


@dataclass(eq=False)
class Counts:
    """What the M step needs to know of some rows.

    Attributes:
        log_likelihood: the weighted sum over rows of log f.
        entries: for each table the expected number of times that each entry is used, (states, columns). Steps below
            which no variable is known are left out: nothing is learnt from them.
        moments: of the real values under each Gaussian component; None for categorical variables.
        impossible: the numbers of rows of density 0.
        doubtful: how many rows were done in logarithms.
    """

    log_likelihood: float
    entries: list[Floats]
    moments: Moments | None
    impossible: list[int] = field(default_factory=list)
    doubtful: int = 0

    @classmethod
    def of_none(cls, parameters: Parameters) -> Counts:
        """The counts of no rows."""
        entries = [np.zeros_like(table) for table in parameters.tables]
        return cls(0.0, entries, None if parameters.densities is None else Moments.of_none(parameters.densities))

    def add(self, other: Counts) -> None:
        """Adds the counts of further rows."""
        self.log_likelihood += other.log_likelihood
        for entries, more in zip(self.entries, other.entries, strict=True):
            entries += more
        if self.moments is not None and other.moments is not None:
            self.moments.add(other.moments)
        self.impossible += other.impossible
        self.doubtful += other.doubtful


class ExpectedCounts:
    """The E step for given parameters, as a function of a batch, which takes one of the spaces and gives it back."""

    def __init__(self, parameters: Parameters, spaces: list[Workspace]) -> None:
        self._parameters = parameters
        self._tables = [ScaledTable.of(table) for table in parameters.tables]
        self._spaces = spaces

    def __call__(self, batch: Batch) -> Counts:
        """The log-likelihood of the rows, and the expected counts."""
        try:
            space = self._spaces.pop()
        except IndexError:
            space = Workspace()
        try:
            with np.errstate(all="ignore"):
                return self._counted(batch, space)
        finally:
            self._spaces.append(space)

    def _counted(self, batch: Batch, space: Workspace) -> Counts:
        weights = batch.observed.weights
        doubtful = np.zeros(len(weights), dtype=bool)
        while True:
            space.begin()
            forward = ScaledForward(self._tables, self._parameters, batch, space)
            doubtful |= forward.doubtful
            before = np.count_nonzero(doubtful)
            counts = Counts.of_none(self._parameters)
            self._add(batch, forward, np.where(doubtful, 0.0, weights), counts, space)
            doubtful |= forward.doubtful
            # Rows found doubtful on the way down have been counted: all again, without them.
            if np.count_nonzero(doubtful) == before:
                break
        counts.log_likelihood = float(weights @ np.where(doubtful, 0.0, forward.logs))
        (again,) = np.nonzero(doubtful)
        widest = max(table.size for table in self._parameters.tables)
        step = max(1, _HELD // max(batch.tree.circuit.slots, widest))
        for start in range(0, again.size, step):
            counts.add(self.in_logarithms(batch.part(again[start : start + step])))
        return counts

    def in_logarithms(self, batch: Batch) -> Counts:
        """The counts of rows that are all done in logarithms."""
        observed = batch.observed
        counts = Counts.of_none(self._parameters)
        with np.errstate(all="ignore"):
            forward = LogarithmicForward(self._parameters, batch)
            impossible = np.isneginf(forward.logs)
            self._add(batch, forward, np.where(impossible, 0.0, observed.weights), counts, Workspace())
        counts.log_likelihood = float(observed.weights @ np.where(impossible, 0.0, forward.logs))
        counts.impossible = [int(number) for number in observed.numbers[impossible]]
        counts.doubtful = observed.rows
        return counts

    def _add(self, batch: Batch, forward: Forward, weights: Floats, counts: Counts, space: Workspace) -> None:
        """Adds the counts of rows of these weights, from the root down."""
        tree = batch.tree
        posteriors = {len(tree.circuit.blocks) - 1: weights[None]}
        responsibilities: dict[int, Floats] = {}
        for number in reversed(range(len(tree.circuit.blocks))):
            block, group = tree.circuit.blocks[number], tree.groups[number]
            posterior = posteriors.pop(number)
            known = batch.known[number]
            if known is not None:
                posterior = posterior * known
            if isinstance(block, Products):
                posteriors.update((factor, posterior) for factor in tree.below[number])
            elif isinstance(block, Sums):
                posteriors[tree.below[number][0]] = forward.shares(number, posterior, counts.entries[group])
            elif counts.moments is None:
                _count_values(batch.places[block.site], posterior, counts.entries[group], space)
            else:
                responsibilities[block.site] = forward.shares(number, posterior, counts.entries[group])
        if counts.moments is not None:
            self._parameters.observe(batch.observed, responsibilities, counts.moments)


def _count_values(places: Integers, posterior: Floats, entries: Floats, space: Workspace) -> None:
    """Adds to entries (states, columns) the posteriors (states, rows) of the rows that have each value."""
    columns = entries.shape[1] + 1
    if columns <= _MOST_COLUMNS:
        chosen = space.scratch((len(places), columns))
        chosen[...] = 0.0
        chosen[np.arange(len(places)), places] = 1.0
        entries += (posterior @ chosen)[:, 1:]
        return
    for row, found in zip(posterior, entries, strict=True):
        found += np.bincount(places, row, columns)[1:]
