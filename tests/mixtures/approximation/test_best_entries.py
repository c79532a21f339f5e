from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states, probability_table
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.best_entries import best_entries
from tensorrank.mixtures.approximation.best_of_tree import best_of_tree
from tensorrank.mixtures.approximation.envelopes import Envelope, is_tree
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

MODELS = {
    "chain": HiddenMarkov.random(3, 3, 6, seed=1),
    "tables for each step": HiddenMarkov.random(2, 4, 5, seed=2, homogeneous=False),
    "tensorial": TensorialMixture.random(3, 2, 2, seed=3),
    "class": LatentClass.random([2, 3, 1, 4], classes=5, seed=4),
    "hierarchical": Hierarchical.random([2, 3, 2, 2, 3], rank=3, seed=5),
    "one variable": LatentClass.random([5], classes=2, seed=6),
}


def largest(table, count):
    return np.sort(np.asarray(table, dtype=float).ravel())[::-1][:count]


@pytest.mark.parametrize("oracle", ["tree", "best first"])
@pytest.mark.parametrize("name", MODELS)
def test_the_largest_entries_are_those_of_the_table(name, oracle):
    model = MODELS[name]
    table = np.asarray(probability_table(model), dtype=float)
    for count in (1, 7, table.size, table.size + 10):
        found = best_entries(model, count, oracle=oracle)
        expected = largest(table, count)
        assert found.proved == len(expected)
        assert np.exp(found.log_values) == pytest.approx(expected, rel=1e-10)
        assert len(np.unique(found.codes, axis=0)) == len(expected)
        assert table[tuple(found.codes.T)] == pytest.approx(expected, rel=1e-10)


@given(trees(zeros=0.3), st.integers(1, 30), st.sampled_from([1, 2, 256]))
@settings(max_examples=40, deadline=None)
def test_what_is_proved_is_true_however_coarse_the_bounds_are(tree, count, width):
    expected = largest(probability_table(tree), count)
    found = best_of_tree(tree.circuit, count, width=width)
    values = np.exp(found.log_values)
    assert values[: found.proved] == pytest.approx(expected[: found.proved], rel=1e-9)
    if width == 256:
        assert found.proved == np.count_nonzero(expected)
        assert len(values) == np.count_nonzero(expected)


@pytest.mark.parametrize("seed", range(4))
def test_sum_product_networks_are_searched_best_first(seed):
    network = SumProduct.random(5, symbols=3, seed=seed)
    assert not is_tree(network.circuit)
    rows = all_states(network.shape)
    expected = np.sort(network.probability(rows))[::-1][:40]
    found = best_entries(network, 40)
    assert found.proved == 40
    assert np.exp(found.log_values) == pytest.approx(expected, rel=1e-10)


def test_a_search_that_is_cut_says_so_and_still_gives_entries():
    network = SumProduct.perfect_matchings(12, symbols=2, seed=0)
    found = best_entries(network, 20, nodes=50)
    assert len(found.codes) == 20
    assert found.proved == 0
    assert found.log_values == pytest.approx(network.log_density(found.codes), abs=1e-9)
    everything = best_entries(network, 1)
    assert everything.proved == 1
    assert found.log_values[0] <= everything.log_values[0] + 1e-9 <= found.log_missed + 2e-9


def test_thousand_entries_of_a_table_of_four_to_the_64_are_proved():
    chain = HiddenMarkov.random(8, 4, 64, seed=1)
    found = best_entries(chain, 1000)
    assert found.proved == 1000
    assert found.log_values == pytest.approx(chain.log_density(found.codes), abs=1e-8)
    # Changing one value of a best entry gives no larger one.
    first = found.codes[0]
    neighbours = np.array([np.where(np.arange(64) == i, k, first) for i, k in product(range(64), range(4))])
    assert chain.log_density(neighbours).max() <= found.log_values[0] + 1e-9


def test_max_product_over_hidden_states_misses_the_mode():
    # The best joint assignment of hidden and observed values is in state 0; the mode of x is spread over the others.
    model = LatentClass([0.28, 0.24, 0.24, 0.24], [[[1, 0], [0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]])
    assert best_entries(model, 1).codes.tolist() == [[1]]


def test_numbers_too_far_apart_for_floats_do_not_mislead():
    # Of two classes each makes half of the variables nearly certain: either half alone speaks for the wrong one.
    sure, flat = np.eye(10)[0] * 0.999 + 1e-4, np.full(10, 0.1)
    model = LatentClass([0.3, 0.7], [np.array([sure, flat])] * 500 + [np.array([flat, sure])] * 500)
    found = best_entries(model, 3)
    assert found.proved == 3
    assert found.codes[0].tolist() == [0] * 1000
    assert found.log_values[0] == pytest.approx(500 * np.log(0.9991) - 500 * np.log(10), rel=1e-9)
    # Other values of one variable cost the same factor in whichever class.
    certain = LatentClass([0.3, 0.7], [np.eye(2)] * 400)
    assert best_entries(certain, 5).codes.tolist() == [[1] * 400, [0] * 400]


def test_equal_entries_are_all_found():
    uniform = LatentClass([1], [[[1 / 3] * 3]] * 4)
    found = best_entries(uniform, 50)
    assert found.proved == 50
    assert len(np.unique(found.codes, axis=0)) == 50


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 4), st.integers(1, 8))
@settings(max_examples=50, deadline=None)
def test_envelopes_are_upper_bounds(seed, count, slots, width):
    rng = np.random.default_rng(seed)
    values = rng.random((count, slots)) * (rng.random((count, slots)) < 0.8)
    factors = rng.random((20, slots))
    with np.errstate(divide="ignore"):
        envelope = Envelope.of(np.log(values), width)
        bound = np.exp(envelope.log_best(np.log(factors)))
    assert len(envelope.logs) <= width
    exact = (factors @ values.T).max(axis=1)
    assert (bound >= exact - 1e-12).all()
    if width >= count:
        assert bound == pytest.approx(exact)


def test_errors_say_what_is_expected():
    chain, network = MODELS["chain"], SumProduct.random(4, symbols=2, seed=0)
    with pytest.raises(TensorRankError, match="count is 0; expected a whole number of at least 1"):
        best_entries(chain, 0)
    with pytest.raises(TensorRankError, match=r"the oracle is 'tre'; .* did you mean 'tree'"):
        best_entries(chain, 1, oracle="tre")
    with pytest.raises(TensorRankError, match="whose parts are shared; try 'best first'"):
        best_entries(network, 1, oracle="tree")
