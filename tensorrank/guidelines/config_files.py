"""Reading a Hugging Face style config.json; the library that wrote it is not needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tensorrank.arguments import file_path, shown
from tensorrank.errors import TensorRankError
from tensorrank.given_files.json_values import read_json
from tensorrank.given_files.paths import named_in_errors
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
    path = file_path("the configuration", config)
    with named_in_errors(path):
        return _checked(read_json(path, "a config.json", most=_LARGEST_FILE))


def _checked(config: Any) -> ModelConfig:
    if not isinstance(config, Mapping):
        raise TensorRankError(f"this is {shown(config)}; expected an object, as in a config.json")
    known = ", ".join(FAMILIES)
    if "model_type" not in config:
        raise TensorRankError(f"the key model_type is missing; expected one of {known}, or give depth and width")
    name = config["model_type"]
    if not isinstance(name, str) or name not in FAMILIES:
        lower = name.lower() if isinstance(name, str) else ""
        meant = f"; did you mean {lower!r}?" if lower in FAMILIES else ""
        inner = "; the language model of this one is under 'text_config': give that part alone"
        raise TensorRankError(
            f"model_type is {shown(name)}; expected one of {known}{meant}{inner if 'text_config' in config else ''}; of any "
            "other model, give depth and width"
        )
    if config.get("add_cross_attention"):
        raise TensorRankError(f"add_cross_attention is set; expected a {name} model without, as it is not counted here")
    if config.get("auto_map") and not FAMILIES[name].own_code:
        raise TensorRankError(
            f"auto_map names code of the model's own, which may count otherwise than a {name} model; expected a model "
            f"without. To count it as an ordinary {name} model, leave the key out"
        )
    missing = [key for key in FAMILIES[name].needed if config.get(key) is None]
    if missing:
        one = len(missing) == 1
        raise TensorRankError(
            f"the key{'' if one else 's'} {', '.join(missing)} {'is' if one else 'are'} missing; "
            f"expected {'it' if one else 'them'} in the configuration of a {name} model"
        )
    return described(name, config)
