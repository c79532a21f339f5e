"""The numerical rank of a matrix: its singular values, the threshold, and whether the answer can be trusted.

Singular values at the level of rounding are noise: an error of one unit in the last place of every entry moves them by
up to max(rows, columns) * epsilon * largest singular value. A rank is clear only if its threshold is no lower than this
level, and the last value counted stands well above it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tensorrank.arguments import as_float, shown
from tensorrank.arithmetic.arrays import Array, Floats, Integers
from tensorrank.arithmetic.given_matrices import MatrixLike, as_numbers
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.given_records import field_values
from tensorrank.records import Record

# Where singular values drop by less than this factor across the threshold, another threshold gives another rank.
CLEAR_GAP = 1e3
# Entries beyond 2^-400 .. 2^400 (of single precision 2^-50 .. 2^50) are scaled before their singular values are sought.
_SAFE_EXPONENTS = {4: 50, 8: 400}
_SMALLEST, _LARGEST = float(np.finfo(np.float64).smallest_subnormal), float(np.finfo(np.float64).max)


@dataclass(frozen=True, eq=False)
class NumericalRank(EqualByValue, Record):
    """A rank read off singular values, never exact.

    Attributes:
        value: the number of singular values strictly above the threshold.
        spectrum: all singular values, largest first.
        threshold: max(atol, rtol * largest singular value).
        gap: the ratio of the last value counted to the first one not counted; the threshold stands in for a value
            that does not exist (rank 0, or full rank), and epsilon * largest singular value for anything smaller.
        ambiguous: whether the gap is below 1000, so that another reasonable threshold would give another rank, or the
            threshold is below the noise, so that rounding errors may be counted. A sample of a larger matrix is called
            ambiguous at full rank too, and where its rank still grew with the sample.
        noise: the level of rounding, max(rows, columns) * epsilon * largest singular value, where epsilon is that of
            the type of the entries as they were given, or max(rows, columns) times the smallest number of the type if
            that is more. Singular values below it mean nothing. 0 in results older than this field.

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
    noise: float = 0.0

    @property
    def below_rounding(self) -> bool:
        """True if the threshold is below the noise, so that rounding errors may be counted.

        >>> numerical_rank([[1.0, 1.0], [1.0, 1.0]], rtol=0).below_rounding
        True
        """
        return self.threshold < self.noise

    @property
    def doubt(self) -> str | None:
        """The reason why the rank is ambiguous, in words; None for a clear one.

        >>> print(numerical_rank([[1, 1], [1, 1]], rtol=0).doubt)
        the threshold is below rounding, 4.4e-16 of the largest singular value, above which only 1 of 2 values lie
        >>> numerical_rank([[4, 0], [0, 2]]).doubt is None
        True
        """
        if not self.ambiguous:
            return None
        if self.below_rounding:
            above = int(np.count_nonzero(self.spectrum > self.noise))
            level = f"the threshold is below rounding, {self.relative_noise:.2g} of the largest singular value"
            return level if above == self.value else f"{level}, above which only {above} of {self.value} values lie"
        if self.gap < CLEAR_GAP:
            return "no gap at the threshold: another one gives another rank"
        return "the sample may be too small"

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
    def relative_noise(self) -> float:
        """The noise divided by the largest singular value; 0 if all are zero."""
        return self.noise / self._largest if self._largest else 0.0

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

        At a tolerance below `relative_noise` the number counts rounding errors, and says nothing of the matrix.

        Raises:
            TensorRankError: if the tolerance is negative or no number.
        """
        if not as_float(rtol) >= 0:
            raise TensorRankError(f"rtol is {shown(rtol)}; expected a number of at least 0")
        return int(np.count_nonzero(self.spectrum > rtol * self._largest))

    def curve(self) -> tuple[Floats, Integers]:
        """The rank as a function of the relative tolerance, a staircase: the place of each step and the rank there.

        Returns:
            Tolerances, ascending from 0, and as many ranks, descending to 0. The rank at a tolerance t is that at the
            last step that is not above t. Steps below `relative_noise` are rounding errors.

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
        """Read the rank that `to_dict` described; it may lack `noise`, as older results do.

        Raises:
            TensorRankError: if other names are missing, or unknown, or a value is of another type.
        """
        found = field_values(cls, values, "a spectrum")
        return cls(**{**found, "spectrum": np.array(found["spectrum"], dtype=np.float64)})

    @property
    def _largest(self) -> float:
        return float(self.spectrum[0]) if self.spectrum.size else 0.0

    def __str__(self) -> str:
        trust = "ambiguous" if self.ambiguous else "clear"
        why = f"; {self.doubt}" if self.doubt else ""
        return f"NumericalRank {self.value} ({trust}): threshold {self.threshold:.3g}, gap {self.gap:.3g}{why}"


def numerical_rank(matrix: MatrixLike, *, rtol: float | None = None, atol: float | None = None) -> NumericalRank:
    """The numerical rank of a real or complex matrix: the number of singular values above a threshold.

    A rank whose threshold is below rounding is called ambiguous, since rounding errors may be counted; so is one whose
    last value counted is not far above rounding.

    Args:
        matrix: an array of shape (rows, columns), lists, a DataFrame, a sparse matrix of scipy, or what `read_matrix`
            gives; zero-size matrices have rank 0. It is made dense, and fractions become floats.
        rtol: threshold relative to the largest singular value; max(rows, columns) * machine epsilon of the type of the
            entries if neither tolerance is given, 0 if only `atol` is.
        atol: absolute threshold, 0 if not given.

    Raises:
        TensorRankError: if the array is not two-dimensional, holds NaN or infinity, its largest singular value is
            beyond the largest float, or a tolerance is negative.

    Source: Golub and Van Loan, Matrix Computations, section 5.4 (numerical rank determination).

    >>> print(numerical_rank([[1, 2], [2, 4.0]]))  # doctest: +ELLIPSIS
    NumericalRank 1 (clear): threshold 2.22e-15, gap ...
    """
    array = as_numbers(matrix)
    if not np.isfinite(array).all():
        row, column = np.argwhere(~np.isfinite(array))[0]
        raise TensorRankError(f"entry ({row}, {column}) is {array[row, column]}; expected finite numbers")
    epsilon, step = rounding_of(array.dtype), step_of(array.dtype)
    return rank_of_spectrum(singular_values(array), epsilon, max(array.shape), step=step, rtol=rtol, atol=atol)


def rounding_of(dtype: np.dtype[Any]) -> float:
    """The relative rounding error of numbers of a type, in which no more than double precision is computed with.

    >>> rounding_of(np.dtype("float16")), rounding_of(np.dtype("int64")) == 2.0**-52
    (0.0009765625, True)
    """
    own = float(np.finfo(dtype).eps) if dtype.kind in "fc" else 0.0
    return max(own, float(np.finfo(np.float64).eps))


def step_of(dtype: np.dtype[Any]) -> float:
    """The smallest number of a type, to multiples of which its numbers below the normal ones are rounded.

    >>> step_of(np.dtype("float16")) == 2.0**-24, step_of(np.dtype("int64")) == 2.0**-1074
    (True, True)
    """
    own = float(np.finfo(dtype).smallest_subnormal) if dtype.kind in "fc" else 0.0
    return max(own, _SMALLEST)


def rank_of_spectrum(
    spectrum: Floats,
    epsilon: float,
    errors: float,
    *,
    step: float = _SMALLEST,
    rtol: float | None = None,
    atol: float | None = None,
) -> NumericalRank:
    """The numerical rank read off singular values, largest first.

    Args:
        spectrum: the singular values.
        epsilon: the relative rounding error of the entries that they are of.
        errors: how many such errors may add up: max(rows, columns) for a matrix. The level of rounding is so many
            times epsilon, relative to the largest singular value; it is the tolerance, if none is given.
        step: the smallest number of the type of the entries: no error is smaller.
        rtol: as for `numerical_rank`.
        atol: as for `numerical_rank`.

    Raises:
        TensorRankError: if a tolerance is negative.

    >>> rank_of_spectrum(np.array([1.0, 1e-2, 1e-15]), 2.0**-52, errors=10).value
    2
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if tolerance is not None and not as_float(tolerance) >= 0:
            raise TensorRankError(f"{name} is {shown(tolerance)}; expected a number of at least 0")
    rtol, atol = (None if tolerance is None else as_float(tolerance) for tolerance in (rtol, atol))
    default = rtol is None and atol is None
    relative = errors * epsilon if default else rtol or 0.0
    if spectrum.size == 0:
        return NumericalRank(0, np.zeros(0), atol or 0.0, float("inf"), ambiguous=False)
    largest = float(spectrum[0])
    # Numbers below the normal ones are rounded to multiples of the smallest, however small the largest entry is.
    unit = max(epsilon * largest, step) if largest else 0.0
    noise = errors * unit
    threshold = max(atol or 0.0, relative * largest, noise if default else 0.0)
    value = int(np.count_nonzero(spectrum > threshold))
    above = float(spectrum[value - 1]) if value else threshold
    below = max(float(spectrum[value]) if value < spectrum.size else threshold, unit)
    gap = above / below if below else float("inf")
    ambiguous = gap < CLEAR_GAP or threshold < noise
    return NumericalRank(value, spectrum, threshold, gap, ambiguous, noise)


def singular_values(matrix: Array) -> Floats:
    """The singular values of a matrix of finite numbers in float64, largest first, at any scale of its entries.

    Raises:
        TensorRankError: if the largest is beyond the largest float.

    >>> singular_values(np.diag([3e-320, 1e-320])) / 1e-320
    array([3., 1.])
    """
    if matrix.size == 0:
        return np.zeros(0)
    if matrix.dtype not in (np.float32, np.float64, np.complex64, np.complex128):
        # Singular values are computed in double precision at most.
        with np.errstate(over="ignore"):
            matrix = matrix.astype(np.complex128 if matrix.dtype.kind == "c" else np.float64)
        if not np.isfinite(matrix).all():
            raise TensorRankError("an entry is beyond the largest float64; expected smaller entries: divide the matrix")
    parts = (matrix.real, matrix.imag) if matrix.dtype.kind == "c" else (matrix,)
    exponent = math.frexp(max(float(np.abs(part).max()) for part in parts))[1]
    if abs(exponent) <= _SAFE_EXPONENTS[parts[0].dtype.itemsize]:
        return np.asarray(np.linalg.svd(matrix, compute_uv=False), dtype=np.float64)
    # Two factors, since the power of two itself may be too large for a float.
    number = parts[0].dtype.type
    half = exponent // 2
    scaled = matrix * number(2.0**-half) * number(2.0 ** (half - exponent))
    spectrum = np.asarray(np.linalg.svd(scaled, compute_uv=False), dtype=np.float64)
    if math.log2(spectrum[0]) + exponent >= math.log2(_LARGEST):
        raise TensorRankError(
            f"the largest singular value is about 2^{math.log2(spectrum[0]) + exponent:.0f}, beyond the largest float; "
            "expected smaller entries: divide the matrix by a power of two, which changes no rank"
        )
    return np.ldexp(spectrum, exponent)
