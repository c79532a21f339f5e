"""What sparse averaging costs each kind of model: sizes of recurrent, feedforward and attention models against N."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb, log2
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.experiments.sparse_averaging import allowed_error
from tensorrank.tasks.sparse_averaging import SparseAveraging
from tensorrank.tasks.token_sets import random_sets
from tensorrank.units.precision import FLOAT64, Precision
from tensorrank.units.selection_units import RestrictedIsometryUnit, least_dimension

# Where the search for a small product of dimension and precision begins, and what it tries. Below 4 bits a step is as
# large as a coordinate, and deviations go up and down with the dimension.
_FINE = Precision(16)
_COARSER = tuple(Precision(bits) for bits in (12, 10, 8, 7, 6, 5, 4))
Sets = NDArray[np.int64]


@dataclass(frozen=True)
class MatrixRow:
    """The communication matrix of the values of N tokens, rows, against the choice of q of them, columns.

    Attributes:
        tokens: N.
        rank: over the rationals.
        standing: of that rank, as for `rational_rank`.
        distinct_rows: different rows: what a model has to remember of the values.
        distinct_columns: different columns: the questions that a model has to tell apart.
    """

    tokens: int
    rank: int
    standing: str
    distinct_rows: int
    distinct_columns: int

    @property
    def memory_bits(self) -> float:
        """The bits that a recurrent model which reads the values first holds at least."""
        return log2(self.distinct_rows)

    @property
    def state_dimension(self) -> int:
        """The dimension of the state of a linear recurrent model that reads the values first, at least."""
        return self.rank

    @property
    def first_layer_width(self) -> int:
        """The width of the first layer, at least, of a feedforward network that is exact for all real values.

        What the first layer maps to 0 the network cannot see, and the columns span so many linear functions.
        """
        return self.rank

    @property
    def query_bits(self) -> float:
        """The bits m p of a query, at least, where it alone depends on the question."""
        return log2(self.distinct_columns)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "tokens": self.tokens,
            "rank": self.rank,
            "standing": self.standing,
            "distinct_rows": self.distinct_rows,
            "distinct_columns": self.distinct_columns,
            "memory_bits": self.memory_bits,
            "state_dimension": self.state_dimension,
            "first_layer_width": self.first_layer_width,
            "query_bits": self.query_bits,
        }


@dataclass(frozen=True)
class UnitRow:
    """The smallest attention units with random keys that were found for N tokens.

    Both are what a search found, no thresholds: deviations may go up and down with m, and smaller units that suffice
    may exist.

    Attributes:
        tokens: N.
        dimension: m, the least for which the median draw of keys is within the tolerance, in float64.
        bits: the precision p of the least product m p that was found, of the p tried: 16, 12, 10, 8, 7, 6, 5, 4.
        dimension_at_bits: the m of that product.
    """

    tokens: int
    dimension: int
    bits: int
    dimension_at_bits: int

    @property
    def size(self) -> int:
        """The least product m p that was found, the bits of a query."""
        return self.bits * self.dimension_at_bits

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "tokens": self.tokens,
            "dimension": self.dimension,
            "bits": self.bits,
            "dimension_at_bits": self.dimension_at_bits,
            "size": self.size,
        }


@dataclass(frozen=True)
class ModelSizes:
    """Sizes of models for sparse averaging against the number of tokens.

    Attributes:
        sparsity: q.
        tolerance: the error allowed to the attention unit: others have to be exact.
        sets: how many random sets it is measured on.
        draws: of keys.
        seed: of keys and sets.
        matrices: by tokens, what ranks say.
        units: by tokens, what suffices for attention.
    """

    sparsity: int
    tolerance: float
    sets: int
    draws: int
    seed: int
    matrices: tuple[MatrixRow, ...]
    units: tuple[UnitRow, ...]

    @property
    def as_proved(self) -> bool:
        """Whether every matrix has rank N, 2^N different rows and C(N, q) different columns, as all have for q < N."""
        return all(
            (row.rank, row.distinct_rows, row.distinct_columns)
            == (row.tokens, 2**row.tokens, comb(row.tokens, self.sparsity))
            for row in self.matrices
        )

    def smaller_from(self, quantity: str = "dimension") -> int | None:
        """The first N measured from which on the attention unit stays below N; None if it does not at the last.

        Args:
            quantity: "dimension" for m, "size" for the bits m p.

        Raises:
            TensorRankError: if it is neither.
        """
        if quantity not in ("dimension", "size"):
            raise TensorRankError(f"the quantity is {quantity!r}; expected 'dimension' or 'size'")
        found = None
        for row in reversed(self.units):
            if getattr(row, quantity) >= row.tokens:
                break
            found = row.tokens
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "model_sizes",
            "sparsity": self.sparsity,
            "tolerance": self.tolerance,
            "sets": self.sets,
            "draws": self.draws,
            "seed": self.seed,
            "matrices": [row.to_dict() for row in self.matrices],
            "units": [row.to_dict() for row in self.units],
            "as_proved": self.as_proved,
            "smaller_from": {quantity: self.smaller_from(quantity) for quantity in ("dimension", "size")},
        }


def model_sizes(
    tokens: Iterable[int] = range(4, 13),
    unit_tokens: Sequence[int] = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048),
    *,
    sparsity: int = 2,
    tolerance: float = 0.1,
    sets: int = 60,
    draws: int = 5,
    seed: int = 0,
    memory: int | str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> ModelSizes:
    """What each kind of model needs at least for sparse averaging, by measured ranks, and what suffices for attention.

    The models read the values of all tokens before the question, which q of them to average. Averages of q values 0 or
    1 are 1/q apart, so that a model whose error is below 1 / (2q) knows them exactly: with such a tolerance the bits of
    memory and of queries bound all models alike. State dimensions and widths are those of exact answers, widths for all
    real values. Queries are bounded for units in which they alone depend on the question.

    Args:
        tokens: the N at which ranks are computed; the matrix has 2^N rows.
        unit_tokens: the N at which the least attention unit is sought.
        sparsity: q, less than every N.
        tolerance: the error allowed to the attention unit, above 0 and below 1/q: from there on a unit need not tell
            all sets apart, and C(N, q) does not bound its query.
        sets: how many random sets it has to get right.
        draws: of keys.
        seed: a whole number.
        memory: limit for each matrix.
        threads: for elimination.
        progress: called with what is done, the steps done and their number.

    Raises:
        TensorRankError: if a number is out of range, there are no tokens, or a matrix would not fit.

    Source: Sanford, Hsu and Telgarsky 2023 (S23), which proves that recurrent models need bits, and the first layers of
    feedforward networks widths, linear in N, and that attention of dimension O(d' + q log N) suffices.

    >>> found = model_sizes([4, 5], [16, 128], sets=20, draws=3)
    >>> found.as_proved, [row.memory_bits for row in found.matrices], found.smaller_from("dimension")
    (True, [4.0, 5.0], 128)
    """
    q = whole_number("sparsity", sparsity, 1)
    allowed_error(tolerance, 1 / q, f"averages over two sets of q = {q} tokens may be no more than 1/q apart")
    ranked = sorted({whole_number("tokens", n, q + 1) for n in tokens})
    sought = sorted({whole_number("tokens of units", n, q + 1) for n in unit_tokens})
    if not ranked or not sought:
        raise TensorRankError("no tokens were given; expected at least one number, such as [8]")

    def show(what: str, done: int) -> None:
        if progress is not None:
            progress(what, done, len(ranked) + len(sought))

    matrices = []
    for done, n in enumerate(ranked):
        show(f"ranks, N = {n}", done)
        found = SparseAveraging(n, q).communication(memory=memory).ranks((), seed=seed, threads=threads)
        rank = found.rank
        matrices.append(MatrixRow(n, rank.value, rank.standing, found.distinct_rows, found.distinct_columns))
    units = []
    for done, n in enumerate(sought, len(ranked)):
        show(f"attention, N = {n}", done)
        m, fine = (
            least_dimension(n, q, tolerance=tolerance, sets=sets, draws=draws, seed=seed, precision=precision)
            for precision in (FLOAT64, _FINE)
        )
        rng = random_stream(seed, n)
        chosen, keys = random_sets(n, q, sets, rng), rng.integers(2**62, size=draws).tolist()
        units.append(UnitRow(n, m, *_least_size(n, q, fine, chosen, keys, tolerance)))
    return ModelSizes(q, tolerance, sets, draws, seed, tuple(matrices), tuple(units))


def _least_size(
    tokens: int, sparsity: int, fine: int, sets: Sets, keys: Sequence[int], tolerance: float
) -> tuple[int, int]:
    """The precision and dimension of the least product m p found, from a fine precision with a dimension that suffices.

    It is the least at these p, by bisection as if more dimensions never hurt; no threshold.
    """

    def within(precision: Precision, dimension: int) -> bool:
        units = (RestrictedIsometryUnit(tokens, sparsity, dimension, seed=key, precision=precision) for key in keys)
        return median(float(unit.deviation(sets).max()) for unit in units) <= tolerance

    best = _FINE.bits, fine
    for precision in _COARSER:
        # None but smaller products, so that a precision too coarse for any dimension ends at once.
        short, enough = 0, (best[0] * best[1] - 1) // precision.bits
        if not within(precision, enough):
            continue
        while enough - short > 1:
            middle = (short + enough) // 2
            short, enough = (short, middle) if within(precision, middle) else (middle, enough)
        best = precision.bits, enough
    return best
