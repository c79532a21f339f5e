"""Why a model has no small form of some kind: the rank of an unfolding that every such form would have to reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from tensorrank.arithmetic.elimination import rank_mod_p
from tensorrank.arithmetic.prime_field import PrimeField, Residues, primes_below
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.pair_latents import latent_tree_of
from tensorrank.mixtures.reductions.restricted import restricted
from tensorrank.mixtures.sum_product import SumProduct
from tensorrank.mixtures.tree_shaped import TreeShaped
from tensorrank.separation.partition import Bipartition

# Values of the marginal whose unfolding is computed (12 binary variables a side); where one is computed for each step,
# and where one is for each of many bipartitions.
_MOST_VALUES = 2**24
_MOST_VALUES_STEP = 2**16
_MOST_VALUES_SPLIT = 2**10
# So many variables are listed in a sentence.
_MOST_NAMED = 12
# Primes below this are the fastest.
_LARGEST_PRIME = 2**23


@dataclass(frozen=True)
class Unfolding:
    """A lower bound on the rank of an unfolding of a model's coefficient tensor, computed from a marginal.

    Summing variables out never raises a rank, nor does reducing modulo p.

    Attributes:
        rank: over GF(prime), of the marginal's unfolding.
        variables: those that are not summed out.
        a: those of them on side A.
        prime: the modulus.
    """

    rank: int
    variables: tuple[int, ...]
    a: tuple[int, ...]
    prime: int


@dataclass(frozen=True)
class Obstruction:
    """The answer where no small reduction exists, or none is known: a lower bound on every form of the target's kind.

    Attributes:
        source: the kind of the model that was given.
        target: the kind that was asked for.
        states: how many classes or hidden states every such form needs at least, at one place.
        size: how many table entries it therefore has at least.
        unfolding: what forbids fewer.
        needed: the entries of the reduction that is known, None if there is none.
        theorem: what follows from what, in a sentence.
    """

    source: str
    target: str
    states: int
    size: int
    unfolding: Unfolding
    needed: int | None
    theorem: str


def obstruction(
    model: Mixture, target: str, needed: int | None, *, balanced: bool = False, step: int | None = None
) -> Obstruction:
    """The lower bound on forms of a kind.

    A latent class model needs as many classes as any unfolding has rank: that of every other variable is taken. A chain
    needs as many states at step t as the unfolding of the steps to t: the largest of them. A balanced tree needs as
    many as the unfolding of its halves. Every binary tree has an edge with a third of the variables or more on either
    side, so trees need at least the smallest rank of all such unfoldings; one with vertices of higher degree becomes
    binary, with no more states, when they are joined by copies.

    Args:
        model: the model to be reduced.
        target: the kind of the form, "latent_class", "hidden_markov", "tensorial_mixture", "latent_tree" or
            "hierarchical".
        needed: the entries of the form that is known, if any.
        balanced: whether the form is on the balanced tree, as tensorial mixtures are.
        step: where a chain is expected to need the most states; every step is tried if None.

    Sources: unfolding ranks bound nonnegative ranks, Cohen, Shashua (ICLR 2017); Khrulkov, Novikov, Oseledets (ICLR
    2018); the edge that splits a tree, Jordan (1869), its centroid.
    """
    values = sum(model.shape)
    if target == "latent_class":
        found = _unfolding(model, _every_other(model))
        size, place = found.rank * (1 + values), "classes"
    elif target == "hidden_markov":
        found = max(_prefixes(model, step), key=lambda one: one.rank)
        size, place = found.rank * (1 + min(model.shape)), "states at a step"
    elif balanced or target == "tensorial_mixture":
        found = _unfolding(model, _halves(model))
        size, place = found.rank, "states below the root"
    else:
        found = _least_balanced(model)
        size, place = found.rank, "states at an edge with a third of the variables on either side, whatever the tree"
    of = "" if len(found.variables) == model.sites else f" of the marginal of {len(found.variables)} variables"
    theorem = (
        f"at least {found.rank} {place}: the unfolding{of} with {_listed(found.a)} on one side has this rank over "
        f"GF({found.prime})"
    )
    return Obstruction(model.kind, target, found.rank, size, found, needed, theorem)


def _listed(variables: Sequence[int]) -> str:
    shown = ", ".join(map(str, variables[:_MOST_NAMED]))
    return shown if len(variables) <= _MOST_NAMED else f"{shown}, ... ({len(variables)} in all)"


def _every_other(model: Mixture) -> tuple[tuple[int, ...], tuple[int, ...]]:
    kept = _within(model, range(model.sites), _MOST_VALUES)
    return kept, kept[::2]


def _halves(model: Mixture) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The innermost variables of both halves, where chains and trees are joined last."""
    middle = model.sites // 2
    inwards = [site for pair in zip(range(middle - 1, -1, -1), range(middle, 2 * middle), strict=True) for site in pair]
    kept = _within(model, inwards, _MOST_VALUES)
    return kept, tuple(site for site in kept if site < middle)


def _prefixes(model: Mixture, only: int | None) -> Iterator[Unfolding]:
    """The unfoldings after steps, each with the variables nearest to it."""
    values = _MOST_VALUES_STEP if only is None else _MOST_VALUES
    for step in range(model.sites - 1) if only is None else [min(only, model.sites - 2)]:
        nearest = sorted(range(model.sites), key=lambda site: (abs(site - step - 0.5), site))
        kept = _within(model, nearest, values)
        yield _unfolding(model, (kept, tuple(site for site in kept if site <= step)))


def _within(model: Mixture, order: Sequence[int], values: int) -> tuple[int, ...]:
    """As many of the variables, in this order, as have a table of so many values together; at least two."""
    kept: list[int] = []
    for site in order:
        if len(kept) >= 2 and prod(model.shape[one] for one in (*kept, site)) > values:
            break
        kept.append(site)
    return tuple(sorted(kept))


def _unfolding(model: Mixture, split: tuple[tuple[int, ...], tuple[int, ...]]) -> Unfolding:
    kept, a = split
    field, matrix = _in_a_field(lambda field: _marginal(model, field, kept, a))
    return Unfolding(rank_mod_p(matrix, field.prime), kept, a, field.prime)


def _least_balanced(model: Mixture) -> Unfolding:
    """The least rank of all unfoldings of some variables with a third or more of them on either side."""
    kept = _within(model, _neighbours_first(model), _MOST_VALUES_SPLIT)
    count = len(kept)
    sizes = [model.shape[site] for site in kept]
    states = np.indices(sizes).reshape(count, -1)
    inputs = [np.ones((states.shape[1], k), dtype=np.int64) for k in model.shape]
    for place, site in enumerate(kept):
        inputs[site] = np.eye(sizes[place], dtype=np.int64)[states[place]]
    field, values = _in_a_field(lambda field: model.circuit.residues(inputs, field))
    dense = values.reshape(sizes)
    best: Unfolding | None = None
    for size in range(-(-count // 3), count // 2 + 1):
        for a in combinations(range(count), size):
            b = tuple(place for place in range(count) if place not in a)
            rows = prod(dense.shape[place] for place in a)
            rank = rank_mod_p(dense.transpose(a + b).reshape(rows, -1), field.prime)
            if best is None or rank < best.rank:
                best = Unfolding(rank, kept, tuple(kept[place] for place in a), field.prime)
    if best is None:
        raise TensorRankError(f"a model of {model.sites} variables was given; expected at least two to split")
    return best


def _neighbours_first(model: Mixture) -> list[int]:
    """The variables, each near the one before: of a network those that small scopes hold together."""
    if not isinstance(model, SumProduct):
        return list(range(model.sites))
    scopes = sorted({scope for scope in model.scopes.values() if len(scope) > 1}, key=lambda one: (len(one), min(one)))
    order = [0]
    while len(order) < model.sites:
        reached = set(order)
        touching = next((scope for scope in scopes if scope & reached and scope - reached), None)
        order.extend(sorted(set(range(model.sites)) - reached if touching is None else touching - reached))
    return order


def _in_a_field(compute: Callable[[PrimeField], Residues]) -> tuple[PrimeField, Residues]:
    """The result modulo a prime that divides no denominator."""
    for prime in primes_below(_LARGEST_PRIME):
        field = PrimeField(prime)
        try:
            return field, compute(field)
        except PrimeError:
            continue
    raise TensorRankError(f"every prime below {_LARGEST_PRIME} divides a denominator of the tables")


def _marginal(model: Mixture, field: PrimeField, kept: Sequence[int], a: Sequence[int]) -> Residues:
    """The unfolding of the marginal of the variables kept, those in a as rows."""
    if isinstance(model, LatentTree | TreeShaped | Hierarchical):
        tree = latent_tree_of(model) if isinstance(model, Hierarchical) else model.latent_tree()
        place = {site: number for number, site in enumerate(kept)}
        split = Bipartition(tuple(place[site] for site in a), tuple(place[site] for site in _without(kept, a)))
        return np.asarray(restricted(tree, kept).coefficients().unfold(split, field), dtype=np.int64)
    # Ones at a variable sum it out.
    summed = _without(range(model.sites), kept)
    sides = tuple(a), (*_without(kept, a), *summed)
    widest = max(model.shape)

    def inputs(side: Sequence[int]) -> Residues:
        """All values of the variables kept: (values, sites, components)."""
        own = [site for site in side if site not in summed]
        states = np.indices([model.shape[site] for site in own]).reshape(len(own), -1)
        found = np.zeros((states.shape[1], len(side), widest), dtype=np.int64)
        for place, site in enumerate(side):
            found[:, place, : model.shape[site]] = 1
        for place, values in enumerate(states):
            found[:, place] = np.eye(widest, dtype=np.int64)[values]
        return found

    instance = model.separable().draw(field, np.random.default_rng(0))
    return instance.grid(Bipartition(*sides), *map(inputs, sides))


def _without(sites: Iterable[int], others: Collection[int]) -> tuple[int, ...]:
    return tuple(site for site in sites if site not in others)
