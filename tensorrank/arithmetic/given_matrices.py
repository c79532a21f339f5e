"""Matrices that users give to have an exact rank: dense or sparse, of whole numbers or fractions."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from numbers import Number, Rational
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.given_arrays import as_array, as_floats, as_written
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.checked import CHECKED_WHERE_USED
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import LARGEST_EXPONENT, fraction_from_text

# An array, lists, a DataFrame, a sparse matrix of scipy, or what `read_matrix` gives.
MatrixLike = Annotated[ArrayLike | SparseMatrix | Any, CHECKED_WHERE_USED]

# Floats from here on may stand for several whole numbers.
_LARGEST_WHOLE = 2.0**53


def as_matrix(given: MatrixLike) -> Array | SparseMatrix:
    """The matrix that a user gave: an array with entries as they are, or a sparse matrix.

    Raises:
        TensorRankError: if it has not two dimensions, or is the name of a file.
    """
    if isinstance(given, str | Path):
        raise TensorRankError(f"the path {shown(str(given))} was given; expected a matrix: read_matrix(path) reads one")
    if isinstance(given, SparseMatrix):
        return given
    if hasattr(given, "tocoo"):
        return SparseMatrix.of(given)
    array = as_written(given)
    if array.ndim != 2:
        raise TensorRankError(f"an array of shape {array.shape} was given; expected a matrix (two dimensions)")
    return array


def as_numbers(given: MatrixLike) -> Array:
    """The matrix that a user gave, dense and of numbers in one of numpy's types; fractions become floats.

    Raises:
        TensorRankError: as `as_matrix`, for entries that are no numbers, and where it would not fit in memory.

    >>> as_numbers([[Fraction(1, 2), 1]])
    array([[0.5, 1. ]])
    """
    dense: Any = given
    named = isinstance(given, str | Path | SparseMatrix) or hasattr(given, "tocoo")
    matrix = as_matrix(given) if named else as_array(dense, "the matrix")
    array = matrix.toarray() if isinstance(matrix, SparseMatrix) else matrix
    if array.ndim != 2:
        raise TensorRankError(f"an array of shape {array.shape} was given; expected a matrix (two dimensions)")
    if array.dtype == object and all(isinstance(entry, Number | Decimal) for entry in array.flat):
        array = as_floats(array, "the matrix")
    if array.dtype.kind not in "biufc":
        raise TensorRankError(f"a matrix of {array.dtype} was given; expected real or complex numbers")
    return array


def exact_entries(array: Array) -> Array:
    """Real entries as exact arithmetic takes them: whole numbers, of numpy or of Python, and fractions.

    Floats are taken if they are whole numbers below 2^53, for nobody knows what an entry such as 0.1 was before it was
    rounded.

    Raises:
        TensorRankError: for other floats, and for entries that are no rational numbers.

    >>> exact_entries(np.array([[1.0, -2.0]]))
    array([[ 1, -2]])
    """
    if array.dtype.kind in "iub":
        return array
    if array.dtype.kind == "f":
        wide = array.astype(np.result_type(array, np.float64), copy=False)
        odd = ~(np.abs(wide) < _LARGEST_WHOLE) | (wide != np.trunc(wide))
        if odd.any():
            raise _no_exact(float(wide[odd].flat[0]))
        return wide.astype(np.int64)
    if set(map(type, array.flat)) <= {int}:
        return array
    found = [_exact(entry) for entry in array.flat]
    return np.array(found, dtype=object).reshape(array.shape)


def holds_fractions(array: Array) -> bool:
    """Whether an array of exact entries holds any that is no whole number."""
    return array.dtype == object and Fraction in set(map(type, array.flat))


def _exact(entry: Any) -> int | Fraction:
    if isinstance(entry, np.generic):
        entry = entry.item()
    if isinstance(entry, Rational):
        return int(entry.numerator) if entry.denominator == 1 else Fraction(entry)
    if isinstance(entry, float) and abs(entry) < _LARGEST_WHOLE and entry == int(entry):
        return int(entry)
    if isinstance(entry, Decimal) and entry.is_finite() and abs(entry.adjusted()) <= LARGEST_EXPONENT:
        return _exact(Fraction(entry))
    if isinstance(entry, str):
        with suppress(ValueError):
            return _exact(fraction_from_text(entry))
    raise _no_exact(entry)


def _no_exact(entry: Any) -> TensorRankError:
    floats = "; of floats, whole ones below 2^53: Fraction(x) is what a float x stores, and numerical_rank takes all"
    return TensorRankError(
        f"a matrix with the entry {shown(entry)} was given; expected a matrix of whole numbers or fractions"
        + (floats if isinstance(entry, float) else "")
    )
