"""The graph of a sum-product network: acyclic, reached from its root, smooth and decomposable, or refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tensorrank.arguments import listed, shown
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import Name, is_name
from tensorrank.mixtures.sum_product.nodes import LeafNode, Node, Nodes, ProductNode, SumNode, children_of
from tensorrank.mixtures.tables import Table


@dataclass(frozen=True, eq=False)
class Graph:
    """The nodes of a sum-product network, and what follows from their edges.

    Attributes:
        nodes: the nodes by name.
        order: their names, children before their parents, the root last.
        scopes: for each node its variables, bit v for variable v.
        shape: the number of values (components) of each variable.
    """

    nodes: Nodes
    order: tuple[Name, ...]
    scopes: Mapping[Name, int]
    shape: tuple[int, ...]

    @classmethod
    def of(cls, nodes: Nodes, root: Name) -> Graph:
        """The graph of nodes that `checked_nodes` has checked one by one; whatever is wrong with it is refused."""
        order, shape = _children_first(nodes, root), _values_by_variable(nodes)
        scopes = _scope_bits(nodes, order)
        apart = next((name for name in nodes if name not in scopes), None)
        if apart is not None:
            raise TensorRankError(
                f"node {apart!r} is not reached from the root {root!r}; expected all {len(nodes)} nodes below it, but "
                f"{len(order)} are"
            )
        return cls(nodes, order, scopes, shape)

    @property
    def root(self) -> Name:
        """The name of the node that is the density of all variables."""
        return self.order[-1]

    def tables(self) -> list[Table]:
        """The weights of each sum and the distribution of each leaf."""
        return [
            node.weights if isinstance(node, SumNode) else node.distribution
            for node in self.nodes.values()
            if not isinstance(node, ProductNode)
        ]


def leaves_of(nodes: Mapping[Name, Node]) -> dict[Name, LeafNode]:
    """The leaves among some nodes."""
    return {name: node for name, node in nodes.items() if isinstance(node, LeafNode)}


def variables_of(bits: int) -> tuple[int, ...]:
    """The variables whose bits are set, in order.

    >>> variables_of(0b1101)
    (0, 2, 3)
    """
    return tuple(place for place, bit in enumerate(reversed(f"{bits:b}")) if bit == "1")


def _children_first(nodes: Nodes, root: Name) -> tuple[Name, ...]:
    """The names of all nodes below the root, children before their parents, the root last; cycles are refused."""
    if not is_name(root) or root not in nodes:
        raise TensorRankError(f"the root is {shown(root)}; expected the name of a node, such as {next(iter(nodes))!r}")
    order: list[Name] = []
    finished: set[Name] = set()
    path: dict[Name, None] = {root: None}
    below = [iter(children_of(nodes[root]))]
    while below:
        child = next(below[-1], None)
        if child is None:
            below.pop()
            name, _ = path.popitem()
            finished.add(name)
            order.append(name)
        elif child in path:
            names = list(path)
            cycle = [*names[names.index(child) :], child]
            raise TensorRankError(f"the nodes have a cycle, {' -> '.join(map(repr, cycle))}; expected none")
        elif child not in finished:
            path[child] = None
            below.append(iter(children_of(nodes[child])))
    return tuple(order)


def _values_by_variable(nodes: Nodes) -> tuple[int, ...]:
    """The number of values of each variable, in which all its leaves agree."""
    first: dict[int, tuple[Name, int]] = {}
    for name, node in nodes.items():
        if isinstance(node, LeafNode):
            other, count = first.setdefault(node.variable, (name, len(node.distribution)))
            if count != len(node.distribution):
                raise TensorRankError(
                    f"leaf node {other!r} gives variable {node.variable} {count} values, leaf node {name!r} "
                    f"{len(node.distribution)}; expected as many"
                )
    if sorted(first) != list(range(len(first))):
        missing = next(variable for variable in range(len(first)) if variable not in first)
        raise TensorRankError(
            f"the leaves are of the variables {listed(sorted(first))}; expected 0 to N - 1, but {missing} has none"
        )
    return tuple(first[variable][1] for variable in range(len(first)))


def _scope_bits(nodes: Nodes, order: Sequence[Name]) -> dict[Name, int]:
    """The variables of each node, bit v for variable v; sums have to be smooth and products decomposable."""
    scopes: dict[Name, int] = {}
    for name in order:
        match nodes[name]:
            case LeafNode(variable=variable):
                scopes[name] = 1 << variable
            case SumNode(children=children):
                first = children[0]
                for child in children[1:]:
                    if scopes[child] != scopes[first]:
                        raise TensorRankError(
                            f"sum node {name!r} is not smooth: child {first!r} has the variables "
                            f"{listed(variables_of(scopes[first]))} and child {child!r} "
                            f"{listed(variables_of(scopes[child]))}; expected the same"
                        )
                scopes[name] = scopes[first]
            case ProductNode(children=children):
                union = 0
                for place, child in enumerate(children):
                    if union & scopes[child]:
                        other = next(one for one in children[:place] if scopes[one] & scopes[child])
                        shared = variables_of(scopes[other] & scopes[child])
                        plural = "s" if len(shared) > 1 else ""
                        raise TensorRankError(
                            f"product node {name!r} is not decomposable: children {other!r} and {child!r} share "
                            f"variable{plural} {listed(shared)}; expected none"
                        )
                    union |= scopes[child]
                scopes[name] = union
    return scopes
