"""Any mixture in the hierarchical format: on the tree that it has, or on the balanced one."""

from __future__ import annotations

from collections import Counter

from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.balanced import is_balanced, joined, tree_of_classes
from tensorrank.mixtures.reductions.chain_to_balanced import balanced_entries, balanced_of
from tensorrank.mixtures.reductions.copied import hierarchical_entries, hierarchical_of
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.reductions.to_hidden_markov import HiddenMarkovGoal
from tensorrank.mixtures.reductions.tree_to_chain import chain_states
from tensorrank.mixtures.reductions.unfoldings import worst_block
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.way import TooLargeError


class HierarchicalGoal(Goal[Hierarchical]):
    """The hierarchical format on the tree that a model has."""

    model = Hierarchical

    def of_tree(self, tree: LatentTree, limit: float) -> Hierarchical:
        """The format on the same tree, with the tables on the diagonals of transfer tensors."""
        entries = hierarchical_entries(tree)
        if entries > limit:
            raise TooLargeError(entries)
        return hierarchical_of(tree)

    def bound(self, tree: LatentTree, source: Mixture, target: Hierarchical) -> SizeBound:
        """The bound on the same tree, from its states; on another tree, from the most states of a chain."""
        n, k = source.sites, max(source.shape)
        if _follows(tree, target):
            r = max(tree.states[name] for name in tree.latents)
            joins = sum(max(1, len(children) - 1) for children in tree.children.values())
            what = f"rank at most the states, {r}, on the same tree: linear in N"
            return SizeBound(joins * r**3 + n * r * k, what)
        s = max(chain_states(tree))
        size = (n - 1) * s**6 + n * s**2 * k + s**2
        return SizeBound(size, f"a chain of {s} states, then ranks at most {s * s}")

    def shortcut_bound(self, source: Mixture, target: Hierarchical) -> SizeBound | None:
        """The bounds for the format itself, for a network's dimension tree, and for a chain on the balanced tree."""
        n, k = source.sites, max(source.shape)
        if isinstance(source, Hierarchical) and target.table_entries <= source.table_entries:
            return super().shortcut_bound(source, target)
        if isinstance(source, SumProduct) and source.dimension_tree is not None:
            if set(joined(target)) == set(joined(source.dimension_tree)):
                r = max(Counter(source.scopes.values()).values())
                size = (n - 1) * r**3 + n * (r * k + r * r)
                return SizeBound(size, f"self-similar with at most {r} nodes of the same variables: linear in N")
        elif isinstance(source, HiddenMarkov) and not _follows(source.latent_tree(), target):
            r = source.states
            size = (n - 1) * r**6 + n * r**2 * k + r**2
            return SizeBound(size, f"ranks at most r^2 = {r * r} on the balanced tree: linear in N")
        return None

    def bound_of_classes(self, classes: int, source: Mixture, target: Hierarchical) -> SizeBound:
        """The size if every node has a function for each class."""
        size = max(source.sites - 1, 1) * classes**3 + classes * sum(source.shape)
        return SizeBound(size, f"the class as the rank of every node, {classes}: linear in N")


class BalancedGoal(HierarchicalGoal):
    """The hierarchical format on the balanced tree over the variables in their order."""

    def of_tree(self, tree: LatentTree, limit: float) -> Hierarchical:
        """The format on the same tree if it is balanced; else by way of a chain."""
        if is_balanced(tree):
            return super().of_tree(tree, limit)
        return balanced_within(HiddenMarkovGoal().of_tree(tree, limit), limit)

    def shortcut(self, source: Mixture, limit: float) -> Hierarchical | None:
        """The format itself if it is balanced; latent classes on the balanced tree; the format of a chain."""
        if isinstance(source, LatentClass):
            return super().of_tree(tree_of_classes(source), limit)
        if isinstance(source, HiddenMarkov):
            return balanced_within(source, limit)
        return source if isinstance(source, Hierarchical) and is_balanced(source) else None

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many functions at a block of the balanced tree as its unfolding has rank."""
        return least_of_blocks(model)


def balanced_within(chain: HiddenMarkov, limit: float, *, binary: bool = False) -> Hierarchical:
    """The format of a chain on the balanced tree.

    Args:
        chain: the chain.
        limit: its largest size.
        binary: as for `balanced_of`.

    Raises:
        TooLargeError: if it would be larger.
    """
    entries = balanced_entries(chain)
    if entries > limit:
        raise TooLargeError(entries)
    return balanced_of(chain, binary=binary)


def least_of_blocks(model: Mixture) -> Least:
    """What every form on the balanced tree has at least: states above a block, each with an entry in a table."""
    found = worst_block(model)
    return Least(found.rank + sum(model.shape), "states above a block of the balanced tree", found)


def _follows(tree: LatentTree, target: Hierarchical) -> bool:
    """Whether the format joins the variables as the tree does, with ranks no larger than its states."""
    return set(joined(target)) == set(joined(tree)) and max(target.ranks) <= max(
        tree.states[name] for name in tree.latents
    )
