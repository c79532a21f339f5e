"""The nodes of a sum-product network: sums, products and leaves, each checked by itself and read from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tensorrank.arguments import nearest, shown, things, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.edges import EXPECTED_NAME, Name, is_name
from tensorrank.mixtures.formats.fields import Fields, checked_name
from tensorrank.mixtures.formats.written_tables import written
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
    """The distribution of one variable: the sum over j of distribution[j] * f_j(x_variable).

    Attributes:
        variable: the number of the variable, from 0.
        distribution: a probability for each value (component) of the variable.
    """

    variable: int
    distribution: Table


Node: TypeAlias = "SumNode | ProductNode | LeafNode"
Nodes: TypeAlias = Mapping[Name, Node]


def children_of(node: Node) -> tuple[Name, ...]:
    """The names of a node's children; a leaf has none."""
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
    """The name and the node of an object in a file, which messages call as `where` says."""
    kind = given.get("type") if isinstance(given, Mapping) else None
    if not isinstance(kind, str) or kind not in _FIELDS:
        if kind is None:
            Fields.within(given, where, ("id", "type"), ("children", "weights", "variable", "distribution"))
        raise TensorRankError(f"the type of {where} is {'null' if kind is None else shown(kind)}; {nearest(kind, _FIELDS)}")
    fields = Fields.within(given, where, ("id", "type", *_FIELDS[kind]))
    name = fields.name("id")
    named = replace(fields, where=f"node {name!r}")
    if kind == "leaf":
        return name, LeafNode(fields["variable"], named.table("distribution"))
    children = tuple(checked_name(child, f"a child of node {name!r}") for child in fields.sequence("children"))
    return name, ProductNode(children) if kind == "product" else SumNode(children, named.table("weights"))


def checked_nodes(given: Nodes) -> dict[Name, Node]:
    """The nodes with their children and tables checked, each by itself; messages name the node."""
    if not isinstance(given, Mapping) or not given:
        raise TensorRankError(f"nodes are {shown(given)}; expected a mapping from names to nodes, not empty")
    nodes: dict[Name, Node] = {}
    for name, node in given.items():
        if not is_name(name):
            raise TensorRankError(f"a node is named {shown(name)}; expected {EXPECTED_NAME}")
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
                    f"node {name!r} is {shown(node)}; expected SumNode(children, weights), ProductNode(children) or "
                    "LeafNode(variable, distribution)"
                )
    return nodes


def _children(given: Iterable[Name], what: str, nodes: Nodes, instead: str) -> tuple[Name, ...]:
    children = None if isinstance(given, Mapping) else things(given)
    if children is None:
        raise TensorRankError(f"{what} has the children {shown(given)}; expected a list of names")
    if not children:
        raise TensorRankError(f"{what} has no children; expected at least one")
    met: set[Name] = set()
    for child in children:
        if not is_name(child) or child not in nodes:
            raise TensorRankError(f"{what} has the child {shown(child)}; no node has that name")
        if child in met:
            raise TensorRankError(f"{what} has the child {child!r} twice; expected different ones: {instead}")
        met.add(child)
    return children
