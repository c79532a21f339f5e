"""The nodes of a sum-product network, and whether they make one: acyclic, reached, smooth and decomposable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tensorrank.arguments import listed, nearest, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.fields import Fields, checked_name
from tensorrank.mixtures.formats.written_tables import written
from tensorrank.mixtures.latent_tree import Name
from tensorrank.mixtures.tables import Table, distributions, nonnegative


@dataclass(frozen=True, eq=False)
class SumNode:
    """A mixture: the sum over i of weights[i] * children[i].

    Attributes:
        children: the names of different nodes of the same variables.
        weights: a probability for each child.
    """

    children: tuple[Name, ...]
    weights: Table


@dataclass(frozen=True, eq=False)
class ProductNode:
    """A factorisation: the product of the children.

    Attributes:
        children: the names of nodes of different variables.
    """

    children: tuple[Name, ...]


@dataclass(frozen=True, eq=False)
class LeafNode:
    """The sum over j of distribution[j] * f_j(x_variable).

    Attributes:
        variable: from 0.
        distribution: a probability for each value (component) of the variable.
    """

    variable: int
    distribution: Table


Node: TypeAlias = "SumNode | ProductNode | LeafNode"
Nodes: TypeAlias = Mapping[Name, Node]


def children_of(node: Node) -> tuple[Name, ...]:
    """The names of the nodes below, of a leaf none."""
    return () if isinstance(node, LeafNode) else node.children


# The fields of each type of node in files, and how one is made of their values.
_FIELDS = {"sum": ("children", "weights"), "product": ("children",), "leaf": ("variable", "distribution")}


def node_fields(node: Node) -> dict[str, Any]:
    """The fields of a node in a file, beside its name."""
    match node:
        case SumNode():
            return {"type": "sum", "children": list(node.children), "weights": written(node.weights)}
        case ProductNode():
            return {"type": "product", "children": list(node.children)}
        case LeafNode():
            return {"type": "leaf", "variable": node.variable, "distribution": written(node.distribution)}


def node_from_fields(given: Any, where: str) -> tuple[Name, Node]:
    """The name and the node of an object in a file, which messages call as `where` says.

    Raises:
        TensorRankError: if the fields are those of no node.
    """
    kind = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        if kind is None:
            Fields.within(given, where, ("id", "type"), ("children", "weights", "variable", "distribution"))
        raise TensorRankError(
            f"the type of {where} is {'null' if kind is None else repr(kind)}; {nearest(str(kind or ''), _FIELDS)}"
        )
    fields = Fields.within(given, where, ("id", "type", *_FIELDS[kind]))
    name = fields.name("id")
    named = replace(fields, where=f"node {name!r}")
    if kind == "leaf":
        return name, LeafNode(fields["variable"], named.table("distribution"))
    children = tuple(checked_name(child, f"a child of node {name!r}") for child in fields.sequence("children"))
    return name, ProductNode(children) if kind == "product" else SumNode(children, named.table("weights"))


def checked_nodes(given: Nodes) -> dict[Name, Node]:
    """The nodes with their tables checked, one by one.

    Raises:
        TensorRankError: naming the node, if its children or tables are none.
    """
    if not isinstance(given, Mapping) or not given:
        raise TensorRankError(f"nodes are {given!r}; expected a mapping from names to nodes, not empty")
    nodes: dict[Name, Node] = {}
    for name, node in given.items():
        if not _is_name(name):
            raise TensorRankError(f"a node is named {name!r}; expected a whole number or a text")
        match node:
            case SumNode():
                children = _children(node.children, f"sum node {name!r}", given, "add their weights")
                what = f"the table of weights of sum node {name!r}"
                weights = nonnegative(node.weights, what, ["child"])
                if len(weights) != len(children):
                    raise TensorRankError(
                        f"sum node {name!r} has {len(weights)} weights for {len(children)} children; expected as many"
                    )
                nodes[name] = SumNode(children, distributions(weights, what, ["child"]))
            case ProductNode():
                nodes[name] = ProductNode(_children(node.children, f"product node {name!r}", given, "drop one"))
            case LeafNode():
                variable = whole_number(f"the variable of leaf node {name!r}", node.variable, 0)
                what = f"the distribution of leaf node {name!r}"
                nodes[name] = LeafNode(variable, distributions(node.distribution, what, ["value"]))
            case _:
                raise TensorRankError(
                    f"node {name!r} is {node!r}; expected SumNode(children, weights), ProductNode(children) or "
                    "LeafNode(variable, distribution)"
                )
    return nodes


def children_first(nodes: Nodes, root: Name) -> tuple[Name, ...]:
    """The names in an order in which children come before their parents, the root last.

    Raises:
        TensorRankError: if there is no such root, or a cycle.
    """
    if not _is_name(root) or root not in nodes:
        raise TensorRankError(f"the root is {root!r}; expected the name of a node, such as {next(iter(nodes))!r}")
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


def check_reached(nodes: Nodes, order: Sequence[Name]) -> None:
    """Whether the nodes in this order, all below its last, are all there are.

    Raises:
        TensorRankError: if a node is not reached.
    """
    reached = set(order)
    apart = next((name for name in nodes if name not in reached), None)
    if apart is not None:
        raise TensorRankError(
            f"node {apart!r} is not reached from the root {order[-1]!r}; expected all {len(nodes)} nodes below it, but "
            f"{len(order)} are"
        )


def values_by_variable(nodes: Nodes) -> tuple[int, ...]:
    """The number of values of each variable.

    Raises:
        TensorRankError: if variables are not 0 to N - 1, or leaves of one have different numbers of values.
    """
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


def scope_bits(nodes: Nodes, order: Sequence[Name]) -> dict[Name, int]:
    """For each node its variables, bit v for variable v.

    Raises:
        TensorRankError: if a sum is not smooth or a product not decomposable.
    """
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


def variables_of(bits: int) -> tuple[int, ...]:
    """The variables whose bits are set, in order.

    >>> variables_of(0b1101)
    (0, 2, 3)
    """
    return tuple(place for place, bit in enumerate(reversed(f"{bits:b}")) if bit == "1")


def _is_name(given: object) -> bool:
    return isinstance(given, int | str) and not isinstance(given, bool)


def _children(given: Iterable[Name], what: str, nodes: Nodes, instead: str) -> tuple[Name, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TensorRankError(f"{what} has the children {given!r}; expected a list of names")
    children = tuple(given)
    if not children:
        raise TensorRankError(f"{what} has no children; expected at least one")
    met: set[Name] = set()
    for child in children:
        if not _is_name(child) or child not in nodes:
            raise TensorRankError(f"{what} has the child {child!r}; no node has that name")
        if child in met:
            raise TensorRankError(f"{what} has the child {child!r} twice; expected different ones: {instead}")
        met.add(child)
    return children
