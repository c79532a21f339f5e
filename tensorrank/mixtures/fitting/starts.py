"""Random starts of EM: tables near the marginals of the data and yet distinct, Gaussian components at rows far apart.

States are told apart by prototypes. These are rows of the data, sampled one after another, each more likely the farther
it is from the rows before it (k-means++). State s of every hidden variable begins as the state of prototype s, so that
neighbours agree.

Source: Arthur, Vassilvitskii, k-means++: The Advantages of Careful Seeding (SODA 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.inference import MISSING, sampled_numbers
from tensorrank.mixtures.fitting.gaussian_moments import centres_and_variances
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit
from tensorrank.mixtures.gaussian import Gaussians

# Shares of the start's tables: what a prototype has, and what is random; the rest is the marginal distribution.
_PROTOTYPE = 0.3
_NOISE = 0.3
# How likely a hidden variable begins in the state of its parent, by a table of its own or by one that edges share.
_SAME_STATE, _SAME_STATE_SHARED = 0.5, 0.2
# Rows among which prototypes are looked for.
_MOST_ROWS = 4096


def random_parameters(
    tied: TiedCircuit, densities: Gaussians | None, observed: Observations, rng: np.random.Generator
) -> Parameters:
    """Random parameters for the structure of a circuit, and for components of the shape of `densities`.

    Entries of the circuit's tables that are 0 stay 0.
    """
    most = max(table.shape[0] for table in tied.tables)
    prototypes = _codes_apart(observed, most, rng) if densities is None else None
    tables = []
    for group, (table, sites) in enumerate(zip(tied.tables, tied.sites, strict=True)):
        random = rng.dirichlet(np.ones(table.shape[1]), table.shape[0])
        if not sites:
            new = _transitions(random, _SAME_STATE_SHARED if tied.groups.count(group) > 1 else _SAME_STATE)
        elif prototypes is None:
            new = random
        else:
            new = _emissions(random, sites, observed, prototypes)
        new = np.where(table > 0, new, 0.0)
        tables.append(new / new.sum(axis=1, keepdims=True))
    return Parameters(tuple(tables), None if densities is None else _components(densities, observed, rng))


def _transitions(random: Floats, same: float) -> Floats:
    states, columns = random.shape
    if states == 1:
        return np.asarray((random + 1.0 / columns) / 2)
    if states != columns:
        return random
    return np.asarray(same * np.eye(states) + (1 - same) * random)


def _emissions(random: Floats, sites: Sequence[int], observed: Observations, prototypes: Integers) -> Floats:
    states, columns = random.shape
    counts = np.ones(columns)
    for site in sites:
        codes = observed.codes[:, site]
        known = codes != MISSING
        counts += np.bincount(codes[known], observed.weights[known], columns)
    marginal = counts / counts.sum()
    if len(sites) > 1:
        # The table is for the values at all sites, and no prototype is typical of a state there: noise it is.
        noisy = random * marginal
        return np.asarray((1 - _NOISE) * noisy / noisy.sum(axis=1, keepdims=True) + _NOISE * marginal)
    table: Floats = (1 - _PROTOTYPE - _NOISE) * marginal + _NOISE * random
    codes = observed.codes[prototypes[:states], sites[0]]
    known = codes != MISSING
    table[np.flatnonzero(known), codes[known]] += _PROTOTYPE
    table[~known] += _PROTOTYPE * marginal
    return table


def _codes_apart(observed: Observations, count: int, rng: np.random.Generator) -> Integers:
    rows = _some_rows(observed.weights, rng)
    codes = observed.codes[rows]

    def distance(number: int) -> Floats:
        known = (codes != MISSING) & (codes[number] != MISSING)
        differ: Floats = ((codes != codes[number]) & known).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return differ

    chosen: Integers = rows[_apart(observed.weights[rows], count, distance, rng)]
    return chosen


def _components(like: Gaussians, observed: Observations, rng: np.random.Generator) -> Gaussians:
    """Means at points of the data, the covariance of the data for all."""
    values, weights, shared = observed.real, observed.weights, like.sites is None
    centres, spread = centres_and_variances(observed, shared=shared)
    spread = np.where(spread > 0, spread, 1.0)
    if shared:
        values, weights = values.reshape(-1, 1, observed.features), np.repeat(weights, observed.sites)
    # Unknown features are at the centre; rows of which nothing is known are not chosen.
    points = np.where(np.isnan(values), centres, values)
    weights = np.where(np.isnan(values).all(axis=(1, 2)), 0.0, weights)
    if not weights.any():
        points, weights = centres[None], np.ones(1)
    some = _some_rows(weights, rng)
    scaled = (points[some] / np.sqrt(spread)).reshape(len(some), -1)

    def distance(number: int) -> Floats:
        squares: Floats = ((scaled - scaled[number]) ** 2).sum(axis=1)
        return squares

    chosen = some[_apart(weights[some], like.components, distance, rng)]
    # A little noise tells points apart that are chosen twice.
    means = points[chosen] + 0.01 * np.sqrt(spread) * rng.standard_normal(points[chosen].shape)
    means = means.transpose(1, 0, 2).reshape(like.means.shape)
    variances = np.broadcast_to(spread[:, None], (len(spread), like.components, like.features))
    covariances = variances if like.diagonal else variances[..., None] * np.eye(like.features)
    return Gaussians(means, covariances.reshape(like.covariances.shape))


def _some_rows(weights: Floats, rng: np.random.Generator) -> Integers:
    rows = np.flatnonzero(weights)
    return rows if len(rows) <= _MOST_ROWS else np.sort(rng.choice(rows, _MOST_ROWS, replace=False))


def _apart(weights: Floats, count: int, distance: Callable[[int], Floats], rng: np.random.Generator) -> Integers:
    """Numbers of rows far apart, sampled in proportion to weights times distances from the rows before."""
    chosen = [int(sampled_numbers(weights, 1, rng)[0])]
    nearest = distance(chosen[0])
    while len(chosen) < count:
        likely = weights * nearest
        chosen.append(int(sampled_numbers(likely if likely.any() else weights, 1, rng)[0]))
        nearest = np.minimum(nearest, distance(chosen[-1]))
    return np.array(chosen)
