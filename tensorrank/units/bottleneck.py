"""The softmax bottleneck: which attention patterns a head of a given dimension can produce, exactly.

A head sees n tokens x_i, the columns of X (d x n). Its scores are X^T W X, where W = W_Q^T W_K has at most the rank
d_k, the head dimension, and row i of its attention pattern is the softmax of row i of the scores: what token i attends
to. A pattern is given by its logits S (n x n): the softmax of each row, where a constant added to a row changes
nothing.

Theorem. Let the columns of D be the differences e_j - e_0, j = 1..n-1. Some head produces the pattern if and only if
the columns of S D lie in the span of those of X^T, and its rows in the span of those of X D. The least head dimension
is then the rank of S D, at most n - 1.

Proof. A head produces it if and only if X^T W X - S has constant rows, that is, rows orthogonal to the columns of D,
which span the vectors of sum 0: X^T W (X D) = S D. Write this as A W B = C. Clearly the spans of C must lie in those
of A and B, and rank W >= rank C. If they do, the pseudoinverses give a solution W = A^+ C B^+, for A A^+ C = C and
C B^+ B = C, and its rank is no more than that of C. (Penrose 1955 for the equation A W B = C.)

If the tokens are linearly independent, both conditions hold for every pattern: then n - 1 dimensions always suffice,
and nearly all patterns need them. Bhojanapalli, Yun, Rawat, Reddi and Kumar (Low-rank bottleneck in multi-head
attention models, ICML 2020, Theorem 1, B20) show that n suffice for such tokens, and give two tokens with a pattern
that no head of dimension 1 produces. This is no contradiction: their tokens have dimension 1 as well and so are
linearly dependent, and that, not the head dimension, is what the pattern fails on. No pattern needs exactly n
dimensions: either n - 1 do, or no number does.

All this is about patterns met exactly. To come near to one may take far less: a head of dimension 2 attends to the
token itself as closely as one likes, with the tokens' keys on a circle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import softmax

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.rational_rank import rational_rank
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.networks.entries import random_entries
from tensorrank.records import Record

# Python's whole numbers, of any size.
Whole = NDArray[np.object_]

# Float64 holds every whole number up to this.
_EXACT = 2**53
# How far the pattern of the head in float64 may lie from the one asked for.
_CLOSE = 1e-9


class Head(NamedTuple):
    """The weights of a head, float64 arrays of shape (head dimension, token dimension).

    Attributes:
        query: W_Q.
        key: W_K; the score of tokens i and j is the inner product of W_Q x_i and W_K x_j, not divided by anything.
    """

    query: Floats
    key: Floats


@checked
def least_head_dimension(logits: ArrayLike, tokens: ArrayLike | None = None, *, threads: int | None = None) -> int | None:
    """The least dimension of a head that produces an attention pattern, exact.

    Args:
        logits: whole numbers of shape (n, n), or these times any positive number: row i is what token i attends to.
        tokens: whole numbers of shape (d, n), a column each; linearly independent ones if None (which ones is all
            the same).
        threads: for elimination.

    Returns:
        The rank of the differences of the logits in a row; None if no head of any dimension produces the pattern. It
        is proved: where tokens or logits are of low rank and there are thousands of them, that takes its time.

    Raises:
        TensorRankError: if an array has a wrong shape or does not hold whole numbers.

    Source: the theorem in the docstring of this module, `tensorrank.units.bottleneck`, which sharpens Theorem 1 of
    Bhojanapalli et al., Low-rank bottleneck in multi-head attention models (ICML 2020).

    >>> least_head_dimension(np.eye(4, dtype=int)), least_head_dimension(np.ones((4, 4), dtype=int))
    (3, 0)
    >>> tokens, logits, _ = published_counterexample()
    >>> print(least_head_dimension(logits, tokens))
    None
    """
    given = _logits(logits)
    return _least(given, None if tokens is None else _tokens(tokens, len(given)), threads)[0]


@checked
def head_for(logits: ArrayLike, tokens: ArrayLike | None = None, *, threads: int | None = None) -> Head:
    """A head of the least dimension that produces an attention pattern.

    For the logits times a positive number, multiply the queries by it.

    Args:
        logits: as for `least_head_dimension`, below 2^53.
        tokens: as for `least_head_dimension`, below 2^53; the identity if None.
        threads: for elimination.

    Raises:
        TensorRankError: as for `least_head_dimension`, if there is no such head, or if the one found produces the
            pattern only up to more than 1e-9, for want of digits.

    >>> head = head_for([[0, 1], [2, 0]])
    >>> scores = head.query.T @ head.key
    >>> (scores[:, 1] - scores[:, 0]).round(9)
    array([ 1., -2.])
    """
    given = _logits(logits)
    found = np.eye(len(given), dtype=int).astype(object) if tokens is None else _tokens(tokens, len(given))
    dimension, rank, rank_apart = _least(given, found, threads)
    if dimension is None:
        raise TensorRankError(
            f"no head of any dimension produces this pattern of {len(given)} tokens, which span only {rank} "
            "dimensions; expected one that fits them: try linearly independent tokens"
        )
    x, differences = _floats(found, "tokens"), _floats(_differences(given), "differences of logits")
    left, sizes, right = np.linalg.svd(differences, full_matrices=False)
    root = np.sqrt(sizes[:dimension])
    query = (left[:, :dimension] * root).T @ _pseudoinverse(x, rank)
    apart = _pseudoinverse(_floats(_differences(found), "differences of tokens"), rank_apart)
    key = root[:, None] * right[:dimension] @ apart
    scores = (query @ x).T @ (key @ x)
    error = float(np.abs(softmax(scores, axis=1) - softmax(_below_the_largest(given), axis=1)).max())
    if not error <= _CLOSE:
        raise TensorRankError(
            f"the head in float64 misses the pattern by {error:.1e}, more than {_CLOSE}; the tokens are too nearly "
            "dependent or the logits too large: try smaller whole numbers"
        )
    return Head(query, key)


class Counterexample(NamedTuple):
    """Tokens, and an attention pattern that no head produces on them.

    Attributes:
        tokens: of shape (d, n).
        logits: of shape (n, n), up to a positive factor.
        pattern: of shape (n, n), rows of sum 1.
    """

    tokens: Integers
    logits: Integers
    pattern: Floats


def published_counterexample() -> Counterexample:
    """Two tokens of dimension 1, of which the second is 0, and a pattern where it attends to them unequally.

    All scores of a zero token are 0, so that it attends to all tokens alike, whatever the head. The factor of the
    logits is the logarithm of 3. The source writes what a token attends to into a column, here it is a row.

    Source: Bhojanapalli et al., Low-rank bottleneck in multi-head attention models (ICML 2020), proof of Theorem 1.

    >>> published_counterexample().pattern
    array([[0.5 , 0.5 ],
           [0.75, 0.25]])
    """
    return Counterexample(np.array([[1, 0]]), np.array([[0, 0], [1, 0]]), np.array([[1 / 2, 1 / 2], [3 / 4, 1 / 4]]))


@dataclass(frozen=True)
class BottleneckRow(Record):
    """Least head dimensions for n linearly independent tokens, exact.

    Attributes:
        tokens: n.
        random: for a pattern of random logits.
        own: for attending to oneself: one logit for the token itself, another for all others.
        previous: for attending to the token before in the same way, the first token to itself.
        sufficient: the dimension that suffices by B20.
    """

    tokens: int
    random: int
    own: int
    previous: int
    sufficient: int


def bottleneck_table(
    sizes: Sequence[int] = (2, 4, 8, 16, 32), *, seed: int | np.random.Generator = 0, threads: int | None = None
) -> tuple[BottleneckRow, ...]:
    """The least head dimension of three patterns, for several numbers of tokens.

    Args:
        sizes: the numbers of tokens n.
        seed: of the random logits, whole numbers from -999 to 999.
        threads: for elimination.

    Raises:
        TensorRankError: if sizes are no list, or one is not a whole number of at least 1.

    >>> for row in bottleneck_table((2, 8)):
    ...     print(row)
    BottleneckRow(tokens=2, random=1, own=1, previous=1, sufficient=2)
    BottleneckRow(tokens=8, random=7, own=7, previous=7, sufficient=8)
    """
    given = things(sizes)
    if given is None:
        raise TensorRankError(f"sizes are {shown(sizes)}; expected a list of numbers of tokens, such as [2, 4, 8]")
    rows = []
    for position, size in enumerate(given):
        n = whole_number("the number of tokens", size, 1)
        refuse_beyond(memory_limit(None), 8 * 6 * n**2, f"a table of {shown(n)} tokens", "fewer")
        own = np.eye(n, dtype=np.int64)
        patterns = (random_entries((n, n), random_stream(seed, position)), own, own[np.maximum(np.arange(n) - 1, 0)])
        random, itself, previous = (_rank(_differences(_logits(logits)), threads) for logits in patterns)
        rows.append(BottleneckRow(n, random, itself, previous, sufficient=n))
    return tuple(rows)


def _least(logits: Whole, tokens: Whole | None, threads: int | None) -> tuple[int | None, int, int]:
    """The least head dimension, if there is one, and the ranks of the tokens and of their differences."""
    n, scores = len(logits), _differences(logits)
    dimension = _rank(scores, threads)
    rank = n if tokens is None else _rank(tokens, threads)
    if tokens is None or rank == n:
        return dimension, n, n - 1
    differences = _differences(tokens)
    apart = _rank(differences, threads)
    fits = _rank(np.hstack([tokens.T, scores]), threads) == rank and _rank(np.vstack([differences, scores]), threads) == apart
    return dimension if fits else None, rank, apart


def _rank(matrix: Whole, threads: int | None) -> int:
    """The rank over the rationals, proved whatever the work."""
    return rational_rank(
        matrix.astype(np.int64) if _largest(matrix) <= _EXACT else matrix, work=math.inf, threads=threads
    ).value


def _differences(matrix: Whole) -> Whole:
    return np.asarray(matrix[:, 1:] - matrix[:, :1])


def _whole(given: ArrayLike, what: str, rows: int | None, columns: int | None, layout: str) -> Whole:
    array = as_given(given)
    fits = array.ndim == 2 and rows in (None, array.shape[0]) and columns in (None, array.shape[1])
    if not fits or not array.size:
        raise TensorRankError(f"{what} have the shape {array.shape}; expected {layout}, with at least one token")
    odd = [x for x in array.flat if isinstance(x, bool | np.bool_) or not isinstance(x, int | np.integer)]
    if odd:
        raise TensorRankError(f"{what} hold {shown(odd[0])}; expected whole numbers (multiply fractions by a common factor)")
    return np.array([int(x) for x in array.flat], dtype=object).reshape(array.shape)


def _logits(given: ArrayLike) -> Whole:
    array = as_given(given)
    tokens = len(array) if array.ndim else None
    return _whole(array, "logits", tokens, tokens, "(n, n), a row and a column for each token")


def _tokens(given: ArrayLike, n: int) -> Whole:
    return _whole(given, "tokens", None, n, f"(d, {n}), a column each, as many as the logits have")


def _largest(matrix: Whole) -> int:
    return max((abs(int(x)) for x in matrix.flat), default=0)


def _floats(whole: Whole, what: str) -> Floats:
    if _largest(whole) > _EXACT:
        raise TensorRankError(f"{what} exceed 2^53, which float64 does not hold exactly; try smaller whole numbers")
    return whole.astype(np.float64)


def _below_the_largest(logits: Whole) -> Floats:
    """Each row less its largest logit, but no less than -2^53: tokens so far below are not attended to at all."""
    return np.asarray(np.maximum(logits - logits.max(axis=1, keepdims=True), -_EXACT), dtype=np.float64)


def _pseudoinverse(matrix: Floats, rank: int) -> Floats:
    """The pseudoinverse of a matrix of known rank, where no threshold has to tell what is zero."""
    left, sizes, right = np.linalg.svd(matrix, full_matrices=False)
    # What rounding took to 0 is a guess: `head_for` looks at what came of it.
    known = np.maximum(sizes[:rank], np.finfo(np.float64).eps * sizes.max(initial=0.0))
    return np.asarray((right[:rank].T / known) @ left[:, :rank].T)
