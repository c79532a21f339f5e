"""How many classes a mixture takes as a latent class model, and of which two constructions."""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.induced_trees import induced_tree_count
from tensorrank.mixtures.reductions.pair_latents import latent_tree_of
from tensorrank.mixtures.reductions.tree_to_class import class_count
from tensorrank.mixtures.self_similar import dimension_tree_of
from tensorrank.mixtures.sum_product import SumProduct
from tensorrank.mixtures.tree_shaped import TreeShaped


@dataclass(frozen=True)
class Classes:
    """A number of classes, and what they are.

    Attributes:
        count: the number.
        tree: the latent tree whose separating hidden variables they are the states of; None if they are the induced
            trees of a sum-product network.
    """

    count: int
    tree: LatentTree | None


def fewest_classes(model: Mixture) -> Classes:
    """The construction of fewer classes: by hidden variables that separate all others, or by induced trees.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> fewest_classes(HiddenMarkov.random(2, 2, length=8, seed=0)).count
    16
    """
    found = []
    form: object = model
    if isinstance(model, SumProduct):
        found.append(Classes(induced_tree_count(model), None))
        form = dimension_tree_of(model)
    if isinstance(form, LatentTree | TreeShaped | Hierarchical):
        tree = latent_tree_of(form) if isinstance(form, Hierarchical) else form.latent_tree()
        found.append(Classes(class_count(tree), tree))
    return min(found, key=lambda one: one.count)
