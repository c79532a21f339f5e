"""Sparse matrices: their entries by place, the pivots that cost nothing, and the dense blocks that are left.

A row with a single entry is a pivot: subtracting its multiples clears the entry's column and changes nothing else. So
row and column can be taken out, and the rank of the others is one less. The same holds of a column with a single entry.
What is left when there is none falls into blocks that share neither rows nor columns, whose ranks add up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError


@dataclass(frozen=True, eq=False, repr=False)
class SparseMatrix:
    """A matrix by its entries that are not zero: rational numbers, or complex floats.

    Attributes:
        shape: the numbers of rows and columns.
        rows: the row of each entry, from 0; entries are in the order of their places, no two of them in one.
        columns: the column of each entry.
        entries: whole numbers in one of numpy's types, complex floats, or Python's whole numbers and fractions.

    >>> import scipy.sparse
    >>> SparseMatrix.of(scipy.sparse.coo_array(([2, 3, 4], ([0, 0, 1], [1, 1, 0])), (2, 3)))
    SparseMatrix(2 x 3, 2 entries)
    """

    shape: tuple[int, int]
    rows: Integers
    columns: Integers
    entries: Array

    def __repr__(self) -> str:
        return f"SparseMatrix({self.shape[0]} x {self.shape[1]}, {len(self.entries)} entries)"

    @classmethod
    def of(cls, given: Any) -> SparseMatrix:
        """A sparse matrix or array of scipy, in which entries of one place are added up, without overflow.

        Raises:
            TensorRankError: if it has not two dimensions, or entries that are no numbers.
        """
        found = given.tocoo()
        if found.ndim != 2:
            raise TensorRankError(f"a sparse array of shape {found.shape} was given; expected a matrix (two dimensions)")
        rows, columns = found.coords if hasattr(found, "coords") else (found.row, found.col)
        data = np.asarray(found.data)
        if data.dtype.kind in "iub":
            # The sums of several entries may be larger than any of them.
            largest = max(abs(int(data.max(initial=0))), abs(int(data.min(initial=0))))
            data = data.astype(np.int64 if largest * max(1, len(data)) < 2**63 else object)
        return cls._summed((int(found.shape[0]), int(found.shape[1])), rows.astype(np.int64), columns.astype(np.int64), data)

    @classmethod
    def _summed(cls, shape: tuple[int, int], rows: Integers, columns: Integers, entries: Array) -> SparseMatrix:
        order = np.lexsort((columns, rows))
        rows, columns, entries = rows[order], columns[order], entries[order]
        first = np.flatnonzero(np.concatenate([[True], (np.diff(rows) != 0) | (np.diff(columns) != 0)]))[: len(rows)]
        if len(first) < len(rows):
            entries = np.add.reduceat(entries, first)
        return cls(shape, rows[first], columns[first], entries).mapped(lambda same: same)

    def mapped(self, image: Callable[[Array], Array]) -> SparseMatrix:
        """The matrix with the images of its entries, without those that are zero."""
        entries = image(self.entries)
        kept = entries != 0
        return SparseMatrix(self.shape, self.rows[kept], self.columns[kept], entries[kept])

    def toarray(self) -> Array:
        """The dense matrix.

        Raises:
            TensorRankError: if it would not fit in memory.
        """
        rows, columns = self.shape
        refuse_beyond(memory_limit(None), 8 * rows * columns, f"a dense matrix of {rows} x {columns}", "a smaller matrix")
        dense = np.zeros(self.shape, dtype=self.entries.dtype)
        dense[self.rows, self.columns] = self.entries
        return dense

    def reduced(self) -> tuple[int, list[SparseMatrix]]:
        """How many pivots cost nothing, and the blocks that are left, whose ranks are to be added to their number."""
        pivots, left = self._part(np.arange(len(self.entries)))._without_single_entries()
        return pivots, left.blocks()

    def _without_single_entries(self) -> tuple[int, SparseMatrix]:
        places = [self.rows.tolist(), self.columns.tolist()]
        found = [_by_line(self.rows, self.shape[0]), _by_line(self.columns, self.shape[1])]
        counts = [np.bincount(self.rows).tolist(), np.bincount(self.columns).tolist()]
        alive = [np.ones(length, dtype=bool).tolist() for length in self.shape]
        waiting = deque((side, line) for side in (0, 1) for line, count in enumerate(counts[side]) if count == 1)
        pivots = 0
        while waiting:
            side, line = waiting.popleft()
            if not alive[side][line] or counts[side][line] != 1:
                continue
            pivots, other = pivots + 1, 1 - side
            across = next(place for one in found[side](line) if alive[other][place := places[other][one]])
            alive[side][line] = alive[other][across] = False
            for beside in (places[side][one] for one in found[other](across)):
                counts[side][beside] -= 1
                if alive[side][beside] and counts[side][beside] == 1:
                    waiting.append((side, beside))
        kept = np.array(alive[0], dtype=bool)[self.rows] & np.array(alive[1], dtype=bool)[self.columns]
        return pivots, self._part(np.flatnonzero(kept))

    def blocks(self) -> list[SparseMatrix]:
        """The parts of rows and columns that entries connect."""
        if not len(self.entries):
            return []
        # Imported where they are needed: the dense matrices of most users need neither.
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        rows, nodes = self.shape[0], sum(self.shape)
        edges = coo_array((np.ones(len(self.rows), dtype=np.int8), (self.rows, rows + self.columns)), (nodes, nodes))
        count, parts = connected_components(edges, directed=False)
        order = np.argsort(parts[self.rows], kind="stable")
        ends = np.searchsorted(parts[self.rows][order], np.arange(count + 1))
        return [self._part(order[start:end]) for start, end in pairwise(ends.tolist())]

    def _part(self, chosen: Integers) -> SparseMatrix:
        """The matrix of some of the entries, without empty rows and columns."""
        used_rows, rows = np.unique(self.rows[chosen], return_inverse=True)
        used_columns, columns = np.unique(self.columns[chosen], return_inverse=True)
        return SparseMatrix((len(used_rows), len(used_columns)), rows, columns, self.entries[chosen])


def _by_line(lines: Integers, count: int) -> Callable[[int], list[int]]:
    """Gives the numbers of the entries that lie in a line."""
    order = np.argsort(lines, kind="stable").tolist()
    ends = np.searchsorted(np.sort(lines), np.arange(count + 1)).tolist()
    return lambda line: order[ends[line] : ends[line + 1]]
