"""The weights of a self-attention network: drawn from GF(p), or a user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.prime_field import PrimeField, as_given
from tensorrank.errors import WeightsError

NAMES = ("query", "key", "value", "output")


@dataclass(frozen=True, eq=False)
class AttentionWeights:
    """W_Q, W_K, W_V of shape (depth, heads, head_dim, width) and W_O of shape (depth, heads, width, head_dim).

    The arrays hold residues, floats, or Python whole numbers and fractions (dtype object).
    """

    query: NDArray[Any]
    key: NDArray[Any]
    value: NDArray[Any]
    output: NDArray[Any]

    @classmethod
    def random(
        cls, depth: int, width: int, heads: int, head_dim: int, field: PrimeField, rng: np.random.Generator
    ) -> AttentionWeights:
        """Uniform residues."""
        inner = (depth, heads, head_dim, width)
        outer = (depth, heads, width, head_dim)
        return cls(*(field.random(shape, rng) for shape in (inner, inner, inner, outer)))

    @classmethod
    def of(
        cls, weights: Mapping[str, ArrayLike], depth: int, width: int, heads: int, head_dim: int
    ) -> AttentionWeights:
        """The weights under the names query, key, value and output (a dictionary, or what numpy.load gives).

        Raises:
            WeightsError: if a name is missing or unknown, or an array has another shape or holds NaN or infinity.
        """
        if not isinstance(weights, Mapping):
            raise WeightsError(
                f"weights of type {type(weights).__name__} were given; expected a mapping of names to arrays"
            )
        if set(weights) != set(NAMES):
            raise WeightsError(f"weights named {', '.join(sorted(weights))} were given; expected {', '.join(NAMES)}")
        arrays = {}
        for name in NAMES:
            array = as_given(weights[name])
            expected = (depth, heads, width, head_dim) if name == "output" else (depth, heads, head_dim, width)
            if array.shape != expected:
                axes = "depth, heads, width, head_dim" if name == "output" else "depth, heads, head_dim, width"
                raise WeightsError(f"weights {name!r} have shape {array.shape}; expected {expected} ({axes})")
            endless = np.vectorize(_is_endless, otypes=[bool])(array)
            if endless.any():
                where = tuple(int(i) for i in np.argwhere(endless)[0])
                raise WeightsError(f"weights {name!r} are {array[where]} at {where}; expected finite numbers")
            arrays[name] = array
        return cls(**arrays)

    def image(self, field: PrimeField) -> AttentionWeights:
        """The exact image of these weights in GF(p)."""
        return AttentionWeights(*(field.image(getattr(self, name)) for name in NAMES))


def _is_endless(entry: Any) -> bool:
    return isinstance(entry, float | np.floating) and not math.isfinite(entry)
