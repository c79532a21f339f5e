"""Limits on the memory and the work of a separation rank, and what parts of the computation take of them."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

from tensorrank.arithmetic.elimination.costs import MOST_THREADS
from tensorrank.arithmetic.resources import amount, memory_limit, work_limit
from tensorrank.separation.monomials import monomial_count

# Bytes for each variable of each row's and column's monomial.
SIDE_BYTES = 16
# Blocks of up to this work keep one thread busy longer than they would gain from several.
SMALL_BLOCK = 2 / 3 * 3000**3
# A few rows or columns more than a rank can be: a matrix that reaches its bound is then seen to saturate.
SPARE = 8
# Blocks are listed by degree up to this one. No lattice of a larger degree fits anyway, except at width 1.
MOST_DEGREES = 10**5
# All of finitely many inputs are tried if their values are no more than this.
MOST_ENTRIES = 2**22
# Bytes for what is kept of a block that follows from others.
DEGREE_BYTES = 1000
# Operations a second that two cores of 2020s hardware sustain throughout a computation.
TYPICAL_RATE = 5e10
# Costs measured against the rate of a matrix product. A layer has costs for each row of M and for each of d^3 products,
# interpolation for each entry of a line that a point is on.
_ROW_COST, _PRODUCT_COST = 4000, 8
_INTERPOLATION_COST = 330
# Entries of moments under evaluation at once.
BATCH_ENTRIES = 2**17


@dataclass(frozen=True)
class Limits:
    """Limits on memory, in bytes, and on work, in operations of a matrix product in float64 (infinite by default).

    With `files`, Hankel blocks larger than the memory are eliminated over files instead of being cut.
    """

    memory: int
    work: float = math.inf
    files: bool = False

    @classmethod
    def of(cls, memory: int | str | None, work: float | None, *, files: bool = False) -> Limits:
        """Read the limits that a user gives: memory as `memory_limit` reads it, work in operations."""
        return cls(memory_limit(memory), work_limit(work), files)

    def covers(self, other: Limits) -> bool:
        """True if all that can be computed under the other limits can be computed under these."""
        # With files blocks are not cut, but lattices and blocks of few tokens are: more memory may still tell more.
        files = self.files or not other.files
        return files and other.memory <= self.memory and other.work <= self.work

    def __str__(self) -> str:
        memory = f"memory limit {amount(self.memory)}{' with files' if self.files else ''}"
        return memory if math.isinf(self.work) else f"{memory}, work limit {self.work:.2g} operations"


def lattice_work(points: int, width: int, degree: int, variables: int) -> float:
    """Operations of evaluating d polynomials of degree C at so many points and interpolating them."""
    if points > sys.float_info.max / 1e40:
        return math.inf
    layers = max(1.0, math.log(2 * degree + 1, 3))
    lines, length = min(variables - 1, 2 * degree), 1 + degree / variables
    evaluation = layers * (_ROW_COST * width + _PRODUCT_COST * width**3)
    return points * (evaluation + _INTERPOLATION_COST * lines * length * width)


def lattice_bytes(points: int, width: int, degree: int, variables: int) -> int:
    """Memory for the coefficients, for the list of lines along an axis, and for points under evaluation."""
    heads = monomial_count(variables - 1, degree - 1) * min(variables, degree)
    return 4 * points * width + 8 * heads + 16 * min(points * width**2, MOST_THREADS * BATCH_ENTRIES)
