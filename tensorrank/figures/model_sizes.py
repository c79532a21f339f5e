"""Sizes of models for sparse averaging against the number of tokens: recurrent, feedforward, attention."""

from __future__ import annotations

from math import comb, log2

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tensorrank.errors import TensorRankError
from tensorrank.experiments.model_sizes import ModelSizes
from tensorrank.figures.axes import powers_of_two
from tensorrank.figures.growth import logarithmic
from tensorrank.figures.style import RC

_OTHERS, _ATTENTION, _LEAST = "#D55E00", "#0072B2", "#009E73"
_DASHED, _DOTTED = (0, (4, 2)), (0, (1, 1.6))


def model_sizes(study: ModelSizes) -> tuple[Figure, Axes]:
    """All sizes on logarithmic axes: what others need grows in proportion to N, what attention needs with log N.

    Marks are measured: from ranks and different rows and columns of communication matrices, and for attention the
    least unit with random keys. Dashed lines continue the ranks by theorem: rank N, 2^N different rows, and C(N, q)
    different columns. The dotted line is the width of a first layer as published, N/2. Attention is drawn where it
    is larger, too; a ring marks from where on it stays smaller.

    Args:
        study: as `studies.model_sizes.model_sizes` computes it.

    Returns:
        The figure and its axes.

    Raises:
        TensorRankError: if the study has no rows.
    """
    if not study.matrices or not study.units:
        raise TensorRankError("a study without rows was given; expected at least one to draw")
    ranked, sought = [row.tokens for row in study.matrices], [row.tokens for row in study.units]
    first, last = min(ranked + sought), max(ranked + sought)
    line = np.unique(np.geomspace(first, last, 200).round()).astype(int)
    least = [log2(comb(int(n), study.sparsity)) for n in line]
    with mpl.rc_context(RC):
        figure = Figure(figsize=(8.0, 5.0), layout="constrained")
        ax = figure.subplots()
        ax.plot(line, line, color=_OTHERS, linewidth=1.4, linestyle=_DASHED)
        ax.plot(line, line / 2, color=_OTHERS, linewidth=0.9, linestyle=_DOTTED)
        ax.plot(line, least, color=_LEAST, linewidth=1.4, linestyle=_DASHED)
        ax.plot(
            ranked,
            [row.memory_bits for row in study.matrices],
            "o",
            color=_OTHERS,
            markerfacecolor="white",
            markersize=9,
            zorder=3,
        )
        ax.plot(ranked, [row.rank for row in study.matrices], "D", color=_OTHERS, markersize=3.6, zorder=4)
        ax.plot(ranked, [row.query_bits for row in study.matrices], "v", color=_LEAST, markersize=5, zorder=3)
        for quantity, marker in (("size", "^"), ("dimension", "s")):
            sizes = [getattr(row, quantity) for row in study.units]
            ax.plot(sought, sizes, color=_ATTENTION, marker=marker, markersize=5, linewidth=1.6)
            _smaller_from(ax, study, quantity)
        ends = [
            ("N: memory, state,\nand first layer", last, _OTHERS, "bottom"),
            ("N/2: first layer,\nas published", last / 2, _OTHERS, "top"),
            ("attention: bits m p", study.units[-1].size, _ATTENTION, "center"),
            ("attention: dimension m", study.units[-1].dimension, _ATTENTION, "center"),
            (rf"a query: $m\,p \geq \log_2\binom{{N}}{{{study.sparsity}}}$", least[-1], _LEAST, "center"),
        ]
        for text, height, colour, place in ends:
            ax.annotate(text, (last, height), xytext=(9, 0), textcoords="offset points", color=colour, va=place)
        ax.set(xscale="log", yscale="log", xlim=(first / 1.12, last * 1.12))
        powers_of_two(ax.xaxis, [first, last])
        powers_of_two(ax.yaxis, [1, *ax.get_ylim()])
        ax.set(xlabel="tokens N (log scale)", ylabel="size: bits, dimensions or width (log scale)")
        ax.grid(color="0.93")
        ax.set_axisbelow(True)
        dimension = study.smaller_from("dimension")
        where = "" if dimension is None else f", and its dimension is smaller from {dimension} tokens on"
        if study.as_proved and len(ranked) > 1 and logarithmic((row.tokens, row.dimension) for row in study.units):
            ax.set_title(
                f"To average {study.sparsity} of N tokens, recurrent and feedforward models grow in proportion to N,\n"
                f"attention grows with log N{where}"
            )
        else:
            below = "" if dimension is None else f":\nthe dimension of attention is below N from {dimension} tokens on"
            ax.set_title(f"Sizes of models that average {study.sparsity} of N tokens{below}")
        figure.legend(handles=_handles(study), loc="outside lower center", ncols=2, handlelength=2.4)
    return figure, ax


def _smaller_from(ax: Axes, study: ModelSizes, quantity: str) -> None:
    """A ring where attention begins to stay below N, with words."""
    tokens = study.smaller_from(quantity)
    if tokens is None:
        return
    height = next(getattr(row, quantity) for row in study.units if row.tokens == tokens)
    ax.plot(tokens, height, "o", color=_ATTENTION, markerfacecolor="none", markersize=12)
    name = {"dimension": "m", "size": "m p"}[quantity]
    ax.annotate(
        f"{name} < N from {tokens} on",
        (tokens, height),
        xytext=(0, -9),
        textcoords="offset points",
        color=_ATTENTION,
        ha="left",
        va="top",
    )


def _handles(study: ModelSizes) -> list[Line2D]:
    error = f"error {study.tolerance:g}"
    bits = sorted({row.bits for row in study.units})
    precision = f"p = {bits[0]}" if len(bits) == 1 else f"p = {bits[0]} to {bits[-1]}"
    return [
        Line2D(
            [],
            [],
            color=_OTHERS,
            marker="o",
            markersize=9,
            markerfacecolor="white",
            linestyle="",
            label="log₂ of different rows: memory of recurrent models",
        ),
        Line2D(
            [],
            [],
            color=_OTHERS,
            marker="D",
            markersize=3.6,
            linestyle="",
            label="rank: state of linear recurrent models, first layer",
        ),
        Line2D(
            [],
            [],
            color=_LEAST,
            marker="v",
            markersize=5,
            linestyle="",
            label="log₂ of different columns: query of attention",
        ),
        Line2D(
            [],
            [],
            color=_ATTENTION,
            marker="^",
            markersize=5,
            linewidth=1.6,
            label=f"least m p found to suffice ({error}, {precision})",
        ),
        Line2D(
            [],
            [],
            color=_ATTENTION,
            marker="s",
            markersize=5,
            linewidth=1.6,
            label=f"least m found to suffice ({error}, float64)",
        ),
        Line2D([], [], color="0.35", linewidth=1.4, linestyle=_DASHED, label="by theorem; all marks are measured"),
    ]
