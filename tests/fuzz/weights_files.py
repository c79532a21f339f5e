"""Files of weights (.npz) with changed bytes, arrays or names, read by `tensorrank rank attention --weights`."""

import io
import os
from pathlib import Path
from random import Random

from fuzz.command_line import invoke
from fuzz.good_files import weights
from fuzz.mutation import changed_bytes
from fuzz.target import Target

_NAMES = ("query", "key", "value", "output", "x", "query.npy", "../query", "", "embedding")
_DTYPES = ("f8", "f4", "f2", "i8", "i1", "u8", "c16", "?", "U3", "S3", "M8[D]", "O", "V4", ">i4")


def generate(stream: Random) -> tuple[bytes, str]:
    """The content of a file, and the name that it has."""
    import numpy as np

    content = weights()
    if stream.random() < 0.6:
        arrays = dict(np.load(io.BytesIO(content)))
        for _ in range(stream.choice((1, 1, 2))):
            name = stream.choice(list(arrays)) if arrays else "query"
            match stream.randrange(6):
                case 0:
                    arrays.pop(name, None)
                case 1:
                    arrays[stream.choice(_NAMES)] = arrays.get(name, np.ones(1))
                case 2:
                    dtype = stream.choice(_DTYPES)
                    arrays[name] = (
                        np.zeros((1, 1, 2, 2), dtype) if dtype != "O" else np.array([[[[{}, None], [1, "x"]]]], dtype=object)
                    )
                case 3:
                    shapes = ((), (0,), (2, 2), (1, 1, 2, 2), (1, 1, 2, 2, 1), (2, 1, 2, 2), (1,) * 20)
                    arrays[name] = np.ones(stream.choice(shapes))
                case 4:
                    arrays[name] = np.full((1, 1, 2, 2), stream.choice((np.nan, np.inf, 1e308, 5e-324, -0.0, 2.0**70, 1 / 3)))
                case _:
                    arrays[name] = np.full((1, 1, 2, 2), stream.choice((0, -(2**63), 2**62, 2147483647)))
        file = io.BytesIO()
        {True: np.savez, False: np.savez_compressed}[stream.random() < 0.5](
            file, **{name or "arr_0": one for name, one in arrays.items()}
        )
        content = file.getvalue()
    if stream.random() < 0.5:
        content = changed_bytes(stream, content)
    if stream.random() < 0.05:
        content = stream.choice((b"", b"PK", b"\x93NUMPY", b"{}", content[:100], stream.randbytes(200)))
    return content, stream.choice(("weights.npz", "weights.npz", "weights.npy", "weights", "weights.txt"))


def consume(given: tuple[bytes, str]) -> object:
    """Rank attention with the weights in the file."""
    content, name = given
    path = Path(f"{os.getpid()}-{name}")
    path.write_bytes(content)
    limits = ["--work", "1e7", "--memory", "64MiB", "--threads", "1", "--json"]
    return invoke(["rank", "attention", "--depth", "1", "--width", "2", "--weights", str(path), *limits])


TARGET = Target("weights_files", generate, consume, cases=100)
