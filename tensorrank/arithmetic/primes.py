"""Prime numbers below 2^31: a test, all in descending order, and random ones with what is known of their chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
    """The primes between two successive powers of 2, of which random ones are drawn.

    The prime 2^31 - 1 is left out: modulo it there are only 31 different powers of 2.

    Attributes:
        bits: the primes lie between 2^(bits - 1) and 2^bits.
        count: how many of them there are.
    """

    bits: int
    count: int

    @property
    def least(self) -> int:
        """A number below all primes of the range."""
        return int(2 ** (self.bits - 1))

    def draw(self, rng: np.random.Generator) -> Iterator[int]:
        """Different random primes of the range, each with the same probability.

        >>> all(2**30 < prime < 2**31 for _, prime in zip(range(3), LARGE_PRIMES.draw(np.random.default_rng(0))))
        True
        """
        taken = {LARGEST_PRIME}
        while True:
            number = int(rng.integers(self.least, 2 * self.least)) | 1
            if number not in taken and is_prime(number):
                taken.add(number)
                yield number

    def unlucky(self, bits: float) -> float:
        """A bound on the probability that a random prime of the range divides a certain number that is not 0.

        The number is below 2^bits in absolute value, so it has at most bits / (self.bits - 1) such divisors.

        >>> LARGE_PRIMES.unlucky(3000) < 2e-6
        True
        """
        return min(1.0, bits / (self.bits - 1) / self.count)


# pi(2^23) - pi(2^22) = 564163 - 295947, and pi(2^31) - pi(2^30) - 1 = 105097565 - 54400028 - 1.
SMALL_PRIMES = PrimeRange(23, 268216)
LARGE_PRIMES = PrimeRange(31, 50697536)
