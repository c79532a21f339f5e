"""Prime numbers below 2^31: a test, all in descending order, and random ones with what is known of their chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

LARGEST_PRIME = 2**31 - 1


def is_prime(number: int) -> bool:
    """True if a whole number below 3,215,031,751 is prime, by the deterministic test of Miller and Rabin.

    >>> [n for n in range(20) if is_prime(n)]
    [2, 3, 5, 7, 11, 13, 17, 19]
    """
    bases = (2, 3, 5, 7)
    if number < 2:
        return False
    if any(number % base == 0 for base in bases):
        return number in bases
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1

    def passes(base: int) -> bool:
        powers = [pow(base, odd << doublings, number) for doublings in range(twos)]
        return powers[0] == 1 or number - 1 in powers

    return all(passes(base) for base in bases)


def primes_below(limit: int) -> Iterator[int]:
    """The primes below a limit, largest first.

    >>> from itertools import islice
    >>> list(islice(primes_below(2**23), 2))
    [8388593, 8388587]
    """
    return (number for number in range(limit - 1, 1, -1) if is_prime(number))


@dataclass(frozen=True)
class PrimeRange:
    """Primes between two numbers, of which random ones are drawn.

    The prime 2^31 - 1 is left out: modulo it there are only 31 different powers of 2.

    Attributes:
        least: a number below all of them.
        most: a number above all of them, at most 2^31.
        count: how many they are, at least.
        splitting: whether only primes that are 1 modulo 4 are meant, of which -1 has square roots.
    """

    least: int
    most: int
    count: int
    splitting: bool = False

    @property
    def that_split(self) -> PrimeRange:
        """The primes of this range that are 1 modulo 4, each of which is the product of two Gaussian primes.

        >>> LARGE_PRIMES.that_split.count
        25348870
        """
        count = _ONE_MODULO_FOUR.get((self.least, self.most), 0)
        if self.most <= _COUNTED:
            count = sum(map(is_prime, range(self.least + 1 + -self.least % 4, self.most, 4)))
        return replace(self, count=count, splitting=True)

    def above(self, number: int) -> PrimeRange:
        """The primes of this range above a number, with a proved lower bound on how many they are.

        Source: pi(x) <= x / log x * (1 + 1.2762 / log x) for x > 1, Dusart (1999).

        >>> LARGE_PRIMES.above(3**19).count
        46012434
        """
        if number <= self.least:
            return self
        if number >= self.most:
            return replace(self, least=self.most, count=0)
        if self.splitting:
            # Every fourth number passed may be one of them.
            left = replace(self, least=number)
            return (
                left.that_split
                if self.most <= _COUNTED
                else replace(left, count=max(0, self.count - (number - self.least + 3) // 4))
            )
        if self.most <= _COUNTED:
            return PrimeRange(number, self.most, sum(map(is_prime, range(number + 1, self.most))))
        natural = math.log(number)
        passed = math.floor(number / natural * (1 + 1.2762 / natural)) - _PI[self.least]
        return PrimeRange(number, self.most, max(0, self.count - passed))

    def draw(self, rng: np.random.Generator) -> Iterator[int]:
        """Different random primes of the range, each with the same probability.

        Of a range that is counted they come to an end.

        >>> all(2**30 < prime < 2**31 for _, prime in zip(range(3), LARGE_PRIMES.draw(np.random.default_rng(0))))
        True
        """
        taken = {LARGEST_PRIME}
        while self.most > _COUNTED or len(taken) <= self.count:
            number = int(rng.integers(self.least + 1, self.most))
            if number not in taken and not (self.splitting and number % 4 != 1) and is_prime(number):
                taken.add(number)
                yield number

    def unlucky(self, bits: float) -> float:
        """A bound on the probability that a random prime of the range divides a certain number that is not 0.

        The number is at most 2^bits in absolute value, so it has at most bits / log2(least) such divisors. Where primes
        split, the number is a Gaussian one, and of each prime one of its two Gaussian factors has to divide it. Their
        product then divides its norm, which is at most 2^(2 bits).

        >>> LARGE_PRIMES.unlucky(3000) < 2e-6
        True
        """
        size = 2 * bits if self.splitting else bits
        return min(1.0, size / math.log2(self.least) / self.count) if self.count else 1.0


# Ranges up to this number are counted prime by prime.
_COUNTED = 2**14
# The number of primes up to 2^22 and 2^30, of the sequence A007053.
_PI = {2**22: 295947, 2**30: 54400028}
# How many primes of these ranges are 1 modulo 4, counted by a sieve; the others are 134241 and 25348667.
_ONE_MODULO_FOUR = {(2**22, 2**23): 133975, (2**30, 2**31): 25348870}
# pi(2^23) = 564163 and pi(2^31) = 105097565.
SMALL_PRIMES = PrimeRange(2**22, 2**23, 564163 - _PI[2**22])
LARGE_PRIMES = PrimeRange(2**30, 2**31, 105097565 - _PI[2**30] - 1)
# Primes that prove full rank fastest: residues of one byte, residues that float32 and pairs of bytes take, and pairs of
# bytes alone. The larger ones of each kind, since a matrix of full rank seldom loses it modulo a larger prime.
CERTIFYING_PRIMES = (PrimeRange(190, 252, 12), PrimeRange(509, 1022, 75), PrimeRange(2**13, 2**14 - 130, 861))
