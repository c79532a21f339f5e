"""The most probable completions of rows under a density whose marginals are cheap: best first, bounded by marginals.

No completion of a row is more probable than the row itself, in which all completions are summed. So partial completions
are completed further in the order of their own probabilities, until none that is left could be better than the best
completion found, or too many were looked at; the bound is then what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.approximation.best_of_tree import ROUNDING
from tensorrank.mixtures.decoding.completion import Explained
from tensorrank.mixtures.evaluation.inference import MISSING

LogDensity = Callable[[Integers], Floats]
# Partial completions that are completed further at once: passes over many rows cost little more than over one.
_AT_ONCE = 32


def best_completions(log_density: LogDensity, shape: Sequence[int], codes: Integers, nodes: int) -> Explained:
    """The best completion found of each row, and a bound for all, looking at so many partial ones for each row."""
    rows, logs, bounds = codes.copy(), np.empty(len(codes)), np.empty(len(codes))
    for number, row in enumerate(codes):
        rows[number], logs[number], bounds[number] = _best_completion(log_density, shape, row, nodes)
    return Explained(rows, logs, bounds)


def _best_completion(log_density: LogDensity, shape: Sequence[int], row: Integers, nodes: int) -> tuple[Integers, float, float]:
    missing = np.flatnonzero(row == MISSING)
    whole = float(log_density(row[None])[0])
    if not missing.size or whole == -np.inf:
        return row, whole, whole
    best, found = _dive(log_density, shape, row, missing)
    # Partial completions by probability; a number tells equal ones apart.
    waiting, looked, entered = [(-whole, 0, 0, row)], 0, 0
    while waiting and -waiting[0][0] > found + ROUNDING and looked < nodes:
        taken = [heappop(waiting) for _ in range(min(_AT_ONCE, len(waiting)))]
        children = [(depth + 1, child) for _, _, depth, partial in taken for child in _children(partial, missing[depth], shape)]
        looked += len(children)
        logs = log_density(np.array([child for _, child in children]))
        for (depth, child), log in zip(children, logs.tolist(), strict=True):
            if depth == len(missing):
                best, found = (child, log) if log > found else (best, found)
            elif log > found + ROUNDING:
                entered += 1
                heappush(waiting, (-log, entered, depth, child))
    return best, found, max(found, -waiting[0][0] if waiting else -np.inf)


def _dive(log_density: LogDensity, shape: Sequence[int], row: Integers, missing: Integers) -> tuple[Integers, float]:
    """The completion by the most probable value of one variable after the other."""
    log = -np.inf
    for site in missing:
        children = _children(row, site, shape)
        logs = log_density(children)
        row, log = children[logs.argmax()], float(logs.max())
    return row, log


def _children(row: Integers, site: int, shape: Sequence[int]) -> Integers:
    """The row with each value of a variable."""
    found = np.repeat(row[None], shape[site], axis=0)
    found[:, site] = np.arange(shape[site])
    return found
