"""Gaussian elimination over GF(p) of a matrix in memory, recursive on columns.

The elimination finds A = P L E, a row permutation, a unit lower triangle and an echelon form. It recurses on columns
(Ibarra, Moran and Hui 1982; Dumas, Giorgi and Pernet 2008): eliminate the left half, carry its pivots over to the right
half by one triangular solve and one matrix product, and eliminate what remains of the right half. Nearly all work is
then in matrix products (`products`). Of a panel of `PANEL` columns, a compiled kernel eliminates the topmost rows only.
If these have a pivot for every column, the multipliers of all other rows are one more product, with the inverse of the
panel's upper triangle.

Residues are kept balanced, in (-p/2, p/2], so that a sum of many products stays an exact integer. They are stored as
int8, int16 or int32, the smallest that holds them. The multipliers of pivot number i are stored in column i. That
column is always free: a pivot's number never exceeds its column, and columns to the left of the current ones are not
needed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tensorrank.arithmetic.elimination.costs import Tally, carrying_work, panel_work
from tensorrank.arithmetic.elimination.device_products import DeviceProducts
from tensorrank.arithmetic.elimination.engines import Balanced, Part
from tensorrank.arithmetic.elimination.products import Products
from tensorrank.arithmetic.prime_field import FEWEST_TERMS

# Products with the factors of a panel are summed whole: no prime allows fewer terms than this.
PANEL = FEWEST_TERMS
# How many rows of a panel are tried first; if they lack a pivot, more are.
_FIRST_ROWS, _MORE = 2 * PANEL, 8


# What multiplies decides where the matrix is: on the host as an array, or on a device as a tensor.
AnyProducts = Products | DeviceProducts


class Elimination:
    """One matrix under elimination: the array, which is consumed, the order of its rows, and the tally of the work.

    Products of a device move the matrix there. All that touches its entries is then done by them.
    """

    def __init__(self, matrix: Balanced, products: AnyProducts, tally: Tally) -> None:
        self.matrix: Any = products.taken(matrix)
        self.order = np.arange(len(matrix))
        self.products = products
        self.tally = tally

    def rank(self) -> int:
        """Eliminate and return the rank, in chunks as wide as there are rows: full rank then ends the work early."""
        rows, columns = self.matrix.shape
        rank = 0
        for start in range(0, columns, max(1, rows)):
            stop = min(columns, start + rows)
            self._carry(0, rank, start, stop)
            rank += self._eliminate(rank, start, stop)
            if rank == rows:
                break
        return rank

    def left_kernel(self, rank: int) -> Any:
        """A basis of the left kernel, where the matrix is; its columns are in the order of the rows as given.

        Each row without a pivot gives one vector: together (-X, 1) with X L11 = L21, where L11 holds the multipliers of
        the rows with pivots and L21 those of the rows without.
        """
        rows = len(self.matrix)
        kernel = self.products.zeros(rows - rank, rows)
        # In place throughout, since a kernel may be as large as the matrix.
        kernel[:, :rank] = self.matrix[rank:, :rank]
        kernel *= -1
        solve_right(self.products, self._part(0, rank, 0, rank), Part(kernel, 0, 0, rows - rank, rank))
        kernel[np.arange(rows - rank), np.arange(rank, rows)] = 1
        self.products.reorder_columns(kernel, np.argsort(self.order))
        return kernel

    def _eliminate(self, row: int, start: int, stop: int) -> int:
        """Eliminate columns start..stop of the rows from `row` on, and return the number of pivots found."""
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
        while True:
            bottom = min(rows, row + height)
            found, inverse = self.products.eliminate_panel(self.matrix, self.order, row, bottom, start, stop)
            if found == width and bottom < rows:
                source = self._part(bottom, rows, start, stop)
                self.products.multiply_right(source, inverse, self._part(bottom, rows, row, row + width))
            if found == width or bottom == rows:
                self.tally.settle(width, found)
                self.tally.add(panel_work(rows - row, width, found))
                return found
            height *= _MORE

    def _carry(self, row: int, pivots: int, start: int, stop: int) -> None:
        """Carry the pivots at rows row..row+pivots over to columns start..stop."""
        if pivots and stop > start:
            rows = len(self.matrix)
            carry(self.products, self._part(row, rows, row, row + pivots), self._part(row, rows, start, stop))
            self.tally.add((stop - start) * carrying_work(rows - row, pivots))

    def _part(self, top: int, bottom: int, left: int, right: int) -> Part:
        return Part(self.matrix, top, left, bottom - top, right - left)


def carry(products: AnyProducts, multipliers: Part, target: Part) -> None:
    """Carry pivots over to other columns: solve for the pivots' rows, the topmost, and subtract these from the rest."""
    rows, pivots = multipliers.rows, multipliers.columns
    solved = target.part(0, pivots, 0, target.columns)
    solve(products, multipliers.part(0, pivots, 0, pivots), solved)
    products.subtract(target.part(pivots, rows, 0, target.columns), multipliers.part(pivots, rows, 0, pivots), solved)


def solve(products: AnyProducts, triangle: Part, target: Part) -> None:
    """Replace the target by the inverse of the unit lower triangle times the target."""
    size, columns = triangle.rows, target.columns
    if size <= PANEL:
        products.multiply_left(products.inverse(triangle), target)
        return
    middle = _half(size)
    upper, lower = target.part(0, middle, 0, columns), target.part(middle, size, 0, columns)
    solve(products, triangle.part(0, middle, 0, middle), upper)
    products.subtract(lower, triangle.part(middle, size, 0, middle), upper)
    solve(products, triangle.part(middle, size, middle, size), lower)


def solve_right(products: AnyProducts, triangle: Part, target: Part) -> None:
    """Replace the target by the target times the inverse of the unit lower triangle."""
    size = triangle.rows
    if size <= PANEL:
        products.multiply_right(target, products.inverse(triangle), target)
        return
    middle = _half(size)
    left, right = target.part(0, target.rows, 0, middle), target.part(0, target.rows, middle, size)
    solve_right(products, triangle.part(middle, size, middle, size), right)
    products.subtract(left, right, triangle.part(middle, size, 0, middle))
    solve_right(products, triangle.part(0, middle, 0, middle), left)


def _half(length: int) -> int:
    """Half of a length, rounded to whole panels; at least one panel."""
    return max(PANEL, length // 2 // PANEL * PANEL)
