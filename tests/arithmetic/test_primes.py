import numpy as np
import pytest

from tensorrank.arithmetic.primes import (
    CERTIFYING_PRIMES,
    LARGE_PRIMES,
    LARGEST_PRIME,
    SMALL_PRIMES,
    PrimeRange,
    is_prime,
    primes_below,
)


def test_is_prime_agrees_with_a_sieve():
    limit = 60_000
    sieve = np.ones(limit, dtype=bool)
    sieve[:2] = False
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = False
    assert [n for n in range(limit) if is_prime(n)] == np.flatnonzero(sieve).tolist()
    assert not any(is_prime(n) for n in range(-20, 2))


def test_is_prime_agrees_with_trial_division_near_the_largest_prime():
    small = [n for n in range(2, 46342) if all(n % d for d in range(2, int(n**0.5) + 1))]
    numbers = range(2**31 - 200, 2**31)
    assert [n for n in numbers if is_prime(n)] == [n for n in numbers if all(n % d for d in small)]


@pytest.mark.parametrize("number", [2047, 1373653, 25326001, 1729, 294409, 46337**2, 2152302898747 % 2**31])
def test_is_prime_is_not_fooled_by_pseudoprimes(number):
    divisors = [d for d in range(2, int(number**0.5) + 1) if number % d == 0]
    assert is_prime(number) == (not divisors)


def test_random_primes_differ_and_leave_out_the_largest():
    class Repeating:
        """Gives each number twice, the largest first."""

        numbers = iter([2**31 - 1, 2**31 - 1, 2**30 + 3, 2**30 + 3, 2**30 + 5, 2**30 + 5, 2**30 + 85, 2**30 + 85])

        def integers(self, least, most):
            assert (least, most) == (2**30 + 1, 2**31)
            return next(self.numbers)

    found = LARGE_PRIMES.draw(Repeating())
    # 2^30 + 3 and 2^30 + 85 are prime, 2^30 + 5 is not (tables of primes beside powers of two).
    assert [next(found), next(found)] == [2**30 + 3, 2**30 + 85]


def test_primes_below_lists_downwards():
    assert list(primes_below(30)) == [29, 23, 19, 17, 13, 11, 7, 5, 3, 2]
    assert list(primes_below(2)) == []
    assert next(primes_below(2**31)) == LARGEST_PRIME == 2**31 - 1


def sieved(limit):
    sieve = np.ones(limit, dtype=bool)
    sieve[:2] = False
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = False
    return sieve


def test_the_small_primes_are_as_many_as_a_sieve_finds():
    assert sieved(2**23)[2**22 :].sum() == SMALL_PRIMES.count


def test_the_large_primes_are_counted_by_published_values_of_pi():
    # pi(2^30) and pi(2^31) of the sequence A007053; one prime is left out.
    assert LARGE_PRIMES.count == 105097565 - 54400028 - 1


@pytest.mark.parametrize("primes", [SMALL_PRIMES, LARGE_PRIMES])
def test_random_primes_lie_in_their_range_and_fill_it(primes):
    drawn = primes.draw(np.random.default_rng(0))
    found = [next(drawn) for _ in range(2000)]
    assert len(set(found)) == 2000
    assert all(is_prime(prime) and primes.least < prime < primes.most for prime in found)
    # A tenth of the range holds about a tenth of the primes: 200, with a standard deviation of 13.
    tenths = np.histogram(found, bins=10, range=(primes.least, primes.most))[0]
    assert tenths.min() > 140
    assert tenths.max() < 260


def test_a_number_has_no_more_divisors_than_its_bits_allow():
    # The product of the primes of a whole small sieve: the share of them that divides it is 1.
    primes = np.flatnonzero(sieved(2**10)).tolist()
    chosen = [prime for prime in primes if prime > 2**9]
    product = np.prod(np.array(chosen, dtype=object))
    share = PrimeRange(2**9, 2**10, len(chosen))
    assert share.unlucky(product.bit_length()) == 1
    assert share.unlucky((product // chosen[0] // chosen[1]).bit_length()) >= 1 - 2 / len(chosen)
    assert LARGE_PRIMES.unlucky(0) == 0


@pytest.mark.parametrize("number", [2**22 + 1, 5_000_000, 8_000_000, 2**23 - 100])
def test_the_primes_above_a_number_are_at_least_as_many_as_promised(number):
    found = SMALL_PRIMES.above(number)
    assert found.count <= sieved(2**23)[number + 1 :].sum()
    assert number < next(found.draw(np.random.default_rng(0))) < 2**23


def test_below_its_least_number_a_range_is_whole():
    assert LARGE_PRIMES.above(13) is LARGE_PRIMES


@pytest.mark.parametrize("number", [2**31 - 2, 2**31, 3**21])
def test_no_primes_are_promised_above_the_largest(number):
    found = LARGE_PRIMES.above(number)
    assert (found.count, found.unlucky(1)) == (0, 1)


def test_primes_that_split_are_as_many_as_a_sieve_finds_and_are_drawn_alone():
    few = SMALL_PRIMES.that_split
    assert few.count == np.count_nonzero(np.flatnonzero(sieved(2**23)[2**22 :]) % 4 == 1)
    for primes in (few, LARGE_PRIMES.that_split, LARGE_PRIMES.that_split.above(2**30 + 10**6)):
        drawn = [prime for _, prime in zip(range(50), primes.draw(np.random.default_rng(0)), strict=False)]
        assert len(set(drawn)) == 50
        assert all(prime % 4 == 1 and primes.least < prime < primes.most for prime in drawn)
    for primes in CERTIFYING_PRIMES:
        known = [prime for prime in range(primes.least + 1, primes.most) if prime % 4 == 1 and is_prime(prime)]
        assert primes.that_split.count == len(known)
        assert sorted(primes.that_split.draw(np.random.default_rng(0))) == known
        above = primes.that_split.above(known[0])
        assert above.count == len(known) - 1


def test_half_of_the_large_primes_split_as_dirichlet_has_it():
    assert abs(LARGE_PRIMES.that_split.count / LARGE_PRIMES.count - 0.5) < 1e-5
    passed = LARGE_PRIMES.that_split.above(2**30 + 10**6)
    assert 0 < passed.count <= LARGE_PRIMES.that_split.count


def test_a_gaussian_number_has_no_more_divisors_than_its_norm_allows():
    # 3 + 2i has norm 13: of the two factors of 13, one divides it. Twice the bits bound the norm.
    primes = LARGE_PRIMES.that_split
    assert primes.unlucky(3000) == pytest.approx(2 * 3000 / 30 / primes.count)
