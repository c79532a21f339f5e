"""Reading a Hugging Face style config.json; the library that wrote it is not needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorrank.errors import TensorRankError
from tensorrank.guidelines.config_families import FAMILIES, described
from tensorrank.guidelines.model_config import ModelConfig

_LARGEST_FILE = 10**7


def read_config(config: str | Path | Mapping[str, Any]) -> ModelConfig:
    """What a config.json, or its content, says of the architecture.

    The families are GPT-2, LLaMA, Mistral, Qwen (1, 2 and 3), OPT, BERT, RoBERTa, T5 and mT5. A key that is left out
    has the value that the public format gives it then.

    Args:
        config: a path, or the content as a mapping.

    Raises:
        TensorRankError: if the file cannot be read or is no JSON object, the family is none of these, or keys are
            missing (all are named) or no whole numbers.

    >>> gpt2 = {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024,
    ...         "vocab_size": 50257}
    >>> read_config(gpt2).parameters, read_config(gpt2).parameters_without_embeddings
    (124439808, 85056000)
    """
    if isinstance(config, Mapping):
        return _checked(config)
    path = Path(config)
    try:
        return _checked(_parsed(path))
    except OSError as error:
        raise TensorRankError(f"{path} cannot be read ({error.strerror or error}); expected a config.json") from error
    except TensorRankError as error:
        raise TensorRankError(f"{path}: {error}") from error


def _parsed(path: Path) -> Mapping[str, Any]:
    if path.stat().st_size > _LARGEST_FILE:
        raise TensorRankError("the file has more than 10 MB; expected a config.json")
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise TensorRankError(f"this is no JSON ({error}); expected a config.json") from error
    if not isinstance(content, dict):
        raise TensorRankError(f"this is a JSON {type(content).__name__}; expected an object, as in a config.json")
    return content


def _checked(config: Mapping[str, Any]) -> ModelConfig:
    known = ", ".join(FAMILIES)
    if "model_type" not in config:
        raise TensorRankError(f"the key model_type is missing; expected one of {known}, or give depth and width")
    name = config["model_type"]
    if not isinstance(name, str) or name not in FAMILIES:
        meant = f"; did you mean {str(name).lower()!r}?" if str(name).lower() in FAMILIES else ""
        inner = "; the language model of this one is under 'text_config': give that part alone"
        raise TensorRankError(
            f"model_type is {name!r}; expected one of {known}{meant}{inner if 'text_config' in config else ''}; of any "
            "other model, give depth and width"
        )
    if config.get("add_cross_attention"):
        raise TensorRankError(f"add_cross_attention is set; expected a {name} model without, as it is not counted here")
    missing = [key for key in FAMILIES[name].needed if config.get(key) is None]
    if missing:
        one = len(missing) == 1
        raise TensorRankError(
            f"the key{'' if one else 's'} {', '.join(missing)} {'is' if one else 'are'} missing; "
            f"expected {'it' if one else 'them'} in the configuration of a {name} model"
        )
    return described(name, config)
