"""Seven kinds of mixtures are one family: most reductions grow a model by a small factor, four would be large.

One model of each kind, random but for the squared one, is reduced along every arrow, and each pair compared exactly, by
contracting both with random vectors over finite fields.
Run: python examples/hierarchy_of_mixtures.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr
from tensorrank.experiments import measure_hierarchy

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

# Of few variables even a latent class model is small: what counts as small is then less.
found = measure_hierarchy(8, symbols=4, small=5) if quick else measure_hierarchy(16)
for report in found.rows:
    print(report)
print("picture:", tr.figures.save(tr.figures.hierarchy(found)[0], out / "hierarchy_of_mixtures")[0])
