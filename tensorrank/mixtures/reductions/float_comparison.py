"""Whether two models have the same values within rounding, looked for where a difference would hide.

Two models are the same within rounding if at no values of the variables their densities differ by more than a factor
close to 1. No sample shows that for certain, so the comparison looks where differences hide: at what is rare. At each
point it compares not only the two densities, but those at all points that differ from it in one variable: they are
the derivatives of the densities, which are linear in each variable.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products
from tensorrank.mixtures.evaluation.inference import sample_components
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.aimed_values import RARE, aimed_values, targets
from tensorrank.mixtures.reductions.class_values import ByClass, ClassValues, by_class, single_classes

# The most by which logarithms of values may differ, and so values relative to their size, if tables are rounded.
FLOAT_TOLERANCE = 1e-9
# Over how many powers of e the values of a variable's classes are spread, and rows for each.
_SPREADS = (1.0, 30.0, 200.0, 700.0)
_SPREAD_ROWS = 4
# A row holds the logarithms of slots and of values of classes. So many of these numbers are computed of all rows with
# the entries aimed at, of sampled rows, and of single values; the fewest and the most rows; and what is held at once.
_AIMED_NUMBERS, _FEWEST_AIMED, _MOST_AIMED = 2**19, 16, 2048
_SAMPLED_NUMBERS, _FEWEST_SAMPLED, _MOST_SAMPLED = 2**17, 8, 64
_SINGLE_NUMBERS, _MOST_SINGLE = 2**18, 256
_HELD = 2**21
# The power of the probability of a hidden state, given the value of a variable, with which telling values are sampled.
_TELLING = 4


@dataclass(frozen=True)
class FloatComparison:
    """How far two models differ where they were compared.

    Attributes:
        close: whether all logarithms of values agree within FLOAT_TOLERANCE.
        largest_difference: the largest difference of two logarithms that was met.
        compared: where they were compared and where not, in a sentence.
    """

    close: bool
    largest_difference: float
    compared: str


def compare_floats(source: Mixture, target: Mixture, rng: np.random.Generator) -> FloatComparison:
    """Compare two models of the same variables in floating point, until a difference beyond the tolerance is met.

    Points are, in this order: vectors of positive numbers over many powers of e; all values of one variable, the others
    summed out; rows sampled from either model; rows of hidden states that are all as probable as others, with values
    that are, or that tell the states apart; and for each rare entry of either model's tables, the rarest first, values
    at which the density goes through this entry as much as possible.
    """
    models = by_class(source, target)
    points, largest = 0, 0.0
    for values in _points(models, rng):
        points += values[0].shape[1]
        largest = max(largest, _largest_difference(models, values))
        if largest > FLOAT_TOLERANCE:
            return FloatComparison(False, largest, f"one of {points} points, or one change of a variable there, shows it")
    aimed = every = 0
    for model in models:
        chosen = targets(model, _rows(model, _AIMED_NUMBERS, _FEWEST_AIMED, _MOST_AIMED), rng)
        aims = chosen.aims
        every += chosen.entries
        for part in _parts(len(aims.blocks), models):
            aimed += part.size
            largest = max(largest, _largest_difference(models, aimed_values(model, aims.rows(part))))
            if largest > FLOAT_TOLERANCE:
                what = f"a point shows it where one of the {aimed} rarest entries of the tables counts most"
                return FloatComparison(False, largest, what)
    rare = f"entries of tables that are used with probability below {RARE:g}"
    seen = f"{every} {rare} counts most"
    if aimed < every:
        seen = f"{aimed} rarest {rare} counts most, but not of the other {every - aimed}"
    what = f"compared at {points} points, at all changes of one variable there, and where each of the {seen}"
    return FloatComparison(True, largest, what)


def _points(models: tuple[ByClass, ByClass], rng: np.random.Generator) -> Iterator[ClassValues]:
    """Points at which models are compared, before single entries are aimed at."""
    counts = models[0].counts
    spreads = np.repeat(_SPREADS, _SPREAD_ROWS)
    vectors = [-spreads * rng.random((count, len(spreads))) for count in counts]
    yield [vector - vector.max(axis=0) for vector in vectors]
    further = [_single_values(models)]
    for model in models:
        rows = _rows(model, _SAMPLED_NUMBERS, _FEWEST_SAMPLED, _MOST_SAMPLED)
        for circuit in (model.circuit, _even(model.circuit, telling=False), _even(model.circuit, telling=True)):
            components = sample_components(circuit, len(counts), rows, rng)
            chosen = [own[column] for own, column in zip(model.classes, components.T, strict=True)]
            further.append(np.stack(chosen, axis=1))
    rows_of_classes = np.concatenate(further)
    for part in _parts(len(rows_of_classes), models):
        yield single_classes(rows_of_classes[part], counts)


def _single_values(models: tuple[ByClass, ByClass]) -> Integers:
    """All variables summed out; and the rarest values of variables, each by itself, the other variables summed out.

    With their changes these are the marginals of all variables, and of the pairs that they have part in. The result
    has the shape (rows, variables); -1 stands for a variable that is summed out.
    """
    counts = models[0].counts
    alone = np.full((1, len(counts)), -1)
    logs = models[0].log_derivatives(models[0].log_values(single_classes(alone, counts)))
    probabilities = np.concatenate([found[:, 0] for found in logs])
    sites, numbers = np.repeat(np.arange(len(counts)), counts), np.concatenate([np.arange(count) for count in counts])
    most = min(_rows(model, _SINGLE_NUMBERS, _FEWEST_SAMPLED, _MOST_SINGLE) for model in models)
    rarest = np.argsort(np.where(np.isneginf(probabilities), np.inf, probabilities), kind="stable")[:most]
    chosen = np.repeat(alone, 1 + len(rarest), axis=0)
    chosen[1 + np.arange(len(rarest)), sites[rarest]] = numbers[rarest]
    return chosen


def _even(circuit: Circuit, *, telling: bool) -> Circuit:
    """The circuit in which all terms of a sum are as probable as each other, and all values of a leaf.

    Telling leaves prefer values that other leaves of their block seldom have.
    """
    tables = []
    for block, table in zip(circuit.blocks, circuit.float_tables, strict=True):
        if isinstance(block, Leaves) and telling:
            total = table.sum(axis=0)
            weights = np.divide(table, total, out=np.zeros_like(table), where=total > 0) ** _TELLING
        else:
            weights = (table > 0).astype(np.float64)
        tables.append(table if isinstance(block, Products) else weights / weights.sum(axis=1, keepdims=True))
    return circuit.with_tables(tables)


def _largest_difference(models: tuple[ByClass, ByClass], values: ClassValues) -> float:
    """The largest difference of logarithms at some points, and at all that differ from these in one variable."""
    largest = 0.0
    for part in _parts(values[0].shape[1], models):
        here = [value[:, part] for value in values]
        logs = [model.log_values(here) for model in models]
        derivatives = [model.log_derivatives(found) for model, found in zip(models, logs, strict=True)]
        pairs = [(logs[0][-1], logs[1][-1]), *zip(*derivatives, strict=True)]
        largest = max(largest, *(_difference(one, other) for one, other in pairs))
    return largest


def _difference(one: Floats, other: Floats) -> float:
    """The largest absolute difference, infinite where only one is -inf."""
    with np.errstate(invalid="ignore"):
        return float(np.where(one == other, 0.0, np.abs(one - other)).max())


def _rows(model: ByClass, numbers: int, fewest: int, most: int) -> int:
    return min(most, max(fewest, numbers // model.numbers))


def _parts(rows: int, models: Sequence[ByClass]) -> list[Integers]:
    """The numbers of rows in parts that fit into memory beside all slots."""
    step = max(1, _HELD // max(model.numbers for model in models))
    return [np.arange(start, min(start + step, rows)) for start in range(0, rows, step)]
