"""Reductions of latent trees that copy every table: to the hierarchical format and to sum-product networks."""

from __future__ import annotations

import numpy as np

from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Node, Transfer
from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct
from tensorrank.mixtures.tables import Table, holds_fractions


def hierarchical_of(tree: LatentTree) -> Hierarchical:
    """The tensor of a latent tree in the hierarchical format on the same tree, of rank at most the hidden states.

    A node's functions are numbered by its parent's state: f_c = sum over a of P(a | c) * the product of the children's
    f_a, so that every transfer tensor is a table on the diagonal of its children's indices. More than two children are
    joined one after the other by copies.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018).

    >>> tree = LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0)
    >>> hierarchical_of(tree)
    Hierarchical(4 variables, 7 nodes of rank at most 2)
    """
    site_of = {name: site for site, name in enumerate(tree.leaves)}
    nodes: list[Node] = []
    number: dict[Name, int] = {}
    for name in reversed(tree.order):
        table = tree.table(name)
        if name in site_of:
            nodes.append(Leaf(site_of[name], table))
        else:
            children = [number[child] for child in tree.children[name]]
            while len(children) > 2:
                first, second, *others = children
                same = np.eye(table.shape[1], dtype=int if holds_fractions(table) else float)
                nodes.append(Transfer((first, second), on_the_diagonal(same)))
                children = [len(nodes) - 1, *others]
            nodes.append(Transfer(tuple(children), on_the_diagonal(table) if len(children) == 2 else table))
        number[name] = len(nodes) - 1
    return Hierarchical(tuple(nodes), densities=tree.densities)


def hierarchical_entries(tree: LatentTree) -> int:
    """The table entries of `hierarchical_of`, without building it.

    >>> tree = LatentTree.random([0, 0, 0, 1, 1], states=2, symbols=3, seed=0)
    >>> hierarchical_entries(tree) == hierarchical_of(tree).table_entries
    True
    """
    total = sum(int(tree.table(name).size) for name in tree.leaves)
    for name, children in tree.children.items():
        rows, states = tree.table(name).shape
        joins = len(children) - 1
        total += rows * states ** min(len(children), 2) + max(joins - 1, 0) * states**3
    return total


def on_the_diagonal(table: Table) -> Table:
    """The transfer tensor B[c, a, a] = table[c, a], 0 elsewhere.

    >>> on_the_diagonal(np.array([[1, 2]]))
    array([[[1, 0],
            [0, 2]]])
    """
    rows, columns = table.shape
    spread = np.zeros((rows, columns, columns), dtype=table.dtype)
    if holds_fractions(table):
        # The zeros become Fractions too.
        spread = spread + table[0, 0] * 0
    both = np.arange(columns)
    spread[:, both, both] = table
    return spread


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
    nodes: dict[Name, SumNode | ProductNode | LeafNode] = {}

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
        below = {
            state: f"{label[name]}={state}" if len(children) > 1 else given(children[0], state) for state in possible
        }
        for state in reached[name]:
            taken = np.flatnonzero(table[state] > 0).tolist()
            nodes[given(name, state)] = SumNode(tuple(below[one] for one in taken), table[state][taken])
        if len(children) > 1:
            for state in possible:
                nodes[below[state]] = ProductNode(tuple(given(child, state) for child in children))
    return SumProduct(nodes, given(tree.root, 0), densities=tree.densities)
