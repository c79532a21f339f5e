"""The memory and the operations that an elimination takes, and how far one has come.

Operations are those of floating point, two for a multiplication with its addition. Pivot number i, counted from 0,
costs 2 (rows - i)(columns - i) of them. The functions below take integrals over i in place of sums: integrals add up
exactly over the parts of an elimination.
"""

from __future__ import annotations

from tensorrank.arithmetic.progress import Progress, silent

# The room of a matrix under elimination, with that for sums of operands.
_ROOM = 1.3
# Bytes for the tiles of this many threads; a small matrix needs fewer.
MOST_THREADS = 16
_TILE_BYTES, _TILE_BYTES_PER_ENTRY = MOST_THREADS * 14e6, 16
# What an operation on residues of so many bytes costs, in operations of float64, where a processor has 8-bit units: it
# multiplies bytes four times as fast or more, and for two bytes a residue three such products take the place of one.
_COSTS = {1: 0.25, 2: 0.75, 4: 1.0}


def elimination_work(rows: int, columns: int) -> float:
    """Operations of eliminating a full-rank matrix of this shape.

    >>> elimination_work(300, 300) == 2 / 3 * 300**3
    True
    """
    short, long = min(rows, columns), max(rows, columns)
    return short * short * (long - short / 3)


def operation_cost(entry: int) -> float:
    """What an operation on residues of so many bytes costs, in operations of float64.

    The number is the same on every machine, so that limits on work give the same ranks everywhere.
    """
    return _COSTS[entry]


def elimination_bytes(rows: int, columns: int, entry: int = 4) -> float:
    """Memory for eliminating a matrix of this shape in place, with so many bytes an entry."""
    entries = rows * columns
    return _ROOM * entry * entries + min(_TILE_BYTES, _TILE_BYTES_PER_ENTRY * entries)


def carrying_work(rows: int, pivots: int) -> float:
    """Operations, for each further column, of carrying so many pivots over to it; the pivots' rows are the topmost."""
    return pivots * (2.0 * rows - pivots)


def panel_work(rows: int, columns: int, pivots: int) -> float:
    """Operations of eliminating a matrix of this shape that has so many pivots."""
    return pivots * (2.0 * rows * columns - pivots * (rows + columns) + 2 / 3 * pivots * pivots)


class Tally:
    """A count of an elimination's operations, those done and those expected in all, told as progress.

    The operations expected are those of a pivot in every further column; they change only where a column turns out to
    have none.

    >>> said = []
    >>> tally = Tally(300, 200, lambda done, total, what: said.append((done, total)))
    >>> tally.add(5e6); tally.finish()
    >>> said == [(5e6, elimination_work(300, 200)), (elimination_work(300, 200),) * 2]
    True
    """

    def __init__(self, rows: int, columns: int, progress: Progress = silent, before: float = 0.0) -> None:
        """Begin to count for a matrix of this shape, after so many operations that count too."""
        self._rows, self._columns, self._progress = rows, columns, progress
        self._what = f"eliminating {rows} x {columns}"
        self._rank = 0
        self.done = self._settled = before
        self._total = before + self._expected()

    def add(self, operations: float) -> None:
        """Count operations as done."""
        self.done += operations
        self._progress(self.done, max(self.done, self._total), self._what)

    def settle(self, columns: int, pivots: int) -> None:
        """Note that so many columns are done with and have so many pivots, which changes what the others will take."""
        carried = columns * carrying_work(self._rows, self._rank)
        self._settled += carried + panel_work(self._rows - self._rank, columns, pivots)
        self._columns -= columns
        self._rank += pivots
        self._total = self._settled + self._expected()

    def finish(self) -> None:
        """Tell that nothing remains to be done."""
        total = max(self.done, self._total)
        self._progress(total, total, self._what)

    def _expected(self) -> float:
        """The operations to come if each further column has a pivot, until rows or columns are used up."""
        last = self._rank + min(max(0, self._columns), self._rows - self._rank)
        return sum(sign * r * r * (self._rows - r / 3) for sign, r in ((1, last), (-1, self._rank)))
