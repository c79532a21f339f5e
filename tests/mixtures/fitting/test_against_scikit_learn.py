"""scikit-learn's Gaussian mixture as an oracle: a latent class model of one variable with several features."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_class import LatentClass


@pytest.mark.parametrize("steps", [1, 5, 40])
@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_mixture_steps(covariance, steps):
    rng = np.random.default_rng(0)
    classes, features = 3, 3
    data = np.concatenate([rng.normal(3 * c, 1 + c, (120, features)) @ rng.normal(size=(3, 3)) for c in range(classes)])
    means = data[[0, 150, 300]]
    weights = np.array([0.2, 0.3, 0.5])
    matrices = np.array([np.diag([4.0, 5.0, 6.0])] * classes)
    full = covariance == "full"
    variances = np.diagonal(matrices, axis1=1, axis2=2)
    theirs = GaussianMixture(
        classes,
        covariance_type="full" if full else "diag",
        tol=0,
        reg_covar=0,
        max_iter=steps,
        weights_init=weights,
        means_init=means,
        precisions_init=np.linalg.inv(matrices) if full else 1 / variances,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(data)
    start = LatentClass(weights, [np.eye(classes)], densities=Gaussians(means[None], (matrices if full else variances)[None]))
    found = fitted(start, data[:, None], iterations=steps, tolerance=0)
    np.testing.assert_allclose(found.model.weights, theirs.weights_, rtol=1e-7)
    np.testing.assert_allclose(found.model.densities.means[0], theirs.means_, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(found.model.densities.covariances[0], theirs.covariances_, rtol=1e-7, atol=1e-8)
    assert found.model.score(data[:, None]) == pytest.approx(theirs.score(data), rel=1e-9)
    np.testing.assert_allclose(found.model.score_samples(data[:, None]), theirs.score_samples(data), rtol=1e-8)
