"""The largest entries of any coefficient tensor: best-first branch and bound over partial assignments.

A variable that is still open counts, in every leaf, with the largest value there. Since tables are nonnegative, that is
an upper bound of all completions, and never more than the marginal, which counts the sum. Variables are decided in
order. An assignment that is complete when its bound is the largest of all is the next largest entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count as counter

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.approximation.best_of_tree import Best
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves
from tensorrank.mixtures.evaluation.passes import Evidence, Passes

# How many partial assignments are taken from the front at once; their children are evaluated together.
_FRONT = 64
# How many partial assignments are kept at each step when what was left open is completed.
_BEAM = 512


def best_first(circuit: Circuit, shape: Sequence[int], count: int, *, nodes: int = 200_000) -> Best:
    """The `count` largest positive entries, or as many as there are, proved only as far as the search came.

    At most about `nodes` partial assignments are evaluated. If more are needed, the best ones are completed value by
    value, and the best bound that was left open becomes `log_missed`.

    Sources: marginal MAP is NP-hard, Park, Darwiche, Complexity Results and Approximation Strategies for MAP
    Explanations (JAIR 21, 2004); by best-first search, Marinescu, Dechter, Ihler (UAI 2014).

    >>> from tensorrank.mixtures.sum_product.model import SumProduct
    >>> network = SumProduct.random(4, symbols=2, seed=0)
    >>> found = best_first(network.circuit, network.shape, 2)
    >>> found.codes.shape, bool((found.log_values >= found.log_missed).all())
    ((2, 4), True)
    """
    bound = _Bound(circuit)
    sites = len(shape)
    opened = np.array([shape], dtype=np.int64)
    tick = counter()
    # Complete entries before partial ones of the same bound.
    heap = [(-float(bound(opened)[0]), sites, next(tick), opened[0])]
    found: list[tuple[float, Integers]] = []
    evaluated = 1
    while heap and len(found) < count and evaluated < nodes:
        front: list[tuple[float, int, int, Integers]] = []
        while heap and len(front) < _FRONT:
            if heap[0][1]:
                front.append(heappop(heap))
            elif front:
                break
            else:
                value, _, _, row = heappop(heap)
                found.append((-value, row))
                if len(found) == count:
                    break
        if not front:
            continue
        grown = np.concatenate([_with_values(row[None], sites - left, shape) for _, left, _, row in front])
        after = [left - 1 for _, left, _, _ in front for _ in range(shape[sites - left])]
        evaluated += len(grown)
        for row, value, left in zip(grown, bound(grown), after, strict=True):
            if value > -np.inf:
                heappush(heap, (-float(value), left, next(tick), row))
    missed = -heap[0][0] if heap else -np.inf
    if heap and len(found) < count:
        found += _completed(heap, bound, shape, count - len(found))
    codes = np.array([row for _, row in found], dtype=np.int64).reshape(len(found), sites)
    return Best(codes, np.array([value for value, _ in found]), missed)


class _Bound:
    """The logarithm of an upper bound of all completions of a row; the value k stands for an open variable."""

    def __init__(self, circuit: Circuit) -> None:
        tables = [
            np.column_stack([table, table.max(axis=1)]) if isinstance(block, Leaves) else table
            for block, table in zip(circuit.blocks, circuit.float_tables, strict=True)
        ]
        self._passes = Passes(circuit.with_tables(tables))

    def __call__(self, rows: Integers) -> Floats:
        return self._passes.log_density(Evidence.of_codes(rows))


def _with_values(rows: Integers, site: int, shape: Sequence[int]) -> Integers:
    """All rows that arise when each row is given each value at the site."""
    grown = np.repeat(rows, shape[site], axis=0)
    grown[:, site] = np.tile(np.arange(shape[site]), len(rows))
    return grown


def _completed(
    heap: Sequence[tuple[float, int, int, Integers]], bound: _Bound, shape: Sequence[int], count: int
) -> list[tuple[float, Integers]]:
    """The best entries met when the best of the heap are completed variable by variable."""
    width = max(_BEAM, count)
    waiting = sorted(heap, key=lambda one: one[:3])[:width]
    rows, values = np.array([row for *_, row in waiting]), -np.array([value for value, *_ in waiting])
    for site in range(len(shape)):
        opened = rows[:, site] == shape[site]
        grown = _with_values(rows[opened], site, shape)
        rows = np.concatenate([rows[~opened], grown])
        values = np.concatenate([values[~opened], bound(grown)]) if len(grown) else values
        order = np.argsort(-values, kind="stable")[:width]
        rows, values = rows[order], values[order]
    return [(float(value), row) for value, row in zip(values[:count], rows, strict=False) if value > -np.inf]
