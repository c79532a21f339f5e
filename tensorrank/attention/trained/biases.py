"""Biases carried exactly: by a coordinate that is 1 in every token, and by a fixed shift of all tokens.

A bias is a column more of W_Q, W_K or W_V, for a coordinate of the tokens that is always 1. Attention adds nothing to
it (its row of W_O is 0), so that with residual connections it stays 1 in all layers. W_O has no such column: what it
multiplies is a sum over tokens. But with residual connections the biases b_l of W_O only shift the tokens. Let B be the
sum of all of them and B_l the sum of those before layer l. Tokens are given B from the beginning, so that they are
y_l = x_l + B - B_l where they were x_l. Layer l needs W x_l = W y_l + W (B_l - B), which is one more bias, and behind
the last layer y = x: the network is the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tensorrank.arithmetic.arrays import Array
from tensorrank.attention.trained.blocks import Block
from tensorrank.equal_values import EqualByValue

# How exact numbers are made of floats: floats as they are, or fractions.
Exact = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Carried(EqualByValue):
    """The weights of layers with an input coordinate more, which is 1.

    Attributes:
        weights: query, key, value and output by name, with `width` + 1 for the width.
        shift: what every token is given besides, the sum of the biases of W_O; of shape (width,).
    """

    weights: dict[str, Array]
    shift: Array


def carried(blocks: Sequence[Block], *, exactly: bool) -> Carried:
    """The layers with residual connections, or a single one, whose biases are columns of their weights.

    Args:
        blocks: the layers. Of a single layer without residual connections the output bias has to be 0.
        exactly: whether products of weights and biases are fractions of Python, without rounding; floats otherwise.
    """
    turned = fractions if exactly and any(block.output_bias.any() for block in blocks) else _as_they_are
    shift: Array = sum((turned(block.output_bias) for block in blocks), start=np.zeros_like(blocks[0].output_bias, dtype=int))
    before: Array = -shift
    layers: list[dict[str, Array]] = []
    for block in blocks:
        inward = {"query": block.query_bias, "key": block.key_bias, "value": block.value_bias}
        columns = {name: turned(bias) + turned(getattr(block, name)) @ before for name, bias in inward.items()}
        lifted = {name: np.concatenate([getattr(block, name), column[..., None]], axis=-1) for name, column in columns.items()}
        layers.append({**lifted, "output": np.pad(block.output, ((0, 0), (0, 1), (0, 0)))})
        before = before + turned(block.output_bias)
    return Carried({name: np.stack([layer[name] for layer in layers]) for name in layers[0]}, shift)


def fractions(array: Array) -> Array:
    """Floats as the fractions that they are, an array of Python's objects."""
    exact: Any = np.vectorize(Fraction, otypes=[object])(array)
    return np.asarray(exact, dtype=object)


def _as_they_are(array: Array) -> Array:
    return array
