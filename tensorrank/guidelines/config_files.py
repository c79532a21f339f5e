"""Reading a Hugging Face style config.json: counted by the table of families, or by the library that wrote it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from tensorrank.arguments import by_name, file_path, meant, one_of, shown
from tensorrank.errors import TensorRankError, TooLargeError, UnknownFamilyError
from tensorrank.given_files.json_values import DEEPEST, read_json
from tensorrank.given_files.paths import named_in_errors
from tensorrank.guidelines.built_models import building, facts
from tensorrank.guidelines.families.counting import check_unbuilt, described, described_parts, known_keys
from tensorrank.guidelines.families.family import Composite, Family
from tensorrank.guidelines.families.table import FAMILIES
from tensorrank.guidelines.model_config import ModelConfig

_LARGEST_FILE = 10**7
_BY = ("table", "transformers")
_BY_HAND = "give depth and width"


def read_config(
    config: str | Path | Mapping[str, Any], counted_by: Literal["table", "transformers"] | None = None
) -> ModelConfig:
    """What a config.json, or its content, says of the architecture, with exact counts of parameters.

    Where transformers is installed (the extra `hf`), it builds the model that architectures and model_type name,
    without numbers, and what is there is counted: any family that it knows. Otherwise, and of the few families that it
    does not know, a table counts, which needs nothing but the file. Both count alike. A key that is left out has the
    value that the public format gives it then. No code that a configuration names (auto_map) is ever run.

    Args:
        config: the path of a file, or of a folder with a config.json, or the content as a mapping.
        counted_by: "table" or "transformers"; by default as above.

    Raises:
        TensorRankError: if the file cannot be read or is no JSON object, its family or class is not known, keys are
            missing (all are named) or have values that are not understood, or there are keys that nobody knows, since
            they may change the architecture.

    >>> gpt2 = {"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12, "n_positions": 1024,
    ...         "vocab_size": 50257}
    >>> found = read_config(gpt2, "table")
    >>> found.parameters, found.parameters_without_embeddings, found.counted_as
    (124439808, 85056000, 'GPT2LMHeadModel')
    """
    if counted_by is not None:
        one_of("counted_by", counted_by, _BY)
    if isinstance(config, Mapping):
        _check_plain(config)
        return _counted(config, counted_by)
    path = file_path("the configuration", config)
    path = path / "config.json" if os.path.isdir(path) else path  # pathlib fails on names too long for any file
    with named_in_errors(path):
        return _counted(read_json(path, "a config.json", most=_LARGEST_FILE), counted_by)


def _check_plain(config: Mapping[Any, Any]) -> None:
    """Refuse what no file can hold: keys that are no texts, and what is nested without end."""
    rest: list[tuple[Any, int]] = [(config, 0)]
    while rest:
        value, depth = rest.pop()
        if depth > DEEPEST:
            raise TensorRankError(
                f"the configuration is nested more than {DEEPEST} deep; expected an object, as in a config.json"
            )
        if isinstance(value, Mapping):
            by_name("configurations", value, "keys that are texts, as in a config.json")
        within = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        rest += [(part, depth + 1) for part in within]


def _counted(config: Any, counted_by: str | None) -> ModelConfig:
    if not isinstance(config, Mapping):
        raise TensorRankError(f"this is {shown(config)}; expected an object, as in a config.json")
    if "model_type" not in config:
        raise TensorRankError(f"the key model_type is missing; expected the name of a family, such as llama, or {_BY_HAND}")
    name, installed = config["model_type"], building.installed()
    if counted_by == "transformers" and installed is None:
        raise TensorRankError(
            "transformers, of version 5 or later, or PyTorch is not installed; expected both: pip install 'tensorrank[hf]'"
        )
    table = FAMILIES.get(name) if isinstance(name, str) else None
    build = installed is not None and counted_by != "table"
    builds = isinstance(name, str) and name in building.model_types(of_installed=build)
    if table is None and not builds:
        raise TensorRankError(_unknown(name, config))
    if counted_by == "transformers" and not builds:
        raise TensorRankError(f"model_type is {name!r}, which transformers {installed} does not know; the table does")
    own = _on_own_code(config)
    way_round = _way_round(name, installed, builds)
    found = _built(name, table, config, way_round) if build and builds else _by_table(name, table, config, way_round)
    return replace(found, notes=(*found.notes, *own))


def _by_table(name: str, table: Family | Composite | None, config: Mapping[str, Any], way_round: str) -> ModelConfig:
    if table is None:
        raise UnknownFamilyError(f"model_type is {name!r}, which the table does not know; {_inner(config)}{way_round}")
    if isinstance(table, Composite):
        return described_parts(name, table, FAMILIES, config, way_round)
    check_unbuilt(name, table, config)
    return described(name, table, config, way_round)


def _built(name: str, table: Family | Composite | None, config: Mapping[str, Any], way_round: str) -> ModelConfig:
    """What transformers builds, counted; of a family that the table knows, the table has checked the keys before."""
    try:
        found = _by_table(name, table, config, way_round)
    except UnknownFamilyError:
        return facts.counted(config, known_keys(table, config) if isinstance(table, Family) else frozenset())
    try:
        built = facts.counted(config)
    except TooLargeError as error:
        return replace(found, notes=(*found.notes, f"transformers does not build this: {error}"))
    differ = () if found.parameters == built.parameters else (f"the table counts {found.parameters:,}",)
    return replace(built, notes=(*found.notes, *differ))


def _on_own_code(config: Mapping[str, Any], place: str = "") -> tuple[str, ...]:
    """Notes where a configuration, or a part of it, names code of its own that builds what is counted.

    Raises:
        TensorRankError: if it names other code.
    """
    name = config.get("model_type")
    notes: tuple[str, ...] = ()
    if config.get("auto_map"):
        table = FAMILIES.get(name) if isinstance(name, str) else None
        if not isinstance(table, Family) or not table.own_code:
            raise TensorRankError(
                f"{place}auto_map names code of the model's own, which is never run here and may build something else than "
                f"an ordinary {shown(name)} model; expected a configuration without. To count the ordinary one, leave it out"
            )
        notes = (f"the code that {place}auto_map names is not read: this is counted as other {name} models are",)
    parts = [(key, part) for key, part in config.items() if isinstance(part, Mapping)]
    return (*notes, *(note for key, part in parts for note in _on_own_code(part, f"{place}{key}.")))


def _way_round(name: str, installed: str | None, builds: bool) -> str:
    """What to try where the table does not know enough; transformers only where it builds the family."""
    if not builds:
        return _BY_HAND
    if installed:
        return "let transformers count it (counted_by='transformers', or --counted-by transformers)"
    return f"install the extra hf (pip install 'tensorrank[hf]'), with which transformers builds {name} models"


def _inner(config: Mapping[str, Any]) -> str:
    """Words on the language model within a configuration, if the table counts it."""
    part = config.get("text_config")
    try:
        _counted(part, "table")
    except TensorRankError:
        return ""
    return "give its language model alone, which stands under 'text_config'; or "


def _unknown(name: Any, config: Mapping[str, Any]) -> str:
    lower = name.lower() if isinstance(name, str) else name
    near = meant(lower, sorted({*FAMILIES, *building.model_types(of_installed=False)}))
    return f"model_type is {shown(name)}, which neither the table nor transformers knows{near}; {_inner(config)}{_BY_HAND}"
