"""Sequences one below the other, as hmmlearn has them, as the rows that models take, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.given_arrays import with_masks
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.data import numbers_of


def sequences(data: ArrayLike, lengths: Iterable[int] | None = None) -> NDArray[np.generic]:
    """Sequences that stand one below the other, as rows of equal length: hmmlearn's layout of data in ours.

    The rows are for every function that takes data: `log_density`, `posteriors`, `fit` and others. Steps behind the end
    of a shorter sequence are masked, and so are missing: of a chain they are summed out, and change nothing.

    Args:
        data: samples of shape (samples, features), or (samples,) for one feature. Missing values are masked, NaN, None
            or pandas' NA.
        lengths: how many samples each sequence has, in order; one sequence of all samples if None.

    Returns:
        A masked array of shape (sequences, longest), or (sequences, longest, features) for several features.

    Raises:
        TensorRankError: if the data has another shape, or the lengths are no positive whole numbers whose sum is the
            number of samples.

    Source: https://hmmlearn.readthedocs.io, "Working with multiple sequences".

    >>> print(sequences([[0], [1], [2], [0], [1]], lengths=[3, 2]))
    [[0 1 2]
     [0 1 --]]
    """
    numbers = numbers_of(data)
    samples = numbers.array
    if samples.ndim == 1:
        samples = samples[:, None]
    if samples.ndim != 2 or not samples.size:
        raise TensorRankError(
            f"the data has the shape {samples.shape}; expected (samples, features), none of them 0: sequences one below the "
            "other. Rows that are sequences need no lengths"
        )
    given = [len(samples)] if lengths is None else _checked(lengths, len(samples))
    features, rows, longest = samples.shape[1], len(given), max(given)
    refuse_beyond(
        memory_limit(None), 16 * rows * longest * features, f"{rows} rows of {longest} steps", "sequences of similar lengths"
    )
    kind = np.dtype(np.int64) if numbers.whole else samples.dtype
    values = np.zeros((rows, longest, features), dtype=kind)
    missing = np.ones(values.shape, dtype=bool)
    # The places of the samples, row by row, are as many as there are samples.
    places = np.arange(longest) < np.array(given)[:, None]
    absent = np.isnan(samples)
    values[places] = np.where(absent, 0, samples).astype(kind)
    missing[places] = absent
    found = np.ma.MaskedArray(values, missing)
    return found[:, :, 0] if features == 1 else found


def samples(rows: ArrayLike, lengths: Iterable[int]) -> Array:
    """Results of sequences, a row for each, as samples one below the other: our layout in hmmlearn's.

    What lies behind the end of a sequence is left out: `samples(sequences(data, lengths), lengths)` is the data again.

    Args:
        rows: an array of shape (sequences, longest, ...), such as the `states` that `viterbi` finds.
        lengths: how many samples each sequence has, in order.

    Returns:
        An array of shape (samples, ...): for each sequence its steps, in the order of the sequences.

    Raises:
        TensorRankError: if the array has no row for each sequence, or fewer steps than the longest one.

    Source: https://hmmlearn.readthedocs.io, "Working with multiple sequences".

    >>> samples([[0, 0, 1], [1, -1, -1]], lengths=[3, 1])
    array([0, 0, 1, 1])
    """
    array, given = with_masks(rows, "the rows"), _whole(lengths)
    if array.ndim < 2 or len(array) != len(given) or array.shape[1] < max(given):
        raise TensorRankError(
            f"an array of the shape {array.shape} was given; expected (sequences, steps, ...): a row for each of the "
            f"{len(given)} lengths, of at least {max(given)} steps"
        )
    found: Array = array[np.arange(array.shape[1]) < np.array(given)[:, None]]
    return found


def _checked(lengths: Iterable[int], samples: int) -> list[int]:
    found = _whole(lengths)
    if sum(found) != samples:
        raise TensorRankError(
            f"the lengths sum to {sum(found)}, and there are {samples} samples; expected as many: a length for each sequence, "
            "of samples one below the other"
        )
    return found


def _whole(lengths: Iterable[int]) -> list[int]:
    several = None if isinstance(lengths, Mapping) else things(lengths)
    if not several:
        raise TensorRankError(f"lengths are {shown(lengths)}; expected a list of whole numbers, such as [300, 400]")
    return [whole_number("a length", one, 1) for one in several]
