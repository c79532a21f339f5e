"""Hidden variables of a tree that separate the observed ones: all from each other, or those before from those after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import prod

from tensorrank.mixtures.latent_tree import LatentTree, Name

# Labels of hidden variables in the order of the lattice of cuts: the less, the further to the right.
_RIGHT, _CUT, _LEFT = range(3)

# The cases of a subtree: its top is in the separator; or a path from its top reaches no leaf without meeting the
# separator; or such paths reach one leaf.
_CLOSED, _NO_LEAF, _ONE_LEAF = range(3)

# The least cost in each case or for each label; None where it is impossible.
_Costs = tuple[int | None, int | None, int | None]


def separating_latents(tree: LatentTree) -> tuple[tuple[Name, ...], int]:
    """Hidden variables such that every path between two observed ones meets one, and the number of their states.

    Given the states of these hidden variables the observed ones are independent. The product of their numbers of states
    is the least possible, found by dynamic programming from the leaves to the root. Among equally good sets the one
    found is close to the root. A tree with a single hidden variable gives this one, even for one observed variable.

    Returns:
        The names, parents before their children, and the product, a whole number of any size.

    Source: conditional independence by separation in trees, Lauritzen, Graphical Models (1996), section 3.2.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> separating_latents(HiddenMarkov.random(3, 3, 6, seed=0).latent_tree())
    (('z0', 'z2', 'z4'), 27)
    """
    if len(tree.latents) == 1:
        return (tree.root,), tree.states[tree.root]
    costs: dict[Name, _Costs] = dict.fromkeys(tree.leaves, (None, None, 1))
    opened: dict[Name, Name | None] = {}
    for name in reversed(tree.latents):
        below = tree.children[name]
        shut = [_least(costs[child][:_ONE_LEAF]) for child in below]
        opened[name] = chosen = _child_to_open(below, costs)
        open_one = (
            _least(costs[child][_ONE_LEAF:]) if child == chosen else cost for child, cost in zip(below, shut, strict=True)
        )
        closed = _product(_least(costs[child]) for child in below)
        costs[name] = (
            None if closed is None else closed * tree.states[name],
            _product(shut),
            None if chosen is None else _product(open_one),
        )

    case: dict[Name, int] = {tree.root: _best(costs[tree.root])}
    for name in tree.latents:
        for child in tree.children[name]:
            if case[name] == _CLOSED:
                case[child] = _best(costs[child])
            elif case[name] == _ONE_LEAF and child == opened[name]:
                case[child] = _ONE_LEAF
            else:
                case[child] = _best(costs[child][:_ONE_LEAF])
    chosen_ones = tuple(name for name in tree.latents if case[name] == _CLOSED)
    return chosen_ones, prod(tree.states[name] for name in chosen_ones)


def _best(costs: Sequence[int | None]) -> int:
    """The case of least cost, the first of several."""
    return min((cost, case) for case, cost in enumerate(costs) if cost is not None)[1]


def _least(costs: Sequence[int | None]) -> int | None:
    return min((cost for cost in costs if cost is not None), default=None)


def _product(costs: Iterable[int | None]) -> int | None:
    product = 1
    for cost in costs:
        if cost is None:
            return None
        product *= cost
    return product


def _child_to_open(children: Sequence[Name], costs: Mapping[Name, _Costs]) -> Name | None:
    """Which child should be the one that is open to a leaf; None if there cannot be exactly one."""
    forced = [child for child in children if _least(costs[child][:_ONE_LEAF]) is None]
    if forced:
        return forced[0] if len(forced) == 1 else None
    best: tuple[Name, int, int] | None = None
    for child in children:
        opened, shut = costs[child][_ONE_LEAF], _least(costs[child][:_ONE_LEAF])
        if opened is not None and shut is not None and (best is None or opened * best[2] < best[1] * shut):
            best = child, opened, shut
    return None if best is None else best[0]


def prefix_separators(tree: LatentTree) -> tuple[tuple[Name, ...], ...]:
    """Sets of hidden variables, S_t for each variable t, whose joint states can be the states of a Markov chain.

    S_t separates the leaves 0..t from the leaves t..N-1, so it contains the parent of leaf t. The product of the
    numbers of states is the least possible, and of all such sets it is the one closest to the leaves 0..t. Hence
    S_0, S_1, ... is a Markov chain: a variable of S_(t+1) is in S_t or to the right of it, and a variable of S_t is in
    S_(t+1) or to the left of it.

    Proof. Label each hidden variable as left of the cut, in it, or right of it. Left and right are never next to each
    other. The parents of leaves <= t are not right, and the parents of leaves >= t are not left. Such labellings are
    the cuts of a network in which each variable is split in two. Let X_t be the least source side of a minimum cut.
    Costs are submodular: c(X & Y) + c(X | Y) <= c(X) + c(Y). From t to t + 1 sources only join and sinks only leave, so
    X_t & X_(t+1) is allowed at t and X_t | X_(t+1) at t + 1. Hence X_t & X_(t+1) is a minimum cut at t. Since X_t is
    the least one, X_t lies in X_(t+1): no label moves to the right. So a variable of S_(t+1) was in S_t or right of it,
    and a variable of S_t stays or ends left of S_(t+1). []

    On a tree the least source side is found from the root to the leaves by the rightmost label that is optimal.

    Sources: Picard, Queyranne, On the structure of all minimum cuts in a network (Math. Programming Study 13, 1980);
    vertices split in two, Ford, Fulkerson, Flows in Networks (1962).

    >>> from tensorrank.mixtures.latent_tree import LatentTree
    >>> tree = LatentTree.random([0, 0, 1, 1, 2, 2], states=2, symbols=3, seed=0)
    >>> prefix_separators(tree)
    (('z1',), ('z1',), ('z2',), ('z2',))
    """
    if is_chain(tree):
        return tuple((name,) for name in tree.latents)
    cuts = _PrefixCuts(tree)
    return tuple(cuts.each())


def is_chain(tree: LatentTree) -> bool:
    """Whether the hidden variables are a path from the root on, with one leaf at each, in the order of the variables.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> is_chain(HiddenMarkov.random(2, 3, 5, seed=0).latent_tree())
    True
    """
    return tuple(map(tree.parent, tree.leaves)) == tree.latents and all(
        tree.parent(name) == before for before, name in pairwise(tree.latents)
    )


@dataclass(frozen=True, eq=False)
class _PrefixCuts:
    """The minimum cuts for all t. From one t to the next only the costs on two paths to the root change."""

    tree: LatentTree

    @cached_property
    def _observed(self) -> Mapping[Name, tuple[int, int]]:
        """The first and the last variable below each parent of leaves."""
        found: dict[Name, tuple[int, int]] = {}
        for site, leaf in enumerate(self.tree.leaves):
            parent = self.tree.parent(leaf)
            assert parent is not None
            found[parent] = (found.get(parent, (site, site))[0], site)
        return found

    @cached_property
    def _below(self) -> Mapping[Name, tuple[Name, ...]]:
        hidden = set(self.tree.latents)
        return {name: tuple(child for child in below if child in hidden) for name, below in self.tree.children.items()}

    def each(self) -> Iterator[tuple[Name, ...]]:
        costs: dict[Name, _Costs] = {}
        # The costs of a subtree by the label above it.
        toward: dict[Name, tuple[int, int, int]] = {}
        stale: Sequence[Name] = self.tree.latents[::-1]
        for site in range(len(self.tree.leaves)):
            if site:
                leaves = self.tree.leaves[site - 1 : site + 1]
                stale = [name for leaf in leaves for name in self._above(leaf)]
            for name in stale:
                costs[name] = self._costs(name, site, toward)
                first, second, third = (
                    min(cost for cost in _beside(costs[name], label) if cost is not None) for label in range(3)
                )
                toward[name] = first, second, third
            yield self._rightmost(costs, toward)

    def _above(self, leaf: Name) -> Iterator[Name]:
        name = self.tree.parent(leaf)
        while name is not None:
            yield name
            name = self.tree.parent(name)

    def _costs(self, name: Name, site: int, toward: Mapping[Name, tuple[int, int, int]]) -> _Costs:
        first, last = self._observed.get(name, (site + 1, -1))
        right, cut, left = (prod(toward[child][label] for child in self._below[name]) for label in range(3))
        return None if first <= site else right, cut * self.tree.states[name], None if last >= site else left

    def _rightmost(self, costs: Mapping[Name, _Costs], toward: Mapping[Name, tuple[int, int, int]]) -> tuple[Name, ...]:
        label = {self.tree.root: _best(costs[self.tree.root])}
        for name in self.tree.latents:
            for child in self._below[name]:
                least = toward[child][label[name]]
                label[child] = _beside(costs[child], label[name]).index(least)
        return tuple(name for name in self.tree.latents if label[name] == _CUT)


def _beside(costs: _Costs, label: int) -> _Costs:
    """The costs of the labels that may stand next to a label."""
    right, cut, left = costs
    return None if label == _LEFT else right, cut, None if label == _RIGHT else left
