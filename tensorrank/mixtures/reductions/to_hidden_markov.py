"""Any mixture as a hidden Markov model over the variables in their order."""

from __future__ import annotations

from itertools import pairwise
from math import ceil, log2

import numpy as np

from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.reductions.tree_to_chain import chain_states, hidden_markov_of
from tensorrank.mixtures.reductions.unfoldings import worst_step
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
            size = states + (source.sites - 1) * states**2 + states * sum(source.shape)
            return SizeBound(size, f"at most r^ceil(log2(N) / 2) = {states} states at a step")
        return super().shortcut_bound(source, target)

    def bound_of_classes(self, classes: int, source: Mixture, target: HiddenMarkov) -> SizeBound:
        """The size of the chain in which the class never changes."""
        size = classes + (source.sites - 1) * classes**2 + classes * sum(source.shape)
        return SizeBound(size, "a class that never changes: linear in N")

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many states at step t as the unfolding of the steps to t has rank.

        Beside the tables of emissions, a table of transitions has a column, or the first distribution an entry, for
        each state.
        """
        found = worst_step(model, step)
        size = found.rank * (1 + min(model.shape)) + sum(model.shape) - max(model.shape)
        return Least(size, "states at a step", found)


def _entries(states: tuple[int, ...], shape: tuple[int, ...]) -> int:
    transitions = sum(a * b for a, b in pairwise(states))
    return states[0] + transitions + sum(a * k for a, k in zip(states, shape, strict=True))
