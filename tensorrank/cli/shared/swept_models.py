"""The models of a study as words of the command line: a kind with its sizes, or model files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from inspect import signature
from os.path import isfile
from typing import TYPE_CHECKING, Any

import tensorrank as tr
from tensorrank.arguments import nearest, shown
from tensorrank.cli.shared.terminal import whole_numbers
from tensorrank.errors import TensorRankError

if TYPE_CHECKING:
    from tensorrank.studies.model_key import ModelKey
    from tensorrank.studies.run import Finding
    from tensorrank.studies.stored_rows import StoredRank

# The kinds that have sizes, and their classes; a new kind is one more line.
KINDS = {"attention": "SelfAttention", "recurrent": "RecurrentCircuit", "convolutional": "ConvolutionalCircuit"}


def model_of(key: ModelKey) -> tr.SelfAttention | tr.RecurrentCircuit | tr.ConvolutionalCircuit | ModelKey:
    """The model of a stored key, if it is of a kind that has sizes; otherwise the key, which tells no more.

    Raises:
        TensorRankError: if sizes are missing, unknown or impossible.
    """
    if key.kind not in KINDS:
        return key
    kind = getattr(tr, KINDS[key.kind])
    try:
        signature(kind).bind(**key.values)
    except TypeError as error:
        raise TensorRankError(f"{key.kind}: {error}") from error
    model: tr.SelfAttention | tr.RecurrentCircuit | tr.ConvolutionalCircuit = kind(**key.values)
    return model


def stored_findings(ranks: Iterable[tuple[ModelKey, StoredRank]]) -> list[Finding[Any]]:
    """The ranks of a store as findings, no lower bound less than what is certified of a model that is contained."""
    # Heavy modules are imported where they are used, so that --help answers at once.
    from tensorrank.studies.contained import raised_findings
    from tensorrank.studies.run import Finding

    return raised_findings(Finding(model_of(key), stored.result, fresh=False) for key, stored in ranks)


def study_of(words: Sequence[str], **options: Any) -> tr.Study[Any]:
    """The study of a name of `KINDS` and for each size NAME=VALUES, or of the models in files; and its options."""
    kind, *others = words
    if kind in KINDS:
        sizes: dict[str, list[Any]] = {}
        for word in others:
            name, values = _size(word)
            if name in sizes or name in options:
                raise TensorRankError(f"{word!r} was given; expected each size once, and options of the study as --NAME")
            sizes[name] = values
        return tr.Study.over(getattr(tr, KINDS[kind]), **sizes, **options)
    for word in words:
        if not isfile(word):
            raise TensorRankError(f"{shown(word)} is no model file and no kind of model; {nearest(word, KINDS)}")
    return tr.Study([tr.load(word) for word in words], **options)


def _size(word: str) -> tuple[str, list[Any]]:
    name, sign, values = word.partition("=")
    if not (name and sign and values):
        raise TensorRankError(f"{word!r} was given; expected a size and its values, such as depth=1-3")
    return name, [value for part in values.split(",") for value in _values(name, part.strip())]


def _values(name: str, text: str) -> Sequence[Any]:
    """The values that a text stands for.

    >>> _values("depth", "1-3"), _values("widths", "2x3"), _values("widths", "4x"), _values("shared", "true")
    ((1, 2, 3), [(2, 3)], [(4,)], [True])
    """
    if text in ("true", "false"):
        return [text == "true"]
    if re.fullmatch(r"\d+x(\d+x)*\d*", text):
        return [tuple(int(number) for number in text.split("x") if number)]
    return whole_numbers(text, name) if text[:1].isdecimal() else [text]
