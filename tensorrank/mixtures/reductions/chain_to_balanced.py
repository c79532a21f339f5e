"""From hidden Markov models to the hierarchical format on the balanced tree, of rank at most r^2."""

from __future__ import annotations

import numpy as np

from tensorrank.mixtures.evaluation.circuit import Slots
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Node, Transfer
from tensorrank.mixtures.reductions.copied import hierarchical_of, on_the_diagonal
from tensorrank.networks.hierarchical_tucker import balanced_ranges


def balanced_of(model: HiddenMarkov, *, binary: bool = False) -> Hierarchical:
    """The tensor of a chain on the balanced tree of its steps; functions are numbered by the states at a block's ends.

    f_(a, c) of the steps s to e is P(x_s, ..., x_e, z_e = c | z_s = a), and neighbouring blocks are joined by the
    transition between them: f_(a, c) = sum over b, b' of f_(a, b) T[b, b'] g_(b', c). A block that begins the chain
    needs no a, since the initial distribution is known there, and one that ends it needs no c. Every entry is copied.
    The binary tree has a node less than there are tables, so the initial distribution has a node of one child, above
    the first leaf.

    Args:
        model: the chain.
        binary: whether to multiply the first transition by the initial distribution instead, for a binary tree.

    Source: hierarchical ranks of trains are at most r^2, Khrulkov, Novikov, Oseledets, Expressive power of recurrent
    neural networks (ICLR 2018).

    >>> balanced_of(HiddenMarkov.random(2, 2, length=8, seed=0))
    Hierarchical(8 variables, 16 nodes of rank at most 4)
    """
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
