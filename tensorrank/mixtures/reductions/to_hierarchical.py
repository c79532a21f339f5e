"""Any mixture in the hierarchical format: on the tree that it has, or on the balanced one."""

from __future__ import annotations

from collections import Counter
from math import inf

import numpy as np

from tensorrank.mixtures.evaluation.circuit import Slots
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Node, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.balanced import is_balanced, joined, tree_of_classes
from tensorrank.mixtures.reductions.class_values import least_shape
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.reductions.to_hidden_markov import HiddenMarkovGoal, chain_states
from tensorrank.mixtures.reductions.unfoldings import worst_block
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tables import Table, holds_fractions
from tensorrank.mixtures.way import TooLargeError
from tensorrank.networks.hierarchical_tucker import balanced_ranges


class HierarchicalGoal(Goal[Hierarchical]):
    """The hierarchical format on the tree that a model has."""

    model = Hierarchical

    def of_tree(self, tree: LatentTree, limit: float) -> Hierarchical:
        """The format on the same tree, with the tables on the diagonals of transfer tensors."""
        return hierarchical_of(tree, limit)

    def bound(self, tree: LatentTree, source: Mixture, target: Hierarchical) -> SizeBound:
        """The bound on the same tree, from its states; on another tree, from the most states of a chain."""
        n, k = source.sites, max(source.shape)
        if _follows(tree, target):
            r = max(tree.states[name] for name in tree.latents)
            joins = sum(max(1, len(children) - 1) for children in tree.children.values())
            what = f"rank at most the states, {r}, on the same tree: linear in N"
            return SizeBound(joins * r**3 + n * r * k, what)
        s = max(chain_states(tree))
        size = (n - 1) * s**6 + n * s**2 * k + s**2
        return SizeBound(size, f"a chain of {s} states, then ranks at most {s * s}")

    def shortcut_bound(self, source: Mixture, target: Hierarchical) -> SizeBound | None:
        """The bounds for the format itself, for a network's dimension tree, and for a chain on the balanced tree."""
        n, k = source.sites, max(source.shape)
        if isinstance(source, Hierarchical) and target.table_entries <= source.table_entries:
            return super().shortcut_bound(source, target)
        if isinstance(source, SumProduct) and source.dimension_tree is not None:
            if set(joined(target)) == set(joined(source.dimension_tree)):
                r = max(Counter(source.scopes.values()).values())
                size = (n - 1) * r**3 + n * (r * k + r * r)
                return SizeBound(size, f"self-similar with at most {r} nodes of the same variables: linear in N")
        elif isinstance(source, HiddenMarkov) and not _follows(source.latent_tree(), target):
            r = source.states
            size = (n - 1) * r**6 + n * r**2 * k + r**2
            return SizeBound(size, f"ranks at most r^2 = {r * r} on the balanced tree: linear in N")
        return None

    def bound_of_classes(self, classes: int, source: Mixture, target: Hierarchical) -> SizeBound:
        """The size if every node has a function for each class."""
        size = max(source.sites - 1, 1) * classes**3 + classes * sum(source.shape)
        return SizeBound(size, f"the class as the rank of every node, {classes}: linear in N")


class BalancedGoal(HierarchicalGoal):
    """The hierarchical format on the balanced tree over the variables in their order."""

    def of_tree(self, tree: LatentTree, limit: float) -> Hierarchical:
        """The format on the same tree if it is balanced; else by way of a chain."""
        if is_balanced(tree):
            return super().of_tree(tree, limit)
        return balanced_of(HiddenMarkovGoal().of_tree(tree, limit), limit)

    def shortcut(self, source: Mixture, limit: float) -> Hierarchical | None:
        """The format itself if it is balanced; latent classes on the balanced tree; the format of a chain."""
        if isinstance(source, LatentClass):
            return super().of_tree(tree_of_classes(source), limit)
        if isinstance(source, HiddenMarkov):
            return balanced_of(source, limit)
        return source if isinstance(source, Hierarchical) and is_balanced(source) else None

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many functions at a block of the balanced tree as its unfolding has rank."""
        return least_of_blocks(model)


def least_of_blocks(model: Mixture) -> Least:
    """What every form on the balanced tree has at least: states above a block, each with an entry in a table."""
    found = worst_block(model)
    return Least(found.rank + sum(least_shape(model)), "states above a block of the balanced tree", found)


def _follows(tree: LatentTree, target: Hierarchical) -> bool:
    """Whether the format joins the variables as the tree does, with ranks no larger than its states."""
    return set(joined(target)) == set(joined(tree)) and max(target.ranks) <= max(tree.states[name] for name in tree.latents)


def hierarchical_of(tree: LatentTree, limit: float = inf) -> Hierarchical:
    """The tensor of a latent tree in the hierarchical format on the same tree, of rank at most the hidden states.

    A node's functions are numbered by its parent's state: f_c = sum over a of P(a | c) * the product of the children's
    f_a, so that every transfer tensor is a table on the diagonal of its children's indices. More than two children are
    joined one after the other by copies. A format of more entries than the limit is refused before it is built.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018).

    >>> tree = LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0)
    >>> hierarchical_of(tree)
    Hierarchical(4 variables, 7 nodes of rank at most 2)
    """
    entries = hierarchical_entries(tree)
    if entries > limit:
        raise TooLargeError(entries)
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


def balanced_of(model: HiddenMarkov, limit: float = inf, *, binary: bool = False) -> Hierarchical:
    """The tensor of a chain on the balanced tree of its steps; functions are numbered by the states at a block's ends.

    f_(a, c) of the steps s to e is P(x_s, ..., x_e, z_e = c | z_s = a), and neighbouring blocks are joined by the
    transition between them: f_(a, c) = sum over b, b' of f_(a, b) T[b, b'] g_(b', c). A block that begins the chain
    needs no a, since the initial distribution is known there, and one that ends it needs no c. Every entry is copied.
    The binary tree has a node less than there are tables, so the initial distribution has a node of one child, above
    the first leaf; if `binary`, the first transition is multiplied by it instead. A format of more entries than the
    limit is refused before it is built.

    Source: hierarchical ranks of trains are at most r^2, Khrulkov, Novikov, Oseledets, Expressive power of recurrent
    neural networks (ICLR 2018).

    >>> balanced_of(HiddenMarkov.random(2, 2, length=8, seed=0))
    Hierarchical(8 variables, 16 nodes of rank at most 4)
    """
    entries = balanced_entries(model)
    if entries > limit:
        raise TooLargeError(entries)
    if model.sites == 1:
        return hierarchical_of(model.latent_tree())
    nodes: list[Node] = []

    def add(node: Node) -> int:
        nodes.append(node)
        return len(nodes) - 1

    def build(first: int, end: int) -> tuple[int, Slots]:
        """The node of the steps first to end - 1, and for each of its functions the states (a, c) at its ends."""
        if end - first == 1:
            table = model.emissions[first]
            number = add(Leaf(first, table))
            if first == 0 and not binary:
                number = add(Transfer((number,), on_the_diagonal(model.initial[None])[0]))
            return number, np.repeat(np.arange(table.shape[0])[:, None], 2, axis=1)
        middle = (first + end) // 2
        (left, left_ends), (right, right_ends) = build(first, middle), build(middle, end)
        joined = model.transitions[middle - 1][np.ix_(left_ends[:, 1], right_ends[:, 0])]
        if binary and first == 0 and middle == 1:
            joined = model.initial[:, None] * joined
        # Ends of the chain are numbered 0 in every function.
        a = np.repeat(left_ends[:, :1] * (first > 0), len(right_ends), axis=1)
        c = np.repeat(right_ends[:, 1][None] * (end < model.sites), len(left_ends), axis=0)
        ends, function = np.unique(np.column_stack([a.ravel(), c.ravel()]), axis=0, return_inverse=True)
        table = np.zeros((len(ends), joined.size), dtype=joined.dtype)
        table[function.ravel(), np.arange(joined.size)] = joined.ravel()
        return add(Transfer((left, right), table.reshape(len(ends), *joined.shape))), ends

    build(0, model.sites)
    return Hierarchical(tuple(nodes), densities=model.densities)


def balanced_entries(model: HiddenMarkov) -> int:
    """The table entries of `balanced_of`, without building it.

    >>> model = HiddenMarkov.random(2, 3, length=8, seed=0)
    >>> balanced_entries(model) == balanced_of(model).table_entries
    True
    """
    states = [int(table.shape[0]) for table in model.emissions]
    last = model.sites

    def functions(first: int, end: int) -> int:
        if end - first == 1:
            return states[first]
        return (states[first] if first else 1) * (states[end - 1] if end < last else 1)

    total = sum(int(table.size) for table in model.emissions) + len(model.initial) ** 2
    for first, end in balanced_ranges(last):
        middle = (first + end) // 2
        total += functions(first, end) * functions(first, middle) * functions(middle, end)
    return total
