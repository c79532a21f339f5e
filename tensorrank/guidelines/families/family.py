"""What a family is: where its sizes stand in a configuration, and the weights that its models have of these sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tensorrank.guidelines.families.reading import Flag, Reading, Size, Whole
from tensorrank.guidelines.model_config import Role

# A note, or a function that gives it where it applies.
Note = str | Callable[[Reading], str | None]


@dataclass(frozen=True)
class Weights:
    """A linear map from rows to columns, or a vector.

    Attributes:
        rows: the size of what it takes; of a vector, its length.
        columns: the size of what it gives; 1 for a vector.
        bias: whether there is a bias, of the size of what it gives.
        copies: how many there are in a layer, or beside the layers.
        used: how many of the copies one token uses; all where nothing is said. The others are idle.
        layers: how many layers have it; all of them where nothing is said.
        when: whether it is there.
    """

    rows: Size
    columns: Size = 1
    bias: Flag = False
    copies: Size = 1
    used: Size | None = None
    layers: Size | None = None
    when: Flag = True

    def count(self, reading: Reading, layers: int) -> tuple[int, int]:
        """The number of parameters in so many layers, and how many of them are idle."""
        if not reading.flag(self.when):
            return 0, 0
        columns, copies = reading.size(self.columns), reading.size(self.copies)
        each = (reading.size(self.rows) + reading.flag(self.bias)) * columns
        each *= layers if self.layers is None else reading.size(self.layers)
        return copies * each, (copies - (copies if self.used is None else reading.size(self.used))) * each


@dataclass(frozen=True)
class Ending:
    """What a class of models has beside the layers and the embeddings, by the ending of its name.

    Attributes:
        weights: such as the pooler, or the head of a task.
        writes: whether there is an output embedding.
        encoder_alone: whether the class has the first stack only.
        note: what a reader should know of the count.
    """

    weights: tuple[Weights, ...] = ()
    writes: bool = False
    encoder_alone: bool = False
    note: str = ""


@dataclass(frozen=True)
class Family:
    """What the models of a family have in common.

    Sizes are said in one of four ways: a text is a key of config.json that has to be there (several keys of one meaning
    have | between them); a pair is a key with what holds where it is left out; a function computes the size of others;
    anything else is the size itself. Weights refer to sizes by the names of these attributes, and to "queries" and
    "keys": the dimensions of all heads together, and of those with keys and values of their own.

    Attributes:
        prefix: what the names of its classes begin with.
        endings: the classes that are known, by the rest of their names; the first is counted where none is named.
        layer: the weights of a layer.
        depth: layers.
        width: the dimension of a token.
        heads: attention heads of a layer.
        kv_heads: heads with keys and values of their own; as many as heads where it is open.
        head_dim: the width of a head; the width of the network divided by the heads where it is open.
        inner: the inner width of the feed-forward network, or of an expert; four times the width where it is open.
        vocabulary: tokens of the vocabulary; None where inputs are no tokens.
        embedding: the dimension of an embedded token, which is the width where it is open.
        context: the positions that the configuration counts; open where any number will do.
        unused_positions: positions of `context` that no token takes.
        learned_positions: whether a learned vector of the full width is added to each token.
        more: other sizes, by names of the family's own.
        own_layers: how many layers have weights of their own.
        value_dim: the width of a head's values where it is another than `head_dim`.
        latent: the numbers of a token of which the keys and values of all heads are made, where that is so.
        experts: feed-forward networks of a layer among which a router chooses, and how many it chooses.
        second: the weights of a layer that a decoder after an encoder has beside those of `layer`.
        second_depth: layers of a decoder after an encoder.
        ends: weights of each stack beside its layers, such as a last norm.
        embeddings: the weights of embeddings but for the token embedding itself, such as positions and norms.
        tied: whether input and output share one embedding.
        output_bias: whether the output embedding has a bias.
        feed_forward: the inner width that is reported.
        roles: of the stacks, the encoder first; a decoder after an encoder attends to it in each layer.
        parts: keys whose values are objects, of which "part.key" names a key.
        expects: values that keys have to have; with others more is built than the weights that are listed here.
        unbuilt: values that keys have to have since transformers builds the same whatever they say.
        harmless: keys of the family that do not change what its models have.
        notes: what a reader should know of the counts.
        own_code: whether configurations of the family are published with code of their own, by the key auto_map, that
            builds what is counted here.
    """

    prefix: str
    endings: Mapping[str, Ending]
    layer: tuple[Weights, ...]
    depth: Whole = "num_hidden_layers"
    width: Whole = "hidden_size"
    heads: Whole = "num_attention_heads"
    kv_heads: Whole = None
    head_dim: Whole = None
    inner: Whole = "intermediate_size"
    vocabulary: Whole = "vocab_size"
    embedding: Whole = None
    context: Whole = "max_position_embeddings"
    unused_positions: Size = 0
    learned_positions: Flag = False
    more: Mapping[str, Whole] = field(default_factory=dict)
    own_layers: Size = "depth"
    value_dim: Size | None = None
    latent: Size | None = None
    experts: tuple[Size, Size] | None = None
    second: tuple[Weights, ...] = ()
    second_depth: Whole = None
    ends: tuple[Weights, ...] = ()
    embeddings: tuple[Weights, ...] = ()
    tied: Flag = ("tie_word_embeddings", True)
    output_bias: Flag = False
    feed_forward: Size = "inner"
    roles: tuple[Role, ...] | Callable[[Reading], tuple[Role, ...]] = ("decoder",)
    parts: tuple[str, ...] = ()
    expects: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    unbuilt: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    harmless: frozenset[str] = frozenset()
    notes: tuple[Note, ...] = ()
    own_code: bool = False

    @property
    def needed(self) -> tuple[str, ...]:
        """The keys that have to be there, those of one meaning with | between them."""
        sizes = (self.depth, self.width, self.heads, self.inner, self.vocabulary, self.context, *self.more.values(), self.tied)
        return tuple(fact for fact in sizes if isinstance(fact, str))


@dataclass(frozen=True)
class Composite:
    """A family whose configurations have a configuration for each of two parts.

    Attributes:
        classes: the classes that are known.
        parts: the keys of the parts, each with its family: the encoder of images, then the decoder of texts.
        between: the parameters that tie the parts together, by their widths.
        expects: values that keys have to have.
        harmless: keys that change nothing.
        note: what a reader should know of the count.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, str]
    between: Callable[[int, int], int]
    expects: Mapping[str, tuple[Any, ...]]
    harmless: frozenset[str]
    note: str
