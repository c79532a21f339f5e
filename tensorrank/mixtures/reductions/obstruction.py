"""Why a model has no small form of some kind: the rank of an unfolding that every such form would have to reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from tensorrank.arguments import listed
from tensorrank.arithmetic.elimination.rank import balanced, rank_in_place, rank_mod_p
from tensorrank.arithmetic.prime_field import PrimeField, Residues, primes_below
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tree_shaped import TreeShaped
from tensorrank.networks.hierarchical_tucker import balanced_blocks
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.partition import Bipartition

# Values of the marginal whose unfolding is computed (12 binary variables a side); where one is computed for each step,
# and where one is for each of many bipartitions of at most so many variables.
_MOST_VALUES = 2**24
_MOST_VALUES_STEP = 2**16
_MOST_VALUES_SPLIT = 2**16
_MOST_VARIABLES_SPLIT = 10
# Of a sum-product network all variables are taken, at random vectors for each side.
_MOST_SAMPLES = 1024
# Steps of a network, and blocks of the balanced tree, that are tried.
_MOST_TRIED = 16
# Primes below this are the fastest.
_LARGEST_PRIME = 2**23


@dataclass(frozen=True)
class Unfolding:
    """A lower bound on the rank of an unfolding of a model's coefficient tensor.

    Neither summing variables out nor sampling an unfolding's rows and columns raises its rank, nor does reducing modulo
    p.

    Attributes:
        rank: over GF(prime), of the unfolding of a marginal, or of a sample of one.
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
    """The answer where a reduction would be larger than allowed: a lower bound on every form of the target's kind.

    Attributes:
        source: the kind of the model that was given.
        target: the kind that was asked for.
        states: how many classes or hidden states every such form needs at least, at one place.
        size: how many table entries it therefore has at least.
        unfolding: what forbids fewer states; None where nothing but the number of variables is taken.
        needed: the size of the reduction that is known.
        limit: the size that was allowed.
        theorem: what follows from what, in a sentence.
    """

    source: str
    target: str
    states: int
    size: int
    unfolding: Unfolding | None
    needed: int
    limit: int
    theorem: str

    def __str__(self) -> str:
        return (
            f"no {self.target} of at most {self.limit} was made of this {self.source}: the one known has size "
            f"{self.needed}; {self.theorem}"
        )


def obstruction(
    model: Mixture, target: str, needed: int, limit: int, *, on_balanced_tree: bool = False, step: int | None = None
) -> Obstruction:
    """The lower bound on forms of a kind.

    A latent class model needs as many classes as any unfolding has rank: that of every other variable is taken. A chain
    needs as many states at step t as the unfolding of the steps to t: the largest that is tried. A balanced tree needs
    as many above a block of variables as the unfolding of the block. Every binary tree has an edge with a third of the
    variables or more on either side, so trees need at least the smallest rank of all such unfoldings; one with vertices
    of higher degree becomes binary, with no more states, when they are joined by copies.

    Args:
        model: the model to be reduced.
        target: the kind of the form.
        needed: the size of the form that is known.
        limit: the size that is allowed.
        on_balanced_tree: whether the form is on the balanced tree, as tensorial mixtures are.
        step: where a chain is expected to need the most states; several are tried if None.

    Every variable has a table of a row or more, and hidden states an entry each in the table that leads to them.

    Sources: unfolding ranks bound nonnegative ranks, Cohen, Shashua (ICLR 2017); Khrulkov, Novikov, Oseledets (ICLR
    2018); the edge that splits a tree, Jordan (1869), its centroid.
    """
    values = sum(model.shape)
    if target == "sum_product" or model.sites == 1:
        size, what = (model.sites, "edges: one to a leaf") if target == "sum_product" else (values, "entries: a table")
        return Obstruction(model.kind, target, 1, size, None, needed, limit, f"at least {size} {what} of each variable")
    if target == "latent_class":
        found = _every_other(model)
        size, place = found.rank * (1 + values), "classes"
    elif target == "hidden_markov":
        found = _steps(model, step)
        # Beside the tables of emissions, one of transitions has a column, or the first distribution an entry, for each.
        size, place = found.rank * (1 + min(model.shape)) + values - max(model.shape), "states at a step"
    elif on_balanced_tree or target == "tensorial_mixture":
        found = _blocks(model)
        size, place = found.rank + values, "states above a block of the balanced tree"
    else:
        found = _least_balanced(model)
        size, place = (
            found.rank + values,
            "states at an edge with a third of the variables on either side, whatever the tree",
        )
    of = "" if len(found.variables) == model.sites else f" of the marginal of {len(found.variables)} variables"
    theorem = (
        f"at least {found.rank} {place}: the unfolding{of} with {listed(found.a)} on one side has no smaller rank "
        f"over GF({found.prime})"
    )
    return Obstruction(model.kind, target, found.rank, size, found, needed, limit, theorem)


def _every_other(model: Mixture) -> Unfolding:
    """Even against odd variables."""
    if isinstance(model, SumProduct):
        return _sampled(model, range(0, model.sites, 2))
    kept = _within(model, range(model.sites), _MOST_VALUES)
    return _unfolding(model, kept, kept[::2])


def _blocks(model: Mixture) -> Unfolding:
    """The largest rank of blocks of the balanced tree: its halves, and inner ones, which have two ends."""
    tried = balanced_blocks(model.sites)[1 : 1 + _MOST_TRIED] or [(0, 1)]
    return max((_across(model, range(*block), _MOST_VALUES_STEP) for block in tried), key=lambda one: one.rank)


def _steps(model: Mixture, only: int | None) -> Unfolding:
    """The largest rank of the variables up to a step: the one given, or several."""
    last = model.sites - 1
    steps = [min(only, last - 1)] if only is not None else sorted({last * i // _MOST_TRIED for i in range(_MOST_TRIED)})
    values = _MOST_VALUES if only is not None else _MOST_VALUES_STEP
    return max((_across(model, range(step + 1), values) for step in steps), key=lambda one: one.rank)


def _across(model: Mixture, block: range, values: int) -> Unfolding:
    """A block of neighbours against the rest; of a tree the marginal of the variables nearest to its ends."""
    if isinstance(model, SumProduct):
        return _sampled(model, block)
    ends = [end for end in (block.start, block.stop) if 0 < end < model.sites]
    nearest = sorted(range(model.sites), key=lambda site: (min(abs(site - end + 0.5) for end in ends), site))
    kept = _within(model, nearest, values)
    return _unfolding(model, kept, [site for site in kept if site in block])


def _within(model: Mixture, order: Iterable[int], values: int, most: int | None = None) -> tuple[int, ...]:
    """As many of the variables, in this order, as have a table of so many values together; at least two."""
    kept: list[int] = []
    for site in order:
        if len(kept) >= 2 and (len(kept) == most or prod(model.shape[one] for one in (*kept, site)) > values):
            break
        kept.append(site)
    return tuple(sorted(kept))


def _unfolding(model: Mixture, kept: Sequence[int], a: Sequence[int]) -> Unfolding:
    """Of the marginal of the variables kept, those in a as rows."""
    field, matrix = _in_a_field(lambda field: _marginal(model, field, kept, a))
    return Unfolding(rank_mod_p(matrix, field.prime), tuple(kept), tuple(a), field.prime)


def _sampled(model: Mixture, a: Iterable[int]) -> Unfolding:
    """Of all variables, at random vectors of both sides."""
    rows = tuple(a)
    split = Bipartition(rows, _without(range(model.sites), rows))
    function = model.architecture()
    bound = function.rank_bound(split)
    samples = _MOST_SAMPLES if bound is None else min(_MOST_SAMPLES, bound)

    def grid(field: PrimeField) -> Residues:
        rng = np.random.default_rng(0)
        instance = function.draw(field, rng)
        return instance.grid(split, instance.sample(split.a, samples, rng), instance.sample(split.b, samples, rng))

    field, matrix = _in_a_field(grid)
    return Unfolding(rank_mod_p(matrix, field.prime), tuple(range(model.sites)), rows, field.prime)


def _least_balanced(model: Mixture) -> Unfolding:
    """The least rank of all unfoldings of some variables with a third or more of them on either side."""
    kept = _within(model, _neighbours_first(model), _MOST_VALUES_SPLIT, _MOST_VARIABLES_SPLIT)
    count = len(kept)
    sizes = [model.shape[site] for site in kept]
    states = np.indices(sizes).reshape(count, -1)
    inputs = [np.ones((states.shape[1], k), dtype=np.int64) for k in model.shape]
    for place, site in enumerate(kept):
        inputs[site] = np.eye(sizes[place], dtype=np.int64)[states[place]]
    field, values = _in_a_field(lambda field: model.circuit.residues(inputs, field))
    dense = values.reshape(sizes)
    best: Unfolding | None = None
    with worker_threads(1) as pool:
        for size in range(-(-count // 3), count // 2 + 1):
            for a in combinations(range(count), size):
                rows = prod(dense.shape[place] for place in a)
                matrix = dense.transpose([*a, *_without(range(count), a)]).reshape(rows, -1)
                matrix = matrix.T if rows > matrix.shape[1] else matrix
                rank = rank_in_place(balanced(matrix, field, pool), field, pool)
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
    """The unfolding of the marginal of the variables kept, those in a as rows, from the very tables of the model."""
    if isinstance(model, LatentTree | TreeShaped):
        # A smaller network is contracted faster, and its path found faster.
        marginal = model.latent_tree().restricted(kept).coefficients()
    else:
        network = model.coefficients()
        ones = [
            Tensor(f"sum over {site}", (f"site {site}",), np.ones(model.shape[site], dtype=np.int64))
            for site in _without(range(model.sites), kept)
        ]
        marginal = TensorNetwork((*network.tensors, *ones), tuple(f"site {site}" for site in kept))
    place = {site: number for number, site in enumerate(kept)}
    split = Bipartition(tuple(place[site] for site in a), tuple(place[site] for site in _without(kept, a)))
    return np.asarray(marginal.unfold(split, field), dtype=np.int64)


def _without(sites: Iterable[int], others: Collection[int]) -> tuple[int, ...]:
    return tuple(site for site in sites if site not in others)
