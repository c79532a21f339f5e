"""`make atlas`: compute what the packaged atlas lacks of all that takes seconds, and add what the frontier recorded.

Every entry is written as soon as it is known, so that an interrupted run carries on; what the atlas has stays, unless
something better is found. Single results of long runs are added by hand:

tensorrank atlas add RESULT.json --source "where it was computed" --atlas tensorrank/atlas/atlas.json
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import tensorrank as tr
from tensorrank.atlas.entry import Entry
from tensorrank.atlas.files import PACKAGED
from tensorrank.separation.hilbert import moment_spaces

RESULTS = Path(__file__).with_name("RESULTS.md")
SEED = 0
# Operations of a draw that take a few seconds on two cores.
MOST_WORK = 3e10
# The widths, each with the depths that are within reach.
DEPTHS = {1: range(1, 7), 2: range(1, 6), 3: range(1, 4), 4: (1, 2), 5: (1, 2), 6: (1, 2), 7: (1, 2), 8: (1, 2)}
SMALL = {2: (1, 2, 3), 3: (1, 2), 4: (2,)}

Question = tuple[Any, tr.Bipartition]


def questions() -> Iterator[Question]:
    """Models and partitions."""
    for model in (*plain(), *heads(), *few_tokens(), *variants(), *masked()):
        yield model, tr.Bipartition.halves(model.sites)
        if getattr(model, "causal", False):
            yield model, tr.Bipartition.interleaved(model.sites)
    for circuit in circuits():
        yield circuit, tr.Bipartition.halves(circuit.sites)
        yield circuit, tr.Bipartition.interleaved(circuit.sites)


def plain() -> Iterator[tr.SelfAttention]:
    """One full head and as many tokens as can matter."""
    for width, depths in DEPTHS.items():
        for depth in depths:
            yield tr.SelfAttention(depth, width)


def heads() -> Iterator[tr.SelfAttention]:
    """Several heads, narrow and wide ones, and heads that share keys and values."""
    for width, depths in {2: (1, 2, 3, 4), 3: (1, 2, 3), 4: (1, 2), 5: (2,)}.items():
        for depth, count, head_dim in product(depths, range(1, width + 1), (1, 2, 3, width)):
            if head_dim <= width:
                yield tr.SelfAttention(depth, width, heads=count, head_dim=head_dim)
    for width, head_dim in ((2, 1), (3, 1), (3, 3), (4, 1), (4, 2)):
        for kv_heads in (kv_heads for kv_heads in range(1, width) if width % kv_heads == 0):
            yield tr.SelfAttention(2, width, heads=width, head_dim=head_dim, kv_heads=kv_heads)
    yield tr.SelfAttention(3, 4, heads=2, head_dim=4)


def few_tokens() -> Iterator[tr.SelfAttention]:
    """Fewer tokens than can matter, with the output token on either side."""
    for width, depths in {2: range(1, 6), 3: range(1, 4), 4: range(1, 4), 5: (1, 2), 6: (2,)}.items():
        for depth, tokens in product(depths, range(2, 2 * width)):
            for output_token in (0, tokens - 1)[: 1 + tokens % 2]:
                yield tr.SelfAttention(depth, width, tokens=tokens, output_token=output_token)
    for width, deepest in {1: 6, 2: 6, 3: 4, 4: 4, 5: 3, 6: 2, 7: 2, 8: 2, 10: 2, 12: 2, 16: 2}.items():
        for depth in range(1, deepest + 1):
            yield tr.SelfAttention(depth, width, tokens=2)
            if width <= 5:
                yield tr.SelfAttention(depth, width, tokens=2, heads=width)


def variants() -> Iterator[tr.SelfAttention]:
    """Residual connections, and embeddings of low rank with and without positions."""
    for width, depths in SMALL.items():
        for depth in depths:
            for count, head_dim in product(range(1, width + 1), {1, width - 1, width}):
                yield tr.SelfAttention(depth, width, heads=count, head_dim=head_dim, residual=True)
            for rank, positional in product(range(1, width), (False, True)):
                yield tr.SelfAttention(depth, width, embedding_rank=rank, positional=positional)


def masked() -> Iterator[tr.SelfAttention]:
    """A causal mask, under which every token matters."""
    for width, depth, tokens in product((1, 2), (2, 3), (2, 3, 4, 5, 6)):
        yield tr.SelfAttention(depth, width, tokens=tokens, causal=True)


def circuits() -> Iterator[tr.RecurrentCircuit | tr.ConvolutionalCircuit]:
    """Recurrent and convolutional circuits."""
    for depth, hidden, channels, steps in product((1, 2, 3), (2, 3), (2, 3), (4, 6)):
        yield tr.RecurrentCircuit(depth, hidden, channels, steps)
    for sites, width, pooling in product((4, 8), (2, 3), ("neighbours", "mirror")):
        for levels in range(1, sites.bit_length()):
            yield tr.ConvolutionalCircuit(sites, channels=2, widths=(width,) * levels, pooling=pooling)


def recorded() -> Iterator[Entry]:
    """The exact ranks of one full head in the frontier's table of RESULTS.md, with the day of its measurements."""
    day, is_frontier = "", False
    for line in RESULTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            day = line.removeprefix("## ").partition(":")[0]
        if line.startswith("#"):
            is_frontier = line.startswith("### The frontier: whole certified ranks")
        cells = [cell.strip().replace(",", "") for cell in line.strip("|").split("|")]
        if is_frontier and len(cells) == 10 and cells[2] == "1" and cells[4] == "exact":
            yield _recorded(cells, day)


def _recorded(cells: list[str], day: str) -> Entry:
    width, depth, _, value, _, primes, seed, blocks, _, seconds = cells
    model = tr.SelfAttention(int(depth), int(width))
    spaces = moment_spaces(model.width, model.moment_degree, model.width, model.width)
    shapes = [(int(rows), int(columns)) for rows, columns in re.findall(r"(\d+) x (\d+)", blocks)]
    rank = tr.SeparationRank(
        value=int(value),
        lower=int(value),
        upper=model.rank_bound("halves"),
        standing="exact",
        # A rank that meets the bound meets that of each degree, of which the bound is the sum.
        by_degree=tuple(min(spaces.rows(k), spaces.columns(k)) for k in range(model.moment_degree + 1)),
        method="catalecticant",
        primes=tuple(map(int, primes.split())),
        seeds=(int(seed),),
        samples=max(shapes, key=lambda shape: shape[0] * shape[1], default=None),
        failure_probability=0.0,
        seconds=float(re.match(r"\d+", seconds)[0]),
    )
    return Entry(model, tr.Bipartition.halves(model.sites), rank, None, f"recorded in benchmarks/RESULTS.md, {day}")


def settled(entry: Entry) -> Entry:
    """An entry with what was proved since it was computed: a smaller upper bound, which its rank may meet."""
    rank, upper = entry.rank, entry.model.rank_bound(entry.partition)
    if upper is None or (rank.upper is not None and rank.upper <= upper):
        return entry
    better = replace(rank, upper=upper)
    if rank.lower == upper:
        better = replace(better, standing="exact", failure_probability=0.0, reason=None)
    return replace(entry, rank=better)


def main() -> None:
    """Compute, add and write."""
    atlas = tr.Atlas(tuple(settled(entry) for entry in tr.Atlas.load(PACKAGED).entries))
    for model, partition in questions():
        planned, known = tr.plan(model, partition), atlas.find(model, partition)
        # A bound that was proved since may be met by a larger rank.
        if known is not None and (known.rank.standing == "exact" or known.rank.value != planned.upper):
            continue
        # Without the name of a method a rank that a theorem gives would not be computed.
        method = "auto" if planned.method != "theorem" else "grid" if model.moment_form() is None else "catalecticant"
        planned = tr.plan(model, partition, method=method)
        # Where no bound is known, a plan allows for ranks as large as the memory.
        if planned.upper is not None and planned.work > MOST_WORK:
            continue
        rank = tr.separation_rank(model, partition, method=method, seed=SEED, work=MOST_WORK)
        if rank.standing != "lower bound":
            rank = replace(rank, seconds=round(rank.seconds, 3))
            atlas = atlas.add(Entry(model, partition, rank, tr.__version__, "benchmarks/atlas.py"))
            atlas.save(PACKAGED)
        print(f"{model} between {partition}: {rank}", flush=True)
    atlas = atlas.add(recorded())
    atlas.save(PACKAGED)
    print(f"{len(atlas.entries)} entries in {PACKAGED.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
