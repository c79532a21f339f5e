"""Sum-product networks as tensor networks: a leg for each group of nodes of which one at most is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from tensorrank.mixtures.edges import Name
from tensorrank.mixtures.sum_product.graph import Graph
from tensorrank.mixtures.sum_product.nodes import LeafNode, Nodes, ProductNode, SumNode, children_of
from tensorrank.mixtures.tables import Table, holds_fractions
from tensorrank.networks.network import Tensor, TensorNetwork

# What nodes share: their variables, the length of the longest path down to nodes of these variables, and a number.
Group: TypeAlias = tuple[int, int, int]


@dataclass(eq=False)
class _Choices:
    """The tensors made so far. State 0 of a group says that none of its nodes is chosen, state i that its i-th is."""

    nodes: Nodes
    members: dict[Group, list[Name]] = field(default_factory=dict)
    group_of: dict[Name, Group] = field(default_factory=dict)
    parents: dict[Group, frozenset[Group]] = field(default_factory=dict)
    incoming: dict[Group, list[str]] = field(default_factory=dict)
    tensors: list[Tensor] = field(default_factory=list)

    def add(self, kind: str, group: Group, legs: tuple[str, ...], array: Table) -> None:
        self.tensors.append(Tensor(f"{kind} {self.title(group)}", legs, array))

    def title(self, group: Group) -> str:
        """The name of a group in tensors: its first member."""
        return repr(self.members[group][0])

    def leg(self, group: Group) -> str:
        """The leg that says which member of a group is chosen, where at most one of the parents' groups chooses."""
        total, *others = self.incoming[group]
        size = len(self.members[group]) + 1
        for step, other in enumerate(others):
            joins = np.zeros((size, size, size), dtype=np.int64)
            states = np.arange(size)
            joins[states, 0, states] = joins[0, states, states] = 1
            following = f"joined {step} {self.title(group)}"
            self.add(f"joint {step}", group, (total, other, following), joins)
            total = following
        return total

    def weigh(self, group: Group, leg: str, options: Sequence[Name]) -> str:
        """The leg of what the members lead to: a sum to its children by their weights, a product to itself."""
        place = {name: number for number, name in enumerate(options, start=1)}
        nodes = [self.nodes[name] for name in self.members[group]]
        fractions = any(isinstance(node, SumNode) and holds_fractions(node.weights) for node in nodes)
        table = np.zeros((len(nodes) + 1, len(options) + 1), dtype=np.int64).astype(object if fractions else np.float64)
        table[0, 0] = 1
        for state, (name, node) in enumerate(zip(self.members[group], nodes, strict=True), start=1):
            if isinstance(node, SumNode):
                table[state, [place[child] for child in node.children]] = node.weights
            else:
                table[state, place[name]] = 1
        following = f"choice {self.title(group)}"
        self.add("sums", group, (leg, following), table)
        return following

    def hand_on(self, group: Group, leg: str, options: Sequence[Name]) -> None:
        """Lead from each option, a product or the child of a sum, to the states of the groups below."""
        chosen: dict[Group, dict[int, Name]] = {}
        for state, name in enumerate(options, start=1):
            below = (name,) if name not in self.members[group] else children_of(self.nodes[name])
            for child in below:
                chosen.setdefault(self.group_of[child], {})[state] = child
        for number, (target, choice) in enumerate(chosen.items()):
            members = self.members[target]
            names = [choice[state] for state in sorted(choice)]
            if len(self.parents[target]) == 1 and len(choice) == len(options) == len(set(names)) == len(members):
                # One to one: the same leg, with the members in the order of the options.
                self.members[target] = names
                self.incoming[target] = [leg]
                continue
            place = {name: state for state, name in enumerate(members, start=1)}
            table = np.zeros((len(options) + 1, len(members) + 1), dtype=np.int64)
            for state in range(len(options) + 1):
                table[state, place[choice[state]] if state in choice else 0] = 1
            following = f"child {number} {self.title(group)}"
            self.add(f"children {number}", group, (leg, following), table)
            self.incoming.setdefault(target, []).append(following)


def choice_network(graph: Graph) -> TensorNetwork:
    """The coefficient tensor as a network, whose tensors and legs `SumProduct.coefficients` explains."""
    nodes = graph.nodes
    made = _Choices(nodes)
    _find_groups(made, graph)
    root = made.group_of[graph.root]
    made.incoming[root] = ["root"]
    made.add("root", root, ("root",), np.array([0, 1]))
    for group in list(made.members):
        leg = made.leg(group)
        members = made.members[group]
        first = nodes[members[0]]
        if isinstance(first, LeafNode):
            tables = [node.distribution for node in map(nodes.__getitem__, members) if isinstance(node, LeafNode)]
            array = np.stack([np.full_like(tables[0], 1), *tables])
            made.add("leaves", group, (leg, f"site {first.variable}"), array)
            continue
        kinds = {type(nodes[name]) for name in members}
        if kinds == {ProductNode}:
            made.hand_on(group, leg, members)
            continue
        below = dict.fromkeys(
            child for name in members if isinstance(nodes[name], SumNode) for child in children_of(nodes[name])
        )
        targets = {made.group_of[child] for child in below}
        if kinds == {SumNode} and len(targets) == 1:
            (target,) = targets
            chosen = made.weigh(group, leg, made.members[target])
            made.incoming.setdefault(target, []).append(chosen)
        else:
            options = [*(name for name in members if isinstance(nodes[name], ProductNode)), *below]
            made.hand_on(group, made.weigh(group, leg, options), options)
    return TensorNetwork(tuple(made.tensors), tuple(f"site {site}" for site in range(len(graph.shape))))


def _find_groups(made: _Choices, graph: Graph) -> None:
    """Group the nodes, parents first.

    Nodes share a group if they have the same variables, paths of the same length below them to nodes of these
    variables, and parents in the same groups.
    """
    order, scopes = graph.order, graph.scopes
    paths: dict[Name, int] = {}
    alike: dict[tuple[int, int], list[Name]] = {}
    above: dict[Name, list[Name]] = {name: [] for name in order}
    for name in order:
        children = children_of(made.nodes[name])
        paths[name] = 1 + max((paths[child] for child in children if scopes[child] == scopes[name]), default=-1)
        alike.setdefault((scopes[name], paths[name]), []).append(name)
        for child in children:
            above[child].append(name)
    # Parents have more variables, or the same and a longer path.
    for scope, path in sorted(alike, key=lambda key: (key[0].bit_count(), key[1]), reverse=True):
        numbers: dict[frozenset[Group], int] = {}
        for name in alike[scope, path]:
            parents = frozenset(made.group_of[parent] for parent in above[name])
            group = scope, path, numbers.setdefault(parents, len(numbers))
            made.group_of[name] = group
            made.members.setdefault(group, []).append(name)
            made.parents[group] = parents
