"""Printed failure probabilities against how often answers are wrong, with primes from a range so small that many are.

No wrong answer is ever seen with the library's own primes of 31 bits. Here its ranges are replaced by the 464 primes of
13 bits, and questions are made of numbers that many of these divide. A question is asked with many seeds. Each answer
that is wrong in a certain way has at most the probability that is printed with it, so the number of such answers is at
most that of a binomial distribution. A number that such a distribution reaches with probability below 1e-6 convicts
the printed one: a true bound is convicted in one question of a million.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from functools import cache
from math import prod
from unittest.mock import patch

import flint
import numpy as np
from differential.architectures import attention_rank
from differential.comparison import Comparison, WrongError
from differential.entries import random_prime
from scipy.stats import binom

import tensorrank as tr
from tensorrank.arithmetic import rational_rank as rational_ranks
from tensorrank.arithmetic.primes import PrimeRange
from tensorrank.mixtures.reductions import field_comparison
from tensorrank.separation import draws

_LEAST, _MOST = 2**12, 2**13
# How often a question is asked, and the probability of what is not believed to be chance.
_SEEDS, _UNBELIEVABLE = 60, 1e-6
# What an answer says, and the failure probability printed with it: 0 where it is exact, None where none is.
Answer = tuple[object, float | None]


@cache
def small_primes() -> tuple[int, ...]:
    """All primes of 13 bits, by FLINT."""
    return tuple(number for number in range(_LEAST, _MOST) if flint.fmpz(number).is_prime())


@contextmanager
def drawn_from_small_primes() -> Iterator[None]:
    """Let the library draw its random primes among these only, two for each answer."""
    few = PrimeRange(_LEAST, _MOST, len(small_primes()))
    with ExitStack() as stack:
        for module, name in (
            *((draws, "SMALL_PRIMES"), (draws, "LARGE_PRIMES")),
            *((rational_ranks, "LARGE_PRIMES"), (field_comparison, "LARGE_PRIMES")),
        ):
            stack.enter_context(patch.object(module, name, few))
        stack.enter_context(patch.object(field_comparison, "_TELLING", 1.0))
        yield


def kept(ask: Callable[[int], Answer], truth: object, first: int, question: object) -> str | None:
    """Ask with many seeds, and say whether answers were wrong; they must not be so more often than is printed."""
    with drawn_from_small_primes():
        answers = [ask(seed) for seed in range(first, first + _SEEDS)]
    wrong = [(said, chance) for said, chance in answers if said != truth and chance is not None]
    for said, times in Counter(said for said, _ in wrong).items():
        chances = [chance for other, chance in wrong if other == said]
        if min(chances) == 0 or binom.sf(times - 1, len(answers), min(1.0, max(chances))) < _UNBELIEVABLE:
            told = f"{times} of {len(answers)} answers are {said}, not {truth}; the probability printed is {min(chances):.1e}"
            raise WrongError(f"{told}: {question}")
    if wrong:
        return "wrong no more often than printed"
    return None if all(chance is None for _, chance in answers) else "never wrong"


def _printed(found: tr.SeparationRank | rational_ranks.RationalRank) -> float | None:
    return {"exact": 0.0, "probable": found.failure_probability}.get(found.standing)


def _divided(rng: np.random.Generator, most: int) -> int:
    """The product of a random number of different small primes."""
    return prod(map(int, rng.choice(small_primes(), rng.integers(1, most), replace=False)))


def _deficient(rng: np.random.Generator, most: int) -> tuple[np.ndarray, int]:
    """A matrix with one row and column more than its rank, which falls modulo each of many primes."""
    rank, factor = int(rng.integers(1, 4)), _divided(rng, most)
    # As objects from the start: numpy makes floats of whole numbers between 2^63 and 2^64 beside others.
    core = np.diag(np.array([*[1] * (rank - 1), factor], dtype=object))
    left, right = (np.vstack([np.eye(rank, dtype=int), rng.integers(1, 4, (1, rank))]).astype(object) for _ in range(2))
    return left @ core @ right.T, rank


def of_networks(rng: np.random.Generator) -> str | None:
    """A tensor, of which the answer loses a rank where both primes drawn are unlucky."""
    matrix, rank = _deficient(rng, 250)
    network = tr.TensorNetwork((tr.Tensor("a", ("x", "y"), matrix),), ("x", "y"))

    def ask(seed: int) -> Answer:
        found = tr.separation_rank(network, seed=seed, threads=1)
        return found.value, _printed(found)

    return kept(ask, rank, int(rng.integers(2**20)), matrix.tolist())


def of_rational_ranks(rng: np.random.Generator) -> str | None:
    """A matrix of whole numbers, with work for no more than two primes."""
    matrix, rank = _deficient(rng, 120)

    def ask(seed: int) -> Answer:
        found = rational_ranks.rational_rank(matrix, seed=seed, work=1.0, threads=1)
        return found.value, _printed(found)

    return kept(ask, rank, int(rng.integers(2**20)), matrix.tolist())


def of_attention(rng: np.random.Generator) -> str | None:
    """A layer whose output is scaled by a number that many primes divide, which changes nothing about its rank."""
    model, factor = tr.SelfAttention(1, 2, tokens=int(rng.integers(2, 4))), _divided(rng, 250)
    plain = {name: rng.integers(1, 5, shape).astype(object) for name, (_, shape) in model.shapes.items()}
    weights = {**plain, "output": plain["output"] * factor}
    partition = tr.Bipartition.halves(model.tokens)
    truth = attention_rank(model, partition, plain, 24, rng, random_prime(rng, 31))

    def ask(seed: int) -> Answer:
        found = tr.separation_rank(model, partition, weights=weights, seed=seed, threads=1)
        return found.value, _printed(found)

    return kept(ask, truth, int(rng.integers(2**20)), {name: array.tolist() for name, array in weights.items()})


def of_equality(rng: np.random.Generator) -> str | None:
    """Two coins whose weights differ by a fraction of which many primes divide the numerator."""
    factor = _divided(rng, 200)
    step = Fraction(factor, 2 ** (factor.bit_length() + 4))
    one, other = (tr.LatentClass([Fraction(1)], [[[Fraction(1, 4) + by, Fraction(3, 4) - by]]]) for by in (0, step))

    def ask(seed: int) -> Answer:
        found = field_comparison.compare_over_fields(one, other, seed)
        return found.identical, found.failure_probability

    return kept(ask, False, int(rng.integers(2**20)), step)


COMPARISONS = (
    Comparison("failure probabilities of networks", of_networks),
    Comparison("failure probabilities of ranks over the rationals", of_rational_ranks),
    Comparison("failure probabilities of attention", of_attention),
    Comparison("failure probabilities of equality", of_equality),
)
