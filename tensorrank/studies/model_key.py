"""What the engine knows a model by: a text that tells it from every other model."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tensorrank.arguments import shown
from tensorrank.errors import TensorRankError
from tensorrank.given_files.json_values import parsed_json
from tensorrank.separation.architecture import Model


@dataclass(frozen=True, order=True)
class ModelKey:
    """The key of a model in a study, in its store and on its workers: the kind of the model, and its identity.

    Attributes:
        text: both as one JSON object, the kind first, then the values of the identity by name. Two models are the same
            for a store if and only if these texts are equal. The partition is no part of it.
        name: the model in words.

    Raises:
        TensorRankError: if the text is no such JSON object.
    """

    text: str
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        found = parsed_json(self.text, "the key of a model")
        if not isinstance(found, dict) or not isinstance(found.get("kind"), str) or not all(map(_is_plain, found.values())):
            raise TensorRankError(
                f"the key of a model is {shown(self.text)}; expected what ModelKey.of gives: a JSON object of the kind and "
                "of texts, numbers, truth values, null and lists of these"
            )

    @classmethod
    def of(cls, model: Model | ModelKey) -> ModelKey:
        """The key of a model; a key is returned as it is.

        Raises:
            TensorRankError: if the model has no kind or no identity.
        """
        if isinstance(model, ModelKey):
            return model
        if not isinstance(model, Model):
            raise TensorRankError(
                f"the model is {shown(model)}; expected an architecture such as SelfAttention(depth=2, width=3), or a model"
            )
        values = model.identity()
        return cls(json.dumps({"kind": model.kind, **{name: values[name] for name in sorted(values)}}), str(model))

    @cached_property
    def values(self) -> dict[str, Any]:
        """The identity: of an architecture the arguments that make it, of given tables their sizes and a digest."""
        return {name: value for name, value in self.to_dict().items() if name != "kind"}

    @property
    def kind(self) -> str:
        """The kind, such as "attention"."""
        return str(self.to_dict()["kind"])

    def to_dict(self) -> dict[str, Any]:
        """The kind and the values of the identity, ready for JSON."""
        # By the reader that has read it before: Python's own refuses whole numbers of more than 4300 digits.
        return dict(parsed_json(self.text, "the key of a model"))

    def __str__(self) -> str:
        return self.name or f"{self.kind}({', '.join(f'{name}={_in_words(value)}' for name, value in self.values.items())})"


def _in_words(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return value if isinstance(value, str) else shown(value)


def _is_plain(value: Any) -> bool:
    """Whether a value is one that an identity has."""
    if isinstance(value, list):
        return all(_is_plain(entry) and not isinstance(entry, list) for entry in value)
    return not isinstance(value, dict) and not (isinstance(value, float) and not math.isfinite(value))
