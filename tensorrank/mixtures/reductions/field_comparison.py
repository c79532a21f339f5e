"""Whether two models are the same polynomial, decided at random points over GF(p) for random primes p."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2

import numpy as np

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import LARGE_PRIMES
from tensorrank.errors import PrimeError
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.reductions.class_values import component_classes
from tensorrank.mixtures.reductions.coefficient_heights import difference_height
from tensorrank.mixtures.reductions.model_streams import stream_of

# Primes are drawn until an error is less probable than this, which nobody can try out, but no more than so many.
_TELLING = 2.0**-60
_FEWEST, _MOST = 2, 64
# Random points for each prime.
_POINTS = 2


@dataclass(frozen=True)
class FieldComparison:
    """What random primes say of two models.

    Attributes:
        identical: whether the models agree over all these fields. False is proved by the last prime.
        primes: the moduli.
        failure_probability: a bound on the probability that different models agree; None if they do not agree, or
            entries are so large that nothing is known.
    """

    identical: bool
    primes: tuple[int, ...]
    failure_probability: float | None


def compare_over_fields(source: Mixture, target: Mixture, seed: int | np.random.Generator) -> FieldComparison:
    """Contract two models with the same random vectors over GF(p), one for each variable, for several random p.

    Both models are polynomials of degree 1 in each vector. If they differ, a coefficient of their difference is a
    rational number c that is not 0. The numerator of c is bounded by the sizes of the entries, so that few primes
    divide it. Modulo all others the difference is a polynomial of N variables that is not 0, and vanishes at a random
    point with probability at most N / p. An error takes a bad prime, or bad points, every time. Primes and points
    depend on a hash of both models as well as on the seed, so that this holds for every pair of models.

    Primes that divide a denominator of an entry are passed over; these are few, too.

    Sources: polynomial identity testing, Schwartz (1980) and Zippel (1979).
    """
    rng = stream_of(seed, source, target)
    classes = component_classes(source, target)
    height = difference_height(source, target)
    primes, failure = list[int](), 1.0
    for prime in LARGE_PRIMES.draw(rng):
        field = PrimeField(prime)
        # A value for each class of equal component densities.
        values = [field.random((_POINTS, 1 + max(*one, *other)), rng) for one, other in zip(*classes, strict=True)]
        inputs = [[vectors[:, one] for vectors, one in zip(values, each, strict=True)] for each in classes]
        try:
            one, other = (model.circuit.residues(at, field) for model, at in zip((source, target), inputs, strict=True))
        except PrimeError:
            continue
        primes.append(prime)
        if (one != other).any():
            return FieldComparison(False, tuple(primes), None)
        failure *= min(1.0, _unlucky(height.bits, height.excluded) + min(1.0, source.sites / prime) ** _POINTS)
        if len(primes) == _MOST or (len(primes) >= _FEWEST and failure <= _TELLING):
            break
    return FieldComparison(True, tuple(primes), failure if failure < 1 else None)


def _unlucky(numerator: float, excluded: float) -> float:
    """The chance that a random prime divides a number of so many bits, if those that divide another are left out."""
    least = log2(LARGE_PRIMES.least)
    left = LARGE_PRIMES.count - excluded // least - _MOST
    return min(1.0, (numerator // least) / left) if left > 0 else 1.0
