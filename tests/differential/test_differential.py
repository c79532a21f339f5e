"""Some seconds of `make differential`: a few questions of every kind, and the questions themselves."""

import pytest
from differential.__main__ import COMPARISONS
from differential.comparison import WrongError, held

import tensorrank as tr

# Primes drawn in every run are aimed at by many questions, which take next to no time.
MANY = {"multiples of random primes": 200, "mixtures apart by random primes": 200}


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda one: one.name)
def test_what_the_library_says_is_true(comparison):
    told = [comparison.case(0, number) for number in range(MANY.get(comparison.name, 12))]
    assert any(told)


def test_a_false_rank_is_found_out():
    found = tr.separation_rank(tr.TensorNetwork((tr.Tensor("a", ("x", "y"), [[1, 0], [0, 1]]),), ("x", "y")))
    assert held(found, 2, "the identity") == "exact"
    with pytest.raises(WrongError, match=r"the upper bound is too small.*the identity"):
        held(found, 3, "the identity")
    with pytest.raises(WrongError, match=r"the lower bound is too large.*the identity"):
        held(found, 1, "the identity")
