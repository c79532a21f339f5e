"""Bounds of depths and widths beyond every network: whole numbers are refused at once, logarithms answer."""

import math

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.arithmetic.primes import LARGE_PRIMES
from tensorrank.attention.large_counts import power_of_3_reaches
from tensorrank.errors import TensorRankError, TooLargeError

bounds = tr.bounds


@pytest.mark.parametrize(
    ("bound", "sizes", "message"),
    [
        (bounds.moment_bound, (12, 10**5), r"the moment bound is about 3\^1.395e\+06; expected at most 3\^100000.*log3_moment"),
        (bounds.moment_bound, (12, 10**40), r"the moment bound is about 3\^.*Try log3_moment_bound"),
        (bounds.moment_bound, (10**9, 1), r"depth is 1000000000; expected at most 3000.*Try log3_moment_bound"),
        (bounds.moment_bound, (2, 10**5, 10, 10), "functions of 10 tokens of width 100000 would take minutes"),
        (bounds.moment_bound, (2, 10**101), r"width is more than 10\^100"),
        (bounds.affine_bound, (12, 10**6, 10), r"the affine bound is about 3\^.*Try log3_affine_bound"),
        (bounds.affine_bound, (10**4, 3, 1), r"depth is 10000; expected at most 3000.*Try log3_affine_bound"),
        (bounds.monomial_bound, (12, 10**5), "the search for a monomial would take minutes at depth 12, with 100000 coord"),
        (bounds.monomial_bound, (12, 10**40), "the search for a monomial would take minutes"),
        (bounds.monomial_bound, (10**9, 2), "the search for a monomial would take minutes at depth 1000000000"),
        (bounds.counting_bound, (12, 10**9), r"the counting bound is about 3\^"),
        (bounds.counting_bound, (10**9, 64), r"the counting bound is about 3\^"),
        (bounds.moment_degree, (10**9,), r"the degree of a network of depth 1000000000 is about 3\^1e\+09"),
        (bounds.equal_sizes, (10**40,), "expected fewer, or deepest at most 100000"),
        (bounds.equal_sizes, (10**40, 4, "4GiB"), "deepest is '4GiB'; expected a whole number of at least 1"),
    ],
)
def test_digits_that_take_minutes_are_refused_at_once(bound, sizes, message):
    with pytest.raises(TensorRankError, match=message):
        bound(*sizes)


@pytest.mark.parametrize("number", [0, True, 2.0, "1e400", [0.5], np.ones(3)], ids=str)
def test_sizes_that_are_no_whole_numbers_from_1_are_refused(number):
    with pytest.raises(TensorRankError, match=r"depth is .*; expected a whole number of at least 1"):
        bounds.affine_bound(number, 4, 2)
    with pytest.raises(TensorRankError, match=r"head_dim is .*; expected a whole number of at least 1"):
        bounds.published_bounds(3, 4, head_dim=number)


def test_what_has_a_short_answer_is_answered_for_every_size():
    # binom(n, 0) for one free coordinate; one variable has one monomial of each degree.
    assert bounds.counting_bound(10**9, 3) == 1
    assert bounds.regime(10**9, 64) == "saturated"
    assert bounds.regime(10**30, 10**100) == bounds.regime(10**100, 4, side_tokens=2) == "saturated"
    assert bounds.regime(1, 10**40) == "growing"
    assert bounds.published_bounds(10**9, 64).theorem == 2
    assert bounds.published_bounds(10, 10**40).theorem == 1
    # With many layers log3 of the bound grows by D = d (d + 1) / 2 a layer.
    grown = bounds.log3_moment_bound(10**6 + 10**5, 3) - bounds.log3_moment_bound(10**6, 3)
    assert math.isclose(grown, 6 * 10**5, rel_tol=1e-9)


@pytest.mark.parametrize("power", [0, 1, 5, 40])
def test_powers_of_3_are_compared_without_being_computed(power):
    for depth in (1, power, power + 1, 10**12):
        for number in (3**power, 3**power + 1):
            assert power_of_3_reaches(depth, number) == (depth > power or (depth == power and number == 3**power))


def test_published_bounds_stand_on_both_sides_of_a_power_of_3():
    assert [bounds.published_bounds(3, width) is None for width in (26, 27, 28)] == [False, True, False]
    assert [bounds.published_bounds(3, width).theorem for width in (26, 28)] == [2, 1]


def test_no_prime_exceeds_the_degree_of_hundreds_of_layers():
    assert LARGE_PRIMES.above(3**700).count == 0
    model = tr.SelfAttention(depth=700, width=3)
    result = tr.separation_rank(model)
    assert result.standing == "lower bound"
    assert result.lower == model.generic_lower_bound("halves") >= bounds.monomial_bound(700, 3)


def test_wide_networks_have_a_plan_of_bounds_and_wider_ones_are_refused_at_once():
    assert tr.plan(tr.SelfAttention(depth=2, width=10**5)).method == "bounds"
    with pytest.raises(TensorRankError, match=r"would take minutes|a bipartition of"):
        tr.plan(tr.SelfAttention(depth=2, width=10**29))


def test_too_large_is_an_error_of_its_own():
    with pytest.raises(TooLargeError):
        bounds.moment_bound(12, 10**5)
