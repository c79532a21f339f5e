"""The edges of latent trees: names of nodes, tables of children given parents, and whether they make a tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from numpy.typing import ArrayLike

from tensorrank.arguments import shown, things
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.tables import Table, distributions
from tensorrank.records import LARGEST_PLAIN

# A node's name: a whole number or a text.
Name: TypeAlias = "int | str"
# What can be a name, in the words of messages.
EXPECTED_NAME = "a whole number or a text (up to 2^53, of whole characters)"


@dataclass(frozen=True, eq=False)
class Edge:
    """What leads from a node to its child: in a latent tree, the conditional distribution of the child.

    Attributes:
        parent: the name of a hidden variable.
        child: the name of a hidden or an observed one.
        table: of shape (states of the parent, states of the child). In a latent tree it is P(child | parent), and each
            row sums to one.
    """

    parent: Name
    child: Name
    table: Table


def is_name(given: object) -> bool:
    """Whether an object can be the name of a node: a text of whole characters, or a whole number up to 2^53.

    Files hold larger whole numbers as texts, which are other names.
    """
    if isinstance(given, str):
        return not any("\ud800" <= letter <= "\udfff" for letter in given)
    return isinstance(given, int) and not isinstance(given, bool) and abs(given) <= LARGEST_PLAIN


def checked_edges(
    given: Iterable[Edge | tuple[Name, Name, Table]], check: Callable[[ArrayLike, str, Sequence[str]], Table] = distributions
) -> tuple[Edge, ...]:
    """The edges with their tables checked by `check`; edges that share an array still share it afterwards."""
    # All edges are held at once, so that no two tables have one id.
    listed = None if isinstance(given, Mapping) else things(given)
    if listed is None:
        raise TensorRankError(f"edges are {shown(given)}; expected (parent, child, table) for each node but the root")
    checked: dict[int, Table] = {}
    edges = []
    for one in listed:
        try:
            parent, child, table = (one.parent, one.child, one.table) if isinstance(one, Edge) else one
        except (TypeError, ValueError):
            raise TensorRankError(f"an edge is {shown(one)}; expected (parent, child, table)") from None
        for name in (parent, child):
            if not is_name(name):
                raise TensorRankError(f"a node is named {shown(name)}; expected {EXPECTED_NAME}")
        if id(table) not in checked:
            axes = [f"state of {parent!r}", f"state of {child!r}"]
            checked[id(table)] = check(table, f"the table of the edge {parent!r} -> {child!r}", axes)
        edges.append(Edge(parent, child, checked[id(table)]))
    return tuple(edges)


def from_the_root(root: Name, edges: Sequence[Edge]) -> list[Name]:
    """The nodes in an order in which parents come before their children; edges that make no tree are refused."""
    if not is_name(root):
        raise TensorRankError(f"the root is named {shown(root)}; expected {EXPECTED_NAME}")
    below: dict[Name, list[Name]] = {}
    above: dict[Name, Name] = {}
    for edge in edges:
        if edge.child in above:
            raise TensorRankError(
                f"the node {shown(edge.child)} has the parents {shown(above[edge.child])} and {shown(edge.parent)}; "
                "expected one"
            )
        above[edge.child] = edge.parent
        below.setdefault(edge.parent, []).append(edge.child)
    if root in above:
        raise TensorRankError(
            f"the root {shown(root)} has the parent {shown(above[root])}; expected none, for edges lead away from it"
        )
    if root not in below:
        raise TensorRankError(f"no edge starts at the root {shown(root)}; expected at least one")
    order = [root]
    for name in order:
        order.extend(below.get(name, ()))
    reached = set(order)
    for name in above:
        if name not in reached:
            met = [name]
            while met[-1] in above and above[met[-1]] not in met:
                met.append(above[met[-1]])
            if met[-1] in above:
                cycle = [*met[met.index(above[met[-1]]) :], above[met[-1]]]
                raise TensorRankError(
                    f"the edges have a cycle, {' <- '.join(map(shown, cycle))}; expected a tree from the root {shown(root)}"
                )
            raise TensorRankError(
                f"the node {shown(met[-1])} is not reached from the root {shown(root)}; expected an edge to it, or none from it"
            )
    return order
