"""Engines: exact products of small rectangles of matrices over GF(p), on floating-point or on integer units.

An elimination is the same whatever multiplies its tiles. An engine writes the residues of a tile as operands that its
unit multiplies fast, and multiplies pairs of them exactly:

- `Doubles`: float64 on BLAS, any prime below 2^31;
- `Singles`: float32 on BLAS, small primes (`Singles.largest_prime`), twice as fast;
- `Bytes` (module `byte_products`): 8-bit integers with 32-bit sums, six to ten times as fast as float64.

Where a residue is too large for one operand it is cut into digits. A product of two tiles is then a sum of a few
products of operands, each with a weight modulo p. All engines give the same residues.
"""

from __future__ import annotations

import functools
import threading
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.prime_field import SPLIT_BIT, PrimeField
from tensorrank.arithmetic.primes import LARGEST_PRIME

# Balanced residues, within p // 2 of 0: int8, int16 or int32, whichever is the smallest that holds them.
Balanced = NDArray[Any]


def storage(prime: int) -> np.dtype[Any]:
    """The smallest type that holds the balanced residues of a prime, and 2 more on each side for rounding on the way.

    >>> [storage(prime).name for prime in (251, 257, 65521, 65537)]
    ['int8', 'int16', 'int16', 'int32']
    """
    return next(np.dtype(kind) for kind in (np.int8, np.int16, np.int32) if prime // 2 + 2 <= np.iinfo(kind).max)


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


class Tiling(NamedTuple):
    """The sizes that suit an engine.

    Attributes:
        rows, columns: of the largest tile, so that the result and its operands stay in a core's share of the cache.
        entries: of the result of a tile, at most.
        terms: of a product, at most; more gain nothing.
        strassen: the smallest side of a product that Strassen's algorithm takes apart.
        shared: multiplications below which waking a thread costs more than it gains.
        tallest: the most rows of a narrow tile of few terms, which is a call that should be worth its while.
    """

    rows: int
    columns: int
    entries: int
    terms: int
    strassen: int
    shared: float
    tallest: int = 1024

    def height(self, columns: int, terms: int) -> int:
        """The most rows of a tile of so many columns and terms."""
        return max(1, min(self.tallest, self.entries // columns, self.rows * self.terms // terms))


class Engine(ABC):
    """One way to multiply tiles over one field; every thread has its own scratch matrices.

    Attributes:
        name: as users give it.
        prime: p.
        storage: the type of the residues in memory.
        split: the scale at which compiled loops in float64 cut residues; 0 if they need not.
        total: the type of reduced sums of several products.
        terms: how many products of residues are summed exactly, at most.
        weights: of the products of operands; their sum with these weights is the product of the tiles modulo p.
    """

    name: str
    tiling: Tiling
    # The types of a left operand, a right one, and their product.
    kinds: tuple[type, type, type]

    def __init__(self, field: PrimeField) -> None:
        self.prime = float(field.prime)
        self.storage = storage(field.prime)
        self.split = field.constants[1]
        # Sums of two residues of up to two bytes are exact in float32.
        self.total = np.float32 if self.storage.itemsize <= 2 else np.float64
        self.terms = self.tiling.terms
        self.weights: tuple[float, ...] = (1.0,)
        self._rooms = threading.local()

    @classmethod
    @abstractmethod
    def obstacle(cls, field: PrimeField) -> str | None:
        """What keeps this engine from multiplying over a field on this machine, with a remedy if there is one."""

    @classmethod
    def largest_prime(cls) -> int:
        """The largest prime that this engine takes on this machine."""
        return LARGEST_PRIME

    @abstractmethod
    def left(self, part: Part) -> list[Array]:
        """The operands of a rectangle on the left of a product, one for each weight."""

    @abstractmethod
    def right(self, part: Part) -> list[Array]:
        """The operands of a rectangle on the right of a product, one for each weight."""

    def multiply(self, left: Array, right: Array) -> Array:
        """The exact product of two operands, in scratch memory of this thread that the next product takes again."""
        return np.matmul(left, right, out=self.room("product", (len(left), right.shape[1]), self.kinds[2]))

    def room(self, name: str, shape: tuple[int, int], kind: type) -> Array:
        """A scratch matrix of this thread, kept from tile to tile: fresh memory would cost some seven percent more."""
        size = shape[0] * shape[1]
        room: Array | None = getattr(self._rooms, name, None)
        if room is None or room.size < size:
            # Not what memory held before: BLAS may multiply it by zero, and a NaN stays one.
            room = np.zeros(size, dtype=kind)
            setattr(self._rooms, name, room)
        return room[:size].reshape(shape)

    def tile_bytes(self, rows: int, terms: int, columns: int) -> int:
        """The most bytes of a thread's scratch matrices for tiles of products of up to this size."""
        tiling = self.tiling
        height, width, length = min(rows, tiling.tallest), min(columns, tiling.columns), min(terms, self.terms)
        result, factor = min(tiling.entries, height * width), min(tiling.rows * tiling.terms, height * length)
        left, right, product = (np.dtype(kind).itemsize for kind in self.kinds)
        # There is a total only where a sum has several products.
        total, digits = np.dtype(self.total).itemsize, len(self.weights)
        return result * (product + total) + digits * (factor * left + width * length * right)

    def _copied(self, part: Part, name: str, kind: type, offset: int = 0) -> Array:
        room = self.room(name, part[3:], kind)
        kernels.copy(part.matrix, part.top, part.left, offset, room)
        return room


def too_large(name: str, most: int, field: PrimeField) -> str:
    """The obstacle of a prime that is too large for an engine, which takes primes up to `most`."""
    return f"the modulus {field.prime} is too large for the engine '{name}', which takes primes up to {most} here"


@functools.cache
def _float_obstacle(kind: type[Engine], primes: tuple[int, ...]) -> str | None:
    """What is said of an engine in floating point that gets known products wrong, or None.

    Some builds of BLAS multiply float32 with fewer bits where their environment tells them to. The longest sums of the
    largest residues, of one sign and of mixed ones, and of random residues would show it.
    """
    rng = np.random.default_rng(0)
    for prime in primes:
        engine, largest = kind(PrimeField(prime)), prime // 2
        shapes = (40, engine.terms), (engine.terms, 33)
        for signs in ((1,), (-1,), (-1, 1), ()):
            left, right = (
                (largest * rng.choice(signs, shape) if signs else rng.integers(-largest, largest, shape)).astype(engine.storage)
                for shape in shapes
            )
            operands = zip(engine.weights, engine.left(Part.whole(left)), engine.right(Part.whole(right)), strict=True)
            found = sum(int(weight) * (engine.multiply(*pair).astype(np.int64) % prime) for weight, *pair in operands)
            if not np.array_equal(found % prime, _product_of(left, right, prime)):
                return f"the engine '{kind.name}' does not multiply exactly on this machine"
    return None


def _product_of(left: Balanced, right: Balanced, prime: int) -> Integers:
    """The product modulo a prime of two matrices of up to 2^17 terms, in whole numbers of 64 bits."""
    high, low = np.divmod(left.astype(np.int64), 2**SPLIT_BIT)
    other = right.astype(np.int64)
    return np.asarray((high @ other % prime * 2**SPLIT_BIT + low @ other) % prime, dtype=np.int64)


class Doubles(Engine):
    """Products on float64 BLAS: sums of whole numbers stay below 2^53.

    For primes above about 2^24.5 the left residues are cut in two.
    """

    name = "float64"
    tiling = Tiling(rows=1024, columns=640, entries=400_000, terms=512, strassen=1000, shared=4e6)
    kinds = (np.float64, np.float64, np.float64)

    def __init__(self, field: PrimeField) -> None:
        super().__init__(field)
        self.terms = min(field.terms, self.tiling.terms)
        if self.split:
            self.weights = (self.split, 1.0)

    @classmethod
    def obstacle(cls, field: PrimeField) -> str | None:
        """What is said where float64 is not exact here; None where it is."""
        return _float_obstacle(cls, (8388593, LARGEST_PRIME))

    def left(self, part: Part) -> list[Array]:
        """The residues as float64, in two digits if the field splits."""
        if not self.split:
            return [self._copied(part, "left", np.float64)]
        high, low = (self.room(name, part[3:], np.float64) for name in ("high", "left"))
        kernels.cut(part.matrix, part.top, part.left, self.split, 0, high, low)
        return [high, low]

    def right(self, part: Part) -> list[Array]:
        """The residues as float64."""
        return [self._copied(part, "right", np.float64)] * len(self.weights)


class Singles(Engine):
    """Products on float32 BLAS: sums of whole numbers stay below 2^24, so primes are small."""

    name = "float32"
    tiling = Tiling(rows=1024, columns=768, entries=600_000, terms=1024, strassen=1500, shared=8e6)
    kinds = (np.float32, np.float32, np.float32)

    def __init__(self, field: PrimeField) -> None:
        super().__init__(field)
        self.terms = min(self.tiling.terms, 2**24 // field.largest_residue**2)

    @classmethod
    def obstacle(cls, field: PrimeField) -> str | None:
        """What is said of a prime that is too large, or where float32 is not exact here; None otherwise."""
        most = cls.largest_prime()
        return too_large(cls.name, most, field) if field.prime > most else _float_obstacle(cls, (251, most))

    @classmethod
    def largest_prime(cls) -> int:
        """The largest prime whose sums have the terms that a panel needs (`FEWEST_TERMS`)."""
        return 1021

    def left(self, part: Part) -> list[Array]:
        """The residues as float32."""
        return [self._copied(part, "left", np.float32)]

    def right(self, part: Part) -> list[Array]:
        """The residues as float32."""
        return [self._copied(part, "right", np.float32)]
