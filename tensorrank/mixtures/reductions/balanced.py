"""The balanced binary tree over the variables: which models are on it, and latent classes written on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from tensorrank.mixtures.hierarchical import Hierarchical, Leaf
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import Edge, LatentTree
from tensorrank.networks.hierarchical_tucker import Tree, balanced_ranges, balanced_tree


def tree_of_classes(model: LatentClass) -> LatentTree:
    """The density of classes as a latent tree on the balanced binary tree, down which the class is handed unchanged.

    >>> tree_of_classes(LatentClass.random([2] * 5, classes=3, seed=0))
    LatentTree(5 variables, 4 hidden of at most 3 states)
    """
    if model.sites == 1:
        return model.latent_tree()
    same = np.eye(model.classes, dtype=int)
    edges: list[Edge] = []
    below = [("all", balanced_tree(model.sites))]
    for name, tree in below:
        for side, part in zip("01", cast(tuple[Tree, Tree], tree), strict=True):
            if isinstance(part, tuple):
                edges.append(Edge(name, name + side, same))
                below.append((name + side, part))
            else:
                edges.append(Edge(name, part, model.components[part]))
    return LatentTree("all", model.weights, tuple(edges), densities=model.densities)


def is_balanced(model: Hierarchical | LatentTree) -> bool:
    """Whether a model joins the variables as the balanced tree does, which halves them in their order.

    Nodes of one child are passed over.

    >>> is_balanced(Hierarchical.random([2] * 6, rank=2, seed=0))
    True
    """
    return set(joined(model)) == {frozenset(range(*block)) for block in balanced_ranges(model.sites)}


def joined(model: Hierarchical | LatentTree) -> Iterator[frozenset[int]]:
    """The sets of variables that nodes join from two; nodes of more children join them one after the other."""
    children: Mapping[Any, Sequence[Any]]
    if isinstance(model, Hierarchical):
        children = {number: node.children for number, node in enumerate(model.nodes) if node.children}
        variables: dict[Any, int] = {number: node.variable for number, node in enumerate(model.nodes) if isinstance(node, Leaf)}
    else:
        children = {name: model.children[name] for name in reversed(model.latents)}
        variables = {name: site for site, name in enumerate(model.leaves)}
    below = {name: frozenset([variable]) for name, variable in variables.items()}
    for name, parts in children.items():
        together = below[parts[0]]
        for part in parts[1:]:
            together = together | below[part]
            yield together
        below[name] = together
