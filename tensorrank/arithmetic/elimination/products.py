"""Products of matrices over GF(p), made in place: Strassen's algorithm over the tiles of an engine.

A product is cut into tiles, and our own threads share the tiles, with BLAS at one thread each. For each tile, as many
terms as the engine sums exactly are multiplied at a time, and the sum is reduced while it is in cache.

Large products are first taken apart as Strassen did (1969): seven products of half the size take the place of eight.
Residues are exact, so this costs no accuracy. Each of the seven is added straight to the places where it belongs, as in
Huang, Smith, Henry and van de Geijn (2016), so that only the sums of operands take extra memory. Counted that way,
Strassen's own scheme makes 10 sums and 12 additions to places, Winograd's 8 and 14: a tie on one level. On two levels
Strassen's makes fewer additions to places, 144 against 196.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.elimination.engines import Balanced, Engine, Part
from tensorrank.arithmetic.resources import Workers

# The largest side of a piece that a thread works on at once, which bounds the memory for sums of operands.
_LARGEST = 8000

Range = tuple[int, int]
# Where a product goes, and with which sign (0: it replaces what is there).
Targets = Sequence[tuple[Part, float]]

# Strassen's seven products of quarters 0..3 (row by row): sums of the left operand, sums of the right one (each a first
# quarter, and a second with its sign), and the quarters of the result with their signs.
_STRASSEN = (
    ((0, 3, 1), (0, 3, 1), ((0, 1), (3, 1))),
    ((2, 3, 1), (0,), ((2, 1), (3, -1))),
    ((0,), (1, 3, -1), ((1, 1), (3, 1))),
    ((3,), (2, 0, -1), ((0, 1), (2, 1))),
    ((0, 1, 1), (3,), ((0, -1), (1, 1))),
    ((2, 0, -1), (0, 1, 1), ((3, 1),)),
    ((1, 3, -1), (2, 3, 1), ((0, 1),)),
)


class Products:
    """Products of matrices over one field by one engine, on the threads of one pool."""

    def __init__(self, engine: Engine, pool: Workers) -> None:
        self.engine, self.pool = engine, pool
        self.prime = engine.prime

    def alone(self) -> AbstractContextManager[None]:
        """A context that changes nothing: any number of matrices may lie on the host."""
        return nullcontext()

    def taken(self, matrix: Balanced) -> Balanced:
        """The matrix itself: it is where these products are made."""
        return matrix

    def given_back(self, matrix: Balanced) -> Balanced:
        """The matrix itself."""
        return matrix

    def zeros(self, rows: int, columns: int) -> Balanced:
        """A matrix of zeros."""
        return np.zeros((rows, columns), dtype=self.engine.storage)

    def reorder_columns(self, matrix: Balanced, places: Integers) -> None:
        """Replace the columns by those at the given places, in place."""
        for row in matrix:
            row[:] = row[places]

    def eliminate_panel(
        self, matrix: Balanced, order: Integers, row: int, bottom: int, start: int, stop: int
    ) -> tuple[int, Balanced]:
        """Eliminate a panel of some rows: the number of pivots, and its triangle's inverse if every column has one.

        The rows are row..bottom and the columns start..stop; `kernels.eliminate_panel` says what changes.
        """
        inverse = np.empty((stop - start, stop - start), dtype=matrix.dtype)
        found: int = kernels.eliminate_panel(matrix, order, row, bottom, start, stop, self.prime, self.engine.split, inverse)
        return found, inverse

    def inverse(self, triangle: Part) -> Balanced:
        """The inverse of a small unit lower triangle, whose upper entries are not looked at."""
        matrix, top, left, size, _ = triangle
        inverse: Balanced = kernels.invert_unit_lower(matrix, top, left, size, self.prime, self.engine.split)
        return inverse

    def multiply_left(self, factor: Balanced, target: Part) -> None:
        """Replace the target by factor x target, for a small square factor."""
        left = Part.whole(factor)

        def update(columns: tuple[int, int]) -> None:
            part = target.part(0, target.rows, *columns)
            self._put([(part, 0.0)], [(left, part)])

        tiling = self.engine.tiling
        most = max(tiling.columns, tiling.height(target.rows, target.rows))
        self.pool.map(update, _ranges(target.columns, self._share(target.columns, most, target.rows**2)))

    def multiply_right(self, source: Part, factor: Balanced, target: Part) -> None:
        """Set the target to source x factor, for a small square factor; they may overlap in the same rows."""
        right = Part.whole(factor)

        def update(rows: tuple[int, int]) -> None:
            taken = source.part(*rows, 0, source.columns)
            self._put([(target.part(*rows, 0, target.columns), 0.0)], [(taken, right)])

        most = self.engine.tiling.height(source.columns, source.columns)
        self.pool.map(update, _ranges(source.rows, self._share(source.rows, most, source.columns**2)))

    def subtract(self, target: Part, left: Part, right: Part) -> None:
        """Subtract left x right from the target, in place."""
        if not (left.rows and left.columns and right.columns):
            return

        def update(piece: tuple[Range, Range]) -> None:
            rows, columns = piece
            for terms in _ranges(left.columns, _even(left.columns, most)):
                self._add([(target.part(*rows, *columns), -1.0)], left.part(*rows, *terms), right.part(*terms, *columns))

        height, width = self._piece(left.rows, left.columns, right.columns)
        most = max(height, width, 2 * self.engine.tiling.strassen)
        self.pool.map(
            update, [(rows, columns) for columns in _ranges(right.columns, width) for rows in _ranges(left.rows, height)]
        )

    def _piece(self, rows: int, terms: int, columns: int) -> tuple[int, int]:
        """The rows and columns of a thread's piece: a tile, or a piece large enough for Strassen's algorithm."""
        if min(rows, terms, columns) >= self.engine.tiling.strassen:
            return _large_piece(rows, columns, self.pool.count)
        tiling = self.engine.tiling
        width = _even(columns, tiling.columns)
        height = tiling.height(width, min(terms, self.engine.terms))
        return self._share(rows, height, terms * columns), width

    def _add(self, targets: Targets, left: Part, right: Part) -> None:
        """Add left x right to every target, with its sign."""
        if min(left.rows, left.columns, right.columns) < self.engine.tiling.strassen:
            self._add_by_tiles(targets, left, right)
            return
        self._add_by_strassen(targets, left, right)
        # What quarters leave out: the last term, column or row of an odd number.
        rows, terms, columns = (size // 2 * 2 for size in (left.rows, left.columns, right.columns))
        for top, bottom, first, last, begin, end in (
            (0, rows, terms, left.columns, 0, columns),
            (0, rows, 0, left.columns, columns, right.columns),
            (rows, left.rows, 0, left.columns, 0, right.columns),
        ):
            rest = [(target.part(top, bottom, begin, end), sign) for target, sign in targets]
            self._add_by_tiles(rest, left.part(top, bottom, first, last), right.part(first, last, begin, end))

    def _add_by_strassen(self, targets: Targets, left: Part, right: Part) -> None:
        lefts, rights = left.quarters(), right.quarters()
        places = [(target.quarters(), sign) for target, sign in targets]
        left_room = np.empty(lefts[0][3:], dtype=left.matrix.dtype)
        right_room = np.empty(rights[0][3:], dtype=right.matrix.dtype)
        for left_terms, right_terms, goals in _STRASSEN:
            self._add(
                [(quarters[goal], sign * own) for quarters, sign in places for goal, own in goals],
                self._combined(lefts, left_terms, left_room),
                self._combined(rights, right_terms, right_room),
            )

    def _combined(self, quarters: Sequence[Part], terms: tuple[int, ...], room: Balanced) -> Part:
        """One quarter, or the sum or difference of two quarters, which is written to the room."""
        first = quarters[terms[0]]
        if len(terms) == 1:
            return first
        second = quarters[terms[1]]
        number = np.float32 if room.itemsize <= 2 else np.float64
        numbers = number(terms[2]), number(self.prime), number(1 / self.prime)
        kernels.combine(first.matrix, first.top, first.left, second.matrix, second.top, second.left, *numbers, room)
        return Part.whole(room)

    def _add_by_tiles(self, targets: Targets, left: Part, right: Part) -> None:
        if not (left.rows and left.columns and right.columns):
            return
        tiling = self.engine.tiling
        width = _even(right.columns, tiling.columns)
        height = tiling.height(width, min(left.columns, self.engine.terms))
        for columns in _ranges(right.columns, width):
            for rows in _ranges(left.rows, _even(left.rows, height)):
                pairs = [
                    (left.part(*rows, *terms), right.part(*terms, *columns))
                    for terms in _ranges(left.columns, _even(left.columns, self.engine.terms))
                ]
                self._put([(target.part(*rows, *columns), sign) for target, sign in targets], pairs)

    def _put(self, targets: Targets, pairs: Sequence[tuple[Part, Part]]) -> None:
        """Add a sum of products of tiles to the targets; all operands are read before anything is written."""
        engine, weights = self.engine, self.engine.weights
        single = len(pairs) == 1 and weights == (1.0,)
        total, fresh = None, True
        for left, right in pairs:
            for weight, factor, other in zip(weights, engine.left(left), engine.right(right), strict=True):
                product = engine.multiply(factor, other)
                if single:
                    total = product
                    continue
                total = engine.room("total", product.shape, engine.total)
                kernels.accumulate(total, product, weight, self.prime, fresh)
                fresh = False
        for target, sign in targets:
            kernels.add_to(target.matrix, target.top, target.left, sign, total, self.prime)

    def _share(self, length: int, most: int, work_each: float) -> int:
        """The length of equal pieces, at most so long, that keep all threads busy if there is work enough."""
        # No thread's share is less than half of what is worth sharing.
        shares = max(1, min(self.pool.count, int(2 * length * work_each / self.engine.tiling.shared)))
        pieces = -(-length // most)
        return max(1, -(-length // (-(-pieces // shares) * shares)))


def room_bytes(rows: int, terms: int, columns: int, threads: int, engine: Engine) -> int:
    """The most bytes that products of up to this size, no wider than high, take beside their operands."""
    sums = 0.0
    if min(rows, terms, columns) >= engine.tiling.strassen:
        height, width = _large_piece(rows, columns, threads)
        # A quarter of each operand, for these a quarter again, and so on.
        most = min(terms, max(height, width, 2 * engine.tiling.strassen))
        sums = engine.storage.itemsize / 3 * most * (height + width)
    return threads * (engine.tile_bytes(rows, terms, columns) + int(sums))


def _large_piece(rows: int, columns: int, threads: int) -> tuple[int, int]:
    """The rows and columns of the pieces that threads take apart by Strassen's algorithm."""
    height, width = _even(rows, _LARGEST), _even(columns, _LARGEST)
    while threads > 1:
        factor = next(number for number in range(2, threads + 1) if threads % number == 0)
        height, width = (-(-height // factor), width) if height > width else (height, -(-width // factor))
        threads //= factor
    return height, width


def _even(length: int, most: int) -> int:
    """The length of the fewest equal pieces that are at most so long."""
    return -(-length // -(-length // most))


def _ranges(length: int, step: int) -> list[Range]:
    return [(start, min(length, start + step)) for start in range(0, length, step)]
