"""Data as a fit takes it: checked, with a weight for each row, and with equal rows merged into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import one_of, shown, things, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.evaluation.data import Numbers, codes_of, numbers_of, of_variables, values_of
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.fitting.options import LARGEST
from tensorrank.mixtures.fitting.warned import UnusedValue, warn
from tensorrank.separation.partition import SiteNames

# Probabilities below 1e-80 become 0, and a row that counts this much less than another is learnt to be no likelier.
_LEAST_SHARE = 1e-60

KINDS = ("categorical", "gaussian")


@dataclass(frozen=True, eq=False)
class Observations:
    """Rows of values.

    Attributes:
        codes: values of categorical variables, (rows, sites), MISSING where unknown; without columns for real ones.
        values: real values, (rows, sites, features), NaN where unknown; None for categorical variables.
        weights: how often each row counts.
        shape: the number of values of each variable if they are categorical, else a 0 for each.
        numbers: for each row the number that it has in the data, of equal rows the first one's.
        given: how many rows the data had.
    """

    codes: Integers
    values: Floats | None
    weights: Floats
    shape: tuple[int, ...]
    numbers: Integers
    given: int

    @property
    def rows(self) -> int:
        """How many different rows there are."""
        return len(self.weights)

    @property
    def sites(self) -> int:
        """The number of variables."""
        return len(self.shape)

    @property
    def features(self) -> int:
        """How many real numbers a variable takes; 0 for categorical variables."""
        return 0 if self.values is None else int(self.values.shape[2])

    @property
    def total(self) -> float:
        """The weight of all rows: their number, if none is given."""
        return float(self.weights.sum())

    @property
    def real(self) -> Floats:
        """The values of variables that are real."""
        if self.values is None:
            raise AssertionError("categorical variables have no real values")
        return self.values

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which variables are known in each row, at least in part, (rows, sites)."""
        return np.asarray(self.codes != MISSING if self.values is None else ~np.isnan(self.values).all(axis=2))

    def part(self, rows: slice | Integers) -> Observations:
        """Some of the rows."""
        values = None if self.values is None else self.values[rows]
        return replace(self, codes=self.codes[rows], values=values, weights=self.weights[rows], numbers=self.numbers[rows])


def observations(
    data: ArrayLike,
    *,
    densities: str | None = None,
    symbols: int | Sequence[int] | None = None,
    weights: ArrayLike | None = None,
) -> Observations:
    """The data, checked, as variables of one kind.

    Data is of shape (rows, sites), or (rows, sites, features) for real variables of several features. Missing values
    are -1 (in categorical data), NaN, None, pandas' NA or masked. `FitSettings` says what the other arguments mean.

    >>> survey = observations([[0, 2], [1, -1], [0, 2]])
    >>> survey.shape, survey.codes.tolist(), survey.weights.tolist()
    ((2, 3), [[0, 2], [1, -1]], [2.0, 1.0])
    """
    array, whole = _checked(numbers_of(data))
    kind = _kind(array, densities, whole=whole)
    if kind == "gaussian":
        if symbols is not None:
            raise TensorRankError(f"symbols are {shown(symbols)} for real data; expected None, or densities='categorical'")
        return _real(array, _row_weights(weights, array))
    if array.ndim == 3:
        raise TensorRankError(f"the data has the shape {array.shape}; expected (rows, sites) for categorical variables")
    return _categorical(array, _shape(array, symbols), _row_weights(weights, array))


def observations_of(
    data: ArrayLike, shape: tuple[int, ...], features: int | None, weights: ArrayLike | None, names: SiteNames = ()
) -> Observations:
    """The data, checked, as variables of a model of this shape, whose Gaussian components have so many features.

    Columns of a DataFrame are told by the names of the variables, if they have any.
    """
    array = of_variables(_checked(values_of(data, len(shape), names)).array, len(shape), features)
    checked = _row_weights(weights, array)
    return _categorical(array, shape, checked) if features is None else _real(array, checked)


def _checked(numbers: Numbers) -> Numbers:
    array = numbers.array
    if array.ndim not in (2, 3) or not array.size:
        raise TensorRankError(
            f"the data has the shape {array.shape}; expected (rows, sites), or (rows, sites, features) for real "
            "variables of several features, none of them 0"
        )
    if array.dtype.kind == "f" and np.isinf(array).any():
        row, site = (int(i) for i in np.argwhere(np.isinf(array))[0][:2])
        raise TensorRankError(
            f"row {row} of the data is infinite for variable {site}; expected finite numbers, or NaN where it is missing"
        )
    return numbers


def _kind(array: NDArray[Any], densities: str | None, *, whole: bool) -> str:
    if np.isnan(array).all():
        raise TensorRankError("all values of the data are missing; expected some that are known")
    if densities is not None:
        return one_of("densities", densities, KINDS)
    if array.ndim == 3:
        return "gaussian"
    if whole:
        return "categorical"
    if (np.isnan(array) | (array == np.round(array))).all():
        raise TensorRankError(
            "the data are floats that are all whole numbers, which leaves open what they are; expected "
            "densities='categorical' or densities='gaussian'"
        )
    return "gaussian"


def _row_weights(given: ArrayLike | None, array: NDArray[Any]) -> Floats:
    if given is None:
        return np.ones(len(array))
    weights = as_array(given, "the weights")
    if weights.shape != (len(array),) or weights.dtype.kind not in "iufb":
        raise TensorRankError(
            f"the weights have the shape {weights.shape} and the type {weights.dtype}; expected a number for each of "
            f"the {len(array)} rows"
        )
    weights = weights.astype(np.float64)
    odd = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if odd.size:
        raise TensorRankError(f"the weight of row {odd[0]} is {weights[odd[0]]}; expected a finite number of at least 0")
    if not weights.any():
        raise TensorRankError("all weights are 0; expected a row that counts")
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not 1 / LARGEST <= total <= LARGEST:
        raise TensorRankError(f"the weights sum to {total:g}; expected {1 / LARGEST:g} to {LARGEST:g}: try another unit")
    least = float(weights[weights > 0].min())
    if least < _LEAST_SHARE * float(weights.max()):
        raise TensorRankError(
            f"the weights reach from {least:g} to {weights.max():g}; expected none below {_LEAST_SHARE:g} of the largest, for "
            "what such a row says is lost: leave it out"
        )
    return weights


def _shape(array: NDArray[Any], symbols: int | Sequence[int] | None) -> tuple[int, ...]:
    sites = array.shape[1]
    if symbols is None:
        with np.errstate(invalid="ignore"):
            largest = np.where(np.isnan(array), MISSING, array).max(axis=0)
            known = array[array >= 0]
        if known.size and known.min() == 1:
            warn(
                "the smallest value of the data is 1, and values count from 0: the value 0 becomes one that never occurs; try "
                "data - 1 if values are numbered from 1, with -1 or NaN where one is missing, or say symbols=...",
                UnusedValue,
            )
        return tuple(max(1, int(k) + 1) for k in largest)
    several = None if isinstance(symbols, Mapping | Set) else things(symbols)
    if several is None:
        return tuple([whole_number("symbols", symbols, 1)] * sites)
    sizes: tuple[int, ...] = tuple(whole_number("the number of values of a variable", k, 1) for k in several)
    if len(sizes) != sites:
        raise TensorRankError(f"symbols has {len(sizes)} numbers for {sites} variables; expected one each, or one number")
    return sizes


def _categorical(array: NDArray[Any], shape: tuple[int, ...], weights: Floats) -> Observations:
    codes = codes_of(array, shape)
    numbers = np.flatnonzero(weights)
    if len(numbers) == 1:
        # To sort thousands of columns takes longer than a few iterations.
        return Observations(codes[numbers], None, weights[numbers], shape, numbers, len(array))
    kept, first, same = np.unique(codes[numbers], axis=0, return_index=True, return_inverse=True)
    # Rows stay in the order of the data.
    order = np.argsort(first)
    merged = np.bincount(same.ravel(), weights[numbers], len(kept)).astype(np.float64)[order]
    return Observations(kept[order], None, merged, shape, numbers[first[order]], len(array))


def _real(array: NDArray[Any], weights: Floats) -> Observations:
    values = np.asarray(array if array.ndim == 3 else array[:, :, None], dtype=np.float64)
    largest = float(np.abs(values).max(initial=0.0, where=~np.isnan(values)))
    if largest > LARGEST:
        raise TensorRankError(
            f"the data has values up to {largest:.3g}, whose squares are no floats; expected at most {LARGEST:g}: try "
            "other units"
        )
    numbers = np.flatnonzero(weights)
    nothing = np.empty((len(numbers), 0), dtype=np.int64)
    return Observations(nothing, values[numbers], weights[numbers], (0,) * values.shape[1], numbers, len(array))
