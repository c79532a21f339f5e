"""What squares with signs save, and what a single square costs: two densities of pairs of bits, with certified numbers.

Both are of bits a_1, ..., a_n and b_1, ..., b_n, and looked at across the cut between a and b.

**Unique disjointness**, in proportion to (1 - a.b)^2. Its amplitude is a sum of n + 1 products. A sum of nonnegative
products has at least (3/2)^n terms. Say that a set A x B of pairs (a, b) *avoids one* if none of its pairs has
a.b = 1.

*Lemma: a set A x B that avoids one has at most 2^n disjoint pairs, a.b = 0.* By induction over n; for n = 0 there is
one pair. Of the beginnings a' and b', all bits but the last, let A_0 be those that go on with the bit 0 to an a in A,
and A_* those that go on at all; likewise B_0 and B_*. Then A_* x B_0 and A_0 x B_* avoid one: a pair of either goes on
to a pair of A x B with the same product, since one of the last bits is 0. So both have at most 2^(n - 1) disjoint
pairs. Let a'.b' = 0. Not both a' and b' go on with 1, for that would be a pair with a.b = 1. So (a', b') goes on to at
most two disjoint pairs, to two only if one side goes on with 0 alone and the other with both bits, and then it is in
both sets; if it goes on at all, one side goes on with 0, and it is in one of them. Summed over all beginnings this is
at most 2^(n - 1) + 2^(n - 1).

Where a term is positive is a set A x B within the support, so it avoids one. There are 3^n disjoint pairs, and every
one needs a term.

The density itself has the rank 1 + n + n (n - 1) / 2 across the cut: (1 - a.b)^2 = 1 - sum of a_i b_i + 2 * sum over
i < j of a_i a_j b_i b_j, since a_i^2 = a_i, and different products of bits are linearly independent functions.

**Sum of two numbers**, in proportion to 1 + i + j for the numbers i and j that the bits of a and b write. It is a sum
of 2 n + 1 nonnegative products, and of 2 across the cut. One square of a sum of products f_t(a) * g_t(b) with real
factors has at least as many terms as there are primes up to 2^(n + 1).

*Proof.* The rows and columns of i = 0 and of i = (p - 1) / 2 for all odd primes p up to 2^(n + 1) make a matrix of
entries 1 + i + j, with 1 and the primes on the diagonal. Every matrix of real square roots of these entries, whatever
the signs, has a determinant other than 0, by induction over its size: developed along the last row it is
c * sqrt(p) + d, where c is up to its sign the determinant without the last row and column, not 0, and c and d are in
the field of the square roots of all other entries. Those are whole numbers below p. So their square roots are in the
field that the roots of smaller primes generate, which does not have the square root of p (Besicovitch 1940).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.experiments.experiment import Experiment, ascending, told
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.records import Record
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

# Primes are counted up to 2^21.
_MOST_PAIRS = 20


@dataclass(frozen=True)
class SquaredSeparation(Record):
    """Both densities of so many pairs of bits.

    Attributes:
        pairs: n; there are twice as many variables.
        squared_states: states of the one hidden variable whose square is unique disjointness.
        rank_bound: the upper bound r (r + 1) / 2 on the rank of this density between a and b.
        rank: the rank, as computed; None beyond the number of pairs that was asked for.
        classes_needed: every latent class model of unique disjointness has at least so many classes, and every tree
            model with an edge between a and b so many states there.
        monotone_classes: classes of a latent class model of the sum of two numbers.
        square_needed: a single square of it, with real amplitudes and no hidden variable summed, has at least so many
            states at an edge between a and b; of a single hidden variable, so many states.

    >>> row = squared_separations([3], ranked=0).rows[0]
    >>> row.squared_states, row.rank_bound, row.square_needed
    (4, 10, 6)
    """

    pairs: int
    squared_states: int
    rank_bound: int
    rank: SeparationRank | None
    classes_needed: int
    monotone_classes: int
    square_needed: int


@checked
@dataclass(frozen=True)
class SquaredSeparations(Experiment, name="squared_separations"):
    """Two densities, each small in one kind and large in the other.

    Attributes:
        seed: of the ranks.
        rows: one a number of pairs.

    >>> [row.pairs for row in squared_separations([1, 2], ranked=1).rows]
    [1, 2]
    """

    seed: int
    rows: tuple[SquaredSeparation, ...]


@checked
@with_progress
def squared_separations(
    pairs: Sequence[int] = tuple(range(1, 17)),
    *,
    ranked: int = 12,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: ProgressLike = None,
) -> SquaredSeparations:
    """Unique disjointness, which squares make small, and the sum of two numbers, which a single square makes large.

    What is needed at least is proved at the head of this module. The lower bound for unique disjointness is the larger
    one of (3/2)^n and of the rank, which no sum of nonnegative products can have fewer terms than.

    Args:
        pairs: numbers of pairs of bits, n, from 1 to 20.
        ranked: up to so many pairs the rank of unique disjointness between a and b is computed.
        seed: a whole number.
        memory: the limit for each rank.
        progress: True shows a line in a terminal or a notebook; a function is called with the rows done, their number
            and the next row in words.

    Raises:
        TensorRankError: if a number is out of range, or none is given.

    Sources: for sets that avoid one, Kaibel, Weltge, A Short Proof that the Extension Complexity of the Correlation
    Polytope Grows Exponentially (Discrete Comput. Geom. 53, 2015); for square roots of primes, Fawzi, Gouveia, Parrilo,
    Robinson, Thomas, Positive semidefinite rank (Math. Program. 153, 2015). That squared circuits can be exponentially
    smaller than monotone ones, and larger: Loconte et al. (ICLR 2024 and AAAI 2025), of which the abstracts were read.

    >>> [(row.squared_states, row.classes_needed) for row in squared_separations([4, 16], ranked=4).rows]
    [(5, 11), (17, 657)]
    >>> [(row.monotone_classes, row.square_needed) for row in squared_separations([4, 16], ranked=0).rows]
    [(9, 11), (33, 12251)]
    """
    chosen = ascending("numbers of pairs", pairs, 1, _MOST_PAIRS)
    ranked = whole_number("ranked", ranked, 0)
    rows = [_row(n, n <= ranked, seed, memory) for n in told(chosen, reporter(progress), "{} pairs of bits".format)]
    return SquaredSeparations(seed, tuple(rows))


def disjointness_terms(pairs: int) -> int:
    """The least number of nonnegative products whose sum is unique disjointness, as far as it is proved.

    >>> [disjointness_terms(pairs) for pairs in (1, 10, 11, 12)]
    [2, 58, 87, 130]
    """
    rank = 1 + pairs + pairs * (pairs - 1) // 2
    return max(rank, ceil(Fraction(3, 2) ** pairs))


def square_terms(pairs: int) -> int:
    """The least number of products whose sum has the sum of two numbers as its square: the primes up to 2^(pairs + 1).

    >>> [square_terms(pairs) for pairs in (1, 2, 3, 9)]
    [2, 4, 6, 172]
    """
    sieve = np.ones(2 ** (pairs + 1) + 1, dtype=np.bool_)
    sieve[:2] = False
    for number in range(2, int(len(sieve) ** 0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = False
    return int(sieve.sum())


def sum_of_numbers(pairs: int) -> LatentClass:
    """The density in proportion to 1 + i + j as a latent class model; bits in the order a_1, b_1, a_2, b_2, ...

    There is a class for the 1, and one for each bit: the bit is 1 and all others are free. Bits a_k and b_k count
    2^(k - 1).

    Raises:
        TensorRankError: if the number of pairs is no whole number from 1 to 20.

    >>> sum_of_numbers(1).probability([[0, 0], [1, 0], [1, 1]])
    array([Fraction(1, 8), Fraction(1, 4), Fraction(3, 8)], dtype=object)
    """
    pairs = whole_number("pairs", pairs, 1, _MOST_PAIRS)
    # A class whose one bit is fixed has half of all values.
    sizes = [Fraction(1), *(Fraction(2 ** (bit // 2), 2) for bit in range(2 * pairs))]
    tables = []
    for bit in range(2 * pairs):
        table = np.full((2 * pairs + 1, 2), Fraction(1, 2), dtype=object)
        table[bit + 1] = Fraction(0), Fraction(1)
        tables.append(table)
    return LatentClass(np.array(sizes) / sum(sizes), tuple(tables))


def _row(pairs: int, ranked: bool, seed: int, memory: int | str | None) -> SquaredSeparation:
    model = SquaredMixture.unique_disjointness(pairs)
    rank = separation_rank(model, "interleaved", seed=seed, memory=memory) if ranked else None
    return SquaredSeparation(
        pairs=pairs,
        squared_states=len(model.prior),
        rank_bound=model.pairs_at("z"),
        rank=rank,
        classes_needed=disjointness_terms(pairs),
        monotone_classes=sum_of_numbers(pairs).classes,
        square_needed=square_terms(pairs),
    )
