"""Models in files: JSON by the schema of `schema`, read back exactly, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tensorrank.arguments import file_path
from tensorrank.given_files.json_values import read_json
from tensorrank.given_files.paths import named_in_errors
from tensorrank.mixtures.formats.schema import from_dict, to_dict
from tensorrank.mixtures.mixture import Mixture
from tensorrank.whole_files import write_whole

__all__ = ["from_dict", "load", "save", "to_dict"]


def load(path: str | Path) -> Mixture:
    """The mixture model in a file, with the entries that were saved: floats as floats, fractions as fractions.

    Args:
        path: a JSON file in the format of `save`.

    Raises:
        TensorRankError: naming the file, if it cannot be read, is no whole JSON file, or describes no model.

    >>> from tempfile import TemporaryDirectory
    >>> import tensorrank as tr
    >>> with TemporaryDirectory() as folder:
    ...     tr.save(tr.LatentClass([1], [[["1/3", "2/3"]]]), f"{folder}/coin.json")
    ...     tr.load(f"{folder}/coin.json").probability([[1]])
    array([Fraction(2, 3)], dtype=object)
    """
    checked = file_path("the path of the model", path)
    with named_in_errors(checked):
        return from_dict(read_json(checked, "a model file (JSON)"))


def save(model: Mixture, path: str | Path) -> None:
    """Write a model to a file. An older file of the name is replaced only when the new one is whole.

    Raises:
        TensorRankError: if the file cannot be written, or the model is of no registered kind.

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> weather = HiddenMarkov([0.5, 0.5], [[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]], length=3)
    >>> with TemporaryDirectory() as folder:
    ...     save(weather, f"{folder}/weather.json")
    ...     print(Path(f"{folder}/weather.json").read_text())
    ...     load(f"{folder}/weather.json")
    {
      "model": "hidden_markov",
      "version": 1,
      "initial": [0.5, 0.5],
      "transition": [[0.9, 0.1], [0.3, 0.7]],
      "emission": [[0.8, 0.2], [0.1, 0.9]],
      "length": 3
    }
    HiddenMarkov(3 variables, 2 states, 2 symbols, homogeneous)
    """
    fields = ",\n".join(f"  {json.dumps(name)}: {_line_by_line(value)}" for name, value in to_dict(model).items())
    content = f"{{\n{fields}\n}}\n".encode()
    file_path("the path of the model", path)
    write_whole(path, lambda file: file.write(content))


def _line_by_line(value: Any) -> str:
    """The value as JSON, with a line for each object or table of a list."""
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) or (isinstance(first, list) and first and isinstance(first[0], list)):
        return "[\n    " + ",\n    ".join(json.dumps(part, allow_nan=False) for part in value) + "\n  ]"
    return json.dumps(value, allow_nan=False)
