"""Any mixture as a sum-product network."""

from __future__ import annotations

from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.copied import sum_product_of
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.sum_product.model import SumProduct


class SumProductGoal(Goal[SumProduct]):
    """Sum-product networks: a sum for each row of a latent tree's tables, and a product for each state."""

    model = SumProduct

    def of_tree(self, tree: LatentTree, limit: float) -> SumProduct:
        """The network with the weights of the tree's tables."""
        return sum_product_of(tree)

    def bound(self, tree: LatentTree, source: Mixture, target: SumProduct) -> SizeBound:
        """An edge for each entry of a table, and at most as many below products."""
        return SizeBound(2 * tree.table_entries, "edges at most twice the table entries: linear in N")

    def bound_of_classes(self, classes: int, source: Mixture, target: SumProduct) -> SizeBound:
        """A product for each class."""
        return SizeBound(classes * (1 + source.sites), "an edge for each class, and each table's row")

    def least(self, model: Mixture, step: int | None) -> Least:
        """A leaf for each variable, and the edge to it; no better bound is known."""
        return Least(model.sites, "edges: one to a leaf of each variable")
