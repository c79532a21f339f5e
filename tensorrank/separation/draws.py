"""Draws: a stream of instances with fresh weights and primes, and the probability that all of them failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from itertools import islice
from math import prod

import numpy as np

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import LARGEST_PRIME, primes_below
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import PrimeError
from tensorrank.separation.architecture import Architecture, Instance, Weights

# Small primes are fast; a large one is used where rank * degree / p would tell nothing about a failure.
_SMALL, _LARGE = 2**23, 2**31
_TELLING = 1 / 64
# Primes of our choice that are tried before a denominator's complaint is passed on.
_MOST_TRIES = 8


class Draws:
    """Draws the weights and primes of one computation, one instance after the other.

    Given weights stay as they are. Given primes are the moduli of the first draws; fresh ones follow. Every prime must
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
        self.rng = random_stream(seed)
        self.seeds = () if isinstance(seed, np.random.Generator) else (int(seed),)
        self.degree = degree
        self.used: list[int] = []
        self._tried: list[int] = []
        self._given = iter(()) if primes is None else self._checked(primes)

    def about(self, model: Architecture, degree: int) -> Draws:
        """Draws of another model with the same weights from the same stream, which count their own primes."""
        other = copy(self)
        other.model, other.degree, other.used = model, degree, []
        return other

    @property
    def impossible(self) -> bool:
        """True if no supported prime exceeds the degree."""
        return self.degree >= LARGEST_PRIME

    def next(self, hardest: float) -> tuple[PrimeField, Instance]:
        """Draw a field and an instance, for blocks whose rank times the degree of entries is at most `hardest`."""
        given = next(self._given, None)
        if given is not None:
            return self._drawn(given)
        limit = _SMALL if hardest / _SMALL < _TELLING and self.degree < _SMALL // 2 else _LARGE
        fresh = (prime for prime in primes_below(limit) if prime not in self._tried)
        for prime in islice(fresh, _MOST_TRIES - 1):
            try:
                return self._drawn(prime)
            except PrimeError:
                continue  # it divides a denominator of the given weights
        return self._drawn(next(fresh))

    def _drawn(self, prime: int) -> tuple[PrimeField, Instance]:
        field = PrimeField(prime)
        instance = self.model.draw(field, self.rng, self.weights)
        self.used.append(prime)
        self._tried.append(prime)
        return field, instance

    def failure(self, ranks: dict[int, int], degree: int, primes: dict[int, list[int]]) -> float | None:
        """A bound on the probability that one of these ranks is too small (Schwartz and Zippel).

        If a rank is larger than r, then some minor of size r + 1 is a nonzero polynomial in what was drawn. Its degree
        is at most (r + 1) * degree, and it vanished in every draw. The probability is over what is drawn, modulo the
        primes used. Modulo finitely many primes the generic rank itself is smaller; the primes used are taken not to be
        among them. The bound is None if it tells nothing (1 or more), and where nothing is random: for given weights,
        and for models without weights.

        Ranks are given for each block, and primes for each block those of its draws. The degree is that of a block's
        entries in what is drawn.
        """
        if self.weights is not None or self.model.weight_degree == 0:
            return None
        total = sum(prod(min(1.0, (r + 1) * degree / p) for p in primes[block]) for block, r in ranks.items())
        return total if total < 1 else None

    def _checked(self, given: Sequence[int]) -> Iterator[int]:
        primes = tuple(given) if np.iterable(given) else ()
        if not primes:
            what = "an empty list of primes" if np.iterable(given) else repr(given)
            raise PrimeError(f"{what} was given; expected a list of at least one prime")
        for prime in primes:
            if PrimeField(prime).prime <= self.degree:
                better = next(primes_below(_SMALL if self.degree < _SMALL // 2 else _LARGE))
                raise PrimeError(f"the prime {prime} does not exceed the degree {self.degree} of the model; try {better}")
        return map(int, primes)
