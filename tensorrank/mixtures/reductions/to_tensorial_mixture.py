"""Any mixture of 2, 4, 8, ... variables as a tensorial mixture."""

from __future__ import annotations

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree, Name
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.balanced import tree_of_classes
from tensorrank.mixtures.reductions.goal import Goal, Least, SizeBound
from tensorrank.mixtures.reductions.to_hidden_markov import HiddenMarkovGoal, chain_states
from tensorrank.mixtures.reductions.to_hierarchical import balanced_of, least_of_blocks
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def mixture_of_tree(tree: LatentTree) -> TensorialMixture | None:
    """The density of a latent tree as a tensorial mixture with the same tables, None if the tree is not balanced.

    The tree has to be the balanced binary one over the variables 0..N-1 in their order.

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


class TensorialMixtureGoal(Goal[TensorialMixture]):
    """Tensorial mixtures: a latent tree on the balanced binary tree is one, and others become one by way of a chain."""

    model = TensorialMixture

    def of_tree(self, tree: LatentTree, limit: float) -> TensorialMixture:
        """The tree itself if it is balanced; else by way of a chain and of ranks on the balanced tree."""
        return mixture_of_tree(tree) or _of_chain(HiddenMarkovGoal().of_tree(tree, limit), limit)

    def shortcut(self, source: Mixture, limit: float) -> TensorialMixture | None:
        """The balanced tree down which a class is handed, or the pairs of states at the ends of a chain's blocks."""
        found, n = super().shortcut(source, limit), source.sites
        if found is None and (n < 2 or n & (n - 1)):
            raise TensorRankError(
                f"a model of {n} variables cannot become a tensorial mixture, which has 2, 4, 8, ... of them; try "
                "another kind, such as latent_tree, or --to hierarchical on the balanced tree"
            )
        if isinstance(source, LatentClass):
            return mixture_of_tree(tree_of_classes(source))
        if isinstance(source, HiddenMarkov):
            return mixture_of_tree(source.latent_tree()) or _of_chain(source, limit)
        return found

    def bound(self, tree: LatentTree, source: Mixture, target: TensorialMixture) -> SizeBound:
        """The size of the tree if it is balanced; else from the most states of a chain."""
        if mixture_of_tree(tree) is not None:
            return SizeBound(tree.table_entries, "the tree is the balanced one")
        n, s = source.sites, max(chain_states(tree))
        size = s**4 + (n - 2) * s**8 + n * s**4 * max(source.shape)
        return SizeBound(size, f"a chain of {s} states, then pairs of the pairs of states at the ends of blocks")

    def bound_of_classes(self, classes: int, source: Mixture, target: TensorialMixture) -> SizeBound:
        """The size of the balanced tree down which the class is handed."""
        size = classes + (source.sites - 2) * classes**2 + classes * sum(source.shape)
        return SizeBound(size, "a class handed down unchanged: linear in N")

    def least_of_several(self, model: Mixture, step: int | None) -> Least:
        """As many states above a block of the balanced tree as its unfolding has rank."""
        return least_of_blocks(model)


def _of_chain(chain: HiddenMarkov, limit: float) -> TensorialMixture:
    found = mixture_of_tree(balanced_of(chain, limit, binary=True).toward_tree(limit))
    if found is None:
        raise AssertionError("the balanced format is on the balanced tree")
    return found
