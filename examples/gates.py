"""Gates made of the inputs lift a ceiling of causal attention without softmax: its rank at the halves stops growing.

Two layers of width 2: causal attention without softmax, recurrences with constant gates and with gates made of the
inputs (selective state-space models), and stacks of both. Left the first half of the tokens against the second, right
even against odd tokens. Filled marks are exact ranks, open ones probable, triangles certified lower bounds; dashed
lines are stacks that have no more parameters than attention.
Run: python examples/gates.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

study = tr.experiments.gate_ranks((2, 3) if quick else (2, 3, 4, 5, 6), depth=2, work=1e8 if quick else 4e9)
for row in study.rows:
    print(f"{row.stack}, equal {row.equal}, {row.cut}, {row.tokens} tokens, {row.parameters} parameters: {row.rank.brief()}")
picture = tr.figures.gates(study)
print("picture:", tr.figures.save(picture, out / "gates")[0])
