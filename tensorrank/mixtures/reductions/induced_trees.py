"""From sum-product networks to latent class models: a class for each induced tree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import Name
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumProduct
from tensorrank.mixtures.tables import Table


def induced_tree_count(network: SumProduct) -> int:
    """In how many ways a child can be chosen at every sum that is met from the root down."""
    count: dict[Name, int] = {}
    for name in network.order:
        node = network.nodes[name]
        if isinstance(node, LeafNode):
            count[name] = 1
        elif isinstance(node, ProductNode):
            count[name] = 1
            for child in node.children:
                count[name] *= count[child]
        else:
            count[name] = sum(count[child] for child in node.children)
    return count[network.root]


def classes_of(network: SumProduct) -> LatentClass:
    """The same density as a latent class model; weights are multiplied along each induced tree, leaves copied.

    Its size is that of `induced_tree_count` classes, exponential in general.

    Source: induced trees, Zhao, Poupart, Gordon, A Unified Approach for Learning the Parameters of Sum-Product Networks
    (NeurIPS 2016), theorem 2.

    >>> coins = SumProduct.three_matchings(4, 2, seed=0)
    >>> induced_tree_count(coins), classes_of(coins)
    (12, LatentClass(4 variables, 12 classes, 2 values))
    """
    leaves = {name: node for name, node in network.nodes.items() if isinstance(node, LeafNode)}
    number = {name: place for place, name in enumerate(leaves)}
    # For each node the weights of its trees, and for each of its variables the number of the leaf that a tree has.
    found: dict[Name, tuple[Table, dict[int, NDArray[np.int64]]]] = {}
    for name in network.order:
        node = network.nodes[name]
        if isinstance(node, LeafNode):
            one = np.ones(1, dtype=object)
            found[name] = one, {node.variable: np.array([number[name]])}
        elif isinstance(node, ProductNode):
            weights: Table = np.ones(1, dtype=object)
            chosen: dict[int, NDArray[np.int64]] = {}
            for child in node.children:
                more, theirs = found[child]
                before = {site: np.repeat(column, len(more)) for site, column in chosen.items()}
                chosen = before | {site: np.tile(column, len(weights)) for site, column in theirs.items()}
                weights = np.multiply.outer(weights, more).ravel()
            found[name] = weights, chosen
        else:
            parts = [found[child] for child in node.children]
            weights = np.concatenate([weight * more for weight, (more, _) in zip(node.weights, parts, strict=True)])
            sites = parts[0][1]
            found[name] = weights, {site: np.concatenate([theirs[site] for _, theirs in parts]) for site in sites}
    weights, chosen = found[network.root]
    kept = np.flatnonzero(weights > 0)
    distributions = [leaf.distribution for leaf in leaves.values()]
    tables = [np.array([distributions[leaf] for leaf in chosen[site][kept]]) for site in range(network.sites)]
    return LatentClass(weights[kept], tuple(tables), densities=network.densities)
