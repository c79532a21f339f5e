"""Streams of random numbers: the generator that a user gives, or one made from a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np

from tensorrank.arguments import seed_number
from tensorrank.arithmetic.arrays import Array


def random_stream(seed: int | np.random.Generator, *key: int) -> np.random.Generator:
    """The Generator given, or the one for a seed and a key; streams of different keys are independent.

    >>> random_stream(0).random() == random_stream(0, 1).random()
    False
    """
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(np.random.SeedSequence(seed_number("the seed", seed), spawn_key=key))


def hardened_stream(seed: int | np.random.Generator, entries: Iterable[Array | str]) -> np.random.Generator:
    """A stream that depends on a seed and on everything that a computation is about to look at.

    Who knows the seed could choose entries for which the numbers of `random_stream` are the worst: multiples of all
    primes that will be drawn, say. Here every change of an entry changes all numbers of the stream, as a cryptographic
    hash does. A Generator gives 256 random bits in the place of the seed.

    Args:
        seed: a whole number of at least 0, or a numpy Generator.
        entries: arrays of whole numbers, fractions or floats, and texts, in a fixed order.

    >>> one, other = (hardened_stream(0, [np.array([entry])]) for entry in (1, 2))
    >>> one.random() == other.random()
    False
    """
    stream = random_stream(seed)
    start = stream.bytes(32) if isinstance(seed, np.random.Generator) else f"{int(seed):x}".encode()
    digest = hashlib.blake2b(start)
    for entry in entries:
        content = _bytes(entry)
        digest.update(b"%d:" % len(content) + content)
    return np.random.default_rng(np.random.SeedSequence(np.frombuffer(digest.digest(), dtype="<u4").tolist()))


def _bytes(entry: Array | str) -> bytes:
    """An array or a text as bytes that belong to no other array or text."""
    if isinstance(entry, str):
        return b"text" + entry.encode("utf-8", "surrogatepass")
    array = np.asarray(entry)
    if array.dtype == object or (array.dtype.kind == "f" and array.dtype.itemsize > 8):
        # Exact for whole numbers and fractions of any size, for which `repr` has a limit in Python. The bytes of an
        # extended float hold some that belong to no number, and may be anything.
        content = ";".join(_exactly(one) for one in array.flat).encode()
    else:
        content = np.ascontiguousarray(array).tobytes()
    return f"{array.dtype.str}{array.shape}".encode() + content


def _exactly(one: object) -> str:
    ratio = getattr(one, "as_integer_ratio", None)
    if ratio is None:
        return repr(one)
    try:
        top, bottom = ratio()
    except (ValueError, OverflowError):  # no finite number, which those who compute with it refuse
        return repr(one)
    return f"{int(top):x}/{int(bottom):x}"
