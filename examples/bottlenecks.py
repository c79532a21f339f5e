"""Four bottlenecks of a layer: each caps the separation rank that the width would allow.

A network of width 6 and depth 2 with, one at a time, a narrower head (head_dim), more and narrower heads, an embedding
of lower rank (with and without position vectors), and fewer tokens. Marks are computed ranks, lines the proven bounds.
Run: python examples/bottlenecks.py [--quick]
"""

import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

import tensorrank as tr
from tensorrank.figures.style import MARKS
from tensorrank.pictures.look import grey, hue, ink, paper, settings

quick = "--quick" in sys.argv
out = Path(__file__).parent / "out"
out.mkdir(exist_ok=True)
COLOURS, SHAPES = (ink(), hue("vermilion")), ("o", "s")
width, depth = (4, 2) if quick else (6, 2)
divisors = [heads for heads in range(1, width + 1) if width % heads == 0]
narrow = [(a, {"head_dim": a}) for a in range(1, width + 1)]
studies = {
    "width of the only head": {
        "plain": narrow,
        "residual": [(a, {"head_dim": a, "residual": True}) for a in range(1, width + 1)],
    },
    "heads, of width d / heads": {
        "own keys and values": [(h, {"heads": h}) for h in divisors],
        "shared keys and values": [(h, {"heads": h, "kv_heads": 1}) for h in divisors],
    },
    "rank of the embedding": {
        "plain": [(r, {"embedding_rank": r}) for r in range(1, width + 1)],
        "with positions": [(r, {"embedding_rank": r, "positional": True}) for r in range(1, width + 1)],
    },
    "tokens": {"plain": [(n, {"tokens": n}) for n in range(2, 2 * width + 3)]},
}

with mpl.rc_context({"font.size": 9, **settings()}):
    figure = Figure(figsize=(9.2, 3.5), layout="constrained")
    panels = figure.subplots(1, len(studies), sharey=True)
    for panel, (axis, variants) in zip(panels, studies.items(), strict=True):
        for (name, points), colour, shape in zip(variants.items(), COLOURS, SHAPES, strict=False):
            found = [(value, tr.separation_rank(tr.SelfAttention(depth, width, **options))) for value, options in points]
            for value, rank in found:
                print(f"{axis} {value}, {name}: {rank}")
                filled = MARKS[rank.standing][1]
                face = colour if filled else paper()
                panel.plot(value, rank.value, shape, color=colour, markerfacecolor=face, zorder=3)
            panel.plot([v for v, _ in found], [r.upper for _, r in found], color=colour, linewidth=0.9, alpha=0.6)
        panel.set_xlabel(axis)
        panel.set_xticks(range(2, 2 * width + 3, 2) if axis == "tokens" else range(1, width + 1))
        names = [
            Line2D([], [], marker=shape, linestyle="", color=colour, label=name)
            for name, colour, shape in zip(variants, COLOURS, SHAPES, strict=False)
        ]
        panel.legend(handles=names, loc="lower left", bbox_to_anchor=(0, 1), fontsize=8, handletextpad=0.2)
    panels[0].set_ylabel(f"separation rank (width {width}, depth {depth})")
    panels[0].set_ylim(0, None)
    key = [
        Line2D([], [], marker="o", linestyle="", color=grey(0.4), label="exact"),
        Line2D([], [], marker="o", linestyle="", color=grey(0.4), markerfacecolor=paper(), label="probable"),
        Line2D([], [], color=grey(0.4), label="proven upper bound"),
    ]
    figure.legend(handles=key, loc="outside lower center", ncols=3)
print("picture:", tr.figures.save(figure, out / "bottlenecks")[0])
