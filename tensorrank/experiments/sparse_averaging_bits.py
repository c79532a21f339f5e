"""Dimension against precision: how few bits a unit with moment-curve keys needs to select any q of N tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb, log2

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.experiments.experiment import Experiment, ascending, told
from tensorrank.experiments.sparse_averaging import allowed_error
from tensorrank.records import Record
from tensorrank.tasks.token_sets import all_sets, random_sets
from tensorrank.units.selection import least_bits
from tensorrank.units.selection_units import MomentCurveUnit


@dataclass(frozen=True)
class BitsRow(Record):
    """A unit with moment-curve keys of one dimension.

    Attributes:
        dimension: the dimension of queries and keys, m.
        bits: the precision p, the least from which on, up to 52, every set is averaged within the tolerance; None if 52
            bits are too few.
        reach: the largest coordinate of a query, which fixed point has to cover; keys have coordinates up to 1.
    """

    derived = ("size",)
    dimension: int
    bits: int | None
    reach: float

    @property
    def size(self) -> int | None:
        """The bits of a query, m p."""
        return None if self.bits is None else self.dimension * self.bits


@checked
@dataclass(frozen=True)
class BitsByDimension(Experiment, name="sparse_averaging_bits"):
    """Bits against dimension, at one N and q.

    Attributes:
        tokens, sparsity, tolerance, seed: as given to `bits_by_dimension`.
        sets: the number of sets that had to be right.
        exhaustive: whether these are all sets.
        rows: one row a dimension.

    >>> bits_by_dimension(6, 1, [2]).exhaustive
    True
    """

    derived = ("least_size",)
    tokens: int
    sparsity: int
    tolerance: float
    sets: int
    exhaustive: bool
    seed: int
    rows: tuple[BitsRow, ...]

    @property
    def least_size(self) -> float | None:
        """log2 C(N, q), the least m p of a unit whose query alone depends on the set; None for a tolerance from 1/q on.

        The bound holds below 1/q because no row of attention is then right for two sets.
        """
        return log2(comb(self.tokens, self.sparsity)) if self.tolerance < 1 / self.sparsity else None


@checked
@with_progress
def bits_by_dimension(
    tokens: int = 32,
    sparsity: int = 2,
    dimensions: Sequence[int] | None = None,
    *,
    tolerance: float = 0.2,
    sets: int | None = None,
    seed: int = 0,
    progress: ProgressLike = None,
) -> BitsByDimension:
    """The least precision from which on a unit with keys on the moment curve averages any q of N tokens, for several m.

    When N is 3q or more, m = 2q is the least dimension at which every set can be selected. Queries of this dimension
    have a closed form; queries of more dimensions have the largest margin.

    Args:
        tokens: the number of tokens, N.
        sparsity: the number of tokens averaged, q, less than N.
        dimensions: even dimensions m from 2q on; by default 2q, 2q + 2, 2q + 4 and so on below N, in steps that grow.
        tolerance: the error allowed, as the L1 distance of a row of attention from the uniform row on its set: above 0
            and below 2. Queries are scaled so that the error in float64 is at most 1 / (4q); the rest of the tolerance
            is left to rounding.
        sets: the number of random sets that have to be right; all sets if None.
        seed: the seed of random sets.
        progress: True shows a line in a terminal or a notebook; a function is called with the dimensions done, their
            number and the next dimension in words.

    Raises:
        TensorRankError: if a number is out of range, or a dimension is odd or below 2q.

    Source: Sanford, Hsu, Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023); keys on
    the moment curve are the vertices of its cyclic polytope.

    >>> found = bits_by_dimension(9, 2)
    >>> [(row.dimension, row.size > found.least_size) for row in found.rows]
    [(4, True), (6, True), (8, True)]
    """
    allowed_error(tolerance)
    q = whole_number("sparsity", sparsity, 1)
    n = whole_number("tokens", tokens, q + 1)
    if dimensions is None:
        dimensions = _dimensions(n, q)
    chosen = all_sets(n, q) if sets is None else random_sets(n, q, whole_number("sets", sets, 1), seed=seed)
    units = [MomentCurveUnit(n, q, m) for m in ascending("dimensions", dimensions, such_as=2 * q)]
    rows = []
    for unit in told(units, reporter(progress), lambda unit: f"m = {unit.dimension}"):
        reach = unit.scale_for(chosen)
        rows.append(BitsRow(unit.dimension, least_bits(replace(unit, scale=reach), chosen, tolerance), reach))
    return BitsByDimension(n, q, tolerance, len(chosen), sets is None, seed, tuple(rows))


def _dimensions(tokens: int, sparsity: int) -> list[int]:
    """Dimensions from 2q on in steps of 2 at first, then of about a quarter, to the last below N."""
    found = [2 * sparsity]
    while found[-1] < tokens:
        found.append(found[-1] + max(2, found[-1] // 8 * 2))
    return [m for m in found if m < tokens] or [2 * sparsity]
