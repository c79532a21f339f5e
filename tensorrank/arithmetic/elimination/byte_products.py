"""Products over GF(p) on the 8-bit integer units of a processor, by the public operator MatMulInteger of onnxruntime.

Processors multiply bytes, with sums in 32 bits, several times as fast as doubles. Balanced residues of primes up to 251
are bytes. Those of larger primes, up to `Bytes.largest_prime`, are cut in two digits, residue = high * scale + low, and
three products of bytes take the place of one (Karatsuba and Ofman 1962):

    x y = (s^2 - s) high high' + (1 - s) low low' + s (high + low)(high' + low').

The operator has a fast path for unsigned bytes on the left and signed ones on the right: a left operand holds its
numbers with 128 added, and the operator is told to subtract 128.

Processors without dot products of bytes add pairs of 16-bit products, and such a sum saturates at 32767 without a word.
Whether it does is seen in products of extreme numbers, `known_answers`, which every process computes before its first
use of the engine. Where numbers within 127 of 0 are multiplied wrongly, those within 63 may be right: they serve primes
up to 127 in one digit, and fewer in two.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.elimination.engines import Engine, Part, Tiling, too_large
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import primes_below

_ZERO = 128
# Digits within these bounds are tried, the first that the processor multiplies rightly is used.
MOST_DIGIT = 127
_BOUNDS = (MOST_DIGIT, 63)
# The sides of the products that must be right: of one group of four terms, of odd sizes, and of as many
# terms as a tile has.
TRIED = ((1, 4, 1), (5, 67, 33), (64, 1024, 48), (130, 257, 150), (2, 2048, 600))


class Bytes(Engine):
    """Products on 8-bit integer units, for small primes: sums of at most 2^16 products stay below 2^31."""

    name = "bytes"
    tiling = Tiling(rows=1024, columns=1024, entries=2**20, terms=2048, strassen=4000, shared=3e7, tallest=8192)
    kinds = (np.uint8, np.int8, np.int32)

    def __init__(self, field: PrimeField) -> None:
        super().__init__(field)
        bound = exact_within()
        assert isinstance(bound, int)
        self._scale = digit_scale(field, bound)
        if self._scale > 1:
            s = self._scale
            # Weights are reduced, so that a weight times a residue stays an exact integer.
            self.weights = tuple(field.balanced([s * s - s, 1 - s, s]).tolist())
            # There are three operands on each side, and a total beside the product, which takes three times as long.
            sizes = {"rows": 704, "terms": 1024, "strassen": 2000, "shared": 1e7}
            smaller = {name: min(size, getattr(self.tiling, name)) for name, size in sizes.items()}
            self.tiling = self.tiling._replace(**smaller)
            self.terms = self.tiling.terms

    @classmethod
    def obstacle(cls, field: PrimeField) -> str | None:
        """What is said where nothing is installed or exact here, or the prime is too large; None otherwise."""
        # Nothing is loaded for a prime that no processor takes.
        if not digit_scale(field, _BOUNDS[0]):
            return too_large(cls.name, _most(_BOUNDS[0]), field)
        bound = exact_within()
        if isinstance(bound, str):
            return bound
        return None if digit_scale(field, bound) else too_large(cls.name, _most(bound), field)

    @classmethod
    def largest_prime(cls) -> int:
        """The largest prime whose digits this processor multiplies exactly."""
        bound = exact_within()
        assert isinstance(bound, int)
        return _most(bound)

    def left(self, part: Part) -> list[Array]:
        """The residues or their digits, with 128 added, as unsigned bytes."""
        return self._operands(part, "left", np.uint8, _ZERO)

    def right(self, part: Part) -> list[Array]:
        """The residues or their digits as signed bytes."""
        return self._operands(part, "right", np.int8, 0)

    def _operands(self, part: Part, name: str, kind: type, offset: int) -> list[Array]:
        if self._scale == 1:
            return [self._copied(part, name, kind, offset)]
        high, low, both = (self.room(f"{name} {digit}", part[3:], kind) for digit in ("high", "low", "both"))
        kernels.cut(part.matrix, part.top, part.left, self._scale, offset, high, low)
        kernels.add_digits(high, low, offset, both)
        return [high, low, both]

    def multiply(self, left: Array, right: Array) -> Array:
        """The exact product of two operands."""
        return _product(left, right, self.room("product", (len(left), right.shape[1]), np.int32))


def digit_scale(field: PrimeField, bound: int) -> int:
    """The scale s of the digits, a power of 2, such that digits and their sums are within the bound; 1 for one digit.

    Returns 0 if there is no such scale.

    >>> [digit_scale(PrimeField(p), 127) for p in (251, 257, 15991, 16411)]
    [1, 2, 128, 0]
    """
    largest = field.prime // 2
    if largest <= bound:
        return 1
    scales = (2**power for power in range(1, 8))
    return next((s for s in scales if _high(largest, s) + s // 2 <= bound), 0)


def _high(largest: int, scale: int) -> int:
    return (largest + scale // 2) // scale


@functools.cache
def _most(bound: int) -> int:
    """The largest prime whose digits are within a bound."""
    return next(prime for prime in primes_below(2 * bound * 2**8) if digit_scale(PrimeField(prime), bound))


@functools.cache
def exact_within() -> int | str:
    """The bound within which this processor multiplies bytes exactly, or in words why there is none."""
    # In a thread, since a signal that finds the main one importing the library could be taken for its failure.
    with ThreadPoolExecutor(1) as one:
        return one.submit(_tried_out).result()


def _tried_out() -> int | str:
    try:
        exact = next((bound for bound in _BOUNDS if known_answers(bound)), None)
    except ImportError as error:
        return f"the engine 'bytes' needs onnxruntime, which is not installed ({error}): pip install onnxruntime"
    except Exception as error:  # what a library raises that does not fit the machine can be anything
        return f"the engine 'bytes' cannot be used here, since onnxruntime fails: {shown(str(error))}"
    return "the engine 'bytes' does not multiply exactly on this processor" if exact is None else exact


def _multiplied(left: Array, right: Array) -> Array:
    """The product of two matrices of whole numbers that are bytes, by the operator."""
    room = np.empty((len(left), right.shape[1]), np.int32)
    return _product((left + _ZERO).astype(np.uint8), right.astype(np.int8), room)


def known_answers(
    bound: int,
    multiplied: Callable[[Array, Array], Array] = _multiplied,
    tried: Sequence[tuple[int, int, int]] = TRIED,
    other: int | None = None,
) -> bool:
    """True if products of extreme numbers within the bound, on the right within the other if there is one, are right.

    All left numbers at the bound and all right ones at the bound, of either sign, give the largest sums of pairs that
    there are. Random extremes, random numbers and random large numbers follow.
    """
    rng, bounds = np.random.default_rng(0), (bound, bound if other is None else other)
    for rows, terms, columns in tried:
        shapes = (rows, terms), (terms, columns)
        ends = [(first * bounds[0], second * bounds[1]) for first in (1, -1) for second in (1, -1)]
        signs = [(np.full(shapes[0], first), np.full(shapes[1], second)) for first, second in ends]
        extremes = tuple(rng.choice((-most, most), shape) for most, shape in zip(bounds, shapes, strict=True))
        numbers = tuple(rng.integers(-most, most + 1, shape) for most, shape in zip(bounds, shapes, strict=True))
        # Of one sign, near the bound, and different: sums that need every bit.
        large = tuple(most - rng.integers(0, 2, shape) for most, shape in zip(bounds, shapes, strict=True))
        for left, right in (*signs, extremes, numbers, large):
            # In 64-bit whole numbers, which no library multiplies in another way.
            if not np.array_equal(multiplied(left, right), left.astype(np.int64) @ right.astype(np.int64)):
                return False
    return True


def _product(left: Array, right: Array, out: Array) -> Array:
    """The product of a left operand (with 128 added) and a right one, written to an int32 matrix."""
    session, zero = _session()
    binding = session.io_binding()
    for name, array in (("A", left), ("B", right), ("zero", zero)):
        binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)
    binding.bind_output("Y", "cpu", 0, np.int32, out.shape, out.ctypes.data)
    session.run_with_iobinding(binding)
    return out


@functools.cache
def _session() -> tuple[Any, Array]:
    """A session of the operator, which runs in the thread that calls it, and the number to subtract on the left."""
    # By default onnxruntime counts its users: a number in their home, and reports sent to its makers.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # it takes a moment to import, and may be absent

    options = onnxruntime.SessionOptions()
    # Our own threads share the tiles.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(_model(), options, providers=["CPUExecutionProvider"])
    return session, np.array(_ZERO, dtype=np.uint8)


# The types of tensors in the format ONNX.
_UINT8, _INT8, _INT32 = 2, 3, 6


def _model() -> bytes:
    """The operator as a model in the format ONNX: Y = (A - zero) B, written out as protocol buffers."""
    inputs = (("A", _UINT8, 2), ("B", _INT8, 2), ("zero", _UINT8, 0))
    node = b"".join(_text(1, name) for name, *_ in inputs) + _text(2, "Y") + _text(4, "MatMulInteger")
    graph = _field(1, node) + _text(2, "product")
    graph += b"".join(_field(11, _tensor(*described)) for described in inputs) + _field(12, _tensor("Y", _INT32, 2))
    # Version 8 of the format, and version 13 of its operators.
    return _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))


def _tensor(name: str, kind: int, axes: int) -> bytes:
    """A tensor of one type and so many axes of any length."""
    return _text(1, name) + _field(2, _field(1, _number(1, kind) + _field(2, _field(1, b"") * axes)))


def _number(field: int, value: int) -> bytes:
    return bytes((field << 3, value))


def _text(field: int, value: str) -> bytes:
    return _field(field, value.encode())


def _field(field: int, content: bytes) -> bytes:
    """A field of bytes; its length in groups of 7 bits, the least significant first."""
    length, size = b"", len(content)
    while size > 127:
        length, size = length + bytes((size & 127 | 128,)), size >> 7
    return bytes((field << 3 | 2,)) + length + bytes((size,)) + content
