"""Squared mixtures as models without signs: a latent tree of weights, or a class for each joint value."""

from __future__ import annotations

from fractions import Fraction
from math import prod

import numpy as np

from tensorrank.mixtures.edges import Edge, Name
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.rooted_tree import RootedTree
from tensorrank.mixtures.tables import TOLERANCE, Table, holds_fractions
from tensorrank.mixtures.way import refuse_larger


def latent_tree_of_weights(tree: RootedTree) -> LatentTree:
    """The distribution in proportion to a tree of weights of at least 0, as a latent tree.

    Tables below which all are distributions, and that are distributions themselves, are taken as they are.

    >>> from tensorrank.mixtures.squared.model import SquaredMixture
    >>> weights = SquaredMixture("z", [1, 1], [("z", 0, [[3, 1], [2, 2]])], summed=["z"])
    >>> latent_tree_of_weights(weights).probability([[0]])
    array([Fraction(5, 8)], dtype=object)
    """
    masses: dict[Name, Table] = {}
    tables: dict[Name, Table] = {}
    for name in reversed(tree.order):
        below = [masses[child] for child in tree.children.get(name, ())]
        masses[name], tables[name] = _made_distribution(tree.table(name), below)
    edges = tuple(Edge(edge.parent, edge.child, tables[edge.child]) for edge in tree.edges)
    return LatentTree(tree.root, tables[tree.root][0], edges, tree.variables)


def _made_distribution(table: Table, below: list[Table]) -> tuple[Table, Table]:
    """The masses of a table's rows, given those of the nodes below each column, and the rows divided by them."""
    plain = all((mass == 1).all() for mass in below)
    weighted = table if plain else table * prod(below)
    masses = weighted.sum(axis=1)
    ones = masses == 1 if holds_fractions(weighted) else np.abs(masses - 1) <= TOLERANCE
    if plain and np.asarray(ones).all():
        return np.ones(len(masses), dtype=np.int64), table
    # A row of nothing is never reached, so that any distribution will do.
    unit = np.eye(1, table.shape[1], dtype=np.int64).astype(object) * Fraction(1)
    nothing = (masses == 0)[:, None]
    return masses, np.where(nothing, unit, weighted) / np.where(nothing, 1, masses[:, None])


def latent_class_of_values(model: Mixture, limit: float) -> LatentClass:
    """A density of categorical variables with a class for each joint value of all but one of them that is possible.

    Raises:
        TooLargeError: if it would be larger than the limit; it is not made then.
    """
    shape, last = model.shape, int(np.argmax(model.shape))
    others = [site for site in range(model.sites) if site != last]
    classes = prod(shape[site] for site in others)
    refuse_larger(classes * (1 + sum(shape)), limit)
    rows = np.empty((classes, shape[last], model.sites), dtype=np.int64)
    rows[:, :, others] = np.indices([shape[site] for site in others]).reshape(len(others), -1).T[:, None, :]
    rows[:, :, last] = np.arange(shape[last])
    joint = model.probability(rows.reshape(-1, model.sites)).reshape(classes, shape[last])
    weights = joint.sum(axis=1)
    possible = np.flatnonzero(weights > 0)
    chosen = rows[possible, 0]
    tables = [np.eye(k, dtype=np.int64)[chosen[:, site]] for site, k in enumerate(shape)]
    tables[last] = joint[possible] / weights[possible, None]
    total = weights.sum()
    return LatentClass(weights[possible] / (1 if total == 1 else total), tuple(tables))
