"""Numerical ranks of functions whose inputs are finitely many: each counts once, and none is looked for beyond them."""

import numpy as np
import pytest
from oracles import inner_product

from tensorrank.separation.numerical import NumericalModel, numerical_separation_rank

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
