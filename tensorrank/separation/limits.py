"""How much memory and work a separation rank may take, and what that leaves room for."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass

from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import TensorRankError

# Bytes per entry of a block under elimination: float64, and room for tiles and the lists of monomials.
BLOCK_BYTES = 8 * 1.25
# A few rows or columns more than a rank can be: a matrix that reaches its bound is then seen to saturate.
SPARE = 8
# Blocks are listed by degree up to this one; no lattice of such a degree fits anyway, but that of width 1.
MOST_DEGREES = 10**5
# Bytes for what is kept of a block that follows from others.
DEGREE_BYTES = 1000
# Operations a second that two cores of 2020s hardware sustain in all of this.
TYPICAL_RATE = 3e10
# What a layer costs for each of the d^3 products in it, and interpolation for each component of a point, measured
# against the rate of a matrix product.
_LAYER_COST = 400
_INTERPOLATION_COST = 25


@dataclass(frozen=True)
class Limits:
    """Bytes, and floating point operations at the rate of a matrix product (infinite if not limited)."""

    memory: int
    work: float = math.inf

    @classmethod
    def of(cls, memory: int | str | None, work: float | None) -> Limits:
        """Limits from what a user gives: memory as `memory_limit` reads it, work in operations.

        Raises:
            TensorRankError: if either is no positive amount.
        """
        if work is not None and (not isinstance(work, numbers.Real) or isinstance(work, bool) or not work > 0):
            raise TensorRankError(f"the work limit is {work!r}; expected a positive number of operations, such as 1e12")
        return cls(memory_limit(memory), math.inf if work is None else float(work))

    def __str__(self) -> str:
        power = min(3, int(math.log(max(1, self.memory), 1024)))
        memory = f"memory limit {self.memory / 1024**power:.3g} {('bytes', 'KiB', 'MiB', 'GiB')[power]}"
        return memory if math.isinf(self.work) else f"{memory}, work limit {self.work:.2g} operations"


def elimination_work(rows: int, columns: int) -> float:
    """Operations of eliminating a full-rank matrix of this shape."""
    short, long = min(rows, columns), max(rows, columns)
    return short * short * (long - short / 3)


def lattice_work(points: int, width: int, degree: int, variables: int) -> float:
    """Operations of evaluating d polynomials of degree C at so many points and interpolating them."""
    layers = max(1.0, math.log(2 * degree + 1, 3))
    return points * (_LAYER_COST * layers * width**3 + _INTERPOLATION_COST * variables * degree * width)


def lattice_bytes(points: int, width: int, variables: int) -> int:
    """Memory for the exponents, their suffix sums and points, and a few copies of the coefficients."""
    return points * (16 * variables + 32 * width)
