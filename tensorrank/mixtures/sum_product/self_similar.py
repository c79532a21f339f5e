"""Sum-product networks that split every set of variables in one way: the same density in the hierarchical format."""

from __future__ import annotations

import numpy as np

from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Node, Transfer
from tensorrank.mixtures.sum_product.graph import Graph, leaves_of
from tensorrank.mixtures.sum_product.nodes import Node as SumProductNode
from tensorrank.mixtures.sum_product.nodes import Nodes, ProductNode, SumNode
from tensorrank.mixtures.tables import Table, holds_fractions


def is_self_similar(graph: Graph) -> bool:
    """Whether all products of the same variables split them into the same parts.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), self-similar networks.
    """
    splits: dict[int, frozenset[int]] = {}
    for name in graph.order:
        node = graph.nodes[name]
        if isinstance(node, ProductNode) and len(node.children) > 1:
            split = frozenset(graph.scopes[child] for child in node.children)
            if splits.setdefault(graph.scopes[name], split) != split:
                return False
    return True


def dimension_tree_of(graph: Graph, densities: Gaussians | None) -> Hierarchical | None:
    """The hierarchical format of a self-similar network; None for any other network.

    The format has a node for each set of variables, and a function there for each node of the network that a larger set
    takes. Weights are copied where sums are of products or leaves, and multiplied where sums are of sums.
    """
    if not is_self_similar(graph):
        return None
    scopes = graph.scopes
    given = _without_products_of_one(graph.nodes)
    members: dict[int, list[Name]] = {}
    for name in graph.order:
        members.setdefault(scopes[name], []).append(name)
    products = [node for node in given.values() if isinstance(node, ProductNode)]
    taken = {graph.root, *(child for node in products for child in node.children)}
    nodes: list[Node] = []
    # For each set of variables its node of the format; and the function there of each node that a larger set takes.
    number: dict[int, int] = {}
    function: dict[Name, int] = {}
    for scope in sorted(members, key=int.bit_count):
        outside = [name for name in members[scope] if name in taken]
        basis = [name for name in members[scope] if not isinstance(given[name], SumNode)]
        table = _combinations(given, basis, members[scope], outside)
        leaves = list(leaves_of({name: given[name] for name in basis}).values())
        if leaves:
            nodes.append(Leaf(leaves[0].variable, np.array([leaf.distribution for leaf in leaves])))
            if outside != basis:
                nodes.append(Transfer((len(nodes) - 1,), table))
        else:
            factors = [
                sorted(node.children, key=lambda child: scopes[child] & -scopes[child])
                for node in map(given.__getitem__, basis)
                if isinstance(node, ProductNode)
            ]
            parts = [number[scopes[child]] for child in factors[0]]
            _join([[function[child] for child in column] for column in zip(*factors, strict=True)], parts, table, nodes)
        number[scope] = len(nodes) - 1
        function |= {name: place for place, name in enumerate(outside)}
    return Hierarchical(tuple(nodes), densities=densities)


def copies(graph: Graph) -> bool:
    """Whether the dimension tree, if there is one, has the very weights and distributions of a network, none rounded.

    Floats are rounded where sums of sums multiply their weights, and where products of the same children add them.
    Fractions beside floats become floats.
    """
    fractions = [holds_fractions(table) for table in graph.tables()]
    if all(fractions):
        return True
    given = _without_products_of_one(graph.nodes)
    of_sums = any(
        isinstance(node, SumNode) and any(isinstance(given[child], SumNode) for child in node.children)
        for node in given.values()
    )
    products = [frozenset(node.children) for node in given.values() if isinstance(node, ProductNode)]
    return not of_sums and len(set(products)) == len(products) and not any(fractions)


def _without_products_of_one(nodes: Nodes) -> dict[Name, SumProductNode]:
    """The nodes, with each product of one child written as a sum of this child."""
    return {
        name: SumNode(node.children, np.ones(1, dtype=object))
        if isinstance(node, ProductNode) and len(node.children) == 1
        else node
        for name, node in nodes.items()
    }


def _combinations(given: Nodes, basis: list[Name], members: list[Name], wanted: list[Name]) -> Table:
    """A row for each wanted node: its weights as a combination of the leaves or products of the same variables."""
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


def _join(columns: list[list[int]], parts: list[int], table: Table, nodes: list[Node]) -> None:
    """Add nodes that join the parts of products two by two; only the last of them holds the weights.

    For each part a column has the number of the function that each product takes of it. The table, of shape (functions,
    products), says what functions the products are combined to.
    """
    number, left = parts[0], columns[0]
    for step in range(1, len(parts)):
        pairs = list(zip(left, columns[step], strict=True))
        last = step == len(parts) - 1
        wanted = {pair: place for place, pair in enumerate(dict.fromkeys(pairs))}
        sizes = nodes[number].table.shape[0], nodes[parts[step]].table.shape[0]
        joined = np.zeros((len(table) if last else len(wanted), *sizes), dtype=table.dtype)
        for product, pair in enumerate(pairs):
            if last:
                joined[(slice(None), *pair)] += table[:, product]
            else:
                joined[(wanted[pair], *pair)] = 1
        left = [wanted[pair] for pair in pairs]
        nodes.append(Transfer((number, parts[step]), joined))
        number = len(nodes) - 1
