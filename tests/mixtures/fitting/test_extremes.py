import numpy as np
import pytest

from tensorrank.mixtures.fitting.expected_counts import ExpectedCounts
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.fitting.observations import observations_of
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass


def counts_of(model, data):
    tied = TiedCircuit(model.passes)
    features = None if model.densities is None else model.densities.features
    rows = observations_of(data, model.shape, features, None)
    return tied, ExpectedCounts(tied, Parameters(tied.tables, model.densities))(rows)


def test_thousands_of_variables_under_one_class():
    model = LatentClass.random([4] * 2000, 3, 0)
    data = model.sample(40, 1)
    _, found = counts_of(model, data)
    assert found.log_likelihood == pytest.approx(model.log_density(data).sum(), rel=1e-12)
    assert found.log_likelihood < -40 * 1000
    fit = LatentClass.fit_report(data, 3, iterations=10)
    assert fit.converged
    assert fit.log_likelihood > found.log_likelihood


def test_classes_that_only_the_whole_row_tells_apart():
    """Halves of the variables speak against each class by thousands of nats, and one more variable decides."""
    often, seldom = [1 - 1e-30, 1e-30], [1e-30, 1 - 1e-30]
    tables = [[often, seldom]] * 40 + [[seldom, often]] * 40 + [[[0.75, 0.25], [0.25, 0.75]]]
    model = LatentClass([0.5, 0.5], tables)
    tied, found = counts_of(model, np.zeros((1, 81), dtype=int))
    np.testing.assert_allclose(found.entries[tied.groups[-1]], [[0.75, 0.25]], rtol=1e-9)
    assert found.log_likelihood == pytest.approx(40 * np.log(1e-30) + np.log(0.5), rel=1e-12)


def test_chains_that_come_back_from_the_improbable():
    """The states that count in the end are the least probable ones for a long while."""
    model = HiddenMarkov([0.5, 0.5], np.eye(2), [[0.9, 0.1 - 1e-40, 1e-40], [1e-40, 0.5, 0.5 - 1e-40]], 60)
    data = np.concatenate([np.zeros((1, 30), dtype=int), np.full((1, 30), 2)], axis=1)
    tied, found = counts_of(model, data)
    expected = np.array([30 * np.log(0.9) + 30 * np.log(1e-40), 30 * np.log(1e-40) + 30 * np.log(0.5)])
    assert found.log_likelihood == pytest.approx(np.logaddexp(*expected) + np.log(0.5), rel=1e-12)
    first = np.exp(expected - np.logaddexp(*expected))
    np.testing.assert_allclose(found.entries[tied.groups[-1]], [first], rtol=1e-9)


def test_outliers_of_a_million_deviations():
    rng = np.random.default_rng(0)
    data = np.concatenate([rng.normal(size=(60, 4)), rng.normal(size=(60, 4)) + 8])
    data[0] = 1e6
    data[7, 2] = -1e6
    start = LatentClass(
        [0.5, 0.5], [np.eye(2)] * 4, densities=Gaussians(np.tile([[[0.0], [8.0]]], (4, 1, 1)), np.ones((4, 2, 1)))
    )
    found = fitted(start, data, iterations=30, tolerance=0)
    assert np.isfinite(found.log_likelihoods).all()
    assert found.log_likelihoods[0] == pytest.approx(start.log_density(data).sum(), rel=1e-12)
    assert (np.diff(found.log_likelihoods) > -1e-6).all()
    chain = HiddenMarkov.fit_report(data[..., None], 3, iterations=20, tolerance=0, restarts=2)
    assert np.isfinite(chain.log_likelihoods).all()


def test_probabilities_vanish():
    """EM drives what never occurs to 0."""
    data = HiddenMarkov.random(3, 6, 10, 0).sample(100, 1) % 3
    found = HiddenMarkov.fit_report(data, 3, symbols=6, iterations=200, tolerance=0)
    assert (found.model.emission[:, 3:] == 0).all()


def test_constant_data_and_more_states_than_differ():
    data = np.full((20, 3), 2.5)
    found = HiddenMarkov.fit_report(data, 3, iterations=10)
    np.testing.assert_allclose(found.model.densities.means, 2.5, atol=0.1)
    coins = LatentClass.fit_report(np.zeros((9, 3), dtype=int), 4, symbols=2)
    assert coins.log_likelihood == pytest.approx(0, abs=1e-6)
