"""Dimension against precision: how few bits a unit with moment-curve keys needs to select any q of N tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import comb, log2
from typing import Any

from tensorrank.arguments import whole_number
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.experiments.sparse_averaging import allowed_error
from tensorrank.tasks.token_sets import all_sets, random_sets
from tensorrank.units.selection import least_bits
from tensorrank.units.selection_units import MomentCurveUnit


@dataclass(frozen=True)
class BitsRow:
    """A unit with moment-curve keys of one dimension.

    Attributes:
        dimension: m.
        bits: p, the least from which on, up to 52, every set is averaged within the tolerance; None if 52 are too few.
        reach: the largest coordinate of a query, which fixed point has to cover; keys have coordinates up to 1.
    """

    dimension: int
    bits: int | None
    reach: float

    @property
    def size(self) -> int | None:
        """The bits of a query, m p."""
        return None if self.bits is None else self.dimension * self.bits

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"dimension": self.dimension, "bits": self.bits, "reach": self.reach, "size": self.size}


@dataclass(frozen=True)
class BitsByDimension:
    """Bits against dimension, at one N and q.

    Attributes:
        tokens: N.
        sparsity: q.
        tolerance: the error allowed, as the L1 distance of an attention row from the uniform one on its set.
        sets: how many sets had to be right.
        exhaustive: whether these are all.
        seed: of the sets, if they are not.
        rows: by dimension.
    """

    tokens: int
    sparsity: int
    tolerance: float
    sets: int
    exhaustive: bool
    seed: int
    rows: tuple[BitsRow, ...]

    @property
    def least_size(self) -> float | None:
        """log2 C(N, q): what m p is at least for a unit whose query alone depends on the set.

        One row of attention cannot be within 1/q of the averages over two sets. None for a tolerance of 1/q or more.
        """
        return log2(comb(self.tokens, self.sparsity)) if self.tolerance < 1 / self.sparsity else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "sparse_averaging_bits",
            "tokens": self.tokens,
            "sparsity": self.sparsity,
            "tolerance": self.tolerance,
            "sets": self.sets,
            "exhaustive": self.exhaustive,
            "seed": self.seed,
            "least_size": self.least_size,
            "rows": [row.to_dict() for row in self.rows],
        }


def bits_by_dimension(
    tokens: int = 32,
    sparsity: int = 2,
    dimensions: Sequence[int] | None = None,
    *,
    tolerance: float = 0.2,
    sets: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> BitsByDimension:
    """The least precision from which on a unit with keys on the moment curve averages any q of N tokens, for several m.

    At m = 2q, the least dimension at which every set can be selected when N is 3q or more, queries have a closed form;
    above it they have the largest margin.

    Args:
        tokens: N.
        sparsity: q, less than N.
        dimensions: m, even numbers from 2q; by default 2q, 2q + 2, 2q + 4 and so on in steps that grow, below N.
        tolerance: the error allowed, above 0 and below 2; queries are scaled so that in float64 it is at most
            1 / (4q), and what is above that is left to rounding.
        sets: how many random sets have to be right; all of them if None.
        seed: of random sets.
        progress: called with the dimension, the dimensions done and their number.

    Raises:
        TensorRankError: if a number is out of range, or a dimension is odd or below 2q.

    Source: Sanford, Hsu and Telgarsky 2023 (S23) for the cyclic polytope, whose vertices moment-curve keys are.

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
    sizes = sorted({whole_number("a dimension", m, 1) for m in dimensions})
    if not sizes:
        raise TensorRankError(f"no dimensions were given; expected at least one even number from {2 * q}")
    units = [MomentCurveUnit(n, q, m) for m in sizes]
    rows = []
    for done, (m, unit) in enumerate(zip(sizes, units, strict=True)):
        if progress is not None:
            progress(f"m = {m}", done, len(sizes))
        reach = unit.scale_for(chosen)
        rows.append(BitsRow(m, least_bits(replace(unit, scale=reach), chosen, tolerance), reach))
    return BitsByDimension(n, q, tolerance, len(chosen), sets is None, seed, tuple(rows))


def _dimensions(tokens: int, sparsity: int) -> list[int]:
    """From 2q in steps of 2 at first, then of about a quarter, to the last below N."""
    found = [2 * sparsity]
    while found[-1] < tokens:
        found.append(found[-1] + max(2, found[-1] // 8 * 2))
    return [m for m in found if m < tokens] or [2 * sparsity]
