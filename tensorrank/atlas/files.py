"""Atlases in files: JSON with a line for each entry, read with every field checked, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tensorrank.arguments import shown
from tensorrank.atlas.entry import Entry
from tensorrank.errors import TensorRankError
from tensorrank.given_files.json_values import read_json
from tensorrank.given_files.paths import named_in_errors
from tensorrank.user_folders import user_folder
from tensorrank.whole_files import write_whole

# The atlas that comes with the package.
PACKAGED = Path(__file__).with_name("atlas.json")
FORMAT, VERSION = "tensorrank atlas", 1
_EXPECTED = "an atlas, as `tensorrank atlas --export FILE.json` writes it"


def read(path: Path) -> tuple[Entry, ...]:
    """The entries in a file, in its order.

    Raises:
        TensorRankError: naming the file and what in it is wrong: the line and column where it is no JSON, else the
            entry by its number from 0 and the field.
    """
    with named_in_errors(path):
        return entries_of(read_json(path, _EXPECTED))


def is_atlas(content: Any) -> bool:
    """True if what was read from a JSON file is meant to be an atlas."""
    return isinstance(content, Mapping) and content.get("format") == FORMAT


def entries_of(content: Any) -> tuple[Entry, ...]:
    """The entries of an atlas that was read from a JSON file."""
    if not is_atlas(content) or set(content) != {"format", "version", "entries"}:
        names = f"an object of {', '.join(sorted(map(shown, content)))}" if isinstance(content, Mapping) else shown(content)
        raise TensorRankError(f"{names} was given; expected {_EXPECTED}: format ({FORMAT!r}), version and entries")
    if content["version"] != VERSION or isinstance(content["version"], bool):
        raise TensorRankError(
            f"version is {shown(content['version'])}; this tensorrank reads {VERSION}; install the version that wrote the file"
        )
    given = content["entries"]
    if not isinstance(given, list):
        raise TensorRankError(f"entries are {shown(given)}; expected a list")
    found: dict[str, int] = {}
    entries = []
    for number, values in enumerate(given):
        try:
            entry = Entry.from_dict(values)
        except TensorRankError as error:
            raise type(error)(f"entries[{number}]: {error}") from error
        before = found.setdefault(entry.key, number)
        if before != number:
            raise TensorRankError(f"entries[{number}]: {entry.name} stands in entries[{before}], too; expected each rank once")
        entries.append(entry)
    return tuple(entries)


def write(entries: Iterable[Entry], path: Path) -> None:
    """Write entries to a file, whole or not at all, a line each.

    Raises:
        TensorRankError: if the file cannot be written.
    """
    lines = ",\n".join(f"  {json.dumps(entry.to_dict(), allow_nan=False)}" for entry in entries)
    text = f'{{\n "format": {json.dumps(FORMAT)},\n "version": {VERSION},\n "entries": [\n{lines}\n ]\n}}\n'
    write_whole(path, lambda file: file.write(text.encode()))


@cache
def packaged() -> tuple[Entry, ...]:
    """The entries that come with the package, read once."""
    return read(PACKAGED)


def users_file() -> Path | None:
    """The file of a user's own entries, whether it is there or not; None for a user without a home."""
    folder = user_folder("data")
    return None if folder is None else folder / "atlas.json"
