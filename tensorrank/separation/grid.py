"""The grid method: the rank of a sampled matrix of values, the sample doubled until it saturates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from tensorrank.arithmetic.elimination.rank import balanced, rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import Progress, Workers
from tensorrank.separation.architecture import Instance
from tensorrank.separation.jobs import BlockRank, JobKey
from tensorrank.separation.limits import MOST_ENTRIES, SPARE
from tensorrank.separation.partition import Bipartition

_FIRST_SAMPLE = 64
# Inputs of a side that are listed in random order, if there are finitely many.
_MOST_LISTED = 2**22


@dataclass(frozen=True, eq=False)
class GridJob:
    """The rank of the grid matrix of one draw.

    Attributes:
        instance: one function.
        field: GF(p).
        partition: of its sites.
        draw: the number of the draw.
        seed: of the inputs.
        bound: a proven upper bound on the rank, or None.
        most: the most rows and columns.
        most_entries: the most values of a matrix of all inputs, where they are finitely many.
        memory: bytes at the peak.
        work: operations expected.
        room: bytes for what evaluation takes beside the values.
    """

    instance: Instance
    field: PrimeField
    partition: Bipartition
    draw: int
    seed: int
    bound: int | None
    most: int
    most_entries: float
    memory: float
    work: float
    room: float
    shared: None = None

    @property
    def key(self) -> JobKey:
        """Draw, prime, and the size asked for."""
        return JobKey(self.draw, self.field.prime, -1, f"grid of up to {self.most} samples a side")

    def rank(self, shared: None, pool: Workers, report: Progress) -> BlockRank:
        """The rank of as large a sample as it takes."""
        return grid_rank(
            self.instance,
            self.partition,
            self.field,
            np.random.default_rng(self.seed),
            pool,
            bound=self.bound,
            most=self.most,
            most_entries=self.most_entries,
            memory=int(self.room),
        )


def grid_rank(
    instance: Instance,
    partition: Bipartition,
    field: PrimeField,
    rng: np.random.Generator,
    pool: Workers,
    *,
    bound: int | None,
    most: int,
    most_entries: float = MOST_ENTRIES,
    memory: int | None = None,
) -> BlockRank:
    """The rank of the grid matrix of an instance at random inputs.

    A lower bound, and the rank with high probability if the sampling saturated.

    Args:
        instance: the function; its weights stay fixed while the sample grows.
        partition: its sites, split in A (rows) and B (columns).
        field: GF(p).
        rng: the source of the inputs.
        pool: threads.
        bound: a proven upper bound on the rank, or None; sampling ends when it is met.
        most: the largest number of rows and columns that may be used while the sample grows.
        memory: bytes for what evaluation takes beside the values, or None for what instances take by themselves.
        most_entries: if all inputs, finitely many, make a matrix of no more entries, then all are tried.
    """
    share = None if memory is None else memory // pool.count
    sources = [_Source.of(instance, sites, rng) for sites in (partition.a, partition.b)]
    count = min(_FIRST_SAMPLE, most)
    rows, columns = (source.take(count) for source in sources)
    while True:
        values = np.concatenate(
            pool.map(partial(_values, instance, partition, rows, columns, share), pool.shares(len(rows), 4))
        )
        rank = rank_in_place(balanced(values, field, pool), field, pool)
        samples = len(rows), len(columns)
        complete = all(source.exhausted for source in sources)
        # All inputs of one side bound the rank too: a sample of full rank there is as high as it can be.
        full = any(source.exhausted and rank == size for source, size in zip(sources, samples, strict=True))
        saturated = complete or full or rank < min(samples)
        if complete or full or rank == bound or (max(samples) >= most and not saturated):
            return BlockRank(rank, samples, complete, saturated, finite=sources[0].finite and not full)
        if saturated:
            left = [source.left for source in sources]
            entries = prod(size + rest for size, rest in zip(samples, left, strict=True))
            if not sources[0].finite or entries > most_entries:
                return BlockRank(rank, samples, complete, saturated, finite=sources[0].finite)
            # Inputs of a finite set are not generic: those left out may raise the rank, so try them all.
            more = left
        else:
            following = min(2 * count, most if bound is None else min(most, bound + SPARE))
            more, count = [following - count] * 2, following
        rows, columns = (
            np.concatenate([known, source.take(extra)])
            for known, source, extra in zip((rows, columns), sources, more, strict=True)
        )


@dataclass
class _Source:
    """Where one side's inputs come from: at random, or each of finitely many once, in random order."""

    instance: Instance
    sites: tuple[int, ...]
    rng: np.random.Generator
    inputs: int | None
    order: Residues | None
    taken: int = 0

    @classmethod
    def of(cls, instance: Instance, sites: tuple[int, ...], rng: np.random.Generator) -> _Source:
        """Inputs are listed where they are few enough; among more, those drawn hardly repeat."""
        inputs = instance.input_count(sites)
        order = None if inputs is None or inputs > _MOST_LISTED else rng.permutation(inputs)
        return cls(instance, sites, rng, inputs, order)

    @property
    def finite(self) -> bool:
        """Whether there are finitely many."""
        return self.inputs is not None

    @property
    def left(self) -> int:
        """How many have not been taken, where there are finitely many."""
        return max(0, (self.inputs or 0) - self.taken)

    @property
    def exhausted(self) -> bool:
        """Whether all inputs have been taken."""
        return self.order is not None and self.taken >= len(self.order)

    def take(self, count: int) -> Residues:
        """So many further inputs, or all that are left."""
        self.taken += count
        if self.order is None:
            return self.instance.sample(self.sites, count, self.rng)
        return self.instance.inputs(self.sites, self.order[self.taken - count : self.taken])


def _values(
    instance: Instance, partition: Bipartition, rows: Residues, columns: Residues, memory: int | None, share: slice
) -> Residues:
    return instance.grid(partition, rows[share], columns, memory)
