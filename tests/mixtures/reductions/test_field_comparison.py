from fractions import Fraction
from math import prod

import numpy as np

from tensorrank.arithmetic.primes import PrimeRange
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.reductions import field_comparison
from tensorrank.mixtures.reductions.field_comparison import compare_over_fields

# pi(2^12) - pi(2^11) = 564 - 309.
RANGE = PrimeRange(2**11, 2**12, 255)


def pair(multiple):
    """Models whose only differences are a multiple over 2^200."""
    weights = (Fraction(1, 2), Fraction(1, 2) + Fraction(multiple, 2**200))
    return [LatentClass([one, 1 - one], [[[1, 0], [0, 1]]] * 2) for one in weights]


def test_different_models_pass_as_often_as_the_bound_says_and_no_more(monkeypatch):
    # With primes of 12 bits an error is frequent: here a difference that 12 of the 255 divide, at a single prime.
    monkeypatch.setattr(field_comparison, "LARGE_PRIMES", RANGE)
    monkeypatch.setattr(field_comparison, "_FEWEST", 1)
    monkeypatch.setattr(field_comparison, "_MOST", 1)
    primes = list(dict.fromkeys(prime for prime, _ in zip(RANGE.draw(np.random.default_rng(1)), range(12), strict=False)))
    one, other = pair(prod(primes))
    found = [compare_over_fields(one, other, seed) for seed in range(1500)]
    wrong = [comparison for comparison in found if comparison.identical]
    bound = max(comparison.failure_probability for comparison in wrong)
    # 12 in 255 primes divide the difference; points make an error in 2^-10 of the rest.
    assert 0.03 < len(wrong) / len(found) < 0.07 < bound < 1
    assert {comparison.primes[0] for comparison in wrong} == set(primes)


def test_a_difference_is_proved_by_the_last_prime(monkeypatch):
    monkeypatch.setattr(field_comparison, "LARGE_PRIMES", RANGE)
    one, other = pair(prod(prime for prime, _ in zip(RANGE.draw(np.random.default_rng(1)), range(12), strict=False)))
    for seed in range(20):
        found = compare_over_fields(one, other, seed)
        assert (found.identical, found.failure_probability) == (False, None)


def test_vectors_and_primes_are_fresh_for_every_pair_and_every_call():
    one, other = pair(1)
    rng = np.random.default_rng(0)
    primes = [compare_over_fields(one, one, seed).primes for seed in (0, 1, rng, rng)]
    primes += [compare_over_fields(other, other, 0).primes, compare_over_fields(one, other, 0).primes]
    assert len(set(primes)) == len(primes)
    assert compare_over_fields(one, one, 0) == compare_over_fields(one, one, 0)
