"""Decoders with plain feed-forward networks: with learned positions, or with attention beside the other network."""

from __future__ import annotations

from tensorrank.guidelines.families.family import Ending, Family, Weights
from tensorrank.guidelines.families.pieces import (
    ALONE,
    ANSWER,
    DECODER,
    SEQUENCE,
    WRITER,
    attention,
    forward,
    norms,
    without,
    words,
)
from tensorrank.guidelines.families.reading import Reading

_POSITIONS = Weights("context", "width")


# OPT: a narrower embedding, norms that may have no weights, and no last norm where norms come behind.
def _opt_last(reading: Reading) -> bool:
    before, removed = reading.flag(("do_layer_norm_before", True)), reading.flag(("_remove_final_layer_norm", False))
    return reading.flag(_OPT_AFFINE) and before and not removed


def _opt_narrow(reading: Reading) -> bool:
    return reading.size("embedding") != reading.size("width")


_OPT_BIAS = ("enable_bias", True)
_OPT_AFFINE = ("layer_norm_elementwise_affine", True)
_OPT_HEADS = {
    "ForSequenceClassification": Ending((Weights("embedding", "labels"),), note=SEQUENCE.note),
    "ForQuestionAnswering": Ending((Weights("embedding", 2, bias=True),), note=ANSWER.note),
}


# Falcon: three ways to share keys and values, and one, two or three norms.
def _falcon_keys(reading: Reading) -> int:
    heads = reading.size("heads")
    own = reading.whole(("num_kv_heads", None)) or heads
    new, one = reading.flag(("new_decoder_architecture", False)), reading.flag(("multi_query", True))
    return own if new else 1 if one else heads


def _falcon_norms(reading: Reading) -> int:
    new = reading.flag(("new_decoder_architecture", False))
    two = reading.whole(("num_ln_in_parallel_attn", None)) or 1 + new
    return 2 if two == 2 or not reading.flag(("parallel_attn", True)) else 1


# Phi: norms of queries and keys of the width of a head as it would be without the key head_dim.
def _phi_part(reading: Reading) -> int:
    return reading.size("width") // reading.size("heads")


# MPT, of whose options the library of the format builds one.
_MPT_EXPECTS = {
    "expansion_ratio": (4,),
    "no_bias": (True,),
    "attn_config.attn_type": ("multihead_attention",),
    "attn_config.qk_ln": (False,),
    "attn_config.alibi": (True,),
}
_MPT_HARMLESS = (
    "learned_pos_emb embedding_fraction norm_type init_device init_config verbose attn_config.attn_impl attn_config.attn_pdrop "
    "attn_config.clip_qkv attn_config.softmax_scale attn_config.prefix_lm attn_config.attn_uses_sequence_id "
    "attn_config.alibi_bias_max attn_config.model_type"
)


OLDER_DECODERS: dict[str, Family] = {
    "gpt2": Family(
        prefix="GPT2",
        endings={"LMHeadModel": WRITER, **without("ForCausalLM")},
        layer=(*attention(True), *forward(), norms(2, 2)),
        depth="n_layer|num_hidden_layers",
        width="n_embd|hidden_size",
        heads="n_head|num_attention_heads",
        inner=("n_inner", None),
        context="n_positions|max_position_embeddings",
        learned_positions=True,
        ends=(norms(1, 2),),
        embeddings=(_POSITIONS,),
        expects={"add_cross_attention": (False,)},
        harmless=words("n_ctx"),
    ),
    "gptj": Family(
        prefix="GPTJ",
        endings=without("ForTokenClassification"),
        layer=(*attention(), *forward(), norms(1, 2)),
        depth="n_layer|num_hidden_layers",
        width="n_embd|hidden_size",
        heads="n_head|num_attention_heads",
        inner=("n_inner", None),
        context=("n_positions|max_position_embeddings", 2048),
        ends=(norms(1, 2),),
        tied=("tie_word_embeddings", False),
        output_bias=True,
        harmless=words("rotary n_ctx"),
    ),
    "gpt_neox": Family(
        prefix="GPTNeoX",
        endings=DECODER,
        layer=(*attention(("attention_bias", True)), *forward(), norms(2, 2)),
        context=("max_position_embeddings", 2048),
        ends=(norms(1, 2),),
        tied=("tie_word_embeddings", False),
    ),
    "bloom": Family(
        prefix="Bloom",
        endings=DECODER,
        layer=(*attention(True), *forward(), norms(2, 2)),
        depth="n_layer|num_hidden_layers",
        width="n_embed|hidden_size",
        heads="n_head|num_attention_heads",
        inner=None,
        context=("seq_length", None),
        ends=(norms(1, 2),),
        embeddings=(norms(1, 2),),
        unbuilt={"n_inner": (None,)},
        harmless=words(
            "apply_residual_connection_post_layernorm slow_but_exact offset_alibi attention_softmax_in_fp32 "
            "bias_dropout_fusion masked_softmax_fusion skip_bias_add skip_bias_add_qkv"
        ),
    ),
    "mpt": Family(
        prefix="Mpt",
        endings=DECODER,
        layer=(*attention(), *forward(False), norms(2)),
        depth="n_layers|num_hidden_layers",
        width="d_model|hidden_size",
        heads="n_heads|num_attention_heads",
        inner=None,
        context=("max_seq_len", 2048),
        ends=(norms(1),),
        parts=("attn_config",),
        unbuilt=_MPT_EXPECTS,
        harmless=words(_MPT_HARMLESS),
        own_code=True,
    ),
    "falcon": Family(
        prefix="Falcon",
        endings=DECODER,
        layer=(*attention(("bias", False)), *forward(("bias", False)), norms(_falcon_norms, 2)),
        width="hidden_size|n_embed",
        kv_heads=_falcon_keys,
        inner=("ffn_hidden_size", None),
        context=("max_position_embeddings", 2048),
        ends=(norms(1, 2),),
        harmless=words("alibi apply_residual_connection_post_layernorm parallel_attn multi_query num_kv_heads"),
        own_code=True,
    ),
    "phi": Family(
        prefix="Phi",
        endings=without("ForQuestionAnswering"),
        layer=(*attention(True), *forward(), norms(1, 2), Weights(_phi_part, copies=4, when=("qk_layernorm", False))),
        kv_heads=("num_key_value_heads", None),
        head_dim=("head_dim", None),
        context=("max_position_embeddings", 2048),
        ends=(norms(1, 2),),
        tied=("tie_word_embeddings", False),
        output_bias=True,
        own_code=True,
    ),
    "opt": Family(
        prefix="OPT",
        endings={"ForCausalLM": WRITER, "Model": ALONE, **_OPT_HEADS},
        layer=(*attention(_OPT_BIAS), *forward(_OPT_BIAS), norms(2, 2, when=_OPT_AFFINE)),
        inner="ffn_dim",
        embedding=("word_embed_proj_dim", None),
        learned_positions=True,
        ends=(norms(1, 2, when=_opt_last),),
        embeddings=(_POSITIONS, Weights("width", copies=2), Weights("embedding", "width", copies=2, when=_opt_narrow)),
    ),
}
