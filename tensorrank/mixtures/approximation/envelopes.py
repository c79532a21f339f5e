"""Upper bounds that know the states: the best that the variables on either side of a node can do for each other.

An assignment of the variables below a node makes its slots a vector of nonnegative numbers, and one of the variables
outside makes the factors by which these count another. Of all such vectors only the maximal ones matter for a maximum:
where few of 64 variables' assignments are maximal, which is the rule, the best completion of a partial assignment is
known without a search. Where there are too many, groups of them are replaced by their largest coordinates, an upper
bound still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from heapq import heappop, heappush
from itertools import count
from math import log

import numpy as np

from tensorrank.mixtures.approximation.envelope_kernels import maximal
from tensorrank.mixtures.circuit import Block, Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.inference import Floats

# Coordinates this far below the largest count as equal when groups are made.
_LEAST = 1e-12


@dataclass(frozen=True, eq=False)
class Envelope:
    """Vectors, below some of which all others are.

    Attributes:
        values: (vectors, slots), the largest of all 1.
        log_scale: what they are to be multiplied by, as a logarithm.
    """

    values: Floats
    log_scale: float

    @classmethod
    def of(cls, values: Floats, log_scale: float, width: int) -> Envelope:
        """At most `width` vectors, without those that are nowhere above another.

        >>> Envelope.of(np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]]), 0.0, 8).values
        array([[0.5, 1. ],
               [1. , 0.5]])
        >>> Envelope.of(np.array([[1.0, 2.0], [2.0, 1.0]]), 0.0, 1).values
        array([[1., 1.]])
        """
        values = np.ascontiguousarray(values[np.argsort(-values.sum(axis=1), kind="stable")])
        kept = np.empty(len(values), dtype=np.int64)
        values = values[kept[: maximal(values, kept)]]
        if len(values) > width:
            values = _grouped(values, width)
        largest = float(values.max())
        return cls(values / largest, log_scale + log(largest)) if largest > 0 else cls(values, log_scale)

    def taken(self, slots: Slots) -> Envelope:
        """That of some of the slots."""
        return Envelope(self.values[:, slots], self.log_scale)

    def mapped(self, matrix: Floats, width: int) -> Envelope:
        """That of a nonnegative linear image, values @ matrix."""
        return Envelope.of(self.values @ matrix, self.log_scale, width)

    def times(self, other: Envelope, width: int) -> Envelope:
        """That of all products, slot by slot, of a vector of one and a vector of the other."""
        values = (self.values[:, None] * other.values).reshape(-1, self.values.shape[1])
        return Envelope.of(values, self.log_scale + other.log_scale, width)

    def log_best(self, values: Floats) -> Floats:
        """For each row the logarithm of the largest inner product with one of the vectors."""
        step = max(1, 2**22 // len(self.values))
        best = [(values[start : start + step] @ self.values.T).max(axis=1) for start in range(0, len(values), step)]
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.concatenate(best)) + self.log_scale)


@dataclass(frozen=True, eq=False)
class Sides:
    """What lies below and outside the blocks of a tree's circuit.

    Attributes:
        outside: for each block that of all factors by which its slots count.
        partial: for each block of products the same for the products of its first child, of its first two, ...
    """

    outside: dict[int, Envelope]
    partial: dict[int, list[Envelope]]


def children(circuit: Circuit, block: Block) -> list[tuple[int, Slots]]:
    """The blocks that a block takes, and which of their slots."""
    columns = list(block.factors.T) if isinstance(block, Products) else [block.terms] if isinstance(block, Sums) else []
    found = []
    for column in columns:
        numbers = np.unique(np.searchsorted(circuit.starts, column, side="right") - 1)
        found += [(int(number), column - circuit.starts[number]) for number in numbers]
    return found


def is_tree(circuit: Circuit) -> bool:
    """Whether every block but the last is taken whole by a single one, as in latent trees and hierarchical formats."""
    taken = [number for block in circuit.blocks for number, _ in children(circuit, block)]
    return sorted(taken) == list(range(len(circuit.blocks) - 1))


def envelopes(circuit: Circuit, width: int) -> Sides:
    """Both sides of all blocks of a tree, with at most `width` vectors each."""
    inside: dict[int, Envelope] = {}
    for number, (block, table) in enumerate(zip(circuit.blocks, circuit.float_tables, strict=True)):
        parts = [inside[child].taken(slots) for child, slots in children(circuit, block)]
        match block:
            case Leaves():
                inside[number] = Envelope.of(table.T, 0.0, width)
            case Products():
                inside[number] = reduce(lambda made, part: made.times(part, width), parts)
            case Sums():
                inside[number] = parts[0].mapped(table.T, width)
    last = len(circuit.blocks) - 1
    found = Sides({last: Envelope(np.ones((1, 1)), 0.0)}, {})
    for number in range(last, -1, -1):
        block = circuit.blocks[number]
        below = children(circuit, block)
        match block:
            case Products():
                parts = [inside[child].taken(slots) for child, slots in below]
                # What counts beside the first children, and beside each of them.
                after = [found.outside[number]]
                for part in reversed(parts[1:]):
                    after.append(after[-1].times(part, width))
                after.reverse()
                found.partial[number] = after
                before: Envelope | None = None
                for (child, slots), part, rest in zip(below, parts, after, strict=True):
                    factors = rest if before is None else rest.times(before, width)
                    found.outside[child] = _placed(factors, slots, circuit.blocks[child].size)
                    before = part if before is None else before.times(part, width)
            case Sums():
                ((child, slots),) = below
                factors = found.outside[number].mapped(circuit.float_tables[number], width)
                found.outside[child] = _placed(factors, slots, circuit.blocks[child].size)
    return found


def _placed(factors: Envelope, slots: Slots, size: int) -> Envelope:
    """Factors of some slots, added up where a slot is taken more than once, as those of all slots of a block."""
    values = np.zeros((len(factors.values), size))
    np.add.at(values.T, slots, factors.values.T)
    return Envelope(values, factors.log_scale)


def _grouped(values: Floats, groups: int) -> Floats:
    """The largest coordinates of so many groups, made by halving the group with the widest spread of a coordinate."""
    tick = count()
    held = [(*_spread(values), next(tick), values)]
    while len(held) < groups:
        _, coordinate, _, group = heappop(held)
        order = np.argsort(group[:, coordinate], kind="stable")
        for half in (order[: len(group) // 2], order[len(group) // 2 :]):
            heappush(held, (*_spread(group[half]), next(tick), group[half]))
    return np.array([group.max(axis=0) for *_, group in held])


def _spread(group: Floats) -> tuple[float, int]:
    """By which factor a coordinate differs most, and which one: the widest spread first."""
    factors = group.max(axis=0) / np.maximum(group.min(axis=0), _LEAST * group.max())
    coordinate = int(factors.argmax())
    return -float(factors[coordinate]) if len(group) > 1 else 0.0, coordinate
