"""What an elimination takes, memory and operations, and how far one has come.

Operations are floating point ones, two for a multiplication with its addition: r pivots cost the sum of
2 (rows - i)(columns - i) over i < r. Integrals stand for sums, and add up exactly over the parts of an elimination.
"""

from __future__ import annotations

from collections.abc import Callable

# Called with the operations done and with those that there will have been if every further column has a pivot.
Report = Callable[[float, float], None]

# Bytes per entry of a matrix under elimination: int32, and room for sums of operands.
_ENTRY_BYTES = 4 * 1.3
# Bytes for the tiles of up to so many threads, in float64, as far as a matrix has so many entries.
MOST_THREADS = 16
_TILE_BYTES, _TILE_BYTES_PER_ENTRY = MOST_THREADS * 14e6, 16


def elimination_work(rows: int, columns: int) -> float:
    """Operations of eliminating a full-rank matrix of this shape.

    >>> elimination_work(300, 300) == 2 / 3 * 300**3
    True
    """
    short, long = min(rows, columns), max(rows, columns)
    return short * short * (long - short / 3)


def elimination_bytes(rows: int, columns: int) -> float:
    """Memory for eliminating a matrix of this shape in place."""
    entries = rows * columns
    return _ENTRY_BYTES * entries + min(_TILE_BYTES, _TILE_BYTES_PER_ENTRY * entries)


def carrying_work(rows: int, pivots: int) -> float:
    """Operations for each column that the topmost pivots of so many rows are carried over to."""
    return pivots * (2.0 * rows - pivots)


def panel_work(rows: int, columns: int, pivots: int) -> float:
    """Operations of eliminating a matrix of this shape that has so many pivots."""
    return pivots * (2.0 * rows * columns - pivots * (rows + columns) + 2 / 3 * pivots * pivots)


class Progress:
    """How far the elimination of a matrix of this shape has come: the operations done and those expected in all.

    What is expected changes only where columns turn out to have no pivot.

    >>> said = []
    >>> progress = Progress(300, 200, lambda done, total: said.append((done, total)))
    >>> progress.add(5e6); progress.finish()
    >>> said == [(5e6, elimination_work(300, 200)), (elimination_work(300, 200),) * 2]
    True
    """

    def __init__(self, rows: int, columns: int, report: Report | None, before: float = 0.0) -> None:
        """Operations done before count too."""
        self._rows, self._columns, self._report = rows, columns, report
        self._rank = 0
        self.done = self._settled = before
        self._total = before + self._expected()

    def add(self, operations: float) -> None:
        """Count operations as done."""
        self.done += operations
        if self._report is not None:
            self._report(self.done, max(self.done, self._total))

    def settle(self, columns: int, pivots: int) -> None:
        """So many columns are done with, and have so many pivots: say what the others take."""
        carried = columns * carrying_work(self._rows, self._rank)
        self._settled += carried + panel_work(self._rows - self._rank, columns, pivots)
        self._columns -= columns
        self._rank += pivots
        self._total = self._settled + self._expected()

    def finish(self) -> None:
        """Nothing remains to be done."""
        total = max(self.done, self._total)
        if self._report is not None:
            self._report(total, total)

    def _expected(self) -> float:
        """What is to come if each further column has a pivot, until rows or columns are used up."""
        last = self._rank + min(max(0, self._columns), self._rows - self._rank)
        return sum(sign * r * r * (self._rows - r / 3) for sign, r in ((1, last), (-1, self._rank)))
