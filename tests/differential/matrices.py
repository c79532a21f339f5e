"""Ranks of matrices: over GF(p), over the rationals, and as separation ranks of a network of one tensor."""

import numpy as np
from differential.comparison import Comparison, WrongError, held
from differential.entries import as_fractions, entries, matrix, primes_product, random_prime
from differential.references import rank_over, rank_over_the_rationals

from tensorrank import Tensor, TensorNetwork, rank_mod_p, separation_rank
from tensorrank.arithmetic.rational_rank import rational_rank


def _sizes(rng: np.random.Generator, most: int) -> tuple[int, int]:
    return int(rng.integers(1, most)), int(rng.integers(1, most))


def over_a_prime(rng: np.random.Generator) -> str:
    prime = int(rng.choice((2, 3, 5, 101, 8388593, 2147483647, random_prime(rng, 23), random_prime(rng, 31))))
    rows, columns = _sizes(rng, 40 if rng.random() < 0.9 else 150)
    if rng.random() < 0.5:
        rank = int(rng.integers(0, min(rows, columns) + 1))
        given = rng.integers(0, prime, (rows, rank)).astype(object) @ rng.integers(0, prime, (rank, columns)).astype(object)
        given = given % prime if rng.random() < 0.5 else given + prime * rng.integers(-3, 4, (rows, columns)).astype(object)
    else:
        given = as_fractions(entries(rng, (rows, columns)))
        given = np.vectorize(lambda one: one.numerator, otypes=[object])(given)
    found, truth = rank_mod_p(given, prime, threads=1), rank_over(given, prime)
    if found != truth:
        raise WrongError(f"the rank over GF({prime}) is {truth}, not {found}: {given.tolist()!r}")
    return "equal"


def over_the_rationals(rng: np.random.Generator) -> str:
    given = as_fractions(matrix(rng, *_sizes(rng, 9)))
    given = np.vectorize(lambda one: one.numerator, otypes=[object])(given)
    found, truth = rational_rank(given, seed=int(rng.integers(9)), threads=1), rank_over_the_rationals(given)
    if found.value != truth or found.upper < truth:
        raise WrongError(f"the rank is {truth}, not {found}: {given.tolist()!r}")
    return found.standing


def as_a_network(rng: np.random.Generator) -> str:
    given = matrix(rng, *_sizes(rng, 9))
    found = separation_rank(TensorNetwork((Tensor("a", ("x", "y"), given),), ("x", "y")), seed=int(rng.integers(9)), threads=1)
    return held(found, rank_over_the_rationals(given), given.tolist())


def multiples_of_primes(rng: np.random.Generator) -> str:
    """The identity times a product of random primes has full rank."""
    size, factor = int(rng.integers(2, 5)), primes_product(rng)
    given = np.diag([1] * size).astype(object) * factor
    network = TensorNetwork((Tensor("a", ("x", "y"), given),), ("x", "y"))
    return held(separation_rank(network, seed=int(rng.integers(3)), threads=1), size, factor)


COMPARISONS = (
    Comparison("ranks over GF(p)", over_a_prime),
    Comparison("ranks over the rationals", over_the_rationals),
    Comparison("given matrices", as_a_network),
    Comparison("multiples of random primes", multiples_of_primes),
)
