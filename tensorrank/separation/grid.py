"""The grid method: the rank of a sampled matrix of values, the sample doubled until it saturates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from tensorrank.arithmetic.elimination import balanced, rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.limits import SPARE
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.separable import Instance

_FIRST_SAMPLE = 64


@dataclass(frozen=True)
class GridRank:
    """The rank of a sampled matrix: a lower bound, and the rank with high probability if the sampling saturated.

    Attributes:
        rank: the rank over GF(p) of the sampled matrix.
        samples: its numbers of rows and columns.
        saturated: whether the rank is below both, so that more samples would hardly give more.
    """

    rank: int
    samples: tuple[int, int]
    saturated: bool


def grid_rank(
    instance: Instance,
    partition: Bipartition,
    field: PrimeField,
    rng: np.random.Generator,
    pool: Workers,
    *,
    bound: int | None,
    most: int,
) -> GridRank:
    """The rank of the grid matrix of an instance at random inputs.

    Args:
        instance: the function; its weights stay fixed while the sample grows.
        partition: its sites, split in A (rows) and B (columns).
        field: GF(p).
        rng: the source of the inputs.
        pool: threads.
        bound: a proven upper bound on the rank, or None; sampling ends when it is met.
        most: the largest number of rows and columns that may be used.
    """
    count = min(_FIRST_SAMPLE, most)
    rows = instance.sample(partition.a, count, rng)
    columns = instance.sample(partition.b, count, rng)
    while True:
        values = np.concatenate(
            pool.map(partial(_values, instance, partition, rows, columns), pool.shares(count, 4)),
        )
        rank = rank_in_place(balanced(values, field, pool), field, pool)
        saturated = rank < count
        if saturated or count >= most or rank == bound:
            return GridRank(rank, (count, count), saturated)
        following = min(2 * count, most if bound is None else min(most, bound + SPARE))
        rows = _extended(rows, instance.sample(partition.a, following - count, rng))
        columns = _extended(columns, instance.sample(partition.b, following - count, rng))
        count = following


def _values(instance: Instance, partition: Bipartition, rows: Residues, columns: Residues, share: slice) -> Residues:
    return instance.grid(partition, rows[share], columns)


def _extended(samples: Residues, more: Residues) -> Residues:
    return np.concatenate([samples, more])
