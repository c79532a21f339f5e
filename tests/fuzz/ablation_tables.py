"""Tables of ablations (CSV) with changed cells, columns, rows, text or bytes: read and fitted."""

import os
from pathlib import Path
from random import Random

from fuzz.good_files import ABLATION
from fuzz.lists import values
from fuzz.mutation import changed_bytes, changed_text
from fuzz.target import Target

_HEADERS = ("depth", "parameters", "width", "loss", "error", "Depth ", "x", "", "LOSS", "depth,depth", "\ufeffdepth")


def generate(stream: Random) -> bytes:
    """The content of a file."""
    rows = [line.split(",") for line in ABLATION.splitlines()]
    if stream.random() < 0.3:
        rows = [row[:3] for row in rows]
    for _ in range(stream.choice((1, 1, 2, 3, 6))):
        match stream.randrange(14):
            case 0:
                rows[0][stream.randrange(len(rows[0]))] = stream.choice(_HEADERS)
            case 1:
                del rows[stream.randrange(len(rows))]
            case 2:
                rows.insert(stream.randrange(len(rows)), list(stream.choice(rows)))
            case 3:
                row = stream.choice(rows)
                row.insert(stream.randrange(len(row) + 1), stream.choice(values("cells")))
            case _:
                row = stream.choice(rows)
                row[stream.randrange(len(row))] = stream.choice(values("cells"))
        if not rows:
            break
        rows = [row for row in rows if row] or [["depth"]]
    end, comma = stream.choice(("\n", "\n", "\r\n", "\r")), stream.choice((*[","] * 16, ", ", ", ", ", ", ";"))
    text = end.join(map(comma.join, rows))
    if stream.random() < 0.1:
        text = changed_text(stream, text)
    content = text.encode("utf-8", "surrogatepass")
    return changed_bytes(stream, content) if stream.random() < 0.1 else content


def consume(content: bytes) -> object:
    """Read the table and fit it, as the command line does."""
    from fuzz.command_line import invoke

    import tensorrank as tr

    path = Path(f"losses-{os.getpid()}.csv")
    path.write_bytes(content)
    ablation = tr.guidelines.read_ablation(path)
    repr(ablation)
    return invoke(["ablation", str(path), "--json"])


TARGET = Target("ablation_tables", generate, consume, cases=150)
