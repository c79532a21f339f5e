"""The rank of one Hankel block of one draw: its rows and columns are filled from the coefficients and eliminated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.elimination.costs import elimination_work
from tensorrank.arithmetic.elimination.device_engines import DeviceEngine
from tensorrank.arithmetic.elimination.device_products import Slabs, kernel_has_room
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName, preferred_engine
from tensorrank.arithmetic.elimination.engines import Balanced, Engine
from tensorrank.arithmetic.elimination.files import rank_of_strips, strip_columns
from tensorrank.arithmetic.elimination.rank import rank_of_slabs
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import Progress, silent
from tensorrank.arithmetic.resources import Workers
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Instance
from tensorrank.separation.hankel import SLAB_ENTRIES, HankelForm
from tensorrank.separation.jobs import JobRank
from tensorrank.separation.limits import SIDE_BYTES, lattice_bytes, lattice_work
from tensorrank.separation.monomials import monomial_count


@dataclass(frozen=True)
class HankelBlock:
    """The Hankel block of degree k in M_A: its shape, and the numbers of rows and columns that are used at first."""

    degree: int
    shape: tuple[int, int]
    used: tuple[int, int]

    @property
    def cut(self) -> bool:
        """True if fewer rows or columns are used than the shorter side of the block has, so that rank may be lost."""
        return min(self.used) < min(self.shape)

    @property
    def work(self) -> float:
        """Operations of the elimination."""
        return elimination_work(*self.used)


@dataclass(frozen=True, eq=False)
class Lattice:
    """The coefficients from which all blocks of a draw are filled, before they are computed.

    They are those of one function over GF(p), with tokens of dimension d, degree C in the moments, and so many entries
    of M kept.
    """

    instance: Instance
    field: PrimeField
    width: int
    degree: int
    variables: int

    @property
    def points(self) -> int:
        """The number of evaluations."""
        return monomial_count(self.variables, self.degree)

    @property
    def memory(self) -> float:
        """Bytes while the coefficients are made."""
        return lattice_bytes(self.points, self.width, self.degree, self.variables)

    @property
    def work(self) -> float:
        """Operations of evaluating and interpolating."""
        return lattice_work(self.points, self.width, self.degree, self.variables)

    def make(self, pool: Workers, report: Progress = silent) -> HankelForm:
        """Evaluate and interpolate."""
        return HankelForm.of(self.instance, self.field, self.width, self.degree, self.variables, pool)


@dataclass(frozen=True, eq=False)
class BlockElimination:
    """Finds a certified rank of one block: the block's own if it is not cut and could be finished.

    Attributes:
        block: which rows and columns.
        seed: of the rows and columns that the blocks of this draw choose.
        operations: expected in all; where they are few, no fast engine is looked for.
        in_memory: bytes that eliminating it in memory takes, beside the lattice.
        room: bytes that blocks may take, beside the lattice.
        allowance: operations that a block which comes out short may take beyond those expected.
        scratch: a folder for blocks larger than the room, or None: then they are left unfinished.
        engine: what multiplies.
        device: where.
    """

    block: HankelBlock
    seed: int
    operations: float
    in_memory: float
    room: float
    allowance: float
    scratch: Path | None = None
    engine: EngineName = "auto"
    device: str = HOST

    def __call__(self, form: HankelForm, pool: Workers, report: Progress) -> JobRank:
        """Fill the block from the coefficients and eliminate it, in memory if it fits there, otherwise over files."""
        engine = preferred_engine(form.field, self.engine, self.operations, self.device)
        rank, complete = 0, False
        if self.scratch is None or isinstance(engine, DeviceEngine):
            affordable = partial(self._afford_on, engine) if isinstance(engine, DeviceEngine) else self._afford
            rank, complete = rank_of_slabs(self._slabs(form, pool), engine, pool, affordable, report)
            return JobRank(rank, *self.block.used, complete=complete and not self.block.cut, engine=engine.name)
        width = strip_width(self.block, form.variables, self.room, engine)
        fits = not width or self.in_memory <= self.room
        if fits:
            rank, complete = rank_of_slabs(self._slabs(form, pool), engine, pool, self._afford, report)
        # Also where the block had room, but not its left kernel beside it.
        over_files = not complete and (not fits or self._further_over_files <= self.allowance)
        if width and over_files:
            rank, complete = self._rank_over_files(form, self.scratch, width, engine, pool, report)
        return JobRank(rank, *self.block.used, complete=complete and not self.block.cut, engine=engine.name)

    def _rng(self) -> np.random.Generator:
        # A stream of the block's own, so that its choices do not depend on the order of blocks.
        return np.random.default_rng([self.seed, self.block.degree])

    def _afford(self, missing: int) -> bool:
        """True if the rows or columns left out at first can be used too; they meet a left kernel of so many rows."""
        # The left kernel, and its product with a slab, beside the block or the slab.
        kernels = 8.0 * missing * min(self.block.shape)
        return kernels + self.in_memory <= self.room and self._further(missing) <= self.allowance

    def _afford_on(self, engine: DeviceEngine, missing: int) -> bool:
        """The answer of `_afford` where the left kernel lies on a device, whose free memory then decides."""
        short, long = sorted(self.block.shape)
        first = max(self.block.used)
        slabs = Slabs(short, first, _slab_columns(short, first), long - first)
        return self._further(missing) <= self.allowance and kernel_has_room(engine, slabs, missing)

    def _further(self, missing: int) -> float:
        """Operations in memory for the rows or columns left out at first."""
        short, long = sorted(self.block.shape)
        return float(missing) * short * (short + 2 * (long - short))

    @property
    def _further_over_files(self) -> float:
        """Operations over files for the rows or columns left out at first."""
        short, long = sorted(self.block.shape)
        return 2.0 * short * short * (long - max(self.block.used))

    def _rank_over_files(
        self, form: HankelForm, scratch: Path, width: int, engine: Engine, pool: Workers, report: Progress
    ) -> tuple[int, bool]:
        rows, first, others, made = self._chosen(form, pool)
        parts = [chosen[start : start + width] for chosen in (first, others) for start in range(0, len(chosen), width)]
        return rank_of_strips(
            (partial(made, part) for part in parts),
            rows,
            len(first) + len(others),
            engine,
            pool,
            scratch,
            first=-(-len(first) // width),
            progress=report,
            affordable=lambda missing: self._further_over_files <= self.allowance,
        )

    def _chosen(self, form: HankelForm, pool: Workers) -> tuple[int, Integers, Integers, Callable[[Integers], Balanced]]:
        """The number of rows (the shorter side), the columns used at first, the others, and what fills columns."""
        block, rng = self.block, self._rng()
        transposed = block.shape[0] > block.shape[1]
        (rows, columns), (used, wide) = block.shape, block.used
        if transposed:
            rows, columns, used, wide = columns, rows, wide, used
        first = np.sort(rng.choice(columns, wide, replace=False))
        chosen_rows = np.sort(rng.choice(rows, used, replace=False)) if block.cut else None
        others = np.setdiff1d(np.arange(0 if block.cut else columns), first, assume_unique=True)

        def made(chosen: Integers) -> Balanced:
            pair = (chosen, chosen_rows) if transposed else (chosen_rows, chosen)
            return form.block(block.degree, pool, *pair, transposed=transposed)

        return used if block.cut else rows, first, others, made

    def _slabs(self, form: HankelForm, pool: Workers) -> Iterator[Callable[[], Balanced]]:
        """The rows and columns used at first; if nothing is cut, then all others too."""
        rows, first, others, made = self._chosen(form, pool)
        yield partial(made, first)
        step = _slab_columns(rows, len(first))
        for start in range(0, len(others), step):
            yield partial(made, others[start : start + step])


def _slab_columns(rows: int, first: int) -> int:
    """The columns of a slab after the first: few, since the left kernel of the first stands beside."""
    return max(1, first // 4, SLAB_ENTRIES // rows)


def strip_width(block: HankelBlock, variables: int, room: float, engine: Engine) -> int:
    """The width of the strips by which a block is eliminated over files in so much room; 0 if not even one fits."""
    rows = min(block.used)
    # Filling a strip lists the monomials of its rows and columns.
    sides = 2 * rows * variables * SIDE_BYTES
    try:
        return strip_columns(rows, int(room - sides), engine)
    except TensorRankError:
        return 0
