"""Configurations of transformers (config.json) with changed values, keys, text or bytes, read and judged."""

import os
from pathlib import Path
from random import Random

from fuzz.good_files import CONFIGURATIONS
from fuzz.mutation import changed_json
from fuzz.target import Target


def generate(stream: Random) -> bytes:
    """The content of a file."""
    return changed_json(stream, stream.choice(CONFIGURATIONS))


def consume(content: bytes) -> object:
    """Read the file as Python does and as the command line does."""
    from fuzz.command_line import invoke

    import tensorrank as tr

    path = Path(f"config-{os.getpid()}.json")
    path.write_bytes(content)
    config = tr.guidelines.read_config(path, "table")
    repr(config)
    return invoke(["advise", "--config", str(path), "--counted-by", "table", "--json"])


TARGET = Target("configurations", generate, consume, cases=150)
