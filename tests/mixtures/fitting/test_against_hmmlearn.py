"""hmmlearn's EM as an oracle: from the same start the same parameters after each number of steps."""

import numpy as np
import pytest
from hmmlearn.hmm import CategoricalHMM, GaussianHMM
from threadpoolctl import threadpool_limits

from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov


def theirs(kind, model, steps, **options):
    made = kind(model.states, n_iter=steps, tol=-np.inf, implementation="scaling", init_params="", random_state=0, **options)
    made.startprob_, made.transmat_ = model.initial.copy(), model.transition.copy()
    return made


def agree(found, made):
    np.testing.assert_allclose(found.initial, made.startprob_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.transition, made.transmat_, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 2, 25])
def test_categorical_steps(steps):
    data = HiddenMarkov.random(4, 5, 12, 0).sample(80, 1)
    start = HiddenMarkov.random(3, 5, 12, 2)
    made = theirs(CategoricalHMM, start, steps)
    made.emissionprob_, made.n_features = start.emission.copy(), 5
    made.fit(data.reshape(-1, 1), [12] * 80)
    found = fitted(start, data, iterations=steps, tolerance=0)
    agree(found.model, made)
    np.testing.assert_allclose(found.model.emission, made.emissionprob_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.log_likelihoods[:-1], made.monitor_.history, rtol=1e-10)
    assert found.model.homogeneous


def test_one_long_sequence():
    data = HiddenMarkov.random(3, 5, 3000, 0).sample(1, 1)
    start = HiddenMarkov.random(3, 5, 3000, 2)
    made = theirs(CategoricalHMM, start, 3)
    made.emissionprob_, made.n_features = start.emission.copy(), 5
    made.fit(data.reshape(-1, 1))
    found = fitted(start, data, iterations=3, tolerance=0)
    agree(found.model, made)
    np.testing.assert_allclose(found.model.emission, made.emissionprob_, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.log_likelihoods[:-1], made.monitor_.history, rtol=1e-10)


def test_sequences_of_different_lengths_are_filled_up_with_missing_values():
    rng = np.random.default_rng(0)
    data = HiddenMarkov.random(3, 4, 9, 0).sample(60, 1)
    lengths = rng.integers(1, 10, 60)
    start = HiddenMarkov.random(3, 4, 9, 2)
    made = theirs(CategoricalHMM, start, 6)
    made.emissionprob_, made.n_features = start.emission.copy(), 4
    made.fit(np.concatenate([row[:length] for row, length in zip(data, lengths, strict=True)]).reshape(-1, 1), lengths)
    data[np.arange(9) >= lengths[:, None]] = -1
    found = fitted(start, data, iterations=6, tolerance=0)
    agree(found.model, made)
    np.testing.assert_allclose(found.model.emission, made.emissionprob_, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("steps", [1, 8])
@pytest.mark.parametrize("covariance", ["diag", "full"])
def test_gaussian_steps(covariance, steps):
    rng = np.random.default_rng(0)
    states, features, rows, length = 3, 2, 50, 7
    means = np.array([[0.0, 0.0], [4.0, 1.0], [-2.0, 5.0]])
    planted = HiddenMarkov.random(states, states, length, 3)
    data = HiddenMarkov(
        planted.initial, planted.transition, np.eye(states), length, densities=Gaussians(means, np.ones((3, 2)))
    ).sample(rows, 1)
    matrices = np.array([np.diag([1.0, 2.0]) + 0.3 * (covariance == "full") * (1 - np.eye(2))] * states)
    spreads = matrices if covariance == "full" else np.diagonal(matrices, axis1=1, axis2=2)
    other = HiddenMarkov.random(states, states, length, 4)
    start = HiddenMarkov(
        other.initial,
        other.transition,
        np.eye(states),
        length,
        densities=Gaussians(means + rng.normal(size=means.shape), spreads),
    )
    nothing = {"means_prior": 0, "means_weight": 0, "covars_prior": 0, "covars_weight": 0 if covariance == "diag" else -4}
    made = theirs(GaussianHMM, start, steps, covariance_type=covariance, min_covar=0, **nothing)
    made.means_, made.covars_ = start.densities.means.copy(), spreads.copy()
    if covariance == "full":
        # Its M step divides by the weight less features + 1 and the prior's weight less features.
        made.covars_weight = features
    # Small matrices on many threads wait for each other.
    with threadpool_limits(1):
        made.fit(data.reshape(-1, features), [length] * rows)
    found = fitted(start, data, iterations=steps, tolerance=0)
    agree(found.model, made)
    np.testing.assert_allclose(found.model.densities.means, made.means_, rtol=1e-8)
    covars = np.diagonal(made.covars_, axis1=1, axis2=2) if covariance == "diag" else made.covars_
    np.testing.assert_allclose(found.model.densities.covariances, covars, rtol=1e-8, atol=1e-10)
    np.testing.assert_array_equal(found.model.emission, np.eye(states))
