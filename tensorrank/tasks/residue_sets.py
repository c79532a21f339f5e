"""Sets of residues modulo M as the bits of 64-bit words: all that Match3 asks of the tokens of one side."""

from __future__ import annotations

from math import comb

import numpy as np
from numpy.typing import NDArray

from tensorrank.errors import TensorRankError

Sets = NDArray[np.int64]

# Bits of a signed word, less two.
LARGEST_MODULUS = 62


def check_modulus(modulus: int) -> None:
    """Raise an error if sets of residues do not fit into a word."""
    if modulus > LARGEST_MODULUS:
        raise TensorRankError(
            f"the modulus is {modulus}; communication matrices are made for moduli to {LARGEST_MODULUS}, whose sets of "
            "residues are the bits of a word"
        )


def number_of_sets(modulus: int, tokens: int) -> int:
    """The number of sets of residues that so many tokens can hold.

    >>> number_of_sets(5, 2), number_of_sets(5, 0)
    (15, 1)
    """
    return sum(comb(modulus, size) for size in range(1, min(tokens, modulus) + 1)) if tokens else 1


def residue_sets(modulus: int, tokens: int) -> Sets:
    """All sets of residues that so many tokens can hold, smaller sets first; without tokens, only the empty set.

    >>> [f"{one:03b}" for one in residue_sets(3, 2)]
    ['001', '010', '100', '011', '101', '110']
    """
    found = [np.zeros(1, dtype=np.int64)]
    for _ in range(min(tokens, modulus)):
        smaller = found[-1]
        # Sets ascend, so that those without residue u or a larger one are the first.
        found.append(np.concatenate([smaller[: np.searchsorted(smaller, 1 << u)] | (1 << u) for u in range(modulus)]))
    return np.concatenate(found[1:]) if tokens else found[0]


def reflected(sets: Sets, total: int, modulus: int) -> Sets:
    """The sets of total - u for all members u.

    >>> [f"{one:04b}" for one in reflected(np.array([0b0001, 0b0110]), 3, 4)]
    ['1000', '0110']
    """
    images = np.zeros_like(sets)
    for u in range(modulus):
        images |= (sets >> u & 1) << (total - u) % modulus
    return images


def has_triple(value: int, rows: Sets, columns: Sets, modulus: int) -> NDArray[np.bool_]:
    """Whether some u and w sum to 0 with the value: a row for each set of `rows`, a column for each of `columns`.

    The residues u and w may be the same. Each is in the row's set, in the column's set, or the value itself.

    >>> has_triple(1, np.array([0b00010, 0b00001]), np.array([0b00010, 0b10000]), 5)
    array([[False, False],
           [False,  True]])
    """
    # The value counts with the rows: what it makes with a column is then found between the two.
    rows = rows | (1 << value)
    wanted = reflected(rows, -value, modulus)
    settled = (columns & reflected(columns, -value, modulus)) != 0
    found: NDArray[np.bool_] = (wanted[:, None] & columns) != 0
    found |= settled
    found |= ((wanted & rows) != 0)[:, None]
    return found
