"""Latent trees that are tensorial mixtures, and latent classes written as deeper models: tables are copied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import Edge, LatentTree, Name
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.networks.hierarchical_tucker import Tree, balanced_blocks, balanced_tree


def mixture_of_tree(tree: LatentTree) -> TensorialMixture | None:
    """The same model as a tensorial mixture if its tree is the balanced binary one over variables 0..N-1, or None.

    >>> coin = [[0.9, 0.1], [0.2, 0.8]]
    >>> mixture_of_tree(LatentTree("z", [0.5, 0.5], [("z", 0, coin), ("z", 1, coin)]))
    TensorialMixture(2 variables, 1 level of at most 2 states, mode size 2, tables for each edge)
    """
    first: dict[Name, int] = {name: site for site, name in enumerate(tree.leaves)}
    for name in reversed(tree.order):
        if name in tree.children:
            first[name] = min(first[child] for child in tree.children[name])
    level: list[Name] = [tree.root]
    levels = []
    while any(name in tree.children for name in level):
        below = [tree.children.get(name, ()) for name in level]
        if any(len(children) != 2 for children in below):
            return None
        level = [child for children in below for child in sorted(children, key=first.__getitem__)]
        levels.append(tuple(tree.table(name) for name in level))
    if [first[name] for name in level] != list(range(tree.sites)):
        return None
    return TensorialMixture(tree.prior, tuple(levels), densities=tree.densities)


def tree_of_classes(model: LatentClass) -> LatentTree:
    """A latent tree on the balanced binary tree, down which the class is handed unchanged.

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


def chain_of_classes(model: LatentClass) -> HiddenMarkov:
    """The class never changes."""
    same = np.eye(model.classes, dtype=int)
    return HiddenMarkov(model.weights, same, model.components, densities=model.densities)


def is_balanced(model: Hierarchical | LatentTree) -> bool:
    """Whether it joins the variables as the balanced tree does, which halves them in their order.

    Nodes of one child do not count.

    >>> is_balanced(Hierarchical.random([2] * 6, rank=2, seed=0))
    True
    """
    return set(joined(model)) == {frozenset(range(*block)) for block in balanced_blocks(model.sites)}


def joined(model: Hierarchical | LatentTree) -> Iterator[frozenset[int]]:
    """The sets of variables that a node joins from two; of more children one after the other."""
    below: dict[object, frozenset[int]] = {}
    if isinstance(model, Hierarchical):
        children: Mapping[Any, Sequence[Any]] = {
            number: node.children for number, node in enumerate(model.nodes) if isinstance(node, Transfer)
        }
        below |= {
            number: frozenset([node.variable]) for number, node in enumerate(model.nodes) if isinstance(node, Leaf)
        }
    else:
        children = {name: model.children[name] for name in reversed(model.latents)}
        below |= {name: frozenset([site]) for site, name in enumerate(model.leaves)}
    for name, parts in children.items():
        together = below[parts[0]]
        for part in parts[1:]:
            together = together | below[part]
            yield together
        below[name] = together


def check_power_of_two(variables: int) -> None:
    """Whether a tensorial mixture can have so many variables.

    Raises:
        TensorRankError: if they are no power of 2, or one.
    """
    if variables < 2 or variables & (variables - 1):
        raise TensorRankError(
            f"a model of {variables} variables cannot become a tensorial mixture, which has 2, 4, 8, ... of them; try "
            "another kind, such as latent_tree, or --to hierarchical on the balanced tree"
        )
