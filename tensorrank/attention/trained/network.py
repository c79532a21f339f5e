"""`TrainedAttention`: attention layers with trained weights, as networks whose separation ranks can be computed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from tensorrank.arithmetic.arrays import Array, Floats
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.attention.architecture import SelfAttention
from tensorrank.attention.softmax import SoftmaxAttention
from tensorrank.attention.trained.biases import carried
from tensorrank.attention.trained.blocks import Block
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import WeightsError
from tensorrank.separation.architecture import StandsForModels
from tensorrank.separation.numerical_model import NumericalModel, Sampler

# Random weights are whole numbers below this, so that they are floats without rounding.
_LARGEST = 2**24
_INWARD_BIASES = ("query_bias", "key_bias", "value_bias")
_WEIGHTS = 2
# What a single layer without residual connections leaves out.
CONSTANT = "the bias of W_O, without softmax: a constant added to the output"


@checked
@dataclass(frozen=True, eq=False, repr=False)
class TrainedAttention(EqualByValue, StandsForModels):
    """A stack of attention layers with the weights that training has given them, as `from_torch` reads them.

    It stands for two networks. `without_softmax` gives a `SelfAttention` with these weights, mapped exactly, whose
    separation rank is that of the trained network without softmax. `with_softmax` gives a function in floating point.
    Both are the attention layers alone, one after the other: `left_out` has what else a model does.

    Attributes:
        blocks: the weights of the layers, cut into heads.
        scale: what scores are multiplied by before the softmax. Without softmax they are not: a query (W_Q x) and a key
            count with their product.
        causal: whether a token sees only itself and those before it.
        residual: whether each layer adds its input to its output.
        read: for every layer the names of the tensors that were read.
        left_out: the names of the tensors that were not, of those beneath `under`, and what else is left out, in words.

    Biases of W_Q, W_K and W_V, and with residual connections those of W_O, are carried exactly: by an input coordinate
    that is always 1, so that networks with biases are wider by one. A single layer without residual connections leaves
    the bias of W_O out, a constant, which changes a separation rank by at most one, and says so in `left_out`; a stack
    without residual connections cannot have biases.
    """

    way_round: ClassVar = (
        "try model, weights = trained.without_softmax(tokens=4), and separation_rank(model, weights=weights); or "
        "numerical_separation_rank(trained.with_softmax(tokens=4))"
    )

    blocks: tuple[Block, ...]
    scale: float
    causal: bool
    residual: bool
    read: tuple[tuple[str, ...], ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def depth(self) -> int:
        """The number of layers."""
        return len(self.blocks)

    @property
    def width(self) -> int:
        """The dimension of a token."""
        return int(self.blocks[0].query.shape[-1])

    @property
    def heads(self) -> int:
        """The heads of a layer."""
        return len(self.blocks[0].query)

    @property
    def kv_heads(self) -> int:
        """How many W_K and W_V a layer has."""
        return len(self.blocks[0].key)

    @property
    def head_dim(self) -> int:
        """The width of a head."""
        return int(self.blocks[0].query.shape[1])

    @cached_property
    def biased(self) -> bool:
        """Whether biases are carried, by an input coordinate that is always 1."""
        carried_biases = (*_INWARD_BIASES, "output_bias") if self.residual else _INWARD_BIASES
        return any(getattr(block, name).any() for block in self.blocks for name in carried_biases)

    @property
    def layers(self) -> tuple[TrainedAttention, ...]:
        """Each layer by itself."""
        read = self.read or ((),) * self.depth
        return tuple(self._layer(block, names) for block, names in zip(self.blocks, read, strict=True))

    def _layer(self, block: Block, read: tuple[str, ...]) -> TrainedAttention:
        constant = not self.residual and block.output_bias.any() and CONSTANT not in self.left_out
        left_out = (*self.left_out, CONSTANT) if constant else self.left_out
        return replace(self, blocks=(block,), read=(read,), left_out=left_out)

    def without_softmax(self, tokens: int, *, output_token: int | None = None) -> tuple[SelfAttention, dict[str, Array]]:
        """The network without softmax, and its weights, for `separation_rank(model, weights=weights)`.

        Without `weights` the rank is that of almost all weights of the model's shapes, never smaller.

        Args:
            tokens: the number of tokens, at least 2.
            output_token: the token whose output is studied; by default the first, the last under a causal mask.

        Raises:
            TensorRankError: if tokens or output_token are out of range.
            WeightsError: if there are biases in a stack without residual connections.

        >>> layer = {"in_proj_weight": np.eye(6, 2), "out_proj.weight": np.eye(2)}
        >>> from tensorrank.attention.trained.adapters import from_torch
        >>> model, weights = from_torch(layer, heads=1, causal=False).without_softmax(tokens=4)
        >>> model, weights["query"].shape
        (SelfAttention(depth=1, width=2, heads=1, head_dim=2, tokens=4), (1, 1, 2, 2))
        """
        self._refuse_lost_biases()
        sizes = self._sizes | {"tokens": tokens, "output_token": output_token}
        if not self.biased:
            weights = {name: np.stack([getattr(b, name) for b in self.blocks]) for name in ("query", "key", "value", "output")}
            return SelfAttention(self.depth, self.width, kv_heads=self.kv_heads, **sizes), weights
        lifted = carried(self._carrying, exactly=True)
        model = SelfAttention(
            self.depth, self.width + 1, kv_heads=self.kv_heads, embedding_rank=self.width, positional=True, **sizes
        )
        positions = np.tile(np.append(lifted.shift, 1), (tokens, 1))
        return model, {**lifted.weights, "embedding": np.eye(self.width + 1, self.width), "positions": positions}

    def with_softmax(self, tokens: int, *, output_token: int | None = None, sampler: Sampler | None = None) -> NumericalModel:
        """The network with softmax, as a function of its tokens, for `numerical_separation_rank`.

        Its value is coordinate 0 of the output token, with all biases.

        Args:
            tokens: the number of tokens, at least 2.
            output_token: the token whose output is studied; by default the first, the last under a causal mask.
            sampler: sampler(rng, shape) gives random tokens; standard normal ones by default.

        Raises:
            TensorRankError: if tokens or output_token are out of range.
            WeightsError: if there are biases in a stack without residual connections.
        """
        self._refuse_lost_biases()
        lifted = carried(self._carrying, exactly=False)
        sizes = self._sizes | {"tokens": tokens, "output_token": output_token, "scale": self.scale}
        by_head = {name: np.repeat(array, self.heads // array.shape[1], axis=1) for name, array in lifted.weights.items()}
        network = SoftmaxAttention(self.depth, self.width + 1, **sizes).numerical_model(weights=by_head)
        constant = 0.0 if self.residual else float(self.blocks[0].output_bias[0])
        shift = np.asarray(lifted.shift, dtype=np.float64)

        def trained_attention(x: Floats) -> Floats:
            values: Floats = network.function(np.concatenate([x + shift, np.ones((*x.shape[:2], 1))], axis=2))
            return values + constant

        return NumericalModel(trained_attention, tokens, site_shape=(self.width,), sampler=sampler)

    def drawn(self, seed: int | np.random.Generator = 0) -> TrainedAttention:
        """The network with random weights in place of the trained ones, and random biases where they are not 0.

        Weights are whole numbers. Its rank is, for almost all draws, the largest that networks of this form have. The
        rank without `weights` of a model with biases may be larger: they are free there to be no biases.

        Raises:
            TensorRankError: if the seed is neither a whole number of at least 0 nor a Generator.
        """
        rng = random_stream(seed, _WEIGHTS)

        def draw(array: Floats) -> Floats:
            return rng.integers(1, _LARGEST, array.shape).astype(np.float64) if array.any() else array

        return replace(self, blocks=tuple(Block(**{name: draw(a) for name, a in vars(block).items()}) for block in self.blocks))

    @property
    def _sizes(self) -> dict[str, Any]:
        return {"heads": self.heads, "head_dim": self.head_dim, "residual": self.residual, "causal": self.causal}

    @property
    def _carrying(self) -> tuple[Block, ...]:
        """The layers with the biases that columns of weights carry."""
        if self.residual:
            return self.blocks
        return tuple(replace(block, output_bias=np.zeros(self.width)) for block in self.blocks)

    def _refuse_lost_biases(self) -> None:
        if not self.residual and self.depth > 1 and (self.biased or any(block.output_bias.any() for block in self.blocks)):
            raise WeightsError(
                f"there are biases in {self.depth} layers without residual connections, which lose the coordinate that carries "
                "them; expected residual=True, or one layer, as in `layers` of the trained network"
            )

    def __repr__(self) -> str:
        sizes: dict[str, Any] = {"depth": self.depth, "width": self.width, "heads": self.heads, "kv_heads": self.kv_heads}
        sizes |= {"head_dim": self.head_dim, "scale": self.scale, "causal": self.causal, "residual": self.residual}
        parts = [f"{name}={value!r}" for name, value in sizes.items()]
        return f"TrainedAttention({', '.join(parts)}{', with biases' if self.biased else ''})"
