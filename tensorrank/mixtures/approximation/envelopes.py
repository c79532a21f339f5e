"""Envelopes: upper bounds of what the variables on one side of a node can make of the variables on the other side.

An assignment of the variables below a node gives its slots values, a nonnegative vector. An assignment of the variables
outside gives the factors by which these slots count, another nonnegative vector. For a maximum only maximal vectors
matter, those that no other one exceeds everywhere. Where few are maximal, which is the rule, the best completion of a
partial assignment is known without a search. Where there are too many, groups of them are replaced by their largest
coordinates, which is an upper bound still.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from heapq import heappop, heappush
from itertools import count

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.approximation.envelope_kernels import maximal
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Slots, Sums
from tensorrank.mixtures.evaluation.inference import log_matmul

# Maximal vectors are sought up to so many times as many as are kept.
_LOOKED_FOR = 4
# Coordinates whose logarithms are this far below the largest count as equal when groups are made.
_FAR = 27.0
# Sums of numbers up to 1 below this may have lost digits to numbers that are no normal floats.
_LEAST_SUM = 1e-290


@dataclass(frozen=True, eq=False)
class Envelope:
    """Vectors of which each vector of a larger set is exceeded by one, coordinate by coordinate.

    Logarithms of their coordinates are kept, (vectors, slots).
    """

    logs: Floats

    @classmethod
    def of(cls, logs: Floats, width: int) -> Envelope:
        """The envelope of some vectors: the maximal ones, or at most `width` that exceed them.

        >>> np.exp(Envelope.of(np.log([[1.0, 2.0], [2.0, 1.0], [1.0, 1.0]]), 8).logs).round(3)
        array([[1., 2.],
               [2., 1.]])
        >>> np.exp(Envelope.of(np.log([[1.0, 2.0], [2.0, 1.0]]), 1).logs).round(3)
        array([[2., 2.]])
        """
        sums = np.exp(logs - _finite(logs.max())).sum(axis=1)
        logs = np.ascontiguousarray(logs[np.argsort(-sums, kind="stable")])
        kept = np.empty(len(logs), dtype=np.int64)
        found = maximal(logs, _LOOKED_FOR * width, kept)
        if found <= _LOOKED_FOR * width:
            logs = logs[kept[:found]]
        return cls(_grouped(logs, width) if found > width else logs)

    def taken(self, slots: Slots) -> Envelope:
        """The envelope for some of the slots."""
        return Envelope(self.logs[:, slots])

    def times(self, other: Envelope, width: int) -> Envelope:
        """The envelope of all products, slot by slot, of a vector of this envelope and one of another."""
        return Envelope.of((self.logs[:, None] + other.logs).reshape(-1, self.logs.shape[1]), width)

    def log_best(self, logs: Floats) -> Floats:
        """The logarithm of the largest inner product with one of the vectors, for each row of logarithms."""
        step = max(1, 2**22 // len(self.logs))
        return np.concatenate([self._log_best(logs[start : start + step]) for start in range(0, len(logs), step)])

    def _log_best(self, logs: Floats) -> Floats:
        rows, columns = _finite(logs.max(axis=1)), _finite(self.logs.max(axis=1))
        sums = np.exp(logs - rows[:, None]) @ np.exp(self.logs - columns[:, None]).T
        with np.errstate(divide="ignore"):
            found = np.log(sums) + rows[:, None] + columns
        for row, column in np.argwhere(sums < _LEAST_SUM):
            terms = logs[row] + self.logs[column]
            top = _finite(terms.max())
            with np.errstate(divide="ignore"):
                found[row, column] = np.log(np.exp(terms - top).sum()) + top
        return np.asarray(found.max(axis=1))


def mapped(table: Floats, logs: Floats) -> Floats:
    """The images of vectors, (vectors, slots), under a nonnegative table, all as logarithms."""
    with np.errstate(divide="ignore"):
        return log_matmul(table, logs.T).T


@dataclass(frozen=True, eq=False)
class Sides:
    """What lies below and outside the blocks of a tree's circuit.

    Attributes:
        outside: for each block but leaves the envelope of the factors by which its slots count.
        partial: for each block of products the envelopes of the factors by which the products of its first child, of
            its first two children, ... count.
    """

    outside: dict[int, Envelope]
    partial: dict[int, list[Envelope]]


def children(circuit: Circuit, number: int) -> list[tuple[int, Slots]]:
    """The blocks that a block takes, and which of their slots."""
    return [(one.block, one.slots) for operand in circuit.taken[number] for one in operand]


def is_tree(circuit: Circuit) -> bool:
    """Whether every block but the last is taken once, by a single block, as in latent trees."""
    taken = [child for number in range(len(circuit.blocks)) for child, _ in children(circuit, number)]
    return sorted(taken) == list(range(len(circuit.blocks) - 1))


def envelopes(circuit: Circuit, width: int) -> Sides:
    """Both sides of all blocks of a tree, with at most `width` vectors each."""
    inside: dict[int, Envelope] = {}
    for number, (block, table) in enumerate(zip(circuit.blocks, circuit.float_tables, strict=True)):
        parts = [inside[child].taken(slots) for child, slots in children(circuit, number)]
        match block:
            case Leaves():
                with np.errstate(divide="ignore"):
                    inside[number] = Envelope.of(np.log(table.T), width)
            case Products():
                inside[number] = reduce(lambda made, part: made.times(part, width), parts)
            case Sums():
                inside[number] = Envelope.of(mapped(table, parts[0].logs), width)
    last = len(circuit.blocks) - 1
    found = Sides({last: Envelope(np.zeros((1, 1)))}, {})
    for number in range(last, -1, -1):
        block = circuit.blocks[number]
        below = children(circuit, number)
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
                    if not isinstance(circuit.blocks[child], Leaves):
                        factors = rest if before is None else rest.times(before, width)
                        found.outside[child] = _placed(factors, slots, circuit.blocks[child].size)
                    before = part if before is None else before.times(part, width)
            case Sums():
                ((child, slots),) = below
                images = mapped(circuit.float_tables[number].T, found.outside[number].logs)
                factors = Envelope.of(images, width)
                found.outside[child] = _placed(factors, slots, circuit.blocks[child].size)
    return found


def _placed(factors: Envelope, slots: Slots, size: int) -> Envelope:
    """Factors of some slots as factors of all slots of a block, added up where a slot is taken more than once."""
    logs = np.full((len(factors.logs), size), -np.inf)
    for slot, column in zip(slots, factors.logs.T, strict=True):
        logs[:, slot] = np.logaddexp(logs[:, slot], column)
    return Envelope(logs)


def _grouped(logs: Floats, groups: int) -> Floats:
    """The largest coordinates of each of so many groups; the group of the widest spread is halved until there are."""
    tick = count()
    held = [(*_spread(logs), next(tick), logs)]
    while len(held) < groups:
        _, coordinate, _, group = heappop(held)
        order = np.argsort(group[:, coordinate], kind="stable")
        for half in (order[: len(group) // 2], order[len(group) // 2 :]):
            heappush(held, (*_spread(group[half]), next(tick), group[half]))
    return np.array([group.max(axis=0) for *_, group in held])


def _spread(group: Floats) -> tuple[float, int]:
    """The negative of the widest spread of a coordinate of a group, and that coordinate; 1 for a single vector."""
    raised = np.maximum(group, _finite(group.max()) - _FAR)
    spreads = raised.max(axis=0) - raised.min(axis=0)
    coordinate = int(spreads.argmax())
    return -float(spreads[coordinate]) if len(group) > 1 else 1.0, coordinate


def _finite(logs: Floats) -> Floats:
    """The logarithms with 0 in the place of -inf, so that they can be subtracted."""
    return np.where(np.isneginf(logs), 0.0, logs)
