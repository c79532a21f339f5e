"""Data of users as arrays: numbers in the shape of a model's variables, and values of categorical variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.arrays import Integers
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.inference import MISSING


def numbers_of(data: ArrayLike) -> NDArray[Any]:
    """The data as an array of numbers; rows of unequal length and texts are refused."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise TensorRankError(f"the data is no array ({error}); expected rows of equal length") from error
    if array.dtype.kind not in "iufb":
        raise TensorRankError(
            f"the data is of type {array.dtype}; expected numbers: number texts 0, 1, 2, ..., and convert others, for "
            "example by to_numpy(dtype=float)"
        )
    return array


def of_variables(array: NDArray[Any], sites: int, features: int | None) -> NDArray[Any]:
    """The data of so many variables as (rows, sites), or as (rows, sites, features) if variables are real.

    Features are None if variables are categorical; data of another shape is refused.
    """
    whole = array[:, :, None] if array.ndim == 2 and features == 1 else array
    if whole.shape[1:] != ((sites,) if features is None else (sites, features)):
        expected = f"(rows, {sites}" + (f", {features})" if features not in (None, 1) else ")")
        raise TensorRankError(f"the data has the shape {array.shape}; expected {expected}")
    return whole


def codes_of(array: NDArray[Any], shape: Sequence[int]) -> Integers:
    """The values of categorical variables, (rows, sites), MISSING where unknown; others than 0 to k - 1 are refused."""
    with np.errstate(invalid="ignore"):
        missing = np.isnan(array)
        codes = np.where(missing, MISSING, array).astype(np.int64)
    odd = (codes != array) & ~missing | (codes < MISSING) | (codes >= np.array(shape))
    if odd.any():
        row, site = (int(i) for i in np.argwhere(odd)[0])
        raise TensorRankError(
            f"row {row} of the data has {array[row, site]} for variable {site}; expected a whole number from 0"
            + (f" to {shape[site] - 1}" if array[row, site] > 0 else " on")
            + f", or {MISSING} or NaN where it is missing"
        )
    return codes
