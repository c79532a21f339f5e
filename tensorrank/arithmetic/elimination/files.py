"""Rank over GF(p) of matrices larger than memory: elimination by strips of columns, the multipliers kept in a file.

Only one strip of columns is in memory at a time. When a strip is made, the pivots of every earlier strip are carried
over to it, in their order: the strip's rows are permuted, the rows of the pivots solved for, and the others reduced by
one product. Then the strip is eliminated itself (`columns`), and its multipliers, a column for each of its pivots, are
appended to the file. Nothing else of it is needed again. This order is called left-looking (Toledo's survey of
out-of-core algorithms, 1999). Each strip's multipliers are written once, in one go, and read once for each later strip,
front to back: about rows**3 / width entries in all are read, for 2/3 rows**3 operations.

Multipliers are read by memory-mapping: their pages belong to the system's file cache, which gives way to whatever else
needs memory. They are written by ordinary writes, so that a full disk is an error like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.elimination.columns import PANEL, Elimination, carry
from tensorrank.arithmetic.elimination.costs import MOST_THREADS, Tally, carrying_work
from tensorrank.arithmetic.elimination.engines import Balanced, Engine, Part
from tensorrank.arithmetic.elimination.products import Products, room_bytes
from tensorrank.arithmetic.progress import Progress, silent
from tensorrank.arithmetic.resources import Workers, amount
from tensorrank.errors import TensorRankError
from tensorrank.temporary_files import nameless_file

# How the order of a strip's rows is written.
_ORDER = np.dtype(np.int32)
# Bytes copied at a time where rows are permuted or written; the estimate has room for a few such copies.
_BUFFER = 2**19
_BUFFERS = 4 * _BUFFER
# Bytes a row that a panel takes at worst (all its rows as float64, and two columns), and permutations of the rows.
_PANEL_BYTES, _ORDER_BYTES = 8 * (PANEL + 2), 40


def strip_columns(rows: int, memory: int, engine: Engine, threads: int = MOST_THREADS) -> int:
    """The number of columns that a strip of so many rows may have, if its elimination is to fit into so much memory.

    The memory, in bytes, is that of the strip, of the tiles of so many threads, of a panel at its worst, of
    permutations and buffers. Whoever makes a strip may use as much as the tiles beside it, which do not exist yet.

    >>> from tensorrank.arithmetic.elimination.engines import Doubles
    >>> from tensorrank.arithmetic.prime_field import PrimeField
    >>> engine = Doubles(PrimeField(8388593))
    >>> strip_columns(12000, 60_000_000, engine, threads=2), strip_columns(100_000, 2**30, engine, threads=2)
    (532, 2372)
    """
    widest = int(min(memory // (engine.storage.itemsize * max(1, rows)), max(rows, PANEL)))
    for width in range(widest, PANEL - 1, -1):
        if _bytes_taken(rows, width, engine, threads) <= memory:
            return width
    least = _bytes_taken(rows, PANEL, engine, threads)
    raise TensorRankError(
        f"the memory limit is {amount(memory)}; expected at least {amount(least)} to eliminate a matrix of {rows} rows "
        f"in strips of {PANEL} columns on {threads} threads: give more memory" + (", or fewer threads" * (threads > 1))
    )


def rank_of_strips(
    strips: Iterable[Callable[[], Balanced]],
    rows: int,
    columns: int,
    engine: Engine,
    pool: Workers,
    scratch: Path,
    *,
    first: int | None = None,
    affordable: Callable[[int], bool] = lambda missing: True,
    progress: Progress = silent,
) -> tuple[int, bool]:
    """The rank of the strips of a matrix, as far as they were used, and whether that is the rank of all.

    Each strip makes a C-contiguous matrix of balanced residues with all rows, best no more than all columns, which is
    consumed. It is made only if those before it do not decide the rank, and no other is in memory meanwhile. The file
    of multipliers has no name in the scratch folder, and is gone whatever happens. After the first so many strips,
    `affordable` is told the number of rows that have no pivot yet, and says whether to go on. Progress is that of
    `rank_in_place`.
    """
    tally = Tally(rows, columns, progress)
    waiting = iter(strips)
    following = next(waiting, None) if rows else None
    rank, used, complete = 0, 0, True
    with _Multipliers(scratch) as earlier:
        while following is not None and rank < rows:
            if used == first and not affordable(rows - rank):
                complete = False
                break
            matrix = following()
            following, used = next(waiting, None), used + 1
            if not matrix.size:
                continue
            # The tiles of the products go with them, which leaves their room for making the next strip.
            products = Products(engine, pool)
            for number in range(len(earlier.strips)):
                earlier.carry(number, matrix, products)
                strip = earlier.strips[number]
                tally.add(matrix.shape[1] * carrying_work(strip.rows, strip.pivots))
            elimination = Elimination(matrix[rank:], products, tally)
            found = elimination.rank()
            rank += found
            if found and rank < rows and following is not None:
                earlier.append(elimination, found)
            del matrix, elimination, products
    tally.finish()
    return rank, complete


class _Strip(NamedTuple):
    """The place in the file where a strip's multipliers stand, after the permutation of the rows they belong to."""

    offset: int
    rows: int
    pivots: int
    kind: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """What the permutation and the multipliers take in the file."""
        return self.rows * (_ORDER.itemsize + self.kind.itemsize * self.pivots)


class _Multipliers:
    """The multipliers of all strips so far, in a file without a name in the given folder."""

    def __init__(self, scratch: Path) -> None:
        self.strips: list[_Strip] = []
        self._scratch = scratch
        self._size = 0
        self._until_closed = ExitStack()
        try:
            self._file = self._until_closed.enter_context(nameless_file(scratch))
        except OSError as error:
            raise TensorRankError(
                f"no temporary file can be made in {scratch} ({error.strerror}); give a scratch folder that exists and "
                "is writable"
            ) from error

    def __enter__(self) -> _Multipliers:
        return self

    def __exit__(self, *_: object) -> None:
        self._until_closed.close()

    def append(self, elimination: Elimination, pivots: int) -> None:
        """Write the multipliers of so many pivots."""
        matrix = elimination.matrix
        strip = _Strip(self._size, len(matrix), pivots, matrix.dtype)
        step = max(1, _BUFFER // (matrix.itemsize * pivots))
        try:
            self._write(elimination.order.astype(_ORDER))
            for start in range(0, len(matrix), step):
                self._write(np.ascontiguousarray(matrix[start : start + step, :pivots]))
        except OSError as error:
            raise TensorRankError(
                f"the multipliers of the elimination, {amount(self._size)} so far, cannot be written to "
                f"{self._scratch} ({error.strerror}); give a scratch folder with more room"
            ) from error
        self.strips.append(strip)
        self._size += strip.bytes

    def _write(self, numbers: Balanced) -> None:
        left = numbers.data.cast("B")
        while left:
            left = left[self._file.write(left) :]

    def carry(self, number: int, matrix: Balanced, products: Products) -> None:
        """Carry the pivots of an earlier strip over to all columns of the matrix."""
        strip = self.strips[number]
        # Mapped as if to be written, though nothing is: compiled kernels know but one type of matrix.
        mapped = np.asarray(np.memmap(self._file, np.uint8, "r+", strip.offset, (strip.bytes,)))
        orders = _ORDER.itemsize * strip.rows
        multipliers: Balanced = mapped[orders:].view(strip.kind).reshape(strip.rows, strip.pivots)
        below = matrix[len(matrix) - strip.rows :]
        _permute(below, mapped[:orders].view(_ORDER))
        carry(products, Part.whole(multipliers), Part.whole(below))


def _permute(matrix: Balanced, order: NDArray[np.int32]) -> None:
    """Permute rows in place, some columns at a time: row i becomes what row order[i] was."""
    moved = np.flatnonzero(order != np.arange(len(order)))
    if len(moved):
        sources = order[moved]
        step = max(1, _BUFFER // (matrix.itemsize * len(moved)))
        for start in range(0, matrix.shape[1], step):
            columns = matrix[:, start : start + step]
            columns[moved] = columns[sources]


def _bytes_taken(rows: int, width: int, engine: Engine, threads: int) -> int:
    each_row = engine.storage.itemsize * width + _PANEL_BYTES + _ORDER_BYTES
    return rows * each_row + _BUFFERS + room_bytes(rows, width, width, threads, engine)
