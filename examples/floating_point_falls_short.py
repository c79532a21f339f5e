"""Floating point cannot see the separation rank: the singular values sink below its resolution long before they end.

A network of depth 3 and width 2 has separation rank 232, exactly. The values of the same kind of network on a grid of
floating-point inputs have a numerical rank of about a hundred, and no gap in the spectrum says where to stop.
Run: python examples/floating_point_falls_short.py [--quick]
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import tensorrank as tr
from tensorrank.attention.evaluate import moment_rows
from tensorrank.attention.weights import AttentionWeights

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)

model = tr.SelfAttention(depth=3, width=2)
exact = tr.separation_rank(model)
samples = 300 if quick else 600
rng = np.random.default_rng(0)
shape = (model.depth, model.heads, model.head_dim, model.width)
weights = AttentionWeights(*(rng.standard_normal(shape) for _ in range(3)), rng.standard_normal((3, 1, 2, 2)))
a, b = rng.standard_normal((2, samples, model.tokens // 2, model.width))
moments_a, moments_b = a.swapaxes(1, 2) @ a, b.swapaxes(1, 2) @ b
grid = np.stack([moment_rows(weights, m + moments_b) @ tokens[0] for tokens, m in zip(a, moments_a, strict=True)])
measured = tr.numerical_rank(grid)
print(f"exact: {exact}")
print(f"float: {measured}")

figure = Figure(figsize=(6.4, 3.6), layout="constrained")
ax = figure.subplots()
values = measured.spectrum / measured.spectrum[0]
ax.semilogy(np.arange(1, samples + 1), values, color="#0072B2", linewidth=1.5)
ax.axhline(measured.threshold / measured.spectrum[0], color="0.4", linewidth=1, linestyle="--")
ax.text(samples, 4 * measured.threshold / measured.spectrum[0], "float64 threshold", ha="right", color="0.3")
for rank, text, colour in ((measured.value, f"float64 says {measured.value}", "0.3"), (232, "the rank is 232", "#D55E00")):
    ax.axvline(rank, color=colour, linewidth=1.2)
    ax.text(rank + 5, 3e-3 if rank == 232 else 0.2, text, color=colour)
ax.set(xlabel="index of the singular value", ylabel="singular value / largest", xlim=(0, samples))
ax.spines[["top", "right"]].set_visible(False)
print("picture:", tr.figures.save(figure, out / "floating_point_falls_short")[0])
