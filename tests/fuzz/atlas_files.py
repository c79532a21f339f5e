"""Atlases and saved results with changed values, keys, text or bytes, given to each verb of `tensorrank atlas`."""

import os
from pathlib import Path
from random import Random

from fuzz.command_line import invoke
from fuzz.good_files import atlas, result
from fuzz.mutation import changed_json
from fuzz.target import Target

_LIMITS = ["--work", "1e7", "--memory", "64MiB", "--threads", "1"]
_ASKED = (
    ["list", "--atlas", "FILE"],
    ["list", "--depth", "1", "--export", "EXPORTED.json", "--atlas", "FILE"],
    ["list", "--kind", "recurrent", "--export", "EXPORTED.csv", "--atlas", "FILE"],
    ["verify", "recurrent", "depth=1", "hidden=5", "channels=2", "steps=4", *_LIMITS, "--atlas", "FILE"],
    ["add", "FILE", "--atlas", "OTHER"],
)


def generate(stream: Random) -> tuple[bytes, list[str]]:
    """The content of a file, and what is asked of it."""
    content = changed_json(stream, result() if stream.random() < 0.3 else atlas())
    return content, [*stream.choice(_ASKED), *stream.choice(([], ["--json"]))]


def consume(given: tuple[bytes, list[str]]) -> object:
    """List, verify or add what is in the file, which stays as it is."""
    content, asked = given
    path, other, exported = (f"{name}-{os.getpid()}" for name in ("atlas", "other", "exported"))
    Path(path).write_bytes(content)
    Path(other).unlink(missing_ok=True)
    names = {"FILE": path, "OTHER": other, "EXPORTED.json": f"{exported}.json", "EXPORTED.csv": f"{exported}.csv"}
    try:
        return invoke(["atlas", *(names.get(word, word) for word in asked)])
    finally:
        if Path(path).read_bytes() != content:
            raise AssertionError("the file was changed")


TARGET = Target("atlas_files", generate, consume, cases=100)
