"""Rank over the rationals of a matrix of whole numbers or fractions, from its ranks modulo several primes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.elimination.costs import elimination_work
from tensorrank.arithmetic.elimination.engine_choice import WORTH_CHOOSING
from tensorrank.arithmetic.elimination.rank import rank_mod_p
from tensorrank.arithmetic.given_matrices import MatrixLike, as_matrix, exact_entries, holds_fractions
from tensorrank.arithmetic.primes import CERTIFYING_PRIMES, LARGE_PRIMES
from tensorrank.arithmetic.probabilities import at_most
from tensorrank.arithmetic.randomness import hardened_stream
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.errors import TensorRankError
from tensorrank.records import Record
from tensorrank.whole_numbers import counted

# Entries whose squares are kept at once.
_SQUARED = 2**16
# As many primes make a value probable, as everywhere.
_DRAWS = 2


@dataclass(frozen=True)
class RationalRank(Record):
    """The rank of one matrix over the rationals (or the reals), and how far it is proved.

    Attributes:
        value: the largest rank found modulo a prime; the rank over the rationals is at least this.
        upper: a proven upper bound: the value itself if exact, else the number of different rows or columns.
        standing: "exact" (the bounds meet) or "probable" (two primes, but too few to exclude more).
        primes: the moduli that the value rests on. A small one at which the matrix came out short is not among them.
        failure_probability: 0 if exact, else a bound on the probability that all primes drawn divide the minors which
            would show a larger rank. It holds for every matrix, since the primes depend on the entries as well as on
            the seed. None if entries are so large that nothing is known.
        reason: how the upper bound was proved, or why it was not met.
    """

    value: int
    upper: int
    standing: Literal["exact", "probable"]
    primes: tuple[int, ...] = field(compare=False)
    failure_probability: float | None
    reason: str

    def __str__(self) -> str:
        chance = ""
        if self.standing == "probable":
            bound = self.failure_probability
            chance = ", with no bound on an error" if bound is None else f", wrong with probability at most {at_most(bound)}"
        return f"{self.value} ({self.standing}{chance}): {self.reason}"


def rational_rank(
    matrix: MatrixLike, *, seed: int | np.random.Generator = 0, work: float = 1e11, threads: int | None = None
) -> RationalRank:
    """The rank over the rationals of a matrix, proved or with a bound on the probability of an error.

    A minor that does not vanish modulo p does not vanish, so each rank over GF(p) is a lower bound. It is the rank if
    no more than so many rows, or columns, are different and not zero. Otherwise let r be the largest rank modulo
    several primes. If the product of the primes exceeds every minor of size r + 1, by Hadamard's bound, then these
    minors are zero, because the product divides them, and r is the rank.

    Args:
        matrix: whole numbers of any size, or fractions (texts such as "1/2", too), of shape (rows, columns): an array,
            lists, a DataFrame, a sparse matrix of scipy, or what `read_matrix` gives. Floats are accepted if they
            are whole numbers, and complex ones if their parts are: X + i Y has half the rank of the real matrix
            ((X, -Y), (Y, X)).
        seed: of the primes, drawn uniformly among those from 2^30 to 2^31, from the seed and a hash of the entries. A
            large matrix is tried at one of a byte first, which is enough where its rank is full.
        work: operations that may be spent on a proof; where it takes more, the rank is probable.
        threads: as for `rank_mod_p`.

    Source: Hadamard 1893 for the bound of a determinant by the lengths of its rows.

    >>> print(rational_rank([[1, 2, 3], [4, 5, 6], [7, 8, 9]]))
    2 (exact): no minor of size 3 is as large as the primes it would be divisible by
    """
    if isinstance(work, bool) or not isinstance(work, int | float) or not work > 0:
        raise TensorRankError(f"work is {shown(work)}; expected a positive number of operations, such as 1e12")
    array = as_matrix(matrix)
    if np.iscomplexobj(array.entries if isinstance(array, SparseMatrix) else array):
        found = rational_rank(_real_form(array), seed=seed, work=work, threads=threads)
        why = f"half the rank of a real matrix of twice the size; {found.reason}"
        return replace(found, value=(found.value + 1) // 2, upper=found.upper // 2, reason=why)
    if isinstance(array, SparseMatrix):
        pivots, blocks = array.mapped(exact_entries).reduced()
        ranks = [rational_rank(block.toarray(), seed=seed, work=work, threads=threads) for block in blocks]
        return _sum_of_blocks(pivots, ranks)
    core = _core(_whole_rows(exact_entries(array)))
    most = min(core.shape)
    if most == 0:
        return RationalRank(0, 0, "exact", (), 0.0, "all entries are 0")
    side = "rows" if core.shape[0] == most else "columns"
    bound_met = f"only so many {side} are different and not 0"
    rank, primes, product = 0, list[int](), 1
    stream = hardened_stream(seed, [core])
    if elimination_work(*core.shape) >= WORTH_CHOOSING:
        # Full rank modulo a prime of one byte is full rank, and found fastest. A lower one says nothing.
        small = next(CERTIFYING_PRIMES[0].draw(stream))
        if rank_mod_p(core, small, threads=threads) == most:
            return RationalRank(most, most, "exact", (small,), 0.0, bound_met)
    # Each of them exceeds 2^30.
    fresh = LARGE_PRIMES.draw(stream)
    while True:
        prime = next(fresh)
        primes.append(prime)
        product *= prime
        rank = max(rank, rank_mod_p(core, prime, threads=threads))
        if rank == most:
            return RationalRank(rank, most, "exact", tuple(primes), 0.0, bound_met)
        bits = _minor_bits(core, rank + 1)
        if math.log2(product) > bits:
            why = f"no minor of size {rank + 1} is as large as the primes it would be divisible by"
            return RationalRank(rank, rank, "exact", tuple(primes), 0.0, why)
        needed = math.ceil(bits / 30)
        if len(primes) >= _DRAWS and needed * 2.0 * rank * core.size > work:
            # A prime that fails divides a certain minor of the true size, which has at most so many such factors.
            chance = LARGE_PRIMES.unlucky(_minor_bits(core, most))
            failure = chance ** len(primes) if chance < 1 else None
            why = f"a proof takes {needed} primes, more work than {work:.1g} operations"
            return RationalRank(rank, most, "probable", tuple(primes), failure, why)


def distinct_rows(matrix: Array) -> Array:
    """The numbers of the rows of a matrix that equal no earlier row, ascending.

    >>> distinct_rows(np.array([[1, 2], [3, 4], [1, 2]]))
    array([0, 1])
    """
    if not matrix.size:
        return np.arange(min(1, len(matrix)))
    if matrix.dtype == object:
        first: dict[tuple[Any, ...], int] = {}
        for number, row in enumerate(matrix):
            first.setdefault(tuple(row), number)
        return np.array(list(first.values()), dtype=np.intp)
    low, high = int(matrix.min()), int(matrix.max())
    # The smallest type that holds every entry, so that rows are compared as few bytes.
    small_type = np.min_scalar_type(high if low >= 0 else min(low, -high - 1))
    small = np.ascontiguousarray(matrix.astype(small_type, copy=False))
    whole = small.view(np.dtype((np.void, small.dtype.itemsize * small.shape[1])))[:, 0]
    return np.sort(np.unique(whole, return_index=True)[1])


def _real_form(array: Array | SparseMatrix) -> Array | SparseMatrix:
    """The real matrix ((X, -Y), (Y, X)) of a complex one X + i Y, whose rank is twice as large."""
    if not isinstance(array, SparseMatrix):
        return np.block([[array.real, -array.imag], [array.imag, array.real]])
    (height, width), entries = array.shape, array.entries
    rows = np.concatenate([array.rows, array.rows, array.rows + height, array.rows + height])
    columns = np.concatenate([array.columns, array.columns + width, array.columns, array.columns + width])
    parts = np.concatenate([entries.real, -entries.imag, entries.imag, entries.real])
    return SparseMatrix((2 * height, 2 * width), rows, columns, parts)


def _sum_of_blocks(pivots: int, ranks: Sequence[RationalRank]) -> RationalRank:
    """The rank of a matrix of blocks that share neither rows nor columns, and of pivots beside them."""
    value, upper = (pivots + sum(getattr(one, bound) for one in ranks) for bound in ("value", "upper"))
    primes = tuple(dict.fromkeys(prime for one in ranks for prime in one.primes))
    blocks = f"{counted(len(ranks))} block{'s' * (len(ranks) != 1)}"
    why = f"{counted(pivots)} pivots that are alone in a row or column, and {blocks} beside them"
    unsure = [one for one in ranks if one.standing == "probable"]
    if not unsure:
        return RationalRank(value, upper, "exact", primes, 0.0, why)
    known = [one.failure_probability for one in unsure if one.failure_probability is not None]
    failure = math.fsum(known) if len(known) == len(unsure) and math.fsum(known) < 1 else None
    return RationalRank(value, upper, "probable", primes, failure, f"{why}; {unsure[0].reason}")


def _whole_rows(array: Array) -> Array:
    """A matrix of the same rank without fractions: each row times its common denominator."""
    if not holds_fractions(array):
        return array
    factors = [math.lcm(*(entry.denominator for entry in row)) for row in array]
    rows = [[int(entry * factor) for entry in row] for row, factor in zip(array, factors, strict=True)]
    return np.array(rows, dtype=object).reshape(array.shape)


def _core(array: Array) -> Array:
    """The matrix without rows and columns that are zero or equal an earlier one."""
    for _ in range(2):
        rows = distinct_rows(array)
        array = array[rows[(array != 0).any(axis=1)[rows]]].T
    return array


def _minor_bits(core: Array, size: int) -> float:
    """The logarithm to base 2 of a bound on the absolute value of every minor of this size."""
    largest = max(abs(int(core.min())), abs(int(core.max())))
    bounds = [size * math.log2(largest) + size * math.log2(size) / 2]
    if core.min() >= 0:
        # A determinant of n rows of numbers from 0 to b is at most (b / 2)^n times one of n + 1 rows of signs.
        bounds.append(size * math.log2(largest) + (size + 1) * math.log2(size + 1) / 2 - size)
    if core.dtype != object:
        for side in (core, core.T):
            lengths = np.sort(np.log2(_squares(side)))
            bounds.append(float(lengths[-size:].sum()) / 2)
    # Rounding of the logarithms is far below one bit.
    return min(bounds) + 1


def _squares(matrix: Array) -> Floats:
    """The sum of the squares of each row."""
    step = max(1, _SQUARED // matrix.shape[1])
    slices = (matrix[start : start + step] for start in range(0, len(matrix), step))
    return np.concatenate([np.square(rows.astype(np.float64)).sum(axis=1) for rows in slices])
