"""Entries of every kind: plain ones, and ones that are chosen to mislead arithmetic modulo primes or in floats."""

from fractions import Fraction
from math import prod

import flint
import numpy as np


def random_prime(rng: np.random.Generator, bits: int) -> int:
    """A random prime of so many bits."""
    while True:
        number = int(rng.integers(2 ** (bits - 1), 2**bits)) | 1
        if flint.fmpz(number).is_prime():
            return number


def primes_product(rng: np.random.Generator, most: int = 6) -> int:
    """A product of random primes of 31 and of 23 bits, the sizes that the library draws."""
    return prod(random_prime(rng, int(rng.choice((23, 31)))) for _ in range(rng.integers(1, most + 1)))


def _objects(values: list, shape: tuple[int, ...]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array.reshape(shape)


def whole(rng, shape, largest=3):
    return rng.integers(-largest, largest + 1, shape).astype(object)


def _fractions(rng, shape):
    parts = zip(rng.integers(-9, 10, prod(shape)), rng.integers(1, 12, prod(shape)), strict=True)
    return _objects([Fraction(int(a), int(b)) for a, b in parts], shape)


def _large(rng, shape):
    return _objects([int(n) for n in rng.integers(-(2**62), 2**62, prod(shape))], shape)


def _multiples(rng, shape):
    return whole(rng, shape) * primes_product(rng)


def _near_multiples(rng, shape):
    # Entries that are those of another matrix modulo many primes.
    return whole(rng, shape) + primes_product(rng, 20) * whole(rng, shape, 1)


def _products(rng, shape):
    return _objects([primes_product(rng, 3) * int(sign) for sign in rng.integers(-1, 2, prod(shape))], shape)


def _powers(rng, shape):
    values = [Fraction(2) ** int(k) if rng.random() < 0.5 else 2 ** int(abs(k)) for k in rng.integers(-900, 900, prod(shape))]
    return _objects([value * int(sign) for value, sign in zip(values, rng.integers(-1, 2, prod(shape)), strict=True)], shape)


def _denominators(rng, shape):
    # Denominators that random primes of the library may divide.
    return _objects([Fraction(int(n), primes_product(rng, 2)) for n in rng.integers(-3, 4, prod(shape))], shape)


def _floats(rng, shape):
    return rng.normal(size=shape)


def _scales(rng, shape):
    # Tiny and huge floats, whose rank is as hard as it gets for singular values.
    return whole(rng, shape).astype(float) * 2.0 ** rng.integers(-500, 500, shape)


def _thirds(rng, shape):
    return rng.integers(-9, 10, shape) / 3


def _repeated(rng, shape):
    array = whole(rng, shape)
    return array[rng.integers(0, shape[0], shape[0])] if shape else array


def _sparse(rng, shape):
    return whole(rng, shape) * (rng.random(shape) < 0.4)


KINDS = (
    *(whole, _fractions, _large, _multiples, _near_multiples, _products, _powers, _denominators),
    *(_floats, _scales, _thirds, _repeated, _sparse),
)


def entries(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """An array of entries of a random kind."""
    return np.asarray(KINDS[rng.integers(len(KINDS))](rng, shape))


def matrix(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """A matrix, often of low rank: then it is a product, exact over the rationals."""
    if rng.random() < 0.4:
        return entries(rng, (rows, columns))
    rank = int(rng.integers(0, min(rows, columns) + 1))
    left, right = (as_fractions(entries(rng, shape)) for shape in ((rows, rank), (rank, columns)))
    return left @ right if rank else np.full((rows, columns), 0, dtype=object)


def as_fractions(array: np.ndarray) -> np.ndarray:
    """The exact values of an array, as Python's fractions."""
    values = [entry if isinstance(entry, int | float | Fraction) else entry.item() for entry in array.flat]
    return _objects(list(map(Fraction, values)), array.shape)
