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
from tensorrank.mixtures.reductions.to_latent_class import class_count, latent_class_of
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank


def same_fractions(tree, shallow):
    """Against the definition, summed over all hidden states."""
    expected = latent_tree_table(tree).reshape(-1)
    assert shallow.over_fractions
    assert (shallow.probability(all_states(tree.shape)) == expected).all()


@given(trees(most_nodes=9))
@settings(max_examples=40, deadline=None)
def test_random_trees_keep_their_probabilities(tree):
    shallow = latent_class_of(tree)
    same_fractions(tree, shallow)
    # All tables are positive, so that no class is dropped.
    assert shallow.classes == class_count(tree)


@given(trees(most_nodes=9, zeros=0.5))
@settings(max_examples=40, deadline=None)
def test_trees_with_zeros_keep_their_probabilities(tree):
    shallow = latent_class_of(tree)
    same_fractions(tree, shallow)
    assert shallow.classes <= class_count(tree)


@pytest.mark.parametrize(
    "tree",
    [
        HiddenMarkov.random(2, 3, 5, seed=1, fractions=True).latent_tree(),
        HiddenMarkov.random(3, 2, 4, seed=1, fractions=True).latent_tree(),
        TensorialMixture.random(2, 3, 2, seed=1, fractions=True).latent_tree(),
        tree_with([0, 0, 1, 1, 3, 3], [2, 3, 2, 2, 2, 2, 2], 1),
        tree_with([0, 1, 2, 2], [2, 3, 3, 2, 2], 1),
        tree_with([0, 1, 2], [2, 3, 2, 2], 1),
        tree_with([0, 0, 0, 1, 2, 3], [3, 2, 3, 2, 2, 2, 2], 1, variables=[6, 4, 5]),
    ],
    ids=["hmm 5", "hmm 4", "balanced", "caterpillar", "path to two leaves", "path to one leaf", "spider"],
)
def test_known_shapes_keep_their_probabilities(tree):
    same_fractions(tree, latent_class_of(tree))


@given(trees(most_nodes=8))
@settings(max_examples=30, deadline=None)
def test_floats_stay_close(tree):
    edges = [(edge.parent, edge.child, edge.table.astype(float)) for edge in tree.edges]
    shallow = latent_class_of(LatentTree(tree.root, tree.prior.astype(float), edges, tree.variables))
    expected = latent_tree_table(tree).astype(float).reshape(-1)
    np.testing.assert_allclose(shallow.probability(all_states(tree.shape)), expected, rtol=1e-12)


@pytest.mark.parametrize("sites", [1, 2, 5])
def test_a_star_keeps_its_own_tables(sites):
    star = LatentClass.random([3] * sites, 4, seed=0)
    shallow = latent_class_of(star.latent_tree())
    assert (shallow.weights == star.weights).all()
    assert all((new == old).all() for new, old in zip(shallow.components, star.components, strict=True))


def test_rows_of_leaves_below_the_separator_are_copies():
    tree = TensorialMixture.random(2, 3, 4, seed=0).latent_tree()
    shallow = latent_class_of(tree)
    assert shallow.classes == 9
    for site, table in enumerate(shallow.components):
        own = tree.table(site)
        # Classes number the states of the left parent and, faster, of the right one.
        expected = own[np.repeat(range(3), 3)] if site < 2 else own[np.tile(range(3), 3)]
        assert (table == expected).all()


def test_classes_of_probability_zero_are_dropped():
    half = Fraction(1, 2)
    same, table = [[1, 0], [0, 1]], [["1/3", "2/3"], ["1/5", "4/5"]]
    edges = [("z", "a", same), ("z", "b", same), ("a", 0, table), ("a", 1, table), ("b", 2, table), ("b", 3, table)]
    shallow = latent_class_of(LatentTree("z", [half, half], edges))
    assert class_count(LatentTree("z", [half, half], edges)) == 4
    assert shallow.weights.tolist() == [half, half]
    assert [component.tolist() for component in shallow.components] == [
        [[Fraction(1, 3), Fraction(2, 3)], [Fraction(1, 5), Fraction(4, 5)]]
    ] * 4


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (HiddenMarkov.random(2, 2, 8, seed=0, fractions=True), 2**4),
        (HiddenMarkov.random(2, 3, 7, seed=0, fractions=True), 2**3),
        (HiddenMarkov.random(3, 3, 6, seed=0, fractions=True), 3**3),
        (TensorialMixture.random(3, 2, 2, seed=0, fractions=True), 2**4),
    ],
)
def test_no_smaller_class_model_exists_where_an_unfolding_has_that_rank(model, classes):
    assert class_count(model.latent_tree()) == classes
    interleaved = Bipartition.interleaved(model.sites)
    assert separation_rank(model.architecture(), interleaved).value == classes
    assert separation_rank(latent_class_of(model.latent_tree()).architecture(), interleaved).value == classes


def test_rows_of_floats_that_sum_to_one_within_the_tolerance_only_make_a_model():
    loose = [[0.5, 0.5 + 9e-7], [0.25, 0.75 + 9e-7]]
    tree = HiddenMarkov([0.5, 0.5], loose, loose, length=9).latent_tree()
    shallow = latent_class_of(tree)
    rows = all_states(tree.shape)
    np.testing.assert_allclose(shallow.probability(rows), tree.probability(rows), rtol=1e-4)


def test_densities_are_kept():
    densities = Gaussians([-1.0, 2.0], [1.0, 0.5])
    chain = HiddenMarkov.random(2, 2, 3, seed=0)
    tree = HiddenMarkov(chain.initial, chain.transition, chain.emission, 3, densities=densities).latent_tree()
    shallow = latent_class_of(tree)
    assert shallow.densities is densities
    rows = [[0.0, 1.0, 2.0], [-1.0, float("nan"), 0.5]]
    np.testing.assert_allclose(shallow.log_density(rows), tree.log_density(rows), rtol=1e-12)
    star = LatentClass([0.5, 0.5], [np.eye(2)] * 3, densities=densities).latent_tree()
    assert latent_class_of(star).densities is densities


def test_too_many_classes_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(resources, "memory_available", lambda: 10**6)
    tree = HiddenMarkov.random(2, 2, 60, seed=0).latent_tree()
    assert class_count(tree) == 2**30
    with pytest.raises(TensorRankError, match="joint states would take about"):
        latent_class_of(tree)
