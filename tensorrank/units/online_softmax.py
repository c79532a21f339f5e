"""Softmax averages over tuples of tokens, in batches: a running largest score, denominator and numerator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from opt_einsum import contract

from tensorrank.arguments import as_float
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.resources import amount, refuse_beyond
from tensorrank.errors import TensorRankError

# Batches of more bytes than these gain nothing.
_BATCH = 2**24
_ENTRY = 8
# An exponential takes as long as so many products of a coordinate.
_EXPONENTIAL = 16
# What contract calls the axes: inputs, heads, asking tokens, coordinates; larger numbers are tokens of a tuple.
_INPUT, _HEAD, _ASKED, _COORDINATE, _TUPLE = range(5)


@dataclass(frozen=True)
class BatchSizes:
    """How many inputs, asking tokens and tokens under the first key are taken at a time."""

    inputs: int
    asked: int
    keys: int


@dataclass(frozen=True)
class AttentionSizes:
    """The sizes of one computation: what its batches cost, and which fit.

    The order, heads and dimensions are those of the `AttentionUnit`; an input has so many tokens, and so many ask.
    """

    order: int
    heads: int
    dimension: int
    output_dimension: int
    tokens: int
    asked: int

    def bytes(self, batches: BatchSizes) -> int:
        """The memory that batches of these sizes take, beside tokens and results."""
        m, o, n = self.dimension, self.output_dimension, self.tokens
        # Queries, keys, values and outputs of each input, two of them once more while they are rounded or summed up.
        held = self.asked * (m + 2 * o) + (self.order - 1) * n * (m + o) + 2 * max(n, self.asked) * max(m, o)
        # For every tuple but its first token: the products with the query, the scores, and the averaged values.
        rows = batches.asked * prod([n] * (self.order - 2))
        return _ENTRY * batches.inputs * self.heads * (held + rows * (2 * m + batches.keys + 2 * o + 1))

    def work(self) -> float:
        """The operations that one input takes: a score, an exponential and a product of values for each tuple.

        Infinite where no float holds their number.
        """
        tuples = as_float(self.heads * self.asked * self.tokens ** (self.order - 1))
        return tuples * (self.dimension + self.output_dimension + _EXPONENTIAL)

    def batches(self, count: int, limit: int) -> BatchSizes:
        """The sizes of batches of `count` inputs that fit a limit in bytes; an error if the smallest do not.

        First all keys are taken together, then all asking tokens, then all inputs.

        >>> AttentionSizes(3, 1, 5, 1, 512, 512).batches(8, 2**30)
        BatchSizes(inputs=1, asked=7, keys=512)
        """
        results = _ENTRY * count * self.asked * self.output_dimension
        least = self.bytes(BatchSizes(1, 1, 1))
        refuse_beyond(
            limit,
            results + least,
            f"attention of order {self.order} over {self.tokens} tokens, with {amount(results)} of outputs, one asking "
            "token and one first key at a time,",
            "fewer inputs, tokens or asking tokens, or give more memory",
        )
        budget = max(least, min(limit - results, _BATCH))
        keys = _most(budget, self.tokens, lambda keys: self.bytes(BatchSizes(1, 1, keys)))
        asked = inputs = 1
        if keys == self.tokens:
            asked = _most(budget, self.asked, lambda asked: self.bytes(BatchSizes(1, asked, keys)))
        if asked == self.asked:
            inputs = _most(budget, count, lambda inputs: self.bytes(BatchSizes(inputs, asked, keys)))
        return BatchSizes(inputs, asked, keys)


def softmax_averages(queries: Array, keys: list[Array], values: list[Array], batches: BatchSizes) -> Array:
    """For each asking token the average of products of values over all tuples, weighted by the softmax of the scores.

    The score of (j_1, ..., j_(s-1)) is the sum over coordinates of the product of the query with the keys of the
    tokens; it is shifted by the largest so far, and what was summed before is rescaled when a larger one appears.

    Queries are of shape (inputs, heads, asked, m), each of the s - 1 keys of shape (inputs, heads, tokens, m), and each
    of the s - 1 values of shape (inputs, heads, tokens, output dimension). The averages, of shape (inputs, heads,
    asked, output dimension), are in the arithmetic of these arrays. A score or an average that overflows is an error.

    Source: Milakov, Gimelshein, Online normalizer calculation for softmax (2018).
    """
    averages = np.empty((*queries.shape[:3], values[0].shape[-1]), dtype=queries.dtype)
    for start in range(0, queries.shape[2], batches.asked):
        part = np.s_[:, :, start : start + batches.asked]
        with np.errstate(over="ignore", invalid="ignore"):
            averages[part] = _averages(queries[part], keys, values, batches.keys)
    if not np.isfinite(averages).all():
        raise TensorRankError(f"an output overflows {averages.dtype}; expected values of smaller products")
    return averages


def _averages(queries: Array, keys: list[Array], values: list[Array], step: int) -> Array:
    inputs, heads, asked, _ = queries.shape
    others = list(range(_TUPLE, _TUPLE + len(keys) - 1))
    asking = [_INPUT, _HEAD, _ASKED]
    # contract leaves pairs with matched batch axes to numpy.einsum, which is several times slower than a matrix
    # product; so the one pair that holds all the work, with the first key, is written as a matrix product.
    folded = _contracted(queries, asking, keys[1:], others, [*asking, *others, _COORDINATE])
    folded = folded.reshape(inputs, heads, -1, queries.shape[-1])
    largest = np.full((inputs, heads, asked, 1), -np.inf, dtype=queries.dtype)
    denominators = np.zeros_like(largest)
    numerators = np.zeros((inputs, heads, asked, values[0].shape[-1]), dtype=queries.dtype)
    for start in range(0, keys[0].shape[2], step):
        part = slice(start, start + step)
        scores = (folded @ keys[0][:, :, part].swapaxes(2, 3)).reshape(inputs, heads, asked, -1)
        following = np.maximum(largest, _largest(scores))
        scores -= following
        weights = np.exp(scores, out=scores)
        fading = np.exp(largest - following)
        denominators = fading * denominators + weights.sum(axis=-1, keepdims=True)
        first = weights.reshape(*folded.shape[:3], -1) @ values[0][:, :, part]
        first = first.reshape(inputs, heads, asked, *(value.shape[2] for value in values[1:]), -1)
        numerators *= fading
        numerators += _contracted(first, [*asking, *others], values[1:], others, [*asking, _COORDINATE])
        largest = following
    return numerators / denominators


def softmax_rows(queries: Array, keys: Array, allowed: NDArray[np.bool_] | None = None) -> Array:
    """Softmax over tokens of the scores of queries (..., rows, m) and keys (..., tokens, m): (..., rows, tokens).

    Tokens that a row may not look at, by a mask (rows, tokens), have the weight 0. A score that overflows is an error.

    >>> softmax_rows(np.array([[0.0], [1000.0]]), np.array([[1.0], [-1.0]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        rows: Array = queries @ keys.swapaxes(-1, -2)
    if allowed is not None:
        rows[..., ~allowed] = -np.inf
    rows -= _largest(rows)
    np.exp(rows, out=rows)
    rows /= rows.sum(axis=-1, keepdims=True)
    return rows


def _largest(scores: Array) -> Array:
    """The largest of each row, the axis kept; an overflow is an error."""
    largest: Array = scores.max(axis=-1, keepdims=True)
    # Not a number stays the largest; a score of minus infinity has the weight 0, which is right.
    if not np.isfinite(largest).all():
        raise TensorRankError(f"a score overflows {scores.dtype}; expected queries and keys of smaller products")
    return largest


def _contracted(first: Array, axes: list[int], factors: list[Array], tokens: list[int], output: list[int]) -> Array:
    """The product of an array over `axes` and coordinates with factors (inputs, heads, tokens, coordinates)."""
    terms: list[object] = [first, [*axes, _COORDINATE]]
    for factor, token in zip(factors, tokens, strict=True):
        terms += [factor, [_INPUT, _HEAD, token, _COORDINATE]]
    return np.asarray(contract(*terms, output))


def _most(budget: int, top: int, cost: Callable[[int], int]) -> int:
    """The largest number up to `top`, at least 1, whose cost, an affine function of it, is within the budget."""
    each = cost(1) - cost(0)
    return max(1, min(top, (budget - cost(0)) // each))
