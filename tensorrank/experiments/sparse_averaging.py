"""What sparse averaging asks of an attention unit: error against dimension, and the least dimension against q and N."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.tasks.token_sets import random_sets
from tensorrank.units.selection_units import RestrictedIsometryUnit, least_dimension


@dataclass(frozen=True)
class ErrorRow:
    """Units of random keys of one size.

    Attributes:
        tokens: N.
        sparsity: q, the tokens averaged.
        dimension: m, of queries and keys.
        worst: for each draw of keys, the largest L1 distance of an attention row from the uniform one on its set; it
            bounds the error of the average of values in the unit ball, and is at most 2.
    """

    tokens: int
    sparsity: int
    dimension: int
    worst: tuple[float, ...]

    @property
    def median(self) -> float:
        """That of the draws."""
        return float(np.median(self.worst))

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between which half of the draws lie."""
        low, high = np.quantile(self.worst, [0.25, 0.75])
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "tokens": self.tokens,
            "sparsity": self.sparsity,
            "dimension": self.dimension,
            "worst": list(self.worst),
            "median": self.median,
            "quartiles": list(self.quartiles),
        }


@dataclass(frozen=True)
class ErrorByDimension:
    """Errors of sparse averaging against the dimension.

    Attributes:
        sets: how many random sets each error is the worst of.
        draws: of keys.
        seed: of keys and sets.
        rows: by sparsity, tokens and dimension.
    """

    sets: int
    draws: int
    seed: int
    rows: tuple[ErrorRow, ...]

    @property
    def sparsities(self) -> tuple[int, ...]:
        """Those of the rows, small ones first."""
        return tuple(sorted({row.sparsity for row in self.rows}))

    @property
    def tokens(self) -> tuple[int, ...]:
        """The numbers of tokens of the rows, small ones first."""
        return tuple(sorted({row.tokens for row in self.rows}))

    def of(self, tokens: int, sparsity: int) -> tuple[ErrorRow, ...]:
        """The rows of so many tokens and this sparsity, by dimension."""
        return tuple(row for row in self.rows if (row.tokens, row.sparsity) == (tokens, sparsity))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "sparse_averaging_errors",
            "sets": self.sets,
            "draws": self.draws,
            "seed": self.seed,
            "rows": [row.to_dict() for row in self.rows],
        }


def error_by_dimension(
    tokens: Sequence[int] = (64, 128, 256, 512),
    sparsity: Sequence[int] = (2, 4, 8),
    dimensions: Sequence[int] = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512),
    *,
    sets: int = 60,
    draws: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> ErrorByDimension:
    """How far the restricted-isometry unit is from averaging its set, for several N, q and m.

    Every draw has keys of its own; the random sets are the same for all dimensions and draws.

    Args:
        tokens: numbers of tokens, N.
        sparsity: numbers of tokens averaged, q, each at most the least N.
        dimensions: m; those not above q are left out, for the minimum-norm query needs q independent keys.
        sets: how many random sets, of which the worst counts.
        draws: of keys.
        seed: a whole number.
        progress: called with the unit, the units done and their number.

    Raises:
        TensorRankError: if a number is out of range, a list is empty, or no dimension is above q.

    Source: Sanford, Hsu and Telgarsky 2023 (S23), whose keys have the restricted isometry property when m is at least
    a constant times q log N.

    >>> found = error_by_dimension([64], [2], [16, 128], sets=10, draws=3)
    >>> [row.median < 0.1 for row in found.rows]
    [False, True]
    """
    ns, qs = _listed("tokens", tokens), _listed("sparsity", sparsity)
    sizes = [(q, n, m) for q in qs for n in ns for m in _listed("dimensions", dimensions) if m > q]
    draws, sets = whole_number("draws", draws, 1), whole_number("sets", sets, 1)
    if not sizes:
        raise TensorRankError(
            f"no dimension is above the sparsity {min(qs)}; expected at least one such as {4 * qs[0]}"
        )
    rows = []
    for done, (q, n, m) in enumerate(sizes):
        if progress is not None:
            progress(f"N = {n}, q = {q}, m = {m}", done, len(sizes))
        # The same for every m.
        rng = random_stream(seed, q, n)
        chosen = random_sets(n, q, sets, rng)
        units = [RestrictedIsometryUnit(n, q, m, seed=int(keys)) for keys in rng.integers(2**62, size=draws)]
        worst = [unit.deviation(chosen).max() for unit in units]
        rows.append(ErrorRow(n, q, m, tuple(float(one) for one in worst)))
    return ErrorByDimension(sets, draws, seed, tuple(rows))


@dataclass(frozen=True)
class Line:
    """A least-squares line: dimension = intercept + slope times x.

    Attributes:
        intercept: the dimension at x = 0.
        slope: dimensions for each x.
        determination: R^2, the share of the variance of the dimensions that the line explains.
    """

    intercept: float
    slope: float
    determination: float

    def at(self, x: float) -> float:
        """The dimension on the line."""
        return self.intercept + self.slope * x

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"intercept": self.intercept, "slope": self.slope, "determination": self.determination}


def fitted_line(points: Iterable[tuple[float, float]]) -> Line | None:
    """The least-squares line through points (x, y), None if they are fewer than three or have only one x or y.

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
class DimensionRow:
    """The least dimension at one size.

    Attributes:
        tokens: N.
        sparsity: q.
        dimension: the least m at which the median over draws of keys of the worst error is within the tolerance.
    """

    tokens: int
    sparsity: int
    dimension: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"tokens": self.tokens, "sparsity": self.sparsity, "dimension": self.dimension}


@dataclass(frozen=True)
class LeastDimensions:
    """Least dimensions of the restricted-isometry unit.

    Attributes:
        tolerance: the error allowed, as the L1 distance of an attention row from the uniform one on its set.
        sets: how many random sets each is for.
        draws: of keys.
        seed: of keys and sets.
        rows: by tokens and sparsity.
    """

    tolerance: float
    sets: int
    draws: int
    seed: int
    rows: tuple[DimensionRow, ...]

    @property
    def tokens(self) -> tuple[int, ...]:
        """The numbers of tokens of the rows, small ones first."""
        return tuple(sorted({row.tokens for row in self.rows}))

    @property
    def sparsities(self) -> tuple[int, ...]:
        """Those of the rows, small ones first."""
        return tuple(sorted({row.sparsity for row in self.rows}))

    def by_sparsity(self, tokens: int) -> tuple[DimensionRow, ...]:
        """The rows of so many tokens."""
        return tuple(row for row in self.rows if row.tokens == tokens)

    def by_tokens(self, sparsity: int) -> tuple[DimensionRow, ...]:
        """The rows of this sparsity."""
        return tuple(row for row in self.rows if row.sparsity == sparsity)

    def line_in_sparsity(self, tokens: int) -> Line | None:
        """The line m = a + b q through the rows of so many tokens; None if there are too few."""
        return fitted_line((row.sparsity, row.dimension) for row in self.by_sparsity(tokens))

    def line_in_log_tokens(self, sparsity: int) -> Line | None:
        """The line m = a + b log2 N through the rows of this sparsity; None if there are too few."""
        return fitted_line((log2(row.tokens), row.dimension) for row in self.by_tokens(sparsity))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        in_sparsity = {n: self.line_in_sparsity(n) for n in self.tokens}
        in_log_tokens = {q: self.line_in_log_tokens(q) for q in self.sparsities}
        return {
            "study": "sparse_averaging_dimensions",
            "tolerance": self.tolerance,
            "sets": self.sets,
            "draws": self.draws,
            "seed": self.seed,
            "rows": [row.to_dict() for row in self.rows],
            "lines_in_sparsity": {str(n): line and line.to_dict() for n, line in in_sparsity.items()},
            "lines_in_log2_tokens": {str(q): line and line.to_dict() for q, line in in_log_tokens.items()},
        }


def least_dimensions(
    tokens: Sequence[int] = (32, 64, 128, 256, 512),
    sparsity: Sequence[int] = (1, 2, 3, 4, 6, 8, 12, 16),
    *,
    tolerance: float = 0.1,
    sets: int = 60,
    draws: int = 5,
    seed: int = 0,
    progress: Progress | None = None,
) -> LeastDimensions:
    """The least dimension at which the restricted-isometry unit averages within the tolerance, for all N and q.

    Args:
        tokens: numbers of tokens, N.
        sparsity: numbers of tokens averaged, q; only those below N are tried at N.
        tolerance: the error allowed, above 0 and below 2, the largest there is.
        sets: how many random sets, all of which have to be within it.
        draws: of keys, of whose errors the median counts.
        seed: a whole number.
        progress: called with the size, the sizes done and their number.

    Raises:
        TensorRankError: if a number is out of range, a list is empty, or every q is N or more.

    Source: S23, where m of the order of d' + q log N suffices; whatever the unit, m p >= log2 C(N, q) for a tolerance
    below 1/q, for different sets then need different queries of m numbers of p bits.

    >>> found = least_dimensions([16, 64], [1, 4], sets=20, draws=3)
    >>> [row.dimension > 2 * row.sparsity for row in found.rows]
    [True, True, True, True]
    """
    allowed_error(tolerance)
    sizes = [(n, q) for n in _listed("tokens", tokens) for q in _listed("sparsity", sparsity) if q < n]
    if not sizes:
        raise TensorRankError(f"every sparsity of {list(sparsity)} is at least every number of tokens; expected q < N")
    rows = []
    for done, (n, q) in enumerate(sizes):
        if progress is not None:
            progress(f"N = {n}, q = {q}", done, len(sizes))
        least = least_dimension(n, q, tolerance=tolerance, sets=sets, draws=draws, seed=seed)
        rows.append(DimensionRow(n, q, least))
    return LeastDimensions(tolerance, sets, draws, seed, tuple(rows))


def allowed_error(tolerance: float, below: float = 2, why: str = "no two rows of attention are further apart") -> None:
    """Refuse an L1 distance that no row of attention could exceed, or that tells too little.

    Args:
        tolerance: the distance allowed.
        below: what it has to be below.
        why: the reason for that.

    Raises:
        TensorRankError: if it is not above 0 and below the limit.

    >>> allowed_error(0.1)
    """
    number = isinstance(tolerance, int | float | np.number) and not isinstance(tolerance, bool)
    if not (number and 0 < tolerance < below):
        raise TensorRankError(f"the tolerance is {tolerance!r}; expected above 0 and below {below:g}: {why}")


def _listed(name: str, numbers: Sequence[int]) -> list[int]:
    """The whole numbers from 1, each once, in order."""
    found = sorted({whole_number(name, number, 1) for number in numbers})
    if not found:
        raise TensorRankError(f"no {name} were given; expected at least one, such as [8]")
    return found
