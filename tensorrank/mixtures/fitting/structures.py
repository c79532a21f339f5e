"""Trees to fit: balanced trees over the variables in order, and hidden Markov trees along a tree of the variables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx

from tensorrank.arguments import nearest, several, shown, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.chow_liu import chow_liu_of
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.tables import check_objects

NAMES = ("balanced", "chow_liu")


def balanced_parents(sites: int, branching: int = 2) -> list[int]:
    """The balanced tree over variables in order, in the numbering of `LatentTree.random`.

    A hidden node over more than `branching` variables has `branching` children. Each stands for a stretch of
    neighbours; sizes of stretches differ by one at most, the larger ones last. A stretch of one variable is that
    variable, and a hidden node over fewer variables has these for its children. For branching 2 it is the tree of
    `balanced_tree`. For node 1, 2, ... the number of its parent is returned.

    >>> balanced_parents(4)
    [0, 1, 1, 0, 4, 4]
    >>> balanced_parents(5, branching=3)
    [0, 0, 2, 2, 0, 5, 5]
    """
    sites, branching = whole_number("sites", sites, 1), whole_number("branching", branching, 2)
    check_objects(sites, f"a tree of {shown(sites)} variables")
    parents: list[int] = []
    # Stretches to come and their parents, the first one last.
    waiting: list[tuple[int, int | None]] = [(sites, None)]
    while waiting:
        size, parent = waiting.pop()
        if parent is not None:
            parents.append(parent)
            if size == 1:
                continue
        # As many numbers are given as there are parents and the root.
        node, count = len(parents), min(branching, size)
        sizes = [size * (i + 1) // count - size * i // count for i in range(count)]
        waiting.extend((one, node) for one in reversed(sizes))
    return parents


def hidden_tree_parents(tree: nx.Graph) -> list[int]:
    """The tree with a hidden variable for each observed one, joined as these are; numbered as for `LatentTree.random`.

    For node 1, 2, ... the number of its parent is returned: hidden nodes first, from the centre of the tree outwards.

    Source: Choi, Tan, Anandkumar, Willsky, Learning Latent Tree Graphical Models (JMLR 12, 2011), who begin with the
    Chow-Liu tree of the observed variables.

    >>> hidden_tree_parents(nx.path_graph(3))  # the root 0 belongs to variable 1
    [0, 0, 1, 0, 2]
    """
    if not isinstance(tree, nx.Graph) or tree.is_directed():
        raise TensorRankError(f"the tree is {shown(tree)}; expected an undirected graph of networkx")
    count = tree.number_of_nodes()
    if set(tree) != set(range(count)) or not count or not nx.is_tree(tree):
        raise TensorRankError(f"a graph of the nodes {shown(list(tree))} was given; expected a tree of variables 0 to N - 1")
    centre = min(nx.center(tree))
    number = {centre: 0}
    parents = []
    for parent, child in nx.bfs_edges(tree, centre, sort_neighbors=sorted):
        number[child] = len(number)
        parents.append(number[parent])
    return parents + [number[site] for site in range(count)]


def parents_of(tree: str | Sequence[int], observed: Observations, branching: int) -> Sequence[int]:
    """The tree of this name for some data, or the parents given, if these have as many leaves as the data variables."""
    if not isinstance(tree, str):
        known = " or ".join(map(repr, NAMES))
        if not isinstance(tree, Iterable):
            raise TensorRankError(f"the tree is {shown(tree)}; expected {known}, or a list of parents")
        tree = [whole_number("a parent", one, 0) for one in several("the parents", tree, f"a list of them, or {known}")]
        leaves = len(tree) + 1 - len({0, *tree})
        if leaves != observed.sites:
            raise TensorRankError(f"the tree has {leaves} leaves for data of {observed.sites} variables; expected as many")
        return tree
    if tree not in NAMES:
        raise TensorRankError(f"the tree is {shown(tree)}; {nearest(tree, NAMES)}, or the parents of nodes 1, 2, ...")
    if tree == "balanced":
        return balanced_parents(observed.sites, branching)
    return hidden_tree_parents(chow_liu_of(observed))
