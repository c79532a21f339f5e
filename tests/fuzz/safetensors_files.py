"""Files of safetensors with changed bytes or a changed header, read by `from_safetensors`."""

import json
import os
import struct
from pathlib import Path
from random import Random

from fuzz.good_files import safetensors
from fuzz.mutation import changed_bytes
from fuzz.target import Target

_VALUES = (
    None,
    0,
    -1,
    3,
    10**30,
    0.5,
    "F32",
    "BF16",
    "F8_E4M3",
    "I64",
    [],
    [0],
    [2, 2],
    [-1, 2],
    [0, 10**30],
    [64, 0],
    {},
    "é",
)


def generate(stream: Random) -> bytes:
    """The content of a file."""
    content = safetensors()
    if stream.random() < 0.7:
        length = struct.unpack("<Q", content[:8])[0]
        header = json.loads(content[8 : 8 + length])
        for _ in range(stream.choice((1, 1, 2))):
            name = stream.choice(list(header))
            match stream.randrange(4):
                case 0:
                    header[stream.choice((name, "q_proj.weight", "", "h.0.in_proj_weight"))] = header[name]
                case 1:
                    header[name] = stream.choice(_VALUES)
                case 2:
                    del header[name]
                case _:
                    key = stream.choice(("dtype", "shape", "data_offsets", "x"))
                    header[name] = {**(header[name] if isinstance(header[name], dict) else {}), key: stream.choice(_VALUES)}
            header = header or {"x": None}
        text = json.dumps(header).encode()
        content = struct.pack("<Q", stream.choice((len(text), len(text), len(text), 2**63, 0))) + text + content[8 + length :]
    return changed_bytes(stream, content) if stream.random() < 0.5 else content


def consume(content: bytes) -> object:
    """Read the layers of the file."""
    import tensorrank as tr

    path = Path(f"{os.getpid()}.safetensors")
    path.write_bytes(content)
    trained = tr.from_safetensors(path, heads=1, causal=False)
    return trained.layers[0].without_softmax(tokens=4)


TARGET = Target("safetensors_files", generate, consume, cases=100)
