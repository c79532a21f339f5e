"""Rank in floating point: the spectrum, the threshold, and whether the answer can be trusted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.errors import TensorRankError

# A drop by less than this factor across the threshold leaves the numerical rank open to the choice of threshold.
CLEAR_GAP = 1e3


@dataclass(frozen=True, eq=False)
class NumericalRank:
    """A rank read off singular values; never exact.

    Attributes:
        value: the number of singular values strictly above the threshold.
        spectrum: all singular values, largest first.
        threshold: max(atol, rtol * largest singular value).
        gap: the ratio of the last value counted to the first one not counted; the threshold stands in for a value
            that does not exist (rank 0, or full rank).
        ambiguous: whether the gap is below 1000, so that another reasonable threshold would give another rank.
    """

    value: int
    spectrum: NDArray[np.float64]
    threshold: float
    gap: float
    ambiguous: bool

    def __str__(self) -> str:
        trust = "ambiguous" if self.ambiguous else "clear"
        return f"NumericalRank {self.value} ({trust}): threshold {self.threshold:.3g}, gap {self.gap:.3g}"


def numerical_rank(matrix: ArrayLike, *, rtol: float | None = None, atol: float | None = None) -> NumericalRank:
    """The numerical rank of a real or complex matrix, by its singular values.

    Args:
        matrix: an array of shape (rows, columns); zero-size matrices have rank 0.
        rtol: threshold relative to the largest singular value; max(rows, columns) * machine epsilon if neither
            tolerance is given, 0 if only `atol` is.
        atol: absolute threshold, 0 if not given.

    Raises:
        TensorRankError: if the array is not two-dimensional, holds NaN or infinity, or a tolerance is negative.

    Source: Golub and Van Loan, Matrix Computations, section 5.4 (numerical rank determination).

    >>> print(numerical_rank([[1, 2], [2, 4.0]]))  # doctest: +ELLIPSIS
    NumericalRank 1 (clear): threshold 2.22e-15, gap ...
    """
    try:
        array = np.asarray(matrix)
    except ValueError as error:
        raise TensorRankError(f"the rows given make no array ({error}); expected rows of equal length") from error
    if array.ndim != 2:
        raise TensorRankError(f"an array of shape {array.shape} was given; expected a matrix (two dimensions)")
    if array.dtype.kind not in "biufc":
        raise TensorRankError(f"a matrix of {array.dtype} was given; expected real or complex numbers")
    if array.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        # Singular values are computed in double precision at most.
        array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise TensorRankError(f"entry ({row}, {column}) is {array[row, column]}; expected finite numbers")
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is not None and not tolerance >= 0:
            raise TensorRankError(f"{name} is {tolerance!r}; expected a number of at least 0")
    if rtol is None:
        rtol = max(array.shape) * float(np.finfo(array.dtype).eps) if atol is None else 0.0
    if array.size == 0:
        return NumericalRank(0, np.zeros(0), atol or 0.0, float("inf"), ambiguous=False)
    spectrum = np.linalg.svd(array, compute_uv=False).astype(np.float64)
    threshold = max(atol or 0.0, rtol * float(spectrum[0]))
    value = int(np.count_nonzero(spectrum > threshold))
    above = float(spectrum[value - 1]) if value else threshold
    below = float(spectrum[value]) if value < spectrum.size else threshold
    gap = above / below if below else float("inf")
    return NumericalRank(value, spectrum, threshold, gap, ambiguous=gap < CLEAR_GAP)
