"""The grid method: the rank of a sampled matrix of values, the sample doubled until it saturates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from tensorrank.arithmetic.elimination import kernels
from tensorrank.arithmetic.elimination.costs import elimination_work
from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName, preferred_engine
from tensorrank.arithmetic.elimination.engines import Balanced, storage
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.progress import Progress
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.architecture import Instance
from tensorrank.separation.distinct import MOST_LISTED, DistinctInputs
from tensorrank.separation.jobs import JobRank
from tensorrank.separation.limits import MOST_ENTRIES, SPARE
from tensorrank.separation.partition import Bipartition

_FIRST_SAMPLE = 64
# The parts of the rows that each thread evaluates, one after the other.
PARTS = 4


@dataclass(frozen=True, eq=False)
class GridSampling:
    """Finds the rank of the grid matrix of an instance at random inputs: a lower bound on the separation rank.

    The rank is the separation rank with high probability if the sampling saturated. The seed is that of the inputs; the
    weights stay fixed while the sample grows. Inputs of side A are rows, inputs of side B columns.

    Attributes:
        bound: a proven upper bound on the rank, or None; sampling ends when it is met.
        most: the largest number of rows and columns that may be used while the sample grows.
        most_entries: if all inputs, finitely many, make a matrix of no more entries, then all are tried.
        memory: bytes for what evaluation takes beside the values, or None for what instances take by themselves.
        engine: what multiplies.
        device: where.
    """

    instance: Instance
    partition: Bipartition
    field: PrimeField
    seed: int | np.random.Generator
    bound: int | None
    most: int
    most_entries: float = MOST_ENTRIES
    memory: int | None = None
    engine: EngineName = "auto"
    device: str = HOST

    def __call__(self, shared: None, pool: Workers, report: Progress) -> JobRank:
        """Double the sample until it saturates, or meets the bound, or may not grow further."""
        rng, field = np.random.default_rng(self.seed), self.field
        share = None if self.memory is None else self.memory // pool.count
        sources = [_Source(self.instance, sites, rng) for sites in (self.partition.a, self.partition.b)]
        count = min(_FIRST_SAMPLE, self.most)
        rows, columns = (source.take(count) for source in sources)
        while True:
            values = np.empty((len(rows), len(columns)), dtype=storage(field.prime))
            pool.map(partial(self._fill, values, rows, columns, memory=share), pool.shares(len(rows), PARTS))
            engine = preferred_engine(field, self.engine, elimination_work(*values.shape), self.device)
            rank = rank_in_place(values, engine, pool)
            samples = len(rows), len(columns)
            complete = all(source.exhausted for source in sources)
            # All inputs of one side bound the rank too: a sample of full rank there is as high as it can be.
            full = any(source.exhausted and rank == size for source, size in zip(sources, samples, strict=True))
            saturated = complete or full or rank < min(samples)
            if complete or full or rank == self.bound or (max(samples) >= self.most and not saturated):
                finite = sources[0].finite and not full
                return JobRank(rank, *samples, complete, saturated, finite, engine.name)
            if saturated:
                left = [source.left for source in sources]
                entries = prod(size + rest for size, rest in zip(samples, left, strict=True))
                if not sources[0].finite or entries > self.most_entries:
                    return JobRank(rank, *samples, complete, saturated, sources[0].finite, engine.name)
                # Inputs of a finite set are not generic. The ones left out may raise the rank, so all are tried.
                more = left
            else:
                following = min(2 * count, self.most if self.bound is None else min(self.most, self.bound + SPARE))
                more, count = [following - count] * 2, following
            rows, columns = (
                np.concatenate([known, source.take(extra)])
                for known, source, extra in zip((rows, columns), sources, more, strict=True)
            )

    def _fill(self, values: Balanced, rows: Residues, columns: Residues, share: slice, *, memory: int | None) -> None:
        """Evaluate some rows of values, and write them as balanced residues."""
        part = self.instance.grid(self.partition, rows[share], columns, memory)
        kernels.balance(np.ascontiguousarray(part), self.field.prime, values[share])


class _Source:
    """The inputs of one side, each of them once: in random order where they are few enough to list, otherwise random.

    Over a small field even inputs of infinitely many kinds are finitely many, so random ones are made distinct.
    """

    def __init__(self, instance: Instance, sites: tuple[int, ...], rng: np.random.Generator) -> None:
        self.instance, self.sites, self.taken = instance, sites, 0
        self.inputs = instance.input_count(sites)
        self.finite = self.inputs is not None
        self.order = None if self.inputs is None or self.inputs > MOST_LISTED else rng.permutation(self.inputs)
        self.random = DistinctInputs(lambda count: instance.sample(sites, count, rng))

    @property
    def left(self) -> int:
        """The number of inputs that have not been taken, where they are finitely many."""
        return max(0, (self.inputs or 0) - self.taken)

    @property
    def exhausted(self) -> bool:
        """True if all inputs have been taken."""
        return self.random.exhausted if self.order is None else self.taken >= len(self.order)

    def take(self, count: int) -> Residues:
        """Take so many further inputs, or all that are left."""
        self.taken += count
        if self.order is None:
            return self.random.take(count)
        return self.instance.inputs(self.sites, self.order[self.taken - count : self.taken])
