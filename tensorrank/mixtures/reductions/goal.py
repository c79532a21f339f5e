"""A kind of mixture as the goal of reductions: how its models are made, how large they are, and what they all need."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from tensorrank.mixtures.fitting.skeletons import uniform
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.class_values import least_shape
from tensorrank.mixtures.reductions.unfoldings import Unfolding, least_balanced
from tensorrank.records import Record

M = TypeVar("M", bound=Mixture)


def latent_tree_of(model: Mixture) -> LatentTree:
    """The density of a model as a latent tree, by as many steps as it takes."""
    while not isinstance(model, LatentTree):
        model = model.toward_tree()
    return model


@dataclass(frozen=True)
class SizeBound(Record):
    """An upper bound on the size of a form that exists, and the theory behind it.

    Attributes:
        size: table entries, of sum-product networks edges.
        theorem: the theory, in a sentence.
    """

    size: int
    theorem: str


@dataclass(frozen=True)
class Least:
    """What every form of a model has at least.

    Attributes:
        size: its least size.
        what: what there are as many of as the unfolding has rank; without an unfolding, what the size counts.
        unfolding: the unfolding that is the reason, if there is one.
        states: how many of them there are at least, where fewer than the rank will do; None for as many.
    """

    size: int
    what: str
    unfolding: Unfolding | None = None
    states: int | None = None


class Goal(ABC, Generic[M]):
    """What a kind of mixture gives so that other kinds can be reduced to it.

    Every reduction leads through a latent tree, but for the exceptions that the goal declares in `shortcut`. Bounds on
    sizes follow the same ways: `bound` for a latent tree, `bound_of_classes` for a latent class model on the way, and
    `shortcut_bound` for exceptions.

    Attributes:
        model: the class of the models.
    """

    model: type[M]

    @abstractmethod
    def of_tree(self, tree: LatentTree, limit: float) -> M:
        """The density of a latent tree as a model of this kind.

        Raises:
            TooLargeError: if its size, known before it is built, is larger than the limit.
        """

    def shortcut(self, source: Mixture, limit: float) -> M | None:
        """A model of this kind that is made without the latent tree, None where there is no such way.

        Raises:
            TensorRankError: if no model of this kind has the source's variables.
            TooLargeError: if its size is larger than the limit.
        """
        return source if isinstance(source, self.model) else None

    @abstractmethod
    def bound(self, tree: LatentTree, source: Mixture, target: M) -> SizeBound:
        """The bound on the size of the model of this kind that `of_tree` makes.

        Args:
            tree: the source as a latent tree.
            source: the model that is reduced.
            target: the model that it became.
        """

    def shortcut_bound(self, source: Mixture, target: M) -> SizeBound | None:
        """The bound on the size of the model that `shortcut` makes, None where there is no such way."""
        return SizeBound(source.size, "the same kind of model") if source.kind == target.kind else None

    def bound_of_classes(self, classes: int, source: Mixture, target: M) -> SizeBound:
        """The bound for a source whose way to a latent tree leads through so many classes; else as `bound`."""
        tables = tuple(uniform(classes, k) for k in source.shape)
        return self.bound(LatentClass(uniform(classes), tables).latent_tree(), source, target)

    def least(self, model: Mixture, step: int | None) -> Least:
        """What every form of a model of this kind has at least.

        Args:
            model: the model to be reduced.
            step: where a chain is expected to need the most states, None if nothing is known.
        """
        if model.sites == 1:
            return Least(sum(least_shape(model)), "entries: a table of each variable")
        return self.least_of_several(model, step)

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """What every form of a model of two or more variables has at least; here, what every tree model has.

        Every binary tree has an edge with a third of the leaves or more on either side. A tree model has as many states
        there as the unfolding across this edge has rank, so at least the smallest rank of all such unfoldings. A tree
        with vertices of higher degree becomes binary, with no more states, when they are joined by copies. Every
        variable has a table of a row or more, and states have an entry each in the table that leads to them.

        Source: the edge that splits a tree, Jordan, Sur les assemblages de lignes (1869), its centroid.
        """
        found = least_balanced(model)
        what = "states at an edge with a third of the variables on either side, whatever the tree"
        return Least(found.rank + sum(least_shape(model)), what, found)


AnyGoal: TypeAlias = "Goal[Any]"
