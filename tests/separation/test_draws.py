from fractions import Fraction
from math import factorial, inf, log2

import numpy as np
import pytest

from tensorrank import SelfAttention
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
    fields = [draws.next(rank, 52)[0] for rank in (0, 0, 10**6, 10**12, 10**12)]
    primes = [field.prime for field in fields]
    assert len(set(primes)) == len(primes)
    assert all(is_prime(prime) and prime > 13 for prime in primes)
    assert draws.used == primes


def test_large_blocks_get_large_primes():
    draws = Draws(MODEL, None, 0, None, 13)
    assert draws.next(1, 52)[0].prime < 2**23
    assert draws.next(2**17, 52)[0].prime > 2**30


def test_given_weights_of_many_digits_get_large_primes():
    weights = {name: np.full((3, 1, 2, 2), 3**2000, dtype=object) for name in ("query", "key", "value", "output")}
    # A value is below (3^2000)^52 and a few bits: some 7500 of the small primes could divide it.
    assert Draws(MODEL, weights, 0, None, 13).next(1, 0)[0].prime > 2**30


def test_no_probability_is_stated_where_nothing_is_known_of_the_coefficients():
    class Unknown(SelfAttention):
        def value_bits(self, weights=None):
            return inf

    draws = Draws(Unknown(3, 2), None, 0, None, 13)
    prime = draws.next(1, 52)[0].prime
    assert prime > 2**30
    assert draws.failure({0: 1}, 52, {0: [prime]}) is None


@pytest.mark.parametrize("depth", [650, 1500])
def test_depths_beyond_all_floats_have_no_prime(depth):
    assert Draws(SelfAttention(depth, 2), None, 0, None, (3**depth - 1) // 2).impossible


@pytest.mark.parametrize("depth", [15, 16, 18, 20])
def test_primes_exceed_a_high_degree(depth):
    draws = Draws(SelfAttention(depth, 1), None, 0, None, (3**depth - 1) // 2)
    assert not draws.impossible
    assert draws.next(0, 1)[0].prime > (3**depth - 1) // 2


def test_no_supported_prime_exceeds_the_degree_of_depth_21():
    assert Draws(SelfAttention(21, 1), None, 0, None, (3**21 - 1) // 2).impossible


def test_given_primes_are_used_in_turn_and_fresh_ones_follow():
    draws = Draws(MODEL, None, 0, [101, 17], 13)
    primes = [draws.next(0, 52)[0].prime for _ in range(4)]
    assert primes[:2] == [101, 17]
    assert min(primes[2:]) > 2**22


def test_a_given_prime_is_not_drawn_again():
    first = [Draws(MODEL, None, 0, None, 13).next(0, 52)[0].prime for _ in range(3)]
    draws = Draws(MODEL, None, 0, first[:1], 13)
    assert len({draws.next(0, 52)[0].prime for _ in range(4)}) == 4


@pytest.mark.parametrize("prime", [2, 11, 13])
def test_a_prime_not_above_the_degree_is_refused_with_one_to_try(prime):
    with pytest.raises(PrimeError, match=f"the prime {prime} does not exceed the degree 13 .*; try 8388593"):
        Draws(MODEL, None, 0, [101, prime], 13)


@pytest.mark.parametrize(
    ("primes", "message"),
    [
        ([15], "15 is not a prime; try 13"),
        ([], "primes is empty; expected a list"),
        ([2**31 + 11], "expected a prime between 2 and"),
    ],
)
def test_primes_that_are_none_are_refused(primes, message):
    with pytest.raises(PrimeError, match=message):
        Draws(MODEL, None, 0, primes, 13)


def test_the_failure_bound_counts_unlucky_values_and_unlucky_primes():
    draws = Draws(MODEL, None, 0, None, 13)
    small, other, large = (draws.next(rank, 52)[0].prime for rank in (1, 1, 2**17))
    # The sum of the coefficients of the output is its value at ones: 4 tokens, so all entries of M are 4 at first.
    token, moment = 1, 4
    for _ in range(3):
        token, moment = 32 * moment * token, 4 * (32 * moment * token) ** 2
    entry = log2(token * factorial(13))

    def chance(rank, least, count):
        return (rank + 1) * 52 / least + (log2(factorial(rank + 1)) + (rank + 1) * entry) / log2(least) / count

    ranks, primes = {0: 10, 3: 12}, {0: [small, other], 3: [small, large]}
    expected = chance(10, 2**22, 268216) ** 2 + chance(12, 2**22, 268216) * chance(12, 2**30, 50697536)
    assert draws.failure(ranks, 52, primes) == pytest.approx(expected)
    assert draws.failure({}, 52, {}) == 0


def test_a_failure_bound_that_tells_nothing_is_none():
    draws = Draws(MODEL, None, 0, [17, 19], 13)
    primes = [draws.next(100, 52)[0].prime for _ in range(2)]
    assert draws.failure({0: 100}, 52, {0: primes}) is None


def test_about_given_weights_only_the_primes_are_random():
    weights = {name: np.ones((3, 1, 2, 2)) for name in ("query", "key", "value", "output")}
    draws = Draws(MODEL, weights, 0, None, 13)
    primes = [draws.next(1, 0)[0].prime]
    # The same coefficients as above, for ones are as large as a variable's own: only the degree is 0.
    assert 0 < draws.failure({0: 1}, 0, {0: primes}) < 1e-4


def test_a_prime_of_our_choice_that_divides_a_denominator_is_passed_over():
    class Refusing(SelfAttention):
        """Complains about the first prime, as about a denominator."""

        refused = ()

        def draw(self, field, rng, weights=None):
            if not Refusing.refused:
                Refusing.refused = (field.prime,)
                raise PrimeError(f"a denominator divisible by {field.prime}")
            return super().draw(field, rng, weights)

    draws = Draws(Refusing(3, 2), None, 0, None, 13)
    assert draws.next(0, 52)[0].prime not in Refusing.refused
    assert len(draws.used) == 1


def test_a_denominator_divisible_by_a_given_prime_is_refused():
    weights = {name: np.full((3, 1, 2, 2), Fraction(1, 8388593)) for name in ("query", "key", "value", "output")}
    with pytest.raises(PrimeError, match="denominator divisible by 8388593"):
        Draws(MODEL, weights, 0, [8388593], 13).next(0, 52)


def test_where_every_prime_divides_a_denominator_the_last_complaint_is_passed_on():
    class Never(SelfAttention):
        def draw(self, field, rng, weights=None):
            raise PrimeError(f"a denominator divisible by {field.prime}")

    with pytest.raises(PrimeError, match="a denominator divisible by"):
        Draws(Never(3, 2), None, 0, None, 13).next(0, 52)
