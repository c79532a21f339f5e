"""Blocks of slots as plain floats with a common exponent for each row, and what is lost by that.

Slots too small beside the largest of their row become 0. How large they may have been is kept as `lost`, until a sum is
met beside which it is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, log2

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.fitting.workspace import Workspace

# Values other than 0 are kept above 2**-480 of a row's largest, so that the product of two is a normal float.
_REACH = 480
# Products are taken in plain floats if they are certain to stay above this, else as sums of logarithms.
_LEAST = -1000
# Below this floats are no longer normal.
_SMALLEST = -1020
# What is lost counts as nothing beside a value if it is smaller by so many binary digits.
SPARE = 50


@dataclass(eq=False)
class Block:
    """Values (slots, rows) * exp(shift), at most about 1; those other than 0 are above 2**low.

    In each row values may be too small by up to 2**lost, None is by nothing.
    """

    values: Floats
    shift: Floats | None
    low: float
    lost: Floats | None = None


@dataclass(eq=False)
class Lookup:
    """Slots whose values in a row are a column of a table: leaves of a categorical variable."""

    columns: Floats
    places: Integers
    low: float

    def values(self, space: Workspace) -> Floats:
        """Those values, (slots, rows)."""
        found = space.array(len(self.columns), len(self.places))
        return self.columns.take(self.places, axis=1, mode="clip", out=found)


def product(factors: Sequence[Block | Lookup], space: Workspace) -> Block:
    """The product of blocks, rescaled if need be."""
    if sum(factor.low for factor in factors) < _LEAST and len(factors) == 2:
        factors = [settled(_block(factor, space), space) for factor in factors]
    blocks = [factor for factor in factors if isinstance(factor, Block)]
    shifts = [block.shift for block in blocks if block.shift is not None]
    losses = [block.lost for block in blocks if block.lost is not None]
    shift = sum(shifts[1:], start=shifts[0]) if shifts else None
    # As other factors are at most about 1, losses add up.
    lost = np.maximum.reduce(losses) + log2(len(losses)) if losses else None
    parts: list[list[Block | Lookup]] = [[]]
    for factor in sorted(factors, key=lambda factor: isinstance(factor, Lookup)):
        # Factors are multiplied as long as floats reach.
        if parts[-1] and sum(one.low for one in parts[-1]) + factor.low < _LEAST:
            parts.append([])
        parts[-1].append(factor)
    values = _multiplied(parts[0], space)
    if len(parts) == 1:
        return settled(Block(values, shift, sum(factor.low for factor in factors), lost), space)
    logs = np.log(values, out=values)
    for part in parts[1:]:
        more = _multiplied(part, space)
        logs += np.log(more, out=more)
    found, top = scaled(logs)
    if lost is not None:
        lost = lost - top / log(2)
        found.lost = lost if found.lost is None else np.maximum(lost, found.lost) + 1.0
    found.shift = top if shift is None else top + shift
    return found


def scaled(logs: Floats) -> tuple[Block, Floats]:
    """Exponentials (in place) beside the largest of each row, and these largest logarithms."""
    largest = logs.max(axis=0)
    largest[np.isneginf(largest)] = 0.0
    below = np.subtract(logs, largest, out=logs)
    least = float(below.min())
    lost = None
    if least < -_REACH * log(2):
        small = below < -_REACH * log(2)
        lost = np.where((small & ~np.isneginf(below)).any(axis=0), float(-_REACH), -np.inf)
        below[small] = -np.inf
    return Block(np.exp(below, out=below), largest, max(least / log(2), -_REACH), lost), largest


def sums(table: Floats, low: float, terms: Block, space: Workspace) -> Block:
    """Sums of terms, by a table whose least positive entry is 2**low."""
    values = np.matmul(table, terms.values, out=space.array(len(table), terms.values.shape[1]))
    lost = terms.lost
    if low + terms.low < _SMALLEST:
        underflow = np.full(values.shape[1], float(_SMALLEST))
        lost = underflow if lost is None else np.maximum(lost, underflow) + 1.0
    if lost is not None:
        # Beside sums that are all so much larger, what was lost is nothing.
        lost = np.where(np.log2(values.min(axis=0)) >= lost + SPARE, -np.inf, lost)
    return Block(values, terms.shift, low + terms.low, None if lost is None or np.isneginf(lost).all() else lost)


def settled(block: Block, space: Workspace) -> Block:
    """With the largest of each row 1 if values may be too small for the product of two, without those too small."""
    if block.low >= -_REACH:
        return block
    largest = block.values.max(axis=0)
    scale = np.where(largest > 0, largest, 1.0)
    values = np.divide(block.values, scale, out=space.array(*block.values.shape))
    lost = None if block.lost is None else block.lost - np.log2(scale)
    # The least but 0, for as whole numbers nonnegative floats have the same order, and 0 - 1 is the greatest.
    least = float(((values.view(np.uint64) - np.uint64(1)).min() + np.uint64(1)).view(np.float64))
    if least < 2.0**-_REACH or (block.low < _SMALLEST and not values.all()):
        # Quotients that underflow are lost as well.
        small = (values < 2.0**-_REACH) & (block.values > 0)
        values[small] = 0.0
        less = np.where(small.any(axis=0), float(-_REACH), -np.inf)
        lost = less if lost is None else np.maximum(lost, less) + 1.0
        least = 2.0**-_REACH
    shift = np.log(scale)
    return Block(values, shift if block.shift is None else block.shift + shift, log2(least) if least > 0 else 0.0, lost)


def _multiplied(factors: Sequence[Block | Lookup], space: Workspace) -> Floats:
    """The product of mantissas in an array of its own."""
    first = factors[0]
    if len(factors) == 1:
        if isinstance(first, Lookup):
            return first.values(space)
        own = space.array(*first.values.shape)
        own[...] = first.values
        return own
    second = factors[1]
    if isinstance(second, Lookup):
        found = second.values(space)
        np.multiply(first.values if isinstance(first, Block) else first.values(space), found, out=found)
    else:
        found = np.multiply(_block(first, space).values, second.values, out=space.array(*second.values.shape))
    for factor in factors[2:]:
        found *= _block(factor, space).values
    return found


def _block(factor: Block | Lookup, space: Workspace) -> Block:
    return factor if isinstance(factor, Block) else Block(factor.values(space), None, factor.low)
