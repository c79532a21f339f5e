"""Products of matrices over GF(p) on a device, with the methods of `Products`, over tensors of PyTorch.

The matrix stays on the device. Of a panel only the topmost rows come to the host, where the kernel of `kernels`
eliminates them; their order, their multipliers and the inverse of their triangle go back. A product is cut into tiles
so large that one keeps the whole device busy, and so small that what products take beside the matrix stays below
`devices.SCRATCH` bytes.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import NamedTuple

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.elimination.device_engines import DeviceEngine, Tensor
from tensorrank.arithmetic.elimination.devices import SCRATCH, scratch_beside
from tensorrank.arithmetic.elimination.engines import Balanced, Part


class DeviceProducts:
    """Products of matrices over one field by one engine of a device; matrices are tensors there."""

    def __init__(self, engine: DeviceEngine) -> None:
        self.engine, self.device, self.torch = engine, engine.device, engine.torch
        self.prime = engine.prime

    def alone(self) -> AbstractContextManager[None]:
        """A context in which this thread has the device to itself; all that is done there is done inside."""
        return self.device.alone()

    def taken(self, matrix: Balanced | Tensor) -> Tensor:
        """A matrix of the host, moved to the device; a tensor as it is.

        Raises:
            TensorRankError: if it is larger than what is free there.
        """
        if not isinstance(matrix, np.ndarray):
            return matrix
        self.device.refuse_beyond_free(matrix.shape, matrix.dtype.itemsize)
        return self._moved(matrix)

    def given_back(self, matrix: Tensor) -> Balanced:
        """The matrix on the host."""
        array: Balanced = np.ascontiguousarray(matrix.cpu().numpy())
        return array

    def zeros(self, rows: int, columns: int) -> Tensor:
        """A matrix of zeros on the device."""
        self.device.refuse_beyond_free((rows, columns), self.engine.storage.itemsize)
        kind = getattr(self.torch, self.engine.storage.name)
        return self.torch.zeros((rows, columns), dtype=kind, device=self.device.place)

    def reorder_columns(self, matrix: Tensor, places: Integers) -> None:
        """Replace the columns by those at the given places, in place."""
        chosen = self._moved(places)
        step = self._rows_at_once(matrix)
        for start in range(0, len(matrix), step):
            rows = matrix[start : start + step]
            rows.copy_(rows[:, chosen])

    def eliminate_panel(
        self, matrix: Tensor, order: Integers, row: int, bottom: int, start: int, stop: int
    ) -> tuple[int, Balanced]:
        """Eliminate a panel of some rows: the number of pivots, and its triangle's inverse if every column has one.

        The rows are row..bottom and the columns start..stop. If a column has no pivot and there are further rows, then
        nothing changes.
        """
        panel = np.array(matrix[row:bottom, start:stop].cpu().numpy(), order="C")
        height, width = panel.shape
        places = np.arange(height)
        inverse = np.empty((width, width), dtype=panel.dtype)
        found: int = kernels.eliminate_panel(panel, places, 0, height, 0, width, self.prime, self.engine.split, inverse)
        if found == width or bottom == len(matrix):
            self._reorder_rows(matrix, row, places)
            order[row:bottom] = order[row:bottom][places]
            self._store(matrix, row, panel[:, :found])
        return found, inverse

    def inverse(self, triangle: Part) -> Balanced:
        """The inverse of a small unit lower triangle, whose upper entries are not looked at."""
        small = self.given_back(_view(triangle))
        inverse: Balanced = kernels.invert_unit_lower(small, 0, 0, len(small), self.prime, self.engine.split)
        return inverse

    def multiply_left(self, factor: Balanced, target: Part) -> None:
        """Replace the target by factor x target, for a small square factor."""
        engine, view = self.engine, _view(target)
        left = engine.left(self._moved(factor))
        for start in range(0, target.columns, engine.side):
            part = view[:, start : start + engine.side]
            self._put(part, engine.product(left, engine.right(part)), 0)

    def multiply_right(self, source: Part, factor: Balanced, target: Part) -> None:
        """Set the target to source x factor, for a small square factor; they may overlap in the same rows."""
        engine, taken, view = self.engine, _view(source), _view(target)
        right = engine.right(self._moved(factor))
        for start in range(0, source.rows, engine.side):
            rows = slice(start, start + engine.side)
            self._put(view[rows], engine.product(engine.left(taken[rows]), right), 0)

    def subtract(self, target: Part, left: Part, right: Part) -> None:
        """Subtract left x right from the target, in place."""
        engine, side = self.engine, self.engine.side
        view, one, other = _view(target), _view(left), _view(right)
        for first in range(0, right.columns, side):
            columns = slice(first, first + side)
            for start in range(0, left.columns, engine.terms):
                terms = slice(start, start + engine.terms)
                operands = engine.right(other[terms, columns])
                for top in range(0, left.rows, side):
                    rows = slice(top, top + side)
                    self._put(view[rows, columns], engine.product(engine.left(one[rows, terms]), operands), -1)

    def _put(self, target: Tensor, product: Tensor, sign: int) -> None:
        """Subtract a product from the target, or with a sign of 0 replace the target by it."""
        numbers = product[: target.shape[0], : target.shape[1]]
        if sign:
            numbers.neg_().add_(target)
        self.engine.reduce(numbers)
        target.copy_(numbers)

    def _store(self, matrix: Tensor, row: int, multipliers: Balanced) -> None:
        """Write multipliers below the diagonal of rows and columns from `row` on; what is on it and above stays."""
        height, found = multipliers.shape
        moved, below = self._moved(multipliers), matrix[row : row + height, row : row + found]
        below[found:] = moved[found:]
        below[:found] = below[:found].triu() + moved[:found].tril(-1)

    def _reorder_rows(self, matrix: Tensor, row: int, places: Integers) -> None:
        """Give rows from `row` on the order of the places; only those that change are touched."""
        changed = np.flatnonzero(places != np.arange(len(places)))
        if not len(changed):
            return
        to, source = self._moved(row + changed), self._moved(row + places[changed])
        step = max(1, SCRATCH // 4 // (len(changed) * self.engine.storage.itemsize))
        for start in range(0, matrix.shape[1], step):
            columns = matrix[:, start : start + step]
            columns[to] = columns[source]

    def _rows_at_once(self, matrix: Tensor) -> int:
        rows: int = SCRATCH // 4 // max(1, matrix.shape[1] * self.engine.storage.itemsize)
        return max(1, rows)

    def _moved(self, array: Balanced) -> Tensor:
        return self.torch.from_numpy(np.ascontiguousarray(array)).to(self.device.place)


def _view(part: Part) -> Tensor:
    return part.matrix[part.top : part.top + part.rows, part.left : part.left + part.columns]


class Slabs(NamedTuple):
    """The shape of a matrix that is eliminated slab by slab.

    Attributes:
        rows: of every slab.
        first: columns of the first slab.
        step: columns of every further slab, at most.
        others: columns of all further slabs together.
    """

    rows: int
    first: int
    step: int
    others: int


def kernel_has_room(engine: DeviceEngine, slabs: Slabs, missing: int) -> bool:
    """True if a device has room to go on after a first slab, which lies there, with a left kernel of so many rows."""
    entry, free = engine.storage.itemsize, engine.device.free()
    step = min(slabs.step, slabs.others)
    free -= scratch_beside(slabs.rows * max(slabs.rows, step))
    kernel = missing * slabs.rows
    # Every further slab may leave a kernel of its own, of fewer rows, whose columns are the rows of that before it.
    further = missing**2 * max(0, -(-slabs.others // slabs.step) - 1)
    # Beside them a slab and its product, which find the first one gone.
    later = kernel + further + (slabs.rows + missing) * step - slabs.rows * slabs.first
    return entry * max(kernel, later) <= free
