"""Self-attention with softmax, evaluated in floating point: its separation rank can only be a numerical one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import as_float, finite_number, whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.attention.stack import AttentionStack
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.separation.architecture import Weights
from tensorrank.separation.named_weights import checked_weights, refuse_large
from tensorrank.separation.numerical_model import NumericalArchitecture, NumericalModel

# Layers are gone through one after the other, for every batch of inputs.
_MOST_LAYERS = 10_000
# Bytes for scores, exponentials and outputs of heads that are held at a time.
_CHUNK = 2**25
# An entry of a projection or a score goes through memory and an exponential, which takes as long as so many operations.
_PASSES, _SCORE = 8, 64
# The key of the stream for weights: a user's inputs of the same seed come from another stream.
_WEIGHTS = 1


@checked
@dataclass(frozen=True)
class SoftmaxAttention(AttentionStack, NumericalArchitecture):
    """A stack of self-attention layers with softmax, whose output is coordinate 0 of one token.

    A layer maps token i to

        x_i' = (x_i +) sum_h W_O^h sum_j p_ij W_V^h x_j,   p_i = softmax_j(scale <W_Q^h x_i, W_K^h x_j>),

    with sums over the heads h and over the tokens j that token i may see. Softmax is no polynomial and has no exact
    arithmetic: `numerical_model` gives the function of the tokens, whose rank is read off singular values.

    Args:
        depth: the number of layers, at most 10000.
        width: the dimension of a token.
        heads: the attention heads of a layer.
        head_dim: the width of a head; width // heads by default, an error if heads does not divide the width.
        tokens: the number of tokens; 2 * width by default, to be given under a causal mask.
        residual: whether a layer's input is added to its output.
        causal: whether a token sees only itself and those before it.
        output_token: the token whose output is studied; 0 by default, the last under a causal mask.
        scale: what scores are multiplied by; 1 / sqrt(head_dim) by default.

    Raises:
        TensorRankError: if a number is out of range, heads does not divide the width, or tokens is missing.

    Source: Vaswani et al., Attention is all you need (NeurIPS 2017), section 3.2.

    >>> SoftmaxAttention(depth=2, width=4, heads=2)
    SoftmaxAttention(depth=2, width=4, heads=2, head_dim=2, tokens=8, residual=False, causal=False, output_token=0,
                     scale=0.7071067811865475)
    """

    _: KW_ONLY
    # None stands for 1 / sqrt(head_dim); after construction this is a number.
    scale: float = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number("depth", self.depth, 1, _MOST_LAYERS)
        # Of a head whose square root no float holds nothing can be computed anyway.
        usual = 1 / math.sqrt(min(self.head_dim, 2**1000))
        object.__setattr__(self, "scale", finite_number("scale", usual if self.scale is None else self.scale))

    def random_weights(self, seed: int | np.random.Generator = 0) -> dict[str, Floats]:
        """Random Gaussian weights of variance 1 / n, where n is the width, for the output heads * head_dim.

        Raises:
            TensorRankError: if the seed is neither a whole number of at least 0 nor a Generator.
        """
        rng = random_stream(seed, _WEIGHTS)
        refuse_large(self.shapes)
        weights = {}
        for name, (_, shape) in self.shapes.items():
            fan_in = self.heads * self.head_dim if name == "output" else self.width
            weights[name] = rng.standard_normal(shape) / math.sqrt(fan_in)
        return weights

    def values(self, weights: Weights, inputs: ArrayLike) -> Floats:
        """The values at inputs of shape (count, tokens, width): coordinate 0 of the output token, shape (count,).

        Raises:
            WeightsError: if weights have other names or shapes than `shapes` says, or are not finite numbers.
            TensorRankError: if the inputs have another shape.
        """
        return SoftmaxFunction(self, self._checked(weights))(inputs)

    def numerical_model(self, seed: int | np.random.Generator = 0, *, weights: Weights | None = None) -> NumericalModel:
        """The network as a function of its tokens, with random weights or those given.

        Raises:
            WeightsError: if given weights have other names or shapes than `shapes` says, or are not finite numbers.

        >>> from tensorrank.separation.numerical import numerical_separation_rank
        >>> rank = numerical_separation_rank(SoftmaxAttention(depth=1, width=2))
        >>> rank.standing, rank.spectrum.ambiguous
        ('numerical', True)
        """
        drawn = self.random_weights(seed) if weights is None else self._checked(weights)
        return NumericalModel(SoftmaxFunction(self, drawn), self.tokens, site_shape=(self.width,))

    def value_work(self) -> float:
        """The operations that one value takes: projections of all tokens, and scores of all pairs, in every layer.

        Only one token asks in the last layer.
        """
        n, heads, dim = as_float(self.tokens), as_float(self.heads), as_float(self.head_dim)
        projection = heads * dim * (2 * as_float(self.width) + _PASSES)
        score = heads * (4 * dim + _SCORE)
        last = n * (2 * projection + score) + 2 * projection
        return (self.depth - 1) * n * (4 * projection + n * score) + last

    def _checked(self, weights: Weights) -> dict[str, Floats]:
        return {name: array.astype(np.float64) for name, array in checked_weights(weights, self.shapes).items()}


@dataclass(frozen=True, eq=False)
class SoftmaxFunction:
    """A softmax network with its weights fixed, a function from inputs (count, tokens, width) to values (count,).

    Attributes:
        architecture: the network.
        weights: arrays by name, as `SoftmaxAttention.shapes` says.
    """

    architecture: SoftmaxAttention
    weights: Mapping[str, Floats]

    def __call__(self, inputs: ArrayLike) -> Floats:
        """The values of the inputs, computed in pieces so that the scores of long inputs fit into memory.

        Raises:
            TensorRankError: if the inputs have another shape.
        """
        a = self.architecture
        x = as_floats(inputs, "the inputs")
        if x.ndim != 3 or x.shape[1:] != (a.tokens, a.width):
            raise TensorRankError(
                f"inputs of shape {x.shape} were given; expected (count, {a.tokens}, {a.width}) (count, tokens, width)"
            )
        each = 8 * a.tokens * (2 * a.heads * a.tokens + 4 * a.heads * a.head_dim + 2 * a.width)
        step = max(1, _CHUNK // each)
        pieces = [self._forward(x[start : start + step]) for start in range(0, len(x), step)]
        return np.concatenate(pieces) if pieces else np.zeros(0)

    def __repr__(self) -> str:
        return f"SoftmaxFunction({self.architecture})"

    def _forward(self, x: Floats) -> Floats:
        a = self.architecture
        for layer in range(a.depth):
            asking = np.arange(a.tokens)
            if layer == a.depth - 1:
                asking = asking[a.output_token : a.output_token + 1]  # the outputs of the others are not used
            x = self._layer(layer, x, asking)
        return x[:, 0, 0]

    def _layer(self, layer: int, x: Floats, asking: Integers) -> Floats:
        """The outputs of the tokens that ask, from shape (count, tokens, width) to (count, asking, width)."""
        a = self.architecture
        queries = self._heads("query", layer, x[:, asking])
        keys, values = self._heads("key", layer, x), self._heads("value", layer, x)
        scores = a.scale * (queries @ keys.swapaxes(-1, -2))
        if a.causal:
            scores = np.where(np.arange(a.tokens) <= asking[:, None], scores, -np.inf)
        seen = softmax(scores) @ values
        output = self.weights["output"][layer]
        joined = seen.swapaxes(1, 2).reshape(len(x), len(asking), -1)
        following: Floats = joined @ output.swapaxes(1, 2).reshape(-1, a.width)
        if a.residual:
            following += x[:, asking]
        return following

    def _heads(self, name: str, layer: int, x: Floats) -> Floats:
        """The projections of tokens by one kind of weights, of shape (count, heads, tokens, head_dim)."""
        a = self.architecture
        projected: Floats = x @ self.weights[name][layer].reshape(-1, a.width).T
        return projected.reshape(*x.shape[:2], a.heads, a.head_dim).swapaxes(1, 2)


def softmax(scores: Floats) -> Floats:
    """The softmax of scores: exp(scores) divided by its sum over the last axis; a masked score, -inf, gives 0.

    The largest score of each row is subtracted first, so that no exponential overflows.

    >>> softmax(np.array([[1000.0, 1000.0, -np.inf]]))
    array([[0.5, 0.5, 0. ]])
    """
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    rows: Floats = shifted / shifted.sum(axis=-1, keepdims=True)
    return rows
