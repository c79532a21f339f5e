"""Lower bounds on the ranks of a model's unfoldings: from marginals of few variables, or from samples of all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, islice
from math import prod

import numpy as np

from tensorrank.arithmetic.elimination.costs import elimination_work
from tensorrank.arithmetic.elimination.engine_choice import engine_for
from tensorrank.arithmetic.elimination.rank import balanced, rank_in_place, rank_mod_p
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.primes import LARGE_PRIMES, SMALL_PRIMES
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import PrimeError, TensorRankError
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.model_streams import stream_of
from tensorrank.networks.hierarchical_tucker import balanced_ranges
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition

# The most values of a marginal whose unfolding is computed (12 binary variables a side): where it is the only one,
# where there is one for each step, and where there is one for each of many bipartitions of so many variables.
_MOST_VALUES = 2**24
_MOST_VALUES_STEP = 2**16
_MOST_VALUES_SPLIT = 2**16
_MOST_VARIABLES_SPLIT = 10
# The most bytes that contracting the joint table of a marginal may take.
_MOST_BYTES = 2**32
# The most random vectors of each side, where all variables are taken: of networks with loops, and where the table of a
# marginal takes too much, as of thousands of pairs of states that all variables share.
_MOST_SAMPLES = 1024
# The most steps of a chain, and blocks of the balanced tree, that are tried.
_MOST_TRIED = 16
# The most small primes, which are the fastest, that are tried for one that divides no denominator.
_MOST_SMALL = 16


@dataclass(frozen=True)
class Unfolding(Record):
    """A lower bound on the rank of an unfolding of a model's coefficient tensor, in which equal components are one.

    None of these raises the rank of an unfolding: summing variables out, sampling rows and columns, reducing modulo p.
    So the bound is proved, whatever the prime. An unlucky prime only makes it lower, which the random choice of primes
    makes improbable for every model.

    Attributes:
        rank: over GF(prime), of the unfolding of a marginal, or of a sample of one; that of the whole unfolding is at
            least this.
        variables: the variables that are not summed out.
        a: the ones among them on side A.
        prime: the modulus, drawn at random by a hash of the model's entries.
    """

    rank: int
    variables: tuple[int, ...]
    a: tuple[int, ...]
    prime: int


def every_other(model: Mixture) -> Unfolding:
    """The unfolding of even against odd variables."""
    if model.has_loops:
        return _sampled(model, range(0, model.sites, 2))
    kept = _within(model, range(model.sites), _MOST_VALUES)
    return _unfolding(model, kept, kept[::2])


def worst_block(model: Mixture) -> Unfolding:
    """The unfolding of largest rank among blocks of the balanced tree: its halves, and inner ones with two ends."""
    tried = balanced_ranges(model.sites)[1 : 1 + _MOST_TRIED] or [(0, 1)]
    return max((_across(model, range(*block), _MOST_VALUES_STEP) for block in tried), key=lambda one: one.rank)


def worst_step(model: Mixture, only: int | None) -> Unfolding:
    """The unfolding of largest rank among those of the variables up to a step: the one given, or several."""
    last = model.sites - 1
    steps = [min(only, last - 1)] if only is not None else sorted({last * i // _MOST_TRIED for i in range(_MOST_TRIED)})
    values = _MOST_VALUES if only is not None else _MOST_VALUES_STEP
    return max((_across(model, range(step + 1), values) for step in steps), key=lambda one: one.rank)


def _across(model: Mixture, block: range, values: int) -> Unfolding:
    """The unfolding of a block of neighbours against the rest, in the marginal of the variables nearest to its ends."""
    if model.has_loops:
        return _sampled(model, block)
    ends = [end for end in (block.start, block.stop) if 0 < end < model.sites]
    nearest = sorted(range(model.sites), key=lambda site: (min(abs(site - end + 0.5) for end in ends), site))
    kept = _within(model, nearest, values)
    return _unfolding(model, kept, [site for site in kept if site in block])


def _within(model: Mixture, order: Iterable[int], values: int, most: int | None = None) -> tuple[int, ...]:
    """As many of the variables, in this order, as have a joint table of so many values; at least two."""
    kept: list[int] = []
    for site in order:
        if len(kept) >= 2 and (len(kept) == most or prod(model.shape[one] for one in (*kept, site)) > values):
            break
        kept.append(site)
    return tuple(sorted(kept))


def _unfolding(model: Mixture, kept: Sequence[int], a: Sequence[int]) -> Unfolding:
    """The unfolding of the marginal of the variables kept, with those in a as rows."""
    place = {site: number for number, site in enumerate(kept)}
    split = Bipartition(tuple(place[site] for site in a), tuple(place[site] for site in _without(kept, a)))
    marginal = model.marginal_network(kept)
    if marginal.dense_expression().peak_bytes > _MOST_BYTES:
        return _sampled(model, a)
    field, matrix = _in_a_field(model, lambda field, _: np.asarray(marginal.unfold(split, field), dtype=np.int64))
    order = (*a, *_without(kept, a))
    dense = _of_different(model, order, matrix.reshape([model.shape[site] for site in order]), field)
    matrix = dense.reshape(prod(dense.shape[: len(a)]), -1)
    return Unfolding(rank_mod_p(matrix, field.prime), tuple(kept), tuple(a), field.prime)


def _of_different(model: Mixture, order: Sequence[int], dense: Residues, field: PrimeField) -> Residues:
    """The coefficients of different densities: those of equal Gaussian components are added up along their axis."""
    if model.densities is None:
        return dense
    for axis, site in enumerate(order):
        classes = model.densities.distinct(site)
        merged = np.zeros((int(classes.max()) + 1, *np.moveaxis(dense, axis, 0).shape[1:]), dtype=np.int64)
        np.add.at(merged, classes, np.moveaxis(dense, axis, 0))
        dense = np.moveaxis(merged % field.prime, 0, axis)
    return dense


def _sampled(model: Mixture, a: Iterable[int]) -> Unfolding:
    """The unfolding of all variables, sampled at random vectors of both sides."""
    rows = tuple(a)
    split = Bipartition(rows, _without(range(model.sites), rows))
    function = model.architecture()
    bound = function.rank_bound(split)
    samples = _MOST_SAMPLES if bound is None else min(_MOST_SAMPLES, bound)

    def grid(field: PrimeField, rng: np.random.Generator) -> Residues:
        instance = function.draw(field, rng)
        return instance.grid(split, instance.sample(split.a, samples, rng), instance.sample(split.b, samples, rng))

    field, matrix = _in_a_field(model, grid)
    return Unfolding(rank_mod_p(matrix, field.prime), tuple(range(model.sites)), rows, field.prime)


def least_balanced(model: Mixture) -> Unfolding:
    """The unfolding of least rank among those of some variables with a third or more of them on either side."""
    kept = _within(model, model.neighbours_first(), _MOST_VALUES_SPLIT, _MOST_VARIABLES_SPLIT)
    count = len(kept)
    sizes = [model.shape[site] for site in kept]
    states = np.indices(sizes).reshape(count, -1)
    inputs = [np.ones((states.shape[1], k), dtype=np.int64) for k in model.shape]
    for place, site in enumerate(kept):
        inputs[site] = np.eye(sizes[place], dtype=np.int64)[states[place]]
    field, values = _in_a_field(model, lambda field, _: model.circuit.residues(inputs, field))
    dense = _of_different(model, kept, values.reshape(sizes), field)
    best: Unfolding | None = None
    with worker_threads(1) as pool:
        for size in range(-(-count // 3), count // 2 + 1):
            for a in combinations(range(count), size):
                rows = prod(dense.shape[place] for place in a)
                matrix = dense.transpose([*a, *_without(range(count), a)]).reshape(rows, -1)
                matrix = matrix.T if rows > matrix.shape[1] else matrix
                rank = rank_in_place(
                    balanced(matrix, field, pool), engine_for(field, work=elimination_work(*matrix.shape)), pool
                )
                if best is None or rank < best.rank:
                    best = Unfolding(rank, kept, tuple(kept[place] for place in a), field.prime)
    if best is None:
        raise TensorRankError(f"a model of {model.sites} variables was given; expected at least two to split")
    return best


def _in_a_field(model: Mixture, compute: Callable[[PrimeField, np.random.Generator], Residues]) -> tuple[PrimeField, Residues]:
    """A field of a random prime that divides no denominator, and the result over it."""
    rng = stream_of(0, model)
    for prime in chain(islice(SMALL_PRIMES.draw(rng), _MOST_SMALL), LARGE_PRIMES.draw(rng)):
        field = PrimeField(prime)
        try:
            return field, compute(field, rng)
        except PrimeError:
            continue
    raise AssertionError("random primes never end")


def _without(sites: Iterable[int], others: Collection[int]) -> tuple[int, ...]:
    return tuple(site for site in sites if site not in others)
