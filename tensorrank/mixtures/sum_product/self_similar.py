"""Sum-product networks that split every set of variables in one way: the same density in the hierarchical format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Node, Transfer
from tensorrank.mixtures.latent_tree import Name
from tensorrank.mixtures.sum_product.nodes import LeafNode, Nodes, ProductNode, SumNode
from tensorrank.mixtures.sum_product.nodes import Node as SumProductNode
from tensorrank.mixtures.tables import Table, is_exact

if TYPE_CHECKING:
    from tensorrank.mixtures.sum_product.model import SumProduct

Scope = frozenset[int]


@dataclass(frozen=True)
class _Built:
    """The node of a set of variables, and its functions by the names of the network's nodes that they are."""

    number: int
    functions: Mapping[Name, int]


def is_self_similar(network: SumProduct) -> bool:
    """Whether products of the same variables all split them into the same parts.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), self-similar networks.
    """
    splits: dict[Scope, frozenset[Scope]] = {}
    for name in network.order:
        node = network.nodes[name]
        if isinstance(node, ProductNode) and len(node.children) > 1:
            split = frozenset(network.scopes[child] for child in node.children)
            if splits.setdefault(network.scopes[name], split) != split:
                return False
    return True


def dimension_tree_of(network: SumProduct) -> Hierarchical | None:
    """The hierarchical format of a self-similar network, with a function for each node that a larger set takes.

    None if the network is not self-similar.

    Weights are copied where sums are of products or leaves, and multiplied where sums are of sums.

    >>> from tensorrank.mixtures.reductions.copied import sum_product_of
    >>> from tensorrank.mixtures.latent_tree import LatentTree
    >>> dimension_tree_of(sum_product_of(LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0)))
    Hierarchical(4 variables, 7 nodes of rank at most 2)
    """
    if not is_self_similar(network):
        return None
    given = _without_products_of_one(network)
    members: dict[Scope, list[Name]] = {}
    for name in network.order:
        members.setdefault(network.scopes[name], []).append(name)
    products = [node for node in given.values() if isinstance(node, ProductNode)]
    taken = {network.root, *(child for node in products for child in node.children)}
    nodes: list[Node] = []
    built: dict[Scope, _Built] = {}
    for scope in sorted(members, key=len):
        outside = [name for name in members[scope] if name in taken]
        basis = [name for name in members[scope] if not isinstance(given[name], SumNode)]
        table = _combinations(given, basis, members[scope], outside)
        leaves = [node for node in map(given.__getitem__, basis) if isinstance(node, LeafNode)]
        if leaves:
            nodes.append(Leaf(leaves[0].variable, np.array([leaf.distribution for leaf in leaves])))
            if outside != basis:
                nodes.append(Transfer((len(nodes) - 1,), table))
        else:
            factors = [
                sorted(node.children, key=lambda child: min(network.scopes[child]))
                for node in map(given.__getitem__, basis)
                if isinstance(node, ProductNode)
            ]
            parts = [built[network.scopes[child]] for child in factors[0]]
            taken_of = zip(parts, zip(*factors, strict=True), strict=True)
            _join([[part.functions[child] for child in column] for part, column in taken_of], parts, table, nodes)
        built[scope] = _Built(len(nodes) - 1, {name: place for place, name in enumerate(outside)})
    return Hierarchical(tuple(nodes), densities=network.densities)


def copies(network: SumProduct) -> bool:
    """Whether the dimension tree, if there is one, has the very weights and distributions, none rounded.

    Sums of sums multiply their weights, products of the same children add them, and fractions beside floats become
    floats.
    """
    if network.exact:
        return True
    given = _without_products_of_one(network)
    tables = [
        node.weights if isinstance(node, SumNode) else node.distribution
        for node in network.nodes.values()
        if not isinstance(node, ProductNode)
    ]
    of_sums = any(
        isinstance(node, SumNode) and any(isinstance(given[child], SumNode) for child in node.children)
        for node in given.values()
    )
    products = [frozenset(node.children) for node in given.values() if isinstance(node, ProductNode)]
    return not of_sums and len(set(products)) == len(products) and not any(is_exact(table) for table in tables)


def _without_products_of_one(network: SumProduct) -> dict[Name, SumProductNode]:
    """The nodes, with a product of one child as a sum of it."""
    return {
        name: SumNode(node.children, np.ones(1, dtype=object))
        if isinstance(node, ProductNode) and len(node.children) == 1
        else node
        for name, node in network.nodes.items()
    }


def _combinations(given: Nodes, basis: list[Name], members: list[Name], wanted: list[Name]) -> Table:
    """Each wanted node as a combination of the leaves or products over the same variables, one row each."""
    kinds = {table.dtype for name in members if isinstance(node := given[name], SumNode) for table in [node.weights]}
    dtype = kinds.pop() if len(kinds) == 1 else np.dtype(np.float64) if kinds else np.dtype(object)
    place = {name: number for number, name in enumerate(basis)}
    rows: dict[Name, Table] = {}
    for name in members:
        node = given[name]
        row = np.zeros(len(basis), dtype=dtype)
        if isinstance(node, SumNode):
            for child, weight in zip(node.children, node.weights, strict=True):
                if child in place:
                    row[place[child]] += weight
                else:
                    row = row + np.asarray(weight * rows[child], dtype=dtype)
        else:
            row[place[name]] = 1
        rows[name] = row
    return np.array([rows[name] for name in wanted])


def _join(columns: list[list[int]], parts: list[_Built], table: Table, nodes: list[Node]) -> None:
    """Nodes that join the parts of products two by two; only the last holds the weights.

    Args:
        columns: for each part the number of the function that each product takes of it.
        parts: the nodes of the parts.
        table: what functions the products are combined to, (functions, products).
        nodes: what has been built, added to.
    """
    number, left = parts[0].number, columns[0]
    for step in range(1, len(parts)):
        pairs = list(zip(left, columns[step], strict=True))
        last = step == len(parts) - 1
        wanted = {pair: place for place, pair in enumerate(dict.fromkeys(pairs))}
        sizes = nodes[number].table.shape[0], nodes[parts[step].number].table.shape[0]
        joined = np.zeros((len(table) if last else len(wanted), *sizes), dtype=table.dtype)
        for product, pair in enumerate(pairs):
            if last:
                joined[(slice(None), *pair)] += table[:, product]
            else:
                joined[(wanted[pair], *pair)] = 1
        left = [wanted[pair] for pair in pairs]
        nodes.append(Transfer((number, parts[step].number), joined))
        number = len(nodes) - 1
