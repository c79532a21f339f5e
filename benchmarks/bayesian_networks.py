"""Ranks of published Bayesian networks across halves and across every other variable, with the times they take."""

from __future__ import annotations

import gzip
import time
import warnings
from importlib.resources import files

import tensorrank as tr
from benchmarks.machine import table
from tensorrank.networks.cuts import minimum_cut

# The seconds allowed for every other variable.
_ALLOWED = {"asia": "1", "alarm": "30"}


def published_networks(names: tuple[str, ...] = ("asia", "sachs", "child", "insurance", "alarm")) -> None:
    """The ranks of networks that come with pgmpy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pgmpy.readwrite import BIFReader
    rows = []
    for name in names:
        with gzip.open(files("pgmpy") / f"utils/example_models/{name}.bif.gz", "rt") as file:
            network = tr.from_pgmpy(BIFReader(string=file.read()).get_model())
        for cut in ("halves", "interleaved"):
            started = time.perf_counter()
            rank = tr.separation_rank(network, cut)
            taken = time.perf_counter() - started
            bounds = f"{rank.value}" if rank.standing == "exact" else f"{rank.lower} to {rank.upper}"
            allowed = _ALLOWED.get(name, "") if cut == "interleaved" else ""
            whole = minimum_cut(network, cut).bound
            rows.append([name, str(network.sites), cut, bounds, rank.standing, str(whole), f"{taken:.2f}", allowed])
    table(
        "Ranks of published Bayesian networks",
        ["network", "variables", "cut", "rank", "standing", "minimum cut", "seconds", "allowed"],
        rows,
    )


if __name__ == "__main__":
    published_networks()
