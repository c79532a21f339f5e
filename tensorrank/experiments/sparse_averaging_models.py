"""What sparse averaging costs each kind of model: sizes of recurrent, feedforward and attention models against N."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import comb, log2
from statistics import median
from typing import Annotated, Any, Literal

from tensorrank.arguments import one_of, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import CHECKED_WHERE_USED, checked
from tensorrank.experiments.experiment import Experiment, ascending, told
from tensorrank.experiments.sparse_averaging import allowed_error
from tensorrank.records import Record
from tensorrank.tasks.sparse_averaging import SparseAveraging
from tensorrank.tasks.token_sets import random_sets
from tensorrank.units.precision import FLOAT64, Precision
from tensorrank.units.selection_units import RestrictedIsometryUnit, least_dimension

# Where the search for a small product of dimension and precision begins, and what it tries. Below 4 bits a step is as
# large as a coordinate, and deviations go up and down with the dimension.
_FINE = Precision(16)
_COARSER = tuple(Precision(bits) for bits in (12, 10, 8, 7, 6, 5, 4))

Quantity = Annotated[Literal["dimension", "size"], CHECKED_WHERE_USED]


@dataclass(frozen=True)
class MatrixRow(Record):
    """The communication matrix of sparse averaging: a row for all values of N tokens, a column for q chosen tokens.

    Attributes:
        tokens: the number of tokens, N.
        rank: the rank over the rationals.
        standing: the standing of the rank, as for `rational_rank`.
        distinct_rows: the number of different rows, which a model has to remember of the values.
        distinct_columns: the number of different columns, the questions that a model has to tell apart.
    """

    derived = ("memory_bits", "published_memory_bits", "state_dimension", "first_layer_width", "query_bits")
    tokens: int
    rank: int
    standing: str
    distinct_rows: int
    distinct_columns: int

    @property
    def memory_bits(self) -> float:
        """The least number of bits that a recurrent model holds which reads the values first."""
        return log2(self.distinct_rows)

    @property
    def published_memory_bits(self) -> float:
        """The bits that a recurrent model holds at least as published for averages that are only near: (N - 1) / 2.

        Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023); the constant is quoted, and not checked against the paper.
        """
        return (self.tokens - 1) / 2

    @property
    def state_dimension(self) -> int:
        """The least dimension of the state of a linear recurrent model that reads the values first."""
        return self.rank

    @property
    def first_layer_width(self) -> int:
        """The least width of the first layer of a feedforward network that is exact for all real values.

        What the first layer maps to 0 the network cannot see, and the columns span so many linear functions.
        """
        return self.rank

    @property
    def query_bits(self) -> float:
        """The least number of bits m p of a query, if the query alone depends on the question."""
        return log2(self.distinct_columns)


@dataclass(frozen=True)
class UnitRow(Record):
    """The smallest attention units with random keys that a search found for N tokens.

    Neither number is a threshold: deviations may go up and down with m, and smaller units that suffice may exist.

    Attributes:
        tokens: the number of tokens, N.
        dimension: the least m found at which the error is within the tolerance in float64, in the median over the
            choices of keys.
        bits: the precision p of the least product m p that was found; 16, 12, 10, 8, 7, 6, 5 and 4 bits were tried.
        dimension_at_bits: the m of that product.
    """

    derived = ("size",)
    tokens: int
    dimension: int
    bits: int
    dimension_at_bits: int

    @property
    def size(self) -> int:
        """The least product m p that was found: the bits of a query."""
        return self.bits * self.dimension_at_bits


@checked
@dataclass(frozen=True)
class ModelSizes(Experiment, name="model_sizes"):
    """Sizes of models for sparse averaging against the number of tokens.

    Attributes:
        sparsity, tolerance, sets, repeats, seed: as given to `model_sizes`.
        matrices: what ranks say, by tokens.
        units: what suffices for attention, by tokens.

    >>> model_sizes([4], [16], sets=2, repeats=1).matrices[0].state_dimension
    4
    """

    derived = ("as_proved",)
    sparsity: int
    tolerance: float
    sets: int
    repeats: int
    seed: int
    matrices: tuple[MatrixRow, ...]
    units: tuple[UnitRow, ...]

    @property
    def as_proved(self) -> bool:
        """Whether every matrix has rank N, 2^N different rows and C(N, q) different columns, as is proved for q < N."""
        return all(
            (row.rank, row.distinct_rows, row.distinct_columns) == (row.tokens, 2**row.tokens, comb(row.tokens, self.sparsity))
            for row in self.matrices
        )

    def smaller_from(self, quantity: Quantity = "dimension") -> int | None:
        """The first N measured from which on the attention unit stays below N; None if the last unit does not.

        Args:
            quantity: "dimension" for m, "size" for the bits m p.

        Raises:
            TensorRankError: if the quantity is neither.
        """
        one_of("the quantity", quantity, ("dimension", "size"))
        below = [*takewhile(lambda row: getattr(row, quantity) < row.tokens, reversed(self.units))]
        return below[-1].tokens if below else None

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values, with what `smaller_from` says of both quantities."""
        return {**super().to_dict(), "smaller_from": {one: self.smaller_from(one) for one in ("dimension", "size")}}


@checked
@with_progress
def model_sizes(
    tokens: Iterable[int] = range(4, 13),
    unit_tokens: Sequence[int] = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048),
    *,
    sparsity: int = 2,
    tolerance: float = 0.1,
    sets: int = 60,
    repeats: int = 5,
    seed: int = 0,
    memory: int | str | None = None,
    threads: int | None = None,
    progress: ProgressLike = None,
) -> ModelSizes:
    """What each kind of model needs at least for sparse averaging, by measured ranks, and what suffices for attention.

    The models read the values of all tokens before the question, which says the q tokens to average. Averages of q
    values 0 or 1 are 1/q apart, so that a model whose error is below 1 / (2q) knows them exactly: with such a tolerance
    the bits of memory and of queries bound all models alike. State dimensions and widths are bounded for exact answers,
    widths for all real values. Queries are bounded for units in which the query alone depends on the question.

    Args:
        tokens: the N at which ranks are computed; the matrix has 2^N rows.
        unit_tokens: the N at which the least attention unit is sought.
        sparsity: the number of tokens averaged, q, less than every N.
        tolerance: the error allowed to the attention unit, above 0 and below 1/q; other models have to be exact. From
            1/q on a unit need not tell all sets apart, and C(N, q) does not bound its query.
        sets: the number of random sets that the unit has to get right.
        repeats: how often keys are chosen; the median of their errors counts.
        seed: a whole number.
        memory: the limit for each matrix.
        threads: the threads for elimination.
        progress: True shows a line in a terminal or a notebook; a function is called with the steps done, their number
            and the next step in words.

    Raises:
        TensorRankError: if a number is out of range, there are no tokens, or a matrix would not fit.

    Source: Sanford, Hsu, Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023):
    recurrent models need bits, and the first layers of feedforward networks widths, linear in N, while attention of
    dimension O(d' + q log N) suffices.

    >>> found = model_sizes([4, 5], [16, 128], sets=20, repeats=3)
    >>> found.as_proved, [row.memory_bits for row in found.matrices], found.smaller_from("dimension")
    (True, [4.0, 5.0], 128)
    """
    q = whole_number("sparsity", sparsity, 1)
    allowed_error(tolerance, 1 / q, f"averages over two sets of q = {q} tokens may be no more than 1/q apart")
    ranked, sought = ascending("tokens", tokens, q + 1), ascending("tokens of units", unit_tokens, q + 1)
    matrices = []
    for n in told(ranked, reporter(progress), "ranks, N = {}".format, after=len(sought)):
        found = SparseAveraging(n, q).communication(memory=memory).ranks((), seed=seed, threads=threads)
        rank = found.rank
        matrices.append(MatrixRow(n, rank.value, rank.standing, found.distinct_rows, found.distinct_columns))
    units = []
    for n in told(sought, reporter(progress), "attention, N = {}".format, before=len(ranked)):
        m, fine = (
            least_dimension(n, q, tolerance=tolerance, sets=sets, repeats=repeats, seed=seed, precision=precision)
            for precision in (FLOAT64, _FINE)
        )
        rng = random_stream(seed, n)
        chosen, keys = random_sets(n, q, sets, rng), rng.integers(2**62, size=repeats).tolist()
        units.append(UnitRow(n, m, *_least_size(n, q, fine, chosen, keys, tolerance)))
    return ModelSizes(q, tolerance, sets, repeats, seed, tuple(matrices), tuple(units))


def _least_size(
    tokens: int, sparsity: int, fine: int, sets: Integers, keys: Sequence[int], tolerance: float
) -> tuple[int, int]:
    """The precision and dimension of the least product m p found, from a fine precision with a dimension that suffices.

    Bisection finds the least dimension at each precision as if more dimensions never hurt, so it finds no threshold.
    """

    def within(precision: Precision, dimension: int) -> bool:
        units = (RestrictedIsometryUnit(tokens, sparsity, dimension, seed=key, precision=precision) for key in keys)
        return median(float(unit.deviation(sets).max()) for unit in units) <= tolerance

    best = _FINE.bits, fine
    for precision in _COARSER:
        # Only smaller products count, so that a precision too coarse for any dimension ends at once.
        short, enough = 0, (best[0] * best[1] - 1) // precision.bits
        if not within(precision, enough):
            continue
        while enough - short > 1:
            middle = (short + enough) // 2
            short, enough = (short, middle) if within(precision, middle) else (middle, enough)
        best = precision.bits, enough
    return best
