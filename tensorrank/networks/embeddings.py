"""Embeddings of data: each value of a variable becomes a vector, so that a sample is a product of vectors.

Samples come as a table of numbers, a row for each; the vectors of a variable come as one array for each variable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import one_of
from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.given_arrays import as_floats, as_given
from tensorrank.errors import TensorRankError

Embedding: TypeAlias = Literal["one-hot", "angle", "moments", "vectors"]

# Floats from here on may stand for several whole numbers.
_LARGEST_WHOLE = 2.0**53


def checked_samples(given: ArrayLike, embedding: Embedding) -> Array:
    """A read-only copy of the samples that a user gave, if the embedding takes them.

    Samples are a table (samples, variables) of numbers, or (samples, variables, dimension) where they are vectors.

    Raises:
        TensorRankError: if they are no such table, a number is missing, or one does not suit the embedding.

    >>> checked_samples([[0.0, 1.0]], "one-hot")
    array([[0, 1]])
    """
    one_of("embedding", embedding, list(_EMBEDDINGS))
    samples = _numbers(given, "the samples")
    axes = 3 if embedding == "vectors" else 2
    if samples.ndim != axes or not samples.size or samples.shape[1] < 2:
        expected = "(samples, variables, dimension)" if axes == 3 else "(samples, variables)"
        raise TensorRankError(
            f"the samples have the shape {samples.shape}; expected {expected} with at least one sample and two variables"
            + ("" if axes == 3 or samples.ndim != 3 else ': samples that are vectors already go with embedding="vectors"')
        )
    if embedding in _CHECKS:
        samples = _CHECKS[embedding](samples)
    samples.setflags(write=False)
    return samples


def checked_labels(given: ArrayLike | None, samples: int) -> Array:
    """A read-only array of the labels that a user gave, a number for each sample; ones if none were given.

    Raises:
        TensorRankError: if they are no numbers, or more or fewer than samples.

    >>> checked_labels([1.0, -1.0], 2)
    array([ 1, -1])
    """
    labels = np.ones(samples, dtype=np.int64) if given is None else _numbers(given, "the labels")
    if labels.shape != (samples,):
        raise TensorRankError(f"the labels have the shape {labels.shape}; expected ({samples},), a number for each sample")
    if labels.dtype.kind == "f" and _are_whole(labels):
        labels = labels.astype(np.int64)
    labels.setflags(write=False)
    return labels


def codes_of(samples: Array) -> Integers:
    """The number of each value among the different ones of its variable, (samples, variables)."""
    columns = [_numbered(samples[:, variable]) for variable in range(samples.shape[1])]
    return np.stack(columns, axis=1)


def vectors_of(samples: Array, embedding: Embedding) -> list[Array]:
    """The vectors of every variable, an array (samples, dimension) for each.

    >>> [one.tolist() for one in vectors_of(np.array([[0, 3], [2, 3]]), "one-hot")]
    [[[1, 0], [0, 1]], [[1], [1]]]
    """
    embed = _EMBEDDINGS[embedding]
    return [embed(samples[:, variable]) for variable in range(samples.shape[1])]


def _numbers(given: ArrayLike, what: str) -> Array:
    """A copy of an array of finite real numbers; texts, missing entries and what makes no array are refused."""
    array = np.array(as_given(given, what))
    if array.dtype.kind == "b":
        return array.astype(np.int64)
    floats = as_floats(array, what, finite=True)
    if array.dtype == object and np.array_equal(floats.astype(object), array):
        return floats
    return array


def _are_whole(array: Array) -> bool:
    return bool(((np.trunc(array) == array) & (np.abs(array) < _LARGEST_WHOLE)).all())


def _categories(samples: Array) -> Array:
    if samples.dtype.kind not in "iu":
        floats = samples.astype(np.float64)
        if not _are_whole(floats):
            place = tuple(np.argwhere((np.trunc(floats) != floats) | (np.abs(floats) >= _LARGEST_WHOLE))[0].tolist())
            raise TensorRankError(
                f"the entry {place} of the samples is {floats[place]}; expected whole numbers below 2^53, for categories: "
                'for real numbers, give embedding="angle" or "moments", or sort them into classes with numpy.digitize'
            )
        return floats.astype(np.int64)
    return samples


def _shares(samples: Array) -> Array:
    low, high = samples.min(), samples.max()
    if low < 0 or high > 1:
        raise TensorRankError(
            f"the samples are numbers from {low} to {high}; expected numbers from 0 to 1 for angles: divide them by the largest"
        )
    return samples.astype(np.float64)


def _numbered(values: Array) -> Integers:
    if values.ndim == 2 and values.dtype == object:
        known: dict[tuple[Any, ...], int] = {}
        return np.array([known.setdefault(tuple(one), len(known)) for one in values.tolist()], dtype=np.int64)
    return np.unique(values, axis=0, return_inverse=True)[1].reshape(len(values)).astype(np.int64)


def _one_hot(values: Array) -> Array:
    codes = _numbered(values)
    return np.eye(int(codes.max()) + 1, dtype=np.int64)[codes]


def _angle(values: Array) -> Array:
    return np.stack([np.cos(np.pi / 2 * values), np.sin(np.pi / 2 * values)], axis=1)


def _moments(values: Array) -> Array:
    return np.stack([np.ones_like(values), values], axis=1)


_CHECKS: Mapping[str, Callable[[Array], Array]] = {"one-hot": _categories, "angle": _shares}
_EMBEDDINGS: Mapping[Embedding, Callable[[Array], Array]] = {
    "one-hot": _one_hot,
    "angle": _angle,
    "moments": _moments,
    "vectors": lambda values: values,
}
