"""Model files with changed values, keys, text or bytes: read, looked at, written, sampled and reduced."""

import os
from pathlib import Path
from random import Random

from fuzz.good_files import models
from fuzz.mutation import changed_json
from fuzz.target import Target


def generate(stream: Random) -> bytes:
    """The content of a file."""
    return changed_json(stream, stream.choice(models()))


def consume(content: bytes) -> object:
    """Read the file; of a model that it holds, do what needs little time."""
    import tensorrank as tr

    path = Path(f"changed-{os.getpid()}.json")
    path.write_bytes(content)
    model = tr.load(path)
    repr(model)
    tr.save(model, path)
    tr.load(path)
    if model.sites > 1:
        model.architecture().rank_bound(tr.Bipartition.halves(model.sites))
    if model.table_entries < 1000:
        model.score(model.sample(3, random_state=0))
        tr.check_reduction(model, tr.reduce(model, "latent_class", limit=1000))
    return model


TARGET = Target("model_files", generate, consume, cases=450)
