"""Two sides of a graph are correlated by the walks that cross between them.

Graph networks of depth 2 and width 2, whose vertices take products over their neighbours: the separation rank of every
partition of the vertices, against the number of walks of one step from the boundary. Partitions that a symmetry of the
graph turns into each other are one mark. Filled marks are exact ranks, open ones probable; bars are proven bounds. The
dashed line is reached with one vertex on one side. A boundary in several places has far higher ranks at the same
number of walks.
Run: python examples/graphs.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

names = ["path:4", "star:4"] if quick else ["path:6", "cycle:6", "star:6", "grid:2x3"]
study = tr.experiments.walk_ranks(names, depth=2, work=1e8 if quick else 2e11)
for row in study.rows:
    print(f"{row.graph}, side {row.side} ({row.alike} alike): {row.walk_index} walks, {row.rank.brief()}, at most {row.upper}")
print(study)
picture = tr.figures.walks(study)
print("picture:", tr.figures.save(picture, out / "graphs")[0])
