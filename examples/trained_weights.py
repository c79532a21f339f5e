"""How much of its capacity does training use? Without softmax exactly all of it, before training and after it.

Small transformers of `examples/ablation`, with two heads, before and after training on text; of these the attention
layers alone, one after the other with residual connections, between two tokens. Left: without softmax, the rank of
these very weights. Before and after training it is that of almost all weights, the line: training does not lead to the
thin set of weights where the rank drops. Right: with softmax, how many products give the function up to a hundredth, in
a sample of 1024 inputs a side. Trained networks need up to fourteen times as many as at the beginning. But so do
networks with the same entries in random order: that weights are larger, and the softmax sharper, is enough for it.
`examples/ablation/save_weights.py` trained the networks.
Run: python examples/trained_weights.py [--quick]
"""

import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import tensorrank as tr
from tensorrank.pictures.look import DASHED, DOTTED, grey, hue, settings

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
FILE = Path(__file__).with_suffix(".safetensors")
TOKENS, TOLERANCE, SAMPLES = 2, 1e-2, 128 if quick else 1024
WIDTHS, DEPTHS, SEEDS = ((4,), (1, 2), (0,)) if quick else ((4, 8), (1, 2, 3), (0, 1, 2))
# The mark, its size at left, the dashes at right, and the words.
STATES = {
    "initial": ("s", 9, DASHED, "before training"),
    "trained": ("x", 5, "-", "after training"),
    "shuffled": ("^", 5, DOTTED, "trained entries in random order"),
}
COLOURS = {4: hue("blue"), 8: hue("vermilion")}
# Ranks up to this bound are computed; the next, of width 8 and depth 3, is 203,490 at most.
LARGEST = 5000


def read(width, depth, seed, state):
    """The attention layers of a network, in one of the states."""
    kept = "initial" if state == "initial" else "trained"
    trained = tr.from_safetensors(FILE, under=f"width{width}-depth{depth}-seed{seed}.{kept}.", heads=2, causal=True)
    if state != "shuffled":
        return trained
    rng = np.random.default_rng(seed)

    def mixed(block):
        return replace(block, **{name: rng.permuted(array.ravel()).reshape(array.shape) for name, array in vars(block).items()})

    return replace(trained, blocks=tuple(map(mixed, trained.blocks)))


def exact(trained):
    """The rank of these weights without softmax."""
    model, weights = trained.without_softmax(TOKENS)
    return tr.separation_rank(model, weights=weights, draws=1 if quick else 2).value


def exact_ranks(width, depth):
    """The bound, the rank of almost all weights (None if too large), and those of the networks in each state."""
    model, _ = read(width, depth, 0, "trained").without_softmax(TOKENS)
    bound = model.rank_bound(tr.Bipartition.halves(TOKENS))
    if bound > LARGEST:
        print(f"width {width}, depth {depth}: at most {bound:,}, too large to compute here")
        return bound, None, {}
    generic, found = tr.separation_rank(model, draws=1 if quick else 2), {}
    print(f"width {width}, depth {depth}, almost all weights: {generic}")
    for state in ("initial", "trained"):
        networks = [read(width, depth, seed, state) for seed in SEEDS]
        found[state] = [exact(network) for network in networks]
        layers = sorted({exact(layer) for network in networks for layer in network.layers})
        print(f"width {width}, depth {depth}, {state}: {found[state]}; each layer by itself {layers}")
    return bound, generic.value, found


def products(trained):
    """How many products give the network with softmax, up to the tolerance."""
    found = tr.numerical_separation_rank(trained.with_softmax(TOKENS), samples=SAMPLES, rtol=TOLERANCE)
    return found.value


with mpl.rc_context({"font.size": 9, **settings()}):
    figure = Figure(figsize=(8.8, 3.7), layout="constrained")
    without, softmax = figure.subplots(1, 2)
    for width in WIDTHS:
        colour = COLOURS[width]
        bounds, generic, ranks = zip(*(exact_ranks(width, depth) for depth in DEPTHS), strict=True)
        without.plot(DEPTHS, bounds, color=colour, linestyle=DOTTED)
        heights = [np.nan if rank is None else rank for rank in generic]
        without.plot(DEPTHS, heights, color=colour, linewidth=1)
        for state, (mark, size, dashes, _) in STATES.items():
            style = {"color": colour, "markerfacecolor": "none", "linestyle": "none", "marker": mark}
            for depth, found in zip(DEPTHS, ranks, strict=True):
                values = found.get(state, [])
                without.plot([depth] * len(values), values, markersize=size, **style)
            numerical = np.array([[products(read(width, depth, seed, state)) for seed in SEEDS] for depth in DEPTHS])
            print(f"width {width}, {state}, with softmax, to {TOLERANCE:g}: by depth {numerical.tolist()}")
            softmax.plot(DEPTHS, np.median(numerical, axis=1), color=colour, linestyle=dashes, linewidth=1.2)
            softmax.plot(np.repeat(DEPTHS, len(SEEDS)), numerical.ravel(), markersize=5, **style)
            if state == "trained":
                place = {"xytext": (7, 0), "textcoords": "offset points", "va": "center", "color": colour}
                softmax.annotate(f"width {width}", (DEPTHS[-1], np.median(numerical[-1])), **place)
        place = {"xytext": (9, 0), "textcoords": "offset points", "va": "center", "color": colour}
        without.annotate(f"width {width}", (DEPTHS[-1], bounds[-1]), **place)

    without.plot([], [], color=grey(0.4), linestyle=DOTTED, label="proven upper bound")
    without.plot([], [], color=grey(0.4), linewidth=1, label="almost all weights")
    for state, (mark, size, dashes, words) in STATES.items():
        style = {"color": grey(0.4), "markerfacecolor": "none", "marker": mark}
        softmax.plot([], [], linestyle=dashes, markersize=5, label=words, **style)
        if state != "shuffled":
            without.plot([], [], linestyle="none", markersize=size, label=f"{words}, {len(SEEDS)} seeds", **style)
    without.set(ylabel="separation rank", title="without softmax: the rank of these very weights")
    softmax.set(ylabel=f"products needed, ε = {TOLERANCE:g}", title="with softmax: a numerical rank")
    for ax in (without, softmax):
        ax.set(xlabel="depth, attention layers", xticks=DEPTHS, yscale="log", xlim=(DEPTHS[0] - 0.15, DEPTHS[-1] + 0.4))
        ax.legend(fontsize=8, loc="upper left")
    softmax.set_ylim(top=3 * SAMPLES)
print("picture:", tr.figures.save(figure, out / "trained_weights")[0])
