"""Any mixture as a squared mixture: a latent tree whose hidden variables are all summed, with the same tables."""

from __future__ import annotations

from math import isqrt

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.class_values import least_shape
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.reductions.unfoldings import least_balanced
from tensorrank.mixtures.squared.model import SquaredMixture


class SquaredGoal(Goal[SquaredMixture]):
    """Squared mixtures: a latent tree whose tables, kept as they are, hold squares; all hidden variables are summed."""

    model = SquaredMixture

    def of_tree(self, tree: LatentTree, limit: float) -> SquaredMixture:
        """The tree with all its hidden variables summed, whose tables are weights and stay as they are."""
        return SquaredMixture(tree.root, tree.prior, tree.edges, tree.variables, summed=tree.latents)

    def shortcut(self, source: Mixture, limit: float) -> SquaredMixture | None:
        """No way but for squared mixtures themselves; models with Gaussian components are refused."""
        if source.densities is not None:
            raise TensorRankError(
                "a model with Gaussian components cannot become a squared mixture, whose variables are categorical; try "
                "another kind, such as latent_tree"
            )
        return super().shortcut(source, limit)

    def bound(self, tree: LatentTree, source: Mixture, target: SquaredMixture) -> SizeBound:
        """The size of the tree."""
        return SizeBound(tree.table_entries, "a latent tree with the same tables, all of its hidden variables summed")

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many states at an edge as have so many pairs as the unfolding across this edge has rank.

        Source: the edge with a third of the variables on either side, as of every tree model (`Goal.least_of_several`).
        """
        found = least_balanced(model)
        states = states_for(found.rank)
        what = "states at an edge with a third of the variables on either side, whatever the tree"
        return Least(states + sum(least_shape(model)), what, found, states)


def states_for(rank: int) -> int:
    """The least number r of states with r (r + 1) / 2 pairs or more than a rank.

    >>> [states_for(rank) for rank in (1, 2, 3, 4, 6, 7)]
    [1, 2, 2, 3, 3, 4]
    """
    return (isqrt(8 * rank - 7) + 1) // 2
