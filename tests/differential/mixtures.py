"""Mixtures of every kind: separation ranks, reductions and their checks against tables of all values over fractions."""

from fractions import Fraction

import numpy as np
from differential.comparison import Comparison, WrongError, held
from differential.entries import primes_product
from differential.mixture_tables import table
from differential.references import random_partition, rank_over_the_rationals, unfolding

import tensorrank as tr
from tensorrank.mixtures.formats.schema import from_dict, to_dict
from tensorrank.mixtures.kinds import KINDS

# Models of floats whose values differ by a larger share are different, however they are rounded.
_DIFFERENT = 1e-6
_COIN = [[1, 0], [0, 1]]


def random_model(rng: np.random.Generator):
    """A small model of a random kind, over fractions or floats."""
    options = {"seed": int(rng.integers(2**31)), "fractions": bool(rng.random() < 0.6)}
    shape = rng.integers(1, 4, rng.integers(2, 5)).tolist()
    states, symbols, length = map(int, rng.integers(1, (4, 4, 6)))
    match rng.integers(9):
        case 0:
            return tr.LatentClass.random(shape, states, **options)
        case 1 | 2:
            return tr.HiddenMarkov.random(states, symbols, max(2, length), homogeneous=bool(rng.random() < 0.5), **options)
        case 3 | 4:
            parents = [0, 0, *(int(rng.integers(0, node)) for node in range(1, rng.integers(2, 5)))]
            return tr.LatentTree.random(parents, states, symbols, **options)
        case 5:
            return tr.TensorialMixture.random(1 + length % 2, states, symbols, shared=bool(rng.random() < 0.5), **options)
        case 6:
            return tr.Hierarchical.random(shape, states, **options)
        case 7:
            parents = [0, 0, *(int(rng.integers(0, node)) for node in range(1, rng.integers(2, 5)))]
            hidden = sorted({f"z{parent}" for parent in parents})
            summed = [name for name in hidden if rng.random() < 0.4]
            return tr.SquaredMixture.random(parents, states, symbols, summed=summed, **options)
        case _:
            return tr.SumProduct.random(1 + states, symbols, **options)


def ranks(rng: np.random.Generator) -> str | None:
    """A separation rank against the table's unfolding."""
    model = random_model(rng)
    if model.sites < 2:
        return None
    partition = random_partition(rng, model.sites)
    found = tr.separation_rank(model, partition, seed=int(rng.integers(9)), threads=1)
    return held(found, rank_over_the_rationals(unfolding(table(model), partition)), (to_dict(model), partition))


def reductions(rng: np.random.Generator) -> str | None:
    """A model as another kind: the same values, and a check that says so; an obstruction's rank is none too large."""
    model, to = random_model(rng), str(rng.choice(list(KINDS)))
    if to == "tensorial_mixture" and (model.sites < 2 or model.sites & (model.sites - 1)):
        return None
    target = tr.reduce(model, to, limit=2000)
    if isinstance(target, tr.Obstruction):
        return "beyond the limit"
    report = tr.check_reduction(model, target, seed=int(rng.integers(9)))
    if not report.equal:
        raise WrongError(f"{report}: not equal, but one is reduced from the other: {to_dict(model)!r}")
    return _alike(model, target, report)


def almost_equal(rng: np.random.Generator) -> str:
    """Two models that differ in a number or two, by multiples of primes or by little."""
    model = random_model(rng)
    fields = to_dict(model)
    rows = [row for row in _rows(fields) if len(row) > 1]
    if not rows:
        other = model
    else:
        row = rows[rng.integers(len(rows))]
        first, second = (int(place) for place in rng.permutation(len(row))[:2])
        if isinstance(row[first], str) or model.over_fractions:
            most = min(Fraction(row[first]), 1 - Fraction(row[second]))
            product = primes_product(rng)
            step = Fraction(product, 10 ** len(str(product))) * most * Fraction(1, int(rng.choice((1, 10**6, 10**30))))
            row[first], row[second] = str(Fraction(row[first]) - step), str(Fraction(row[second]) + step)
        else:
            step = row[first] * float(rng.choice((0.5, 1e-3, 1e-5, 1e-9, 1e-13)))
            row[first], row[second] = row[first] - step, row[second] + step
        other = from_dict(fields)
    report = tr.check_reduction(model, other, seed=int(rng.integers(9)))
    return _alike(model, other, report)


def multiples_of_primes(rng: np.random.Generator) -> str:
    """Two pairs of coins whose weights differ by a product of random primes over a power of ten are not equal."""
    product = primes_product(rng)
    step = Fraction(product, 10 ** (len(str(product)) + 1))
    one, other = (tr.LatentClass([Fraction(1, 2) + by, Fraction(1, 2) - by], [_COIN] * 2) for by in (0, step))
    if tr.check_reduction(one, other, seed=int(rng.integers(3))).equal:
        raise WrongError(f"called equal, but the weights differ by {step}")
    return "not equal"


def _rows(value):
    """The lists of numbers in a model's fields; those that sum to one."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from () if name in ("children", "variables") else _rows(one)
    elif isinstance(value, list):
        if value and all(isinstance(one, int | float) or _is_fraction(one) for one in value):
            if abs(sum(map(Fraction, value)) - 1) < Fraction(1, 10**6):
                yield value
        else:
            for one in value:
                yield from _rows(one)


def _is_fraction(one) -> bool:
    return isinstance(one, str) and one[:1].isdigit()


def _alike(model, other, report) -> str:
    """What a report says, after a check that it is true of the tables."""
    mine, theirs = table(model), table(other)
    same = bool((mine == theirs).all())
    told = f"{report}; {to_dict(model)!r} and {to_dict(other)!r}"
    apart = max((abs(a - b) / max(a, b) for a, b in zip(mine.flat, theirs.flat, strict=True) if a != b), default=Fraction(0))
    if report.equal and not same and (model.over_fractions and other.over_fractions):
        raise WrongError(f"called equal, but values differ: {told}")
    if report.equal and report.over_fields and not same:
        raise WrongError(f"called equal exactly, but values differ: {told}")
    if report.equal and apart > _DIFFERENT:
        raise WrongError(f"called equal, but values differ by a share of {float(apart):.1e}: {told}")
    if same and not report.equal:
        raise WrongError(f"called different, but all values are the same: {told}")
    return "equal" if report.equal else "not equal"


COMPARISONS = (
    Comparison("mixtures", ranks),
    Comparison("reductions", reductions),
    Comparison("almost equal mixtures", almost_equal),
    Comparison("mixtures apart by random primes", multiples_of_primes),
)
