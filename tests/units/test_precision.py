from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.units.precision import MOST_BITS, Precision, least_precision, precision_of

BOUNDS = st.floats(1e-12, 1e12)


@given(st.integers(1, 8), BOUNDS)
def test_at_most_two_to_the_p_numbers(bits, bound):
    numbers = Precision(bits).rounded(np.linspace(-2 * bound, 2 * bound, 3001), bound)
    assert len(np.unique(numbers)) <= 2**bits
    assert (np.diff(numbers) >= 0).all()


@given(st.integers(1, MOST_BITS), BOUNDS, st.floats(-1, 1))
def test_nothing_in_the_range_moves_by_more_than_half_a_step(bits, bound, share):
    step = Precision(bits).step(bound)
    number = share * bound
    moved = Fraction(float(Precision(bits).rounded(number, bound))) - Fraction(number)
    assert abs(moved) <= Fraction(step) / 2 + Fraction(bound) * Fraction(1, 2**52)


@given(st.integers(1, MOST_BITS), BOUNDS)
def test_the_step_is_the_smallest_power_of_two_that_covers_the_range(bits, bound):
    step = Precision(bits).step(bound)
    reach = Fraction(2) ** (bits - 1) - Fraction(1, 2)
    assert np.frexp(step)[0] == 0.5
    assert reach * Fraction(step) * (1 + Fraction(1, 2**51)) >= Fraction(bound)
    assert reach * Fraction(step) / 2 <= Fraction(bound)


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (1, [0, 0, 0, 0, 0]),
        (2, [-1, 0, 0, 1, 1]),
        (3, [-1, 0, 0.5, 0.5, 1]),
        (4, [-1, -0.25, 0.25, 0.75, 1]),
        (MOST_BITS, [-1, -0.2, 0.26, 0.7, 1]),
    ],
)
def test_values_by_hand(bits, expected):
    found = Precision(bits).rounded([-1, -0.2, 0.26, 0.7, 1], 1)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2.0**-48)


def test_beyond_the_range_and_a_range_of_zero():
    assert list(Precision(3).rounded([-9, 9], 1)) == [-1.5, 1.5]
    assert list(Precision(3).rounded([-9, 0, 9], 0)) == [0, 0, 0]
    assert Precision(3).step(0) == 0


def test_floats():
    third = np.array([1 / 3])
    assert Precision("float64").rounded(third, 0.1) == third
    assert Precision("float64").rounded(third, 0.1).dtype == np.float64
    single = Precision("float32").rounded(third, 0.1)
    assert single.dtype == np.float32
    assert single == np.float32(1 / 3)
    assert [Precision(held).bits for held in ("float64", "float32", 7)] == [64, 32, 7]
    assert [str(Precision(held)) for held in ("float64", "float32", 1, 7)] == ["float64", "float32", "1 bit", "7 bits"]


def test_inputs_stay_as_they_are():
    numbers = np.array([0.3, -0.7])
    Precision(4).rounded(numbers, 1)
    assert list(numbers) == [0.3, -0.7]


def test_what_is_meant():
    assert precision_of(np.int64(8)) == precision_of("8") == precision_of(Precision(8)) == Precision(8)
    assert isinstance(Precision(np.int64(8)).held, int)
    assert precision_of("float32") == Precision("float32")
    assert Precision() == Precision("float64")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("float16", "the precision is 'float16'; expected 'float64', 'float32' or a number of bits from 1 to 52"),
        ("-3", "the precision is '-3'"),
        (0, "the number of bits is 0"),
        (True, "the number of bits is True"),
        (2.5, "the number of bits is 2.5"),
        (None, "the number of bits is None"),
        (53, "the precision is 53 bits; expected .* from 1 to 52"),
    ],
)
def test_what_is_no_precision(given, message):
    with pytest.raises(TensorRankError, match=message):
        precision_of(given)


@given(st.sets(st.integers(1, MOST_BITS), max_size=5))
def test_the_least_precision_from_which_on_all_are_right(wrong):
    least = least_precision(lambda bits: bits not in wrong)
    good = [p for p in range(1, MOST_BITS + 1) if all(bits not in wrong for bits in range(p, MOST_BITS + 1))]
    assert least == (min(good) if good else None)


def test_what_is_right_by_chance_does_not_count():
    """Match2 of 4 tokens mod 7 once: right at 4 bits, wrong at 5, right from 6 on."""
    assert least_precision(lambda bits: bits == 4 or bits >= 6) == 6
    assert least_precision(lambda bits: True) == 1
    assert least_precision(lambda bits: bits < MOST_BITS) is None


def test_steps_that_do_not_exist():
    with pytest.raises(TensorRankError, match="a step of float32 was asked for; only fixed point has one"):
        Precision("float32").step(1)
    for bound in (-1, np.inf, np.nan):
        with pytest.raises(TensorRankError, match=r"the bound of the range is .*; expected a finite number"):
            Precision(8).rounded([1], bound)
