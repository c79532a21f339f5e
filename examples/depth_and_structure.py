"""What depth and structure buy, in four pictures.

1. Chains and trees of linear size need latent class models of exponential size.
2. Each level taken from a tensorial mixture squares the states that its windows need.
3. Trains and balanced trees represent each other at a polynomial price.
4. A mixture of three perfect matchings, with edges linear in the variables, is no tree model of polynomial size.
Run: python examples/depth_and_structure.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments import format_ranks, interleaved_ranks, level_sizes, perfect_matching_states

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
kinds = ["png"] if quick else ["png", "svg"]

study = interleaved_ranks([4, 8] if quick else range(4, 21, 2))
for row in study.rows:
    print(f"{row.model}, {row.sites} variables: {row.table_entries} entries, rank {row.rank.value}, ", end="")
    print(f"as a latent class model at least {row.shallow_entries} ({row.rank.standing})")
print("picture:", tr.figures.save(tr.figures.interleaved(study)[0], out / "interleaved", kinds)[0])

study = level_sizes([4] if quick else [4, 5, 6])
for row in study.rows:
    print(f"{2**row.depth} variables, {row.levels} levels: {row.entries_lower} to {row.entries_upper} entries")
print("picture:", tr.figures.save(tr.figures.levels(study)[0], out / "levels", kinds)[0])

study = format_ranks(8 if quick else 16)
print("train ranks of a balanced tree:", *(row.rank.value for row in study.prefixes))
print("hierarchical ranks of a chain:", *(row.rank.value for row in study.dyadic))
print("picture:", tr.figures.save(tr.figures.formats(study)[0], out / "formats", kinds)[0])

study = perfect_matching_states([128, 256] if quick else [6, 8, 10, 12, 256, 512, 1024])
for row in study.rows:
    print(f"{row.sites} variables: {row.edges} edges, a tree needs at least {row.states} states (by {row.method})")
print("picture:", tr.figures.save(tr.figures.perfect_matchings(study)[0], out / "perfect_matchings", kinds)[0])
