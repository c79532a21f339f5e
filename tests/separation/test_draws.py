from fractions import Fraction
from math import prod

import numpy as np
import pytest

from tensorrank import SelfAttention, separation_rank
from tensorrank.arithmetic.primes import is_prime
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.separation.draws import Draws

MODEL = SelfAttention(depth=3, width=2)


@pytest.mark.parametrize("seed", [-1, 1.0, "0", None, True, False])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(TensorRankError, match="expected a whole number of at least 0 or a numpy Generator"):
        Draws(MODEL, None, seed, None, 13)


def test_seeds_are_remembered_and_generators_are_not():
    assert Draws(MODEL, None, np.int64(7), None, 13).seeds == (7,)
    assert Draws(MODEL, None, np.random.default_rng(7), None, 13).seeds == ()


def test_every_draw_has_another_prime_above_the_degree():
    draws = Draws(MODEL, None, 0, None, 13)
    fields = [draws.next(hardest)[0] for hardest in (0, 0, 10**6, 10**12, 10**12)]
    primes = [field.prime for field in fields]
    assert len(set(primes)) == len(primes)
    assert all(is_prime(prime) and prime > 13 for prime in primes)
    assert draws.used == primes


def test_large_blocks_get_large_primes():
    draws = Draws(MODEL, None, 0, None, 13)
    assert draws.next(1)[0].prime < 2**23
    assert draws.next(2**23)[0].prime > 2**30


@pytest.mark.parametrize("depth", [15, 16, 18, 20])
def test_primes_exceed_a_high_degree(depth):
    draws = Draws(SelfAttention(depth, 1), None, 0, None, (3**depth - 1) // 2)
    assert not draws.impossible
    assert draws.next(0)[0].prime > (3**depth - 1) // 2


def test_no_supported_prime_exceeds_the_degree_of_depth_21():
    assert Draws(SelfAttention(21, 1), None, 0, None, (3**21 - 1) // 2).impossible


def test_given_primes_are_used_in_turn_and_fresh_ones_follow():
    draws = Draws(MODEL, None, 0, [101, 17], 13)
    assert [draws.next(0)[0].prime for _ in range(4)] == [101, 17, 8388593, 8388587]


@pytest.mark.parametrize("prime", [2, 11, 13])
def test_a_prime_not_above_the_degree_is_refused_with_one_to_try(prime):
    with pytest.raises(PrimeError, match=f"the prime {prime} does not exceed the degree 13 .*; try 8388593"):
        Draws(MODEL, None, 0, [101, prime], 13)


@pytest.mark.parametrize(
    ("primes", "message"),
    [([15], "15 is not a prime; try 13"), ([], "empty list of primes"), ([2**31 + 11], "expected a prime between 2 and")],
)
def test_primes_that_are_none_are_refused(primes, message):
    with pytest.raises(PrimeError, match=message):
        Draws(MODEL, None, 0, primes, 13)


def test_the_failure_bound_is_that_of_schwartz_and_zippel():
    draws = Draws(MODEL, None, 0, None, 13)
    ranks, degree = {0: 10, 3: 200}, 52
    primes = {0: [8388593, 8388587], 3: [8388593, 2**31 - 1]}
    expected = sum(prod(min(1, (r + 1) * degree / p) for p in primes[k]) for k, r in ranks.items())
    assert draws.failure(ranks, degree, primes) == pytest.approx(expected)
    assert draws.failure({}, degree, {}) == 0


def test_a_failure_bound_that_tells_nothing_is_none():
    draws = Draws(MODEL, None, 0, None, 13)
    assert draws.failure({0: 100}, 52, {0: [17, 17]}) is None


def test_about_given_weights_nothing_is_random():
    weights = {name: np.ones((3, 1, 2, 2)) for name in ("query", "key", "value", "output")}
    assert Draws(MODEL, weights, 0, None, 13).failure({0: 1}, 52, {0: [8388593]}) is None
    assert separation_rank(MODEL, weights=weights).failure_probability is None


def test_a_prime_of_our_choice_that_divides_a_denominator_is_passed_over():
    weights = {name: np.full((3, 1, 2, 2), Fraction(1, 8388593)) for name in ("query", "key", "value", "output")}
    assert Draws(MODEL, weights, 0, None, 13).next(0)[0].prime == 8388587
    with pytest.raises(PrimeError, match="denominator divisible by 8388593"):
        Draws(MODEL, weights, 0, [8388593], 13).next(0)
