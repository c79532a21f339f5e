"""Values, derivatives and samples of a circuit in floating point.

Every slot is kept as its logarithm. Long products then do not underflow, and of two values far apart none is lost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.aims import Aims
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Slots, Sums

MISSING = -1

# Exponentials of numbers below this may be no normal floats. They count as nothing beside sums of at least _SMALL.
_LEAST_LOG = -700.0
_SMALL = 1e-250
# Smaller sums may have lost digits, or all of them, to terms that are no normal floats.
_LEAST_SUM = 1e-290


@dataclass(frozen=True, eq=False)
class ObservedCodes:
    """The value of a categorical variable in each row, MISSING where it is unknown."""

    numbers: Integers

    def log_densities(self, components: int) -> Floats:
        """The log-densities of the components in each row, (components, rows): 0 for the value, -inf for others."""
        with np.errstate(divide="ignore"):
            return np.log(one_hot(self.numbers, components)).T


# What is observed at one site: values, or the log-densities of its components in each row, (components, rows), which
# are 0 where the value is unknown.
SiteObservation: TypeAlias = "ObservedCodes | Floats"


def rows_of(observed: Sequence[SiteObservation]) -> int:
    """The number of rows."""
    first = observed[0]
    return len(first.numbers) if isinstance(first, ObservedCodes) else first.shape[1]


def selected(observed: Sequence[SiteObservation], rows: Integers) -> list[SiteObservation]:
    """What is observed in some of the rows."""
    return [ObservedCodes(one.numbers[rows]) if isinstance(one, ObservedCodes) else one[:, rows] for one in observed]


def log_values(circuit: Circuit, observed: Sequence[SiteObservation], aims: Aims | None = None) -> Floats:
    """The logarithm of every slot, (slots, rows); -inf where it is 0. Aims enlarge one entry in each row."""
    logs = np.empty((circuit.slots, rows_of(observed)))
    with np.errstate(divide="ignore"):
        for number, (out, block, table, parts) in enumerate(circuit.steps(circuit.float_tables)):
            match block:
                case Leaves():
                    given = observed[block.site]
                    if isinstance(given, ObservedCodes):
                        # The last column, for MISSING, sums over all values.
                        columns = np.log(np.column_stack([table, table.sum(axis=1)]))
                        np.take(columns, given.numbers, axis=1, out=logs[out], mode="wrap")
                    else:
                        logs[out] = log_matmul(table, given)
                    if aims is not None:
                        operand = given.log_densities(table.shape[1]) if isinstance(given, ObservedCodes) else given
                        aims.enlarge_values(number, table, operand, logs[out])
                case Products():
                    np.copyto(logs[out], logs[parts[0]])
                    for part in parts[1:]:
                        logs[out] += logs[part]
                case Sums():
                    logs[out] = log_matmul(table, logs[parts[0]])
                    if aims is not None:
                        aims.enlarge_values(number, table, logs[parts[0]], logs[out])
    return logs


def log_derivatives(circuit: Circuit, logs: Floats, aims: Aims | None = None) -> Floats:
    """The logarithm of the derivative of the density by every slot, (slots, rows), at the values in `logs`.

    Aims have to be the ones with which the values were computed.
    """
    found = np.full_like(logs, -np.inf)
    found[-1] = 0.0
    steps = list(enumerate(circuit.steps(circuit.float_tables)))
    with np.errstate(divide="ignore"):
        for number, (out, block, table, parts) in reversed(steps):
            match block:
                case Products():
                    # For each factor the derivative of the product times the factors before it and after it.
                    after = [np.zeros_like(found[out])]
                    for part in reversed(parts[1:]):
                        after.append(after[-1] + logs[part])
                    before = found[out]
                    for column, part in zip(block.factors.T, parts, strict=True):
                        _accumulate(found, column, before + after.pop())
                        before = before + logs[part]
                case Sums():
                    _accumulate(found, block.terms, log_matmul(table.T, found[out]))
                    if aims is not None:
                        aims.enlarge_derivatives(number, table, found[out], block.terms, found)
    return found


def log_component_derivatives(
    circuit: Circuit, derivatives: Floats, components: Sequence[int], aims: Aims | None = None
) -> list[Floats]:
    """The logarithms of the derivatives of the density by the components' values, for each site (components, rows)."""
    found = [np.full((count, derivatives.shape[1]), -np.inf) for count in components]
    with np.errstate(divide="ignore"):
        for number, (out, block, table, _) in enumerate(circuit.steps(circuit.float_tables)):
            if isinstance(block, Leaves):
                own = found[block.site]
                np.logaddexp(own, log_matmul(table.T, derivatives[out]), out=own)
                if aims is not None:
                    aims.enlarge_derivatives(number, table, derivatives[out], np.arange(len(own)), own)
    return found


def sample_components(circuit: Circuit, sites: int, count: int, rng: np.random.Generator) -> Integers:
    """Components sampled from the density, (count, sites)."""
    found = np.empty((count, sites), dtype=np.int64)
    for site, rows, weights in induced_trees(circuit, sites, count, rng):
        found[rows, site] = sampled_numbers(weights, rows.size, rng)
    return found


def induced_trees(circuit: Circuit, sites: int, count: int, rng: np.random.Generator) -> Iterator[tuple[int, Integers, Floats]]:
    """Samples of everything hidden: from the last slot down, one term of each sum that is met.

    One leaf of each site is met. The density is the mean over such samples of the product of their leaves, each divided
    by its sum.

    Source: Zhao, Poupart, Gordon, A Unified Approach for Learning the Parameters of Sum-Product Networks (NeurIPS
    2016), theorem 2.

    Yields:
        A site, the numbers of the samples that meet one leaf of it, and the leaf: weights of the components.
    """
    mass = np.exp(log_values(circuit, [ObservedCodes(np.full(1, MISSING))] * sites))[:, 0]
    active = np.zeros((circuit.slots, count), dtype=bool)
    active[-1] = True
    for out, block, table, _ in reversed(list(circuit.steps(circuit.float_tables))):
        for slot, row in zip(range(out.start, out.stop), range(block.size), strict=True):
            (here,) = np.nonzero(active[slot])
            if not here.size:
                continue
            match block:
                case Leaves():
                    yield block.site, here, table[row]
                case Products():
                    active[np.ix_(block.factors[row], here)] = True
                case Sums():
                    active[block.terms[sampled_numbers(table[row] * mass[block.terms], here.size, rng)], here] = True


def one_hot(codes: Integers, components: int) -> Floats:
    """The values of categorical components in each row, (rows, components): all 1 where the value is missing."""
    values = np.zeros((len(codes), components))
    known = codes != MISSING
    values[known, codes[known]] = 1.0
    values[~known] = 1.0
    return values


def log_matmul(table: Floats, logs: Floats) -> Floats:
    """The logarithms of table @ exp(logs), where exponentials are taken beside the largest of each column."""
    largest = logs.max(axis=0)
    largest[np.isneginf(largest)] = 0.0
    below = logs - largest
    sums: Floats = table @ np.exp(below)
    total: Floats = np.log(sums)
    if below.min() + np.log(table[table > 0].min(initial=1.0)) < _LEAST_LOG:
        # Where only terms are left that underflow beside the largest, the sum is scaled by their own largest.
        for row, weights, found in zip(total, table, sums, strict=True):
            (terms,) = np.nonzero(weights)
            (again,) = np.nonzero(found < max(_SMALL * weights.max(), _LEAST_SUM))
            if terms.size and again.size:
                far = below[np.ix_(terms, again)] + np.log(weights[terms])[:, None]
                top = far.max(axis=0)
                top[np.isneginf(top)] = 0.0
                row[again] = np.log(np.exp(far - top).sum(axis=0)) + top
    total += largest
    return total


def _accumulate(target: Floats, slots: Slots, logs: Floats) -> None:
    """Adds to the slots given, of which one may be given several times."""
    if len(np.unique(slots)) == len(slots):
        target[slots] = np.logaddexp(target[slots], logs)
    else:
        np.logaddexp.at(target, slots, logs)


def sampled_numbers(weights: Floats, count: int, rng: np.random.Generator) -> Integers:
    """Numbers of entries, each sampled with a probability in proportion to its weight."""
    cumulative = np.cumsum(weights)
    found: Integers = np.searchsorted(cumulative, rng.random(count) * cumulative[-1], side="right")
    # What rounds up to the total must not fall on a last entry of 0.
    return np.minimum(found, int(np.flatnonzero(weights)[-1]))
