"""Draws: a stream of instances with fresh weights and primes, and the probability that all of them failed.

An instance fails to show a rank larger than r in one of two ways. A nonzero minor of size r + 1 is a polynomial in what
is drawn, with coefficients that are whole numbers. First, the prime may divide all of them. A coefficient below 2^b has
at most b / 30 divisors among tens of millions of primes above 2^30. Second, the polynomial may not vanish modulo p, but
be zero at the values drawn. By Schwartz and Zippel the probability of that is at most degree / p. Both bounds hold for
any numbers given, because primes and values are drawn from a stream that depends on these numbers.

To prove that a rank is full no such bound is needed, and the smallest primes above the degree are the fastest.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from math import prod

import numpy as np

from tensorrank.arguments import shown, things
from tensorrank.arithmetic.heights import factorial_bits, minor_bits
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import CERTIFYING_PRIMES, LARGE_PRIMES, SMALL_PRIMES, PrimeRange, primes_below
from tensorrank.arithmetic.randomness import hardened_stream
from tensorrank.errors import PrimeError
from tensorrank.separation.architecture import Architecture, Instance, Weights

# Small primes are fast; a large one is used where a small one would tell less than this about a failure.
_TELLING = 1 / 64
# Primes of our choice that are tried before a denominator's complaint is passed on.
_MOST_TRIES = 8


class Draws:
    """Draws the weights and primes of one computation, one instance after the other.

    Given weights stay as they are. Given primes are the moduli of the first draws; random ones follow. Every prime must
    exceed the degree. For whole Hankel blocks that is the degree in the moments, since factorials are inverted. Where
    inputs are sampled it is the degree in the inputs, since x^p = x merges functions.
    """

    def __init__(
        self,
        model: Architecture,
        weights: Weights | None,
        seed: int | np.random.Generator,
        primes: Sequence[int] | None,
        degree: int,
    ) -> None:
        self.model, self.weights = model, weights
        entries = model.entries(weights)
        self.rng = hardened_stream(seed, entries)
        # Complex numbers have images where -1 has a square root.
        self._splitting = any(not isinstance(one, str) and np.iscomplexobj(one) for one in entries)
        self.seeds = () if isinstance(seed, np.random.Generator) else (int(seed),)
        self.degree = degree
        self.used: list[int] = []
        self._earlier = 0
        self._bits = _entry_bits(model, weights)
        self._taken = set[int]()
        # Which range each random prime was drawn from, and the primes of each range that are still to come.
        self._drawn: dict[int, PrimeRange] = {}
        self._fresh: dict[PrimeRange, Iterator[int]] = {}
        self._given = iter(()) if primes is None else self._checked(primes)

    def about(self, model: Architecture, degree: int) -> Draws:
        """Draws of another model with the same weights from the same stream, which list their own primes."""
        other = copy(self)
        other.model, other.degree, other.used = model, degree, []
        other._earlier = self._earlier + len(self.used)
        other._bits = _entry_bits(model, self.weights)
        return other

    @property
    def number(self) -> int:
        """The number of the last draw, from 0; those of other models from the same stream count."""
        return self._earlier + len(self.used) - 1

    @property
    def impossible(self) -> bool:
        """True if no supported prime exceeds the degree."""
        return not self._suited(LARGE_PRIMES).above(self.degree).count

    @property
    def random(self) -> bool:
        """True if a prime used was drawn at random; those that the user gave are not."""
        return any(prime in self._drawn for prime in self.used)

    def next(self, rank: int, entry_degree: int) -> tuple[PrimeField, Instance]:
        """Draw a field and an instance, for matrices of at most this rank.

        Their entries have the given degree in what is drawn.
        """
        given = next(self._given, None)
        if given is not None:
            return self._instance(given)
        primes = self._suited(SMALL_PRIMES)
        if self.degree >= primes.least or self._chance(primes, rank, entry_degree) > _TELLING:
            primes = self._suited(LARGE_PRIMES).above(self.degree)
        return self._of(primes)

    def _suited(self, primes: PrimeRange) -> PrimeRange:
        """The primes of a range at which all numbers given have images, but for their denominators."""
        return primes.that_split if self._splitting else primes

    def certifying(self) -> tuple[PrimeField, Instance] | None:
        """Draw a field of a small prime and an instance; None if every small prime divides a denominator.

        A matrix of full rank there has full rank. Of another one it proves a lower bound and says nothing else.
        """
        primes = certifying_primes(self.degree)
        assert primes is not None
        try:
            return self._of(self._suited(primes))
        except PrimeError:
            return None

    def _of(self, primes: PrimeRange) -> tuple[PrimeField, Instance]:
        """Draw a random prime of a range, and an instance over its field."""
        if primes not in self._fresh:
            self._fresh[primes] = primes.draw(self.rng)
        fresh = (prime for prime in self._fresh[primes] if prime not in self._taken)
        divides = PrimeError(f"all primes between {primes.least} and {primes.most} have been drawn")
        for prime in islice(fresh, _MOST_TRIES):
            try:
                drawn = self._instance(prime)
            except PrimeError as error:
                divides = error  # a denominator of the given weights
            else:
                self._drawn[prime] = primes
                return drawn
        raise divides

    def failure(self, ranks: Mapping[int, int], entry_degree: int, primes: Mapping[int, Iterable[int]]) -> float | None:
        """A bound on the probability that one of these ranks is too small; None if it tells nothing.

        The probability is one over the primes and values drawn, for any model and any weights. Ranks are given for each
        block, and primes for each block those of its draws. Primes that the user gave tell nothing.
        """
        chances = (
            prod(self._chance(self._drawn[p], rank, entry_degree) for p in primes[block] if p in self._drawn)
            for block, rank in ranks.items()
        )
        total = math.fsum(chances)
        return total if total < 1 else None

    def _chance(self, primes: PrimeRange, rank: int, entry_degree: int) -> float:
        """A bound on the probability that one instance shows no larger rank than this, although there is one."""
        vanishes = (rank + 1) * entry_degree / primes.least
        return min(1.0, vanishes + primes.unlucky(minor_bits(rank + 1, self._bits)))

    def _instance(self, prime: int) -> tuple[PrimeField, Instance]:
        field = PrimeField(prime)
        instance = self.model.draw(field, self.rng, self.weights)
        self.used.append(prime)
        self._taken.add(prime)
        return field, instance

    def _checked(self, given: Sequence[int]) -> Iterator[int]:
        primes = things(given)
        if not primes:
            what = shown(given) if primes is None else "empty"
            raise PrimeError(f"primes is {what}; expected a list of at least one prime")
        primes = tuple(PrimeField(prime).prime for prime in primes)
        for prime in primes:
            if prime <= self.degree:
                better = next(primes_below(SMALL_PRIMES.most if self.degree < SMALL_PRIMES.least else LARGE_PRIMES.most))
                raise PrimeError(f"the prime {prime} does not exceed the degree {self.degree} of the model; try {better}")
        return iter(primes)


def certifying_primes(degree: int) -> PrimeRange | None:
    """The smallest range with two primes above a degree at which matrices are tried first, or None."""
    ranges = (primes.above(degree) for primes in CERTIFYING_PRIMES)
    return next((primes for primes in ranges if primes.count >= 2), None)


def _entry_bits(model: Architecture, weights: Weights | None) -> float:
    """log2 of a bound on the coefficients of an entry of a matrix, in what is drawn.

    The entries of a Hankel block are coefficients of the values, times factorials that divide C!.
    """
    form = model.moment_form()
    return model.value_bits(weights) + (0.0 if form is None else factorial_bits(form.degree))
