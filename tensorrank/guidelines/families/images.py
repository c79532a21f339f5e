"""Encoders of images, and the third Gemma, which reads texts with images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tensorrank.arguments import shown, whole_number
from tensorrank.errors import TensorRankError
from tensorrank.guidelines.families.family import Composite, Ending, Family, Weights
from tensorrank.guidelines.families.pieces import attention, forward, norms, words
from tensorrank.guidelines.families.reading import LARGEST, Reading


def _sides(reading: Reading, key: str, absent: int) -> tuple[int, int]:
    """Height and width; one number stands for both."""
    given = reading.value(key, absent)
    both = given if isinstance(given, list) else [given, given]
    if len(both) != 2:
        raise TensorRankError(f"{key} is {shown(given)}; expected a whole number, or two")
    high, wide = (whole_number(key, one, 1, LARGEST) for one in both)
    return high, wide


def _pixels(reading: Reading) -> int:
    """The numbers of a patch, which a linear map takes to the width."""
    high, wide = _sides(reading, "patch_size", 16)
    return (reading.whole(("num_channels", 3)) or 3) * high * wide


def _patches(further: int) -> Callable[[Reading], int]:
    """The patches of an image, and so many tokens more."""

    def tokens(reading: Reading) -> int:
        image, patch = _sides(reading, "image_size", 224), _sides(reading, "patch_size", 16)
        return (image[0] // patch[0]) * (image[1] // patch[1]) + further

    return tokens


def _pooled(reading: Reading) -> int:
    return reading.whole(("pooler_output_size", None)) or reading.size("width")


_POOLING_HEAD = ("vision_use_head", True)
# A layer of its own, whose query is one vector.
_POOLING = (
    Weights("width"),
    *attention(True),
    norms(1, 2),
    Weights("width", "inner", bias=True),
    Weights("inner", "width", bias=True),
)
_PATCH_MAP = Weights("embedding", "width", bias=True)
_VIT = Family(
    prefix="ViT",
    endings={
        "Model": Ending((Weights("width", _pooled, bias=True),), note="with the pooler, without the head of a task"),
        "ForImageClassification": Ending((Weights("width", "labels", bias=True),), note="with the head of a task"),
    },
    layer=(*attention(("qkv_bias", True), True), *forward(), norms(2, 2)),
    vocabulary=None,
    embedding=_pixels,
    context=_patches(1),
    learned_positions=True,
    ends=(norms(1, 2),),
    # The class token is one vector more.
    embeddings=(_PATCH_MAP, Weights("width"), Weights("context", "width")),
    roles=("encoder",),
    harmless=words("encoder_stride pooler_output_size"),
)
IMAGES: dict[str, Family] = {
    "vit": _VIT,
    "siglip_vision_model": replace(
        _VIT,
        prefix="Siglip",
        endings={"VisionModel": Ending((norms(1, 2), *(replace(one, when=_POOLING_HEAD) for one in _POOLING)))},
        layer=(*attention(True), *forward(), norms(2, 2)),
        context=_patches(0),
        ends=(),
        embeddings=(_PATCH_MAP, Weights("context", "width")),
        harmless=frozenset(),
    ),
}
COMPOSITES: dict[str, Composite] = {
    "gemma3": Composite(
        classes=("Gemma3ForConditionalGeneration",),
        parts={"vision_config": "siglip_vision_model", "text_config": "gemma3_text"},
        # A map from the width of images to that of texts, and a norm.
        between=lambda vision, text: vision * text + vision,
        expects={"tie_word_embeddings": (True,)},
        harmless=words("mm_tokens_per_image"),
        note="with the encoder of images and the map from it; encoder and decoder are judged one by one",
    )
}
