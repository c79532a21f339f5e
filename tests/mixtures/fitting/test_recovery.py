"""Planted models are found again, up to the order of states."""

import itertools

import numpy as np
import pytest

from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def best_order(found, planted):
    """The order of the rows of one table that brings it nearest to another."""
    orders = [list(order) for order in itertools.permutations(range(len(planted)))]
    return min(orders, key=lambda order: np.abs(found[order] - planted).sum())


def test_latent_classes():
    planted = LatentClass.random([4] * 10, 3, 1)
    data = planted.sample(4000, 0)
    found = LatentClass.fit(data, 3, iterations=300, tolerance=1e-5)
    order = best_order(np.hstack(found.components), np.hstack(planted.components))
    np.testing.assert_allclose(found.weights[order], planted.weights, atol=0.05)
    np.testing.assert_allclose(np.array(found.components)[:, order], planted.components, atol=0.08)


def test_hidden_markov_models():
    rng = np.random.default_rng(3)
    transition = 0.7 * np.eye(3) + 0.3 * rng.dirichlet(np.ones(3), 3)
    planted = HiddenMarkov([0.2, 0.3, 0.5], transition, rng.dirichlet(0.5 * np.ones(5), 3), 20)
    data = planted.sample(1000, 0)
    found = HiddenMarkov.fit(data, 3, restarts=2, iterations=300, tolerance=1e-5)
    order = best_order(found.emission, planted.emission)
    np.testing.assert_allclose(found.initial[order], planted.initial, atol=0.06)
    np.testing.assert_allclose(found.transition[order][:, order], planted.transition, atol=0.04)
    np.testing.assert_allclose(found.emission[order], planted.emission, atol=0.03)


@pytest.mark.parametrize("missing", [0.0, 0.3])
def test_gaussian_chains(missing):
    rng = np.random.default_rng(0)
    transition = 0.8 * np.eye(3) + 0.2 / 3
    means = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    planted = HiddenMarkov(np.ones(3) / 3, transition, np.eye(3), 10, densities=Gaussians(means, np.ones((3, 2))))
    data = planted.sample(400, 0)
    data[rng.random(data.shape) < missing] = np.nan
    found = HiddenMarkov.fit(data, 3, restarts=3, covariance="full", tolerance=1e-5)
    order = best_order(found.densities.means, means)
    np.testing.assert_allclose(found.densities.means[order], means, atol=0.15)
    np.testing.assert_allclose(found.densities.covariances, np.tile(np.eye(2), (3, 1, 1)), atol=0.15)
    np.testing.assert_allclose(found.transition[order][:, order], transition, atol=0.05)


def test_gaussian_classes_of_many_variables():
    rng = np.random.default_rng(0)
    means = 2 * rng.normal(size=(8, 4, 1))
    planted = LatentClass([0.1, 0.2, 0.3, 0.4], [np.eye(4)] * 8, densities=Gaussians(means, np.ones((8, 4, 1))))
    found = LatentClass.fit(planted.sample(1500, 0), 4, restarts=3, tolerance=1e-5)
    order = best_order(found.densities.means[..., 0].T, means[..., 0].T)
    np.testing.assert_allclose(found.weights[order], planted.weights, atol=0.03)
    np.testing.assert_allclose(found.densities.means[:, order], means, atol=0.3)


def test_states_that_mix_components():
    """Two states over three components that they share."""
    chain = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]], 15)
    planted = HiddenMarkov(
        chain.initial, chain.transition, chain.emission, 15, densities=Gaussians([-4.0, 0.0, 4.0], np.full(3, 0.5))
    )
    data = planted.sample(500, 0)
    found = HiddenMarkov.fit(data, 2, components=3, restarts=3, tolerance=1e-5)
    assert found.emission.shape == (2, 3)
    np.testing.assert_allclose(np.sort(found.densities.means.ravel()), [-4, 0, 4], atol=0.15)
    assert found.score(data) > planted.score(data) - 0.01


@pytest.mark.parametrize("model", ["tree", "mixture", "shared"])
def test_trees(model):
    """The fit explains the data as well as what EM makes of the planted model, without knowing it."""
    rng = np.random.default_rng(2)

    def tables(level):
        shape = (3, 5 if level == 2 else 3)
        made = [0.7 * np.eye(*shape) + 0.3 * rng.dirichlet(np.ones(shape[1]), shape[0]) for _ in range(2 ** (level + 1))]
        return made[0] if model == "shared" else made

    planted = TensorialMixture(np.ones(3) / 3, [tables(level) for level in range(3)])
    data = planted.sample(1500, 0)
    options = {"restarts": 3, "iterations": 60, "tolerance": 0}
    if model == "tree":
        found = LatentTree.fit_report(data, 3, **options)
    else:
        found = TensorialMixture.fit_report(data, 3, shared=model == "shared", **options)
    known = fitted(planted, data, iterations=60, tolerance=0)
    assert found.log_likelihood / 1500 > known.log_likelihood / 1500 - 0.02
    assert found.finals[found.restart] == max(found.finals)
