"""Products of matrices over GF(p), made in place: Strassen's algorithm over float64 BLAS.

A product is cut into tiles, and our own threads share the tiles, with BLAS at one thread each. For each tile, as many
terms as a float64 sums exactly go through BLAS at a time, and the sum is reduced while it is in cache.

Large products are first taken apart as Strassen did (1969): seven products of half the size take the place of eight.
Residues are exact, so this costs no accuracy. Each of the seven is added straight to the places where it belongs, as in
Huang, Smith, Henry and van de Geijn (2016), so that only the sums of operands take extra memory. Counted that way,
Strassen's own scheme makes 10 sums and 12 additions to places, Winograd's 8 and 14: a tie on one level. On two levels
Strassen's makes fewer additions to places, 144 against 196.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import Workers

Balanced = NDArray[np.int32]

# With these sizes a tile's result and its operands stay in a core's share of the cache; more terms gain nothing.
_TILE_COLUMNS = 640
_TILE_ROWS = 1024
_TILE_ENTRIES = 400_000
_TILE_TERMS = 512
# Multiplications below which waking a thread costs more than it gains.
_WORTH_SHARING = 4e6
# The smallest side of a product, or of a thread's piece of it, that Strassen's algorithm takes apart; and the largest
# that a thread works on at once, which bounds the memory for sums of operands.
_STRASSEN_SIDE = 1000
_LARGEST = 8000


class Part(NamedTuple):
    """A rectangle of a C-contiguous matrix of balanced residues."""

    matrix: Balanced
    top: int
    left: int
    rows: int
    columns: int

    @classmethod
    def whole(cls, matrix: Balanced) -> Part:
        """The part that is the whole of a matrix."""
        return cls(matrix, 0, 0, *matrix.shape)

    def part(self, top: int, bottom: int, left: int, right: int) -> Part:
        """The rectangle of rows top..bottom and columns left..right of this part."""
        return Part(self.matrix, self.top + top, self.left + left, bottom - top, right - left)

    def quarters(self) -> tuple[Part, Part, Part, Part]:
        """The four quarters of this part, row by row; the last row or column of an odd number is left out."""
        rows, columns = self.rows // 2, self.columns // 2
        return (
            self.part(0, rows, 0, columns),
            self.part(0, rows, columns, 2 * columns),
            self.part(rows, 2 * rows, 0, columns),
            self.part(rows, 2 * rows, columns, 2 * columns),
        )


Range = tuple[int, int]
# Where a product goes, and with which sign (0: it replaces what is there).
Targets = Sequence[tuple[Part, float]]

# A left operand: matrices to be multiplied and the scales of their products.
Factors = list[tuple[float, Floats]]

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
    """Products of matrices over one field, on the threads of one pool."""

    def __init__(self, field: PrimeField, pool: Workers) -> None:
        self.prime, self.split, terms = field.constants
        self.terms = min(terms, _TILE_TERMS)
        self.pool = pool
        self.scratch = threading.local()

    def multiply_left(self, factor: Floats, target: Part) -> None:
        """Replace the target by factor x target, for a small square factor of balanced residues."""
        high = np.rint(factor / self.split) if self.split else factor
        factors = [(self.split, high), (1.0, factor - high * self.split)] if self.split else [(1.0, factor)]

        def update(columns: tuple[int, int]) -> None:
            part = target.part(0, target.rows, *columns)
            self._put([(part, 0.0)], [(factors, self._floats(part, "right"))])

        self.pool.map(update, _ranges(target.columns, self._share(target.columns, _TILE_COLUMNS, target.rows**2)))

    def multiply_right(self, source: Part, factor: Floats, target: Part) -> None:
        """Set the target to source x factor, for a small square factor; they may overlap in the same rows."""

        def update(rows: tuple[int, int]) -> None:
            taken = source.part(*rows, 0, source.columns)
            self._put([(target.part(*rows, 0, target.columns), 0.0)], [(self._factors(taken), factor)])

        self.pool.map(update, _ranges(source.rows, self._share(source.rows, _TILE_ROWS, source.columns**2)))

    def subtract(self, target: Part, left: Part, right: Part) -> None:
        """Subtract left x right from the target, in place."""
        if not (left.rows and left.columns and right.columns):
            return

        def update(piece: tuple[Range, Range]) -> None:
            rows, columns = piece
            for terms in _ranges(left.columns, _even(left.columns, most)):
                self._add([(target.part(*rows, *columns), -1.0)], left.part(*rows, *terms), right.part(*terms, *columns))

        height, width = self._piece(left.rows, left.columns, right.columns)
        most = _most_terms(height, width)
        self.pool.map(
            update, [(rows, columns) for columns in _ranges(right.columns, width) for rows in _ranges(left.rows, height)]
        )

    def _piece(self, rows: int, terms: int, columns: int) -> tuple[int, int]:
        """The rows and columns of a thread's piece: a tile, or a piece large enough for Strassen's algorithm."""
        if min(rows, terms, columns) >= _STRASSEN_SIDE:
            return _large_piece(rows, columns, self.pool.count)
        width = _even(columns, _TILE_COLUMNS)
        return self._share(rows, min(_TILE_ROWS, _TILE_ENTRIES // width), terms * columns), width

    def _add(self, targets: Targets, left: Part, right: Part) -> None:
        """Add left x right to every target, with its sign."""
        if min(left.rows, left.columns, right.columns) < _STRASSEN_SIDE:
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
        left_room = np.empty(lefts[0][3:], dtype=np.int32)
        right_room = np.empty(rights[0][3:], dtype=np.int32)
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
        second, sign = quarters[terms[1]], float(terms[2])
        kernels.combine(first.matrix, first.top, first.left, second.matrix, second.top, second.left, sign, self.prime, room)
        return Part.whole(room)

    def _add_by_tiles(self, targets: Targets, left: Part, right: Part) -> None:
        if not (left.rows and left.columns and right.columns):
            return
        width = _even(right.columns, _TILE_COLUMNS)
        for columns in _ranges(right.columns, width):
            for rows in _ranges(left.rows, min(_TILE_ROWS, _TILE_ENTRIES // width)):
                pairs = (
                    (self._factors(left.part(*rows, *terms)), self._floats(right.part(*terms, *columns), "right"))
                    for terms in _ranges(left.columns, self.terms)
                )
                self._put([(target.part(*rows, *columns), sign) for target, sign in targets], pairs)

    def _put(self, targets: Targets, pairs: Iterable[tuple[Factors, Floats]]) -> None:
        """Add a sum of products to the targets; all operands are read before anything is written."""
        shape = targets[0][0][3:]
        product, total, fresh = self._room("product", shape), self._room("total", shape), True
        for factors, right in pairs:
            for scale, factor in factors:
                np.matmul(factor, right, out=product)
                kernels.accumulate(total, product, scale, self.prime, fresh)
                fresh = False
        for target, sign in targets:
            kernels.add_to(target.matrix, target.top, target.left, sign, total, self.prime)

    def _factors(self, part: Part) -> Factors:
        """A left operand as float64, in halves with their scales if the field splits."""
        if not self.split:
            return [(1.0, self._floats(part, "left"))]
        high, low = self._room("high", part[3:]), self._room("left", part[3:])
        kernels.widen_split(part.matrix, part.top, part.left, self.split, high, low)
        return [(self.split, high), (1.0, low)]

    def _floats(self, part: Part, name: str) -> Floats:
        room = self._room(name, part[3:])
        kernels.widen(part.matrix, part.top, part.left, room)
        return room

    def _room(self, name: str, shape: tuple[int, int]) -> Floats:
        """A scratch matrix of this thread, kept from tile to tile: fresh memory would cost some seven percent more."""
        size = shape[0] * shape[1]
        room: Floats | None = getattr(self.scratch, name, None)
        if room is None or room.size < size:
            room = np.empty(size)
            setattr(self.scratch, name, room)
        return room[:size].reshape(shape)

    def _share(self, length: int, most: int, work_each: float) -> int:
        """The length of equal pieces, at most so long, that keep all threads busy if there is work enough."""
        shares = self.pool.count if length * work_each > _WORTH_SHARING else 1
        pieces = -(-length // most)
        return max(1, -(-length // (-(-pieces // shares) * shares)))


def room_bytes(rows: int, terms: int, columns: int, threads: int) -> int:
    """The most bytes that products of up to this size take beside their operands, whatever the prime."""
    # Of narrower products, which an elimination makes too, the tiles are higher.
    widths = {_even(max(1, columns >> halvings), _TILE_COLUMNS) for halvings in range(5)}
    heights = {width: min(rows, _TILE_ROWS, _TILE_ENTRIES // width) for width in widths}
    depth = min(terms, _TILE_TERMS)
    totals = max(height * width for width, height in heights.items())
    tile = 2 * totals + depth * (2 * max(heights.values()) + max(widths))
    sums = 0.0
    if min(rows, terms, columns) >= _STRASSEN_SIDE:
        height, width = _large_piece(rows, columns, threads)
        # A quarter of each operand, for these a quarter again, and so on.
        sums = 4 / 3 * min(terms, _most_terms(height, width)) * (height + width)
    return threads * (8 * tile + int(sums))


def _large_piece(rows: int, columns: int, threads: int) -> tuple[int, int]:
    """The rows and columns of the pieces that threads take apart by Strassen's algorithm."""
    height, width = _even(rows, _LARGEST), _even(columns, _LARGEST)
    while threads > 1:
        factor = next(number for number in range(2, threads + 1) if threads % number == 0)
        height, width = (-(-height // factor), width) if height > width else (height, -(-width // factor))
        threads //= factor
    return height, width


def _most_terms(height: int, width: int) -> int:
    """The number of terms of a piece that are taken apart together."""
    return max(height, width, 2 * _STRASSEN_SIDE)


def _even(length: int, most: int) -> int:
    """The length of the fewest equal pieces that are at most so long."""
    return -(-length // -(-length // most))


def _ranges(length: int, step: int) -> list[Range]:
    return [(start, min(length, start + step)) for start in range(0, length, step)]
