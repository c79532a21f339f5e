"""The weights of a self-attention network, drawn from GF(p) or given by a user."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.separation.named_weights import Shapes, checked_weights, random_weights

NAMES = ("query", "key", "value", "output")


def weight_shapes(
    depth: int,
    width: int,
    heads: int,
    head_dim: int,
    kv_heads: int | None = None,
    embedding_rank: int | None = None,
    positions: int = 0,
) -> Shapes:
    """The shapes of the weights of a self-attention network: for every name the axes in words, and the shape.

    Args:
        depth: L.
        width: d.
        heads: H.
        head_dim: a.
        kv_heads: the number of W_K and W_V in a layer; None stands for as many as heads.
        embedding_rank: r, the number of columns of the embedding matrix, or None without one.
        positions: the number of position vectors, 0 without them.
    """
    shared = heads if kv_heads is None else kv_heads
    group = "heads" if shared == heads else "kv_heads"
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "query": ("depth, heads, head_dim, width", (depth, heads, head_dim, width)),
        "key": (f"depth, {group}, head_dim, width", (depth, shared, head_dim, width)),
        "value": (f"depth, {group}, head_dim, width", (depth, shared, head_dim, width)),
        "output": ("depth, heads, width, head_dim", (depth, heads, width, head_dim)),
    }
    if embedding_rank is not None:
        shapes["embedding"] = ("width, embedding_rank", (width, embedding_rank))
    if positions:
        shapes["positions"] = ("tokens, width", (positions, width))
    return shapes


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """The weights of a self-attention network: residues, floats, or whole numbers and fractions of Python (objects).

    Attributes:
        query, key, value: W_Q, W_K and W_V, of shape (depth, heads, head_dim, width). W_K and W_V may have fewer heads,
            which are then shared.
        output: W_O, of shape (depth, heads, width, head_dim).
        embedding: E, of shape (width, embedding_rank), or None.
        positions: position vectors, of shape (tokens, width), or None.
    """

    query: Array
    key: Array
    value: Array
    output: Array
    embedding: Array | None = None
    positions: Array | None = None

    @classmethod
    def random(cls, shapes: Shapes, field: PrimeField, rng: np.random.Generator) -> AttentionWeights:
        """Weights drawn from GF(p), uniformly."""
        return cls(**random_weights(shapes, field, rng))

    @classmethod
    def of(cls, weights: Mapping[str, ArrayLike], shapes: Shapes) -> AttentionWeights:
        """Weights given by the names of the shapes: a dictionary, or what numpy.load gives.

        Raises:
            WeightsError: if a name is missing or unknown, or an array has another shape or holds NaN or infinity.
        """
        return cls(**checked_weights(weights, shapes))

    def image(self, field: PrimeField) -> AttentionWeights:
        """The exact image of these weights in GF(p)."""
        given = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(self, **{name: field.image(array) for name, array in given.items() if array is not None})

    def by_head(self) -> AttentionWeights:
        """These weights with a W_K and W_V for every head, shared ones repeated."""
        sharing = self.query.shape[1] // self.key.shape[1]
        if sharing == 1:
            return self
        return replace(self, key=np.repeat(self.key, sharing, axis=1), value=np.repeat(self.value, sharing, axis=1))
