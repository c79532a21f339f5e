"""Entries of tensors: real or complex numbers, kept exactly as users give them and never changed."""

from __future__ import annotations

import math
from fractions import Fraction
from numbers import Rational

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import as_float, shown
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.errors import TensorRankError

Entries = NDArray[np.generic]

# Random whole numbers lie within this of 0: small enough to read, and enough of them that degenerate draws are rare.
_LARGEST_RANDOM = 999


def given_entries(given: ArrayLike, what: str) -> Entries:
    """A read-only copy of an array of whole numbers, fractions or floats, real or complex, as they are given in lists.

    Beside a complex entry, whole numbers and fractions are taken if a float holds them.

    >>> given_entries([[1, 2], [3, 4]], "the matrix").flags.writeable
    False
    """
    array = as_given(given, what).copy()
    if array.dtype.kind == "c" and not hasattr(given, "dtype"):
        # What numpy has made complex may have been rounded.
        array = np.asarray(given, dtype=object)
    if array.dtype.kind not in "iubfcO":
        raise TensorRankError(f"{what} holds entries of type {array.dtype}; expected whole numbers, fractions or floats")
    if array.dtype == object and any(isinstance(entry, complex | np.complexfloating) for entry in array.flat):
        array = _complex(array, what)
    if not array.size:
        raise TensorRankError(f"{what} has the shape {array.shape}, without entries; expected dimensions of at least 1")
    array.setflags(write=False)
    return array


def _complex(array: Entries, what: str) -> Entries:
    for entry in array.flat:
        real = as_float(entry)
        if isinstance(entry, complex | np.complexfloating) or (isinstance(entry, float) and math.isnan(entry)):
            continue
        if math.isnan(real) or (isinstance(entry, Rational) and Fraction(entry) != real):
            raise TensorRankError(f"{what} holds {shown(entry)} beside complex entries; expected floats, or what they hold")
    return array.astype(np.complex128)


def random_entries(shape: tuple[int, ...], rng: np.random.Generator) -> Entries:
    """An array of uniformly random whole numbers from -999 to 999."""
    return rng.integers(-_LARGEST_RANDOM, _LARGEST_RANDOM + 1, shape)
