"""Where a density rests on one entry of a model's tables: values of the variables that tell it from all else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.evaluation.aims import Aims
from tensorrank.mixtures.evaluation.circuit import Products, Sums
from tensorrank.mixtures.evaluation.inference import log_derivatives
from tensorrank.mixtures.reductions.class_values import ByClass, ClassValues

# Sampled rows show entries that are used with at least this probability.
RARE = 0.01
# A variable that does not tell the entry from others by more than this, as a logarithm, is summed out.
_INDIFFERENT = 1e-6


@dataclass(frozen=True, eq=False)
class Targets:
    """The entries of a model's tables that are aimed at, and how many there are.

    Attributes:
        aims: one row for each entry that is aimed at.
        entries: the number of rare entries that are not 0, one of a shared table counted once.
    """

    aims: Aims
    entries: int


def targets(model: ByClass, most: int, rng: np.random.Generator) -> Targets:
    """The entries that are used with a probability below RARE, at most so many, rarest first.

    Where blocks share a table, one of them stands for all.
    """
    circuit = model.circuit
    blocks = [number for number, block in enumerate(circuit.blocks) if not isinstance(block, Products)]
    chosen = {id(circuit.float_tables[number]): number for number in rng.permutation(blocks).tolist()}
    places, rare = [], []
    for number, flows in _flows(model, frozenset(chosen.values())):
        slots, entries = np.nonzero((circuit.float_tables[number] > 0) & (flows < np.log(RARE)))
        places.append(np.stack([np.full(len(slots), number), slots, entries]))
        rare.append(flows[slots, entries])
    every, order = np.concatenate(places, axis=1), np.argsort(np.concatenate(rare), kind="stable")
    return Targets(Aims(*every[:, order[:most]]), every.shape[1])


def _flows(model: ByClass, numbers: frozenset[int]) -> Iterator[tuple[int, Floats]]:
    """The logarithm of the probability with which each entry of some blocks' tables is used."""
    circuit = model.circuit
    logs = model.log_values(_everything(model, 1))
    derivatives = log_derivatives(circuit, logs)
    with np.errstate(divide="ignore"):
        for number, (out, block, table, parts) in enumerate(circuit.steps(circuit.float_tables)):
            if number in numbers:
                below = logs[parts[0], 0] if isinstance(block, Sums) else np.zeros(table.shape[1])
                yield number, derivatives[out, :1] + np.log(table) + below


def aimed_values(model: ByClass, aims: Aims) -> ClassValues:
    """Values of the variables' classes at which as much of the density as possible goes through the entries aimed at.

    The part of the density that goes through an entry is linear in the vector of each variable, and so is the density,
    so that their quotient is largest at a single class. All variables are chosen at once, first with all others summed
    out and then with the others as they were chosen; the better choice is kept. This is a search by steps, which need
    not find the largest quotient of all.
    """
    start = _everything(model, 1)
    near = model.log_derivatives(model.log_values(start))
    start = [np.repeat(value, len(aims.blocks), axis=1) for value in start]
    far = model.log_derivatives(model.log_values(start, aims), aims)
    first = [_most_telling(_gain(*pair)) for pair in zip(far, near, strict=True)]
    plain, enlarged = model.log_values(first), model.log_values(first, aims)
    far, near = model.log_derivatives(enlarged, aims), model.log_derivatives(plain)
    second = [_most_telling(_gain(*pair)) for pair in zip(far, near, strict=True)]
    share = _gain(enlarged[-1], plain[-1])
    better = _gain(model.log_values(second, aims)[-1], model.log_values(second)[-1]) > share
    return [np.where(better, new, old) for new, old in zip(second, first, strict=True)]


def _most_telling(gains: Floats) -> Floats:
    """The single class of largest gain in each row, or all classes where they hardly differ."""
    values = np.where(np.arange(len(gains))[:, None] == gains.argmax(axis=0), 0.0, -np.inf)
    known = np.where(np.isneginf(gains), np.inf, gains)
    values[:, gains.max(axis=0) - known.min(axis=0) <= _INDIFFERENT] = 0.0
    return values


def _gain(enlarged: Floats, plain: Floats) -> Floats:
    """By how much logarithms grow, -inf where both are those of 0."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(plain), -np.inf, enlarged - plain)


def _everything(model: ByClass, rows: int) -> ClassValues:
    return [np.zeros((count, rows)) for count in model.counts]
