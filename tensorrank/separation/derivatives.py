"""The moment path for polynomials that are not homogeneous, as with residual connections: all derivatives at once.

y = sum_q x_q P_q(M_A + M_B) with P_q of degree up to C has as its separation rank the rank of one matrix, of the
values at 0 of the derivatives of P_q by (a, b) for all a and b with |a| + |b| <= C (at least d tokens on each side).
"""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.arithmetic.elimination.costs import elimination_bytes
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import Progress, Workers
from tensorrank.separation.architecture import Instance
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.jobs import BlockRank, JobKey
from tensorrank.separation.limits import SIDE_BYTES, Limits, lattice_bytes, lattice_work
from tensorrank.separation.monomials import monomial_count


@dataclass(frozen=True)
class DerivativePlan:
    """What it takes.

    Attributes:
        width: d.
        degree: C.
        shape: rows and columns of the matrix of derivatives, ((D + 1, C)) and d times as many.
        memory: bytes at the peak.
        work: operations in all.
    """

    width: int
    degree: int
    shape: tuple[int, int]
    memory: float
    work: float

    def __str__(self) -> str:
        return f"all {self.shape[0]} x {self.shape[1]} derivatives at once"


def derivative_plan(width: int, degree: int, rank_bound: int, limits: Limits) -> DerivativePlan | None:
    """The plan, if it fits within the limits."""
    variables = width * (width + 1) // 2 + 1
    rows = monomial_count(variables, degree)
    shape = rows, width * rows
    sides = (sum(shape) * variables) * SIDE_BYTES
    memory = lattice_bytes(rows, width, degree, variables) + elimination_bytes(*shape) + sides
    work = lattice_work(rows, width, degree, variables) + 2.0 * min(rank_bound, rows) * shape[0] * shape[1]
    if memory > limits.memory or work > limits.work:
        return None
    return DerivativePlan(width, degree, shape, memory, work)


@dataclass(frozen=True, eq=False)
class DerivativesJob:
    """The rank over GF(p) of all derivatives of one draw; p above the degree.

    Attributes:
        instance: one function.
        field: GF(p).
        plan: what it takes.
        draw: the number of the draw.
    """

    instance: Instance
    field: PrimeField
    plan: DerivativePlan
    draw: int
    shared: None = None

    @property
    def key(self) -> JobKey:
        """Draw, prime and size."""
        return JobKey(self.draw, self.field.prime, -1, str(self.plan))

    @property
    def memory(self) -> float:
        """Bytes at the peak."""
        return self.plan.memory

    @property
    def room(self) -> float:
        """Nothing runs beside it."""
        return self.plan.memory

    @property
    def work(self) -> float:
        """Operations expected."""
        return self.plan.work

    def rank(self, shared: None, pool: Workers, report: Progress) -> BlockRank:
        """Fill the matrix and eliminate it."""
        form = HankelForm.inhomogeneous(self.instance, self.field, self.plan.width, self.plan.degree, pool)
        rank = rank_in_place(form.derivatives(pool), self.field, pool, report)
        return BlockRank(rank, self.plan.shape, complete=True)
