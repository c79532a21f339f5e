"""Match3 with a public asking token of residue r: the pairs {u, -r-u}, and the rank that they give."""

from __future__ import annotations

from math import comb

import numpy as np

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError

# Pairs of so many residues fit every memory; asking how much there is takes longer than they do.
_SMALL = 2**12


def free_pairs(modulus: int, anchor: int) -> Integers:
    """The pairs {u, -r-u} of different residues without {r, -2r}, of shape (kappa, 2), for 3r not 0 modulo M.

    >>> free_pairs(7, 1).tolist()  # 1 is paired with 5, and 3 with itself
    [[4, 2], [6, 0]]
    """
    total = -anchor % modulus
    total += modulus * (modulus % 2 and total % 2)
    # u - w runs through the numbers that are even or odd as u + w is.
    if modulus > _SMALL:
        refuse_beyond(memory_limit(None), 80 * modulus, f"the pairs of {shown(modulus)} residues", "a smaller modulus")
    differences = np.arange(2 - total % 2, modulus, 2)
    pairs = np.stack([total + differences, total - differences], axis=1) // 2 % modulus
    return np.asarray(pairs[(pairs != anchor).all(axis=1)])


@checked
def anchored_match3_rank(modulus: int, tokens: int, anchor: int) -> int:
    """The rank, over every field, of Match3 with a public asking token and n further tokens on either side.

    The tokens j and k may be any, the asking one included, and may be the same. If 3r = 0 modulo M all values are 1,
    and the rank is 1. Otherwise it is 1 + sum over j <= min(n, kappa) of C(kappa, j) 2^j, with kappa = (M - 3) / 2 for
    odd M, (M - 2) / 2 for even M and odd r, (M - 4) / 2 for even M and even r.

    Proof: u -> -r-u pairs the residues. A side that holds -2r or a fixed point settles the answer, as does one with
    both residues of a pair, while r itself changes nothing; kappa pairs remain free. For sides that settle nothing, the
    complement of the function is the product over the free pairs of the matrix [[1, 1, 1], [1, 1, 0], [1, 0, 1]], whose
    rows and columns say that a side holds neither residue, the one, or the other. Its determinant is -1, and
    subtracting the first row and column from the others, which only refers to smaller sets, makes it a permutation of
    them up to signs: so it stays invertible over every field where a side holds elements of at most n pairs. These
    states are counted by the sum. The function itself is the constant 1 less the complement, which vanishes where a
    side settles the answer: this adds 1.

    Args:
        modulus: M.
        tokens: n, the tokens of either side.
        anchor: r, the residue of the asking token.

    Raises:
        TensorRankError: if a number is no whole number, the modulus or tokens are less than 1, or r is no residue.

    >>> [anchored_match3_rank(*sizes, anchor=1) for sizes in [(5, 2), (7, 3), (8, 3), (9, 4)]]
    [4, 10, 28, 28]
    """
    m, n, r = _numbers(modulus, tokens, anchor)
    if 3 * r % m == 0:
        return 1
    free = (m - 3) // 2 if m % 2 else (m - 2) // 2 if r % 2 else (m - 4) // 2
    return 1 + sum(comb(free, j) << j for j in range(min(n, free) + 1))


@checked
def disjointness_in_match3(modulus: int, anchor: int) -> tuple[Integers, Integers]:
    """The reduction of disjointness on kappa bits to Match3 with a public asking token and kappa tokens on either side.

    For a bit of 0 a side holds the neutral r. For bit i of 1, side A holds one residue of the i-th free pair and side B
    the other, so that Match3 holds exactly if some bit is 1 on both sides.

    Args:
        modulus: M.
        anchor: r, the residue of the asking token.

    Returns:
        For A and for B a table of shape (kappa, 2): the residue of token i for a bit of 0 and of 1. A side with the
        bits x holds table[arange(kappa), x].

    Raises:
        TensorRankError: if a number is no residue or modulus, or 3r = 0 modulo M, when Match3 always holds.

    Source: Sanford, Hsu and Telgarsky (NeurIPS 2023), the lower bound for Match3.

    >>> [table.tolist() for table in disjointness_in_match3(7, 1)]
    [[[1, 4], [1, 6]], [[1, 2], [1, 0]]]
    """
    m, _, r = _numbers(modulus, 1, anchor)
    if 3 * r % m == 0:
        raise TensorRankError(f"3 * {r} is 0 modulo {m}, so that the asking token matches itself; expected another anchor")
    pairs = free_pairs(m, r)
    neutral = np.full(len(pairs), r)
    return np.stack([neutral, pairs[:, 0]], axis=1), np.stack([neutral, pairs[:, 1]], axis=1)


def _numbers(modulus: int, tokens: int, anchor: int) -> tuple[int, int, int]:
    m, n, r = whole_number("modulus", modulus, 1), whole_number("tokens", tokens, 1), whole_number("anchor", anchor, 0)
    if r >= m:
        raise TensorRankError(f"the anchor is {r}; expected a residue from 0 to {m - 1}")
    return m, n, r
