"""The hierarchical Tucker format: a binary tree of transfer tensors over a basis at each site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from tensorrank.arguments import listed, several, shown, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.networks.entries import Entries, given_entries, random_entries
from tensorrank.networks.formats import TensorFormat
from tensorrank.networks.network import Tensor, TensorNetwork

# A dimension tree: a site's number, or a pair of trees.
Tree: TypeAlias = "int | tuple[Tree, Tree]"
Node: TypeAlias = tuple[Tree, Tree]


@dataclass(frozen=True, eq=False)
class HierarchicalTucker(TensorFormat, EqualByValue):
    """A tensor built up along a binary tree of its sites, the hierarchical Tucker format.

    Every node of the tree has some functions of the sites below it. The functions of a leaf are the columns of its
    matrix U. The functions of an inner node are f_c = sum over a, b of B[c, a, b] * g_a * h_b, where g and h are the
    functions of its two children. The root has one function, and this is the tensor. tensorly has no such format.

    Attributes:
        tree: nested pairs of site numbers, such as ((0, 1), (2, 3)).
        leaves: for each site, a matrix U (dimension, rank).
        transfers: for each node of the tree (itself a pair of trees), B (rank, rank of the first child, of the second);
            the root's rank is 1.

    Raises:
        TensorRankError: if the tree is no binary tree over sites 0..N-1, or arrays are missing or of the wrong shape.

    Sources: Hackbusch and Kuehn, A New Scheme for the Tensor Representation (J. Fourier Anal. Appl. 15, 2009);
    Grasedyck, Hierarchical Singular Value Decomposition of Tensors (SIAM J. Matrix Anal. Appl. 31, 2010).

    >>> pair = HierarchicalTucker((0, 1), [np.eye(2), np.eye(2)], {(0, 1): [[[1, 2], [3, 4]]]})
    >>> pair.to_network().contract()
    array([[1., 2.],
           [3., 4.]])
    """

    tree: Tree
    leaves: tuple[Entries, ...]
    transfers: Mapping[Node, Entries]

    def __post_init__(self) -> None:
        sites = sites_of(self.tree)
        given = several("leaves", self.leaves, "a matrix for each site")
        leaves = tuple(given_entries(leaf, f"leaf {site}") for site, leaf in enumerate(given))
        if not isinstance(self.transfers, Mapping):
            raise TensorRankError(f"transfers are {shown(self.transfers)}; expected a mapping of nodes to arrays")
        transfers = {node: given_entries(one, f"the transfer tensor of {node}") for node, one in self.transfers.items()}
        object.__setattr__(self, "leaves", leaves)
        object.__setattr__(self, "transfers", MappingProxyType(transfers))
        nodes = list(_nodes(self.tree))
        if len(sites) != len(leaves):
            raise TensorRankError(f"{len(leaves)} leaves were given for a tree of {len(sites)} sites; expected one each")
        if set(nodes) != set(transfers):
            odd = ", ".join(map(str, set(nodes) ^ set(transfers)))
            raise TensorRankError(f"transfer tensors are missing or too many at {odd}; expected one for each node")
        for site, leaf in enumerate(leaves):
            if leaf.ndim != 2:
                raise TensorRankError(f"leaf {site} has the shape {leaf.shape}; expected (dimension, rank)")
        for node in nodes:
            shape, children = transfers[node].shape, tuple(self._rank(child) for child in node)
            rank = 1 if node == self.tree else shape[0] if shape else 0
            if shape != (rank, *children):
                first = "1" if node == self.tree else "rank"
                raise TensorRankError(
                    f"the transfer tensor of {node} has the shape {shape}; expected ({first}, {children[0]}, "
                    f"{children[1]}), the ranks of its children last"
                )

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimension of each site."""
        return tuple(leaf.shape[0] for leaf in self.leaves)

    @classmethod
    def random(
        cls, shape: Sequence[int], rank: int, seed: int | np.random.Generator, *, tree: Tree | None = None
    ) -> HierarchicalTucker:
        """A format whose leaves and transfer tensors hold random whole numbers between -999 and 999.

        Args:
            shape: the dimension of each site, at least two of them.
            rank: the rank of all nodes but the root.
            seed: a whole number or a numpy Generator.
            tree: the dimension tree; balanced if None.

        Raises:
            TensorRankError: if a dimension is no positive whole number, or as the class.
        """
        rng = random_stream(seed)
        rank = whole_number("rank", rank, 1)
        shape = several("dimensions", shape, "one for each site")
        tree = balanced_tree(len(shape)) if tree is None else tree
        leaves = tuple(random_entries((whole_number("dimension", k, 1), rank), rng) for k in shape)
        transfers = {node: random_entries((1 if node == tree else rank, rank, rank), rng) for node in _nodes(tree)}
        return cls(tree, leaves, transfers)

    def to_network(self) -> TensorNetwork:
        """The format as tensors "leaf i" and "node ...", nodes named by the sites below them.

        Legs are "site i" at the leaves, and "rank ..." above each leaf and each node but the root.
        """
        leaves = [Tensor(f"leaf {i}", (f"site {i}", f"rank {i}"), leaf) for i, leaf in enumerate(self.leaves)]
        nodes = []
        for node, transfer in self.transfers.items():
            below = tuple(f"rank {_label(child)}" for child in node)
            name = f"node {_label(node)}"
            if node == self.tree:
                nodes.append(Tensor(name, below, transfer[0]))
            else:
                nodes.append(Tensor(name, (f"rank {_label(node)}", *below), transfer))
        return TensorNetwork((*leaves, *nodes), tuple(f"site {i}" for i in range(len(leaves))))

    def _rank(self, tree: Tree) -> int:
        if isinstance(tree, tuple):
            shape = self.transfers[tree].shape
            return int(shape[0]) if shape else 0
        return int(self.leaves[tree].shape[1])


def balanced_tree(sites: int) -> Tree:
    """The dimension tree that halves the sites again and again; the first half of an odd number has one site less.

    >>> balanced_tree(5)
    ((0, 1), (2, (3, 4)))
    """

    def over(first: int, last: int) -> Tree:
        middle = (first + last) // 2
        return first if last - first == 1 else (over(first, middle), over(middle, last))

    return over(0, whole_number("sites", sites, 2))


def balanced_ranges(sites: int) -> list[tuple[int, int]]:
    """The sites first..end-1 under each node of the balanced tree, as pairs (first, end), parents before children.

    >>> balanced_ranges(5)
    [(0, 5), (0, 2), (2, 5), (3, 5)]
    """
    ranges = [(0, sites)] if sites > 1 else []
    for first, end in ranges:
        middle = (first + end) // 2
        ranges += [half for half in ((first, middle), (middle, end)) if half[1] - half[0] > 1]
    return ranges


def sites_of(tree: Tree) -> tuple[int, ...]:
    """The sites of a dimension tree, from left to right: each of 0 to N - 1, at least two, must occur once.

    >>> sites_of(((0, 2), (1, 3)))
    (0, 2, 1, 3)
    """
    sites = tuple(_leaves(tree))
    if len(sites) < 2 or sorted(sites) != list(range(len(sites))):
        raise TensorRankError(
            f"the dimension tree {shown(tree)} has the sites {listed(sites)}; expected each of 0 to N - 1 "
            "once, two or more of them"
        )
    return sites


def _leaves(tree: Tree) -> Iterator[int]:
    if isinstance(tree, tuple) and len(tree) == 2:
        yield from _leaves(tree[0])
        yield from _leaves(tree[1])
    elif isinstance(tree, int) and not isinstance(tree, bool):
        yield tree
    else:
        raise TensorRankError(f"a dimension tree contains {shown(tree)}; expected a site's number or a pair, such as (0, 1)")


def _nodes(tree: Tree) -> Iterator[Node]:
    """The nodes of a tree, parents before their children."""
    if isinstance(tree, tuple):
        yield tree
        yield from _nodes(tree[0])
        yield from _nodes(tree[1])


def _label(tree: Tree) -> str:
    """The name of a tree: the sites in it, which no other tree of the same root has."""
    sites = sorted(_leaves(tree))
    if len(sites) > 1 and sites == list(range(sites[0], sites[-1] + 1)):
        return f"{sites[0]}-{sites[-1]}"
    return ",".join(map(str, sites))
