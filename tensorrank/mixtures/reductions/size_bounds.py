"""What the theory says about the size of a model's other forms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, log2

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.balanced import joined, mixture_of_tree
from tensorrank.mixtures.reductions.class_counts import fewest_classes
from tensorrank.mixtures.reductions.induced_trees import induced_tree_count
from tensorrank.mixtures.reductions.pair_latents import latent_tree_of
from tensorrank.mixtures.reductions.tree_to_chain import chain_states
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.mixtures.tree_shaped import TreeShaped


@dataclass(frozen=True)
class SizeBound:
    """An upper bound on the size of a form that exists, and the theory behind it.

    Attributes:
        size: table entries, of sum-product networks edges.
        theorem: a sentence.
    """

    size: int
    theorem: str


def size_bound(source: Mixture, target: Mixture) -> SizeBound:
    """The bound on the size of the target's kind of form of the source, from the sizes of the source alone.

    Sources: Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), for linear sizes; Khrulkov, Novikov,
    Oseledets (ICLR 2018) for ranks of chains and balanced trees.
    """
    if source.kind == target.kind and not isinstance(target, LatentTree | Hierarchical):
        return SizeBound(source.size, "the same kind of model")
    if isinstance(target, LatentClass):
        classes = fewest_classes(source)
        size = classes.count * (1 + sum(source.shape))
        return SizeBound(size, f"{classes.count} classes, the {classes.meaning}")
    match source:
        case LatentClass():
            return _of_classes(source.classes, source, target, "")
        case SumProduct():
            found = source.dimension_tree
            if found is None:
                trees = induced_tree_count(source)
                return _of_classes(trees, source, target, f"by way of a class for each of {trees} induced trees: ")
            if isinstance(target, Hierarchical) and set(joined(target)) == set(joined(found)):
                return _of_dimension_tree(source)
            return _of_tree(latent_tree_of(found), source, target, "by way of its dimension tree: ")
        case Hierarchical():
            tree = latent_tree_of(source)
            if isinstance(target, LatentTree):
                return SizeBound(
                    _all_pairs(source), "a hidden variable for the pairs of functions at each node: linear in N"
                )
            if isinstance(target, Hierarchical) and target.table_entries <= source.table_entries:
                return SizeBound(source.table_entries, "the same kind of model")
            return _of_tree(tree, source, target, "by way of the pairs of functions at its nodes: ")
        case LatentTree() | TreeShaped():
            own = source.latent_tree()
        case _:
            raise TensorRankError(f"the model is {source!r}; expected one of the kinds {', '.join(KINDS)}")
    if isinstance(source, HiddenMarkov) and isinstance(target, Hierarchical) and not _follows(own, target):
        r, n = source.states, source.sites
        bound = (n - 1) * r**6 + n * r**2 * max(source.shape) + r**2
        return SizeBound(bound, f"ranks at most r^2 = {r * r} on the balanced tree: linear in N")
    return _of_tree(own, source, target, "")


def _of_dimension_tree(source: SumProduct) -> SizeBound:
    n, k = source.sites, max(source.shape)
    r = max(Counter(source.scopes.values()).values())
    size = (n - 1) * r**3 + n * (r * k + r * r)
    return SizeBound(size, f"self-similar with at most {r} nodes of the same variables: linear in N")


def _of_classes(classes: int, source: Mixture, target: Mixture, via: str) -> SizeBound:
    """Forms of a latent class model."""
    r, n, values = classes, source.sites, classes * sum(source.shape)
    match target:
        case LatentTree():
            return SizeBound(r + values, f"{via}a latent class model is a latent tree, with the same tables")
        case SumProduct():
            return SizeBound(r + r * n, f"{via}an edge for each class, and each table's row")
        case HiddenMarkov():
            return SizeBound(r + (n - 1) * r * r + values, f"{via}a class that never changes: linear in N")
        case TensorialMixture():
            return SizeBound(r + (n - 2) * r * r + values, f"{via}a class handed down unchanged: linear in N")
    return SizeBound(max(n - 1, 1) * r**3 + values, f"{via}the class as the rank of every node, {r}: linear in N")


def _of_tree(tree: LatentTree, source: Mixture, target: Mixture, via: str) -> SizeBound:
    """Forms of a latent tree."""
    n, k = source.sites, max(source.shape)
    r = max(tree.states[name] for name in tree.latents)
    match target:
        case LatentTree():
            return SizeBound(tree.table_entries, f"{via}a latent tree with the same tables")
        case SumProduct():
            return SizeBound(2 * tree.table_entries, f"{via}edges at most twice the table entries: linear in N")
        case HiddenMarkov():
            return _of_chain(tree, source, via)
        case Hierarchical() if _follows(tree, target):
            joins = sum(max(1, len(children) - 1) for children in tree.children.values())
            return SizeBound(
                joins * r**3 + n * r * k, f"{via}rank at most the states, {r}, on the same tree: linear in N"
            )
    if isinstance(target, TensorialMixture) and mixture_of_tree(tree) is not None:
        return SizeBound(tree.table_entries, f"{via}the tree is the balanced one")
    s = max(chain_states(tree))
    if isinstance(target, TensorialMixture):
        size = s**4 + (n - 2) * s**8 + n * s**4 * k
        return SizeBound(size, f"{via}a chain of {s} states, then pairs of the pairs of states at the ends of blocks")
    return SizeBound((n - 1) * s**6 + n * s**2 * k + s**2, f"{via}a chain of {s} states, then ranks at most {s * s}")


def _of_chain(tree: LatentTree, source: Mixture, via: str) -> SizeBound:
    n = source.sites
    if isinstance(source, TensorialMixture):
        s = max(len(source.prior), *(table.shape[0] for level in range(source.depth) for table in source.tables(level)))
        states = s ** ceil(log2(n) / 2)
        size = states + (n - 1) * states**2 + states * sum(source.shape)
        return SizeBound(size, f"at most r^ceil(log2(N) / 2) = {states} states at a step")
    steps = chain_states(tree)
    size = (
        steps[0] + sum(a * b for a, b in pairwise(steps)) + sum(a * k for a, k in zip(steps, source.shape, strict=True))
    )
    return SizeBound(size, f"{via}at most {max(steps)} states at a step, of hidden variables that separate it")


def _follows(tree: LatentTree, target: Hierarchical) -> bool:
    """Whether the format joins the variables as the tree does, with ranks no larger than its states."""
    return set(joined(target)) == set(joined(tree)) and max(target.ranks) <= max(
        tree.states[name] for name in tree.latents
    )


def _all_pairs(source: Hierarchical) -> int:
    """The entries of a latent tree of all pairs of functions at every node."""
    pairs = [int(node.table[0].size) for node in source.nodes]
    if len(pairs) == 1:
        return 1 + pairs[0]
    parents = {child: number for number, node in enumerate(source.nodes) for child in getattr(node, "children", ())}
    return sum([pairs[-1], *(pairs[parent] * pairs[child] for child, parent in parents.items())])
