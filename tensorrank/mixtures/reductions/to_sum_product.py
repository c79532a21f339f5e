"""Any mixture as a sum-product network, with the tables of a latent tree as its weights."""

from __future__ import annotations

import numpy as np

from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.sum_product.model import LeafNode, Node, ProductNode, SumNode, SumProduct


class SumProductGoal(Goal[SumProduct]):
    """Sum-product networks: a sum for each row of a latent tree's tables, and a product for each state."""

    model = SumProduct

    def of_tree(self, tree: LatentTree, limit: float) -> SumProduct:
        """The network with the weights of the tree's tables."""
        return sum_product_of(tree)

    def bound(self, tree: LatentTree, source: Mixture, target: SumProduct) -> SizeBound:
        """An edge for each entry of a table, and at most as many below products."""
        return SizeBound(2 * tree.table_entries, "edges at most twice the table entries: linear in N")

    def bound_of_classes(self, classes: int, source: Mixture, target: SumProduct) -> SizeBound:
        """A product for each class."""
        return SizeBound(classes * (1 + source.sites), "an edge for each class, and each table's row")

    def least(self, model: Mixture, step: int | None) -> Least:
        """A leaf for each variable, and the edge to it if there are several; no better bound is known."""
        return Least(model.sites if model.sites > 1 else 0, "edges: one to a leaf of each variable")


def sum_product_of(tree: LatentTree) -> SumProduct:
    """The density of a latent tree as a sum-product network, with at most two edges for each entry of a table.

    The network has a sum "z|c" for each hidden variable z and state c of its parent, whose weights are the table's row;
    a product "z=a" for each state a of a hidden variable of several children; a leaf "x|c" for each observed variable x
    and state c of its parent. Weights of 0 have no edge.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018).

    >>> network = sum_product_of(LatentTree("z", [0.5, 0.5], [("z", i, [[0.9, 0.1], [0, 1]]) for i in range(2)]))
    >>> network.edges, sorted(network.nodes)
    (6, ['0|0', '0|1', '1|0', '1|1', 'z', 'z=0', 'z=1'])
    """
    label = tree.labels
    if any("|" in text or "=" in text for text in label.values()):
        # Names of nodes are made with these signs, and must differ from each other.
        label = {name: f"node {number}" for number, name in enumerate(tree.order)}
    site_of = {name: site for site, name in enumerate(tree.leaves)}
    nodes: dict[Name, Node] = {}

    def given(name: Name, state: int) -> str:
        return label[name] if name == tree.root else f"{label[name]}|{state}"

    # Only states that are reached with more than 0 have nodes.
    reached: dict[Name, list[int]] = {tree.root: [0]}
    for name in tree.order:
        table = tree.table(name)
        if name in site_of:
            for state in reached[name]:
                nodes[given(name, state)] = LeafNode(site_of[name], table[state])
            continue
        children = tree.children[name]
        possible = np.flatnonzero((table[reached[name]] > 0).any(axis=0)).tolist()
        for child in children:
            reached[child] = possible
        below = {state: f"{label[name]}={state}" if len(children) > 1 else given(children[0], state) for state in possible}
        for state in reached[name]:
            taken = np.flatnonzero(table[state] > 0).tolist()
            nodes[given(name, state)] = SumNode(tuple(below[one] for one in taken), table[state][taken])
        if len(children) > 1:
            for state in possible:
                nodes[below[state]] = ProductNode(tuple(given(child, state) for child in children))
    return SumProduct(nodes, given(tree.root, 0), densities=tree.densities)
