"""The largest entries of the coefficient tensor of a tree: partial assignments by their best completion, leaves first.

At every node those partial assignments are kept whose best completions are the largest. Where bounds of completions are
exact, `count` of them suffice: a partial assignment of one of the `count` largest entries has a completion as large as
the entry, and no more than `count` have. The largest bound of what was dropped says up to where the result is proved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.approximation.envelopes import Envelope, children, envelopes, mapped
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Sums

# Logarithms of values and bounds that are closer than this may be equal.
ROUNDING = 1e-9
# How many numbers are held while pairs of partial assignments are multiplied.
_HELD = 2**22


@dataclass(frozen=True, eq=False)
class Best:
    """The largest entries that a search found, largest first.

    Attributes:
        codes: (entries, sites), where they are.
        log_values: their natural logarithms.
        log_missed: an upper bound of the logarithms of all entries that were not looked at, -inf if there are none.
            Entries above it are the largest of all.
    """

    codes: Integers
    log_values: Floats
    log_missed: float

    @property
    def proved(self) -> int:
        """How many entries are proved to be the largest, to rounding; equal ones may be in any order."""
        return int((self.log_values >= self.log_missed - ROUNDING).sum())


@dataclass(frozen=True, eq=False)
class _Partial:
    """Assignments `codes` of the variables `sites`, and the logarithms of a node's slots under each, (codes, slots)."""

    logs: Floats
    codes: Integers
    sites: tuple[int, ...]


def best_of_tree(circuit: Circuit, count: int, *, width: int = 256) -> Best:
    """The `count` largest positive entries, or as many as there are.

    Bounds consist of at most `width` vectors on each side of a node.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> found = best_of_tree(HiddenMarkov([1], [[1]], [[[0.7, 0.3]], [[0.6, 0.4]]], 2).circuit, 2)
    >>> found.codes.tolist(), np.exp(found.log_values).round(3), found.proved
    ([[0, 0], [0, 1]], array([0.42, 0.28]), 2)
    """
    return _Search(circuit, count, width).run()


class _Search:
    """One pass from the leaves to the root."""

    def __init__(self, circuit: Circuit, count: int, width: int) -> None:
        self._circuit, self._count = circuit, count
        self._bounds = envelopes(circuit, width)
        self._missed = -np.inf

    def run(self) -> Best:
        held: dict[int, _Partial] = {}
        for number, (block, table) in enumerate(zip(self._circuit.blocks, self._circuit.float_tables, strict=True)):
            parts = []
            for child, slots in children(self._circuit, number):
                below = held.pop(child)
                parts.append(replace(below, logs=below.logs[:, slots]))
            match block:
                case Leaves():
                    codes = np.arange(table.shape[1])[:, None]
                    with np.errstate(divide="ignore"):
                        found = _Partial(np.log(table.T), codes, (block.site,))
                case Products():
                    found = parts[0]
                    for part, outside in zip(parts[1:], self._bounds.partial[number][1:], strict=True):
                        found = self._product(found, part, outside)
                case Sums():
                    found = replace(parts[0], logs=mapped(table, parts[0].logs))
            if not isinstance(block, Leaves):
                rows = self._best(found.logs, self._bounds.outside[number])
                found = replace(found, logs=found.logs[rows], codes=found.codes[rows])
            held[number] = found
        (root,) = held.values()
        order = np.argsort(-root.logs[:, 0], kind="stable")
        codes = np.empty((len(order), len(root.sites)), dtype=np.int64)
        codes[:, root.sites] = root.codes[order]
        return Best(codes, root.logs[order, 0], self._missed)

    def _product(self, left: _Partial, right: _Partial, outside: Envelope) -> _Partial:
        """The best of all pairs; a few rows at a time are compared with the best so far."""
        rows = np.empty((0, 2), dtype=np.int64)
        step = max(1, _HELD // right.logs.size)
        for start in range(0, len(left.logs), step):
            grid = np.indices((min(step, len(left.logs) - start), len(right.logs))).reshape(2, -1).T
            rows = np.concatenate([rows, grid + np.array([start, 0])])
            rows = rows[self._best(left.logs[rows[:, 0]] + right.logs[rows[:, 1]], outside)]
        one, other = rows.T
        codes = np.concatenate([left.codes[one], right.codes[other]], axis=1)
        return _Partial(left.logs[one] + right.logs[other], codes, left.sites + right.sites)

    def _best(self, logs: Floats, outside: Envelope) -> Integers:
        """The rows with the best completions, at most as many as are wanted; the best bound of the others is kept."""
        bounds = outside.log_best(logs)
        rows = np.flatnonzero(~np.isneginf(bounds))
        if len(rows) <= self._count:
            return rows
        order = rows[np.argsort(-bounds[rows], kind="stable")]
        self._missed = max(self._missed, float(bounds[order[self._count]]))
        return np.sort(order[: self._count])
