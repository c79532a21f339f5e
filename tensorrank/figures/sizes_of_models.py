"""Sizes of models for sparse averaging against the number of tokens: recurrent, feedforward, attention."""

from __future__ import annotations

from math import comb, log2

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tensorrank.checked import checked
from tensorrank.experiments.sparse_averaging_models import ModelSizes, Quantity
from tensorrank.figures.axes import beside, faint_grid, names_at_ends, powers_of_two
from tensorrank.figures.growth import logarithmic
from tensorrank.figures.style import line_entry, mark_entry, something
from tensorrank.pictures.look import DASHED, DOTTED, Hue, grey, hue, paper
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import in_style, one_axes

_OTHERS: Hue = "vermilion"
_ATTENTION: Hue = "blue"
_LEAST: Hue = "green"


@checked
@in_style
def model_sizes(study: ModelSizes, *, ax: Axes | None = None, figsize: tuple[float, float] | None = None) -> Picture[Axes]:
    """All sizes on logarithmic axes: what others need grows in proportion to N, what attention needs with log N.

    Marks are measured: from ranks and different rows and columns of communication matrices, and for attention the
    least unit with random keys. Dashed lines continue the ranks by theorem: rank N, 2^N different rows, and C(N, q)
    different columns. Dotted lines are as published: N/2 for the width of a first layer, and just below it (N - 1)/2
    bits for the memory of a recurrent model. Attention is shown where it is larger, too; a ring marks from where on it
    stays smaller.

    Args:
        study: as `tensorrank.experiments.model_sizes` computes it.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure and its axes.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> study = tr.experiments.model_sizes((4, 5), (4, 8), tolerance=0.3, sets=5, repeats=1)
    >>> figure, ax = tr.figures.model_sizes(study)
    >>> ax.get_xlabel()
    'tokens N (log scale)'
    """
    something(study.matrices)
    something(study.units)
    ranked, sought = [row.tokens for row in study.matrices], [row.tokens for row in study.units]
    first, last = min(ranked + sought), max(ranked + sought)
    line = np.unique(np.geomspace(first, last, 200).round()).astype(int)
    least = [log2(comb(int(n), study.sparsity)) for n in line]
    sheet = one_axes(8.0, 4.4, ax, figsize)
    ax = sheet.ax
    ax.plot(line, line, color=hue(_OTHERS), linewidth=1.4, linestyle=DASHED)
    for published in (line / 2, (line - 1) / 2):
        ax.plot(line, published, color=hue(_OTHERS), linewidth=0.9, linestyle=DOTTED)
    ax.plot(line, least, color=hue(_LEAST), linewidth=1.4, linestyle=DASHED)
    memory = [row.memory_bits for row in study.matrices]
    ax.plot(ranked, memory, "o", color=hue(_OTHERS), markerfacecolor=paper(), markersize=9, zorder=3)
    ax.plot(ranked, [row.rank for row in study.matrices], "D", color=hue(_OTHERS), markersize=3.6, zorder=4)
    ax.plot(ranked, [row.query_bits for row in study.matrices], "v", color=hue(_LEAST), markersize=5, zorder=3)
    quantities: tuple[tuple[Quantity, str], ...] = (("size", "^"), ("dimension", "s"))
    for quantity, marker in quantities:
        sizes = [getattr(row, quantity) for row in study.units]
        ax.plot(sought, sizes, color=hue(_ATTENTION), marker=marker, markersize=5, linewidth=1.6)
        _smaller_from(ax, study, quantity)
    ends = [
        ("N: memory, state,\nand first layer", last, hue(_OTHERS)),
        ("N/2: first layer,\n(N − 1)/2: memory,\nas published", last / 2, hue(_OTHERS)),
        ("attention: bits m p", study.units[-1].size, hue(_ATTENTION)),
        ("attention: dimension m", study.units[-1].dimension, hue(_ATTENTION)),
        (rf"a query: $m\,p \geq \log_2\binom{{N}}{{{study.sparsity}}}$", least[-1], hue(_LEAST)),
    ]
    ax.set(xscale="log", yscale="log", xlim=(first / 1.12, last * 1.12))
    powers_of_two(ax.xaxis, [first, last])
    powers_of_two(ax.yaxis, [1, *ax.get_ylim()])
    ax.set(xlabel="tokens N (log scale)", ylabel="size: bits, dimensions or width (log scale)")
    faint_grid(ax)
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
    sheet.legend(_handles(study))
    names_at_ends(sheet, ax, ends, last)
    sheet.clear(ax)
    return sheet.one()


def _smaller_from(ax: Axes, study: ModelSizes, quantity: Quantity) -> None:
    """A ring where attention begins to stay below N, with words."""
    tokens = study.smaller_from(quantity)
    if tokens is None:
        return
    height = next(getattr(row, quantity) for row in study.units if row.tokens == tokens)
    ax.plot(tokens, height, "o", color=hue(_ATTENTION), markerfacecolor="none", markersize=12)
    name = {"dimension": "m", "size": "m p"}[quantity]
    # On the right of the last tokens stand the names of the lines.
    ha = "right" if tokens == study.units[-1].tokens else "left"
    beside(ax, f"{name} < N from {tokens} on", (tokens, height), (0, -9), color=hue(_ATTENTION), ha=ha, va="top")


def _handles(study: ModelSizes) -> list[Line2D]:
    error = f"error {study.tolerance:g}"
    bits = sorted({row.bits for row in study.units})
    precision = f"p = {bits[0]}" if len(bits) == 1 else f"p = {bits[0]} to {bits[-1]}"
    return [
        mark_entry("log₂ of different rows: memory of recurrent models", hue(_OTHERS), face=paper(), markersize=9),
        mark_entry("rank: state of linear recurrent models, first layer", hue(_OTHERS), "D", markersize=3.6),
        mark_entry("log₂ of different columns: query of attention", hue(_LEAST), "v", markersize=5),
        line_entry(
            f"least m p found to suffice ({error}, {precision})", hue(_ATTENTION), marker="^", markersize=5, linewidth=1.6
        ),
        line_entry(f"least m found to suffice ({error}, float64)", hue(_ATTENTION), marker="s", markersize=5, linewidth=1.6),
        line_entry("by theorem; all marks are measured", grey(0.35), DASHED, linewidth=1.4),
    ]
