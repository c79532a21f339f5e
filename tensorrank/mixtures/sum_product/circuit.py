"""Sum-product networks as circuits of slots, level by level."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.evaluation.circuit import Circuit, CircuitBlock, Leaves, Products, Sums
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, Nodes, ProductNode, SumNode, children_of
from tensorrank.mixtures.tables import Table, holds_fractions


def compiled(nodes: Nodes, order: Iterable[Name]) -> tuple[Circuit, Mapping[Name, int]]:
    """The circuit with a slot for each node, and the slot of each node.

    The level of a node is the length of the longest path from it down to a leaf. Nodes of one level share a circuit
    block if they are leaves of one variable, products of equally many children, or sums of the same children in any
    order. Tables of fractions and tables of floats are never in one block. Only nodes in the order, children first, get
    slots; the last of them gets the last slot.
    """
    level: dict[Name, int] = {}
    groups: dict[tuple[int, int, object, bool], list[Name]] = {}
    for name in order:
        node = nodes[name]
        level[name] = 1 + max((level[child] for child in children_of(node)), default=-1)
        groups.setdefault((level[name], *_group(node)), []).append(name)
    slots: dict[Name, int] = {}
    blocks: list[CircuitBlock] = []
    # Groups of a level keep the order in which they were met: neighbours there are neighbours here.
    for key in sorted(groups, key=lambda key: key[:2]):
        members = groups[key]
        blocks.append(_block([nodes[name] for name in members], slots))
        for name in members:
            slots[name] = len(slots)
    return Circuit(tuple(blocks)), slots


def _group(node: Node) -> tuple[int, object, bool]:
    """What the nodes of a circuit block have in common: type; variable or children; whether tables are fractions."""
    match node:
        case LeafNode():
            return 0, node.variable, holds_fractions(node.distribution)
        case ProductNode():
            return 1, len(node.children), True
        case SumNode():
            return 2, frozenset(node.children), holds_fractions(node.weights)


def _block(members: Sequence[Node], slots: Mapping[Name, int]) -> CircuitBlock:
    first = members[0]
    if isinstance(first, LeafNode):
        return Leaves(first.variable, np.array([one.distribution for one in members if isinstance(one, LeafNode)]))
    if isinstance(first, ProductNode):
        return Products(np.array([[slots[child] for child in children_of(one)] for one in members], dtype=np.int64))
    terms = sorted(first.children, key=slots.__getitem__)
    place = {child: column for column, child in enumerate(terms)}
    table = np.empty((len(members), len(terms)), dtype=first.weights.dtype)
    for row, one in enumerate(members):
        if isinstance(one, SumNode):
            table[row, [place[child] for child in one.children]] = one.weights
    return Sums(table, np.array([slots[child] for child in terms], dtype=np.int64))


def with_tables(nodes: Nodes, circuit: Circuit, slots: Mapping[Name, int], image: Callable[[Table], Table]) -> dict[Name, Node]:
    """The nodes with other weights and distributions, which they have in the image of each table of their circuit."""
    rows = [row for block in circuit.blocks for row in _rows(block, image)]
    made: dict[Name, Node] = {}
    for name, node in nodes.items():
        match node:
            case LeafNode():
                made[name] = LeafNode(node.variable, rows[slots[name]])
            case SumNode():
                # The columns of a table are in the order of the slots of its terms.
                places = np.argsort(np.argsort([slots[child] for child in node.children]))
                made[name] = SumNode(node.children, rows[slots[name]][places])
            case ProductNode():
                made[name] = node
    return made


def _rows(block: CircuitBlock, image: Callable[[Table], Table]) -> Iterable[Table]:
    """The rows of the image of a block's table; empty ones for products."""
    return np.empty((block.size, 0)) if isinstance(block, Products) else image(block.table)
