"""Most probable completions, against all completions of small models, and what is proved of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states
from mixtures.small_trees import trees

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.decoding import completion
from tensorrank.mixtures.decoding.selective import selective_blocks
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct


def best_completion(model, row):
    """The largest log-density of all completions of a row."""
    every = all_states(model.shape)
    every = every[((every == row) | (row < 0)).all(axis=1)]
    return model.log_density(every).max()


def assert_explained(model, rows, *, proved=True, **options):
    found = model.most_probable_explanation(rows, **options)
    for row, completed, log, bound, sure in zip(
        rows, found.rows, found.log_densities, found.log_bounds, found.proved, strict=True
    ):
        best = best_completion(model, row)
        assert (completed == row)[row >= 0].all()
        if np.isneginf(best):
            assert np.isneginf([log, bound]).all()
            assert (completed == row).all()
            continue
        assert (completed >= 0).all()
        assert log == pytest.approx(model.log_density(completed[None])[0], rel=1e-12)
        assert log <= best + 1e-9 <= bound + 2e-9
        if sure:
            assert log == pytest.approx(best, abs=1e-8)
    if proved:
        assert found.proved.all()
    return found


def some_rows(model, rng, count=5, missing=0.6):
    rows = all_states(model.shape)[rng.integers(0, np.prod(model.shape), count)]
    rows[rng.random(rows.shape) < missing] = -1
    return rows


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(1, 3), st.sampled_from([0, 4096]))
def test_networks(seed, sites, sums, few):
    """Whether all completions are looked at, or few by a search."""
    model = SumProduct.random(sites, 2, seed, sums=sums)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completion, "_FEW", few)
        assert_explained(model, some_rows(model, np.random.default_rng(seed)))


@settings(max_examples=25, deadline=None)
@given(trees(most_nodes=8, zeros=0.3), st.integers(0, 2**32), st.sampled_from([0, 4096]))
def test_trees(tree, seed, few):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completion, "_FEW", few)
        assert_explained(tree, some_rows(tree, np.random.default_rng(seed)))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_what_is_proved_is_true_however_short_the_search(seed, nodes):
    model = SumProduct.perfect_matchings(6, 3, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(completion, "_FEW", 0)
        assert_explained(model, some_rows(model, np.random.default_rng(seed), 3), proved=False, nodes=nodes)


def selective_network(seed, sites=6):
    """A decision tree: the values of variables 0, 1, ... choose the branch."""
    rng = np.random.default_rng(seed)
    nodes = {}

    def add(node):
        nodes[f"n{len(nodes)}"] = node
        return f"n{len(nodes) - 1}"

    def below(variable):
        if variable == sites - 1:
            return add(LeafNode(variable, rng.dirichlet(np.ones(3))))
        branches = [add(ProductNode((add(LeafNode(variable, np.eye(3)[value])), below(variable + 1)))) for value in range(3)]
        return add(SumNode(tuple(branches), rng.dirichlet(np.ones(3))))

    return SumProduct(nodes, below(0))


def test_selective_networks_need_no_search(monkeypatch):
    model = selective_network(0)
    monkeypatch.setattr(completion, "_FEW", 0)
    monkeypatch.setattr(completion, "best_first", None)
    monkeypatch.setattr(completion, "best_of_tree", None)
    found = assert_explained(model, some_rows(model, np.random.default_rng(0), 40))
    assert found.proved.all()
    circuit = model.circuit
    assert selective_blocks(circuit)[[type(block).__name__ == "Sums" for block in circuit.blocks]].all()


def test_the_largest_induced_tree_may_miss_the_best_completion():
    """Two classes agree on the value 1, which beats the favourite of the likelier class."""
    model = LatentClass([0.4, 0.3, 0.3], [[[0.6, 0.4, 0.0], [0.0, 0.6, 0.4], [0.0, 0.6, 0.4]]])
    assert model.viterbi([[0]]).log_probabilities == pytest.approx(np.log(0.24))
    found = model.most_probable_explanation([[-1]])
    assert found.rows.tolist() == [[1]]
    assert np.exp(found.log_densities) == pytest.approx(0.52)


def test_long_rows():
    """Far too many completions to look at, with a proof."""
    chain = HiddenMarkov.random(2, 3, 40, 0)
    rows = np.full((2, 40), -1)
    rows[1, ::4] = chain.sample(1, 0)[0, ::4]
    found = chain.most_probable_explanation(rows)
    assert found.proved.all()
    better = [chain.log_density(chain.sample(500, seed)).max() for seed in range(3)]
    assert found.log_densities[0] > max(better)


def test_impossible_rows_keep_their_missing_values():
    model = LatentClass([1.0], [[[1.0, 0.0]], [[0.5, 0.5]]])
    found = model.most_probable_explanation([[1, -1], [0, -1]])
    assert found.rows.tolist() == [[1, -1], [0, 0]]
    assert found.log_densities.tolist() == [-np.inf, pytest.approx(np.log(0.5))]
    assert repr(found) == "Explained(2 rows, 2 proved)"
    assert found.to_dict()["proved"] == [True, True]


def test_real_variables_are_refused():
    model = LatentClass([0.5, 0.5], [np.eye(2)], densities=Gaussians([0, 1], [1, 1]))
    with pytest.raises(TensorRankError, match=r"the variables are real, .* try viterbi, or posteriors"):
        model.most_probable_explanation([[np.nan]])
