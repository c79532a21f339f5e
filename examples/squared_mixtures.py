"""Squares with signs can be exponentially smaller than mixtures without, and a single square exponentially larger.

Left, (1 − a·b)² of two lists of n bits: one square of n + 1 states, and at least (3/2)^n latent classes. Right,
1 + i + j of two numbers of n bits: 2 n + 1 latent classes, and one square of at least as many states as there are
primes up to 2^(n + 1). Dashed lines are proved lower bounds. Open marks are ranks, computed over a finite field, below
their bound r (r + 1) / 2.
Run: python examples/squared_mixtures.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np

import tensorrank as tr

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

study = tr.experiments.squared_separations(range(1, 9) if quick else range(1, 17), ranked=6 if quick else 12)
for row in study.rows:
    print(
        f"{row.pairs} pairs: a square of {row.squared_states} states or {row.classes_needed} classes at least; "
        f"{row.monotone_classes} classes or a square of {row.square_needed} states at least"
    )

# What amplitudes make is a distribution like any other: it is conditioned, sampled and completed.
model = tr.SquaredMixture.unique_disjointness(4)
rows = model.sample(1000, random_state=0)
common = (rows[:, ::2] * rows[:, 1::2]).sum(axis=1)
print("samples by their number of common bits, never one:", np.bincount(common, minlength=5).tolist())
print("first bits of a and b, given that the second ones are both 1:")
print(np.exp(model.log_density([[a, b, 1, 1, -1, -1, -1, -1] for a in (0, 1) for b in (0, 1)]).reshape(2, 2)).round(4))

print("picture:", tr.figures.save(tr.figures.squared_separations(study), out / "squared_mixtures")[0])
