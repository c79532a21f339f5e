"""The E step for rows whose slots are too far apart for plain floats: forward values in logarithms, slower."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.evaluation.circuit import Leaves, Products
from tensorrank.mixtures.evaluation.inference import (
    MISSING,
    ObservedCodes,
    SiteObservation,
    log_values,
    rows_of,
    selected,
)
from tensorrank.mixtures.fitting.gaussian_moments import Moments
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tree_circuit import TreeCircuit

# Numbers held at once.
_HELD = 2**22


def add_logarithmic_counts(
    tree: TreeCircuit,
    parameters: Parameters,
    observed: Observations,
    evidence: Sequence[SiteObservation],
    known: Sequence[NDArray[np.bool_] | None],
    entries: Sequence[Floats],
    moments: Moments | None,
) -> Floats:
    """Adds to the expected counts and moments those of some rows.

    Args:
        tree: the structure.
        parameters: its tables, and the components.
        observed: the rows.
        evidence: of the sites for these rows.
        known: for each block in which rows something is known below it, None for all.
        entries: the counts of each table, which are changed.
        moments: those of the components, which are changed.

    Returns:
        The log-likelihood of each row. Rows of density 0 add nothing.
    """
    circuit = tree.with_tables(parameters.tables)
    widest = max(block.table.size for block in circuit.blocks if not isinstance(block, Products))
    step = max(1, _HELD // max(circuit.slots, widest))
    found = np.empty(rows_of(evidence))
    for start in range(0, len(found), step):
        rows = np.arange(start, min(start + step, len(found)))
        part = selected(evidence, rows)
        logs = log_values(circuit, part)
        found[rows] = logs[-1]
        posteriors = {len(circuit.blocks) - 1: np.where(np.isneginf(logs[-1]), 0.0, observed.weights[rows])[None]}
        with np.errstate(divide="ignore"):
            log_tables = [np.log(table) for table in parameters.tables]
        for number in reversed(range(len(circuit.blocks))):
            block, below = circuit.blocks[number], tree.below[number]
            posterior = posteriors.pop(number)
            seen = known[number]
            if seen is not None:
                posterior = posterior * seen[rows]
            if isinstance(block, Products):
                posteriors.update((factor, posterior) for factor in below)
                continue
            group = tree.groups[number]
            if isinstance(block, Leaves):
                given = part[block.site]
                if isinstance(given, ObservedCodes):
                    present = given.numbers != MISSING
                    np.add.at(entries[group].T, given.numbers[present], posterior[:, present].T)
                    continue
                terms = given
            else:
                terms = logs[circuit.starts[below[0]] : circuit.starts[below[0] + 1]]
            sums = logs[circuit.starts[number] : circuit.starts[number + 1]]
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = np.log(posterior) - sums
            # A sum of 0 has no posterior to share.
            ratios[np.isneginf(sums)] = -np.inf
            shares = np.exp(ratios[:, None] + terms + log_tables[group][:, :, None])
            entries[group][...] += shares.sum(axis=2)
            if not isinstance(block, Leaves):
                posteriors[below[0]] = shares.sum(axis=0)
            elif moments is not None and observed.values is not None and parameters.densities is not None:
                moments.observe(parameters.densities, block.site, observed.values[rows, block.site], shares.sum(axis=0))
    return found
