"""Encoders of texts: BERT and its kin."""

from __future__ import annotations

from dataclasses import replace

from tensorrank.guidelines.families.family import Ending, Family, Weights
from tensorrank.guidelines.families.pieces import attention, forward, from_zero, norms, words
from tensorrank.guidelines.families.reading import Reading

# Heads of tasks: a square map, a norm, the classes of a task, and whether a text follows another.
_SQUARE = Weights("width", "width", bias=True)
_NORM = Weights("width", copies=2)
_LABELS = Weights("width", "labels", bias=True)
_ONE = Weights("width", bias=True)
_TWO = Weights("width", 2, bias=True)
_WITH_HEAD, _WITH_BOTH = "with the head of a task", "with pooler and both heads"


def _padding(reading: Reading) -> int | None:
    return reading.whole(("pad_token_id", 1), 0, null_counts=True)


def _untied(reading: Reading) -> bool:
    return not reading.flag(("tie_word_embeddings", True))


# Where the output embedding is not shared, neither are its two biases.
_SECOND_BIAS = Weights("vocabulary", when=_untied)


def _head(*weights: Weights) -> Ending:
    return Ending(weights, note=_WITH_HEAD)


def _writer(*weights: Weights) -> Ending:
    return Ending(weights, writes=True)


_NARROW_NORM = Weights("embedding", copies=2)
_TO_NARROW = Weights("width", "embedding", bias=True)
_TOKENS = _head(_LABELS)


def _is_narrow(reading: Reading) -> bool:
    return reading.size("embedding") != reading.size("width")


def _is_wide(reading: Reading) -> bool:
    return not _is_narrow(reading)


_TYPES = {"types": from_zero("type_vocab_size", 2)}
_LAYER = (*attention(True), *forward(), norms(2, 2))
_BERT = Family(
    prefix="Bert",
    endings={
        "Model": Ending((_SQUARE,), note="with the pooler, without the head of a task"),
        "ForMaskedLM": _writer(_SQUARE, _NORM, _SECOND_BIAS),
        "LMHeadModel": _writer(_SQUARE, _NORM, _SECOND_BIAS),
        "ForPreTraining": Ending((_SQUARE, _SQUARE, _NORM, _TWO, _SECOND_BIAS), writes=True, note=_WITH_BOTH),
        "ForNextSentencePrediction": _head(_SQUARE, _TWO),
        "ForSequenceClassification": _head(_SQUARE, _LABELS),
        "ForMultipleChoice": _head(_SQUARE, _ONE),
        "ForTokenClassification": _TOKENS,
        "ForQuestionAnswering": _TOKENS,
    },
    layer=_LAYER,
    learned_positions=True,
    more=_TYPES,
    embeddings=(Weights("context", "width"), Weights("types", "width"), _NORM),
    output_bias=True,
    roles=("encoder",),
    expects={"add_cross_attention": (False,)},
    harmless=words(
        "directionality pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers pooler_size_per_head pooler_type"
    ),
)
_ROBERTA = replace(
    _BERT,
    prefix="Roberta",
    endings={
        "Model": _BERT.endings["Model"],
        "ForMaskedLM": _writer(_SQUARE, _NORM, _SECOND_BIAS),
        "ForCausalLM": _writer(_SQUARE, _NORM, _SECOND_BIAS),
        "ForSequenceClassification": _head(_SQUARE, _LABELS),
        "ForMultipleChoice": _head(_SQUARE, _ONE),
        "ForTokenClassification": _TOKENS,
        "ForQuestionAnswering": _TOKENS,
    },
    # Positions begin behind the number of the token of padding.
    unused_positions=lambda reading: 0 if (pad := _padding(reading)) is None else 1 + pad,
)
_NARROW_EMBEDDINGS = (Weights("context", "embedding"), Weights("types", "embedding"))


def _own_layers(reading: Reading) -> int:
    return reading.size("groups") * reading.size("in_group")


def _shared_layers(reading: Reading) -> str | None:
    depth, own = reading.size("depth"), _own_layers(reading)
    if own >= depth:
        return None
    return f"{depth} layers share the weights of {own}, which are counted once"


# DeBERTa: relative positions, which may have maps to queries and keys of their own.
def _relative(reading: Reading) -> bool:
    return reading.flag(("relative_attention", False))


def _kinds(reading: Reading) -> tuple[str, ...]:
    given = reading.value("pos_att_type", [])
    if isinstance(given, str):
        return tuple(part.strip() for part in given.lower().split("|"))
    return reading.texts("pos_att_type")


def _own_map(kind: str) -> Weights:
    def there(reading: Reading) -> bool:
        shared = reading.flag(("share_att_key", False))
        return _relative(reading) and not shared and kind in _kinds(reading)

    return Weights("width", "queries", bias=True, when=there)


def _signed(key: str, reading: Reading) -> int:
    """A number of which anything below 1 means that nothing is said."""
    given = reading.value(key, -1)
    return 0 if type(given) is int and given < 1 else reading.whole(key) or 0


def _distances(reading: Reading) -> int:
    buckets, most = _signed("position_buckets", reading), _signed("max_relative_positions", reading)
    return 2 * (buckets or most or reading.size("context"))


def _has_relative_norm(reading: Reading) -> bool:
    return "layer_norm" in [part.strip() for part in reading.text("norm_rel_ebd", "none").lower().split("|")]


def _kernel(reading: Reading) -> int:
    return reading.whole(("conv_kernel_size", 0), 0) or 0


def _has_kernel(reading: Reading) -> bool:
    return _kernel(reading) > 0


def _added_positions(reading: Reading) -> bool:
    return reading.flag(("position_biased_input", True))


def _pooler_width(reading: Reading) -> int:
    return reading.whole(("pooler_hidden_size", None)) or reading.size("width")


_POOLER = Weights(_pooler_width, _pooler_width, bias=True)

# ModernBERT: no norm before the first attention, a gated feed-forward network, scales without shifts.
_NORM_BIAS = ("norm_bias", False)
_CLASSIFIER_BIAS = ("classifier_bias", False)


def _vectors(reading: Reading) -> int:
    return 1 + reading.flag(_NORM_BIAS)


def _behind_the_first(reading: Reading) -> int:
    return reading.size("depth") - 1


_MODERN_NORM = Weights("width", copies=_vectors)
_MODERN_HEAD = (Weights("width", "width", bias=_CLASSIFIER_BIAS), _MODERN_NORM)

ENCODERS: dict[str, Family] = {
    "bert": _BERT,
    "roberta": _ROBERTA,
    "xlm-roberta": replace(_ROBERTA, prefix="XLMRoberta"),
    "albert": Family(
        prefix="Albert",
        endings={
            "Model": _BERT.endings["Model"],
            "ForMaskedLM": _writer(_TO_NARROW, _NARROW_NORM, _SECOND_BIAS),
            "ForPreTraining": Ending((_SQUARE, _TO_NARROW, _NARROW_NORM, _LABELS, _SECOND_BIAS), writes=True, note=_WITH_BOTH),
            "ForSequenceClassification": _head(_SQUARE, _LABELS),
            "ForMultipleChoice": _head(_SQUARE, _ONE),
            "ForTokenClassification": _TOKENS,
            "ForQuestionAnswering": _TOKENS,
        },
        layer=_LAYER,
        embedding=("embedding_size", 128),
        more={**_TYPES, "groups": ("num_hidden_groups", 1), "in_group": ("inner_group_num", 1)},
        own_layers=_own_layers,
        learned_positions=_is_wide,
        embeddings=(*_NARROW_EMBEDDINGS, _NARROW_NORM, Weights("embedding", "width", bias=True)),
        output_bias=True,
        roles=("encoder",),
        harmless=words("down_scale_factor gap_size net_structure_type num_memory_blocks"),
        notes=(_shared_layers,),
    ),
    "distilbert": Family(
        prefix="DistilBert",
        endings={
            "Model": Ending(note="without the head of a task"),
            "ForMaskedLM": _writer(_SQUARE, _NORM),
            "ForSequenceClassification": _head(_SQUARE, _LABELS),
            "ForMultipleChoice": _head(_SQUARE, _ONE),
            "ForTokenClassification": _TOKENS,
            "ForQuestionAnswering": _head(_TWO),
        },
        layer=_LAYER,
        depth="n_layers|num_hidden_layers",
        width="dim|hidden_size",
        heads="n_heads|num_attention_heads",
        inner="hidden_dim|intermediate_size",
        context=("max_position_embeddings", 512),
        learned_positions=True,
        embeddings=(Weights("context", "width"), _NORM),
        output_bias=True,
        roles=("encoder",),
        harmless=words("sinusoidal_pos_embds tie_weights_"),
    ),
    "electra": Family(
        prefix="Electra",
        endings={
            "Model": Ending(note="without the head of a task"),
            "ForPreTraining": _head(_SQUARE, _ONE),
            "ForMaskedLM": _writer(_TO_NARROW, _NARROW_NORM),
            "ForCausalLM": _writer(_TO_NARROW, _NARROW_NORM),
            "ForSequenceClassification": _head(_SQUARE, _LABELS),
            "ForTokenClassification": _TOKENS,
            "ForQuestionAnswering": _TOKENS,
        },
        layer=_LAYER,
        embedding=("embedding_size", 128),
        context=("max_position_embeddings", 512),
        more=_TYPES,
        learned_positions=_is_wide,
        embeddings=(*_NARROW_EMBEDDINGS, _NARROW_NORM, Weights("embedding", "width", bias=True, when=_is_narrow)),
        output_bias=True,
        roles=("encoder",),
        expects={"add_cross_attention": (False,)},
    ),
    "deberta-v2": Family(
        prefix="DebertaV2",
        endings={
            "Model": Ending(note="without the head of a task"),
            "ForMaskedLM": _writer(_TO_NARROW, _NARROW_NORM, _SECOND_BIAS),
            "ForSequenceClassification": _head(_POOLER, _LABELS),
            "ForMultipleChoice": _head(_POOLER, _ONE),
            "ForTokenClassification": _TOKENS,
            "ForQuestionAnswering": _TOKENS,
        },
        layer=(
            Weights("width", "queries", bias=True, copies=3),
            _SQUARE,
            *forward(),
            norms(2, 2),
            _own_map("c2p"),
            _own_map("p2c"),
        ),
        head_dim=("attention_head_size", None),
        embedding=("embedding_size", None),
        context=("max_position_embeddings", 512),
        more={"types": from_zero("type_vocab_size", 0)},
        learned_positions=lambda reading: _added_positions(reading) and _is_wide(reading),
        ends=(
            Weights("width", copies=2, when=_has_relative_norm),
            Weights(lambda reading: _kernel(reading) * reading.size("width"), "width", when=_has_kernel),
            Weights("width", copies=3, when=_has_kernel),
        ),
        embeddings=(
            Weights("context", "embedding", when=_added_positions),
            Weights("types", "embedding"),
            Weights("embedding", "width", when=_is_narrow),
            _NORM,
            Weights(_distances, "width", when=_relative),
        ),
        output_bias=True,
        roles=("encoder",),
        expects={"legacy": (True,), "conv_groups": (1,)},
        harmless=words("pooler_hidden_size pos_att_type share_att_key position_buckets max_relative_positions"),
    ),
    "modernbert": Family(
        prefix="ModernBert",
        endings={
            "Model": Ending(note="without the head of a task"),
            "ForMaskedLM": _writer(*_MODERN_HEAD),
            "ForSequenceClassification": _head(*_MODERN_HEAD, _LABELS),
            "ForTokenClassification": _head(*_MODERN_HEAD, _LABELS),
            "ForQuestionAnswering": _head(*_MODERN_HEAD, _LABELS),
        },
        layer=(
            *attention(("attention_bias", False)),
            *forward(("mlp_bias", False), gated=True),
            _MODERN_NORM,
            Weights("width", copies=_vectors, layers=_behind_the_first),
        ),
        context=("max_position_embeddings", 8192),
        ends=(_MODERN_NORM,),
        embeddings=(_MODERN_NORM,),
        output_bias=("decoder_bias", True),
        roles=("encoder",),
        harmless=words(
            "global_attn_every_n_layers global_rope_theta local_rope_theta local_attention initializer_cutoff_factor "
            "sparse_prediction sparse_pred_ignore_index"
        ),
    ),
}
