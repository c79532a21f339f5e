"""Entries of tensors: real numbers, kept exactly as users give them and never changed."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.errors import TensorRankError

Entries = NDArray[np.generic]

# Random whole numbers lie within this of 0: small enough to read, and enough of them that degenerate draws are rare.
_LARGEST_RANDOM = 999


def real_entries(given: ArrayLike, what: str) -> Entries:
    """A read-only copy of an array of whole numbers, fractions or floats, with entries as they are given in lists.

    >>> real_entries([[1, 2], [3, 4]], "the matrix").flags.writeable
    False
    """
    array = as_given(given, what).copy()
    if array.dtype.kind not in "iubfO":
        raise TensorRankError(f"{what} holds entries of type {array.dtype}; expected whole numbers, fractions or floats")
    if not array.size:
        raise TensorRankError(f"{what} has the shape {array.shape}, without entries; expected dimensions of at least 1")
    array.setflags(write=False)
    return array


def random_entries(shape: tuple[int, ...], rng: np.random.Generator) -> Entries:
    """An array of uniformly random whole numbers from -999 to 999."""
    return rng.integers(-_LARGEST_RANDOM, _LARGEST_RANDOM + 1, shape)
