"""Sequences one below the other, as hmmlearn has them, as the rows that models take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, things, whole_number
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


def _checked(lengths: Iterable[int], samples: int) -> list[int]:
    several = None if isinstance(lengths, Mapping) else things(lengths)
    if not several:
        raise TensorRankError(f"lengths are {shown(lengths)}; expected a list of whole numbers, such as [300, 400]")
    found = [whole_number("a length", one, 1) for one in several]
    if sum(found) != samples:
        raise TensorRankError(
            f"the lengths sum to {sum(found)}, and there are {samples} samples; expected as many: a length for each sequence, "
            "of samples one below the other"
        )
    return found
