"""Log-densities of many rows by plain arithmetic, a few times faster than by a logarithm of every slot.

A block of slots is kept as mantissas * exp(shift), with one shift for a row. The tables tell beforehand how far the
exponents of mantissas may have come, so that blocks are rescaled only every so often. Where the slots of a block are
further apart than floats reach, the smaller become 0, and a bound of what is lost is kept until a block of sums makes
it nothing beside every slot. Rows where that does not happen are evaluated in logarithms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log2
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.evaluation.inference import ObservedCodes, SiteObservation, log_values, rows_of, selected

# Mantissas other than 0 are kept within 2**-480 to 2**480: the product of two is then a normal float.
_REACH = 480
# Below this a float is no longer normal and loses digits.
_LEAST = -1020
# What is lost counts as nothing beside a value if it is smaller by so many binary digits.
_SPARE = 60
# A block's rows held at once, in numbers: within the caches of a processor, and enough to hide the calls.
_HELD = 2**16
_FEWEST_ROWS = 64

# Slots of one block; or of several, each with the places of its slots in the whole.
Part: TypeAlias = "tuple[int, slice | Slots] | list[tuple[int, Slots, Slots]]"


@dataclass(eq=False)
class _Scaled:
    """Values (slots, rows) = mantissas * exp(shift); no shift is 0. Exponents of mantissas but 0 are low to high.

    In each row mantissas may be too small by up to 2**lost; None is by nothing.
    """

    mantissas: Floats
    shift: Floats | None
    low: float
    high: float
    lost: Floats | None = None


class LogDensity:
    """The log-density of a circuit, as a function of the observed.

    >>> coins = Leaves(0, np.array([[0.9, 0.1], [0.5, 0.5]]))
    >>> circuit = Circuit((coins, Sums(np.array([[0.25, 0.75]]), np.arange(2))))
    >>> np.exp(LogDensity(circuit)([ObservedCodes(np.array([0, 1, -1]))]))  # the last is missing
    array([0.6, 0.4, 1. ])
    """

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._parts: list[tuple[Part, ...]] = []
        last_use: dict[int, int] = {}
        starts = np.array(circuit.starts)
        for number, block in enumerate(circuit.blocks):
            columns = (
                block.factors.T if isinstance(block, Products) else [block.terms] if isinstance(block, Sums) else ()
            )
            self._parts.append(tuple(_part(column, starts) for column in columns))
            for part in self._parts[-1]:
                for source in [part[0]] if isinstance(part, tuple) else [one[0] for one in part]:
                    last_use[source] = number
        self._dropped: list[list[int]] = [[] for _ in circuit.blocks]
        for source, number in last_use.items():
            self._dropped[number].append(source)

    def rows_at_once(self) -> int:
        """How many rows to evaluate in one call."""
        return max(_FEWEST_ROWS, _HELD // max(block.size for block in self._circuit.blocks))

    def __call__(self, observed: Sequence[SiteObservation]) -> Floats:
        """The natural logarithm of the density in each row, -inf where it is 0."""
        doubtful = np.zeros(rows_of(observed), dtype=bool)
        with np.errstate(all="ignore"):
            last = self._last(observed, doubtful)
            found: Floats = np.log(last.mantissas[-1])
            if last.shift is not None:
                found += last.shift
            if last.lost is not None:
                doubtful |= np.log2(last.mantissas[-1]) < last.lost + _SPARE
        (again,) = np.nonzero(doubtful)
        # Here all slots are held, not those of a few blocks.
        step = max(_FEWEST_ROWS, 2**20 // self._circuit.slots)
        for start in range(0, len(again), step):
            rows = again[start : start + step]
            found[rows] = log_values(self._circuit, selected(observed, rows))[-1]
        return found

    def _last(self, observed: Sequence[SiteObservation], doubtful: NDArray[np.bool_]) -> _Scaled:
        held: dict[int, _Scaled] = {}
        for number, (_, block, table, _) in enumerate(self._circuit.steps(self._circuit.float_tables)):
            match block:
                case Leaves():
                    found = _leaves(table, observed[block.site], doubtful)
                case Products():
                    parts = self._parts[number]
                    found = _taken(held, parts[0], doubtful)
                    for part in parts[1:]:
                        found = _settled(_product(found, _taken(held, part, doubtful)), doubtful)
                case Sums():
                    found = _sums(table, _taken(held, self._parts[number][0], doubtful), doubtful)
            held[number] = _settled(found, doubtful)
            for source in self._dropped[number]:
                del held[source]
        return held[number]


def _part(slots: Slots, starts: Slots) -> Part:
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


def _taken(held: dict[int, _Scaled], part: Part, doubtful: NDArray[np.bool_]) -> _Scaled:
    """Some slots with one shift for all of them."""
    if isinstance(part, tuple):
        block = held[part[0]]
        return _Scaled(block.mantissas[part[1]], block.shift, block.low, block.high, block.lost)
    blocks = [held[number] for number, _, _ in part]
    for block in blocks:
        if block.lost is not None:
            doubtful |= ~np.isneginf(block.lost)
    low, high = min(block.low for block in blocks), max(block.high for block in blocks)
    mantissas = np.empty((sum(len(places) for _, _, places in part), len(doubtful)))
    if all(block.shift is None for block in blocks):
        for block, (_, local, places) in zip(blocks, part, strict=True):
            mantissas[places] = block.mantissas[local]
        return _Scaled(mantissas, None, low, high)
    shifts = np.array([np.zeros(len(doubtful)) if block.shift is None else block.shift for block in blocks])
    common = shifts.max(axis=0)
    common[np.isneginf(common)] = 0.0
    shifts -= common
    for block, (_, local, places), shift in zip(blocks, part, shifts, strict=True):
        # A block of zeros has the shift -inf, and nothing to lose.
        least = block.low + np.where(np.isneginf(shift), 0.0, shift) / log(2)
        doubtful |= least < -2 * _REACH
        low = min(low, float(least[~doubtful].min(initial=0.0)))
        mantissas[places] = block.mantissas[local] * np.exp(shift)
    return _settled(_Scaled(mantissas, common, low, high), doubtful)


def _leaves(table: Floats, given: SiteObservation, doubtful: NDArray[np.bool_]) -> _Scaled:
    if isinstance(given, ObservedCodes):
        # The last column, for MISSING, sums over all values.
        columns = np.column_stack([table, table.sum(axis=1)])
        return _Scaled(columns.take(given.numbers, axis=1, mode="wrap"), None, *_exponents(columns))
    largest = given.max(axis=0)
    largest[np.isneginf(largest)] = 0.0
    below = given - largest
    lost = _without(below, (below < -_REACH * log(2)) & ~np.isneginf(below), -np.inf)
    return _sums(table, _Scaled(np.exp(below), largest, -_REACH, 0.0, lost), doubtful)


def _product(first: _Scaled, second: _Scaled) -> _Scaled:
    shift = first.shift if second.shift is None else second.shift if first.shift is None else first.shift + second.shift
    found = _Scaled(first.mantissas * second.mantissas, shift, first.low + second.low, first.high + second.high)
    for one, other in ((first, second), (second, first)):
        if one.lost is not None:
            found.lost = _more(found.lost, one.lost + other.high)
    return found


def _sums(table: Floats, terms: _Scaled, doubtful: NDArray[np.bool_]) -> _Scaled:
    low, _ = _exponents(table)
    high = _exponents(table.sum(axis=1))[1]
    if not (low + terms.low >= _LEAST and high + terms.high <= -_LEAST):
        doubtful[:] = True
    found = _Scaled(table @ terms.mantissas, terms.shift, low + terms.low, high + terms.high)
    if terms.lost is not None:
        lost = terms.lost + high
        lost[np.log2(found.mantissas.min(axis=0)) >= lost + _SPARE] = -np.inf
        found.lost = None if np.isneginf(lost).all() else lost
    return found


def _without(values: Floats, small: NDArray[np.bool_], nothing: float) -> Floats | None:
    """Sets the small ones to nothing, and tells what each row lost beside a largest of 1."""
    if not small.any():
        return None
    values[small] = nothing
    return np.where(small.any(axis=0), float(-_REACH), -np.inf)


def _more(first: Floats | None, second: Floats | None) -> Floats | None:
    """A bound of the sum of two losses."""
    return first if second is None else second if first is None else np.maximum(first, second) + 1.0


def _exponents(table: Floats) -> tuple[float, float]:
    """Bounds of the binary logarithms of its entries but 0."""
    positive = table[table > 0]
    return (log2(positive.min()), log2(positive.max())) if positive.size else (0.0, 0.0)


def _settled(found: _Scaled, doubtful: NDArray[np.bool_]) -> _Scaled:
    """Within reach: with the largest slot of each row 1, if it was not so already."""
    if found.low >= -_REACH and found.high <= _REACH:
        return found
    mantissas = found.mantissas
    largest = mantissas.max(axis=0)
    scale = np.where(largest > 0, largest, 1.0)
    # Of positive floats; a quotient that underflows is among the small ones.
    small = (mantissas < scale * 2.0**-_REACH) & (mantissas > 0)
    mantissas = mantissas / scale
    lost = _without(mantissas, small, 0.0)
    if found.lost is not None:
        before = found.lost - np.log2(scale)
        doubtful |= before > -_SPARE
        lost = _more(before, lost)
    # The least but 0, for as whole numbers nonnegative floats have the same order, and 0 - 1 is the greatest.
    least = ((mantissas.view(np.uint64) - 1).min(axis=0) + 1).view(np.float64)
    low = log2(least[least > 0].min(initial=1.0))
    shift = np.log(largest)
    return _Scaled(mantissas, shift if found.shift is None else found.shift + shift, low, 0.0, lost)
