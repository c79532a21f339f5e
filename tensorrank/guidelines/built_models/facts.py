"""What a built model has: its stacks, heads and experts, and its parameters, all and active, by its modules' shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tensorrank.guidelines.built_models.building import built, installed, writes_texts
from tensorrank.guidelines.built_models.experts import Mixture, attribute, first_number, has_maps, mixtures, unseen_experts
from tensorrank.guidelines.model_config import ModelConfig, Role, Stack

# Names under which configurations have what `attribute_map` does not bring to one name.
_WIDTHS = ("hidden_size", "d_model", "embed_dim", "dim", "n_embd")
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
_HEADS = ("num_attention_heads", "num_heads", "n_heads", "n_head", "encoder_attention_heads")
_EXPERT_WIDTHS = ("intermediate_dim", "intermediate_size", "expert_dim")
_HEAD_DIMS = ("qk_head_dim", "head_dim", "attention_head_size", "key_value_proj_dim")
# Parts of the names of modules.
_ATTENTION = ("attn", "attention")
_QUERIES_KEYS_AND_VALUES = ("qkv", "query_key_value", "c_attn", "wqkv", "w_pack", "in_proj")
_KEYS = ("k_proj", "key", "k_lin", "k", "key_proj")
_EMBEDDINGS = ("embed", "wte", "wpe", "project_in", "project_out")
# What stands beside layers and belongs to them.
_BESIDE = ("norm", "ln_f", "ln_", "conv", "final")
_POSITIONS = ("pos", "wpe")


def counted(content: Mapping[str, Any], known: Set[str] = frozenset()) -> ModelConfig:
    """The model that transformers builds of a configuration, counted.

    Args:
        content: the configuration.
        known: keys that are known to change nothing if transformers reads nothing of them.

    Raises:
        TensorRankError: if transformers does not build it.
    """
    made = built(content, known)
    module, config = made.module, made.config
    lists = _lists(module)
    shares = _shares(module, lists)
    stacks = tuple(_stack(one, shares.of_stacks[one.path]) for one in lists)
    rank, vocabulary = _embedding_rank(module)
    width = stacks[-1].width if stacks else None
    positions = _positions(module, lists)
    untied = _kept_apart(module, content)
    notes = (*made.notes, *(note for one in lists for note in one.notes))
    return ModelConfig(
        family=config.model_type,
        stacks=stacks,
        vocabulary=vocabulary,
        embedding_rank=min((size for size in (rank, vocabulary, width) if size), default=0),
        context=_context(module, lists[-1].config if lists else config, positions),
        learned_positions=any(one.shape[-1] == width for _, one in positions),
        embedding_parameters=shares.embeddings + untied,
        parameters_without_embeddings=shares.others + sum(stack.parameters for stack in stacks),
        notes=notes,
        counted_as=type(module).__name__,
        counted_by=f"transformers {installed()}",
    )


@dataclass(frozen=True)
class _List:
    """A list of layers.

    Attributes:
        path: the path of the list in the model.
        layers: the layers.
        config: the configuration that they were built of.
        role: whether tokens see all others.
        width: the dimension of a token.
    """

    path: str
    layers: Any
    config: Any
    role: Role
    width: int

    @property
    def holder(self) -> str:
        """The path of what holds the list."""
        return self.path.rpartition(".")[0]

    @property
    def depth(self) -> int:
        """The layers that a token goes through; groups of layers that share weights stand once in the list."""
        shared = attribute(self.config, "num_hidden_groups")
        return self.config.num_hidden_layers if shared == len(self.layers) else len(self.layers)

    @cached_property
    def attending(self) -> int | None:
        """How many layers attend; None where all do."""
        found = sum(map(_attends, self.layers))
        return None if found == len(self.layers) else found

    @cached_property
    def mixtures(self) -> list[Mixture]:
        """The mixtures of experts of the layers that have one."""
        return mixtures(self.layers, self.config)

    @property
    def experts(self) -> tuple[int, int]:
        """The experts of a layer, 0 if there are none, and how many of them a token uses; all where it is not known."""
        if not self.mixtures:
            return 0, 0
        first = self.mixtures[0]
        return first.count, min(first.count, first.chosen or first.count)

    @property
    def layer_with_experts(self) -> Any:
        """The last layer with a mixture of experts; the last layer where there is none."""
        sparse = (one for one in reversed(self.layers) if mixtures(one, self.config))
        return next(sparse, self.layers[-1]) if self.mixtures else self.layers[-1]

    @property
    def notes(self) -> list[str]:
        """What a reader should know of the list."""
        found = []
        if self.depth != len(self.layers):
            found.append(f"{self.depth} layers share the weights of {len(self.layers)}, which are counted once")
        if self.attending:
            found.append(
                f"{self.attending} of {self.depth} layers attend; the fit and the ranks are of networks in which all layers do"
            )
        open_counts = {one.count for one in self.mixtures if one.chosen is None}
        if not self.mixtures and unseen_experts(self.layers) > 1:
            open_counts = {unseen_experts(self.layers)}
        found += [
            f"how many of {count} experts a token uses is not known; all are counted as active" for count in sorted(open_counts)
        ]
        return found


@dataclass
class _Shares:
    """The parameters of a model, by what they belong to."""

    of_stacks: dict[str, int]
    embeddings: int = 0
    others: int = 0


def _lists(module: Any) -> list[_List]:
    """The lists of equal layers, encoders before decoders; lists within lists are no further layers."""
    found: list[_List] = []
    seen: list[str] = []
    for path, one in module.named_modules():
        if not _is_list(one) or "experts" in path.split("."):
            continue
        if any(path.startswith(f"{other}.") for other in seen) or not (len(one) and all(map(has_maps, one))):
            continue
        seen.append(path)
        config = _config_of(module, path)
        width = first_number(config, _WIDTHS)
        if width is not None and all(any(width in part.shape for part in layer.parameters()) for layer in one):
            found.append(_List(path, one, config, _role(path, one, config), width))
    return sorted(found, key=lambda one: one.role == "decoder")


def _config_of(module: Any, path: str) -> Any:
    """The configuration of the nearest module above a path that has one."""
    while path:
        path = path.rpartition(".")[0]
        config = getattr(module.get_submodule(path), "config", None)
        if config is not None:
            return config
    return module.config


def _role(path: str, layers: Any, config: Any) -> Role:
    """Decoder where tokens see those before them alone."""
    steps = path.split(".")
    if "decoder" in steps or "encoder" in steps:
        return "decoder" if "decoder" in steps else "encoder"
    causal = [one.is_causal for name, one in layers.named_modules() if isinstance(getattr(one, "is_causal", None), bool)]
    if causal:
        return "decoder" if causal[0] else "encoder"
    return "decoder" if writes_texts(config.model_type) else "encoder"


def _stack(one: _List, parameters: int) -> Stack:
    # In models that mix kinds of layers, heads are those of the last layer that attends.
    layer, config = next((each for each in reversed(one.layers) if _attention_of(each)), one.layers[-1]), one.config
    attention = _attention_of(layer)
    heads = first_number(config, (f"{one.role}_attention_heads", *_HEADS)) if attention else None
    dim = next((found for part in attention if (found := first_number(part, _HEAD_DIMS))), None)
    if heads and dim is None:
        dim = first_number(config, ("head_dim",)) or one.width // heads
    values = next((found for part in attention if (found := first_number(part, ("v_head_dim",)))), None)
    experts, used = one.experts
    return Stack(
        one.role,
        one.depth,
        one.width,
        heads,
        _kv_heads(layer, config, heads, dim) if heads and dim else None,
        dim if heads else None,
        _inner(one.layer_with_experts, one.width),
        parameters,
        idle_parameters=sum(mixture.idle for mixture in one.mixtures),
        experts=experts,
        experts_per_token=used,
        value_dim=None if values == dim else values,
        latent=first_number(config, ("kv_lora_rank",)),
        attending_layers=one.attending,
    )


def _attention_of(layer: Any) -> list[Any]:
    return [part for name, part in layer.named_modules() if _is_attention(name)]


def _is_attention(path: str) -> bool:
    return any(word in path.lower() for word in _ATTENTION)


def _attends(layer: Any) -> bool:
    """Whether a layer has a part that is called attention, by its own name or by that of its class."""
    return any(_is_attention(name) or _is_attention(type(part).__name__) for name, part in layer.named_modules())


def _outputs(part: Any) -> int | None:
    """What a linear map gives; None for what is no linear map."""
    for name in ("out_features", "nf"):
        if isinstance(getattr(part, name, None), int):
            return int(getattr(part, name))
    return None


def _kv_heads(layer: Any, config: Any, heads: int, dim: int) -> int:
    """The heads with keys of their own, by the map to keys, or to queries, keys and values at once."""
    for name, part in layer.named_modules():
        last, size = name.rpartition(".")[2].lower(), _outputs(part)
        if size is None or not _is_attention(name):
            continue
        found = 0.0
        if last in _KEYS:
            found = size / dim
        elif any(word in last for word in _QUERIES_KEYS_AND_VALUES):
            found = (size / dim - heads) / 2
        if found >= 1 and heads % found == 0:
            return int(found)
    return first_number(config, ("num_key_value_heads",)) or heads


def _inner(layer: Any, width: int) -> int | None:
    """What a map outside of attention takes to the width; of an expert, where there are experts."""
    for name, part in layer.named_modules():
        if name.endswith("experts") and "shared" not in name and (found := first_number(part, _EXPERT_WIDTHS)):
            return found
    sizes = {True: 0, False: 0}
    for name, part in layer.named_parameters():
        # A map has rows for what it gives; that of GPT-2 has columns for it, so that the other map is seen here.
        of_experts = "experts" in name.split(".")
        if part.dim() == 2 + of_experts and part.shape[-2] == width and not _is_attention(name):
            sizes[of_experts] = max(sizes[of_experts], part.shape[-1])
    return sizes[True] or sizes[False] or None


def _is_list(part: Any) -> bool:
    import torch

    return isinstance(part, torch.nn.ModuleList)


def _shares(module: Any, lists: list[_List]) -> _Shares:
    """What the parameters belong to: stacks with what stands beside their layers, embeddings, or neither."""
    shares = _Shares({one.path: 0 for one in lists})
    outputs = {id(part) for part in _output_of(module).parameters()} if _output_of(module) is not None else set()
    for name, part in module.named_parameters():
        inside = next((one for one in lists if name.startswith(f"{one.path}.")), None)
        if inside is not None:
            shares.of_stacks[inside.path] += part.numel()
            continue
        owner = module.get_submodule(name.rpartition(".")[0])
        beside = max((one for one in lists if _belongs(name, one)), key=lambda one: len(one.holder), default=None)
        if id(part) in outputs or _is_embedding(owner) or any(word in name.lower() for word in _EMBEDDINGS):
            shares.embeddings += part.numel()
        elif beside is not None:
            shares.of_stacks[beside.path] += part.numel()
        else:
            shares.others += part.numel()
    return shares


def _belongs(name: str, one: _List) -> bool:
    """Whether a parameter is of a norm, or of a like layer, that stands beside a list."""
    before = f"{one.holder}." if one.holder else ""
    step = name.removeprefix(before).split(".")[0].lower()
    return name.startswith(before) and any(word in step for word in _BESIDE)


def _is_embedding(part: Any) -> bool:
    import torch

    return isinstance(part, torch.nn.Embedding)


def _output_of(module: Any) -> Any:
    """The output embedding, if the model has one that it names."""
    try:
        return module.get_output_embeddings()
    except Exception:  # of another library, which may raise anything
        return None


def _input_of(module: Any) -> Any:
    """The input embedding, if the model has one that it names."""
    try:
        return module.get_input_embeddings()
    except Exception:  # of another library, which may raise anything
        return None


def _kept_apart(module: Any, content: Mapping[str, Any]) -> int:
    """The output embedding where the file keeps it apart and the class shares it nonetheless, as those of T5 do.

    Checkpoints of such files have weights of its own.
    """
    weights: list[Any] = [getattr(one, "weight", None) for one in (_input_of(module), _output_of(module))]
    shared = weights[0] is not None and weights[0] is weights[1]
    return weights[0].numel() if shared and content.get("tie_word_embeddings") is False else 0


def _embedding_rank(module: Any) -> tuple[int | None, int | None]:
    """The dimension of an embedded input, and the number of tokens; of images the numbers of a patch, and None."""
    given = _input_of(module)
    if _is_embedding(given):
        return given.embedding_dim, given.num_embeddings
    for part in module.modules():
        if type(part).__name__ in ("Conv2d", "Conv3d"):
            return math.prod(part.weight.shape[1:]), None
    return None, None


def _positions(module: Any, lists: list[_List]) -> list[tuple[str, Any]]:
    """The learned positions: parameters and embeddings outside of layers with positions in their names."""
    found = []
    for name, part in module.named_parameters():
        if part.dim() < 2 or any(name.startswith(f"{one.path}.") for one in lists):
            continue
        above, _, last = name.rpartition(".")
        called = name if _is_embedding(module.get_submodule(above)) else last
        if any(word in called.lower() for word in _POSITIONS):
            found.append((name, part))
    return found


def _context(module: Any, config: Any, positions: list[tuple[str, Any]]) -> int | None:
    """The positions that the model is made for, but for those that no token takes."""
    found = first_number(config, _CONTEXTS)
    for name, part in reversed(positions):
        if found is None:
            return int(part.shape[-2])
        unused = getattr(module.get_submodule(name.rpartition(".")[0]), "padding_idx", None)
        if isinstance(unused, int):
            return found - unused - 1
    return found
