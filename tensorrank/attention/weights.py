"""The weights of a self-attention network, drawn from GF(p) or given by a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Array
from tensorrank.separation.named_weights import Shapes, checked_weights


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """The weights of a self-attention network: residues, floats, or whole numbers and fractions of Python (objects).

    Attributes:
        query, key, value: W_Q, W_K and W_V, of shape (depth, heads, head_dim, width). W_K and W_V may have fewer heads,
            which are then shared.
        output: W_O, of shape (depth, heads, width, head_dim).
        embedding: E, of shape (width, embedding_rank), or None.
        positions: position vectors, of shape (tokens, width), or None.
        up, gate: W_U and W_G of bilinear feedforward layers, of shape (depth, hidden, width), or None.
        down: W_D, of shape (depth, width, hidden), or None.
    """

    query: Array
    key: Array
    value: Array
    output: Array
    embedding: Array | None = None
    positions: Array | None = None
    up: Array | None = None
    gate: Array | None = None
    down: Array | None = None

    @classmethod
    def of(cls, weights: Mapping[str, ArrayLike], shapes: Shapes) -> AttentionWeights:
        """Weights given by name, checked as `checked_weights` does."""
        return cls(**checked_weights(weights, shapes))

    def by_head(self) -> AttentionWeights:
        """The weights with a W_K and W_V for every head, shared ones repeated."""
        sharing = self.query.shape[1] // self.key.shape[1]
        if sharing == 1:
            return self
        return replace(self, key=np.repeat(self.key, sharing, axis=1), value=np.repeat(self.value, sharing, axis=1))
