"""Attention units: one layer of softmax attention over tokens, or over pairs, triples, ... of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.given_arrays import as_array, as_floats
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.notebook_tables import NotebookTable
from tensorrank.tasks.task import checked_token
from tensorrank.units.online_softmax import AttentionSizes, softmax_averages, softmax_rows
from tensorrank.units.precision import FLOAT64, Precision, PrecisionLike, precision_of

_ENTRY = 8


@checked
@dataclass(frozen=True, eq=False, repr=False)
class AttentionUnit(EqualByValue, NotebookTable):
    """Softmax attention of order s: every token asks all (s - 1)-tuples of tokens.

    Token i has the query q_i = Q x_i, the keys k^a_i = K^a x_i and the values v^a_i = V^a x_i, a = 1..s-1, and

        score(i; j_1..j_(s-1)) = sum_c q_ic k^1_(j_1 c) ... k^(s-1)_(j_(s-1) c),
        output_i = sum over heads, sum over tuples of softmax(score) v^1_(j_1) * ... * v^(s-1)_(j_(s-1)),

    * being the product coordinate by coordinate. Order 2 is the usual unit, softmax(X Q^T K X^T) X V^T. Scores are not
    scaled: scale the query. Queries, keys and values are computed in float64 and then rounded to the precision.

    Attributes:
        query: Q, of shape (heads, m, token dimension).
        keys: K^1..K^(s-1), each of shape (heads, m, token dimension).
        values: V^1..V^(s-1), each of shape (heads, output dimension, token dimension).
        precision: a `Precision`, or what `precision_of` makes one from.
        token_range: the largest magnitude of each coordinate of a token, one number or one for each. Only fixed point
            uses it: it gives every array the range that its steps cover, whatever the inputs are.

    Raises:
        TensorRankError: if shapes do not fit each other, entries are not finite, or there is no such precision.

    Sources: S23 (Sanford, Hsu, Telgarsky, Representational strengths and limitations of transformers, NeurIPS 2023),
    the self-attention unit and the s-order tensor attention of the section on Match3.

    >>> copy = np.eye(2)[None]
    >>> unit = AttentionUnit(1000 * copy, (copy,), (copy,))
    >>> unit([[[1, 0], [0, 1]]])
    array([[[1., 0.],
            [0., 1.]]])
    >>> unit
    AttentionUnit(order 2, dimension 2, 1 head, output dimension 2, float64)
    """

    query: Floats
    keys: tuple[Floats, ...]
    values: tuple[Floats, ...]
    _: KW_ONLY
    precision: Precision = FLOAT64
    token_range: ArrayLike = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "precision", precision_of(self.precision))
        query = _weights(self.query, "the query")
        keys, values = _all_weights(self.keys, "key"), _all_weights(self.values, "value")
        if not keys or len(keys) != len(values):
            raise TensorRankError(
                f"{len(keys)} keys and {len(values)} values were given; expected s - 1 of each for an order s from 2"
            )
        heads, _, width = query.shape
        of_values = (heads, values[0].shape[1], width)
        for what, matrices, shape in (("key", keys, query.shape), ("value", values, of_values)):
            for number, matrix in enumerate(matrices, 1):
                if matrix.shape != shape:
                    raise TensorRankError(
                        f"{what} {number} has the shape {matrix.shape}; expected {shape} (heads, dimension, token dimension)"
                    )
        token_range = as_floats(self.token_range, "the range of tokens", finite=True)
        if token_range.shape not in ((), query.shape[2:]) or (token_range < 0).any():
            raise TensorRankError(
                f"the range of tokens is {shown(self.token_range)}; expected one number of at least 0, or one for each of "
                f"{query.shape[2]} coordinates"
            )
        for name, array in (("query", query), ("keys", keys), ("values", values)):
            object.__setattr__(self, name, array)
        object.__setattr__(self, "token_range", np.broadcast_to(token_range, query.shape[2:]))

    def __repr__(self) -> str:
        heads = f"{self.heads} head{'s' if self.heads > 1 else ''}"
        return (
            f"AttentionUnit(order {self.order}, dimension {self.dimension}, {heads}, "
            f"output dimension {self.output_dimension}, {self.precision})"
        )

    @property
    def order(self) -> int:
        """The s of the tuples (i, j_1, ..., j_(s-1)): 2 for usual attention."""
        return len(self.keys) + 1

    @property
    def heads(self) -> int:
        """The number of heads, H."""
        return int(self.query.shape[0])

    @property
    def dimension(self) -> int:
        """The dimension of queries and keys, m."""
        return int(self.query.shape[1])

    @property
    def token_dimension(self) -> int:
        """The coordinates of a token."""
        return int(self.query.shape[2])

    @property
    def output_dimension(self) -> int:
        """The dimension of values and outputs."""
        return int(self.values[0].shape[1])

    @property
    def size(self) -> int:
        """The product m H p in bits that the lower bounds of S23 are about; float64 counts as p = 64.

        In these bounds m is the dimension of queries and keys, or that of values where it is larger.
        """
        return max(self.dimension, self.output_dimension) * self.heads * self.precision.bits

    def at(self, precision: PrecisionLike) -> AttentionUnit:
        """A copy of the unit at another precision.

        Raises:
            TensorRankError: if there is no such precision.
        """
        return replace(self, precision=precision_of(precision))

    def __call__(self, tokens: ArrayLike, *, asking: Sequence[int] | None = None, memory: int | str | None = None) -> Floats:
        """The outputs of the asking tokens.

        All tuples are summed over in batches, so that memory stays bounded; the batches change nothing but rounding.

        Args:
            tokens: of shape (count, N, token dimension).
            asking: the numbers of the tokens whose outputs are wanted; all by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            Of shape (count, asked, output dimension), as float64 at every precision.

        Raises:
            TensorRankError: if tokens have another shape or are not finite, no such token asks, a score or an
                output overflows, or not even the smallest batches fit into the memory.
        """
        x = self._tokens(tokens)
        asked = asked_tokens(asking, x.shape[1])
        batches = self._sizes(x.shape[1], len(asked)).batches(len(x), memory_limit(memory))
        outputs = np.empty((len(x), len(asked), self.output_dimension))
        for start in range(0, len(x), batches.inputs):
            part = x[start : start + batches.inputs]
            averages = softmax_averages(
                self._projected(part[:, asked], self.query),
                [self._projected(part, key) for key in self.keys],
                [self._projected(part, value) for value in self.values],
                batches,
            )
            averages.sum(axis=1, out=outputs[start : start + batches.inputs], dtype=averages.dtype)
        return outputs

    def work(self, tokens: int, asked: int | None = None) -> float:
        """The operations that one input of so many tokens takes, of which so many ask; all by default.

        >>> unit = AttentionUnit(np.ones((1, 1, 1)), (np.ones((1, 1, 1)),), (np.ones((1, 1, 1)),))
        >>> unit.work(2000) / unit.work(1000)
        4.0
        """
        count = whole_number("tokens", tokens, 1)
        return self._sizes(count, count if asked is None else whole_number("asked", asked, 0)).work()

    def _sizes(self, tokens: int, asked: int) -> AttentionSizes:
        return AttentionSizes(self.order, self.heads, self.dimension, self.output_dimension, tokens=tokens, asked=asked)

    def attention(self, tokens: ArrayLike, *, asking: Sequence[int] | None = None, memory: int | str | None = None) -> Floats:
        """The rows of attention of a unit of order 2: how much each asking token looks at each token.

        Args:
            tokens: of shape (count, N, token dimension).
            asking: the numbers of the tokens whose rows are wanted; all by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            Of shape (count, heads, asked, N), as float64; every row sums to 1.

        Raises:
            TensorRankError: if the order is not 2, or as a call does; rows are held all at once.

        >>> flat = AttentionUnit(np.zeros((1, 1, 1)), (np.ones((1, 1, 1)),), (np.ones((1, 1, 1)),))
        >>> flat.attention([[[1], [2], [3], [4]]], asking=[0])
        array([[[[0.25, 0.25, 0.25, 0.25]]]])
        """
        if self.order != 2:
            raise TensorRankError(f"rows of attention were asked of order {self.order}; only order 2 has them")
        x = self._tokens(tokens)
        asked = asked_tokens(asking, x.shape[1])
        count, n, _ = x.shape
        needed = 2 * _ENTRY * count * self.heads * (len(asked) * (n + self.dimension) + n * self.dimension)
        what = f"{count} x {self.heads} x {len(asked)} rows over {n} tokens"
        refuse_beyond(memory_limit(memory), needed, what, "fewer inputs or asking tokens, or give more memory")
        rows = softmax_rows(self._projected(x[:, asked], self.query), self._projected(x, self.keys[0]))
        return rows.astype(np.float64, copy=False)

    def masked(self, tokens: ArrayLike, allowed: ArrayLike | None = None) -> Floats:
        """The outputs of all tokens of a unit of order 2, each of which looks at those that a mask allows.

        Args:
            tokens: of shape (count, N, token dimension).
            allowed: (N, N) of bool, a row for each token that asks, with one token at least in it; all by default.

        Returns:
            Of shape (count, N, output dimension), as float64 at every precision.

        Raises:
            TensorRankError: if the order is not 2, tokens or mask have another shape, or a score overflows.

        >>> last = AttentionUnit(np.ones((1, 1, 1)), (50 * np.ones((1, 1, 1)),), (np.ones((1, 1, 1)),))
        >>> last.masked(np.array([[[1.0], [2.0], [3.0]]]), np.tri(3, dtype=bool))[0, :, 0]
        array([1., 2., 3.])
        """
        if self.order != 2:
            raise TensorRankError(f"a mask was given to a unit of order {self.order}; only order 2 takes one")
        x = self._tokens(tokens)
        mask = None if allowed is None else _mask(allowed, x.shape[1])
        query, key, value = (self._projected(x, weights) for weights in (self.query, self.keys[0], self.values[0]))
        averages = softmax_rows(query, key, mask) @ value
        return np.asarray(averages.sum(axis=1), dtype=np.float64)

    def _projected(self, tokens: Floats, weights: Floats) -> Array:
        """Queries, keys or values of shape (count, heads, tokens, coordinates), rounded to the precision."""
        bound = float((np.abs(weights) @ np.asarray(self.token_range, dtype=np.float64)).max(initial=0.0))
        with np.errstate(over="ignore", invalid="ignore"):
            return self.precision.rounded(tokens[:, None] @ weights.swapaxes(1, 2), bound)

    def _tokens(self, tokens: ArrayLike) -> Floats:
        x = as_floats(tokens, "the tokens", finite=True)
        if x.ndim != 3 or x.shape[2] != self.token_dimension or not x.shape[1]:
            raise TensorRankError(
                f"tokens of the shape {x.shape} were given; expected (count, N, {self.token_dimension}) with at least one token"
            )
        return x


def asked_tokens(asking: Sequence[int] | None, tokens: int) -> list[int]:
    """The asking tokens, each one of 0..N-1: those given, or all of so many.

    >>> asked_tokens(None, 3), asked_tokens([2, 0], 3)
    ([0, 1, 2], [2, 0])
    """
    if asking is None:
        return list(range(tokens))
    return [checked_token(token, tokens) for token in asking]


def _mask(given: ArrayLike, tokens: int) -> NDArray[np.bool_]:
    mask = as_array(given, "the mask")
    if mask.shape != (tokens, tokens) or mask.dtype != np.bool_ or not mask.any(axis=1).all():
        raise TensorRankError(
            f"the mask has the shape {mask.shape} and the type {mask.dtype}; expected bool of ({tokens}, {tokens}), with a "
            "token in every row"
        )
    return mask


def _weights(given: ArrayLike, what: str) -> Floats:
    array = as_floats(given, what, finite=True)
    if array.ndim != 3 or not array.size:
        raise TensorRankError(
            f"{what} has the shape {array.shape}; expected (heads, dimension, token dimension), none of them 0"
        )
    return array


def _all_weights(given: Any, what: str) -> tuple[Floats, ...]:
    found = things(given)
    if found is None:
        raise TensorRankError(f"{what}s are {shown(given)}; expected a tuple of s - 1 arrays")
    return tuple(_weights(one, f"{what} {number}") for number, one in enumerate(found, 1))
