"""The catalecticant method: the separation rank as a sum of ranks of Hankel blocks, one per degree.

With at least d tokens on each side the blocks are Cat_k themselves, and by the two facts in `hankel` only those
around the crossing of rows and columns need to be computed when they reach their bound: one on each side. With fewer
tokens a block is multiplied, from the sides concerned, by divided powers of moments of that low rank.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import inf

import numpy as np

from tensorrank.arithmetic.elimination import balanced, product, rank_in_place, rank_of_slabs
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.products import Balanced
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.hankel import SLAB_ENTRIES, HankelForm, Indices, symmetric_entries
from tensorrank.separation.hilbert import MomentSpaces, moment_spaces
from tensorrank.separation.limits import (
    DEGREE_BYTES,
    MOST_DEGREES,
    SIDE_BYTES,
    SMALL_BLOCK,
    SPARE,
    Limits,
    elimination_bytes,
    elimination_work,
    lattice_bytes,
    lattice_work,
)
from tensorrank.separation.monomials import divided_powers, monomial_count, monomials
from tensorrank.separation.separable import MomentInstance


@dataclass(frozen=True)
class Block:
    """One block to be computed: degree k in M_A, its rows and columns, and how many of each are used at first."""

    degree: int
    shape: tuple[int, int]
    used: tuple[int, int]

    @property
    def cut(self) -> bool:
        """Whether a side is cut below what could matter: the smaller of rows and columns."""
        return min(self.used) < min(self.shape)

    @property
    def work(self) -> float:
        """Operations of the elimination."""
        return elimination_work(*self.used)


@dataclass(frozen=True)
class BlockRank:
    """What is known of a block: a certified rank, its shape as computed, and whether all that can matter was used."""

    rank: int
    samples: tuple[int, int]
    complete: bool


@dataclass(frozen=True)
class CatalecticantPlan:
    """What the method would do for a model: see `separation_rank`'s `plan`.

    Attributes:
        width: d.
        tokens: how many on the output token's side, and on the other.
        spaces: the function spaces of the two sides, whose dimensions bound the blocks.
        variables: how many entries of M are kept, of d(d+1)/2; 0 if nothing fits.
        lattice: the number of evaluation points.
        side: the largest rows and columns of a block that fit (None: any).
        blocks: those that would be computed if all reach their bound; the rest follow.
        memory: bytes at the peak.
        work: operations in all.
    """

    width: int
    tokens: tuple[int, int]
    spaces: MomentSpaces
    variables: int
    lattice: int
    side: int | None
    blocks: tuple[Block, ...]
    memory: float
    work: float

    @property
    def full(self) -> bool:
        """Whether both sides have at least as many tokens as the width."""
        return min(self.tokens) >= self.width

    @property
    def feasible(self) -> bool:
        """Whether anything can be computed within the limits."""
        return self.variables > 0

    @property
    def potential(self) -> int:
        """The largest lower bound that these blocks, and those that follow from them, can give."""
        total = sum(min(block.used) for block in self.blocks)
        if self.full and self.blocks:
            total += sum(_shape(self, k)[0] for k in range(self.blocks[0].degree))
            total += sum(_shape(self, k)[1] for k in range(self.blocks[-1].degree + 1, self.spaces.degree + 1))
        return total

    @property
    def whole(self) -> bool:
        """Whether nothing is cut."""
        return self.variables == self.width * (self.width + 1) // 2 and not any(block.cut for block in self.blocks)

    def __str__(self) -> str:
        blocks = ", ".join(
            f"degree {block.degree}: {block.used[0]} x {block.used[1]}" + (" (cut)" if block.cut else "")
            for block in self.blocks[:6]
        )
        more = f" and {len(self.blocks) - 6} more" if len(self.blocks) > 6 else ""
        return f"{self.lattice} lattice points in {self.variables} variables, blocks {blocks}{more}"


def catalecticant_plan(width: int, degree: int, tokens: tuple[int, int], limits: Limits) -> CatalecticantPlan:
    """The largest plan within the limits: all entries of M if possible, blocks as large as fit."""
    spaces = moment_spaces(width, degree, *tokens)
    entries = width * (width + 1) // 2
    nothing = CatalecticantPlan(width, tokens, spaces, 0, 0, None, (), 0, 0)
    few_tokens = min(tokens) < width
    if degree > MOST_DEGREES:
        return nothing
    # Fewer entries of M leave submatrices of the blocks; with few tokens they are tied to each other, so all are kept.
    for variables in range(entries, entries - 1 if few_tokens else 0, -1):
        lattice = monomial_count(variables, degree)
        fixed_memory = lattice_bytes(lattice, width, degree, variables) + degree * DEGREE_BYTES
        fixed_work = lattice_work(lattice, width, degree, variables)
        # Leave at least half of everything to the blocks: a larger lattice is worth little without them.
        if fixed_memory > limits.memory / 2 or fixed_work > limits.work / 2:
            continue
        draft = replace(nothing, variables=variables, lattice=lattice)
        side: int | None = None
        while True:
            blocks = tuple(_staircase(draft, side) if draft.full else _every_block(draft, side))
            memory = fixed_memory + max(_block_bytes(draft, block) for block in blocks)
            work = (
                fixed_work + sum(block.work for block in blocks) + (0 if draft.full else _products_work(draft, blocks))
            )
            if memory <= limits.memory and work <= limits.work:
                return replace(draft, side=side, blocks=blocks, memory=memory, work=work)
            largest = max(min(block.used) for block in blocks)
            if largest <= max(width, SPARE):
                break
            side = max(width, SPARE, int(largest * 0.93))
    return nothing


def _shape(plan: CatalecticantPlan, k: int) -> tuple[int, int]:
    if plan.full:
        return (
            plan.width * monomial_count(plan.variables, k),
            monomial_count(plan.variables, plan.spaces.degree - k),
        )
    return plan.spaces.rows(k), plan.spaces.columns(k)


def _block(plan: CatalecticantPlan, k: int, side: int | None) -> Block:
    rows, columns = shape = _shape(plan, k)
    # A few rows or columns beyond the shorter side decide its rank as well as all of them, unless it comes out short.
    if side is not None and min(rows, columns) > side:
        return Block(k, shape, (side, side))
    most = min(rows, columns) + SPARE
    return Block(k, shape, (min(rows, most), min(columns, most)))


def _every_block(plan: CatalecticantPlan, side: int | None) -> Iterator[Block]:
    return (_block(plan, k, side) for k in range(plan.spaces.degree + 1))


def _staircase(plan: CatalecticantPlan, side: int | None) -> Iterator[Block]:
    """The blocks that decide all others if they reach their bounds, and cut ones between them."""
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
    for k in range(max(left, 0), min(right, degree) + 1):
        yield _block(plan, k, side)


def _block_bytes(plan: CatalecticantPlan, block: Block) -> float:
    used_rows, used_columns = block.used
    if plan.full:
        sides = (used_rows + used_columns) * plan.variables * SIDE_BYTES
        return elimination_bytes(used_rows, used_columns) + sides
    rows = plan.width * monomial_count(plan.variables, block.degree)
    columns = monomial_count(plan.variables, plan.spaces.degree - block.degree)
    # Functionals of both sides and the product between them, as residues and in float form, with temporaries.
    functionals = used_columns * columns + used_rows * rows + rows * used_columns
    return 32 * functionals + 40 * max(SLAB_ENTRIES, columns) + 24 * used_rows * used_columns


def _products_work(plan: CatalecticantPlan, blocks: Iterable[Block]) -> float:
    """Multiplying whole Hankel blocks by sampled functionals."""
    total = 0.0
    for block in blocks:
        rows = plan.width * monomial_count(plan.variables, block.degree)
        columns = monomial_count(plan.variables, plan.spaces.degree - block.degree)
        total += 2.0 * rows * block.used[1] * (columns + block.used[0])
    return total


class Catalecticant:
    """One draw of the method: a Hankel form and the ranks of its blocks."""

    def __init__(
        self,
        instance: MomentInstance,
        field: PrimeField,
        plan: CatalecticantPlan,
        limits: Limits,
        rng: np.random.Generator,
        pool: Workers,
        progress: Callable[[float, float], None],
    ) -> None:
        self.plan, self.limits, self.field, self.pool = plan, limits, field, pool
        self.seed = int(rng.integers(2**63))
        self.caller, self.counting = threading.get_ident(), threading.Lock()
        # What the lattice leaves for blocks.
        self.room = limits.memory - (plan.memory - max(_block_bytes(plan, block) for block in plan.blocks))
        self.degree = plan.spaces.degree
        self.progress = progress
        self.form = HankelForm.of(instance, field, plan.width, self.degree, plan.variables, pool)
        self.spent = lattice_work(plan.lattice, plan.width, self.degree, plan.variables)
        self.progress(self.spent, max(plan.work, self.spent))

    def all_blocks(self) -> dict[int, BlockRank]:
        """A certified rank for every degree."""
        found = self._ranks(self.plan.blocks)
        if not self.plan.full:
            return found
        first, last = self.plan.blocks[0].degree, self.plan.blocks[-1].degree
        # Outwards from both ends until a block's rows, or columns, are independent: then so are all beyond.
        fronts = [list(range(first, -1, -1)), list(range(last, self.degree + 1))]
        while any(fronts):
            for side, degrees in enumerate(fronts):
                while degrees and degrees[0] in found:
                    k = degrees.pop(0)
                    if found[k].rank == _shape(self.plan, k)[side]:
                        found |= {j: BlockRank(_shape(self.plan, j)[side], (0, 0), complete=True) for j in degrees}
                        degrees.clear()
            waiting = [k for degrees in fronts for k in self._next(degrees)]
            found |= self._ranks([_block(self.plan, k, self.plan.side) for k in waiting])
        return found

    def some_blocks(self, degrees: Iterable[int]) -> dict[int, BlockRank]:
        """The ranks of the whole blocks of these degrees."""
        return self._ranks([_block(self.plan, k, None) for k in degrees])

    def _next(self, degrees: list[int]) -> list[int]:
        """The degrees to compute next: one, or for small blocks as many as there are threads."""
        ahead = self.pool.count if degrees and self._small(_block(self.plan, degrees[0], self.plan.side)) else 1
        return degrees[:ahead]

    def _ranks(self, blocks: Iterable[Block]) -> dict[int, BlockRank]:
        """The ranks of these blocks: large ones with all threads, then small ones side by side, a thread each."""
        waiting = sorted(blocks, key=lambda block: (-block.work, block.degree))
        small = [block for block in waiting if self._small(block)]
        if len(small) < 2 * self.pool.count:
            small = []  # a thread that is done first would wait
        alone = {block.degree for block in small}
        found = {block.degree: self._rank(block, self.pool) for block in waiting if block.degree not in alone}
        ranks = self.pool.map(lambda block: self._rank(block, Workers(1, None)), small)
        return found | {block.degree: rank for block, rank in zip(small, ranks, strict=True)}

    def _small(self, block: Block) -> bool:
        """Whether blocks like this one run side by side: within the memory, and if work is not counted one by one."""
        work = block.work + (0 if self.plan.full else _products_work(self.plan, [block]))
        # Twice, since a block that comes out short has a left kernel beside it.
        fit = 2 * self.pool.count * _block_bytes(self.plan, block) <= self.room
        return fit and work <= SMALL_BLOCK and math.isinf(self.limits.work)

    def _rank(self, block: Block, pool: Workers) -> BlockRank:
        # Of its own, so that a block does not depend on the order of all.
        rng = np.random.default_rng([self.seed, block.degree])
        if self.plan.full:
            rank, complete = rank_of_slabs(
                self._slabs(block, rng, pool), self.field, pool, lambda missing: self._afford(block, missing)
            )
        else:
            rank, complete = rank_in_place(self._low_rank_block(block, rng, pool), self.field, pool), True
        with self.counting:
            self.spent += block.work
        if threading.get_ident() == self.caller:
            self.progress(self.spent, max(self.plan.work, self.spent))
        return BlockRank(rank, block.used, complete=complete and not block.cut)

    def _afford(self, block: Block, missing: int) -> bool:
        """Whether the rows or columns left out at first can be used too: they meet a left kernel of so many rows."""
        short, long = sorted(block.shape)
        extra = float(missing) * short * (short + 2 * (long - short))
        # The left kernel, and its product with a slab, beside the block or the slab.
        kernels = 8.0 * missing * short
        if kernels + _block_bytes(self.plan, block) > self.room or self.spent + block.work + extra > self.limits.work:
            return False
        with self.counting:
            self.spent += extra
        return True

    def _slabs(self, block: Block, rng: np.random.Generator, pool: Workers) -> Iterator[Callable[[], Balanced]]:
        """The rows and columns used at first, the shorter side as rows; if nothing is cut, then all others too."""
        transposed = block.shape[0] > block.shape[1]
        (rows, columns), (used, wide) = block.shape, block.used
        if transposed:
            rows, columns, used, wide = columns, rows, wide, used

        def slab(chosen_rows: Indices | None, chosen: Indices) -> Balanced:
            pair = (chosen, chosen_rows) if transposed else (chosen_rows, chosen)
            return self.form.block(block.degree, pool, *pair, transposed=transposed)

        first = np.sort(rng.choice(columns, wide, replace=False))
        if block.cut:
            chosen_rows = np.sort(rng.choice(rows, used, replace=False))
            yield lambda: slab(chosen_rows, first)
            return
        yield lambda: slab(None, first)
        others = np.setdiff1d(np.arange(columns), first, assume_unique=True)
        # Narrow slabs, since the left kernel of the first stands beside them, but not too many.
        step = max(1, wide // 4, SLAB_ENTRIES // rows)
        for start in range(0, len(others), step):
            yield partial(slab, None, others[start : start + step])

    def _low_rank_block(self, block: Block, rng: np.random.Generator, pool: Workers) -> Balanced:
        """A-side functionals x Cat_k x B-side functionals."""
        k, used = block.degree, block.used
        _, moments = self._moments(self.plan.tokens[1], used[1], rng)
        columns = divided_powers(moments, monomials(self.plan.variables, self.degree - k), self.field)
        tokens, moments = self._moments(self.plan.tokens[0], used[0], rng)
        powers = divided_powers(moments, monomials(self.plan.variables, k), self.field)
        rows = (tokens[:, :, None] * powers[:, None, :] % self.field.prime).reshape(used[0], -1)
        images = self.form.applied(k, balanced(columns.T, self.field, pool), pool)
        sampled = product(balanced(rows, self.field, pool), images, self.field, pool)
        return sampled if used[0] <= used[1] else np.ascontiguousarray(sampled.T)

    def _moments(self, tokens: int, count: int, rng: np.random.Generator) -> tuple[Residues, Residues]:
        """Random tokens, one of each sample and the moment entries of all: shapes (count, d) and (count, D)."""
        drawn = self.field.random((count, tokens, self.plan.width), rng)
        moments = self.field.matmul(drawn.swapaxes(1, 2), drawn)
        entries = symmetric_entries(self.plan.width)
        return drawn[:, 0], np.stack([moments[:, i, j] for i, j in entries], axis=1)
