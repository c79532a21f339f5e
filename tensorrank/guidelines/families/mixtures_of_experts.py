"""Decoders with mixtures of experts, and with keys and values made of few numbers (multi-head latent attention)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tensorrank.arguments import shown
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.families.decoders import DECODERS
from tensorrank.guidelines.families.family import Family, Weights
from tensorrank.guidelines.families.pieces import attention, experts, forward, from_zero, head_norms, norms, without, words
from tensorrank.guidelines.families.reading import Reading

_BIAS = ("attention_bias", False)
_LISTED = "mlp_only_layers"


def _sparse(reading: Reading) -> int:
    """The layers of a Qwen with experts: every so many, but for those that a list leaves out."""
    depth, step = reading.size("depth"), reading.whole(("decoder_sparse_step", 1)) or 1
    listed = reading.value(_LISTED, [])
    if not isinstance(listed, list) or not all(type(one) is int for one in listed):
        raise TensorRankError(f"{_LISTED} is {shown(listed)}; expected a list of whole numbers")
    left_out = {layer for layer in listed if 0 <= layer < depth and (layer + 1) % step == 0}
    return depth // step - len(left_out)


def _dense(reading: Reading) -> int:
    return reading.size("depth") - reading.size("sparse")


def _used(name: str) -> Callable[[Reading], int]:
    """A number of experts, or none where all layers are dense."""
    return lambda reading: reading.size(name) if reading.size("sparse") else 0


def _inner(reading: Reading) -> int:
    return reading.size("inner") if reading.size("sparse") else reading.size("dense_inner")


_IN_SPARSE = (_used("experts"), _used("used"))
_QWEN2_MOE = replace(
    DECODERS["qwen2"],
    prefix="Qwen2Moe",
    layer=(
        *attention(("qkv_bias", True), False),
        *experts("experts", "used", layers="sparse"),
        *forward(False, gated=True, inner="shared", layers="sparse"),
        Weights("width", layers="sparse"),
        *forward(False, gated=True, inner="dense_inner", layers="dense"),
        norms(2),
    ),
    kv_heads=("num_key_value_heads", 16),
    inner=("moe_intermediate_size", 1408),
    more={
        "experts": ("num_experts", 60),
        "used": ("num_experts_per_tok", 4),
        "shared": ("shared_expert_intermediate_size", 5632),
        "dense_inner": "intermediate_size",
        "sparse": _sparse,
        "dense": _dense,
    },
    experts=_IN_SPARSE,
    feed_forward=_inner,
)


# DeepSeek's keys and values of all heads are made of the same few numbers; so are queries, if it is said of how many.
def _query_rank(reading: Reading) -> int | None:
    return reading.whole(("q_lora_rank", 1536), null_counts=True)


def _narrow_queries(reading: Reading) -> bool:
    return reading.known("query_rank") is not None


def _wide_queries(reading: Reading) -> bool:
    return reading.known("query_rank") is None


def _key_dim(reading: Reading) -> int:
    return reading.size("plain_dim") + reading.size("rotary_dim")


def _plain_keys_and_values(reading: Reading) -> int:
    return reading.size("heads") * (reading.size("plain_dim") + reading.size("value_dim"))


def _latent_and_rotary(reading: Reading) -> int:
    return reading.size("latent") + reading.size("rotary_dim")


def _values(reading: Reading) -> int:
    return reading.size("heads") * reading.size("value_dim")


def _all_shared(reading: Reading) -> int:
    return reading.size("shared") * reading.size("inner")


def _dense_first(reading: Reading) -> int:
    return min(reading.size("depth"), reading.size("first"))


def _sparse_rest(reading: Reading) -> int:
    return reading.size("depth") - reading.size("dense")


_DEEPSEEK_V3 = Family(
    prefix="DeepseekV3",
    endings=without("ForQuestionAnswering"),
    layer=(
        Weights("width", "queries", when=_wide_queries),
        Weights("width", "query_rank", _BIAS, when=_narrow_queries),
        Weights("query_rank", when=_narrow_queries),
        Weights("query_rank", "queries", when=_narrow_queries),
        Weights("width", _latent_and_rotary, _BIAS),
        Weights("latent"),
        Weights("latent", _plain_keys_and_values),
        Weights(_values, "width", _BIAS),
        *experts("experts", "used", layers="sparse"),
        *forward(False, gated=True, inner=_all_shared, layers="sparse"),
        *forward(False, gated=True, inner="dense_inner", layers="dense"),
        norms(2),
    ),
    kv_heads=("num_key_value_heads", None),
    head_dim=_key_dim,
    inner=("moe_intermediate_size", 2048),
    context=("max_position_embeddings", 4096),
    more={
        "plain_dim": ("qk_nope_head_dim", 128),
        "rotary_dim": ("qk_rope_head_dim", 64),
        "value_dim": ("v_head_dim", 128),
        "latent": ("kv_lora_rank", 512),
        "query_rank": _query_rank,
        "experts": ("n_routed_experts|num_local_experts|num_experts", 256),
        "used": ("num_experts_per_tok", 8),
        "shared": ("n_shared_experts", 1),
        "dense_inner": "intermediate_size",
        "first": from_zero("first_k_dense_replace", 3),
        "dense": _dense_first,
        "sparse": _sparse_rest,
    },
    value_dim="value_dim",
    latent="latent",
    experts=_IN_SPARSE,
    feed_forward=_inner,
    ends=(norms(1),),
    tied=("tie_word_embeddings", False),
    unbuilt={"moe_layer_freq": (1,)},
    harmless=words("head_dim qk_head_dim num_nextn_predict_layers num_mtp_layers"),
    notes=(
        lambda reading: (
            "without the layers that predict further tokens (num_nextn_predict_layers)"
            if reading.value("num_nextn_predict_layers", 0)
            else None
        ),
    ),
    own_code=True,
)
_V2_BIAS = ("mlp_bias", False)

MIXTURES_OF_EXPERTS: dict[str, Family] = {
    "mixtral": replace(
        DECODERS["mistral"],
        prefix="Mixtral",
        layer=(*attention(), *experts("experts", "used"), norms(2)),
        more={"experts": ("num_local_experts|num_experts", 8), "used": ("num_experts_per_tok", 2)},
        experts=("experts", "used"),
    ),
    "qwen2_moe": _QWEN2_MOE,
    "qwen3_moe": replace(
        _QWEN2_MOE,
        prefix="Qwen3Moe",
        layer=(
            *attention(_BIAS),
            *experts("experts", "used", layers="sparse"),
            *forward(False, gated=True, inner="dense_inner", layers="dense"),
            norms(2),
            head_norms(),
        ),
        kv_heads=("num_key_value_heads", 4),
        head_dim=("head_dim", None),
        inner=("moe_intermediate_size", 768),
        more={
            **{name: size for name, size in _QWEN2_MOE.more.items() if name != "shared"},
            "experts": ("num_experts|num_local_experts", 128),
            "used": ("num_experts_per_tok", 8),
        },
        harmless=words("shared_expert_intermediate_size"),
    ),
    "deepseek_v2": replace(
        _DEEPSEEK_V3,
        prefix="DeepseekV2",
        endings=without("ForTokenClassification", "ForQuestionAnswering"),
        layer=(
            *_DEEPSEEK_V3.layer[:8],
            *experts("experts", "used", layers="sparse"),
            *forward(_V2_BIAS, gated=True, inner=_all_shared, layers="sparse"),
            *forward(_V2_BIAS, gated=True, inner="dense_inner", layers="dense"),
            norms(2),
        ),
        inner=("moe_intermediate_size", 1407),
        context=("max_position_embeddings", 2048),
        more={
            **_DEEPSEEK_V3.more,
            "experts": ("n_routed_experts|num_local_experts|num_experts", 64),
            "used": "num_experts_per_tok",
            "shared": ("n_shared_experts", 2),
            "first": from_zero("first_k_dense_replace", 0),
        },
        notes=(),
    ),
    "deepseek_v3": _DEEPSEEK_V3,
}
