"""Families of transformers: where a config.json says what, and how many parameters a model then has.

A family is one entry of `FAMILIES`. An entry says every fact in one of four ways:

- a text is the key of config.json that holds the fact; the key has to be there;
- a pair is a key with what holds where the key is left out;
- a function computes the fact from the configuration, where it follows from several keys;
- anything else is the fact itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from tensorrank.arguments import shown, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.model_config import ModelConfig, Role, Stack

# No number of a network is larger, and counts of parameters stay within what a float holds.
_LARGEST = 10**12
# Classes whose models write tokens, and so have an output embedding, end like this.
_WRITERS = ("ForCausalLM", "LMHeadModel", "ForConditionalGeneration")


class Configuration:
    """The content of a config.json, whose values are checked as they are read."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def whole(self, fact: Whole, *, null_counts: bool = False) -> int | None:
        """A whole number from 1 on, or None where it is open.

        Null counts as a key left out, or, if it counts itself, leaves the number open.
        """
        if not isinstance(fact, str | tuple):
            return fact(self) if callable(fact) else fact
        key, absent = (fact, None) if isinstance(fact, str) else fact
        given = self.content.get(key, absent) if null_counts else self._given(key, absent)
        return None if given is None else whole_number(key, given, 1, _LARGEST)

    def size(self, key: str) -> int:
        """A whole number from 1 on that has to be there."""
        return whole_number(key, self.content[key], 1, _LARGEST)

    def flag(self, fact: Flag) -> bool:
        """A truth value; null counts as a key left out."""
        if not isinstance(fact, str | tuple):
            return fact(self) if callable(fact) else fact
        key, absent = (fact, False) if isinstance(fact, str) else fact
        given = self._given(key, absent)
        if not isinstance(given, bool):
            raise TensorRankError(f"{key} is {shown(given)}; expected true or false")
        return given

    def text(self, key: str, absent: str) -> str:
        """A text; null counts as a key left out."""
        given = self._given(key, absent)
        if not isinstance(given, str):
            raise TensorRankError(f"{key} is {shown(given)}; expected a text")
        return given

    def classes(self) -> tuple[str, ...]:
        """The classes that the weights are of, by the key architectures; none where it is left out."""
        given = self._given("architectures", [])
        if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
            raise TensorRankError(f"architectures is {shown(given)}; expected a list of texts")
        return tuple(given)

    def _given(self, key: str, absent: Any) -> Any:
        given = self.content.get(key)
        return absent if given is None else given


Whole = int | str | tuple[str, int | None] | Callable[[Configuration], int] | None
Flag = bool | str | tuple[str, bool] | Callable[[Configuration], bool]


@dataclass(frozen=True)
class Family:
    """What the models of a family have in common, each fact said as the head of this file explains.

    Attributes:
        depth: layers.
        width: the dimension of a token.
        heads: attention heads of a layer.
        inner: the inner width of the feed-forward network; four times the width where it is open.
        head_dim: the width of a head; the width of the network divided by the heads where it is open.
        vocabulary: tokens of the vocabulary.
        context: the positions that the configuration counts; open where any number will do.
        tied: whether input and output share one embedding.
        kv_heads: heads with keys and values of their own; as many as heads where it is open.
        inner_parts: the maps up that the inner width counts together.
        gated: whether the feed-forward network has a second map up.
        biases: three facts: whether queries, keys and values have biases, whether the output of attention has, and
            whether the feed-forward network has.
        norm_vectors: vectors of the width in a norm: 2 for scale and shift, 1 for the scale alone.
        head_norms: whether queries and keys have norms of their own, of the scale alone.
        final_norm: whether a norm follows the last layer.
        learned_positions: learned positions beyond those of `context`; None where positions are not learned.
        unused_positions: positions of `context` that no token takes.
        embedding_width: the width of the token embedding, with maps to the network's where they differ; that width
            where it is open.
        token_types: learned types of tokens.
        embedding_norm: vectors of the width in a norm of the embeddings.
        relative_buckets: learned biases of relative positions for each head, one table a stack.
        pooler: whether a square map with a bias follows the last layer.
        roles: of the stacks, the encoder first; a decoder after an encoder attends to it in each layer.
        decoder_depth: layers of a decoder after an encoder; as many as the encoder's where it is open.
        notes: what a reader should know of the counts.
        own_code: whether configurations of the family name code of their own, by the key auto_map.
    """

    depth: str = "num_hidden_layers"
    width: str = "hidden_size"
    heads: str = "num_attention_heads"
    inner: Whole = "intermediate_size"
    head_dim: Whole = None
    vocabulary: str = "vocab_size"
    context: Whole = "max_position_embeddings"
    tied: Flag = ("tie_word_embeddings", True)
    kv_heads: Whole = None
    inner_parts: int = 1
    gated: Flag = False
    biases: tuple[Flag, Flag, Flag] = (True, True, True)
    norm_vectors: Whole = 2
    head_norms: Flag = False
    final_norm: Flag = True
    learned_positions: int | None = 0
    unused_positions: int = 0
    embedding_width: Whole = None
    token_types: Whole = 0
    embedding_norm: int = 0
    relative_buckets: Whole = 0
    pooler: bool = False
    roles: tuple[Role, ...] = ("decoder",)
    decoder_depth: Whole = None
    notes: tuple[str, ...] = ()
    own_code: bool = False

    @property
    def needed(self) -> tuple[str, ...]:
        """The keys that have to be there."""
        facts = (getattr(self, field.name) for field in fields(self))
        return tuple(fact for fact in facts if isinstance(fact, str))


def _qwen_bias(given: Configuration) -> bool:
    return not given.flag(("no_bias", True))


# Decoders of rotary positions, with gated feed-forward networks and norms of the scale alone, without biases.
_GATED = Family(
    kv_heads=("num_key_value_heads", None),
    head_dim=("head_dim", None),
    tied=("tie_word_embeddings", False),
    gated=True,
    biases=(False, False, False),
    norm_vectors=1,
    learned_positions=None,
)
_BERT = Family(
    tied=True,
    final_norm=False,
    token_types=("type_vocab_size", 2),
    embedding_norm=2,
    pooler=True,
    roles=("encoder",),
    notes=("with the pooler, without the heads of a task",),
)
_T5 = Family(
    depth="num_layers",
    width="d_model",
    heads="num_heads",
    inner="d_ff",
    head_dim="d_kv",
    context=None,
    gated=lambda given: given.flag(("is_gated_act", given.text("feed_forward_proj", "relu").startswith("gated"))),
    biases=(False, False, False),
    norm_vectors=1,
    learned_positions=None,
    relative_buckets=("relative_attention_num_buckets", 32),
    roles=("encoder", "decoder"),
    decoder_depth=("num_decoder_layers", None),
    notes=("encoder and decoder are counted, and judged one by one",),
)
FAMILIES: dict[str, Family] = {
    "gpt2": Family(depth="n_layer", width="n_embd", heads="n_head", inner=("n_inner", None), context="n_positions"),
    "llama": replace(
        _GATED,
        context=("max_position_embeddings", 2048),
        biases=(("attention_bias", False), ("attention_bias", False), ("mlp_bias", False)),
    ),
    "mistral": replace(_GATED, context=("max_position_embeddings", 131072), kv_heads=("num_key_value_heads", 8)),
    # The first Qwen: intermediate_size counts both maps up together, and no_bias leaves queries, keys and values alone.
    "qwen": replace(
        _GATED,
        context=("max_position_embeddings", 8192),
        head_dim=("kv_channels", 128),
        inner_parts=2,
        biases=(True, _qwen_bias, _qwen_bias),
        own_code=True,
    ),
    "qwen2": replace(
        _GATED, context=("max_position_embeddings", 32768), kv_heads=("num_key_value_heads", 32), biases=(True, False, False)
    ),
    "qwen3": replace(
        _GATED,
        context=("max_position_embeddings", 32768),
        kv_heads=("num_key_value_heads", 32),
        head_dim=("head_dim", 128),
        biases=(("attention_bias", False), ("attention_bias", False), False),
        head_norms=True,
    ),
    "opt": Family(
        inner="ffn_dim",
        biases=(("enable_bias", True), ("enable_bias", True), ("enable_bias", True)),
        norm_vectors=lambda given: 2 * given.flag(("layer_norm_elementwise_affine", True)),
        final_norm=lambda given: (
            given.flag(("do_layer_norm_before", True)) and not given.flag(("_remove_final_layer_norm", False))
        ),
        learned_positions=2,
        embedding_width=("word_embed_proj_dim", None),
    ),
    "bert": _BERT,
    # Positions begin behind that of padding.
    "roberta": replace(_BERT, unused_positions=2),
    "t5": _T5,
    # Whether mT5 shares its embeddings where nothing is said depends on the version of the format.
    "mt5": replace(
        _T5,
        tied="tie_word_embeddings",
        gated=lambda given: given.flag(("is_gated_act", given.text("feed_forward_proj", "gated-gelu").startswith("gated"))),
    ),
}


def described(name: str, content: Mapping[str, Any]) -> ModelConfig:
    """The model that a configuration of one of `FAMILIES` describes, which has all keys that are needed."""
    family, given = FAMILIES[name], Configuration(content)
    depth, width, vocabulary = given.size(family.depth), given.size(family.width), given.size(family.vocabulary)
    heads = given.size(family.heads)
    kv_heads, head_dim = _kv_heads(family, given, heads), _head_dim(family, given, width, heads)
    inner = (given.whole(family.inner) or 4 * width) // family.inner_parts
    gated, norm = given.flag(family.gated), (given.whole(family.norm_vectors) or 0) * width
    inward, outward, of_forward = map(given.flag, family.biases)
    attention = 2 * width * head_dim * (heads + kv_heads) + 2 * head_dim * given.flag(family.head_norms)
    attention += (heads + 2 * kv_heads) * head_dim * inward + width * outward
    forward = (2 + gated) * width * inner + ((1 + gated) * inner + width) * of_forward
    ends = norm * given.flag(family.final_norm) + (given.whole(family.relative_buckets) or 0) * heads
    stacks: list[Stack] = []
    classes = given.classes()
    alone = bool(classes) and all(one.endswith("EncoderModel") for one in classes)
    for role in family.roles[:1] if alone else family.roles:
        # A decoder that follows an encoder attends to it, too, with a norm of its own.
        second = bool(stacks)
        layers = (given.whole(family.decoder_depth) or depth) if second else depth
        parameters = layers * ((1 + second) * attention + forward + (2 + second) * norm) + ends
        stacks.append(Stack(role, layers, width, heads, kv_heads, head_dim, inner, parameters))
    rank, context = given.whole(family.embedding_width) or width, given.whole(family.context)
    vectors = (given.whole(family.token_types) or 0) + family.embedding_norm
    if family.learned_positions is not None:
        vectors += (context or 0) + family.learned_positions
    notes, tied = (f"an encoder alone, as {shown(classes[0])} is",) if alone else family.notes, given.flag(family.tied)
    if not tied and classes and not any(one.endswith(_WRITERS) for one in classes):
        tied, notes = True, (*notes, f"without an output embedding, as {shown(classes[0])} has none")
    embeddings = (1 if tied else 2) * vocabulary * rank + vectors * width
    return ModelConfig(
        family=name,
        stacks=tuple(stacks),
        vocabulary=vocabulary,
        embedding_rank=min(vocabulary, rank, width),
        context=None if context is None else context - family.unused_positions,
        learned_positions=family.learned_positions is not None,
        embedding_parameters=embeddings + (2 * rank * width if rank != width else 0),
        parameters_without_embeddings=sum(stack.parameters for stack in stacks) + (width + 1) * width * family.pooler,
        notes=notes,
    )


def _kv_heads(family: Family, given: Configuration, heads: int) -> int:
    found = given.whole(family.kv_heads, null_counts=True) or heads
    if heads % found:
        absent = "" if "num_key_value_heads" in given.content else " where it is left out"
        raise TensorRankError(f"num_key_value_heads is {found}{absent}; expected a divisor of the {heads} attention heads")
    return found


def _head_dim(family: Family, given: Configuration, width: int, heads: int) -> int:
    found = given.whole(family.head_dim, null_counts=True)
    if found is None and width % heads:
        hint = f", or the key {family.head_dim[0]}" if isinstance(family.head_dim, tuple) else ""
        raise TensorRankError(f"{heads} heads do not divide the width {width}; expected a divisor{hint}")
    return found or width // heads
