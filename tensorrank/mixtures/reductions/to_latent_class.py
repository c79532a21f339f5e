"""Any mixture as a latent class model, by the one of two constructions that takes fewer classes.

The classes are the joint states of hidden variables that separate all others, or the induced trees of a network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod

import numpy as np

from tensorrank.arithmetic.arrays import Integers
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.class_values import least_shape
from tensorrank.mixtures.reductions.conditioning import Conditionals, Region, check_memory, unravelled
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound, latent_tree_of
from tensorrank.mixtures.reductions.separators import separating_latents
from tensorrank.mixtures.reductions.unfoldings import every_other
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tables import Table
from tensorrank.mixtures.way import TooLargeError


@dataclass(frozen=True)
class Classes:
    """A latent class model that has not been built: its number of classes, what they are, and what makes it."""

    count: int
    meaning: str
    build: Callable[[], LatentClass]


def fewest_classes(model: Mixture) -> Classes:
    """The construction of fewer classes: by hidden variables that separate all others, or by induced trees.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> fewest_classes(HiddenMarkov.random(2, 2, length=8, seed=0)).count
    16
    """
    trees = None
    if isinstance(model, SumProduct):
        trees = Classes(model.induced_trees, "induced trees", model.latent_class)
        if model.dimension_tree is None:
            return trees
    tree = latent_tree_of(model)
    meaning = "states of hidden variables that separate all others"
    states = Classes(class_count(tree), meaning, partial(latent_class_of, tree))
    return states if trees is None or states.count < trees.count else trees


class LatentClassGoal(Goal[LatentClass]):
    """Latent class models: a class for each state of some hidden variables, or for each induced tree of a network."""

    model = LatentClass

    def of_tree(self, tree: LatentTree, limit: float) -> LatentClass:
        """A class for each state of hidden variables that separate all others."""
        return _built(tree, limit)

    def shortcut(self, source: Mixture, limit: float) -> LatentClass | None:
        """The construction of fewer classes, for sum-product networks."""
        return _built(source, limit) if isinstance(source, SumProduct) else super().shortcut(source, limit)

    def bound(self, tree: LatentTree, source: Mixture, target: LatentClass) -> SizeBound:
        """The size with these classes, which is known without building them."""
        return _bound(tree)

    def shortcut_bound(self, source: Mixture, target: LatentClass) -> SizeBound | None:
        """The size with the fewest classes, whatever the source."""
        return super().shortcut_bound(source, target) or _bound(source)

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many classes as any unfolding has rank; the one of even against odd variables is taken."""
        found = every_other(model)
        return Least(found.rank * (1 + sum(least_shape(model))), "classes", found)


def _built(model: Mixture, limit: float) -> LatentClass:
    classes = fewest_classes(model)
    entries = classes.count * (1 + sum(model.shape))
    if entries > limit:
        raise TooLargeError(entries)
    return classes.build()


def _bound(model: Mixture) -> SizeBound:
    classes = fewest_classes(model)
    return SizeBound(classes.count * (1 + sum(model.shape)), f"{classes.count} classes, the {classes.meaning}")


def class_count(tree: LatentTree) -> int:
    """The number of classes of `latent_class_of`, classes of probability 0 included, without building it.

    No model of fewer classes exists where some unfolding has this rank. For generic tables with at least as many values
    as states the interleaved unfolding has it: r^floor(N/2) for hidden Markov models of N steps and r states, r^(N/2)
    for balanced binary trees.

    Source: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018), theorem 1, for the
    lower bound.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> class_count(HiddenMarkov.random(3, 3, 24, seed=0).latent_tree()) == 3**12
    True
    """
    return separating_latents(tree)[1]


def latent_class_of(tree: LatentTree) -> LatentClass:
    """The distribution of a tree as a shallow mixture, exponentially large in general.

    The classes are the joint states of positive probability of `separating_latents`. If the parent of a variable is one
    of these, the rows of the variable's table are copied. Other tables are products of tables, divided by their sums
    where the separator also lies below. A tree with a single hidden variable keeps its tables. Fractions stay
    fractions.

    Source: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), every deep mixture is a shallow one.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> latent_class_of(HiddenMarkov.random(2, 3, 6, seed=0).latent_tree())
    LatentClass(6 variables, 8 classes, 3 values)
    """
    if len(tree.latents) == 1:
        return LatentClass(tree.prior, tuple(map(tree.table, tree.leaves)), densities=tree.densities)
    conditionals = Conditionals(tree)
    separator, _ = separating_latents(tree)
    tops, regions = _regions(tree, frozenset(separator))
    classes = _Classes(tree, {}, np.array([1], dtype=object if conditionals.over_fractions else np.float64))
    for name in tree.latents:
        region = regions.get(name)
        if region is None:
            continue
        if name in separator:
            classes = classes.split((name,), region, conditionals)
        elif region.beside:
            classes = classes.split(region.beside, Region(region.above), conditionals)
    weights = conditionals.settled(classes.weights[None])[0]
    count = len(weights)
    check_memory(count * sum(tree.shape), f"{count} classes of {tree.sites} variables")
    components = []
    for leaf in tree.leaves:
        region = regions[tops[leaf]]
        if tops[leaf] == leaf and region.above is not None:
            components.append(tree.table(leaf)[classes.states[region.above]])
        else:
            components.append(conditionals.given((leaf,), region, classes.states, count))
    return LatentClass(weights, tuple(components), densities=tree.densities)


@dataclass(frozen=True, eq=False)
class _Classes:
    """The joint states of positive probability of some nodes, and their probabilities."""

    tree: LatentTree
    states: Mapping[Name, Integers]
    weights: Table

    def split(self, names: tuple[Name, ...], region: Region, conditionals: Conditionals) -> _Classes:
        """The joint states of these and further nodes of a region."""
        more = prod(self.tree.states[name] for name in names)
        held = len(self.states) + len(names) + 2
        check_memory(len(self.weights) * more * held, f"{len(self.weights) * more} joint states")
        table = self.weights[:, None] * conditionals.given(names, region, self.states, len(self.weights))
        rows, columns = np.nonzero(table)
        states = {name: codes[rows] for name, codes in self.states.items()}
        return replace(self, states=states | unravelled(columns, names, self.tree.states), weights=table[rows, columns])


def _regions(tree: LatentTree, separator: frozenset[Name]) -> tuple[dict[Name, Name], dict[Name, Region]]:
    """The top of each node's region, and for each top the nodes around the region.

    A node of the separator is a region by itself if its parent is in the separator too. Otherwise it is beside the
    region above it.
    """
    tops: dict[Name, Name] = {}
    beside: dict[Name, list[Name]] = {}
    for name in (*tree.latents, *tree.leaves):
        parent = tree.parent(name)
        if parent is None or parent in separator:
            tops[name] = name
            beside[name] = []
        elif name in separator:
            beside[tops[parent]].append(name)
        else:
            tops[name] = tops[parent]
    return tops, {top: Region(tree.parent(top), tuple(names)) for top, names in beside.items()}
