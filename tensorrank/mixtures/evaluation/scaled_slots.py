"""Arithmetic on slots as plain floats with an exponent for each row, and bounds of what that loses.

Densities of many variables are too small for floats, and logarithms of every slot are slow. So the slots of a block are
kept as mantissas * exp(shift), with one shift for each row. The entries of tables tell beforehand how far the exponents
of mantissas may have come; blocks are rescaled only where floats might not reach further.

Slots far below the largest of their row become 0. How much they may have been is kept as a bound, `lost`, until it is
nothing beside every slot of a block of sums. A row whose loss still counts in the end is doubtful: its value has to be
found in logarithms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, log, log2
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats, Integers

# Hands out arrays of a shape, not initialised.
Allocator: TypeAlias = Callable[[tuple[int, ...]], Floats]

# Settled mantissas other than 0 are within 2**-480 to 2**480, so that the product of two is a normal float.
_REACH = 480
# Products whose exponents certainly stay within these bounds are taken in plain floats.
_PLAIN = 1000
# Below 2**-1020 floats are no longer normal; above 2**1020 they soon end.
_NORMAL = 1020
# What is lost counts as nothing beside a value if it is smaller by so many binary digits.
SPARE = 50


@dataclass(frozen=True, eq=False)
class ScaledTable:
    """A nonnegative table (slots, terms) with bounds of the exponents that it adds.

    Attributes:
        entries: the table in float64.
        low: a lower bound of the binary logarithms of its entries other than 0.
        high: an upper bound of the binary logarithms of the sums of its rows.
        identity: whether it is the identity matrix, by which nothing needs to be multiplied.
    """

    entries: Floats
    low: float
    high: float
    identity: bool

    @classmethod
    def of(cls, table: Floats) -> ScaledTable:
        """The table with its bounds."""
        largest = float(table.sum(axis=1).max())
        identity = table.shape[0] == table.shape[1] and bool((table == np.eye(len(table))).all())
        return cls(table, _exponent(float(table[table > 0].min(initial=inf))), _exponent(largest), identity)

    @cached_property
    def columns(self) -> Floats:
        """The table with a first column for missing values, which sums over all values."""
        return np.column_stack([self.entries.sum(axis=1), self.entries])

    def looked_up(self, places: Integers) -> LookedUp:
        """The slots of leaves: in each row the column at a place, 0 for a missing value or one more than the value."""
        return LookedUp(self.columns, places, self.low, self.high)


@dataclass(eq=False)
class ScaledSlots:
    """Slots of a block, (slots, rows), as mantissas * exp(shift).

    Attributes:
        mantissas: nonnegative.
        shift: for each row; 0 if None, -inf for rows in which all slots are 0.
        low: a lower bound of the binary logarithms of mantissas other than 0.
        high: an upper bound of all.
        lost: in each row mantissas may be too small by up to 2**lost, NaN is by anything; None where nothing is lost.
    """

    mantissas: Floats
    shift: Floats | None
    low: float
    high: float
    lost: Floats | None = None

    def settled(self, allocate: Allocator = np.empty) -> ScaledSlots:
        """The slots within reach: as they are if they are so already, else with the largest of each row 1."""
        if self.low >= -_REACH and self.high <= _REACH:
            return self
        largest = self.mantissas.max(axis=0)
        scale = np.where(largest > 0, largest, 1.0)
        mantissas = np.divide(self.mantissas, scale, out=allocate(self.mantissas.shape))
        lost = None if self.lost is None else self.lost - np.log2(scale)
        # The least that is not 0: nonnegative floats are in the order of their bits as whole numbers, of which 0 - 1
        # is the greatest.
        least = float(((mantissas.view(np.uint64) - np.uint64(1)).min() + np.uint64(1)).view(np.float64))
        if least < 2.0**-_REACH or (self.low < -_NORMAL and not mantissas.all()):
            # Quotients that underflow are lost as well.
            small = (mantissas < 2.0**-_REACH) & (self.mantissas > 0)
            mantissas[small] = 0.0
            lost = _more(lost, np.where(small.any(axis=0), float(-_REACH), -inf))
            least = 2.0**-_REACH
        shift = np.log(largest)
        return ScaledSlots(mantissas, shift if self.shift is None else self.shift + shift, _exponent(least), 0.0, lost)

    def in_array(self, allocate: Allocator = np.empty) -> ScaledSlots:
        """The slots as they are, since they are in an array."""
        return self

    def taken(self, slots: slice | Integers) -> ScaledSlots:
        """Some of the slots."""
        return ScaledSlots(self.mantissas[slots], self.shift, self.low, self.high, self.lost)

    def doubtful(self) -> NDArray[np.bool_]:
        """Whether what is lost may count, for each slot and row."""
        if self.lost is None:
            return np.zeros(self.mantissas.shape, dtype=bool)
        return ~(np.log2(self.mantissas) >= self.lost + SPARE)

    def last_logs(self) -> tuple[Floats, NDArray[np.bool_]]:
        """The logarithm of the last slot in each row, and the rows in which it is doubtful."""
        last = self.taken(slice(-1, None))
        logs = np.log(last.mantissas[0])
        return logs if last.shift is None else logs + last.shift, last.doubtful()[0]


@dataclass(frozen=True, eq=False)
class LookedUp:
    """Slots whose values in a row are a column of a table: leaves of a categorical variable.

    Attributes:
        columns: as of `ScaledTable.columns`.
        places: the number of the column in each row: 0 where the value is missing, else one more than the value.
        low: a lower bound of the binary logarithms of entries other than 0.
        high: an upper bound of all.
    """

    shift: ClassVar[None] = None
    lost: ClassVar[None] = None

    columns: Floats
    places: Integers
    low: float
    high: float

    def in_array(self, allocate: Allocator = np.empty) -> ScaledSlots:
        """The values in an array."""
        out = allocate((len(self.columns), len(self.places)))
        return ScaledSlots(self.columns.take(self.places, axis=1, mode="clip", out=out), None, self.low, self.high)

    def taken(self, slots: slice | Integers) -> LookedUp:
        """Some of the slots."""
        return LookedUp(self.columns[slots], self.places, self.low, self.high)


Factor: TypeAlias = "ScaledSlots | LookedUp"


def product(factors: Sequence[Factor], allocate: Allocator = np.empty) -> ScaledSlots:
    """The product of factors, slot by slot, settled."""
    low, high = sum([factor.low for factor in factors]), sum([factor.high for factor in factors])
    plain = low >= -_PLAIN and high <= _PLAIN
    if not plain and len(factors) == 2:
        return product([factor.in_array(allocate).settled(allocate) for factor in factors], allocate)
    shifts = [factor.shift for factor in factors if factor.shift is not None]
    shift = sum(shifts[1:], start=shifts[0]) if shifts else None
    losses = [factor.lost + (high - factor.high) for factor in factors if factor.lost is not None]
    lost = np.maximum.reduce(losses) + log2(len(losses)) if losses else None
    if plain:
        return ScaledSlots(_multiplied(factors, allocate), shift, low, high, lost).settled(allocate)
    # Floats do not reach as far as the product of all factors, but as far as the product of each group.
    groups: list[list[Factor]] = [[]]
    low, high = 0.0, 0.0
    for factor in factors:
        low, high = low + factor.low, high + factor.high
        if groups[-1] and (low < -_PLAIN or high > _PLAIN):
            groups.append([])
            low, high = factor.low, factor.high
        groups[-1].append(factor)
    logs = np.log(_multiplied(groups[0], allocate))
    for group in groups[1:]:
        more = _multiplied(group, allocate)
        logs += np.log(more, out=more)
    found, top = scaled(logs, logs)
    if lost is not None:
        lost = lost - top / log(2)
        found.lost = lost if found.lost is None else _more(lost, found.lost)
    found.shift = top if shift is None else top + shift
    return found


def scaled(logs: Floats, out: Floats | None = None) -> tuple[ScaledSlots, Floats]:
    """Slots whose logarithms are given, (slots, rows), with the largest of each row 1; and their shift.

    Mantissas are written to `out`, which may be the logarithms themselves.
    """
    largest = logs.max(axis=0)
    largest[np.isneginf(largest)] = 0.0
    below = np.subtract(logs, largest, out=out)
    least = float(below.min())
    lost = None
    if least < -_REACH * log(2):
        small = below < -_REACH * log(2)
        lost = np.where((small & ~np.isneginf(below)).any(axis=0), float(-_REACH), -inf)
        below[small] = -inf
    return ScaledSlots(np.exp(below, out=below), largest, max(least / log(2), -_REACH), 0.0, lost), largest


def sums(table: ScaledTable, terms: ScaledSlots, allocate: Allocator = np.empty) -> ScaledSlots:
    """Sums of terms: table @ terms."""
    if table.identity:
        return terms
    mantissas = np.matmul(table.entries, terms.mantissas, out=allocate((len(table.entries), terms.mantissas.shape[1])))
    low, high = table.low + terms.low, table.high + terms.high
    lost = None if terms.lost is None else terms.lost + table.high
    if low < -_NORMAL:
        lost = _more(lost, np.full(mantissas.shape[1], float(-_NORMAL)))
    if high > _NORMAL:
        lost = np.full(mantissas.shape[1], np.nan)
    if lost is not None:
        # Beside sums that are all so much larger, what was lost is nothing.
        lost = np.where(np.log2(mantissas.min(axis=0)) >= lost + SPARE, -inf, lost)
        if np.isneginf(lost).all():
            lost = None
    return ScaledSlots(mantissas, terms.shift, low, high, lost)


def joined(parts: Sequence[tuple[ScaledSlots, Integers]], allocate: Allocator = np.empty) -> ScaledSlots:
    """Slots of several blocks, at their places in the whole, with one shift for all of them."""
    blocks = [block for block, _ in parts]
    rows = blocks[0].mantissas.shape[1]
    mantissas = allocate((sum(len(places) for _, places in parts), rows))
    low, high = min(block.low for block in blocks), max(block.high for block in blocks)
    if all(block.shift is None and block.lost is None for block in blocks):
        for block, places in parts:
            mantissas[places] = block.mantissas
        return ScaledSlots(mantissas, None, low, high)
    shifts = np.array([np.zeros(rows) if block.shift is None else block.shift for block in blocks])
    common = shifts.max(axis=0)
    common[np.isneginf(common)] = 0.0
    shifts -= common
    lost: Floats | None = None
    for (block, places), shift in zip(parts, shifts, strict=True):
        digits = shift / log(2)
        # A row of zeros has the shift -inf, and nothing to lose.
        least = block.low + np.where(np.isneginf(shift), 0.0, digits)
        far = least < -2 * _REACH
        low = min(low, float(least[~far].min(initial=0.0)))
        less = np.where(far, np.nan, -inf if block.lost is None else block.lost + digits)
        lost = less if lost is None else np.maximum(lost, less)
        mantissas[places] = block.mantissas * np.exp(shift)
    return ScaledSlots(mantissas, common, low, high, lost).settled(allocate)


def _multiplied(factors: Sequence[Factor], allocate: Allocator = np.empty) -> Floats:
    """The product of mantissas in an array of its own."""
    looked_up = [factor for factor in factors if isinstance(factor, LookedUp)]
    arrays = [factor.mantissas for factor in factors if isinstance(factor, ScaledSlots)]
    if looked_up:
        out = looked_up.pop().in_array(allocate).mantissas
    else:
        out = allocate(arrays[0].shape)
        if len(arrays) == 1:
            out[...] = arrays[0]
            return out
        np.multiply(arrays.pop(), arrays.pop(), out=out)
    for array in arrays:
        out *= array
    for factor in looked_up:
        out *= factor.in_array(allocate).mantissas
    return out


def _more(first: Floats | None, second: Floats) -> Floats:
    """A bound of the sum of two losses."""
    return second if first is None else np.maximum(first, second) + 1.0


def _exponent(value: float) -> float:
    """The binary logarithm of a value, 0 where there is none."""
    return log2(value) if 0 < value < inf else 0.0
