from fractions import Fraction
from itertools import permutations
from math import lcm, log2, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.arithmetic.heights import bits, bits_of_sum, height, minor_bits

# Whole numbers below 2^1000, fractions of them, and all finite floats.
WHOLE = st.integers(-(2**1000), 2**1000)
FRACTION = st.builds(Fraction, WHOLE, st.integers(1, 2**300))
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
SLACK = 1e-5


def check(found, ratios):
    """Against the common denominator and the sizes by Python's whole numbers."""
    common = lcm(*(one.denominator for one in ratios))
    scaled = [abs(one * common) for one in ratios]
    for value, exact in zip((found.denominator, found.largest, found.total), (common, max(scaled), sum(scaled)), strict=True):
        expected = log2(exact.numerator if isinstance(exact, Fraction) else exact) if exact else 0
        assert expected <= value + 1e-9
        yield value - expected


@given(st.lists(FRACTION | WHOLE | FLOAT, min_size=1, max_size=6))
def test_the_height_of_mixed_entries_is_that_of_python_fractions(entries):
    assert max(check(height(np.array(entries, dtype=object)), [Fraction(one) for one in entries])) < SLACK


@given(st.lists(FLOAT, min_size=1, max_size=6))
def test_the_height_of_floats_is_that_of_the_fractions_they_store(entries):
    assert max(check(height(np.array(entries)), [Fraction(one) for one in entries])) < SLACK


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=6))
def test_whole_numbers_have_no_denominator(entries):
    found = height(np.array(entries, dtype=np.int64))
    list(check(found, [Fraction(one) for one in entries]))
    assert found.denominator == 0


def test_nothing_and_zeros_have_the_height_0():
    for empty in (np.zeros((0, 3)), np.zeros((2, 2)), [0, Fraction(0)]):
        found = height(empty)
        assert (found.denominator, found.largest, found.total) == (0, 0, 0)


@pytest.mark.parametrize("number", [1, 2, 3, 2**200, 2**200 - 1, 2**200 + 1, 10**4000])
def test_bits_are_never_too_few(number):
    assert number.bit_length() - 1 <= bits(number) <= number.bit_length() + SLACK
    assert bits(number) >= log2(number)


def test_the_sum_of_no_terms_is_zero():
    assert bits_of_sum([]) == -np.inf
    assert bits_of_sum([0.0, 1.0]) == pytest.approx(log2(3))


@given(st.integers(1, 4), st.integers(1, 50))
def test_no_minor_passes_its_bound(size, most):
    # The permanent of a matrix of equal entries is the largest sum of absolute values of products.
    permanent = sum(prod(most for _ in order) for order in permutations(range(size)))
    assert log2(permanent) <= minor_bits(size, log2(most)) <= log2(permanent) + SLACK


def test_many_long_denominators_are_bounded_by_their_product():
    entries = [Fraction(number, 3**7000 + number) for number in range(1, 9)]
    found = height(np.array(entries, dtype=object))
    slack = list(check(found, entries))
    assert max(slack) <= found.denominator
    assert found.denominator <= sum(log2(one.denominator) for one in entries) + SLACK
    assert height(np.array([0, Fraction(0)] + [Fraction(0, 1)] * 3, dtype=object)).total == 0
