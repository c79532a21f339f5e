"""The numerical rank of a matrix: its singular values, the threshold, and whether the answer can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

# Where singular values drop by less than this factor across the threshold, another threshold gives another rank.
CLEAR_GAP = 1e3


@dataclass(frozen=True, eq=False)
class NumericalRank(Record):
    """A rank read off singular values, never exact.

    Attributes:
        value: the number of singular values strictly above the threshold.
        spectrum: all singular values, largest first.
        threshold: max(atol, rtol * largest singular value).
        gap: the ratio of the last value counted to the first one not counted; the threshold stands in for a value
            that does not exist (rank 0, or full rank).
        ambiguous: whether the gap is below 1000, so that another reasonable threshold would give another rank. A sample
            of a larger matrix is called ambiguous at full rank too, and where its rank still grew with the sample.

    Equality is by value, the spectrum included.

    >>> found = numerical_rank([[4, 0, 0], [0, 2, 0], [0, 0, 1e-9]], rtol=1e-6)
    >>> print(found)
    NumericalRank 2 (clear): threshold 4e-06, gap 2e+09
    >>> found.rank_at(1e-12), found.rank_at(0.5)
    (3, 1)
    """

    value: int
    spectrum: Floats
    threshold: float
    gap: float
    ambiguous: bool

    @property
    def relative(self) -> Floats:
        """The singular values divided by the largest; zeros if all are zero."""
        largest = self._largest
        return self.spectrum / largest if largest else np.zeros_like(self.spectrum)

    @property
    def relative_threshold(self) -> float:
        """The threshold divided by the largest singular value; the threshold itself if all are zero."""
        return self.threshold / (self._largest or 1.0)

    @property
    def effective_rank(self) -> float:
        """The effective rank: exp of the Shannon entropy of the singular values scaled to sum 1; 0 for a zero matrix.

        The effective rank is at most the number of nonzero values, and equals it only if they are all equal. It needs
        no threshold: it tells how many directions carry the matrix, not how many there are.

        Source: Roy and Vetterli, The effective rank: a measure of effective dimensionality (EUSIPCO 2007).

        >>> round(numerical_rank([[3, 0, 0], [0, 3, 0], [0, 0, 0]]).effective_rank, 6)
        2.0
        """
        shares = self.relative[self.relative > 0]
        if not shares.size:
            return 0.0
        shares = shares / shares.sum()
        return math.exp(-float(shares @ np.log(shares)))

    def rank_at(self, rtol: float) -> int:
        """The number of singular values strictly above rtol * largest singular value.

        Raises:
            TensorRankError: if the tolerance is negative or no number.
        """
        if not rtol >= 0:
            raise TensorRankError(f"rtol is {rtol!r}; expected a number of at least 0")
        return int(np.count_nonzero(self.spectrum > rtol * self._largest))

    def curve(self) -> tuple[Floats, Integers]:
        """The rank as a function of the relative tolerance, a staircase: the place of each step and the rank there.

        Returns:
            Tolerances, ascending from 0, and as many ranks, descending to 0. The rank at a tolerance t is that at the
            last step that is not above t.

        >>> tolerances, ranks = numerical_rank([[4, 0], [0, 2]]).curve()
        >>> tolerances.tolist(), ranks.tolist()
        ([0.0, 0.5, 1.0], [2, 1, 0])
        """
        values = np.unique(self.spectrum[self.spectrum > 0])
        ratios = values / (self._largest or 1.0)
        # A ratio rounded down would leave its own singular value counted; the next number up does not.
        ratios = np.where(ratios * self._largest < values, np.nextafter(ratios, np.inf), ratios)
        tolerances = np.unique(np.concatenate([np.zeros(1), ratios]))
        return tolerances, np.array([self.rank_at(float(t)) for t in tolerances], dtype=np.int64)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NumericalRank:
        """The rank that `to_dict` described.

        Raises:
            TensorRankError: if names are missing or unknown, or values are no numbers.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != names:
            given = ", ".join(sorted(values)) if isinstance(values, Mapping) else repr(values)
            raise TensorRankError(f"a spectrum with {given} was given; expected to_dict's {', '.join(sorted(names))}")
        try:
            spectrum = np.array(values["spectrum"], dtype=np.float64)
            # Infinity stands as a text, which JSON knows.
            ends = {name: float(values[name]) for name in ("threshold", "gap")}
        except (TypeError, ValueError) as error:
            raise TensorRankError(f"a spectrum was given whose values are no numbers ({error})") from error
        return cls(**{**values, "spectrum": spectrum, **ends})

    @property
    def _largest(self) -> float:
        return float(self.spectrum[0]) if self.spectrum.size else 0.0

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, NumericalRank) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.value, self.threshold, self.gap, self.ambiguous))

    def __str__(self) -> str:
        trust = "ambiguous" if self.ambiguous else "clear"
        return f"NumericalRank {self.value} ({trust}): threshold {self.threshold:.3g}, gap {self.gap:.3g}"


def numerical_rank(matrix: ArrayLike, *, rtol: float | None = None, atol: float | None = None) -> NumericalRank:
    """The numerical rank of a real or complex matrix: the number of singular values above a threshold.

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
