from fractions import Fraction

import numpy as np
import pytest

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.architecture import SelfAttention
from tensorrank.attention.weights import AttentionWeights
from tensorrank.errors import PrimeError, TensorRankError, WeightsError
from tensorrank.separation.named_weights import drawn_or_given
from tensorrank.separation.solve import separation_rank

SHAPE = SelfAttention(depth=2, width=3, heads=4, head_dim=5).shapes
NAMES = ("query", "key", "value", "output")
INNER, OUTER = (2, 4, 5, 3), (2, 4, 3, 5)


def ones():
    return {name: np.ones(OUTER if name == "output" else INNER) for name in NAMES}


def test_random_weights_have_the_shapes_of_the_architecture():
    field = PrimeField(101)
    weights = AttentionWeights(**drawn_or_given(None, SHAPE, field, np.random.default_rng(0)))
    assert weights.query.shape == weights.key.shape == weights.value.shape == INNER
    assert weights.output.shape == OUTER
    again = AttentionWeights(**drawn_or_given(None, SHAPE, field, np.random.default_rng(0)))
    for name in NAMES:
        array = getattr(weights, name)
        assert 0 <= array.min() <= array.max() < 101
        assert (array == getattr(again, name)).all()
    assert (weights.query != weights.key).any()


def test_weights_are_taken_by_name():
    given = {name: index * array for index, (name, array) in enumerate(ones().items())}
    weights = AttentionWeights.of(given, SHAPE)
    for name in NAMES:
        assert (getattr(weights, name) == given[name]).all()


def test_what_numpy_load_gives_is_accepted(tmp_path):
    np.savez(tmp_path / "weights.npz", **ones())
    with np.load(tmp_path / "weights.npz") as stored:
        assert AttentionWeights.of(stored, SHAPE).query.shape == INNER


def test_nested_lists_are_accepted():
    lists = {name: array.tolist() for name, array in ones().items()}
    assert AttentionWeights.of(lists, SHAPE).output.shape == OUTER


@pytest.mark.parametrize("missing", NAMES)
def test_a_missing_name_is_refused(missing):
    weights = ones()
    del weights[missing]
    with pytest.raises(WeightsError, match="expected query, key, value, output"):
        AttentionWeights.of(weights, SHAPE)


def test_an_unknown_name_is_refused():
    with pytest.raises(WeightsError, match="named key, output, query, queue, value were given; expected query, key"):
        AttentionWeights.of({**ones(), "queue": 1}, SHAPE)


@pytest.mark.parametrize("weights", [None, [1, 2], "query", np.ones(3)])
def test_weights_that_are_no_mapping_are_refused(weights):
    with pytest.raises(WeightsError, match="expected a mapping of names to arrays"):
        AttentionWeights.of(weights, SHAPE)


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_shape_is_refused_with_the_expected_one(name):
    expected = r"\(2, 4, 3, 5\) \(depth, heads, width, head_dim\)"
    if name != "output":
        expected = r"\(2, 4, 5, 3\) \(depth, heads, head_dim, width\)"
    wrong = np.ones((2, 4, 5, 4))
    with pytest.raises(WeightsError, match=rf"weights '{name}' have shape \(2, 4, 5, 4\); expected {expected}"):
        AttentionWeights.of({**ones(), name: wrong}, SHAPE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused_with_their_place(name, bad):
    weights = ones()
    weights[name][1, 2, 0, 1] = bad
    with pytest.raises(WeightsError, match=rf"weights '{name}' are {bad} at \(1, 2, 0, 1\); expected finite"):
        AttentionWeights.of(weights, SHAPE)


def test_object_weights_that_are_not_finite_or_no_numbers_are_refused():
    for bad, message in ((float("nan"), "expected finite numbers"), ("a", "expected a whole number, fraction or float")):
        weights = ones()
        weights["key"] = weights["key"].astype(object)
        weights["key"][0, 0, 0, 0] = bad
        with pytest.raises(TensorRankError, match=message):
            drawn_or_given(weights, SHAPE, PrimeField(101), np.random.default_rng(0))


def test_complex_weights_are_refused():
    weights = {name: array.astype(complex) for name, array in ones().items()}
    with pytest.raises(TensorRankError, match="expected whole numbers, fractions or floats"):
        drawn_or_given(weights, SHAPE, PrimeField(101), np.random.default_rng(0))


@pytest.mark.parametrize("prime", [101, 2**31 - 1])
def test_the_image_is_exact_for_whole_numbers_fractions_and_floats(prime):
    rng = np.random.default_rng(1)
    floats = rng.standard_normal(INNER)
    fractions = np.vectorize(lambda n: Fraction(int(n), 7), otypes=[object])(rng.integers(-9, 9, INNER))
    whole = rng.integers(-(10**12), 10**12, INNER)
    huge = np.vectorize(lambda n: 10**30 + int(n), otypes=[object])(rng.integers(-9, 9, OUTER))
    weights = {"query": floats, "key": fractions, "value": whole, "output": huge}
    image = drawn_or_given(weights, SHAPE, PrimeField(prime), rng)
    for name, given in zip(NAMES, (floats, fractions, whole, huge), strict=True):
        expected = [Fraction(x) for x in given.ravel().tolist()]
        assert image[name].ravel().tolist() == [x.numerator * pow(x.denominator, -1, prime) % prime for x in expected]


def test_a_denominator_divisible_by_the_prime_asks_for_another():
    weights = ones()
    weights["value"] = np.full(INNER, Fraction(1, 101), dtype=object)
    with pytest.raises(PrimeError, match="denominator divisible by 101; choose another prime"):
        drawn_or_given(weights, SHAPE, PrimeField(101), np.random.default_rng(0))


def test_names_of_modules_are_told_what_reads_them():
    weights = {"in_proj_weight": np.ones((6, 2)), "out_proj.weight": np.eye(2)}
    with pytest.raises(WeightsError, match=r"in_proj_weight, out_proj.weight were given; .*; from_torch reads the weights"):
        separation_rank(SelfAttention(1, 2), weights=weights)
