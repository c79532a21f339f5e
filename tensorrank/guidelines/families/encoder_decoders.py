"""Encoders with decoders that attend to them: T5 and its kin, whose positions are biases of attention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tensorrank.guidelines.families.family import Ending, Family, Weights
from tensorrank.guidelines.families.pieces import attention, forward, norms, words
from tensorrank.guidelines.families.reading import Reading

_BIASES = Weights("buckets", "heads")
_SQUARE = Weights("width", "width", bias=True)
_LABELS = Weights("width", "labels", bias=True)


def _gated(absent: str) -> Callable[[Reading], bool]:
    return lambda reading: reading.flag(("is_gated_act", reading.text("feed_forward_proj", absent).startswith("gated")))


_T5 = Family(
    prefix="T5",
    endings={
        "ForConditionalGeneration": Ending(writes=True),
        "Model": Ending(note="without an output embedding"),
        "EncoderModel": Ending(encoder_alone=True, note="an encoder alone"),
        "ForSequenceClassification": Ending((_SQUARE, _LABELS), note="with the head of a task"),
        "ForTokenClassification": Ending((_LABELS,), encoder_alone=True, note="an encoder alone, with the head of a task"),
        "ForQuestionAnswering": Ending((_LABELS,), note="with the head of a task"),
    },
    layer=(*attention(), *forward(False, gated=_gated("relu")), norms(2)),
    depth="num_layers|num_hidden_layers",
    width="d_model|hidden_size",
    heads="num_heads|num_attention_heads",
    inner="d_ff",
    head_dim=("d_kv|head_dim", 64),
    context=("n_positions", None),
    more={"buckets": ("relative_attention_num_buckets", 32)},
    second=(*attention(), norms(1)),
    second_depth=("num_decoder_layers", None),
    ends=(norms(1), _BIASES),
    roles=("encoder", "decoder"),
    # An encoder alone that is called a decoder attends twice.
    expects={"is_encoder_decoder": (True,), "is_decoder": (False,)},
    harmless=words("relative_attention_max_distance scale_decoder_outputs scalable_attention"),
    notes=(lambda reading: "encoder and decoder are counted, and judged one by one",),
)

ENCODER_DECODERS: dict[str, Family] = {
    "t5": _T5,
    # Whether these share their embeddings where nothing is said depends on the version of the format.
    "mt5": replace(
        _T5,
        prefix="MT5",
        layer=(*attention(), *forward(False, gated=_gated("gated-gelu")), norms(2)),
        tied="tie_word_embeddings",
    ),
    # Each layer has biases of its own.
    "umt5": replace(
        _T5,
        prefix="UMT5",
        layer=(*attention(), *forward(False, gated=_gated("gated-gelu")), norms(2), _BIASES),
        ends=(norms(1),),
        tied="tie_word_embeddings",
    ),
}
