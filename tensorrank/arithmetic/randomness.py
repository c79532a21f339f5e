"""Streams of random numbers: the generator that a user gives, or one made from a seed."""

from __future__ import annotations

import numpy as np

from tensorrank.errors import TensorRankError


def random_stream(seed: int | np.random.Generator, *key: int) -> np.random.Generator:
    """The Generator given, or the one for a seed and a key; streams of different keys are independent.

    >>> random_stream(0).random() == random_stream(0, 1).random()
    False
    """
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed < 0:
        raise TensorRankError(f"the seed is {seed!r}; expected a whole number of at least 0 or a numpy Generator")
    return np.random.default_rng(np.random.SeedSequence(int(seed), spawn_key=key))
