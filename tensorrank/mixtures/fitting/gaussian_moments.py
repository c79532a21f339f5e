"""Weighted moments of real values under each Gaussian component, and the components of the greatest likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.linalg

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.gaussian import Gaussians, patterns_of

# Components that rows of a smaller weight belong to stay as they are.
_LEAST_WEIGHT = 1e-100
_LEAST_VARIANCE = 1e-200


@dataclass(frozen=True, eq=False)
class VarianceFloor:
    """The least variance of each feature, (sites or 1, features).

    Features are measured in units of the square roots of the floor; then no direction has a variance below 1. Among the
    components for which this holds, the M step takes those of the greatest expected likelihood: of a variance and its
    floor the larger, and for a matrix eigenvalues no less than 1. The start is such a component, so the likelihood
    still never decreases.

    Source: Won, Lim, Kim, Rajaratnam, Condition-number-regularized covariance estimation (JRSS B 75, 2013), theorem 1,
    for clipped eigenvalues as the maximum.
    """

    variances: Floats

    @classmethod
    def of(cls, observed: Observations, start: Gaussians, relative: float) -> VarianceFloor:
        """The relative floor times the variance of the data (1 where that is 0), or the start's variance if less."""
        _, spread = centres_and_variances(observed, shared=start.sites is None)
        floor = relative * np.where(spread > 0, spread, 1.0)
        _, covariances = start.by_site()
        if start.diagonal:
            return cls(np.minimum(floor, covariances.min(axis=1)))
        scale = np.sqrt(floor)
        for site, matrices in enumerate(covariances):
            for matrix in matrices:
                least = scipy.linalg.eigvalsh(matrix / scale[site] / scale[site][:, None], lower=True)[0]
                floor[site] *= min(1.0, least)
                scale[site] = np.sqrt(floor[site])
        return cls(floor)

    def clipped(self, site: int, matrix: Floats) -> Floats:
        """The covariance matrix of the greatest likelihood above the floor, for a sample covariance."""
        scale = np.sqrt(self.variances[site])
        values, vectors = scipy.linalg.eigh(matrix / scale / scale[:, None])
        if values[0] >= 1:
            return matrix
        clipped: Floats = (vectors * np.maximum(values, 1.0)) @ vectors.T
        return np.asarray(clipped * scale * scale[:, None])


@dataclass(eq=False)
class Moments:
    """Sums over rows of responsibilities times powers of the distances from the components' means.

    Attributes:
        weights: (sites or 1, components, features) of variances; (sites or 1, components, 1) of matrices.
        first: (sites or 1, components, features).
        second: the shape of first, or with one more axis of features for matrices.
    """

    weights: Floats
    first: Floats
    second: Floats

    @classmethod
    def of_none(cls, densities: Gaussians) -> Moments:
        """The moments of no rows."""
        means, covariances = densities.by_site()
        weights = means if densities.diagonal else means[:, :, :1]
        return cls(*(np.zeros(array.shape) for array in (weights, means, covariances)))

    def add(self, other: Moments) -> None:
        """Adds the moments of further rows."""
        self.weights += other.weights
        self.first += other.first
        self.second += other.second

    def observe(self, densities: Gaussians, site: int, values: Floats, responsibilities: Floats) -> None:
        """Adds the values of a site, (rows, features) and NaN where unknown, and who is responsible for them.

        Responsibilities are (components, rows), 0 for rows without a known feature.

        Source: Little and Rubin, Statistical Analysis with Missing Data (2002), section 11.2, for features that are
        partly missing under a covariance matrix; under variances they are left out.
        """
        place = 0 if densities.sites is None else site
        means, covariances = densities.of_site(site)
        if densities.diagonal:
            for feature, column in enumerate(values.T):
                known = ~np.isnan(column)
                distances = np.where(known, column - means[:, feature, None], 0.0)
                weighted = responsibilities * distances
                self.first[place, :, feature] += weighted.sum(axis=1)
                self.second[place, :, feature] += np.einsum("jr,jr->j", weighted, distances)
                self.weights[place, :, feature] += responsibilities @ known
            return
        for present, alike in patterns_of(values):
            absent = ~present
            for component, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
                shares = responsibilities[component, alike]
                distances = values[alike] - mean
                weight = shares.sum()
                if absent.any():
                    # The lower triangle of a covariance matrix counts.
                    whole = np.tril(covariance) + np.tril(covariance, -1).T
                    given = scipy.linalg.solve(whole[np.ix_(present, present)], whole[np.ix_(present, absent)], assume_a="pos")
                    distances[:, absent] = distances[:, present] @ given
                    left = whole[np.ix_(absent, absent)] - whole[np.ix_(absent, present)] @ given
                    self.second[place, component][np.ix_(absent, absent)] += weight * left
                weighted = distances * shares[:, None]
                self.weights[place, component] += weight
                self.first[place, component] += weighted.sum(axis=0)
                self.second[place, component] += weighted.T @ distances

    def densities(self, before: Gaussians, floor: VarianceFloor) -> Gaussians:
        """The components of the greatest likelihood, in the shape that they had before."""
        means, covariances = before.by_site()
        covariances = covariances.copy()
        met = self.weights > _LEAST_WEIGHT
        weights = np.where(met, self.weights, 1.0)
        moves = np.where(met, self.first / weights, 0.0)
        if before.diagonal:
            spread = np.maximum(self.second / weights - moves**2, floor.variances[:, None])
            covariances = np.where(met, spread, covariances)
        else:
            for site, component in np.argwhere(met[:, :, 0]):
                move = moves[site, component]
                matrix = self.second[site, component] / weights[site, component] - move[:, None] * move
                covariances[site, component] = floor.clipped(int(site), (matrix + matrix.T) / 2)
        return Gaussians((means + moves).reshape(before.means.shape), covariances.reshape(before.covariances.shape))


def centres_and_variances(observed: Observations, *, shared: bool) -> tuple[Floats, Floats]:
    """The weighted means and variances of each site's features, (sites, features), or of all sites', (1, features).

    A variance below 1e-200 is 0.
    """
    values = observed.real
    weights = np.where(np.isnan(values), 0.0, observed.weights[:, None, None])
    axes = (0, 1) if shared else (0,)
    total = weights.sum(axis=axes, keepdims=True)
    total[total == 0] = 1.0
    filled = np.nan_to_num(values)
    centre: Floats = (weights * filled).sum(axis=axes, keepdims=True) / total
    variance: Floats = (weights * (filled - centre) ** 2).sum(axis=axes, keepdims=True) / total
    # So small a variance has lost its digits, and has no share that is a float.
    return np.asarray(centre[0]), np.asarray(np.where(variance[0] < _LEAST_VARIANCE, 0.0, variance[0]))
