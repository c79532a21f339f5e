"""The truth: ranks by FLINT over the rationals and over GF(p), unfoldings by hand."""

from math import prod

import flint
import numpy as np
from differential.entries import as_fractions

from tensorrank.separation.partition import Bipartition


def rank_over_the_rationals(array: np.ndarray) -> int:
    """The rank of a matrix of numbers of any kind, floats as the fractions that they are."""
    rows, columns = array.shape
    if not rows or not columns:
        return 0
    entries = [flint.fmpq(one.numerator, one.denominator) for one in as_fractions(array).flat]
    return int(flint.fmpq_mat(rows, columns, entries).rank())


def rank_over(array: np.ndarray, prime: int) -> int:
    """The rank over GF(p) of a matrix of whole numbers."""
    rows, columns = array.shape
    return int(flint.nmod_mat(rows, columns, [int(one) % prime for one in array.flat], prime).rank())


def unfolding(table: np.ndarray, partition: Bipartition) -> np.ndarray:
    """The matrix with the values of side A as rows, of side B as columns."""
    rows = prod(table.shape[site] for site in partition.a)
    return table.transpose(*partition.a, *partition.b).reshape(rows, -1)


def random_partition(rng: np.random.Generator, sites: int) -> Bipartition:
    """The halves, the odd and even sites, one site, or any sites, in any order."""
    match rng.integers(4):
        case 0:
            return Bipartition.halves(sites)
        case 1:
            return Bipartition.interleaved(sites)
        case 2:
            return Bipartition.of(sites, [int(rng.integers(sites))])
        case _:
            return Bipartition.of(sites, [int(site) for site in rng.permutation(sites)[: rng.integers(1, sites)]])
