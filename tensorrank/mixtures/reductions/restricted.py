"""Latent trees of fewer variables: the others summed out by leaving away their branches."""

from __future__ import annotations

from collections.abc import Collection

from tensorrank.mixtures.latent_tree import LatentTree, Name


def restricted(tree: LatentTree, sites: Collection[int]) -> LatentTree:
    """The marginal of some variables, numbered anew in their order, with the tables of the branches that lead to them.

    >>> restricted(LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0), {0, 3})
    LatentTree(2 variables, 3 hidden of at most 2 states)
    """
    kept = [tree.leaves[site] for site in sorted(sites)]
    needed: set[Name] = set()
    for leaf in kept:
        name: Name | None = leaf
        while name is not None and name not in needed:
            needed.add(name)
            name = tree.parent(name)
    edges = tuple(edge for edge in tree.edges if edge.child in needed)
    return LatentTree(tree.root, tree.prior, edges, kept)
