"""What rounding leaves of an exact rank: the numerical rank of floats, beside the exact one.

Floats are numbers like any others, and their separation rank is computed exactly. Yet the last digit of a float is
mostly an error of rounding, and such errors have full rank: a tensor train that was computed from a function of rank 2
may well have rank 4. So where an architecture is given floats, the singular values across the cut are looked at, too.
Those at the level of rounding may not be the user's. They may be, too, if small entries are meant as they are, as in
diag(1, 1e-20); so a result says how many there are, and leaves the exact rank as it is.

An architecture gives a `FloatMatrix` (`Architecture.in_floats`). It costs a small share of the exact rank, since it is
either compressed to the cut or a small sample. The level of rounding is measured: all floats are changed in their last
place at random, and the singular values move by as much as rounding has moved them before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isqrt, prod
from typing import Any

import numpy as np

from tensorrank.arguments import as_float
from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.spectrum import rank_of_spectrum, rounding_of, singular_values, step_of
from tensorrank.given_records import field_values
from tensorrank.records import Record

Shake = Callable[[Array], Array]

# A share of the operations of the exact rank may go into floats, and so many operations in any case.
_SHARE, _FREE_WORK = 0.1, 1e8
# A random change moves large singular values less than it lifts those that should be zero, but hardly so many times.
_MARGIN = 64.0
# Values below this one may have lost digits on their way.
_LOST = 1e-280
# A sample of floats has a few more inputs a side than the exact rank; beyond the most, it is small and can only show a
# numerical rank far below the exact one.
_MORE, _MOST_SAMPLES, _SMALL_SAMPLE = 8, 512, 128
# Floats up to this one that are whole numbers have not been rounded.
_LARGEST_WHOLE = 2.0**53


@dataclass(frozen=True)
class RoundedRank(Record):
    """The numerical rank of floats whose exact rank is larger: some singular values are at the level of rounding.

    Attributes:
        value: the number of singular values across the cut that are above the tolerance.
        tolerance: the level of rounding, relative to the largest singular value.
        samples: the rows and columns of the sample that it was read off; None for all inputs.

    >>> print(RoundedRank(2, 1.8e-14))
    numerical rank 2 at relative tolerance 1.8e-14
    """

    value: int
    tolerance: float
    samples: tuple[int, int] | None = None

    def __str__(self) -> str:
        where = "" if self.samples is None else f", in a sample of {self.samples[0]} x {self.samples[1]}"
        return f"numerical rank {self.value} at relative tolerance {self.tolerance:.2g}{where}"

    @property
    def sentence(self) -> str:
        """What a result says of it, in a sentence."""
        return f"of the floats given, some singular values across the cut are at the level of rounding: {self}"

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RoundedRank:
        """Read what `to_dict` described.

        Raises:
            TensorRankError: if names are missing or unknown, or a value is of another type.
        """
        return cls(**field_values(cls, values, "a numerical rank"))


@dataclass(frozen=True, eq=False)
class FloatMatrix:
    """A matrix of floats whose singular values tell how much of an exact rank is rounding.

    Attributes:
        values: the matrix. If it is whole, its singular values are those of all values of the function; otherwise it is
            a sample of them, with rows and columns scaled.
        epsilon: the relative rounding error of the floats that were given.
        errors: how many such errors may add up.
        whole: whether it is no mere sample.
    """

    values: Floats
    epsilon: float
    errors: float
    whole: bool


def measured(
    evaluate: Callable[[Shake], Floats | None],
    epsilon: float,
    rank: int,
    *,
    whole: bool,
    tries: int = 1,
    values: Floats | None = None,
) -> FloatMatrix | None:
    """A matrix of floats with the level of its rounding; None where the floats tell nothing.

    They tell nothing if there is no matrix, if it holds numbers beyond floats, or ones so small that their digits are
    lost, and if as many singular values as the exact rank are far above rounding.

    Args:
        evaluate: gives the matrix, after every array of floats has passed through the function given.
        epsilon: the relative rounding error of the floats.
        rank: the exact rank.
        whole: whether the matrix has the singular values of all values.
        tries: how often the floats are changed.
        values: the matrix, if it is known already.

    >>> found = measured(lambda shake: shake(np.diag([1 / 3, 1e-17])), 2.0**-52, rank=2, whole=True)
    >>> 2 <= found.errors <= 64
    True
    >>> measured(lambda shake: shake(np.eye(3) / 3), 2.0**-52, rank=3, whole=True) is None
    True
    """
    rng = np.random.default_rng(0)
    values = evaluate(lambda array: array) if values is None else values
    if values is None or not values.size or not np.isfinite(values).all():
        return None
    largest = np.abs(values).max(axis=None if whole else 1)
    if (largest < _LOST).any():
        return None
    values = values if whole else _balanced(values)
    spectrum = singular_values(values)
    if len(spectrum) >= rank and spectrum[rank - 1] > epsilon**0.5 * spectrum[0]:
        return None
    moved = 0.0
    for _ in range(tries):
        shaken = evaluate(lambda array: array * (1 + epsilon * rng.uniform(-1, 1, array.shape)) if _rounded(array) else array)
        if shaken is None or not np.isfinite(shaken).all():
            return None
        change = singular_values(shaken if whole else _balanced(shaken)) - spectrum
        moved = max(moved, float(np.abs(change).max()))
    errors = max(max(values.shape), _MARGIN * moved / (epsilon * float(spectrum[0])))
    return FloatMatrix(values, epsilon, errors, whole)


def allowance(work: float) -> float:
    """The operations that may go into floats beside an exact rank that takes so many.

    >>> allowance(1e12)
    100000000000.0
    """
    return max(_FREE_WORK, _SHARE * work)


def sample_size(work: float, value_work: float, rank: int) -> int:
    """How many inputs of a side to sample, for an exact rank and so many operations a value.

    >>> sample_size(1e8, 1e3, 20), sample_size(1e8, 1e6, 20), sample_size(1e12, 1, 10**6)
    (28, 10, 128)
    """
    wanted = rank + _MORE if rank + _MORE <= _MOST_SAMPLES else _SMALL_SAMPLE
    return int(max(1, min(wanted, isqrt(int(work / value_work)))))


def rounded_rank(found: FloatMatrix | None, rank: int) -> RoundedRank | None:
    """The numerical rank of a matrix of floats, if it is below the exact rank; None if the floats tell nothing.

    >>> rounding_errors = np.diag([1.0, 0.5, 1e-17])
    >>> print(rounded_rank(FloatMatrix(rounding_errors, 2.0**-52, 3, whole=True), rank=3))
    numerical rank 2 at relative tolerance 6.7e-16
    """
    if found is None:
        return None
    values = found.values
    numerical = rank_of_spectrum(singular_values(values), found.epsilon, found.errors)
    # A sample smaller than the exact rank tells something only if it shows much less than it could.
    telling = found.whole or rank <= min(values.shape) or 2 * numerical.value <= min(values.shape)
    if not 0 < numerical.value < rank or not telling:
        return None
    samples = None if found.whole else (values.shape[0], values.shape[1])
    return RoundedRank(numerical.value, found.errors * found.epsilon, samples)


def rounding_in(arrays: Iterable[Array]) -> float | None:
    """The relative rounding error of the coarsest floats among some arrays; None where nothing was rounded.

    Whole numbers are not rounded, of whatever type they are. The error is relative to the largest entry of the array.
    For numbers below the normal ones of their type, it is that of the smallest number of the type.

    >>> rounding_in([np.array([1, 2]), np.array([1.0, 2.0])]) is None
    True
    >>> rounding_in([np.array([0.5]), np.array([0.5], dtype=np.float32)])
    1.1920928955078125e-07
    """
    return max((_rounding(array) for array in arrays if _rounded(array)), default=None)


def vectors(shape: Sequence[int], sites: Sequence[int], most: int, rng: np.random.Generator) -> tuple[list[Floats], bool]:
    """Inputs of some sites of a multilinear function, an array (count, dimension) for each site; and whether all.

    All unit vectors, where they are no more than `most`: their values are all entries of the function's tensor.
    Otherwise there are `most` random vectors of length 1.

    >>> unit, whole = vectors((2, 2), (0, 1), most=4, rng=np.random.default_rng(0))
    >>> [len(one) for one in unit], whole
    ([4, 4], True)
    """
    dimensions = [shape[site] for site in sites]
    if prod(dimensions) <= most:
        numbers = np.array(list(product(*map(range, dimensions))))
        return [np.eye(size)[numbers[:, place]] for place, size in enumerate(dimensions)], True
    random = [rng.standard_normal((most, size)) for size in dimensions]
    return [one / np.linalg.norm(one, axis=1, keepdims=True) for one in random], False


def _rounding(array: Array) -> float:
    if array.dtype.kind in "fc":
        dtype, largest = array.real.dtype, float(np.abs(array).max())
    else:
        dtype, largest = np.dtype(float), max(abs(as_float(entry)) for entry in array.flat)
    # Numbers of more than 64 bits may be below all floats.
    return max(rounding_of(dtype), step_of(dtype) / max(largest, step_of(dtype)))


def _rounded(array: Array) -> bool:
    if array.dtype.kind == "O":
        return any(isinstance(entry, float) and not entry.is_integer() for entry in array.flat)
    if array.dtype.kind == "c":
        return _rounded(array.real) or _rounded(array.imag)
    if array.dtype.kind != "f":
        return False
    # The largest whole number is beyond all floats of 16 bits, which have no fractions above 2^10.
    large = np.abs(array) > _LARGEST_WHOLE if array.dtype.itemsize > 2 else np.False_
    return bool(((array != np.rint(array)) | large).any())


def _balanced(values: Floats) -> Floats:
    """The matrix with rows, then columns, of length 1: inputs at which the function is small count like others."""
    for axis in (1, 0):
        largest = np.abs(values).max(axis=axis, keepdims=True)
        values = values / np.where(largest > 0, largest, 1.0)
        length = np.linalg.norm(values, axis=axis, keepdims=True)
        values = values / np.where(length > 0, length, 1.0)
    return values
