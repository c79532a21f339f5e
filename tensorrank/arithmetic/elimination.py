"""Rank over GF(p): recursive Gaussian elimination on float64 BLAS.

The residues are kept balanced, in (-p/2, p/2], as float64, so that a sum of many products stays an exact integer
below 2**53 and is reduced once. The elimination A = P L E (row permutation, unit lower triangular, echelon) recurses
on columns (Ibarra, Moran and Hui 1982; Dumas, Giorgi and Pernet 2008): eliminate the left half, carry its multipliers
over to the right half with one triangular solve and one matrix product, eliminate what remains of the right half.
Nearly all work is then in matrix products, done tile by tile: product and reduction while the tile is in cache, one
BLAS thread a tile, our own threads over the tiles. Below `PANEL` columns compiled kernels take over.

The multipliers of pivot number i are stored in column i. That is always free: a pivot's number never exceeds
its column, and columns to the left of the current ones are not needed again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic import elimination_kernels as kernels
from tensorrank.arithmetic.prime_field import SPLIT_BIT, PrimeField, Residues, as_given
from tensorrank.arithmetic.resources import Workers, worker_threads
from tensorrank.errors import TensorRankError

Matrix = NDArray[np.float64]
T = TypeVar("T")

PANEL = 48
# A tile of 2**18 float64 (2 MiB) and its two factors stay within a core's share of the cache.
_TILE_ENTRIES = 2**18
_TILE_COLUMNS = 2048


def rank_mod_p(matrix: ArrayLike, prime: int, *, threads: int | None = None, overwrite: bool = False) -> int:
    """The rank of an integer matrix over GF(p), exact.

    Args:
        matrix: whole numbers of shape (rows, columns), any size and shape; zero-size matrices have rank 0. Float64
            arrays are accepted if they hold balanced residues, as `PrimeField.balanced` gives them.
        prime: the modulus, a prime below 2**31. The rank mod p never exceeds the rank over the rationals.
        threads: how many threads to use; all processors by default. The answer does not depend on it.
        overwrite: allow a C-contiguous float64 matrix with no more rows than columns to be destroyed instead of copied.

    Raises:
        PrimeError: if the modulus is not a supported prime.
        TensorRankError: if the array is not a matrix of whole numbers.

    >>> rank_mod_p([[1, 2], [3, 4]], 5), rank_mod_p([[1, 2], [3, 6]], 5)
    (2, 1)
    """
    field = PrimeField(prime)
    array = as_given(matrix)
    if array.ndim != 2:
        raise TensorRankError(f"an array of shape {array.shape} was given; expected a matrix (two dimensions)")
    if array.size == 0:
        return 0
    if array.dtype == np.float64:
        if not (np.abs(array) <= prime // 2).all() or (array != np.rint(array)).any():
            raise TensorRankError(
                f"a float matrix was given whose entries are not whole numbers within {prime // 2} of 0; "
                "expected balanced residues (PrimeField.balanced gives them) or an integer matrix"
            )
    elif array.dtype != np.int64:
        array, overwrite = field.balanced(array), True
    if array.shape[0] > array.shape[1]:
        array = array.T
    with worker_threads(threads) as pool:
        if array.dtype == np.int64:
            array, overwrite = _balanced(array, prime, pool), True
        if not (overwrite and array.flags.c_contiguous and array.flags.writeable):
            array = np.array(array, order="C")
        return rank_in_place(array, field, pool)


def _balanced(array: Residues, prime: int, pool: Workers) -> Matrix:
    """PrimeField.balanced in one pass over the matrix, a share of the rows a thread."""
    result = np.empty(array.shape)
    ends = np.linspace(0, len(array), pool.count + 1).astype(int)
    list(pool.map(lambda a, b: kernels.balance(array[a:b], prime, result[a:b]), ends[:-1], ends[1:]))
    return result


def rank_in_place(matrix: Matrix, field: PrimeField, pool: Workers) -> int:
    """The rank of a C-contiguous matrix of balanced residues, which is consumed; best with rows <= columns."""
    return _Elimination(matrix, field, pool).rank() if matrix.size else 0


def rank_of_slabs(
    slabs: Sequence[Callable[[], Matrix]],
    field: PrimeField,
    pool: Workers,
    affordable: Callable[[int], bool] = lambda missing: True,
) -> tuple[int, bool]:
    """The rank of a matrix given as slabs of columns, each made only if those before it do not decide the rank.

    If the first slab has rank r short of its rows, all others matter only through its left kernel K: the rank is
    r + rank(K x the others), and these are again slabs, of few rows if little is missing.

    Args:
        slabs: each makes a C-contiguous matrix of balanced residues with the same rows, which is consumed.
        field: GF(p).
        pool: threads.
        affordable: asked whether to go on, with the number of rows still without a pivot.

    Returns:
        The rank of the slabs used, and whether that is the rank of all.
    """
    rank, kernels_so_far = 0, list[Matrix]()
    for number, slab in enumerate(slabs):
        matrix = slab()
        for kernel in kernels_so_far:
            matrix = product(kernel, matrix, field, pool)
        if not matrix.size:
            continue
        elimination = _Elimination(matrix, field, pool)
        del matrix
        found = elimination.rank()
        rank += found
        missing = len(elimination.matrix) - found
        if missing == 0 or number == len(slabs) - 1:
            return rank, True
        if not affordable(missing):
            return rank, False
        if found:
            kernels_so_far.append(elimination.left_kernel(found))
        del elimination
    return rank, True


def product(left: Matrix, right: Matrix, field: PrimeField, pool: Workers) -> Matrix:
    """Left x right of balanced residues, reduced, tile by tile."""
    result = _Elimination(np.zeros((len(left), right.shape[1])), field, pool)
    result.subtract_product(left, right)
    return np.negative(result.matrix, out=result.matrix)


class _Elimination:
    """One matrix under elimination: the array that is consumed, its field, and the threads."""

    def __init__(self, matrix: Matrix, field: PrimeField, pool: Workers) -> None:
        self.matrix = matrix
        self.order = np.arange(len(matrix))
        self.terms = field.terms
        self.split = 2.0**SPLIT_BIT if field.splits else 0.0
        self.prime = float(field.prime)
        self.pool = pool
        self.threads = pool.count
        self.panel = np.empty((matrix.shape[0], PANEL))
        self.scratch = threading.local()

    def rank(self) -> int:
        """The rank, taking columns in chunks as wide as there are rows, so that full rank ends the work early."""
        rows, columns = self.matrix.shape
        rank = 0
        for start in range(0, columns, rows):
            stop = min(columns, start + rows)
            self._carry(0, rank, start, stop)
            rank += self._eliminate(rank, start, stop)
            if rank == rows:
                break
        return rank

    def left_kernel(self, rank: int) -> Matrix:
        """A basis of the left kernel, one row for each row without a pivot: (-X, 1) with X L11 = L21, rows as given."""
        rows = len(self.matrix)
        solution = np.ascontiguousarray(self.matrix[rank:, :rank])

        def solve(piece: tuple[int, int]) -> None:
            x = solution[piece[0] : piece[1]]
            for stop in range(rank, 0, -PANEL):
                start = max(0, stop - PANEL)
                for pivot in range(stop - 1, start, -1):
                    self._subtract(
                        x[:, start:pivot], x[:, pivot : pivot + 1], self.matrix[pivot : pivot + 1, start:pivot]
                    )
                if start:
                    self._subtract(x[:, :start], x[:, start:stop], self.matrix[start:stop, :start])

        self._each(solve, self._pieces(0, rows - rank, rank * rank))
        kernel = np.zeros((rows - rank, rows))
        kernel[:, self.order[:rank]] = -solution
        kernel[np.arange(rows - rank), self.order[rank:]] = 1
        return kernel

    def subtract_product(self, left: Matrix, right: Matrix, first: int = 0, start: int = 0) -> None:
        """The matrix minus left x right in its rows from `first` and columns from `start` on, reduced."""
        if not left.size or not right.size:
            return

        def update(tile: tuple[int, int, int, int]) -> None:
            top, bottom, begin, end = tile
            target = self.matrix[first + top : first + bottom, start + begin : start + end]
            self._subtract(target, left[top:bottom], right[:, begin:end])

        self._each(update, list(self._tiles(len(left), right.shape[1], len(right))))

    def _eliminate(self, row: int, start: int, stop: int) -> int:
        """Eliminate columns start..stop of the rows from `row` on; returns how many pivots were found."""
        if row >= self.matrix.shape[0] or start >= stop:
            return 0
        width = stop - start
        if width <= PANEL:
            found: int = kernels.eliminate_panel(
                self.matrix, self.order, self.panel, row, start, stop, self.prime, self.split
            )
            return found
        middle = start + max(PANEL, width // 2 // PANEL * PANEL)
        left = self._eliminate(row, start, middle)
        self._carry(row, left, middle, stop)
        return left + self._eliminate(row + left, middle, stop)

    def _carry(self, row: int, pivots: int, start: int, stop: int) -> None:
        """Apply the pivots at rows row..row+pivots to columns start..stop."""
        self._solve(row, pivots, start, stop)
        below, above = self.matrix[row + pivots :, row : row + pivots], self.matrix[row : row + pivots, start:stop]
        self.subtract_product(below, above, row + pivots, start)

    def _solve(self, row: int, pivots: int, start: int, stop: int) -> None:
        """Multiply rows row..row+pivots of columns start..stop by the inverse of their unit lower triangle."""
        if pivots <= PANEL:
            if pivots > 1 and stop > start:
                self._each(
                    lambda piece: kernels.solve_unit_lower(
                        self.matrix, row, pivots, piece[0], piece[1], self.prime, self.split
                    ),
                    self._pieces(start, stop, pivots * pivots),
                )
            return
        half = max(PANEL, pivots // 2 // PANEL * PANEL)
        self._solve(row, half, start, stop)
        below, above = (
            self.matrix[row + half : row + pivots, row : row + half],
            self.matrix[row : row + half, start:stop],
        )
        self.subtract_product(below, above, row + half, start)
        self._solve(row + half, pivots - half, start, stop)

    def _subtract(self, target: Matrix, left: Matrix, right: Matrix) -> None:
        """Target - left x right, reduced, in place: as many products at a time as a float64 sums exactly."""
        product = self._room(target.shape)
        for begin in range(0, left.shape[1], self.terms):
            end = begin + self.terms
            if self.split:
                high, low = kernels.split(left[:, begin:end], self.split)
                np.matmul(high, right[begin:end], out=product)
                kernels.subtract_scaled(target, product, self.split, self.prime)
                np.matmul(low, right[begin:end], out=product)
            else:
                np.matmul(left[:, begin:end], right[begin:end], out=product)
            kernels.subtract(target, product, self.prime)

    def _room(self, shape: tuple[int, int]) -> Matrix:
        """A scratch matrix of this thread: fresh memory for every tile costs some seven percent more."""
        size = shape[0] * shape[1]
        room: Matrix | None = getattr(self.scratch, "room", None)
        if room is None or room.size < size:
            room = self.scratch.room = np.empty(max(size, _TILE_ENTRIES))
        return room[:size].reshape(shape)

    def _tiles(self, rows: int, columns: int, inner: int) -> Iterable[tuple[int, int, int, int]]:
        shares = self.threads if rows * columns * inner > 4e6 else 1
        for left in range(0, columns, _TILE_COLUMNS):
            right = min(columns, left + _TILE_COLUMNS)
            height = max(128, _TILE_ENTRIES // (right - left))
            height = max(16, min(height, -(-rows // shares)))
            for top in range(0, rows, height):
                yield top, min(rows, top + height), left, right

    def _pieces(self, start: int, stop: int, work_per_column: int) -> list[tuple[int, int]]:
        shares = self.threads if work_per_column * (stop - start) > 4e5 else 1
        width = -(-(stop - start) // shares)
        return [(left, min(stop, left + width)) for left in range(start, stop, width)]

    def _each(self, work: Callable[[T], None], items: list[T]) -> None:
        if len(items) == 1:
            work(items[0])
        else:
            list(self.pool.map(work, items))
