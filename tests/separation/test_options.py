"""Options of separation ranks that make no sense, and weights that are none."""

from decimal import Decimal

import numpy as np
import pytest

from tensorrank import Bipartition, NumericalModel, SelfAttention, numerical_separation_rank, plan, separation_rank
from tensorrank.errors import PrimeError, TensorRankError, WeightsError

SMALL = SelfAttention(1, 2)
ONES = {name: np.ones(shape, dtype=int) for name, (_, shape) in SMALL.shapes.items()}
PRODUCT = NumericalModel(lambda x: x[:, 0] * x[:, 1], sites=2)


def kind(given):
    """The type of a value, by which its test is called."""
    return type(given).__name__


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"progress": 1}, "progress is 1; expected a function of 3 arguments, True or False or None"),
        ({"threads": 10**9}, "threads is 1000000000; expected a whole number from 1 to 1024"),
        ({"threads": np.array([1, 2])}, "threads is array.*; expected a whole number from 1 to 1024"),
        ({"memory": Decimal("NaN")}, r"the memory limit is Decimal\('NaN'\); expected a positive number of bytes"),
        ({"memory": [1]}, r"the memory limit is \[1\]; expected a positive number of bytes"),
        ({"work": "much"}, "the work limit is 'much'; expected a positive number of operations"),
        ({"work": np.array([1.0, 2.0])}, "the work limit is array.*; expected a positive number"),
        ({"scratch": 5}, "scratch is 5; expected None or the path of a file or folder"),
        ({"scratch": "a\0b"}, r"scratch is 'a\\x00b'; expected None or the path"),
        ({"seed": np.array([1, 2])}, "the seed is array.*; expected a whole number of at least 0 or a numpy Generator"),
        ({"seed": 10**5000}, "the seed is a whole number of some 5000 digits; expected"),
        ({"method": np.array(["grid", "x"])}, "the method is array.*; expected one of auto, catalecticant, grid"),
        ({"draws": int}, "draws is <class 'int'>; expected a whole number from 1 to 100"),
        ({"device": np.eye(2)}, "device is array.*; expected a text"),
        ({"device": np.broadcast_to(1, (10**6, 10**6))}, "device is array.*; expected a text"),
        ({"engine": np.array(["bytes", "x"])}, "the engine is array.*; expected one of auto, bytes, float32, float64"),
        ({"colour": 1}, "separation_rank has no option 'colour'"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(options, words):
    with pytest.raises(TensorRankError, match=words):
        separation_rank(SMALL, **options)


@pytest.mark.parametrize("given", ["x", 5, iter(int, 1), [None], [2.5], np.array([[5, 7]])], ids=kind)
def test_what_are_no_primes_is_refused(given):
    with pytest.raises(PrimeError, match="expected"):
        separation_rank(SMALL, primes=given)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({5: 1}, "weights named 5, embedding|weights named 5, key"),
        ({"key": np.full((1, 1, 2, 2), Decimal("NaN"), dtype=object)}, "weights 'key' are NaN at .*; expected finite numbers"),
        ({"key": np.full((1, 1, 2, 2), Decimal("Infinity"), dtype=object)}, "weights 'key' are Infinity at"),
        ({"key": np.ma.masked_equal(np.ones((1, 1, 2, 2)), 1)}, "4 masked entries was given as weights 'key'"),
        ({"key": [[1], [1, 2]]}, "lists of unequal lengths"),
    ],
)
def test_weights_that_are_none_are_refused(change, words):
    with pytest.raises(TensorRankError, match=words) as caught:
        separation_rank(SMALL, weights=ONES | change)
    assert 5 not in change or isinstance(caught.value, WeightsError)


@pytest.mark.parametrize("tolerance", ["x", -1, np.nan, [0.1], np.array([0.1, 0.2])], ids=kind)
def test_tolerances_are_numbers_of_at_least_0(tolerance):
    with pytest.raises(TensorRankError, match=r"rtol is .*; expected a number of at least 0"):
        numerical_separation_rank(PRODUCT, rtol=tolerance)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (None, "rows"),
        (np.ones((2, 2)), r"rows are of the shape \(2, 2\) and type float64; expected numbers of shape \(count, 1\)"),
        (np.array([["a"]]), r"rows are of the shape \(1, 1\) and type <U1; expected numbers"),
        (np.ma.masked_equal([[1.0], [2.0]], 1.0), "1 masked entry was given as rows"),
    ],
)
def test_inputs_of_a_numerical_model_have_a_shape(rows, words):
    with pytest.raises(TensorRankError, match=words):
        PRODUCT.grid(Bipartition.halves(2), rows, np.ones((2, 1)))


def test_a_plan_for_a_class_or_a_number_is_none():
    with pytest.raises(TensorRankError, match="the class SelfAttention was given; expected one of its instances"):
        plan(SelfAttention)
    with pytest.raises(TensorRankError, match="the model is 5; expected an architecture"):
        plan(5)
