"""Numerical ranks of functions whose inputs are finitely many: each counts once, and none is looked for beyond them."""

import numpy as np
import pytest
from oracles import inner_product

from tensorrank.errors import TensorRankError
from tensorrank.separation.numerical import numerical_separation_rank
from tensorrank.separation.numerical_model import NumericalModel

TABLE = np.random.default_rng(0).standard_normal((11,) * 4)  # two sites a side: 121 inputs, rank 121


def symbols(rng, shape):
    return rng.integers(0, 11, shape)


def test_equal_sampled_inputs_never_count_twice():
    model = NumericalModel(lambda x: TABLE[tuple(x.T)], 4, sampler=symbols)
    part = numerical_separation_rank(model, samples=64)
    assert (part.value, part.samples, part.spectrum.ambiguous) == (64, (64, 64), True)
    whole = numerical_separation_rank(model)
    assert np.linalg.matrix_rank(TABLE.reshape(121, 121)) == 121
    assert (whole.value, whole.samples, whole.spectrum.ambiguous) == (121, (121, 121), False)
    assert whole.reason == (
        "all 121 inputs found of side A and all 121 inputs found of side B were used; floating point proves no rank"
    )


@pytest.mark.parametrize("rank", [1, 7, 40])
def test_all_of_finitely_many_inputs_show_a_rank_below_them(rank):
    # Different inputs with rows that depend on each other: that is genuine.
    rng = np.random.default_rng(1)
    table = (rng.standard_normal((121, rank)) @ rng.standard_normal((rank, 121))).reshape((11,) * 4)
    found = numerical_separation_rank(NumericalModel(lambda x: table[tuple(x.T)], 4, sampler=symbols))
    assert (found.value, found.spectrum.ambiguous) == (rank, False)


@pytest.mark.parametrize("form", ["inputs", "pairs"])
def test_one_side_of_finitely_many_inputs_bounds_the_rank(form):
    # Side A, one site, has three inputs, so that no more than three functions of side B occur.
    def sampler(rng, shape):
        return rng.integers(1, 4, shape) if shape[1] == 1 else rng.standard_normal(shape)

    def of_pairs(a, b):
        return np.exp(a * b.sum(axis=1))

    model = NumericalModel(lambda x: np.exp(x[:, 0] * (x[:, 1] + x[:, 2])), 3, sampler=sampler)
    if form == "pairs":
        model = NumericalModel(of_pairs, 3, form="pairs", sampler=sampler)
    found = numerical_separation_rank(model, [0])
    assert (found.value, found.samples, found.spectrum.ambiguous) == (3, (3, 64), False)
    assert found.reason == "all 3 inputs found of side A were used; floating point proves no rank"


def test_all_categorical_inputs_are_listed_and_used():
    found = numerical_separation_rank(NumericalModel(lambda x: TABLE[tuple(x.T)], 4, categorical=11))
    assert (found.value, found.samples, found.spectrum.ambiguous) == (121, (121, 121), False)
    assert found.reason == "all 121 inputs of side A and all 121 inputs of side B were used; floating point proves no rank"


def test_a_rare_categorical_input_is_not_missed():
    # One of 10,000 pairs of symbols has a function of its own: a sample of a side would hardly meet it.
    def function(x):
        rare = (x[:, 0] == 99) & (x[:, 1] == 99)
        return np.where(rare, x[:, 2] ** 2.0, x[:, 2] + 1.0)

    model = NumericalModel(function, 3, categorical=(100, 100, 5))
    assert numerical_separation_rank(model, [0, 1], samples=10_000, memory="8GiB").value == 2
    assert numerical_separation_rank(model, [2, 0]).value == 2


def test_sites_may_differ_in_their_values():
    table = np.random.default_rng(2).standard_normal((2, 3, 4))
    model = NumericalModel(lambda x: table[tuple(x.T)], 3, categorical=[2, 3, 4])
    assert model.categorical == (2, 3, 4)
    for side in ([0], [1], [2]):
        found = numerical_separation_rank(model, side)
        unfolding = np.moveaxis(table, side[0], 0).reshape(table.shape[side[0]], -1)
        assert found.value == np.linalg.matrix_rank(unfolding)
        assert found.samples == unfolding.shape


def test_too_many_categorical_inputs_are_sampled_without_repetition():
    seen = []

    def function(x):
        seen.append(x)
        return (x[:, 0] / 2**40) * (x[:, 1] / 2**40) + 1.0

    found = numerical_separation_rank(NumericalModel(function, 2, categorical=2**40), samples=32)
    assert (found.value, found.samples) == (2, (32, 32))
    assert len({int(row) for row in seen[0][:, 0]}) == 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categorical": 0}, "a number of values in categorical is 0; expected a whole number"),
        ({"categorical": [2, 2, 2]}, r"categorical is \[2, 2, 2\]; expected a whole number, or one for each of the 2 sites"),
        ({"categorical": "ab"}, "a number of values in categorical is 'ab'; expected a whole number"),
        ({"categorical": 3, "site_shape": 2}, r"categorical is 3 with site_shape \(2,\); expected one of the two"),
        ({"categorical": 3, "sampler": symbols}, "categorical is 3 with a sampler; expected one of the two"),
    ],
)
def test_categories_that_make_no_sense_are_refused(options, message):
    with pytest.raises(TensorRankError, match=message):
        NumericalModel(lambda x: x[:, 0], 2, **options)


def test_a_sampler_of_one_input_has_a_sample_of_one():
    found = numerical_separation_rank(NumericalModel(lambda x: 1 + x.sum(axis=1), 3, sampler=lambda rng, shape: np.ones(shape)))
    assert (found.value, found.samples, found.spectrum.ambiguous) == (1, (1, 1), False)
    assert found.reason.startswith("all 1 inputs found of side A and all 1 inputs found of side B were used")


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
def test_inputs_that_differ_by_rounding_only_are_the_same(dtype):
    def sampler(rng, shape):
        return (rng.integers(1, 12, shape) * (1 + 4 * np.finfo(dtype).eps * rng.standard_normal(shape))).astype(dtype)

    model = NumericalModel(lambda x: TABLE[tuple(np.rint(x.real).astype(int).T - 1)], 4, sampler=sampler)
    found = numerical_separation_rank(model)
    assert (found.value, found.samples, found.spectrum.ambiguous) == (121, (121, 121), False)


def test_more_different_inputs_than_samples_are_no_end():
    model = NumericalModel(inner_product, 2, site_shape=5, sampler=lambda rng, shape: rng.integers(0, 9, shape))
    found = numerical_separation_rank(model)
    assert (found.value, found.samples, found.spectrum.ambiguous) == (5, (128, 128), False)
    assert found.reason == "a clear gap, but floating point proves no rank"
