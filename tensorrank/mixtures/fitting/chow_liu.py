"""The Chow-Liu tree: of all trees of the variables the one that explains the data best."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.evaluation.inference import MISSING
from tensorrank.mixtures.fitting.observations import Observations, observations
from tensorrank.mixtures.tables import check_entries

# Numbers held at once.
_HELD = 2**23


def chow_liu_tree(
    data: ArrayLike,
    *,
    densities: str | None = None,
    symbols: int | Sequence[int] | None = None,
    weights: ArrayLike | None = None,
) -> nx.Graph:
    """The tree of the variables with the greatest sum of mutual informations along its edges.

    Args:
        data: (rows, sites), or (rows, sites, features) of real numbers. Missing values are -1 (in categorical data),
            NaN, None, pandas' NA or masked. A pair of variables is judged by the rows in which both are known.
        densities: "categorical", or "gaussian" for the information that jointly normal variables of these correlations
            have; None for what the type of the data says.
        symbols: the number of values of categorical variables, against which the data is checked.
        weights: how often each row counts; once if None.

    Returns:
        A graph on 0..N-1 whose edges have the attribute "information", in nats.

    Raises:
        TensorRankError: if the data cannot be used.

    Source: Chow, Liu, Approximating Discrete Probability Distributions with Dependence Trees (IEEE Trans. Inf. Theory
    14, 1968).

    >>> rng = np.random.default_rng(0)
    >>> first = rng.integers(0, 2, 500)
    >>> second, third = (np.where(rng.random(500) < 0.9, first, 1 - first) for _ in range(2))
    >>> sorted(chow_liu_tree(np.column_stack([second, first, third])).edges)
    [(0, 1), (1, 2)]
    """
    return chow_liu_of(observations(data, densities=densities, symbols=symbols, weights=weights))


def chow_liu_of(observed: Observations) -> nx.Graph:
    """The Chow-Liu tree of data that was checked."""
    if observed.values is None:
        first, second = sorted((*observed.shape, 1))[-2:]
        check_entries(first * (second + 1), f"a table of {shown(first)} and {shown(second)} values")
    check_entries(observed.sites**2, f"the informations of {observed.sites} variables")
    information = mutual_information(observed)
    graph = nx.Graph()
    graph.add_nodes_from(range(observed.sites))
    graph.add_weighted_edges_from(
        ((i, j, information[i, j]) for i in range(observed.sites) for j in range(i)), weight="information"
    )
    return nx.maximum_spanning_tree(graph, weight="information")


def mutual_information(observed: Observations) -> Floats:
    """The mutual information of each pair of variables, (sites, sites), in nats; 0 of a variable with itself.

    Rows in which one of a pair is not known, or has an unknown feature, are left out for this pair.
    """
    found = np.zeros((observed.sites, observed.sites))
    between = _categorical if observed.values is None else _normal
    for site in range(1, observed.sites):
        found[site, :site] = found[:site, site] = between(observed, site)
    return found


def _categorical(observed: Observations, site: int) -> Floats:
    """The mutual information of a site with each site before it."""
    rows, columns = observed.rows, observed.shape[site]
    codes = observed.codes
    known = np.flatnonzero(codes[:, site] != MISSING)
    weights, own = observed.weights[known], codes[known, site]
    found = np.zeros(site)
    widest = max(observed.shape[:site])
    step = max(1, _HELD // (columns * widest + max(rows, 1)))
    for first in range(0, site, step):
        others = np.arange(first, min(first + step, site))
        # A cell for each pair of values of each pair of variables; the last column is for those that are not known.
        places = codes[np.ix_(known, others)]
        cells = np.where(places == MISSING, widest, places) + (widest + 1) * own[:, None]
        cells += (widest + 1) * columns * np.arange(len(others))
        shape = (len(others), columns, widest + 1)
        counts = np.bincount(cells.ravel(), np.repeat(weights, len(others)), prod(shape)).reshape(shape)
        found[others] = [_information(np.asarray(table[:, :widest], dtype=np.float64)) for table in counts]
    return found


def _information(counts: Floats) -> float:
    total = counts.sum()
    if total == 0:
        return 0.0
    joint = counts / total
    product = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
    positive = joint > 0
    return max(0.0, float((joint[positive] * np.log(joint[positive] / product[positive])).sum()))


def _normal(observed: Observations, site: int) -> Floats:
    values = observed.real
    known = np.asarray(~np.isnan(values).any(axis=2))
    found = np.zeros(site)
    for other in range(site):
        rows = known[:, site] & known[:, other]
        weights = observed.weights[rows]
        if weights.sum() == 0:
            continue
        pair = np.concatenate([values[rows, other], values[rows, site]], axis=1)
        pair = pair - weights @ pair / weights.sum()
        deviations = np.sqrt(weights @ pair**2 / weights.sum())
        pair = pair / np.where(deviations > 0, deviations, 1.0)
        correlations = (pair * weights[:, None]).T @ pair / weights.sum()
        features = observed.features
        # log(det A * det B / det AB) / 2. Features that never vary tell nothing; equal ones tell all there is.
        np.fill_diagonal(correlations, 1.0)
        sign, whole = np.linalg.slogdet(correlations)
        parts = [np.linalg.slogdet(correlations[part, part])[1] for part in (np.s_[:features], np.s_[features:])]
        least = len(correlations) * np.log(np.finfo(np.float64).eps)
        found[other] = max(0.0, (max(parts[0] + parts[1], least) - (max(whole, least) if sign > 0 else least)) / 2)
    return found
