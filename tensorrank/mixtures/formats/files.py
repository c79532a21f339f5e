"""Models in files: JSON by the schema of `schema`, read back exactly, written whole or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NoReturn

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.schema import from_dict, to_dict
from tensorrank.mixtures.mixture import Mixture
from tensorrank.whole_files import write_whole
from tensorrank.whole_numbers import from_text

__all__ = ["from_dict", "load", "save", "to_dict"]

_SQLITE = b"SQLite format 3\0"


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
    try:
        return from_dict(_parsed(Path(path).read_bytes()))
    except OSError as error:
        raise TensorRankError(f"{path} cannot be read ({error.strerror or error}); expected a model file") from error
    except TensorRankError as error:
        raise type(error)(f"{path}: {error}") from error


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
    write_whole(path, lambda file: file.write(f"{{\n{fields}\n}}\n".encode()))


def _line_by_line(value: Any) -> str:
    """The value as JSON, with a line for each object or table of a list."""
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict) or (isinstance(first, list) and first and isinstance(first[0], list)):
        return "[\n    " + ",\n    ".join(json.dumps(part, allow_nan=False) for part in value) + "\n  ]"
    return json.dumps(value, allow_nan=False)


def _parsed(content: bytes) -> Any:
    if content.startswith(_SQLITE):
        raise TensorRankError(
            "this is an SQLite file, as `tensorrank study --out` keeps ranks in; expected a model file (JSON)"
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TensorRankError(f"byte {error.start} is no UTF-8 text; expected a model file (JSON)") from error
    if not text.strip():
        raise TensorRankError("the file is empty; expected a model")
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant, parse_int=from_text)
    except json.JSONDecodeError as error:
        where = f"{error.msg[0].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno}"
        if _is_at_the_end(text, error):
            raise TensorRankError(
                f"{where}, where the file ends: it seems to be cut off; expected a whole file of JSON"
            ) from error
        raise TensorRankError(f"{where}; expected JSON") from error
    except RecursionError:
        raise TensorRankError("lists are nested too deep; expected a model file") from None


def _is_at_the_end(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the error is at the end of the file: only the rest of a number, of a word or of a text follows."""
    if error.msg.startswith("Extra data"):
        return False
    left = text[error.pos :].rstrip()
    return error.msg.startswith("Unterminated") or re.fullmatch(r"\\?[\w.+-]*", left) is not None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise TensorRankError(f"an object has the field {name!r} twice; expected each field once")
        fields[name] = value
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise TensorRankError(f"{name} is given as a number; expected finite numbers")
