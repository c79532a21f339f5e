"""Attention over pairs, triplets and quadruplets of tokens: one curve for all, more by layer, less by weight.

Left: exact separation ranks of attention without softmax whose heads look at 2, 3 and 4 tokens at once, in the measure
of the free entries of the moment matrix. All lie near the curve phi. Middle: the moment bound against the number of
layers: a higher order represents more with each. Right: the same against the number of weights, of which a layer of
order n has 2 n d^2: the usual order, 2, represents most.
Run: python examples/orders_of_attention.py [--quick]
"""

import sys
from pathlib import Path

import tensorrank as tr

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

study = tr.experiments.order_ranks(
    (2, 3, 4), widths=(1, 2) if quick else (1, 2, 3), depths=(1, 2) if quick else (1, 2, 3), work=1e9 if quick else 2e10
)
for row in study.rows:
    print(f"order {row.order}, width {row.width}, depth {row.depth}, {row.parameters} weights: {row.rank.brief()}")
print("picture:", tr.figures.save(tr.figures.orders(study, width=16 if quick else 64), out / "orders")[0])
