from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from mixtures.brute_force import all_states, latent_tree_table
from mixtures.small_trees import tree_with, trees

from tensorrank.arithmetic import resources
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.to_hidden_markov import chain_states, hidden_markov_of
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank


def same_fractions(tree, chain):
    """Against the definition, summed over all hidden states."""
    expected = latent_tree_table(tree).reshape(-1)
    assert chain.over_fractions
    assert (chain.probability(all_states(tree.shape)) == expected).all()


def states_by_step(chain):
    return tuple(table.shape[0] for table in chain.emissions)


@given(trees(most_nodes=9))
@settings(max_examples=40, deadline=None)
def test_random_trees_keep_their_probabilities(tree):
    chain = hidden_markov_of(tree)
    same_fractions(tree, chain)
    # All tables are positive, so that no state is dropped.
    assert states_by_step(chain) == chain_states(tree)


@given(trees(most_nodes=9, zeros=0.5))
@settings(max_examples=40, deadline=None)
def test_trees_with_zeros_keep_their_probabilities(tree):
    chain = hidden_markov_of(tree)
    same_fractions(tree, chain)
    assert all(kept <= all_of for kept, all_of in zip(states_by_step(chain), chain_states(tree), strict=True))


@pytest.mark.parametrize(
    "tree",
    [
        TensorialMixture.random(3, 2, 2, seed=1, fractions=True).latent_tree(),
        TensorialMixture.random(2, 3, 2, seed=1, fractions=True).latent_tree(),
        tree_with([0, 0, 1, 1, 3, 3], [2, 3, 2, 2, 2, 2, 2], 1),
        tree_with([0, 0, 1, 1, 3, 3], [2, 3, 2, 2, 2, 2, 2], 1, variables=[5, 2, 6, 4]),
        tree_with([0, 0, 0, 1, 2, 3], [3, 2, 3, 2, 2, 2, 2], 1, variables=[6, 4, 5]),
        tree_with([0, 1, 2], [2, 3, 2, 2], 1),
        LatentClass.random([2, 3, 2], 3, seed=0, fractions=True).latent_tree(),
        HiddenMarkov.random(2, 3, 5, seed=1, fractions=True).latent_tree(),
    ],
    ids=["balanced 8", "balanced 4", "caterpillar", "caterpillar permuted", "spider", "one leaf", "star", "chain"],
)
def test_known_shapes_keep_their_probabilities(tree):
    same_fractions(tree, hidden_markov_of(tree))


def test_variables_far_apart_in_the_order_need_joint_states():
    tree = tree_with([0, 0, 1, 1, 2, 2], [2, 3, 3, 2, 2, 2, 2], 1, variables=[3, 5, 4, 6])
    assert chain_states(tree) == (3, 9, 9, 3)
    same_fractions(tree, hidden_markov_of(tree))


@given(trees(most_nodes=8))
@settings(max_examples=30, deadline=None)
def test_floats_stay_close(tree):
    edges = [(edge.parent, edge.child, edge.table.astype(float)) for edge in tree.edges]
    chain = hidden_markov_of(LatentTree(tree.root, tree.prior.astype(float), edges, tree.variables))
    expected = latent_tree_table(tree).astype(float).reshape(-1)
    np.testing.assert_allclose(chain.probability(all_states(tree.shape)), expected, rtol=1e-12)


@pytest.mark.parametrize("length", [1, 2, 6])
def test_a_chain_keeps_its_own_tables(length):
    # The second state is never reached, and stays.
    model = HiddenMarkov([1.0, 0.0], [[1.0, 0.0], [0.3, 0.7]], [[0.1, 0.9], [0.6, 0.4]], length)
    chain = hidden_markov_of(model.latent_tree())
    assert (chain.initial == model.initial).all()
    for new, old in ((chain.transitions, model.transitions), (chain.emissions, model.emissions)):
        assert len(new) == len(old)
        assert all(np.array_equal(one, other) for one, other in zip(new, old, strict=True))


def test_several_leaves_on_a_chain_from_the_root_copy_their_tables():
    tree = tree_with([0, 0, 0, 3, 3], [3, 2, 2, 2, 2, 2], 0, exact=False, variables=[1, 2, 4, 5])
    chain = hidden_markov_of(tree)
    assert (chain.initial == tree.prior).all()
    expected = [np.eye(3), tree.table("n3"), np.eye(2)]
    assert all((new == old).all() for new, old in zip(chain.transitions, expected, strict=True))
    assert all((new == tree.table(leaf)).all() for new, leaf in zip(chain.emissions, tree.leaves, strict=True))


def test_a_chain_from_its_last_step_is_turned_around():
    forward = HiddenMarkov(["1/4", "3/4"], [["1/3", "2/3"], ["1/2", "1/2"]], [["1/5", "4/5"], ["5/7", "2/7"]], 2)
    # P(z_1) = (11/24, 13/24) and P(z_0 | z_1) by Bayes' theorem, by hand.
    turned = LatentTree(
        "b",
        ["11/24", "13/24"],
        [("b", "a", [["2/11", "9/11"], ["4/13", "9/13"]]), ("a", 0, forward.emission), ("b", 1, forward.emission)],
    )
    chain = hidden_markov_of(turned)
    assert (chain.initial == forward.initial).all()
    assert (chain.transitions[0] == forward.transitions[0]).all()


def test_states_of_probability_zero_are_dropped():
    same, table = [[1, 0], [0, 1]], [["1/3", "2/3"], ["1/5", "4/5"]]
    edges = [("z", "a", same), ("z", "b", same), ("a", 0, table), ("b", 1, table), ("a", 2, table), ("b", 3, table)]
    tree = LatentTree("z", [Fraction(1, 4), Fraction(3, 4)], edges)
    assert chain_states(tree) == (2, 4, 4, 2)
    chain = hidden_markov_of(tree)
    assert states_by_step(chain) == (2, 2, 2, 2)
    same_fractions(tree, chain)


def test_the_states_of_a_balanced_tree_are_needed():
    """The states of steps t and t + 1 bound the rank of the unfolding between them; the worst one reaches them."""
    tree = TensorialMixture.random(3, 2, 2, seed=0, fractions=True).latent_tree()
    assert chain_states(tree) == (2, 2, 4, 4, 4, 4, 2, 2)
    chain = hidden_markov_of(tree)
    # Ranks of the prefix unfoldings of the published example: 2 2 4 2 4 2 2.
    ranks = [
        separation_rank(chain.architecture(), Bipartition(tuple(range(cut)), tuple(range(cut, 8)))).value for cut in range(1, 8)
    ]
    assert ranks == [2, 2, 4, 2, 4, 2, 2]


def test_larger_trees_keep_their_densities():
    tree = TensorialMixture.random(6, 4, 4, seed=0).latent_tree()
    chain = hidden_markov_of(tree)
    assert chain.states == 4**3
    rows = tree.sample(20, random_state=0)
    np.testing.assert_allclose(chain.log_density(rows), tree.log_density(rows), rtol=1e-11)


def test_rows_of_floats_that_sum_to_one_within_the_tolerance_only_make_a_model():
    loose = [[0.5, 0.5 + 9e-7], [0.25, 0.75 + 9e-7]]
    tree = TensorialMixture([0.5, 0.5], [loose] * 3).latent_tree()
    rows = all_states(tree.shape)
    np.testing.assert_allclose(hidden_markov_of(tree).probability(rows), tree.probability(rows), rtol=1e-4)


def test_densities_are_kept():
    densities = Gaussians([-1.0, 2.0], [1.0, 0.5])
    mixture = TensorialMixture.random(2, 2, 2, seed=0)
    tree = TensorialMixture(mixture.prior, mixture.levels, densities=densities).latent_tree()
    chain = hidden_markov_of(tree)
    assert chain.densities is densities
    rows = [[0.0, 1.0, 2.0, -1.0], [-1.0, float("nan"), 0.5, 0.0]]
    np.testing.assert_allclose(chain.log_density(rows), tree.log_density(rows), rtol=1e-12)


def test_transitions_that_do_not_fit_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr(resources, "memory_available", lambda: 10**6)
    pairs = 12
    table = np.full((4, 4), 0.25)
    edges = [("z", f"y{pair}", table) for pair in range(pairs)]
    edges += [(f"y{site % pairs}", site, table) for site in range(2 * pairs)]
    tree = LatentTree("z", [0.25] * 4, edges)
    assert max(chain_states(tree)) == 4**pairs
    with pytest.raises(TensorRankError, match="transitions between up to 16777216 states would take about"):
        hidden_markov_of(tree)
