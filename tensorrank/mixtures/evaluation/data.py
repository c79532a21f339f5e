"""Data of users as arrays: numbers in the shape of a model's variables, and values of categorical variables.

A value that is missing is -1 (categorical variables only), NaN, None, pandas' NA, or masked. This file is the one place
where that is decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import listed, shown, things
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.given_arrays import with_masks
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.separation.partition import SiteNames


class Numbers(NamedTuple):
    """The numbers of some data.

    Attributes:
        array: numbers in numpy's types, NaN where an entry is missing in any other way than by -1.
        whole: whether all entries that are known are of a type of whole numbers.
    """

    array: NDArray[Any]
    whole: bool


def numbers_of(data: ArrayLike, name: str = "the data") -> Numbers:
    """The numbers that a user gave as data, in whatever has an array to give: lists, arrays, tensors, DataFrames.

    Entries that are None, NaN, pandas' NA or masked are missing.

    Raises:
        TensorRankError: if the data makes no array, or an entry is no real number.

    >>> numbers_of(np.ma.array([[0, 1], [2, 3]], mask=[[False, True], [False, False]]))
    Numbers(array=array([[ 0., nan],
           [ 2.,  3.]]), whole=True)
    >>> numbers_of([[0, 1], [2, None]]).array
    array([[ 0.,  1.],
           [ 2., nan]])
    """
    array = with_masks(data, name)
    missing = np.ma.getmask(array)
    array = np.asarray(np.ma.getdata(array))
    if array.dtype == object:
        return _of_objects(array, np.broadcast_to(missing, array.shape), name)
    if array.dtype.kind not in "iufb":
        raise TensorRankError(
            f"entries of type {array.dtype} were given as {name}; expected numbers: number texts 0, 1, 2, "
            "..., and convert others, for example by to_numpy(dtype=float)"
        )
    whole = array.dtype.kind != "f"
    if missing.any():
        array = np.where(missing, np.nan, array)
    return Numbers(array, whole)


def _of_objects(array: NDArray[Any], masked: NDArray[Any], name: str) -> Numbers:
    """The numbers in an array of objects, as floats if any is missing or no whole number."""
    found = np.empty(array.shape, dtype=np.float64)
    whole = True
    for place in np.ndindex(array.shape):
        entry = array[place]
        if masked[place] or _is_missing(entry):
            found[place] = np.nan
            continue
        number = entry.item() if isinstance(entry, np.generic) else entry
        try:
            if not isinstance(number, Real | Decimal):
                raise TypeError
            found[place] = float(number)
        except (TypeError, ValueError, OverflowError):
            where = f" at {place}" if place else ""
            raise TensorRankError(
                f"an entry of {name} is {shown(entry)}{where}; expected numbers that a float64 holds, or "
                "NaN, None or a masked entry where one is missing"
            ) from None
        whole = whole and isinstance(number, Integral)
    if whole and not np.isnan(found).any():
        try:
            return Numbers(array.astype(np.int64), True)
        except OverflowError:  # beyond int64, which no code is
            pass
    return Numbers(found, whole)


def _is_missing(entry: Any) -> bool:
    """Whether an object stands for a value that is missing."""
    if entry is None or entry is np.ma.masked:
        return True
    if isinstance(entry, Decimal):
        return entry.is_nan()
    # By the name of its type, so that pandas need not be installed.
    return type(entry).__name__ == "NAType" and type(entry).__module__.startswith("pandas.")


def values_of(data: ArrayLike, sites: int, names: SiteNames = ()) -> Numbers:
    """The numbers of some data of so many variables, the columns of a DataFrame in the order of the variables.

    Columns that have the numbers of all variables, or their names, stand in any order. Others are taken as they stand
    if no variable has a text for a name, for then no name tells a column from another.

    Raises:
        TensorRankError: as `numbers_of`, and for columns that have other names than variables that have names.
    """
    numbers, columns = numbers_of(data), things(getattr(data, "columns", None))
    if columns is None or numbers.array.ndim != 2:
        return numbers
    for known in (tuple(range(sites)), tuple(names)):
        if len(columns) == len(known) and set(columns) == set(known):
            return Numbers(numbers.array[:, [columns.index(name) for name in known]], numbers.whole)
    if any(isinstance(name, str) for name in names):
        raise _other_columns(columns, names)
    return numbers


def _other_columns(columns: Sequence[Any], names: SiteNames) -> TensorRankError:
    unknown = [column for column in columns if column not in names]
    absent = [name for name in names if name not in columns]
    found = [f"{shown(unknown)}, which name no variable"] if unknown else []
    found += [f"none for {shown(absent)}"] if absent else []
    return TensorRankError(
        f"the data has columns {' and '.join(found) or f'that repeat a name, {shown(list(columns))}'}; expected one for each "
        f"of {listed(names)}, in any order: data.reindex(columns=[...]) leaves others out, and missing what is not there; "
        "data.to_numpy() takes columns as they stand"
    )


def of_variables(array: NDArray[Any], sites: int, features: int | None) -> NDArray[Any]:
    """The data of so many variables as (rows, sites), or as (rows, sites, features) if variables are real.

    Features are None if variables are categorical; data of another shape is refused.
    """
    whole = array[:, :, None] if array.ndim == 2 and features == 1 else array
    if whole.shape[1:] != ((sites,) if features is None else (sites, features)):
        expected = f"(rows, {sites}" + (f", {features})" if features not in (None, 1) else ")")
        below = array.ndim == 1 or array.shape[1:] == (features or 1,)
        hint = "; samples one below the other, as hmmlearn has them, become rows by sequences(data, lengths)" if below else ""
        raise TensorRankError(f"the data has the shape {array.shape}; expected {expected}{hint}")
    return whole


def codes_of(array: NDArray[Any], shape: Sequence[int]) -> Integers:
    """The values of categorical variables, (rows, sites), MISSING where unknown; others than 0 to k - 1 are refused."""
    missing = np.isnan(array)
    with np.errstate(invalid="ignore"):
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
