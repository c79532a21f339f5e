"""Feedforward layers lift the ceiling of self-attention: further tokens count, and every layer adds moments.

Left: attention alone, and with bilinear feedforward layers, at width 2: log3 of the separation rank against the number
of parameters. Filled marks are exact ranks, open ones probable, triangles proven upper bounds. Middle: the same
networks of depth 2 against the tokens a side; attention alone saturates at as many as the width. Right: nonlinearities
that are no polynomials have a numerical rank only. The bilinear layer's singular values break off at its exact rank;
with ReLU, GELU or layer norm they do not, and every tolerance gives another rank.
Run: python examples/feedforward_layers.py [--quick]
"""

import sys
from math import sqrt
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from scipy.special import erf

import tensorrank as tr
from tensorrank.pictures.look import grey, hue, ink, paper, settings

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
ALONE, WITH = hue("blue"), hue("vermilion")
width, hidden, side = (1, 1, 2) if quick else (2, 2, 3)


def network(depth, tokens, *, feedforward):
    """A network of so many tokens, half of them a side."""
    layers = {"feedforward": "bilinear", "hidden": hidden} if feedforward else {}
    return tr.SelfAttention(depth, width, tokens=tokens, **layers)


def rank(model):
    """The rank, said and returned."""
    found = tr.separation_rank(model, draws=1 if quick else 2)
    print(f"{model}: {found}")
    return found


def show(ax, across, heights, ranks, colour, name):
    """A line of ranks with a mark for each, filled where it is exact."""
    shape = "o" if colour == ALONE else "s"
    ax.plot(across, heights, "-", color=colour, linewidth=1)
    ax.plot([], [], shape, linestyle="-", color=colour, label=name)
    for x, y, one in zip(across, heights, ranks, strict=True):
        ax.plot(x, y, shape, color=colour, markerfacecolor=colour if one.standing == "exact" else paper(), zorder=3)


def spectrum(activation, norm, seed=0, samples=128 if quick else 512):
    """Singular values of one attention layer and one feedforward layer of width 3, relative to the largest."""
    rng = np.random.default_rng(seed)
    query, key, value, output, up, gate, down = rng.standard_normal((7, 3, 3))

    def function(tokens):
        attended = (tokens @ query.T) @ (tokens @ key.T).swapaxes(1, 2) @ (tokens @ value.T) @ output.T
        if norm:
            attended = attended - attended.mean(axis=-1, keepdims=True)
            attended = attended / np.sqrt(attended.var(axis=-1, keepdims=True) + 1e-5)
        return ((activation(attended @ gate.T) * (attended @ up.T)) @ down.T)[:, 0, 0]

    found = tr.numerical_separation_rank(tr.NumericalModel(function, sites=6, site_shape=3), samples=samples)
    return found.spectrum.relative


with mpl.rc_context({"font.size": 9, **settings()}):
    figure = Figure(figsize=(10.2, 3.5), layout="constrained")
    by_size, by_tokens, spectra = figure.subplots(1, 3)

    for feedforward, colour in ((False, ALONE), (True, WITH)):
        name = "with feedforward layers" if feedforward else "attention alone"
        models = [network(depth, 2 * side, feedforward=feedforward) for depth in range(1, 3 if feedforward or quick else 6)]
        found = [rank(model) for model in models]
        sizes, heights = [model.parameters for model in models], [tr.bounds.log3(one.value) for one in found]
        show(by_size, sizes, heights, found, colour, name)
        if feedforward:
            deeper = network(3, 2 * side, feedforward=True)
            bound = tr.bounds.log3(deeper.rank_bound(tr.Bipartition.halves(2 * side)))
            by_size.plot([sizes[-1], deeper.parameters], [heights[-1], bound], ":", color=colour)
            by_size.plot(deeper.parameters, bound, "v", color=colour, label="upper bound at depth 3")
        counts = range(1, side + 2)
        over = [rank(network(2, 2 * count, feedforward=feedforward)) for count in counts]
        show(by_tokens, counts, [one.value for one in over], over, colour, name)
    by_size.plot([], [], "o", color=grey(0.4), markerfacecolor=paper(), label="open: probable, not exact")
    by_size.set(xlabel="parameters", ylabel="log₃ separation rank", title=f"width {width}, {side} tokens a side")
    by_size.legend(fontsize=8, loc="upper left")
    by_tokens.set_ylim(3, 2e4)
    by_tokens.set(xlabel="tokens a side", ylabel="separation rank", yscale="log", title=f"width {width}, depth 2")
    by_tokens.set_xticks(list(counts))
    by_tokens.legend(fontsize=8, loc="center right")

    layers = {
        "bilinear: exact rank 13": (lambda z: z, False, "-"),
        "ReLU": (lambda z: np.maximum(z, 0), False, "--"),
        "GELU": (lambda z: z * (1 + erf(z / sqrt(2))) / 2, False, ":"),
        "bilinear after layer norm": (lambda z: z, True, "-."),
    }
    for (name, (activation, norm, dashes)), colour in zip(
        layers.items(), (WITH, ink(), hue("green"), hue("purple")), strict=True
    ):
        values = spectrum(activation, norm)[:64]
        spectra.plot(range(1, len(values) + 1), np.maximum(values, 1e-18), dashes, color=colour, label=name, linewidth=1.3)
    spectra.set(
        xlabel="number of the singular value",
        ylabel="singular value, relative",
        yscale="log",
        ylim=(1e-18, 3),
        title="one layer, width 3",
    )
    spectra.legend(fontsize=8, loc="center right")
print("picture:", tr.figures.save(figure, out / "feedforward_layers")[0])
