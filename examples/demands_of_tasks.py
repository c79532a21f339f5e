"""What grows with a task is the memory of recurrent models; the layers of attention that solve it stay few.

Induction heads, two hops of them, function composition, and one cycle against two: the largest rank, number of
different rows and VC dimension over all splits of the tokens, beside a stack of attention that solves the task and is
held against the right answers here. Of the cycles, whose graphs keep a promise, the numbers are lower bounds.
Run: python examples/demands_of_tasks.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

sizes = {
    "induction-heads": range(3, 5 if quick else 9),
    "k-hop": range(3, 5 if quick else 9),
    "function-composition": range(2, 4 if quick else 5),
    "one-or-two-cycles": (6, 8) if quick else (6, 8, 10),
}
study = tr.experiments.task_demands(sizes)
for row in study.rows:
    least = "" if row.vc_exact else "at least "
    print(
        f"{row.task} of {row.size}: rank {row.rank} ({row.standing}), {row.distinct_rows} different rows, splitting VC "
        f"dimension {least}{row.vc}; {row.layers} layers of attention, m = {row.dimension}, H = {row.heads}, p = {row.bits}, "
        f"{row.wrong} of {row.tried} answers wrong"
    )
picture = tr.figures.task_demands(study)
print("picture:", tr.figures.save(picture, out / "demands_of_tasks")[0])
