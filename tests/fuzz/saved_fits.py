"""Saved fits of an ablation with changed values, keys, text or bytes, read by `tensorrank advise --fit`."""

import os
from pathlib import Path
from random import Random

from fuzz.command_line import invoke
from fuzz.good_files import FIT
from fuzz.mutation import changed_json
from fuzz.target import Target

_ASKED = (
    ["--parameters", "3B"],
    ["--depth", "12", "--width", "768"],
    ["--projections"],
    ["--parameters", "1"],
    ["--parameters", "1e30"],
    ["--depth", "1", "--width", "1000000"],
)


def generate(stream: Random) -> tuple[bytes, list[str]]:
    """The content of a file, and what is asked of it."""
    content = changed_json(stream, {"fit": FIT} if stream.random() < 0.2 else FIT)
    return content, [*stream.choice(_ASKED), *stream.choice(([], ["--json"]))]


def consume(given: tuple[bytes, list[str]]) -> object:
    """Ask for advice with the fit in the file."""
    content, asked = given
    path = Path(f"fit-{os.getpid()}.json")
    path.write_bytes(content)
    return invoke(["advise", *asked, "--fit", str(path)])


TARGET = Target("saved_fits", generate, consume, cases=100)
