"""Two doors: `separation_rank` for architectures, networks and mixtures, `numerical_separation_rank` for floats."""

import re
from inspect import Parameter, signature
from math import log2

import numpy as np
import pytest

from tensorrank import (
    Bipartition,
    NumericalModel,
    SelfAttention,
    SoftmaxAttention,
    Tensor,
    TensorNetwork,
    TensorRankError,
    numerical_separation_rank,
    plan,
    separation_rank,
)
from tensorrank.separation.options import NumericalOptions, PlanOptions, RankOptions


def network():
    left = Tensor("left", ("x", "bond"), [[1, 2], [3, 4], [5, 6]])
    right = Tensor("right", ("bond", "y"), [[1, 0, 2], [1, 1, 5]])
    return TensorNetwork((left, right), ("x", "y"))


def product_plus_one(x):
    return x[:, 0] * x[:, 1] + x[:, 2]


def test_a_tensor_network_has_the_rank_of_its_unfolding():
    found = separation_rank(network())
    assert (found.value, found.upper, found.standing) == (2, 2, "exact")
    assert plan(network()).method == "grid"


def test_a_function_has_a_numerical_rank_with_its_spectrum():
    found = numerical_separation_rank(NumericalModel(product_plus_one, 3), Bipartition((0,), (1, 2)), samples=40, rtol=1e-9)
    assert (found.value, found.standing, found.upper, found.samples) == (2, "numerical", None, (40, 40))
    assert found.spectrum.relative_threshold == pytest.approx(1e-9)
    assert numerical_separation_rank(NumericalModel(product_plus_one, 3), atol=1e9).value == 0


def test_softmax_attention_takes_weights_and_a_seed():
    model = SoftmaxAttention(1, 2, tokens=4)
    first, again, other = (numerical_separation_rank(model, seed=seed, samples=64) for seed in (1, 1, 2))
    assert (first.spectrum.spectrum == again.spectrum.spectrum).all()
    assert (first.spectrum.spectrum != other.spectrum.spectrum).any()
    # Zero queries average the values: a function of A and one of B.
    weights = {name: np.ones(shape) for name, (_, shape) in model.shapes.items()}
    assert numerical_separation_rank(model, weights=weights | {"query": np.zeros((1, 1, 2, 2))}).value == 2


@pytest.mark.parametrize("option", [{"rtol": 1e-9}, {"atol": 1.0}, {"samples": 10}], ids=str)
def test_tolerances_are_refused_where_ranks_are_exact(option):
    door = f"no option '{next(iter(option))}'; it computes over finite fields.* numerical_separation_rank has it"
    with pytest.raises(TensorRankError, match=door):
        separation_rank(SelfAttention(1, 2), **option)


@pytest.mark.parametrize("option", ["method", "draws", "primes", "scratch"])
def test_finite_fields_are_refused_where_values_are_floats(option):
    door = f"no option '{option}'; it reads the rank off values in floating point. separation_rank has it"
    with pytest.raises(TensorRankError, match=door):
        numerical_separation_rank(NumericalModel(product_plus_one, 3), **{option: 7})


def test_a_function_holds_its_own_weights():
    with pytest.raises(TensorRankError, match=r"weights were given for NumericalModel.*expected None"):
        numerical_separation_rank(NumericalModel(product_plus_one, 3), weights={})


@pytest.mark.parametrize("model", [NumericalModel(product_plus_one, 3), SoftmaxAttention(1, 2)], ids=lambda m: type(m))
def test_each_door_sends_the_models_of_the_other_there(model):
    for function in (plan, separation_rank):
        with pytest.raises(TensorRankError, match=r"values only; .* try tensorrank\.numerical_separation_rank\(model\)"):
            function(model)
    with pytest.raises(TensorRankError, match=r"expected a NumericalModel.* have a separation_rank"):
        numerical_separation_rank(network())


@pytest.mark.parametrize(
    ("door", "kind"), [(plan, PlanOptions), (separation_rank, RankOptions), (numerical_separation_rank, NumericalOptions)]
)
def test_every_option_is_shown_and_explained_with_its_default(door, kind):
    shown = {name: one for name, one in signature(door).parameters.items() if one.kind is Parameter.KEYWORD_ONLY}
    assert list(shown) == list(kind.__annotations__)
    described = dict(re.findall(r"^        (\w+): ((?:.|\n            )+)", arguments_of(door), re.MULTILINE))
    assert set(described) == {"model", "partition", *shown}
    for name, parameter in shown.items():
        assert "default" in described[name]
        if parameter.default is not None:
            assert str(parameter.default) in described[name]


def arguments_of(door):
    return door.__doc__.partition("Returns:")[0]


@pytest.mark.parametrize("door", [plan, separation_rank, numerical_separation_rank])
def test_a_misspelt_option_is_told_which_may_be_meant(door):
    with pytest.raises(TensorRankError, match=f"{door.__name__} has no option 'memry'; .*did you mean 'memory'"):
        door(SelfAttention(1, 2), memry=1)


@pytest.mark.parametrize("function", [plan, separation_rank])
def test_a_bare_function_is_told_how_to_be_a_model(function):
    with pytest.raises(TensorRankError, match=r"expected an architecture.*NumericalModel\(function, sites\)"):
        function(product_plus_one)


@pytest.mark.parametrize("factor", [8388593 * 8388587, 2147483647 * 2147483629, 2**64, 10**300])
def test_no_multiple_of_large_primes_hides_a_rank(factor):
    for seed in range(5):
        matrix = TensorNetwork((Tensor("a", ("x", "y"), [[factor, 0], [0, factor]]),), ("x", "y"))
        found = separation_rank(matrix, seed=seed)
        assert (found.value, found.standing) == (2, "exact")


def test_the_primes_drawn_for_given_numbers_depend_on_them_and_on_the_seed():
    def primes(entry, seed):
        matrix = TensorNetwork((Tensor("a", ("x", "y"), [[entry, entry], [entry, entry]]),), ("x", "y"))
        return separation_rank(matrix, seed=seed).primes

    drawn = [primes(entry, seed) for entry in (1, 2) for seed in (0, 1)]
    assert len({prime for pair in drawn for prime in pair}) == 8
    assert primes(1, 0) == drawn[0]


def test_a_probable_rank_of_given_numbers_says_what_it_rests_on():
    matrix = TensorNetwork((Tensor("a", ("x", "y"), [[1, 2], [2, 4]]),), ("x", "y"))
    found = separation_rank(matrix)
    assert (found.value, found.standing) == (1, "probable")
    assert found.reason.endswith("the same rank in 2 draws of a random prime, for the numbers as they are given")
    # A minor of size 2 has the degree 4 in the inputs and coefficients up to 2 * 9^2, below 2^7.4.
    chance = 4 / 2**22 + log2(2 * 9**2) / 22 / 268216
    assert found.failure_probability == pytest.approx(chance**2, rel=1e-3, abs=0)


def test_threads_are_checked_where_values_are_floats():
    with pytest.raises(TensorRankError, match="threads is 0"):
        numerical_separation_rank(NumericalModel(product_plus_one, 3), threads=0)


def test_a_network_is_named_shortly():
    with pytest.raises(TensorRankError, match=r"NetworkFunction\(TensorNetwork\(2 tensors, open legs x, y\)\) has no mom"):
        separation_rank(network(), method="catalecticant")


def test_a_network_keeps_to_the_memory_limit_or_is_refused():
    names = [f"t{i}" for i in range(6)]
    rng = np.random.default_rng(0)
    bonds = {(i, j): f"b{i}{j}" for i in range(6) for j in range(i + 1, 6)}
    tensors = []
    for i, name in enumerate(names):
        legs = (*(leg for pair, leg in bonds.items() if i in pair), f"x{i}")
        tensors.append(Tensor(name, legs, rng.integers(-9, 10, (3,) * 5 + (20,))))
    complete = TensorNetwork(tuple(tensors), tuple(f"x{i}" for i in range(6)))
    with pytest.raises(TensorRankError, match=r"a grid of .* values"):
        separation_rank(complete, memory="3MB")
