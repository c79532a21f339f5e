"""From sum-product networks to latent class models: a class for each induced tree."""

from __future__ import annotations

from math import prod

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.sum_product.graph import Graph, leaves_of
from tensorrank.mixtures.sum_product.nodes import LeafNode, ProductNode
from tensorrank.mixtures.tables import Table


def induced_tree_count(graph: Graph) -> int:
    """The number of ways to choose a child at every sum that is met from the root down."""
    count: dict[Name, int] = {}
    for name in graph.order:
        node = graph.nodes[name]
        if isinstance(node, LeafNode):
            count[name] = 1
        else:
            count[name] = (prod if isinstance(node, ProductNode) else sum)(count[child] for child in node.children)
    return count[graph.root]


def classes_of(graph: Graph, densities: Gaussians | None) -> LatentClass:
    """The density of a network as a latent class model: weights multiplied along each induced tree, leaves copied.

    The model has `induced_tree_count` classes, or fewer if some have weight 0: exponentially many in general.

    Source: induced trees, Zhao, Poupart, Gordon, A Unified Approach for Learning the Parameters of Sum-Product Networks
    (NeurIPS 2016), theorem 2.
    """
    leaves = leaves_of(graph.nodes)
    number = {name: place for place, name in enumerate(leaves)}
    # For each node the weights of its trees, and for each of its variables the number of the leaf that a tree has.
    found: dict[Name, tuple[Table, dict[int, Integers]]] = {}
    for name in graph.order:
        node = graph.nodes[name]
        if isinstance(node, LeafNode):
            found[name] = np.ones(1, dtype=object), {node.variable: np.array([number[name]])}
        elif isinstance(node, ProductNode):
            weights: Table = np.ones(1, dtype=object)
            chosen: dict[int, Integers] = {}
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
    weights, chosen = found[graph.root]
    kept = np.flatnonzero(weights > 0)
    distributions = [leaf.distribution for leaf in leaves.values()]
    tables = [np.array([distributions[leaf] for leaf in chosen[site][kept]]) for site in range(len(graph.shape))]
    return LatentClass(weights[kept], tuple(tables), densities=densities)
