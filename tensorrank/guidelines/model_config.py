"""A transformer as its configuration describes it: depth, width, heads, vocabulary, and exact counts of parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tensorrank.attention import bounds
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

Role = Literal["decoder", "encoder"]


@checked
@dataclass(frozen=True)
class Stack(Record):
    """A stack of equal layers.

    Attributes:
        role: "decoder" or "encoder".
        depth: the number of layers, L.
        width: the dimension of a token, d.
        heads: the attention heads of a layer.
        kv_heads: the heads with keys and values of their own.
        head_dim: the width of a head: of its queries and keys.
        feed_forward: the inner width of the feed-forward network, or of one expert.
        parameters: the parameters of all layers, and of the norms and position biases that belong to the stack, without
            embeddings. Layers that share weights are counted once.
        idle_parameters: those of the parameters that a token does not use: of the experts that are not chosen for it.
        experts: the experts of a layer among which a router chooses; 0 where there is none.
        experts_per_token: how many of them it chooses.
        value_dim: the width of a head's values where it is another than `head_dim`.
        latent: the numbers of a token of which keys and values of all heads are made, in multi-head latent attention.
        attending_layers: how many of the layers attend, where not all do; the others are of another kind, such as the
            recurrent ones of Mamba.

    Heads and inner width are None in models that do not have them.

    >>> Stack("decoder", 12, 768, 12, 12, 64, 3072, 85056000).to_dict()["heads"]
    12
    """

    derived = ("active_parameters",)
    role: Role
    depth: int
    width: int
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    feed_forward: int | None
    parameters: int
    idle_parameters: int = 0
    experts: int = 0
    experts_per_token: int = 0
    value_dim: int | None = None
    latent: int | None = None
    attending_layers: int | None = None

    @property
    def attends(self) -> bool:
        """True if a layer attends. The fit is of attention, and so are the ranks."""
        return self.attending_layers != 0

    @property
    def active_parameters(self) -> int:
        """The number of parameters that one token uses."""
        return self.parameters - self.idle_parameters

    @property
    def joint_width(self) -> int | None:
        """What the values of all heads have together: the dimensions that attention can write; None without heads."""
        dim = self.head_dim if self.value_dim is None else self.value_dim
        return None if self.heads is None or dim is None else self.heads * dim


@checked
@dataclass(frozen=True)
class ModelConfig(Record):
    """A transformer as its configuration describes it.

    Attributes:
        family: the model_type of the configuration.
        stacks: one stack, or encoder and decoder; none where the layers are not alike.
        vocabulary: the number of tokens of the vocabulary, V; None where inputs are no tokens.
        embedding_rank: the greatest rank of the map from inputs to the width: the least of V, d and the embedding's own
            width; of images, of d and the numbers of a patch.
        context: the number of positions that the model is made for; None where any number will do.
        learned_positions: whether a learned vector of the full width is added to each token.
        embedding_parameters: the parameters of token, position and type embeddings with their norms and projections,
            and of an output embedding that is not shared.
        parameters_without_embeddings: all other parameters.
        notes: what a reader should know of the counts.
        counted_as: the class of models that was counted.
        counted_by: "table", or "transformers" with its version.

    >>> layer = Stack("decoder", 12, 768, 12, 12, 64, 3072, 85056000)
    >>> ModelConfig("gpt2", (layer,), 50257, 768, 1024, True, 39383808, 85056000).parameters
    124439808
    """

    derived = ("parameters", "active_parameters")
    family: str
    stacks: tuple[Stack, ...]
    vocabulary: int | None
    embedding_rank: int
    context: int | None
    learned_positions: bool
    embedding_parameters: int
    parameters_without_embeddings: int
    notes: tuple[str, ...] = ()
    counted_as: str = ""
    counted_by: str = "table"

    @property
    def parameters(self) -> int:
        """The number of all parameters."""
        return self.embedding_parameters + self.parameters_without_embeddings

    @property
    def active_parameters(self) -> int:
        """The number of parameters that one token uses: all but those of experts that are not chosen for it."""
        return self.parameters - sum(stack.idle_parameters for stack in self.stacks)

    @property
    def main_stack(self) -> Stack:
        """The decoder where there is one, as it writes the text; the encoder otherwise.

        Raises:
            TensorRankError: if the model has no stack of equal layers.
        """
        if not self.stacks:
            raise TensorRankError(f"{self.counted_as} has no stack of equal layers; expected depth and width, if you know them")
        return self.stacks[-1]

    @property
    def head_limits(self) -> tuple[Literal["width", "surplus", "patterns"], ...]:
        """What the main stack's heads cannot do; "width" alone is called a bottleneck.

        "width": their dimensions add up to less than the width, so that attention leaves part of it unused.
        "surplus": they add up to more than the width. A token passes from layer to layer in the width's dimensions, and
        the bound on the rank is that of the width, so that dimensions beyond it add nothing to it.
        "patterns": some patterns of attention over the whole context are out of reach. A head of dimension a gives
        every pattern over n independent tokens exactly if a >= n - 1: a constant added to a row of logits changes no
        weight, so that logits of rank n - 1 suffice.

        Sources: Bhojanapalli et al. (ICML 2020, arXiv 2002.07028), theorem 1, which has n in place of n - 1; heads that
        are wider together than the network, Wies, Levine, Jannai, Shashua (ICML 2021, arXiv 2105.03928).
        """
        stack = self.main_stack
        found: list[Literal["width", "surplus", "patterns"]] = []
        if stack.joint_width is not None and stack.joint_width != stack.width:
            found.append("width" if stack.joint_width < stack.width else "surplus")
        if stack.head_dim is not None and (self.context is None or stack.head_dim < self.context - 1):
            found.append("patterns")
        return tuple(found)

    @property
    def log3_vocabulary_bound(self) -> float:
        """log3 of a bound on the separation rank of attention without softmax or mask, given the embeddings' rank.

        The bound is the moment bound at the embeddings' rank. With learned positions of the full width it is the affine
        bound, or the moment bound at the width if that is less.

        Source: Wies, Levine, Jannai, Shashua (ICML 2021, arXiv 2105.03928).
        """
        depth, width = self.main_stack.depth, self.main_stack.width
        rank = min(self.embedding_rank, width)
        if not self.learned_positions:
            return bounds.log3_moment_bound(depth, rank)
        return min(bounds.log3_moment_bound(depth, width), bounds.log3_affine_bound(depth, width, rank))
