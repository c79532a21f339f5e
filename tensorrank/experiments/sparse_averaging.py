"""What sparse averaging asks of an attention unit: error against dimension, and the least dimension by q and N."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import Experiment, ascending, distinct, told, where
from tensorrank.records import Record, plain
from tensorrank.tasks.token_sets import random_sets
from tensorrank.units.selection_units import RestrictedIsometryUnit, least_dimension

# Bytes for the seed of a choice of keys, and for what is found with them.
_REPEAT_BYTES = 100


@dataclass(frozen=True)
class ErrorRow(Record):
    """Attention units of one size, with several choices of random keys.

    Attributes:
        tokens: the number of tokens, N.
        sparsity: the number of tokens averaged, q.
        dimension: the dimension of queries and keys, m.
        worst: for each choice of keys the largest L1 distance of a row of attention from the uniform row on its set. It
            bounds the error of the average of values in the unit ball, and is at most 2.
    """

    derived = ("median", "quartiles")
    tokens: int
    sparsity: int
    dimension: int
    worst: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of `worst`."""
        return float(np.median(self.worst))

    @property
    def quartiles(self) -> tuple[float, float]:
        """The lower and the upper quartile of `worst`."""
        low, high = np.quantile(self.worst, [0.25, 0.75])
        return float(low), float(high)


@checked
class Sized:
    """What experiments on several sizes say of their rows, each of which has tokens and a sparsity."""

    rows: tuple[Any, ...]

    @property
    def sparsities(self) -> tuple[int, ...]:
        """The sparsities of the rows, small ones first."""
        return distinct(self.rows, "sparsity")

    @property
    def tokens(self) -> tuple[int, ...]:
        """The numbers of tokens of the rows, small ones first."""
        return distinct(self.rows, "tokens")


@checked
@dataclass(frozen=True)
class ErrorByDimension(Sized, Experiment, name="sparse_averaging_errors"):
    """Errors of sparse averaging against the dimension.

    Attributes:
        sets, repeats, seed: as given to `error_by_dimension`.
        rows: one row a size, by sparsity, tokens and dimension.

    >>> len(error_by_dimension([16], [2], [8, 12], sets=2, repeats=1).of(tokens=16, sparsity=2))
    2
    """

    sets: int
    repeats: int
    seed: int
    rows: tuple[ErrorRow, ...]

    def of(self, tokens: int, sparsity: int) -> tuple[ErrorRow, ...]:
        """The rows of so many tokens and this sparsity, by dimension."""
        return where(self.rows, tokens=tokens, sparsity=sparsity)


@checked
@with_progress
def error_by_dimension(
    tokens: Sequence[int] = (64, 128, 256, 512),
    sparsity: Sequence[int] = (2, 4, 8),
    dimensions: Sequence[int] = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512),
    *,
    sets: int = 60,
    repeats: int = 5,
    seed: int = 0,
    progress: ProgressLike = None,
) -> ErrorByDimension:
    """The error of the restricted-isometry unit when it averages q of N tokens, for several dimensions m.

    The keys are chosen several times; the random sets are the same for all dimensions and all keys.

    Args:
        tokens: numbers of tokens, N.
        sparsity: numbers of tokens averaged, q, each at most the least N.
        dimensions: dimensions of queries and keys, m. Dimensions up to q are left out, for the minimum-norm query needs
            q independent keys.
        sets: the number of random sets, of which the worst counts.
        repeats: how often keys are chosen.
        seed: a whole number.
        progress: True shows a line in a terminal or a notebook; a function is called with the units done, their number
            and the next unit in words.

    Raises:
        TensorRankError: if a number is out of range, a list is empty, or no dimension is above q.

    Source: Sanford, Hsu, Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023), whose
    keys have the restricted isometry property when m is at least a constant times q log N.

    >>> found = error_by_dimension([64], [2], [16, 128], sets=10, repeats=3)
    >>> [row.median < 0.1 for row in found.rows]
    [False, True]
    """
    ns, qs = ascending("tokens", tokens), ascending("sparsities", sparsity)
    sizes = [(q, n, m) for q in qs for n in ns for m in ascending("dimensions", dimensions) if m > q]
    repeats, sets = whole_number("repeats", repeats, 1), whole_number("sets", sets, 1)
    refuse_beyond(memory_limit(None), _REPEAT_BYTES * repeats, f"{shown(repeats)} repeats", "fewer")
    if not sizes:
        raise TensorRankError(f"no dimension is above the sparsity {min(qs)}; expected at least one such as {4 * qs[0]}")
    rows = []
    for q, n, m in told(sizes, reporter(progress), lambda size: "N = {1}, q = {0}, m = {2}".format(*size)):
        # One stream for every m.
        rng = random_stream(seed, q, n)
        chosen = random_sets(n, q, sets, rng)
        units = (RestrictedIsometryUnit(n, q, m, seed=int(keys)) for keys in rng.integers(2**62, size=repeats))
        worst = [unit.deviation(chosen).max() for unit in units]
        rows.append(ErrorRow(n, q, m, tuple(float(one) for one in worst)))
    return ErrorByDimension(sets, repeats, seed, tuple(rows))


@dataclass(frozen=True)
class Line(Record):
    """A least-squares line, dimension = intercept + slope times x.

    Attributes:
        intercept: the dimension at x = 0.
        slope: the dimensions that one step of x adds.
        determination: R^2, the share of the variance of the dimensions that the line explains.
    """

    intercept: float
    slope: float
    determination: float

    def at(self, x: float) -> float:
        """The dimension on the line at x."""
        return self.intercept + self.slope * x


def fitted_line(points: Iterable[tuple[float, float]]) -> Line | None:
    """The least-squares line through points (x, y); None for fewer than three points, or for a single x or y.

    >>> fitted_line([(1, 3), (2, 5), (3, 7)])
    Line(intercept=1.0, slope=2.0, determination=1.0)
    """
    x, y = np.array(list(points), dtype=np.float64).reshape(-1, 2).T
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    return Line(float(y.mean() - slope * x.mean()), slope, float((dx @ dy) ** 2 / ((dx @ dx) * (dy @ dy))))


@dataclass(frozen=True)
class DimensionRow(Record):
    """The least dimension at one size.

    Attributes:
        tokens: the number of tokens, N.
        sparsity: the number of tokens averaged, q.
        dimension: the least m at which the worst error is within the tolerance, in the median over the choices of keys.
    """

    tokens: int
    sparsity: int
    dimension: int


@checked
@dataclass(frozen=True)
class LeastDimensions(Sized, Experiment, name="sparse_averaging_dimensions"):
    """Least dimensions of the restricted-isometry unit.

    Attributes:
        tolerance, sets, repeats, seed: as given to `least_dimensions`.
        rows: one row a size, by tokens and sparsity.

    >>> least_dimensions([16], [1], sets=2, repeats=1).line_in_sparsity(16) is None
    True
    """

    tolerance: float
    sets: int
    repeats: int
    seed: int
    rows: tuple[DimensionRow, ...]

    def by_sparsity(self, tokens: int) -> tuple[DimensionRow, ...]:
        """The rows of so many tokens."""
        return where(self.rows, tokens=tokens)

    def by_tokens(self, sparsity: int) -> tuple[DimensionRow, ...]:
        """The rows of this sparsity."""
        return where(self.rows, sparsity=sparsity)

    def line_in_sparsity(self, tokens: int) -> Line | None:
        """The line m = a + b q through the rows of so many tokens; None for too few rows."""
        return fitted_line((row.sparsity, row.dimension) for row in self.by_sparsity(tokens))

    def line_in_log_tokens(self, sparsity: int) -> Line | None:
        """The line m = a + b log2 N through the rows of this sparsity; None for too few rows."""
        return fitted_line((log2(row.tokens), row.dimension) for row in self.by_tokens(sparsity))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, with the lines by tokens and by sparsity."""
        lines = {
            "lines_in_sparsity": {n: self.line_in_sparsity(n) for n in self.tokens},
            "lines_in_log2_tokens": {q: self.line_in_log_tokens(q) for q in self.sparsities},
        }
        return {**super().to_dict(), **plain(lines)}


@checked
@with_progress
def least_dimensions(
    tokens: Sequence[int] = (32, 64, 128, 256, 512),
    sparsity: Sequence[int] = (1, 2, 3, 4, 6, 8, 12, 16),
    *,
    tolerance: float = 0.1,
    sets: int = 60,
    repeats: int = 5,
    seed: int = 0,
    progress: ProgressLike = None,
) -> LeastDimensions:
    """The least dimension at which the restricted-isometry unit averages within a tolerance, for several N and q.

    Args:
        tokens: numbers of tokens, N.
        sparsity: numbers of tokens averaged, q; at each N the numbers below N are tried.
        tolerance: the error allowed, as the L1 distance of a row of attention from the uniform row on its set: above 0
            and below 2, the largest there is.
        sets: the number of random sets, all of which have to be within the tolerance.
        repeats: how often keys are chosen; the median of their errors counts.
        seed: a whole number.
        progress: True shows a line in a terminal or a notebook; a function is called with the sizes done, their number
            and the next size in words.

    Raises:
        TensorRankError: if a number is out of range, a list is empty, or every q is N or more.

    Source: Sanford, Hsu, Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023), where m
    of the order of d' + q log N suffices. Whatever the unit, m p >= log2 C(N, q) for a tolerance below 1/q: different
    sets then need different queries of m numbers of p bits.

    >>> found = least_dimensions([16, 64], [1, 4], sets=20, repeats=3)
    >>> [row.dimension > 2 * row.sparsity for row in found.rows]
    [True, True, True, True]
    """
    allowed_error(tolerance)
    sizes = [(n, q) for n in ascending("tokens", tokens) for q in ascending("sparsities", sparsity) if q < n]
    if not sizes:
        raise TensorRankError(f"every sparsity of {list(sparsity)} is at least every number of tokens; expected q < N")
    rows = []
    for n, q in told(sizes, reporter(progress), lambda size: "N = {}, q = {}".format(*size)):
        least = least_dimension(n, q, tolerance=tolerance, sets=sets, repeats=repeats, seed=seed)
        rows.append(DimensionRow(n, q, least))
    return LeastDimensions(tolerance, sets, repeats, seed, tuple(rows))


def allowed_error(tolerance: float, below: float = 2, why: str = "no two rows of attention are further apart") -> None:
    """Refuse an L1 distance that is not above 0 and below a limit, and say why that is the limit."""
    number = isinstance(tolerance, int | float | np.number) and not isinstance(tolerance, bool)
    if not (number and 0 < tolerance < below):
        raise TensorRankError(f"the tolerance is {shown(tolerance)}; expected above 0 and below {below:g}: {why}")
