"""Rank over GF(p): recursive Gaussian elimination on float64 BLAS.

The elimination A = P L E (row permutation, unit lower triangular, echelon) recurses on columns (Ibarra, Moran and Hui
1982; Dumas, Giorgi and Pernet 2008): eliminate the left half, carry its multipliers over to the right half with one
triangular solve and one matrix product, eliminate what remains of the right half. Nearly all work is then in matrix
products (`products`). Of a panel of `PANEL` columns, compiled kernels eliminate the topmost rows only: if these have a
pivot for every column, the multipliers of all other rows are one more product, with the inverse of the upper triangle.

Residues are kept balanced, in (-p/2, p/2], so that a sum of many products stays an exact integer below 2**53, and are
stored as int32: half the memory of float64, for every supported prime. The multipliers of pivot number i are stored in
column i. That is always free: a pivot's number never exceeds its column, and columns to the left of the current ones
are not needed again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic import elimination_kernels as kernels
from tensorrank.arithmetic.prime_field import FEWEST_TERMS, PrimeField, Residues, as_given
from tensorrank.arithmetic.products import Balanced, Matrix, Part, Products
from tensorrank.arithmetic.resources import Workers, worker_threads
from tensorrank.errors import TensorRankError

# Products with the factors of a panel are summed whole: no prime allows fewer terms than this.
PANEL = FEWEST_TERMS
# How many rows of a panel are tried first; if they lack a pivot, more are.
_FIRST_ROWS, _MORE = 2 * PANEL, 8


def rank_mod_p(matrix: ArrayLike, prime: int, *, threads: int | None = None, overwrite: bool = False) -> int:
    """The rank of an integer matrix over GF(p), exact.

    Args:
        matrix: whole numbers of shape (rows, columns), any size and shape; zero-size matrices have rank 0. Float64
            arrays are accepted if they hold balanced residues, as `PrimeField.balanced` gives them.
        prime: the modulus, a prime below 2**31. The rank mod p never exceeds the rank over the rationals.
        threads: how many threads to use; all processors by default. The answer does not depend on it.
        overwrite: allow a C-contiguous float64 matrix to be destroyed instead of copied: then the rank takes little
            memory beside it.

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
    if array.dtype == np.float64 and not kernels.are_balanced(array, field.prime):
        raise TensorRankError(
            f"a float matrix was given whose entries are not whole numbers within {prime // 2} of 0; "
            "expected balanced residues (PrimeField.balanced gives them) or an integer matrix"
        )
    with worker_threads(threads) as pool:
        return rank_in_place(_wide(array, field, pool, overwrite), field, pool)


def _wide(array: NDArray[Any], field: PrimeField, pool: Workers, overwrite: bool) -> Balanced:
    """The matrix or its transpose, no higher than wide, as int32; in its own memory if that may be overwritten."""
    tall = array.shape[0] > array.shape[1]
    if array.dtype != np.float64:
        integers = array if array.dtype == np.int64 else field.reduce(array)
        return balanced(integers.T if tall else integers, field, pool)
    if not (overwrite and array.flags.c_contiguous and array.flags.writeable):
        return np.array(array.T if tall else array, dtype=np.int32, order="C")
    # An int32 takes half the room of a float64: the other half has room for the transpose.
    halves: Balanced = array.reshape(-1).view(np.int32).reshape(2, -1)
    kernels.narrow_in_place(array.reshape(-1), halves[0])
    given: Balanced = halves[0].reshape(array.shape)
    if not tall:
        return given
    result: Balanced = halves[1].reshape(array.shape[::-1])
    kernels.transpose(given, result)
    return result


def balanced(array: Residues, field: PrimeField, pool: Workers) -> Balanced:
    """Balanced residues as int32, C-contiguous, in one pass, a share of the rows a thread."""
    result = np.empty(array.shape, dtype=np.int32)
    pool.map(lambda rows: kernels.balance(array[rows], field.prime, result[rows]), pool.shares(len(array)))
    return result


def rank_in_place(matrix: Balanced, field: PrimeField, pool: Workers) -> int:
    """The rank of a C-contiguous matrix of balanced residues, which is consumed; best with rows <= columns."""
    return _Elimination(matrix, field, pool).rank() if matrix.size else 0


def rank_of_slabs(
    slabs: Iterable[Callable[[], Balanced]],
    field: PrimeField,
    pool: Workers,
    affordable: Callable[[int], bool] = lambda missing: True,
) -> tuple[int, bool]:
    """The rank of a matrix given as slabs of columns, each made only if those before it do not decide the rank.

    If the first slab has rank r short of its rows, all others matter only through its left kernel K: the rank is
    r + rank(K x the others), and these are again slabs, of few rows if little is missing.

    Args:
        slabs: each makes a C-contiguous matrix of balanced residues with the same rows, which is consumed; none is
            asked for before it is needed.
        field: GF(p).
        pool: threads.
        affordable: asked once whether to go on, with the number of rows without a pivot in the first slab.

    Returns:
        The rank of the slabs used, and whether that is the rank of all.
    """
    rank, kernels_so_far, asked = 0, list[Balanced](), False
    waiting = iter(slabs)
    following = next(waiting, None)
    while following is not None:
        matrix = following()
        for kernel in kernels_so_far:
            matrix = product(kernel, matrix, field, pool)
        following = next(waiting, None)
        if not matrix.size:
            continue
        elimination = _Elimination(matrix, field, pool)
        del matrix
        found = elimination.rank()
        rank += found
        missing = len(elimination.matrix) - found
        if missing == 0 or following is None:
            return rank, True
        if not asked and not affordable(missing):
            return rank, False
        asked = True
        if found:
            kernels_so_far.append(elimination.left_kernel(found))
        del elimination
    return rank, True


def product(left: Balanced, right: Balanced, field: PrimeField, pool: Workers) -> Balanced:
    """Left x right of balanced residues, C-contiguous."""
    result = np.zeros((len(left), right.shape[1]), dtype=np.int32)
    Products(field, pool).subtract(Part.whole(result), Part.whole(left), Part.whole(right))
    return np.negative(result, out=result)


class _Elimination:
    """One matrix under elimination: the array that is consumed, its field, and the threads."""

    def __init__(self, matrix: Balanced, field: PrimeField, pool: Workers) -> None:
        self.matrix = matrix
        self.order = np.arange(len(matrix))
        self.products = Products(field, pool)

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

    def left_kernel(self, rank: int) -> Balanced:
        """A basis of the left kernel, one row for each row without a pivot: (-X, 1) with X L11 = L21, rows as given."""
        rows = len(self.matrix)
        kernel = np.zeros((rows - rank, rows), dtype=np.int32)
        np.negative(self.matrix[rank:, :rank], out=kernel[:, :rank])
        self._solve_right(Part(kernel, 0, 0, rows - rank, rank), 0, rank)
        kernel[np.arange(rows - rank), np.arange(rank, rows)] = 1
        places = np.argsort(self.order)
        for row in kernel:  # in place, since a kernel may be as large as the matrix
            row[:] = row[places]
        return kernel

    def _eliminate(self, row: int, start: int, stop: int) -> int:
        """Eliminate columns start..stop of the rows from `row` on; returns how many pivots were found."""
        if row >= self.matrix.shape[0] or start >= stop:
            return 0
        width = stop - start
        if width <= PANEL:
            return self._eliminate_panel(row, start, stop)
        middle = start + _half(width)
        left = self._eliminate(row, start, middle)
        self._carry(row, left, middle, stop)
        return left + self._eliminate(row + left, middle, stop)

    def _eliminate_panel(self, row: int, start: int, stop: int) -> int:
        rows, width, height = len(self.matrix), stop - start, _FIRST_ROWS
        inverse = np.empty((width, width))
        while True:
            bottom = min(rows, row + height)
            found: int = kernels.eliminate_panel(
                self.matrix, self.order, row, bottom, start, stop, self.products.prime, self.products.split, inverse
            )
            if found == width and bottom < rows:
                source = self._part(bottom, rows, start, stop)
                self.products.multiply_right(source, inverse, self._part(bottom, rows, row, row + width))
            if found == width or bottom == rows:
                return found
            height *= _MORE

    def _carry(self, row: int, pivots: int, start: int, stop: int) -> None:
        """Apply the pivots at rows row..row+pivots to columns start..stop."""
        if pivots and stop > start:
            self._solve(row, row + pivots, start, stop)
            self._subtract(row + pivots, len(self.matrix), row, row + pivots, start, stop)

    def _solve(self, row: int, end: int, start: int, stop: int) -> None:
        """Multiply rows row..end of columns start..stop by the inverse of their unit lower triangle."""
        if end - row <= PANEL:
            self.products.multiply_left(self._inverse(row, end), self._part(row, end, start, stop))
            return
        middle = row + _half(end - row)
        self._solve(row, middle, start, stop)
        self._subtract(middle, end, row, middle, start, stop)
        self._solve(middle, end, start, stop)

    def _solve_right(self, target: Part, row: int, end: int) -> None:
        """Multiply columns row..end of the target by the inverse of the unit lower triangle of these rows."""
        if end - row <= PANEL:
            part = target.part(0, target.rows, row, end)
            self.products.multiply_right(part, self._inverse(row, end), part)
            return
        middle = row + _half(end - row)
        self._solve_right(target, middle, end)
        left, right = target.part(0, target.rows, row, middle), target.part(0, target.rows, middle, end)
        self.products.subtract(left, right, self._part(middle, end, row, middle))
        self._solve_right(target, row, middle)

    def _inverse(self, row: int, end: int) -> Matrix:
        inverse: Matrix = kernels.invert_unit_lower(
            self.matrix, row, end - row, self.products.prime, self.products.split
        )
        return inverse

    def _subtract(self, top: int, bottom: int, first: int, last: int, start: int, stop: int) -> None:
        """Subtract multipliers (rows top..bottom, pivots first..last) x pivot rows from columns start..stop."""
        self.products.subtract(
            self._part(top, bottom, start, stop),
            self._part(top, bottom, first, last),
            self._part(first, last, start, stop),
        )

    def _part(self, top: int, bottom: int, left: int, right: int) -> Part:
        return Part(self.matrix, top, left, bottom - top, right - left)


def _half(length: int) -> int:
    """About half of it, in whole panels."""
    return max(PANEL, length // 2 // PANEL * PANEL)
