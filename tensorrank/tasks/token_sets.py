"""Sets of q out of N tokens: random ones, or all."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import abbreviated

# Random ranks of tokens that are held at a time.
_RANKS = 2**20


@checked
def random_sets(tokens: int, sparsity: int, count: int, seed: int | np.random.Generator = 0) -> Integers:
    """Uniform random sets of `sparsity` different tokens, ascending: of shape (count, sparsity).

    Raises:
        TensorRankError: if a number is no whole number of at least 1, the sparsity exceeds the tokens, or the sets do
            not fit into the memory.
    """
    n, q = checked_sizes(tokens, sparsity)
    rows, rng = whole_number("count", count, 1), random_stream(seed)
    step = min(rows, max(1, _RANKS // n))
    # The sets, and for a batch of them the ranks and the order of all tokens.
    needed = 8 * (rows * q + 2 * step * (n + q))
    refuse_beyond(memory_limit(None), needed, f"{rows} sets of {q} out of {n} tokens", "fewer sets")
    sets = np.empty((rows, q), dtype=np.int64)
    for start in range(0, rows, step):
        ranks = rng.random((min(step, rows - start), n))
        sets[start : start + step] = np.sort(ranks.argpartition(q - 1, axis=1)[:, :q], axis=1)
    return sets


@checked
def all_sets(tokens: int, sparsity: int, *, memory: int | str | None = None) -> Integers:
    """All sets of `sparsity` different tokens, in lexicographic order: of shape (N choose q, q).

    Raises:
        TensorRankError: if a number is no whole number of at least 1, the sparsity exceeds the tokens, or the sets do
            not fit into the memory.

    >>> all_sets(3, 2).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    n, q = checked_sizes(tokens, sparsity)
    # A row as an array and as a tuple of the list that it is made from.
    count = comb(n, q)
    what = f"the {abbreviated(count)} sets of {q} out of {n} tokens"
    refuse_beyond(memory_limit(memory), count * (16 * q + 64), what, "random_sets")
    return np.array(list(combinations(range(n), q)), dtype=np.int64)


def checked_sizes(tokens: Any, sparsity: Any) -> tuple[int, int]:
    """The numbers N and q of tokens and of those that are chosen, if they are whole and 1 <= q <= N."""
    n, q = whole_number("tokens", tokens, 1), whole_number("sparsity", sparsity, 1)
    if q > n:
        raise TensorRankError(f"sparsity {q} exceeds the {n} tokens; a token asks for q different ones, q <= N")
    return n, q
