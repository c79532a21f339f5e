"""Any mixture as a hidden Markov model over the variables in their order.

At each step the states are those of hidden variables that separate the variables before from those after.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, log2, prod

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.class_values import least_shape
from tensorrank.mixtures.reductions.conditioning import Conditionals, Region, check_memory, numbered, unravelled
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.reductions.separators import is_chain, prefix_separators
from tensorrank.mixtures.reductions.unfoldings import worst_step
from tensorrank.mixtures.tables import Table
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.mixtures.way import TooLargeError


class HiddenMarkovGoal(Goal[HiddenMarkov]):
    """Hidden Markov models: at each step the states of hidden variables that separate it from the rest."""

    model = HiddenMarkov

    def of_tree(self, tree: LatentTree, limit: float) -> HiddenMarkov:
        """The chain of sets of hidden variables that separate the variables before from those after."""
        states = chain_states(tree)
        entries = _entries(states, tree.shape)
        if entries > limit:
            raise TooLargeError(entries, states.index(max(states)))
        return hidden_markov_of(tree)

    def shortcut(self, source: Mixture, limit: float) -> HiddenMarkov | None:
        """The chain in which the class never changes, for latent class models."""
        if isinstance(source, LatentClass):
            same = np.eye(source.classes, dtype=int)
            return HiddenMarkov(source.weights, same, source.components, densities=source.densities)
        return super().shortcut(source, limit)

    def bound(self, tree: LatentTree, source: Mixture, target: HiddenMarkov) -> SizeBound:
        """The size with these states, which is known without building the chain."""
        states = chain_states(tree)
        what = f"at most {max(states)} states at a step, of hidden variables that separate it"
        return SizeBound(_entries(states, source.shape), what)

    def shortcut_bound(self, source: Mixture, target: HiddenMarkov) -> SizeBound | None:
        """The bound for tensorial mixtures, from the most states of a hidden variable.

        Source: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018).
        """
        if isinstance(source, TensorialMixture):
            states = source.states ** ceil(log2(source.sites) / 2)
            size = _entries((states,) * source.sites, source.shape)
            return SizeBound(size, f"at most r^ceil(log2(N) / 2) = {states} states at a step")
        return super().shortcut_bound(source, target)

    def bound_of_classes(self, classes: int, source: Mixture, target: HiddenMarkov) -> SizeBound:
        """The size of the chain in which the class never changes."""
        return SizeBound(_entries((classes,) * source.sites, source.shape), "a class that never changes: linear in N")

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many states at step t as the unfolding of the steps to t has rank.

        Beside the tables of emissions, a table of transitions has a column, or the first distribution an entry, for
        each state.
        """
        found = worst_step(model, step)
        shape = least_shape(model)
        size = found.rank * (1 + min(shape)) + sum(shape) - max(shape)
        return Least(size, "states at a step", found)


def _entries(states: tuple[int, ...], shape: tuple[int, ...]) -> int:
    transitions = sum(a * b for a, b in pairwise(states))
    return states[0] + transitions + sum(a * k for a, k in zip(states, shape, strict=True))


def chain_states(tree: LatentTree) -> tuple[int, ...]:
    """The number of states of each step of `hidden_markov_of`, states of probability 0 included, without building it.

    Balanced binary trees of r states over N leaves need at most r^ceil(log2(N) / 2).

    Source: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018), and Hackbusch,
    Tensor Spaces and Numerical Tensor Calculus (2012), chapter 12, for the ranks of tensor trains.

    >>> tree = LatentTree.random([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], states=3, symbols=3, seed=0)
    >>> chain_states(tree)
    (3, 3, 9, 9, 9, 9, 3, 3)
    """
    return tuple(prod(tree.states[name] for name in names) for names in prefix_separators(tree))


def hidden_markov_of(tree: LatentTree) -> HiddenMarkov:
    """The distribution of a tree as a hidden Markov model over the variables in their order, with tables for each step.

    The states of step t are the joint states of positive probability of the hidden variables S_t of
    `prefix_separators`. The transitions are P(S_(t+1) | S_t), and the emissions are copies of the rows of the leaves'
    tables. Where S_(t+1) is S_t or hangs below it, transitions are copies or products of tables, otherwise quotients.
    A tree that is a chain from the root on, with a leaf at each hidden variable, keeps its tables. Fractions stay
    fractions.

    >>> tree = LatentTree.random([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6], states=2, symbols=3, seed=0)
    >>> hidden_markov_of(tree)
    HiddenMarkov(8 variables, 4 states, 3 symbols, tables for each step)
    """
    if is_chain(tree):
        transitions = [tree.table(name) for name in tree.latents[1:]]
        return _model(tree, tree.prior, transitions, [tree.table(leaf) for leaf in tree.leaves])
    separators = prefix_separators(tree)
    counts = [prod(tree.states[name] for name in names) for names in separators]
    entries = sum(before * after for before, after in pairwise(counts))
    check_memory(entries, f"the transitions between up to {max(counts)} states")
    conditionals = Conditionals(tree)
    table = conditionals.given(separators[0], Region(None), {}, 1)[0]
    (positive,) = np.nonzero(table)
    initial, states = table[positive], unravelled(positive, separators[0], tree.states)
    transitions, emissions = [], [_emission(tree, 0, states)]
    for site, (before, after) in enumerate(pairwise(separators), start=1):
        transition, states = _transition(conditionals, before, after, states)
        transitions.append(transition)
        emissions.append(_emission(tree, site, states))
    return _model(tree, initial, transitions, emissions)


def _model(tree: LatentTree, initial: Table, transitions: Sequence[Table], emissions: Sequence[Table]) -> HiddenMarkov:
    return HiddenMarkov(initial, tuple(transitions), tuple(emissions), tree.sites, densities=tree.densities)


def _emission(tree: LatentTree, site: int, states: Mapping[Name, Integers]) -> Table:
    leaf = tree.leaves[site]
    parent = tree.parent(leaf)
    assert parent is not None
    return tree.table(leaf)[states[parent]]


def _transition(
    conditionals: Conditionals, before: Sequence[Name], after: Sequence[Name], states: Mapping[Name, Integers]
) -> tuple[Table, dict[Name, Integers]]:
    """The transitions from the joint states of a separator to those of the next one, and the possible ones of these.

    Variables in both separators keep their states. New ones in different regions are independent given the first.
    """
    tree = conditionals.tree
    rows = len(states[before[0]])
    entered: tuple[Name, ...] = ()
    table = np.ones((rows, 1), dtype=object if conditionals.over_fractions else np.float64)
    for names, region in _entered_regions(tree, before, after):
        entered += names
        given = conditionals.given(names, region, states, rows)
        table = (table[:, :, None] * given[:, None, :]).reshape(rows, -1)
    sources, columns = np.nonzero(table)
    reached = {name: states[name][sources] for name in after if name in states}
    reached |= unravelled(columns, entered, tree.states)
    different, which = np.unique(numbered(reached, after, tree.states), return_inverse=True)
    transition = np.zeros((rows, len(different)), dtype=table.dtype)
    transition[sources, which.reshape(-1)] = table[sources, columns]
    return conditionals.settled(transition), unravelled(different, after, tree.states)


def _entered_regions(tree: LatentTree, before: Sequence[Name], after: Sequence[Name]) -> list[tuple[tuple[Name, ...], Region]]:
    """The variables that only the second separator has, by the regions that the first one cuts out."""
    cut = set(before)

    def top(name: Name) -> Name:
        parent = tree.parent(name)
        while parent is not None and parent not in cut:
            name, parent = parent, tree.parent(parent)
        return name

    entered: dict[Name, list[Name]] = {}
    for name in after:
        if name not in cut:
            entered.setdefault(top(name), []).append(name)
    beside: dict[Name, list[Name]] = {}
    for name in before:
        # A variable borders from below the region that its own top heads, unless it is this top itself.
        if top(name) != name:
            beside.setdefault(top(name), []).append(name)
    return [(tuple(names), Region(tree.parent(first), tuple(beside.get(first, ())))) for first, names in entered.items()]
