"""Any mixture as a latent class model, by the one of two constructions that takes fewer classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound, latent_tree_of
from tensorrank.mixtures.reductions.tree_to_class import class_count, latent_class_of
from tensorrank.mixtures.reductions.unfoldings import every_other
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.way import TooLargeError


@dataclass(frozen=True)
class Classes:
    """A latent class model that has not been built.

    Attributes:
        count: its number of classes.
        meaning: what the classes are.
        build: what makes the model.
    """

    count: int
    meaning: str
    build: Callable[[], LatentClass]


def fewest_classes(model: Mixture) -> Classes:
    """The construction of fewer classes: by hidden variables that separate all others, or by induced trees.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> fewest_classes(HiddenMarkov.random(2, 2, length=8, seed=0)).count
    16
    """
    found = []
    if isinstance(model, SumProduct):
        found.append(Classes(model.induced_trees, "induced trees", model.latent_class))
        if model.dimension_tree is None:
            return found[0]
    tree = latent_tree_of(model)
    meaning = "states of hidden variables that separate all others"
    found.append(Classes(class_count(tree), meaning, partial(latent_class_of, tree)))
    return min(found, key=lambda one: one.count)


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
        return Least(found.rank * (1 + sum(model.shape)), "classes", found)


def _built(model: Mixture, limit: float) -> LatentClass:
    classes = fewest_classes(model)
    entries = classes.count * (1 + sum(model.shape))
    if entries > limit:
        raise TooLargeError(entries)
    return classes.build()


def _bound(model: Mixture) -> SizeBound:
    classes = fewest_classes(model)
    return SizeBound(classes.count * (1 + sum(model.shape)), f"{classes.count} classes, the {classes.meaning}")
