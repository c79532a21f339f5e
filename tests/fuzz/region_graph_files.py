"""Region graphs with changed values, keys, text or bytes, read, made circuits of and written again."""

import os
from pathlib import Path
from random import Random

from fuzz.good_files import REGION_GRAPH
from fuzz.mutation import changed_json
from fuzz.target import Target


def generate(stream: Random) -> bytes:
    """The content of a file."""
    return changed_json(stream, REGION_GRAPH)


def consume(content: bytes) -> object:
    """Read the graph, make a small circuit of it, and read again what was written of it."""
    import tensorrank as tr

    path, again = (Path(f"{name}-{os.getpid()}.json") for name in ("regions", "again"))
    path.write_bytes(content)
    graph = tr.RegionGraph.load(path)
    graph.save(again)
    if tr.RegionGraph.load(again) != graph:
        raise AssertionError("the graph that was written is another")
    return graph.sum_product(units=2, symbols=2, seed=0)


TARGET = Target("region_graph_files", generate, consume, cases=100)
