"""The one engine of contraction, in float64 and over GF(p), of pairs of operands.

`expression` chooses the order of the pairs. An operand holds float64 numbers. Over GF(p) these are balanced residues:
a float64 sums many of their products exactly (`PrimeField.terms`), and every sum is reduced before the next pair takes
it. A pair becomes matrix products. Where these would be tiny and many, it becomes products and sums of whole planes of
entries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.prime_field import FEWEST_TERMS, SPLIT_BIT, PrimeField, Residues
from tensorrank.errors import TensorRankError
from tensorrank.networks import contraction_kernels as kernels

# Legs are told apart by their names.
Legs = Sequence[Any]
Sizes = Mapping[Any, int]

# Nanoseconds on 2020s hardware: a call of BLAS within a stack, a product and sum inside BLAS, moving an entry to where
# BLAS wants it, and a product and sum in a plane. Only their ratios matter, and these not much.
_BLAS_CALL, _BLAS_TERM, _MOVE, _PASS = 400.0, 0.1, 1.5, 0.3
# Planes are taken only where the sum over them has no more terms than every field can hold.
_MOST_PLANES = FEWEST_TERMS


@dataclass(frozen=True, eq=False)
class Operand:
    """An array with its arithmetic: real or complex numbers, or balanced residues of GF(p).

    Attributes:
        values: float64, or complex128 where entries are complex, of any shape; over GF(p) whole numbers of at most p/2
            in absolute value.
        field: GF(p), or None for the real and complex numbers.

    >>> Operand.of([[1, 2], [3, 4]], PrimeField(5)).values
    array([[ 1.,  2.], [-2., -1.]])
    """

    values: Floats
    field: PrimeField | None

    @classmethod
    def of(cls, numbers: ArrayLike, field: PrimeField | None) -> Operand:
        """The operand made of numbers: of their values in double precision, or of their exact images in GF(p)."""
        array = as_given(numbers)
        if field is not None:
            return cls(field.balanced(field.image(array)), field)
        if array.dtype.kind not in "iubfcO":
            raise TensorRankError(f"an array of {array.dtype} was given; expected whole numbers, fractions or floats")
        try:
            # Complex numbers go the ways of real ones, but for the compiled loops.
            floats = cast(Floats, np.asarray(array, dtype=np.complex128 if array.dtype.kind == "c" else np.float64))
        except (TypeError, ValueError, OverflowError) as error:
            raise TensorRankError(f"an entry has no float64 value ({error}); give a field for exact numbers") from error
        if not np.isfinite(floats).all():
            raise TensorRankError("an entry is infinite or not a number; expected finite numbers")
        return cls(floats, field)

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions of its legs."""
        return self.values.shape

    def result(self) -> Floats | Residues:
        """The values as they are given to users: float64, or int64 residues in 0..p-1."""
        if self.field is None:
            return self.values
        residues = np.empty(self.shape, dtype=np.int64)
        kernels.to_residues(self.values.ravel(), self.field.prime, residues.reshape(-1))
        return residues


def contracted(operands: Sequence[Operand], legs: Sequence[Legs], output: Legs) -> Operand:
    """The sum of the product of one or two operands over all legs that are not in the output, as in numpy.einsum.

    >>> field = PrimeField(5)
    >>> pair = Operand.of([[1, 2], [3, 4]], field), Operand.of([3, 3], field)
    >>> contracted(pair, [("i", "j"), ("j",)], ("i",)).result()
    array([4, 1])
    """
    if len(operands) == 2:
        return _pair(operands[0], legs[0], operands[1], legs[1], output)
    # A sum over legs is a contraction with the number one: the same code keeps it exact.
    field = operands[0].field
    missing = [leg for leg in legs[0] if leg not in output]
    if not missing:
        return Operand(_ordered(operands[0].values, legs[0], output), field)
    ones = np.ones([operands[0].shape[legs[0].index(leg)] for leg in missing])
    return _pair(operands[0], legs[0], Operand(ones, field), missing, output)


def einsum(subscripts: str, *operands: Operand) -> Operand:
    """The contraction of one or two operands by Einstein's convention with an explicit output, as in numpy.einsum.

    >>> einsum("ij->j", Operand.of([[1, 2], [3, 4]], PrimeField(5))).result()
    array([4, 1])
    """
    inputs, output = subscripts.split("->")
    return contracted(operands, inputs.split(","), output)


def _pair(left: Operand, left_legs: Legs, right: Operand, right_legs: Legs, output: Legs) -> Operand:
    """The contraction of two operands: of the legs in both, those in the output are matched and the others summed.

    Legs in one operand only belong to the output; `TensorNetwork` has no others.
    """
    if left.values.size < right.values.size:
        left, left_legs, right, right_legs = right, right_legs, left, left_legs
    pair = _Pair(left, left_legs, right, right_legs, output)
    is_complex = np.iscomplexobj(left.values) or np.iscomplexobj(right.values)
    values, legs = pair.by_planes() if not is_complex and _planes_are_faster(*pair.counts) else pair.by_products()
    return Operand(_ordered(values.reshape([pair.sizes[leg] for leg in legs]), legs, output), left.field)


class _Pair:
    """Two operands and their legs: matched and kept (batch), summed (inner), of the left one only, of the right one."""

    def __init__(self, left: Operand, left_legs: Legs, right: Operand, right_legs: Legs, output: Legs) -> None:
        self.left, self.left_legs, self.right, self.right_legs = left, left_legs, right, right_legs
        sizes = dict(zip(left_legs, left.shape, strict=True)) | dict(zip(right_legs, right.shape, strict=True))
        self.inner = [leg for leg in left_legs if leg in right_legs and leg not in output]
        self.batch = [leg for leg in left_legs if leg in right_legs and leg in output]
        # Long legs last: a later step then runs along them.
        self.rows = sorted((leg for leg in left_legs if leg not in right_legs), key=sizes.__getitem__)
        self.columns = sorted((leg for leg in right_legs if leg not in left_legs), key=sizes.__getitem__)
        self.sizes, self.counts = sizes, _counts(sizes, self.batch, self.inner, self.rows, self.columns)

    def by_products(self) -> tuple[Floats, Legs]:
        """The result by a stack of matrix products, one for each value of the batch legs; and its legs."""
        stack, terms, height, width = self.counts
        a = _ordered(self.left.values, self.left_legs, [*self.batch, *self.rows, *self.inner])
        b = _ordered(self.right.values, self.right_legs, [*self.batch, *self.inner, *self.columns])
        a, b = _for_blas(a.reshape(stack, height, terms)), _for_blas(b.reshape(stack, terms, width))
        return _product(a, b, self.left.field), [*self.batch, *self.rows, *self.columns]

    def by_planes(self) -> tuple[Floats, Legs]:
        """The result by planes, and its legs: a plane of the left operand times a factor, or times factors.

        There is a plane for each value of the inner and of the column legs.
        """
        # Planes keep their order in memory, so that long legs stay last through a chain of contractions. Their lines
        # run along the last legs of one kind: all matched with the right operand, or none.
        plane = sorted([*self.batch, *self.rows], key=lambda leg: -self.left.values.strides[self.left_legs.index(leg)])
        end = len(plane)
        while end and (plane[end - 1] in self.batch) == (plane[-1] in self.batch):
            end -= 1
        sizes = self.sizes
        terms, lines, length, width = _counts(sizes, self.inner, plane[:end], plane[end:], self.columns)
        a = _ordered(self.left.values, self.left_legs, [*self.inner, *plane]).reshape(terms, lines, length)
        matched = [leg for leg in plane if leg in self.batch]
        b = _ordered(self.right.values, self.right_legs, [*self.inner, *self.columns, *matched])
        across, along = ([sizes[leg] if leg in matched else 1 for leg in legs] for legs in (plane[:end], plane[end:]))
        b = b.reshape(terms, width, *across, prod(along))
        if prod(across) > 1:
            b = np.broadcast_to(b, (terms, width, *(sizes[leg] for leg in plane[:end]), prod(along)))
        b = b.reshape(terms, width, -1, prod(along))
        values = _sum_of_planes(np.ascontiguousarray(a), np.ascontiguousarray(b), self.left.field)
        return values, [*self.columns, *plane]


def _counts(sizes: Sizes, *groups: Legs) -> tuple[int, ...]:
    return tuple(prod([sizes[leg] for leg in legs]) for legs in groups)


def _ordered(values: Floats, legs: Legs, order: Legs) -> Floats:
    return values.transpose([legs.index(leg) for leg in order])


def _for_blas(stack: Floats) -> Floats:
    """The stack, copied only if BLAS can read its matrices neither by rows nor by columns."""
    return stack if stack.itemsize in stack.strides[-2:] else np.ascontiguousarray(stack)


def _planes_are_faster(batch: int, inner: int, rows: int, columns: int) -> bool:
    """True if a loop over the inner and column legs is faster than a stack of matrix products, by these counts."""
    if inner > _MOST_PLANES or batch == 1:
        return False
    results = batch * rows * columns
    planes = _PASS * results * (inner + 1)
    return planes < _BLAS_CALL * batch + _BLAS_TERM * results * inner + _MOVE * (batch * rows * inner + results)


def _sum_of_planes(a: Floats, b: Floats, field: PrimeField | None) -> Floats:
    """The sum over inner of planes a (inner, lines, length) times b (inner, columns, lines or 1, length or 1).

    The result has the shape (columns, lines, length).
    """

    def planes(factors: Floats, prime: float) -> Floats:
        total = np.empty((b.shape[1], *a.shape[1:]))
        kernels.sum_of_planes(a, factors, prime, total)
        return total

    if field is None or not field.splits:
        return planes(b, 0.0 if field is None else float(field.prime))
    high, low = _halves(b)
    return _joined(planes(high, 0.0), planes(low, 0.0), field)


def _product(a: Floats, b: Floats, field: PrimeField | None) -> Floats:
    """The stack of matrix products a b; over GF(p) as many terms are summed at a time as a float64 holds."""
    if field is None:
        return np.asarray(np.matmul(a, b))
    if not field.splits:
        return _reduced(_exact_product(a, b, field), field)
    high, low = _halves(b)
    return _joined(_exact_product(a, high, field), _exact_product(a, low, field), field)


def _exact_product(a: Floats, b: Floats, field: PrimeField) -> Floats:
    """The product up to multiples of p, in whole numbers below 2**53; one factor is a half if the field splits."""
    step, inner = field.terms, a.shape[-1]
    total: Floats = np.matmul(a[..., :step], b[..., :step, :])
    for start in range(step, inner, step):
        _reduced(total, field)
        total += _reduced(np.matmul(a[..., start : start + step], b[..., start : start + step, :]), field)
    return total


def _joined(high: Floats, low: Floats, field: PrimeField) -> Floats:
    """The balanced residues of high * 2**SPLIT_BIT + low, written over high."""
    kernels.join_halves(high.reshape(-1), low.reshape(-1), 2.0**SPLIT_BIT, float(field.prime))
    return high


def _halves(values: Floats) -> tuple[Floats, Floats]:
    """The high and low halves of values: values = high * 2**SPLIT_BIT + low."""
    high = np.rint(values / 2.0**SPLIT_BIT)
    return high, values - high * 2.0**SPLIT_BIT


def _reduced(values: Floats, field: PrimeField) -> Floats:
    """The values reduced to balanced residues, in place."""
    kernels.reduce_line(values.reshape(-1), float(field.prime))
    return values
