"""A mixture as a latent class model, by the one of two constructions that takes fewer classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.induced_trees import classes_of, induced_tree_count
from tensorrank.mixtures.reductions.pair_latents import latent_tree_of
from tensorrank.mixtures.reductions.tree_to_class import class_count, latent_class_of
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tree_shaped import TreeShaped


@dataclass(frozen=True)
class Classes:
    """A latent class model that has not been built.

    Attributes:
        count: its number of classes.
        meaning: what they are.
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
    form: Mixture | None = model
    if isinstance(model, SumProduct):
        found.append(Classes(induced_tree_count(model), "induced trees", partial(classes_of, model)))
        form = model.dimension_tree
    if isinstance(form, LatentTree | TreeShaped | Hierarchical):
        tree = latent_tree_of(form) if isinstance(form, Hierarchical) else form.latent_tree()
        meaning = "states of hidden variables that separate all others"
        found.append(Classes(class_count(tree), meaning, partial(latent_class_of, tree)))
    return min(found, key=lambda one: one.count)
