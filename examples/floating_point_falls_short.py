"""Floating point cannot see the separation rank: the singular values sink below its resolution long before they end.

A network of depth 3 and width 2 has separation rank 232, exactly. The values of the same kind of network on a grid of
floating-point inputs have a numerical rank of about a hundred, and no gap in the spectrum says where to stop.
Run: python examples/floating_point_falls_short.py [--quick]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

import tensorrank as tr
from tensorrank.attention.evaluate import moment_rows
from tensorrank.attention.weights import AttentionWeights
from tensorrank.figures.axes import beside
from tensorrank.pictures.look import DASHED, grey, hue, settings
from tensorrank.pictures.sheet import one_axes

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

with mpl.rc_context(settings()):
    sheet = one_axes(6.4, 3.6, None, None)
    ax = sheet.ax
    values, threshold = measured.spectrum / measured.spectrum[0], measured.threshold / measured.spectrum[0]
    ax.semilogy(np.arange(1, samples + 1), values, color=hue("blue"), linewidth=1.5)
    ax.axhline(threshold, color=grey(0.4), linewidth=1, linestyle=DASHED)
    beside(ax, "float64 threshold", (samples, threshold), (0, 4), ha="right", color=grey(0.25))
    for rank, text, height, colour in (
        (measured.value, f"float64 says {measured.value}", 0.2, grey(0.25)),
        (232, "the rank is 232", 3e-3, hue("vermilion")),
    ):
        ax.axvline(rank, color=colour, linewidth=1.2)
        beside(ax, text, (rank, height), (4, 0), color=colour)
    ax.set(xlabel="index of the singular value", ylabel="singular value / largest", xlim=(0, samples))
    print("picture:", tr.figures.save(sheet.one(), out / "floating_point_falls_short")[0])
