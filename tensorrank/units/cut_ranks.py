"""Ranks of the numerator, the denominator and the quotient of a softmax head across a cut, exactly.

The tokens are on two sides, A and B. A head with the query q sums over all tokens j, with keys k_j and values v_j,

    numerator = sum_j 2^<q, k_j> v_j,    denominator = sum_j 2^<q, k_j>,    output = numerator / denominator.

Powers of 2 in place of e are softmax at the temperature 1 / ln 2: the same functions, as scores can be scaled. With
whole-number keys and queries they are rational, and so all three have exact ranks, as matrices with a row for each
input of side A and a column for each input of side B.

If the query is public, numerator and denominator are each a function of A plus one of B: rank at most 2. Their
quotient has infinite separation rank. Let each side hold one token, with q = 1, keys i on A and j on B, values 1 on A
and 0 on B: the output 2^i / (2^i + 2^j) is a Cauchy matrix with scaled rows, nonsingular for any number of distinct
keys (Cauchy 1841: 1 / (c_i + d_j) is, if the c_i are distinct, the d_j are, and no c_i + d_j is 0).

If side A holds the query as well, the function of B depends on the query: the rank of numerator and denominator is at
most 1 plus the number of different queries, and without bound if there are ever more of these (2^(q k) is a
Vandermonde matrix).

With a public query it is the normalisation alone that takes the rank from 2 to infinity; dropping it (linear
attention's numerator) loses that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.elimination.rank import rank_mod_p
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.primes import LARGE_PRIMES
from tensorrank.arithmetic.randomness import hardened_stream, random_stream
from tensorrank.arithmetic.rational_rank import distinct_rows
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.records import Record
from tensorrank.short_reprs import ShortRepr

Asking = Literal["public", "a"]

_PRIMES = 2
# Entries of samples stay below this in absolute value, so that scores and residues fit into int64.
_LARGEST = 2**24
# Random keys are below the square of the number of samples, so that scores rarely meet.
MOST_SAMPLES = int(_LARGEST**0.5) - 1
# An entry of numerator, denominator and quotient, the steps of the inverse, and its int32 under elimination.
_ENTRY_BYTES = 64


@dataclass(frozen=True)
class CutRank(Record):
    """The rank over the rationals of one matrix of samples, a lower bound on the separation rank.

    Attributes:
        value: the largest rank met modulo a prime, a lower bound.
        upper: a proven upper bound.
    """

    derived = ("standing",)

    value: int
    upper: int

    @property
    def standing(self) -> Literal["exact", "lower bound"]:
        """Whether the bounds meet."""
        return "exact" if self.value == self.upper else "lower bound"

    def __str__(self) -> str:
        return f"{self.value} ({self.standing})"


@checked
@dataclass(frozen=True)
class CutRanks(Record):
    """Ranks of one head on samples of both sides of a cut.

    Attributes:
        rows: the number of samples of side A.
        columns: the number of samples of side B.
        queries: how many different queries they ask.
        numerator: the rank of the weighted sums of values.
        denominator: the rank of the sums of weights.
        quotient: the rank of the head's output.
        primes: the moduli used.
    """

    rows: int
    columns: int
    queries: int
    numerator: CutRank
    denominator: CutRank
    quotient: CutRank
    primes: tuple[int, ...] = field(compare=False)

    def __str__(self) -> str:
        return (
            f"numerator {self.numerator}, denominator {self.denominator}, quotient {self.quotient}, "
            f"on {self.rows} x {self.columns} samples with {self.queries} quer{'y' if self.queries == 1 else 'ies'}"
        )


@checked
@dataclass(frozen=True, eq=False)
class CutSamples(ShortRepr, EqualByValue):
    """Inputs of the two sides of a head: whole numbers between -2^24 and 2^24.

    Attributes:
        queries: of shape (dimension,) if public, or (rows, dimension), one for each sample of side A.
        keys_a: of shape (rows, tokens of A, dimension).
        values_a: of shape (rows, tokens of A).
        keys_b: of shape (columns, tokens of B, dimension).
        values_b: of shape (columns, tokens of B).

    Raises:
        TensorRankError: if shapes do not fit, are empty, or entries are no whole numbers in that range.

    >>> ones, keys = np.ones((3, 1), dtype=int), np.arange(3).reshape(3, 1, 1)
    >>> print(CutSamples([1], keys, ones, keys, 0 * ones).ranks())
    numerator 1 (lower bound), denominator 2 (exact), quotient 3 (exact), on 3 x 3 samples with 1 query
    """

    queries: Integers
    keys_a: Integers
    values_a: Integers
    keys_b: Integers
    values_b: Integers

    def __post_init__(self) -> None:
        for name in ("queries", "keys_a", "values_a", "keys_b", "values_b"):
            object.__setattr__(self, name, _integers(getattr(self, name), name))
        for side, keys, values in (("a", self.keys_a, self.values_a), ("b", self.keys_b, self.values_b)):
            if keys.ndim != 3 or values.shape != keys.shape[:2]:
                raise TensorRankError(
                    f"keys_{side} have the shape {keys.shape} and values_{side} {values.shape}; expected "
                    "(samples, tokens, dimension) and (samples, tokens)"
                )
        dimension = self.keys_a.shape[2]
        if self.keys_b.shape[2] != dimension:
            raise TensorRankError(f"keys_a have dimension {dimension} and keys_b {self.keys_b.shape[2]}; expected the same")
        if self.queries.shape not in ((dimension,), (len(self.keys_a), dimension)):
            raise TensorRankError(
                f"queries have the shape {self.queries.shape}; expected ({dimension},), or "
                f"({len(self.keys_a)}, {dimension}) with one for each sample of side A"
            )

    @classmethod
    def random(
        cls,
        samples: int,
        *,
        tokens_a: int = 2,
        tokens_b: int = 2,
        dimension: int = 2,
        asking: Asking = "public",
        seed: int | np.random.Generator = 0,
    ) -> CutSamples:
        """Random samples of both sides.

        Keys have entries from 0 to samples^2, so that scores seldom meet, values from -999 to 999, and queries of 1
        and 2: 2^dimension of them, and none is 0, which would weigh all tokens alike.

        Args:
            samples: for each side, at most 4095.
            tokens_a: the tokens in a sample of side A.
            tokens_b: the tokens in a sample of side B.
            dimension: of queries and keys.
            asking: "public" for one query known to both sides, "a" for a query in each sample of side A.
            seed: a whole number or a numpy Generator.

        Raises:
            TensorRankError: if a number is no whole number of at least 1, or there are too many samples.

        >>> print(CutSamples.random(64).ranks())
        numerator 2 (exact), denominator 2 (exact), quotient 64 (exact), on 64 x 64 samples with 1 query
        >>> print(CutSamples.random(64, asking="a").ranks())
        numerator 5 (exact), denominator 5 (exact), quotient 64 (exact), on 64 x 64 samples with 4 queries
        """
        rows, m = whole_number("samples", samples, 1), whole_number("dimension", dimension, 1)
        if rows**2 >= _LARGEST:
            raise TensorRankError(f"{rows} samples were asked for; expected at most {MOST_SAMPLES}")
        rng = random_stream(seed)
        counts = [whole_number(name, given, 1) for name, given in (("tokens_a", tokens_a), ("tokens_b", tokens_b))]
        refuse_beyond(memory_limit(None), 24 * rows * (m + 1) * (sum(counts) + 1), "these samples", "fewer, or fewer tokens")
        queries = rng.integers(1, 3, m if asking == "public" else (rows, m))
        sides = []
        for tokens in counts:
            sides += [rng.integers(0, rows**2 + 1, (rows, tokens, m)), rng.integers(-999, 1000, (rows, tokens))]
        return cls(queries, *sides)

    def ranks(
        self, *, seed: int | np.random.Generator = 0, memory: int | str | None = None, threads: int | None = None
    ) -> CutRanks:
        """The ranks of numerator, denominator and quotient on these samples.

        The ranks are computed modulo two primes that divide no denominator, which makes them lower bounds on the ranks
        over the rationals. An upper bound is the number of different samples of either side; for numerator and
        denominator it is also 1 plus the number of different queries. Where the bounds of a rank do not meet, some
        samples are different but give equal sums.

        Args:
            seed: of the primes, drawn uniformly among those from 2^30 to 2^31, from the seed and a hash of the samples.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.
            threads: for elimination.

        Raises:
            TensorRankError: before it starts, if the matrices need more memory.
        """
        rows, columns = len(self.keys_a), len(self.keys_b)
        needed = _ENTRY_BYTES * rows * columns
        refuse_beyond(memory_limit(memory), needed, f"{rows} x {columns} samples", "fewer samples, or give more memory")
        asked, which = np.unique(np.atleast_2d(self.queries), axis=0, return_inverse=True)
        which = np.broadcast_to(which.reshape(-1), rows)
        found, primes = np.zeros(3, dtype=np.int64), list[int]()
        given = (self.queries, self.keys_a, self.values_a, self.keys_b, self.values_b)
        for prime in LARGE_PRIMES.draw(hardened_stream(seed, given)):
            matrices = self._matrices(PrimeField(prime), asked, which)
            if matrices is not None:
                found = np.maximum(found, [rank_mod_p(matrix, prime, threads=threads) for matrix in matrices])
                primes.append(prime)
            if len(primes) == _PRIMES:
                break
        side_a = np.hstack([which[:, None], self.keys_a.reshape(rows, -1), self.values_a])
        side_b = np.hstack([self.keys_b.reshape(columns, -1), self.values_b])
        most = min(len(distinct_rows(side_a)), len(distinct_rows(side_b)))
        uppers = (min(most, 1 + len(asked)), min(most, 1 + len(asked)), most)
        above, below, quotient = (CutRank(int(value), upper) for value, upper in zip(found, uppers, strict=True))
        return CutRanks(rows, columns, len(asked), above, below, quotient, tuple(primes))

    def _matrices(
        self, field: PrimeField, asked: Integers, which: NDArray[np.intp]
    ) -> tuple[Residues, Residues, Residues] | None:
        """Numerators, denominators and quotients, or None if the prime divides a denominator."""
        scores_a = np.einsum("itd,id->it", self.keys_a, asked[which])
        above_a, below_a = _sums(scores_a, self.values_a, field)
        # A row for each query, a column for each sample of B.
        sums_b = [_sums(self.keys_b @ query, self.values_b, field) for query in asked]
        above_b, below_b = (np.stack(sums) for sums in zip(*sums_b, strict=True))
        denominators = (below_a[:, None] + below_b[which]) % field.prime
        if not denominators.all():
            return None
        numerators = (above_a[:, None] + above_b[which]) % field.prime
        return numerators, denominators, numerators * field.inverse(denominators) % field.prime


def _integers(given: ArrayLike, name: str) -> Integers:
    array = as_given(given)
    if array.dtype.kind not in "iu" or not array.size or array.min() <= -_LARGEST or array.max() >= _LARGEST:
        raise TensorRankError(
            f"{name} have the shape {array.shape} and the type {array.dtype}; expected at least one of them, whole "
            "numbers between -2^24 and 2^24"
        )
    return array.astype(np.int64)


def _sums(scores: Integers, values: Integers, field: PrimeField) -> tuple[Residues, Residues]:
    """Over the tokens of each sample, the weights times the values, and the weights."""
    weights = _powers_of_two(scores, field.prime)
    weighted = weights * (values % field.prime) % field.prime
    return weighted.sum(axis=-1) % field.prime, weights.sum(axis=-1) % field.prime


def _powers_of_two(exponents: Integers, prime: int) -> Residues:
    """2 to whole numbers, negative ones too, modulo an odd prime."""
    left, result, power = exponents % (prime - 1), np.ones_like(exponents), 2
    while left.any():
        result = np.where(left % 2 == 1, result * power % prime, result)
        power, left = power * power % prime, left // 2
    return result
