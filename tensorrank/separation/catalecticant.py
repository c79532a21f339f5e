"""The catalecticant method: the separation rank as a sum of ranks of Hankel blocks, one for each degree.

With at least d tokens on each side the blocks are the matrices Cat_k of `hankel`. Rows grow with k and columns fall, so
there is a crossing. If the block on each side of the crossing reaches its bound, then by the two facts in `hankel` so
do all others, and these two blocks are enough. With fewer than d tokens on a side the blocks are those of `parts`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf, isqrt, prod
from pathlib import Path

import numpy as np

from tensorrank.arithmetic.elimination.costs import elimination_bytes, elimination_work, operation_cost
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName
from tensorrank.arithmetic.elimination.engines import Doubles, storage
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import LARGEST_PRIME, primes_below
from tensorrank.separation.architecture import Instance
from tensorrank.separation.blocks import BlockElimination, HankelBlock, Lattice, strip_width
from tensorrank.separation.draws import certifying_primes
from tensorrank.separation.hilbert import MomentSpaces, block_shape, moment_spaces
from tensorrank.separation.jobs import Job, JobKey, JobRank, Rounds
from tensorrank.separation.limits import (
    DEGREE_BYTES,
    MOST_DEGREES,
    SIDE_BYTES,
    SMALL_BLOCK,
    SPARE,
    Limits,
    lattice_bytes,
    lattice_work,
)
from tensorrank.separation.monomials import monomial_count
from tensorrank.separation.parts import SampledBlock, SampledParts, inputs_of, parts_bytes

# Operations of matrices that take longer than loading what multiplies small residues fast.
WORTH_CERTIFYING = 2e10
# The engine of the widest residues.
_WIDEST = Doubles(PrimeField(LARGEST_PRIME))
# Blocks computed ahead of need, to one side of the crossing.
_AHEAD = 8


@dataclass(frozen=True)
class CatalecticantPlan:
    """Which Hankel blocks the method would compute for a model, and what they take.

    Attributes:
        width: d.
        tokens: how many on the output token's side, and on the other.
        spaces: the function spaces of the two sides, whose dimensions bound the blocks.
        variables: how many of the d(d+1)/2 entries of M are kept; 0 if nothing fits.
        lattice: the number of evaluation points; 0 for few tokens.
        side: the most rows and columns of a block that fit; None if there is no such limit.
        blocks: the blocks that are computed if all of them reach their bounds; the ranks of the others follow then.
        memory: bytes at the peak.
        work: operations in all, in those of float64.
        fixed_memory: bytes of the memory that the lattice takes, or for few tokens all parts.
        fixed_work: operations of the work that the lattice takes, or for few tokens all parts.
        pair_work: for few tokens, the operations for all parts at one pair of inputs.
        entry: bytes that a residue takes.
        certifies: whether blocks are tried at a small prime first.
        proved: upper bounds on the ranks of the blocks, by degree; empty where only their shapes bound them.
    """

    width: int
    tokens: tuple[int, int]
    spaces: MomentSpaces
    variables: int
    lattice: int
    side: int | None
    blocks: tuple[HankelBlock, ...]
    memory: float
    work: float
    fixed_memory: float = 0
    fixed_work: float = 0
    pair_work: float = 0
    entry: int = 4
    certifies: bool = False
    proved: tuple[int, ...] = ()

    def bound(self, k: int) -> int:
        """The upper bound on the rank of the block of degree k."""
        return min(*block_shape(self.spaces, k), *self.proved[k : k + 1])

    @property
    def full(self) -> bool:
        """True if both sides have at least as many tokens as the width."""
        return min(self.tokens) >= self.width

    @property
    def feasible(self) -> bool:
        """True if anything can be computed within the limits."""
        return self.variables > 0

    def potential(self) -> int:
        """The largest lower bound that these blocks, and those that follow from them, can give."""
        total = sum(min(block.used) for block in self.blocks)
        if self.full and self.blocks:
            total += sum(_shape(self, k)[0] for k in range(self.blocks[0].degree))
            total += sum(_shape(self, k)[1] for k in range(self.blocks[-1].degree + 1, self.spaces.degree + 1))
        return total

    @property
    def whole(self) -> bool:
        """True if no block is cut and all entries of M are kept."""
        return self.variables == self.width * (self.width + 1) // 2 and not any(block.cut for block in self.blocks)

    def __str__(self) -> str:
        blocks = ", ".join(
            f"degree {block.degree}: {block.used[0]} x {block.used[1]}" + (" (cut)" if block.cut else "")
            for block in self.blocks[:6]
        )
        more = f" and {len(self.blocks) - 6} more" if len(self.blocks) > 6 else ""
        if not self.full:
            rows, columns = inputs_of(self.blocks)
            return f"parts of the values at {rows} x {columns} inputs, blocks {blocks}{more}"
        return f"{self.lattice} lattice points in {self.variables} variables, blocks {blocks}{more}"


def catalecticant_plan(
    width: int,
    degree: int,
    tokens: tuple[int, int],
    limits: Limits,
    *,
    primes: Sequence[object] | None = None,
    eager: bool = False,
    above: int | None = None,
    pair_work: float = 0,
) -> CatalecticantPlan:
    """The largest plan within the limits: all entries of M if possible, blocks as large as fit.

    Blocks of much work are tried at a small prime first, where residues take less room; if `eager`, blocks of any work.
    Every prime is above the number `above`, by default the degree. Where primes are given, residues take the room that
    these need. With few tokens the parts of the values at one pair of inputs take the operations `pair_work`.
    """
    if primes is not None:
        largest = max((prime for prime in primes if isinstance(prime, int)), default=LARGEST_PRIME)
        return _plan_of(width, degree, tokens, limits, storage(min(largest, LARGEST_PRIME)).itemsize, pair_work)
    small = certifying_primes(degree if above is None else above)
    if small is not None:
        quick = _plan_of(width, degree, tokens, limits, storage(next(primes_below(small.most))).itemsize, pair_work)
        operations = sum(block.work for block in quick.blocks)
        if quick.blocks and (eager or operations > max(WORTH_CERTIFYING, quick.fixed_work)):
            return replace(quick, certifies=True)
    return _plan_of(width, degree, tokens, limits, _WIDEST.storage.itemsize, pair_work)


def _plan_of(
    width: int, degree: int, tokens: tuple[int, int], limits: Limits, entry: int, pair_work: float
) -> CatalecticantPlan:
    """The largest plan with so many bytes an entry."""
    spaces = moment_spaces(width, degree, *tokens)
    entries = width * (width + 1) // 2
    nothing = CatalecticantPlan(width, tokens, spaces, 0, 0, None, (), 0, 0, pair_work=pair_work, entry=entry)
    if degree > MOST_DEGREES:
        return nothing
    if not nothing.full:
        return _largest(replace(nothing, variables=entries), limits) or nothing
    # With fewer entries of M submatrices of the blocks remain.
    for variables in range(_most_variables(width, degree, entries, limits), 0, -1):
        lattice, fixed_memory, fixed_work = _fixed(width, degree, variables)
        draft = replace(nothing, variables=variables, lattice=lattice, fixed_memory=fixed_memory, fixed_work=fixed_work)
        found = _largest(draft, limits)
        if found is not None:
            return found
    return nothing


def _fixed(width: int, degree: int, variables: int) -> tuple[int, float, float]:
    """The points of the lattice with so many entries of M, and the memory and work that it takes."""
    lattice = monomial_count(variables, degree)
    fixed_memory = lattice_bytes(lattice, width, degree, variables) + degree * DEGREE_BYTES
    return lattice, fixed_memory, lattice_work(lattice, width, degree, variables)


def _most_variables(width: int, degree: int, entries: int, limits: Limits) -> int:
    """The most entries of M whose lattice leaves at least half of everything to the blocks; 0 if one is too many.

    A larger lattice is worth little without blocks.
    """

    def is_too_large(variables: int) -> bool:
        _, memory, work = _fixed(width, degree, variables)
        return memory > limits.memory / 2 or work > limits.work / 2

    # Both grow with the entries, of which wide networks have millions.
    return bisect_left(range(1, entries + 1), True, key=is_too_large)


def _largest(draft: CatalecticantPlan, limits: Limits) -> CatalecticantPlan | None:
    """The plan with the largest blocks that fit beside what a draft fixes; None if not even small ones do."""
    # A block of few tokens is eliminated in memory, which holds no longer sides than those of a square.
    side = None if draft.full or limits.memory == inf else isqrt(int(limits.memory))
    while True:
        degrees = _staircase(draft, side) if draft.full else range(draft.spaces.degree + 1)
        blocks = tuple(_block(draft, k, side) for k in degrees)
        if not draft.full:
            fixed_memory = parts_bytes(blocks, draft.spaces.degree, draft.entry)
            draft = replace(draft, fixed_memory=fixed_memory, fixed_work=draft.pair_work * prod(inputs_of(blocks)))
        memory = draft.fixed_memory + max(_bytes_within(draft, block, limits) for block in blocks)
        work = draft.fixed_work + operation_cost(draft.entry) * sum(block.work for block in blocks)
        if memory <= limits.memory and work <= limits.work:
            return replace(draft, side=side, blocks=blocks, memory=memory, work=work)
        largest = max(min(block.used) for block in blocks)
        smallest = max(draft.width, SPARE)
        if largest <= smallest:
            return None
        side = max(smallest, int(largest * 0.93))


def _hankel_shape(plan: CatalecticantPlan, k: int) -> tuple[int, int]:
    return plan.width * monomial_count(plan.variables, k), monomial_count(plan.variables, plan.spaces.degree - k)


def _shape(plan: CatalecticantPlan, k: int) -> tuple[int, int]:
    return _hankel_shape(plan, k) if plan.full else block_shape(plan.spaces, k)


def _block(plan: CatalecticantPlan, k: int, side: int | None) -> HankelBlock:
    rows, columns = shape = _shape(plan, k)
    # A few rows or columns beyond the shorter side decide the rank as well as all do, unless it comes out short.
    if side is not None and min(rows, columns) > side:
        return HankelBlock(k, shape, (side, side))
    most = min(rows, columns) + SPARE
    return HankelBlock(k, shape, (min(rows, most), min(columns, most)))


def _staircase(plan: CatalecticantPlan, side: int | None) -> range:
    """The degrees of the blocks that decide all others if they reach their bounds, and of the cut ones between."""
    degree, most = plan.spaces.degree, inf if side is None else side

    def rows_pass(k: int) -> bool:
        rows, columns = _shape(plan, k)
        return rows > min(columns, most)

    def columns_fit(k: int) -> bool:
        rows, columns = _shape(plan, k)
        return columns < rows and columns <= most

    # Rows grow with k and columns fall: the last block whose rows are shorter and fit, the first whose columns are.
    left = bisect_left(range(degree + 1), True, key=rows_pass) - 1
    right = bisect_left(range(degree + 1), True, lo=left + 1, key=columns_fit)
    return range(max(left, 0), min(right, degree) + 1)


def _block_bytes(plan: CatalecticantPlan, block: HankelBlock, entry: int) -> float:
    """Bytes of a block whose residues take so many each."""
    used_rows, used_columns = block.used
    sides = (used_rows + used_columns) * plan.variables * SIDE_BYTES if plan.full else 0
    return elimination_bytes(used_rows, used_columns, entry) + sides


def _bytes_within(plan: CatalecticantPlan, block: HankelBlock, limits: Limits) -> float:
    """Bytes of a block beside the fixed memory: what is left, if it takes more but can be eliminated over files."""
    needed, room = _block_bytes(plan, block, plan.entry), limits.memory - plan.fixed_memory
    if needed > room and limits.files and plan.full and strip_width(block, plan.variables, room, _WIDEST):
        return room
    return needed


class Catalecticant:
    """Computes the ranks of the blocks of one function over GF(p): one draw.

    The draw's own seed comes from `rng`. Blocks larger than the memory are eliminated in the folder `scratch`, if the
    limits allow files.
    """

    def __init__(
        self,
        instance: Instance,
        field: PrimeField,
        plan: CatalecticantPlan,
        limits: Limits,
        rng: np.random.Generator,
        draw: int = 0,
        scratch: Path | None = None,
        engine: EngineName = "auto",
        device: str = HOST,
    ) -> None:
        self.plan, self.draw, self.scratch, self.engine, self.device = plan, draw, scratch, engine, device
        self.degree = plan.spaces.degree
        self.instance, self.field = instance, field
        self.lattice = Lattice(instance, field, plan.width, self.degree, plan.variables)
        self.seed = int(rng.integers(2**63))
        # What the lattice leaves for blocks.
        self.memory = limits.memory
        self.room = limits.memory - plan.fixed_memory
        self.entry = storage(field.prime).itemsize
        self.cost = operation_cost(self.entry)
        self.work = limits.work - plan.fixed_work
        # Work that the plan leaves is shared out by size beforehand, so that no block depends on what others took.
        every = sum(elimination_work(*_shape(plan, k)) for k in range(self.degree + 1)) if limits.work < inf else 1.0
        left = self.work / self.cost - sum(block.work for block in plan.blocks)
        self.spare = max(0.0, left) / every

    def all_blocks(self) -> Rounds[dict[int, JobRank]]:
        """Compute a certified rank for every degree."""
        return (yield from self.outward((yield from self.crossing())))

    def crossing(self) -> Rounds[dict[int, JobRank]]:
        """Compute the blocks of the plan, which decide all others if they reach their bounds."""
        return (yield from self._ranks(self.plan.blocks))

    def outward(self, found: dict[int, JobRank]) -> Rounds[dict[int, JobRank]]:
        """Compute, or conclude from the blocks known, a certified rank for every degree."""
        found = dict(found)
        if not self.plan.full:
            return found
        first, last = self.plan.blocks[0].degree, self.plan.blocks[-1].degree
        # Go outwards from both ends. Once the rows of a block, or its columns, are independent, so are all beyond.
        fronts = [list(range(first, -1, -1)), list(range(last, self.degree + 1))]
        while any(fronts):
            for side, degrees in enumerate(fronts):
                while degrees and degrees[0] in found:
                    k = degrees.pop(0)
                    if found[k].rank == _shape(self.plan, k)[side]:
                        found |= {j: JobRank(_shape(self.plan, j)[side], 0, 0, complete=True) for j in degrees}
                        degrees.clear()
            further = [block for degrees in fronts for block in self._next(degrees)]
            if further:
                found |= yield from self._ranks(further)
        return found

    def some_blocks(self, degrees: Iterable[int]) -> Rounds[dict[int, JobRank]]:
        """Compute the ranks of the whole blocks of these degrees."""
        return (yield from self._ranks(_block(self.plan, k, None) for k in degrees))

    def short(self, found: Mapping[int, JobRank]) -> list[int]:
        """The degrees of the blocks that were computed as the plan has them, not cut, and are short of full rank."""
        whole = {k: _block(self.plan, k, self.plan.side) for k, rank in found.items() if any(rank.samples)}
        return [k for k, block in whole.items() if not block.cut and found[k].rank < min(*block.used, self.plan.bound(k))]

    def fit(self, degrees: Iterable[int]) -> bool:
        """True if the whole blocks of these degrees fit the limits with residues of every supported prime."""
        blocks = [_block(self.plan, k, None) for k in degrees]
        operations = {block.degree: block.work for block in blocks}
        # As in the plan, those of its blocks count together.
        together = sum(operations.get(block.degree, 0.0) for block in self.plan.blocks)
        if max([together, *operations.values()]) > self.work:
            return False
        if not self.plan.full:
            held = parts_bytes(blocks, self.degree, _WIDEST.storage.itemsize) if blocks else 0.0
            return all(held + _block_bytes(self.plan, block, _WIDEST.storage.itemsize) <= self.memory for block in blocks)
        if self.scratch is not None:
            return all(strip_width(block, self.plan.variables, self.room, _WIDEST) for block in blocks)
        return all(_block_bytes(self.plan, block, _WIDEST.storage.itemsize) <= self.room for block in blocks)

    def _next(self, degrees: list[int]) -> list[HankelBlock]:
        """The blocks to compute next: one, and as many beyond it, ahead of need, as are cheap together."""
        blocks = [_block(self.plan, k, self.plan.side) for k in degrees[:_AHEAD]]
        cheap = sum(1 for total in accumulate(block.work for block in blocks) if total <= SMALL_BLOCK)
        return blocks[: max(1, cheap)]

    def _ranks(self, blocks: Iterable[HankelBlock]) -> Rounds[dict[int, JobRank]]:
        listed = tuple(blocks)
        jobs = [self._job(block) for block in listed] if self.plan.full else self._jobs_of_parts(listed)
        ranks = yield jobs
        return {job.key.degree: rank for job, rank in zip(jobs, ranks, strict=True)}

    def _job(self, block: HankelBlock) -> Job:
        plan, scratch = self.plan, self.scratch
        asked = f"block of {block.used[0]} x {block.used[1]}, {plan.variables} variables"
        in_memory = _block_bytes(plan, block, self.entry)
        allowance = self.spare * elimination_work(*block.shape) if self.spare < inf else inf
        by = scratch, self.engine, self.device
        return Job(
            JobKey(self.draw, self.field.prime, block.degree, asked),
            BlockElimination(block, self.seed, block.work, in_memory, self.room, allowance, *by),
            memory=in_memory if scratch is None else min(in_memory, self.room),
            work=self.cost * block.work,
            room=self.room,
            shared=self.lattice,
        )

    def _jobs_of_parts(self, blocks: tuple[HankelBlock, ...]) -> list[Job]:
        """The jobs of blocks with few tokens, which share the parts of the values."""
        plan = self.plan
        shared = SampledParts(
            self.instance, self.field, plan.width, self.degree, plan.tokens, blocks, self.seed, plan.pair_work
        )
        return [
            Job(
                JobKey(self.draw, self.field.prime, block.degree, f"parts at {block.used[0]} x {block.used[1]} inputs"),
                SampledBlock(block, block.work, self.field, self.engine, self.device),
                memory=_block_bytes(plan, block, self.entry),
                work=self.cost * block.work,
                room=self.memory - shared.memory,
                shared=shared,
            )
            for block in blocks
        ]
