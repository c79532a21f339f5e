"""From the hierarchical format to latent trees: a hidden variable for the pairs of functions that a node takes."""

from __future__ import annotations

import numpy as np

from tensorrank.mixtures.evaluation.circuit import Slots
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer, support
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.mixtures.tables import Table


def latent_tree_of(model: Hierarchical) -> LatentTree:
    """The same density as a latent tree, a hidden variable "node i" for each transfer node.

    Its states are the pairs (a, b) that the node's table takes with more than 0: at most r^2 of them for rank r, and
    only r where tables lie on the diagonal. With functions that are distributions (`Hierarchical.normalized`),
    B[c, a, b] is the probability of (a, b) given that the parent has taken function c.

    >>> latent_tree_of(Hierarchical.random([3] * 4, rank=2, seed=0))
    LatentTree(4 variables, 3 hidden of at most 4 states)
    """
    model = model.normalized()
    last = len(model.nodes) - 1
    # The states of each transfer node: the functions of its children that it takes.
    taken: dict[int, Slots] = {}
    # Of which node a node is a child, and which one.
    above: dict[int, tuple[int, int]] = {}
    for number, node in enumerate(model.nodes):
        if isinstance(node, Transfer):
            taken[number] = support(node.table)
            above |= {child: (number, place) for place, child in enumerate(node.children)}

    def rows(number: int) -> Table:
        """The node's functions as distributions over its states, a row for each function."""
        node = model.nodes[number]
        if isinstance(node, Leaf):
            return node.table
        return np.asarray(node.table[(slice(None), *taken[number].T)])

    if not taken:
        edge = Edge("root", 0, model.nodes[0].table)
        return LatentTree("root", np.ones(1, dtype=int), (edge,), densities=model.densities)
    edges = []
    for number in reversed(range(last)):
        parent, place = above[number]
        node = model.nodes[number]
        name = node.variable if isinstance(node, Leaf) else f"node {number}"
        edges.append(Edge(f"node {parent}", name, rows(number)[taken[parent][:, place]]))
    return LatentTree(f"node {last}", rows(last)[0], tuple(edges), densities=model.densities)


def pair_entries(model: Hierarchical) -> int:
    """The table entries of that latent tree, without building it.

    >>> model = Hierarchical.random([3] * 4, rank=2, seed=0)
    >>> pair_entries(model) == latent_tree_of(model).table_entries
    True
    """
    sizes = [node.table.shape[1] if isinstance(node, Leaf) else len(support(node.table)) for node in model.nodes]
    below = sum(
        sizes[number] * sizes[child]
        for number, node in enumerate(model.nodes)
        if isinstance(node, Transfer)
        for child in node.children
    )
    return int(sizes[-1] + below)
