"""Hugging Face style configurations of transformers: depth, width, heads, vocabulary, and exact counts of parameters.

Only config.json is read; the library that wrote it is not needed. Each family names the same things differently and
puts biases, norms and embeddings elsewhere; `read_config` returns them in one shape.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.errors import TensorRankError

Role = Literal["decoder", "encoder"]
_LARGEST_FILE = 10**7


@dataclass(frozen=True)
class Stack:
    """A stack of equal layers.

    Attributes:
        role: "decoder" or "encoder".
        depth: layers, L.
        width: d.
        heads: attention heads of a layer.
        kv_heads: heads with keys and values of their own.
        head_dim: width of a head.
        feed_forward: inner width of the feed-forward network.
        parameters: of all layers, and of the norms and position biases that belong to the stack; no embeddings.
    """

    role: Role
    depth: int
    width: int
    heads: int
    kv_heads: int
    head_dim: int
    feed_forward: int
    parameters: int


@dataclass(frozen=True)
class ModelConfig:
    """A transformer as its configuration describes it.

    Attributes:
        family: its model_type.
        stacks: one, or encoder and decoder.
        vocabulary: tokens of the vocabulary, V.
        embedding_rank: the greatest rank of the map from tokens to the width: the least of V, d and the embedding's own
            width.
        context: positions that it is made for; None where any number will do.
        learned_positions: whether a learned vector of the full width is added to each token.
        embedding_parameters: token, position and type embeddings with their norms and projections, and an output
            embedding that is not shared.
        parameters_without_embeddings: all others.
        notes: what a reader should know of the counts.
    """

    family: str
    stacks: tuple[Stack, ...]
    vocabulary: int
    embedding_rank: int
    context: int | None
    learned_positions: bool
    embedding_parameters: int
    parameters_without_embeddings: int
    notes: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """All of them."""
        return self.embedding_parameters + self.parameters_without_embeddings

    @property
    def main_stack(self) -> Stack:
        """The decoder where there is one, as it writes the text; the encoder otherwise."""
        return self.stacks[-1]

    @property
    def head_bottlenecks(self) -> tuple[Literal["width", "patterns"], ...]:
        """What the main stack's heads cannot do.

        "width": their dimensions add up to less than the width, so that attention leaves part of it unused.
        "patterns": a head of dimension a gives every attention pattern over n independent tokens only if a >= n - 1,
        and the context is longer, or any length will do.

        Source: Bhojanapalli et al. (ICML 2020, arXiv 2002.07028); docs/tasks.md for n - 1.
        """
        stack = self.main_stack
        found: list[Literal["width", "patterns"]] = []
        if stack.heads * stack.head_dim < stack.width:
            found.append("width")
        if self.context is None or stack.head_dim < self.context - 1:
            found.append("patterns")
        return tuple(found)

    @property
    def log3_vocabulary_bound(self) -> float:
        """log3 of what the rank of attention without softmax or mask is at most, with embeddings of that rank.

        The moment bound at the embedding's rank; with learned positions of the full width the affine bound, or the
        moment bound at the width if that is less.

        Source: Wies, Levine, Jannai, Shashua (ICML 2021, arXiv 2105.03928); docs/variants.md.
        """
        depth, width = self.main_stack.depth, self.main_stack.width
        rank = min(self.embedding_rank, width)
        if not self.learned_positions:
            return bounds.log3_moment_bound(depth, rank)
        return min(bounds.log3_moment_bound(depth, width), bounds.log3_affine_bound(depth, width, rank))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values."""
        return {**asdict(self), "parameters": self.parameters}


def read_config(config: str | Path | Mapping[str, Any]) -> ModelConfig:
    """What a config.json, or its content, says of the architecture.

    The families are GPT-2, LLaMA, Mistral, Qwen (1, 2 and 3), OPT, BERT, RoBERTa, T5 and mT5. A key that is left out
    has the value that the public format gives it then.

    Args:
        config: a path, or the content as a mapping.

    Raises:
        TensorRankError: if the file cannot be read or is no JSON object, the family is none of these, or keys are
            missing (all are named) or no whole numbers.

    >>> gpt2 = {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024,
    ...         "vocab_size": 50257}
    >>> read_config(gpt2).parameters, read_config(gpt2).parameters_without_embeddings
    (124439808, 85056000)
    """
    if isinstance(config, Mapping):
        return _described(config)
    path = Path(config)
    try:
        return _described(_parsed(path))
    except OSError as error:
        raise TensorRankError(f"{path} cannot be read ({error.strerror or error}); expected a config.json") from error
    except TensorRankError as error:
        raise TensorRankError(f"{path}: {error}") from error


def _parsed(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > _LARGEST_FILE:
        raise TensorRankError("the file has more than 10 MB; expected a config.json")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise TensorRankError(f"this is no JSON ({error}); expected a config.json") from error
    if not isinstance(content, dict):
        raise TensorRankError(f"this is a JSON {type(content).__name__}; expected an object, as in a config.json")
    return content


def _described(config: Mapping[str, Any]) -> ModelConfig:
    if "model_type" not in config:
        raise TensorRankError(
            f"the key model_type is missing; expected one of {', '.join(_FAMILIES)}, or give depth and width"
        )
    name = config["model_type"]
    if not isinstance(name, str) or name not in _FAMILIES:
        inner = "; the language model of this one is under 'text_config': give that part alone"
        meant = f"; did you mean {str(name).lower()!r}?" if str(name).lower() in _FAMILIES else ""
        raise TensorRankError(
            f"model_type is {name!r}; expected one of {', '.join(_FAMILIES)}{meant}"
            f"{inner if 'text_config' in config else ''}; of any other model, give depth and width"
        )
    needed, describe = _FAMILIES[name]
    if config.get("add_cross_attention"):
        raise TensorRankError(f"add_cross_attention is set; expected a {name} model without, as it is not counted here")
    missing = [key for key in needed if config.get(key) is None]
    if missing:
        raise TensorRankError(
            f"the key{'s' * (len(missing) > 1)} {', '.join(missing)} {'are' if len(missing) > 1 else 'is'} missing; "
            f"expected {'them' if len(missing) > 1 else 'it'} in the configuration of a {name} model"
        )
    return describe(name, _Keys(config))


class _Keys:
    """A configuration whose values are checked as they are read."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config

    def whole(self, key: str, absent: int | None = None, null: int | None = None) -> int:
        """The whole number of a key, or what stands for it where it is absent or null (as absent, if not given)."""
        given = self._config.get(key, absent)
        return whole_number(key, (absent if null is None else null) if given is None else given, 1)

    def has(self, key: str) -> bool:
        return key in self._config

    def flag(self, key: str, usual: bool) -> bool:
        given = self._config.get(key)
        if given is not None and not isinstance(given, bool):
            raise TensorRankError(f"{key} is {given!r}; expected true or false")
        return usual if given is None else given

    def text(self, key: str, usual: str) -> str:
        given = self._config.get(key)
        if given is not None and not isinstance(given, str):
            raise TensorRankError(f"{key} is {given!r}; expected a text")
        return usual if given is None else given

    def layers(self) -> tuple[int, int, int]:
        """Depth, width and heads by their most usual names."""
        return self.whole("num_hidden_layers"), self.whole("hidden_size"), self.whole("num_attention_heads")

    def head_dim(self, width: int, heads: int, key: str | None = None, absent: int | None = None) -> int:
        """The width of a head: by its key, where the family has one, otherwise the width of the network by heads."""
        if key is not None and (self._config.get(key, absent) is not None):
            return self.whole(key, absent)
        if width % heads:
            hint = f", or the key {key}" if key is not None else ""
            raise TensorRankError(f"{heads} heads do not divide the width {width}; expected a divisor{hint}")
        return width // heads


def _attention(width: int, heads: int, kv_heads: int, dim: int, *, inward: bool = False, outward: bool = False) -> int:
    """Queries, keys, values and output; biases of the maps inward and of the one outward."""
    biases = (heads + 2 * kv_heads) * dim * inward + width * outward
    return 2 * width * dim * (heads + kv_heads) + biases


def _feed_forward(width: int, inner: int, *, gated: bool = False, biases: bool = False) -> int:
    """Up and down, with a second map up where it is gated."""
    return (2 + gated) * width * inner + ((1 + gated) * inner + width) * biases


def _gpt2(name: str, keys: _Keys) -> ModelConfig:
    depth, width, heads = keys.whole("n_layer"), keys.whole("n_embd"), keys.whole("n_head")
    inner, vocabulary = keys.whole("n_inner", 4 * width), keys.whole("vocab_size")
    dim, context = keys.head_dim(width, heads), keys.whole("n_positions")
    layer = _attention(width, heads, heads, dim, inward=True, outward=True)
    layer += _feed_forward(width, inner, biases=True) + 4 * width
    output = 0 if keys.flag("tie_word_embeddings", True) else vocabulary * width
    parameters = depth * layer + 2 * width
    stack = Stack("decoder", depth, width, heads, heads, dim, inner, parameters)
    embeddings = (vocabulary + context) * width + output
    return ModelConfig(name, (stack,), vocabulary, min(vocabulary, width), context, True, embeddings, parameters)


def _gated(
    name: str,
    keys: _Keys,
    *,
    context: int,
    kv_heads: int | None = None,
    head_dim: tuple[str, int | None] | None = None,
    inner_parts: int = 1,
    biases: tuple[bool, bool, bool] = (False, False, False),
    head_norms: bool = False,
) -> ModelConfig:
    """A decoder of rotary positions, two norms a layer without biases, and a gated feed-forward network.

    Args:
        name: the family.
        keys: its configuration.
        context: positions, where max_position_embeddings is absent.
        kv_heads: heads with keys and values of their own, where that key is absent; as many as heads if None.
        head_dim: the key of a head's width, and its value where it is absent; None for families without.
        inner_parts: how many maps up intermediate_size counts together.
        biases: of queries, keys and values; of the output; of the feed-forward network.
        head_norms: whether queries and keys have norms of their own.
    """
    depth, width, heads = keys.layers()
    shared = keys.whole("num_key_value_heads", kv_heads or heads, null=heads)
    if heads % shared:
        absent = "" if keys.has("num_key_value_heads") else " where it is left out"
        raise TensorRankError(
            f"num_key_value_heads is {shared}{absent}; expected a divisor of the {heads} attention heads"
        )
    inner, vocabulary = keys.whole("intermediate_size") // inner_parts, keys.whole("vocab_size")
    dim = keys.head_dim(width, heads, *(head_dim or ()))
    layer = _attention(width, heads, shared, dim, inward=biases[0], outward=biases[1]) + 2 * width
    layer += _feed_forward(width, inner, gated=True, biases=biases[2]) + 2 * dim * head_norms
    tables = 1 if keys.flag("tie_word_embeddings", False) else 2
    parameters = depth * layer + width
    stack = Stack("decoder", depth, width, heads, shared, dim, inner, parameters)
    context = keys.whole("max_position_embeddings", context)
    embeddings = tables * vocabulary * width
    return ModelConfig(name, (stack,), vocabulary, min(vocabulary, width), context, False, embeddings, parameters)


def _llama(name: str, keys: _Keys) -> ModelConfig:
    biased = keys.flag("attention_bias", False)
    return _gated(
        name, keys, context=2048, head_dim=("head_dim", None), biases=(biased, biased, keys.flag("mlp_bias", False))
    )


def _mistral(name: str, keys: _Keys) -> ModelConfig:
    return _gated(name, keys, context=131072, kv_heads=8, head_dim=("head_dim", None))


def _qwen(name: str, keys: _Keys) -> ModelConfig:
    """The first Qwen: intermediate_size counts both maps up, and queries, keys and values always have biases."""
    free = not keys.flag("no_bias", True)
    return _gated(name, keys, context=8192, head_dim=("kv_channels", 128), inner_parts=2, biases=(True, free, free))


def _qwen2(name: str, keys: _Keys) -> ModelConfig:
    return _gated(name, keys, context=32768, kv_heads=32, head_dim=("head_dim", None), biases=(True, False, False))


def _qwen3(name: str, keys: _Keys) -> ModelConfig:
    biased = keys.flag("attention_bias", False)
    return _gated(
        name,
        keys,
        context=32768,
        kv_heads=32,
        head_dim=("head_dim", 128),
        biases=(biased, biased, False),
        head_norms=True,
    )


def _opt(name: str, keys: _Keys) -> ModelConfig:
    """Learned positions with two more than the context, and an embedding that may be narrower than the network."""
    depth, width, heads = keys.layers()
    inner, vocabulary = keys.whole("ffn_dim"), keys.whole("vocab_size")
    context, rank = keys.whole("max_position_embeddings"), keys.whole("word_embed_proj_dim", width)
    dim, biased = keys.head_dim(width, heads), keys.flag("enable_bias", True)
    norm = 2 * width * keys.flag("layer_norm_elementwise_affine", True)
    last = norm * (keys.flag("do_layer_norm_before", True) and not keys.flag("_remove_final_layer_norm", False))
    layer = _attention(width, heads, heads, dim, inward=biased, outward=biased) + 2 * norm
    layer += _feed_forward(width, inner, biases=biased)
    parameters = depth * layer + last
    projections = 2 * rank * width if rank != width else 0
    tables = 1 if keys.flag("tie_word_embeddings", True) else 2
    embeddings = tables * vocabulary * rank + (context + 2) * width + projections
    stack = Stack("decoder", depth, width, heads, heads, dim, inner, parameters)
    return ModelConfig(name, (stack,), vocabulary, min(vocabulary, rank, width), context, True, embeddings, parameters)


def _bert(name: str, keys: _Keys) -> ModelConfig:
    depth, width, heads = keys.layers()
    inner, vocabulary = keys.whole("intermediate_size"), keys.whole("vocab_size")
    positions, dim = keys.whole("max_position_embeddings"), keys.head_dim(width, heads)
    layer = _attention(width, heads, heads, dim, inward=True, outward=True)
    layer += _feed_forward(width, inner, biases=True) + 4 * width
    pooler = width * width + width
    stack = Stack("encoder", depth, width, heads, heads, dim, inner, depth * layer)
    # RoBERTa's positions begin behind that of padding.
    context = positions - 2 if name == "roberta" else positions
    embeddings = (vocabulary + positions + keys.whole("type_vocab_size", 2) + 2) * width
    return ModelConfig(
        name,
        (stack,),
        vocabulary,
        min(vocabulary, width),
        context,
        True,
        embeddings,
        depth * layer + pooler,
        ("with the pooler, without the heads of a task",),
    )


def _t5(name: str, keys: _Keys) -> ModelConfig:
    """Encoder and decoder without biases; relative positions, one table a stack; layers of both kinds."""
    width, heads, dim, inner = keys.whole("d_model"), keys.whole("num_heads"), keys.whole("d_kv"), keys.whole("d_ff")
    depth, vocabulary = keys.whole("num_layers"), keys.whole("vocab_size")
    below = keys.whole("num_decoder_layers", depth)
    gated = keys.text("feed_forward_proj", "relu" if name == "t5" else "gated-gelu").startswith("gated")
    attention = _attention(width, heads, heads, dim)
    forward = _feed_forward(width, inner, gated=gated)
    ends = keys.whole("relative_attention_num_buckets", 32) * heads + width
    encoder = depth * (attention + forward + 2 * width) + ends
    decoder = below * (2 * attention + forward + 3 * width) + ends
    stacks = (
        Stack("encoder", depth, width, heads, heads, dim, inner, encoder),
        Stack("decoder", below, width, heads, heads, dim, inner, decoder),
    )
    tables = 1 if keys.flag("tie_word_embeddings", True) else 2
    return ModelConfig(
        name,
        stacks,
        vocabulary,
        min(vocabulary, width),
        None,
        False,
        tables * vocabulary * width,
        encoder + decoder,
        ("encoder and decoder are counted, and judged one by one",),
    )


_USUAL = ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "vocab_size")
# What each family cannot do without, and what it is.
_FAMILIES: dict[str, tuple[tuple[str, ...], Callable[[str, _Keys], ModelConfig]]] = {
    "gpt2": (("n_layer", "n_embd", "n_head", "vocab_size", "n_positions"), _gpt2),
    "llama": (_USUAL, _llama),
    "mistral": (_USUAL, _mistral),
    "qwen": (_USUAL, _qwen),
    "qwen2": (_USUAL, _qwen2),
    "qwen3": (_USUAL, _qwen3),
    "opt": (
        ("num_hidden_layers", "hidden_size", "num_attention_heads", "ffn_dim", "vocab_size", "max_position_embeddings"),
        _opt,
    ),
    "bert": ((*_USUAL, "max_position_embeddings"), _bert),
    "roberta": ((*_USUAL, "max_position_embeddings"), _bert),
    "t5": (("d_model", "d_kv", "d_ff", "num_layers", "num_heads", "vocab_size"), _t5),
    # Whether mT5 shares its embeddings where nothing is said depends on the version of the format.
    "mt5": (("d_model", "d_kv", "d_ff", "num_layers", "num_heads", "vocab_size", "tie_word_embeddings"), _t5),
}
