"""The values of self-attention without softmax in floats, at random inputs, to see what rounding leaves of a rank."""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.attention.evaluate import forward_tokens, moment_rows
from tensorrank.attention.stack import AttentionStack
from tensorrank.attention.weights import AttentionWeights
from tensorrank.separation.partition import Bipartition

# Entries of moment matrices that pass through the layers together.
_TOGETHER = 2**20


def float_grid(
    model: AttentionStack, weights: AttentionWeights, partition: Bipartition, count: int, rng: np.random.Generator
) -> Floats:
    """The values at all pairs of so many inputs of side A (rows) and of side B (columns), standard normal ones.

    Args:
        model: the sizes of the network.
        weights: its weights in floats, with a W_K and W_V for every head.
        partition: the two sides.
        count: the rows, and the columns.
        rng: gives the inputs.
    """
    width = model.width if weights.embedding is None else weights.embedding.shape[1]
    sides = [rng.standard_normal((count, len(sites), width)) for sites in (partition.a, partition.b)]
    if weights.embedding is not None:
        sides = [side @ weights.embedding.T for side in sides]
    if weights.positions is not None:
        sides = [side + weights.positions[list(sites)] for side, sites in zip(sides, (partition.a, partition.b), strict=True)]
    rows, columns = sides
    if model.causal or weights.up is not None:
        return np.stack([_by_tokens(model, weights, partition, row, columns) for row in rows])
    if model.output_token in partition.a:
        return _by_moments(model, weights, rows[:, partition.a.index(model.output_token)], rows, columns)
    return _by_moments(model, weights, columns[:, partition.b.index(model.output_token)], columns, rows).T


def _by_moments(model: AttentionStack, weights: AttentionWeights, tokens: Floats, near: Floats, far: Floats) -> Floats:
    """The values at all pairs of the output token's side, with its output tokens, and the other side."""
    moments, others = (side.swapaxes(1, 2) @ side for side in (near, far))
    step = max(1, _TOGETHER // others.size)
    values = np.empty((len(near), len(far)))
    for first in range(0, len(near), step):
        part = slice(first, first + step)
        sums = (moments[part, None] + others).reshape(-1, *moments.shape[1:])
        rows = moment_rows(weights, sums, residual=model.residual).reshape(-1, len(far), tokens.shape[1])
        values[part] = (rows @ tokens[part, :, None])[..., 0]
    return values


def _by_tokens(
    model: AttentionStack, weights: AttentionWeights, partition: Bipartition, row: Floats, columns: Floats
) -> Floats:
    """The values of one row, under a causal mask or with feedforward layers."""
    inputs = np.empty((len(columns), model.tokens, columns.shape[-1]))
    inputs[:, list(partition.a)] = row
    inputs[:, list(partition.b)] = columns
    outputs: Floats = forward_tokens(weights, inputs, residual=model.residual, causal=model.causal)
    return outputs[:, model.output_token, 0]
