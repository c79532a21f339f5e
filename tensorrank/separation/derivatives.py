"""The catalecticant method for polynomials that are not homogeneous, as with residual connections.

Let y = sum_q x_q P_q(M_A + M_B) with P_q of degree up to C, and let each side have at least d tokens. The separation
rank of y is then the rank of a single matrix. Its entries are the values at 0 of the derivatives of P_q by (a, b), for
all a and b with |a| + |b| <= C.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from tensorrank.arithmetic.elimination.costs import elimination_bytes, elimination_work
from tensorrank.arithmetic.elimination.engine_choice import EngineName, preferred_engine
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import Progress
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.architecture import Instance
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.jobs import Job, JobKey, JobRank
from tensorrank.separation.limits import SIDE_BYTES, Limits, lattice_bytes, lattice_work
from tensorrank.separation.monomials import monomial_count


@dataclass(frozen=True)
class DerivativePlan:
    """What all derivatives at once would take: bytes at the peak, and operations in all.

    The width is d and the degree C. The matrix of derivatives has ((D + 1, C)) rows, and d times as many columns.
    """

    width: int
    degree: int
    shape: tuple[int, int]
    memory: float
    work: float

    def __str__(self) -> str:
        return f"all {self.shape[0]} x {self.shape[1]} derivatives at once"


def derivative_plan(width: int, degree: int, rank_bound: int, limits: Limits) -> DerivativePlan | None:
    """The plan, or None if it does not fit within the limits."""
    variables = width * (width + 1) // 2 + 1
    rows = monomial_count(variables, degree)
    shape = rows, width * rows
    sides = (sum(shape) * variables) * SIDE_BYTES
    memory = lattice_bytes(rows, width, degree, variables) + elimination_bytes(*shape) + sides
    work = lattice_work(rows, width, degree, variables) + 2.0 * min(rank_bound, rows) * shape[0] * shape[1]
    if memory > limits.memory or work > limits.work:
        return None
    return DerivativePlan(width, degree, shape, memory, work)


def derivatives_job(
    plan: DerivativePlan, engine: EngineName, device: str, field: PrimeField, instance: Instance, draw: int
) -> Job:
    """The job that finds the rank over GF(p), p above the degree, of all derivatives of one draw."""
    key = JobKey(draw, field.prime, -1, str(plan))
    return Job(key, partial(_rank, instance, field, plan, engine, device), memory=plan.memory, work=plan.work, room=plan.memory)


def _rank(
    instance: Instance,
    field: PrimeField,
    plan: DerivativePlan,
    named: EngineName,
    device: str,
    shared: None,
    pool: Workers,
    report: Progress,
) -> JobRank:
    form = HankelForm.inhomogeneous(instance, field, plan.width, plan.degree, pool)
    engine = preferred_engine(field, named, elimination_work(*plan.shape), device)
    rank = rank_in_place(form.derivatives(pool), engine, pool, report)
    return JobRank(rank, *plan.shape, complete=True, engine=engine.name)
