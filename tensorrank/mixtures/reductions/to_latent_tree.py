"""Any mixture as a latent tree, the form through which most reductions lead."""

from __future__ import annotations

from tensorrank.mixtures.hierarchical import Hierarchical, pair_entries
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.goal import Goal, SizeBound


class LatentTreeGoal(Goal[LatentTree]):
    """Latent trees."""

    model = LatentTree

    def of_tree(self, tree: LatentTree, limit: float) -> LatentTree:
        """The tree itself."""
        return tree

    def bound(self, tree: LatentTree, source: Mixture, target: LatentTree) -> SizeBound:
        """The size of the tree."""
        return SizeBound(tree.table_entries, "a latent tree with the same tables")

    def shortcut_bound(self, source: Mixture, target: LatentTree) -> SizeBound | None:
        """The size of a tree of all pairs of functions at every node, for sources in the hierarchical format."""
        if isinstance(source, Hierarchical):
            what = "a hidden variable for the pairs of functions at each node: linear in N"
            return SizeBound(pair_entries(source.nodes, [node.table[0].size for node in source.nodes]), what)
        return None

    def bound_of_classes(self, classes: int, source: Mixture, target: LatentTree) -> SizeBound:
        """The size of a tree of one hidden variable, the class."""
        size = classes * (1 + sum(source.shape))
        return SizeBound(size, "a latent class model is a latent tree, with the same tables")
