"""Errors of rounding have a rank of their own: a function of separation rank 2 has rank 64 in floats, exactly.

cos(x_0 + ... + x_5) = cos a cos b - sin a sin b, where a and b are the sums over the two sides of a cut: its rank is 2.
Its values on a grid, rounded to floats, become a tensor train by singular value decompositions that keep up to 8 terms
a bond. The exact rank of the train counts every error of rounding; the numerical rank counts what stands above them.
(Singular values below 1e-15 also hold errors of the last decomposition, which is done in double precision.)
Run: python examples/rounding_has_rank.py [--quick]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

import tensorrank as tr
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.pictures.look import DASHED, grey, hue, ink, settings

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
sites, points, bond = (4, 4, 4) if quick else (6, 4, 8)
function = rf"$\cos(x_0 + \dots + x_{sites - 1})$"
precisions = {"in single precision (float32)": np.float32, "in double precision (float64)": np.float64}
# Open circles about small squares: where two marks meet, both are seen.
cuts = {
    "halves": (tr.Bipartition.halves(sites), {"color": ink(), "marker": "o", "markerfacecolor": "none", "markersize": 8}),
    "odd against even sites": (
        tr.Bipartition.interleaved(sites),
        {"color": hue("vermilion"), "marker": "s", "markersize": 3.5},
    ),
}


def train_of(values):
    """The tensor train of all values, in their precision, with at most so many terms a bond."""
    cores, left, rest = [], 1, values
    for size in values.shape[:-1]:
        u, s, v = np.linalg.svd(rest.reshape(left * size, -1), full_matrices=False)
        kept = min(bond, len(s))
        cores.append(u[:, :kept].reshape(left, size, kept))
        left, rest = kept, s[:kept, None] * v[:kept]
    return TensorTrain([*cores, rest.reshape(left, values.shape[-1], 1)])


def scientific(value):
    """A small number as text of matplotlib."""
    digits, power = f"{value:.1e}".split("e")
    return rf"${digits} \times 10^{{{int(power)}}}$"


grid = sum(np.meshgrid(*[np.linspace(0, 1, points)] * sites, indexing="ij"))
lowest, last = 3e-20, points ** (sites // 2)
with mpl.rc_context({"font.size": 9, **settings()}):
    figure = Figure(figsize=(7.6, 3.7), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    for panel, (title, precision) in zip(panels, precisions.items(), strict=True):
        train = train_of(np.cos(grid).astype(precision))
        level = 0.0
        for name, (cut, style) in cuts.items():
            found = tr.separation_rank(train, cut)
            print(f"{name}, {title}: {found.value} ({found.standing}); {found.numerical}")
            level = max(level, found.numerical.tolerance)
            # Compressed to the cut: its singular values are those of all values of the train.
            matrix = train.architecture().in_floats(cut, None, 1e9, found.value)
            values = np.linalg.svd(matrix.values, compute_uv=False)
            label = f"{name}: exact rank {found.value}, numerical rank {found.numerical.value}" if panel is panels[0] else None
            panel.plot(np.arange(1, len(values) + 1), values / values[0], linestyle="", label=label, **style)
        panel.axhspan(lowest, level, facecolor=grey(0.9), edgecolor="none", zorder=0)
        panel.axhline(level, color=grey(0.3), linewidth=1, linestyle=DASHED, zorder=1)
        panel.text(0.9, level / 2, "errors of\nrounding", va="top", color=grey(0.2))
        panel.text(last, 2 * level, f"measured level: {scientific(level)}", ha="right", color=grey(0.2))
        panel.text(2.6, 0.4, "the function has these 2", va="center", color=grey(0.2))
        panel.set(
            xscale="log", yscale="log", ylim=(lowest, 10), xlabel="index of the singular value", title=f"{function} {title}"
        )
        panel.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter(NullFormatter())
    panels[0].set_ylabel("singular value / largest")
    figure.legend(loc="outside upper center", ncols=2)
    print("picture:", tr.figures.save(figure, out / "rounding_has_rank")[0])
