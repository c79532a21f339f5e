"""Weights that many families share: attention, feed-forward networks, norms, experts, and the heads of tasks."""

from __future__ import annotations

from collections.abc import Callable

from tensorrank.guidelines.families.family import Ending, Weights
from tensorrank.guidelines.families.reading import Flag, Reading, Size


def attention(inward: Flag = False, outward: Flag | None = None, values: Size = "keys") -> tuple[Weights, ...]:
    """The maps to queries, keys and values, with biases or without, and the map back.

    Args:
        inward: whether the maps to queries, keys and values have biases.
        outward: whether the map back has one; as the others where nothing is said.
        values: the size of all values together.
    """
    back = inward if outward is None else outward
    return (
        Weights("width", "queries", inward),
        Weights("width", "keys", inward),
        Weights("width", values, inward),
        Weights("queries", "width", back),
    )


def forward(
    bias: Flag = True, *, gated: Flag = False, inner: Size = "inner", layers: Size | None = None
) -> tuple[Weights, ...]:
    """A feed-forward network: a map up, a second one where it is gated, and a map down."""
    return (
        Weights("width", inner, bias, layers=layers),
        Weights("width", inner, bias, layers=layers, when=gated),
        Weights(inner, "width", bias, layers=layers),
    )


def experts(count: Size, used: Size, *, inner: Size = "inner", layers: Size | None = None) -> tuple[Weights, ...]:
    """Gated feed-forward networks without biases, of which a router chooses some for each token."""
    return (
        Weights("width", count, layers=layers),
        Weights("width", inner, copies=lambda reading: 2 * reading.size(count), used=_twice(used), layers=layers),
        Weights(inner, "width", copies=count, used=used, layers=layers),
    )


def _twice(size: Size) -> Callable[[Reading], int]:
    return lambda reading: 2 * reading.size(size)


def norms(count: Size, vectors: int = 1, *, when: Flag = True) -> Weights:
    """So many norms over the width: of one vector for the scale, or of two for scale and shift."""
    return Weights("width", copies=lambda reading: vectors * reading.size(count), when=when)


def head_norms(*, when: Flag = True, vectors: int = 1) -> Weights:
    """The norms of queries and of keys over the dimension of a head, which all heads share."""
    return Weights("head_dim", copies=2 * vectors, when=when)


def whole_norms(*, when: Flag = True) -> tuple[Weights, ...]:
    """The scales of the norms of queries and of keys over the dimensions of all heads."""
    return Weights("queries", when=when), Weights("keys", when=when)


def words(names: str) -> frozenset[str]:
    """Keys in a text, with blanks between them."""
    return frozenset(names.split())


def from_zero(keys: str, absent: int = 0) -> Callable[[Reading], int]:
    """A size of at least 0 by its key, with what holds where it is left out."""
    return lambda reading: reading.whole((keys, absent), 0) or 0


# The classes of a decoder. Heads of tasks are as transformers has them: without a bias where a sequence is judged.
WITH_HEAD = "with the head of a task in place of an output embedding"
WRITER = Ending(writes=True)
ALONE = Ending(note="without an output embedding")
SEQUENCE = Ending((Weights("width", "labels"),), note=WITH_HEAD)
TOKEN = Ending((Weights("width", "labels", bias=True),), note=WITH_HEAD)
ANSWER = Ending((Weights("width", 2, bias=True),), note=WITH_HEAD)
DECODER = {
    "ForCausalLM": WRITER,
    "Model": ALONE,
    "ForSequenceClassification": SEQUENCE,
    "ForTokenClassification": TOKEN,
    "ForQuestionAnswering": ANSWER,
}


def without(*endings: str) -> dict[str, Ending]:
    """The classes of a decoder but for some."""
    return {ending: what for ending, what in DECODER.items() if ending not in endings}
