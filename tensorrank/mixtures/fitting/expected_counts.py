"""The E step: log-likelihoods, and how often each entry of a table is expected to be used, over a batch of rows.

Forward, blocks of slots from the leaves up, by matrix products in plain floats. A block is values * exp(shift) with one
shift for a row; blocks are rescaled where their exponents could leave the range of floats. Backward, the posteriors of
slots from the root down: a factor has that of its product, and the terms of a sum share its posterior by what they
add. So nothing but forward values is needed, and no scale of them. What rescaling loses, slots too small beside the
largest of their row, is bounded; rows where it could matter are done in logarithms (logarithmic_counts).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import log2

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.circuit import Leaves, Products, Sums
from tensorrank.mixtures.evaluation.inference import MISSING, ObservedCodes, SiteObservation
from tensorrank.mixtures.fitting.gaussian_moments import Moments
from tensorrank.mixtures.fitting.logarithmic_counts import add_logarithmic_counts
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.scaled_blocks import SPARE, Block, Lookup, product, scaled, settled, sums
from tensorrank.mixtures.fitting.tree_circuit import TreeCircuit
from tensorrank.mixtures.fitting.workspace import Workspace

# A posterior of a sum below this is 0, and so is the share of each of its terms.
_TINY = 1e-300
# Tables of so many columns count their values by a matrix product.
_MOST_COLUMNS = 64


@dataclass(eq=False)
class Counts:
    """What the M step needs.

    Attributes:
        log_likelihood: the weighted sum over rows of log f.
        entries: for each table the expected number of times that each entry is used, (states, columns). Steps below
            which no variable is known are left out: nothing is learnt from them.
        moments: of the real values under each Gaussian component; None for categorical variables.
        impossible: rows of density 0.
        doubtful: how many rows were done in logarithms.
    """

    log_likelihood: float
    entries: list[Floats]
    moments: Moments | None
    impossible: list[int] = field(default_factory=list)
    doubtful: int = 0

    @classmethod
    def of_none(cls, parameters: Parameters) -> Counts:
        """Those of no rows."""
        entries = [np.zeros_like(table) for table in parameters.tables]
        return cls(0.0, entries, None if parameters.densities is None else Moments.of_none(parameters.densities))

    def add(self, other: Counts) -> None:
        """Those of further rows."""
        self.log_likelihood += other.log_likelihood
        for entries, more in zip(self.entries, other.entries, strict=True):
            entries += more
        if self.moments is not None and other.moments is not None:
            self.moments.add(other.moments)
        self.impossible += other.impossible
        self.doubtful += other.doubtful


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows that are done together, and where in the tree something is known of them."""

    tree: TreeCircuit
    observed: Observations

    @cached_property
    def known(self) -> list[NDArray[np.bool_] | None]:
        """For each block the rows in which something is known below it; None for all of them."""
        return self.tree.known(self.observed.known)

    @cached_property
    def places(self) -> dict[int, Integers]:
        """For each leaf's block the column of its table that each row has; of missing values one after the last."""
        return {
            number: np.where(codes == MISSING, block.table.shape[1], codes)
            for number, block in enumerate(self.tree.circuit.blocks)
            if isinstance(block, Leaves)
            for codes in [self.observed.codes[:, block.site]]
        }

    def evidence(self, rows: Integers, parameters: Parameters) -> list[SiteObservation]:
        """What the leaves are evaluated at, of some rows."""
        part = self.observed.part(rows)
        if part.values is None:
            return [ObservedCodes(column) for column in np.ascontiguousarray(part.codes.T)]
        return list(parameters.log_densities(part))


@dataclass(eq=False)
class _Forward:
    """For each block its values, and for sums, by their numbers, what they are of."""

    sums: list[Block | Lookup]
    terms: dict[int, Block]


class ExpectedCounts:
    """The E step for given parameters, as a function of a batch.

    Args:
        tree: the structure.
        parameters: the tables and components.
        spaces: memory for batches, of which each takes one and gives it back.
    """

    def __init__(self, tree: TreeCircuit, parameters: Parameters, spaces: list[Workspace]) -> None:
        self._tree = tree
        self._parameters = parameters
        self._spaces = spaces
        tables = parameters.tables
        # The last column, for MISSING, sums over all values.
        self._columns = [np.column_stack([table, table.sum(axis=1)]) for table in tables]
        self._low = [log2(table[table > 0].min(initial=1.0)) for table in tables]
        # One step of each state to a component of its own, and no other, needs no matrix product.
        self._trivial = [
            table.shape[0] == table.shape[1] and bool((table == np.eye(len(table))).all()) for table in tables
        ]

        # Sums whose terms are sums themselves, which need their values when it is their turn.
        blocks = tree.circuit.blocks
        self._chained = [
            isinstance(block, Sums) and not isinstance(blocks[below[0]], Products)
            for block, below in zip(blocks, tree.below, strict=True)
        ]

    def __call__(self, batch: Batch) -> Counts:
        """The log-likelihood of the rows, and the expected counts."""
        try:
            space = self._spaces.pop()
        except IndexError:
            space = Workspace()
        try:
            space.begin()
            with np.errstate(all="ignore"):
                return self._counted(batch, space)
        finally:
            self._spaces.append(space)

    def _counted(self, batch: Batch, space: Workspace) -> Counts:
        weights = batch.observed.weights
        forward = self._forward(batch, space)
        root = forward.sums[-1]
        if isinstance(root, Lookup):
            root = Block(root.values(space), None, root.low)
        logs = np.log(root.values[0])
        if root.shift is not None:
            logs += root.shift
        doubtful = ~np.isfinite(logs)
        if root.lost is not None:
            doubtful |= np.log2(root.values[0]) < root.lost + SPARE
        while True:
            counts = Counts.of_none(self._parameters)
            before = np.count_nonzero(doubtful)
            self._backward(batch, forward, np.where(doubtful, 0.0, weights)[None], counts, doubtful, space)
            if np.count_nonzero(doubtful) == before:
                break
            # Those found on the way down have been counted: all again, without them.
            space.begin()
            forward = self._forward(batch, space)
        counts.log_likelihood = float(weights @ np.where(doubtful, 0.0, logs))
        (again,) = np.nonzero(doubtful)
        if again.size:
            counts.doubtful = int(again.size)
            self._logarithmic(batch, again, counts)
        return counts

    def _logarithmic(self, batch: Batch, rows: Integers, counts: Counts) -> None:
        known = [None if one is None else one[rows] for one in batch.known]
        part, evidence = batch.observed.part(rows), batch.evidence(rows, self._parameters)
        logs = add_logarithmic_counts(
            self._tree, self._parameters, part, evidence, known, counts.entries, counts.moments
        )
        impossible = np.isneginf(logs)
        counts.impossible += [int(number) for number in part.numbers[impossible]]
        counts.log_likelihood += float(part.weights @ np.where(impossible, 0.0, logs))

    def _forward(self, batch: Batch, space: Workspace) -> _Forward:
        tree, tables = self._tree, self._parameters.tables
        categorical = self._parameters.densities is None
        real = [] if categorical else self._parameters.log_densities(batch.observed)
        found = _Forward([], {})
        for number, (block, group, below) in enumerate(zip(tree.circuit.blocks, tree.groups, tree.below, strict=True)):
            match block:
                case Leaves() if categorical:
                    found.sums.append(Lookup(self._columns[group], batch.places[number], self._low[group]))
                    continue
                case Leaves():
                    found.terms[number], _ = scaled(real[block.site])
                case Products():
                    found.sums.append(product([found.sums[factor] for factor in below], space))
                    continue
                case Sums():
                    term = found.sums[below[0]]
                    if isinstance(term, Lookup):
                        term = Block(term.values(space), None, term.low)
                    found.terms[number] = settled(term, space)
            terms = found.terms[number]
            found.sums.append(terms if self._trivial[group] else sums(tables[group], self._low[group], terms, space))
        return found

    def _backward(
        self,
        batch: Batch,
        forward: _Forward,
        root: Floats,
        counts: Counts,
        doubtful: NDArray[np.bool_],
        space: Workspace,
    ) -> None:
        """Adds the counts, and to the doubtful rows those whose posteriors may have lost something.

        The forward values are lost.
        """
        tables = self._parameters.tables
        # For each table the sum over rows of posterior / sum * term.
        flows = [np.zeros_like(table) for table in tables]
        posteriors = {len(forward.sums) - 1: root}
        responsibilities: dict[int, Floats] = {}
        for number in reversed(range(len(forward.sums))):
            block, group = self._tree.circuit.blocks[number], self._tree.groups[number]
            posterior = posteriors.pop(number)
            known = batch.known[number]
            if known is not None:
                posterior = posterior * known
            if isinstance(block, Products):
                posteriors.update((factor, posterior) for factor in self._tree.below[number])
                continue
            total = forward.sums[number]
            if isinstance(total, Lookup):
                _count_values(total.places, posterior, counts.entries[group], space)
                continue
            if self._trivial[group]:
                shares = posterior
                counts.entries[group] += np.diag(posterior.sum(axis=1))
            else:
                terms = forward.terms[number].values
                if total.lost is not None:
                    uncertain = posterior * (np.log2(total.values) < total.lost + SPARE)
                    doubtful |= uncertain.sum(axis=0) > batch.observed.weights * 2.0**-SPARE
                # Forward values are needed no more, and overwritten.
                ratios = np.maximum(total.values, _TINY, out=total.values)
                np.divide(posterior, ratios, out=ratios)
                flows[group] += ratios @ terms.T
                shares = np.matmul(tables[group].T, ratios, out=space.scratch(*terms.shape))
                shares = np.multiply(shares, terms, out=space.array(*terms.shape) if self._chained[number] else terms)
            if isinstance(block, Sums):
                posteriors[self._tree.below[number][0]] = shares
            else:
                responsibilities[block.site] = shares
        for entries, flow, table in zip(counts.entries, flows, tables, strict=True):
            entries += flow * table
        if counts.moments is not None:
            self._parameters.observe(batch.observed, responsibilities, counts.moments)


def _count_values(places: Integers, posterior: Floats, entries: Floats, space: Workspace) -> None:
    """Adds to entries (states, columns) the posteriors (states, rows) of the rows that have each value."""
    columns = entries.shape[1]
    if columns <= _MOST_COLUMNS:
        chosen = space.scratch(len(places), columns + 1)
        chosen[...] = 0.0
        chosen[np.arange(len(places)), places] = 1.0
        entries += (posterior @ chosen)[:, :columns]
        return
    for row, found in zip(posterior, entries, strict=True):
        found += np.bincount(places, row, columns + 1)[:columns]
