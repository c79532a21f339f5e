"""Decoders whose layers first attend and then go through the feed-forward network, without learned positions."""

from __future__ import annotations

from dataclasses import replace

from tensorrank.guidelines.families.family import Family
from tensorrank.guidelines.families.pieces import DECODER, attention, forward, head_norms, norms, whole_norms, without, words
from tensorrank.guidelines.families.reading import Reading
from tensorrank.guidelines.model_config import Role


def _qwen_bias(reading: Reading) -> bool:
    return not reading.flag(("no_bias", True))


def _roles(reading: Reading) -> tuple[Role, ...]:
    return ("encoder",) if reading.flag(("use_bidirectional_attention", False)) else ("decoder",)


_ATTENTION_BIAS = ("attention_bias", False)
_LLAMA = Family(
    prefix="Llama",
    endings=DECODER,
    layer=(*attention(_ATTENTION_BIAS), *forward(("mlp_bias", False), gated=True), norms(2)),
    kv_heads=("num_key_value_heads", None),
    head_dim=("head_dim", None),
    context=("max_position_embeddings", 2048),
    ends=(norms(1),),
    tied=("tie_word_embeddings", False),
)
_MISTRAL = replace(
    _LLAMA,
    prefix="Mistral",
    layer=(*attention(), *forward(False, gated=True), norms(2)),
    context=("max_position_embeddings", 131072),
    kv_heads=("num_key_value_heads", 8),
)
_QWEN2 = replace(
    _MISTRAL,
    prefix="Qwen2",
    layer=(*attention(True, False), *forward(False, gated=True), norms(2)),
    context=("max_position_embeddings", 32768),
    kv_heads=("num_key_value_heads", 32),
)
_GEMMA = Family(
    prefix="Gemma",
    endings=without("ForQuestionAnswering"),
    layer=(*attention(_ATTENTION_BIAS), *forward(False, gated=True), norms(2)),
    kv_heads=("num_key_value_heads", 16),
    head_dim=("head_dim", 256),
    context=("max_position_embeddings", 8192),
    ends=(norms(1),),
    roles=_roles,
)
_GEMMA2 = replace(
    _GEMMA,
    prefix="Gemma2",
    layer=(*attention(_ATTENTION_BIAS), *forward(False, gated=True), norms(4)),
    kv_heads=("num_key_value_heads", 4),
)
# Configurations of the third Gemma leave out what is as in a model of 2 billion parameters.
_GEMMA3_TEXT = replace(
    _GEMMA2,
    prefix="Gemma3",
    endings={
        "ForCausalLM": DECODER["ForCausalLM"],
        "TextModel": DECODER["Model"],
        "TextForSequenceClassification": DECODER["ForSequenceClassification"],
    },
    layer=(*_GEMMA2.layer, head_norms()),
    depth=("num_hidden_layers", 26),
    width=("hidden_size", 2304),
    heads=("num_attention_heads", 8),
    inner=("intermediate_size", 9216),
    vocabulary=("vocab_size", 262208),
    context=("max_position_embeddings", 131072),
)
_OLMO = replace(
    _LLAMA,
    prefix="Olmo",
    endings=without("ForTokenClassification", "ForQuestionAnswering"),
    layer=(*attention(_ATTENTION_BIAS), *forward(False, gated=True)),
    ends=(),
)
_STABLELM_PARALLEL = ("use_parallel_residual", False)

DECODERS: dict[str, Family] = {
    "llama": _LLAMA,
    "mistral": _MISTRAL,
    # The first Qwen: intermediate_size counts both maps up together, and no_bias leaves queries, keys and values alone.
    "qwen": replace(
        _LLAMA,
        prefix="QWen",
        endings={"LMHeadModel": DECODER["ForCausalLM"], "Model": DECODER["Model"]},
        layer=(*attention(True, _qwen_bias), *forward(_qwen_bias, gated=True), norms(2)),
        kv_heads=None,
        head_dim=("kv_channels", 128),
        inner=lambda reading: reading.size("both_inner") // 2,
        more={"both_inner": "intermediate_size"},
        context=("max_position_embeddings", 8192),
        harmless=words("use_dynamic_ntk use_logn_attn use_cache_quantization use_cache_kernel onnx_safe"),
        own_code=True,
    ),
    "qwen2": _QWEN2,
    "qwen3": replace(
        _QWEN2,
        prefix="Qwen3",
        layer=(*attention(_ATTENTION_BIAS), *forward(False, gated=True), norms(2), head_norms()),
        head_dim=("head_dim", 128),
    ),
    "internlm2": replace(
        _LLAMA,
        prefix="InternLM2",
        layer=(*attention(("bias", True)), *forward(False, gated=True), norms(2)),
        head_dim=None,
        own_code=True,
    ),
    "gemma": _GEMMA,
    "gemma2": _GEMMA2,
    "gemma3_text": _GEMMA3_TEXT,
    "phi3": replace(
        _MISTRAL,
        prefix="Phi3",
        endings=without("ForQuestionAnswering"),
        context=("max_position_embeddings", 4096),
        kv_heads=("num_key_value_heads", None),
        unbuilt={"attention_bias": (False,)},
        own_code=True,
    ),
    # The first OLMo has norms without weights; the second has them behind attention and the feed-forward network.
    "olmo": _OLMO,
    "olmo2": replace(_OLMO, prefix="Olmo2", layer=(*_OLMO.layer, norms(2), *whole_norms()), ends=(norms(1),)),
    # Attention and feed-forward network side by side behind one norm of the scale alone.
    "cohere": replace(
        _LLAMA,
        prefix="Cohere",
        endings=without("ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering"),
        layer=(*attention(_ATTENTION_BIAS), *forward(False, gated=True), norms(1), *whole_norms(when=("use_qk_norm", False))),
        context=("max_position_embeddings", 8192),
        tied=("tie_word_embeddings", True),
    ),
    "stablelm": replace(
        _LLAMA,
        prefix="StableLm",
        endings=without("ForQuestionAnswering"),
        layer=(
            *attention(("use_qkv_bias", False), False),
            *forward(False, gated=True),
            norms(lambda reading: 2 - reading.flag(_STABLELM_PARALLEL), 2),
            *whole_norms(when=("qk_layernorm", False)),
        ),
        kv_heads=("num_key_value_heads", 32),
        head_dim=None,
        context=("max_position_embeddings", 4096),
        ends=(norms(1, 2),),
        own_code=True,
    ),
    "starcoder2": replace(
        _LLAMA,
        prefix="Starcoder2",
        endings=without("ForQuestionAnswering"),
        layer=(*attention(("use_bias", True)), *forward(("use_bias", True)), norms(2, 2)),
        kv_heads=("num_key_value_heads", 2),
        context=("max_position_embeddings", 4096),
        ends=(norms(1, 2),),
        tied=("tie_word_embeddings", True),
        unbuilt={"mlp_type": ("default",), "norm_type": ("layer_norm",)},
    ),
}
