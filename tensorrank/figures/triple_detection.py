"""Triples by attention of second and of third order: errors against dimension, and bits against tokens."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from typing import Any

from matplotlib.axes import Axes
from matplotlib.text import Annotation

from tensorrank.checked import checked
from tensorrank.experiments.triples import Triples
from tensorrank.figures.axes import beside, faint_grid, powers_of_two
from tensorrank.figures.growth import logarithmic, proportional
from tensorrank.figures.style import line_entry, something
from tensorrank.pictures.look import DASHED, MARKS, Hue, colours, grey, hue
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

_SECOND: Hue = "vermilion"
_THIRD: Hue = "blue"
_LAYER: Hue = "ink"
_EASY: Hue = "green"


@checked
@in_style
def triples(study: Triples, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """Left the share of wrong answers against the dimension, right the bits m p against the tokens.

    Left, a line for each N is the histogram unit of second order, with a tick at m = M; the star is the unit of third
    order. Right, the bits of the smallest exact units, beside log2 of the rank, which any layer of second order pays in
    m p H up to log log N and a constant: filled marks are measured ranks, the line is by theorem. Titles say what the
    rows show.

    Args:
        study: as `tensorrank.experiments.detect_triples` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of two axes.

    Raises:
        TensorRankError: if the study has no units.

    >>> import tensorrank as tr
    >>> figure, (errors, bits) = tr.figures.triples(tr.experiments.detect_triples((8, 16), (1, 2), examples=5))
    >>> errors.get_ylabel(), bits.get_ylabel()
    ('share of wrong answers', 'bits (log scale)')
    """
    something(study.units, "an experiment without units was")
    sheet = several_axes(11.0, 4.3, 2, width_ratios=[1, 0.85], figsize=figsize)
    axes = sheet.panels
    _errors(axes[0], study)
    names = _bits(axes[1], study)
    sheet.clear(axes[0])
    sheet.apart(axes[1], names)
    return sheet.all()


def _errors(ax: Axes, study: Triples) -> None:
    tokens = sorted({row.tokens for row in study.of(2)})
    for (n, colour), marker in zip(colours(tokens).items(), cycle(MARKS), strict=False):
        rows = study.of(2, n)
        look: Any = {"color": colour, "marker": marker, "markersize": 4.5, "linewidth": 1.4, "clip_on": False}
        ax.plot([row.dimension for row in rows], [row.error for row in rows], label=f"N = {n}", **look)
        beside(ax, f"N = {n}", (rows[0].modulus, 0.03), (5, 0), rotation=90, va="bottom", color=colour)
    third = study.of(3)
    look = {"color": hue(_THIRD), "markersize": 15, "clip_on": False, "zorder": 5}
    ax.plot([row.dimension for row in third], [row.error for row in third], "*", label="third order", **look)
    for row in third[:1]:
        every = " for every N" if len({row.dimension for row in third}) == 1 else ""
        text = f"third order:\n{_third_dimensions(study)}{every}"
        beside(ax, text, (row.dimension, row.error), (0, 10), ha="center", color=hue(_THIRD))
    ax.axhline(0.5, color=grey(0.45), linewidth=0.9, linestyle=DASHED, zorder=0)
    beside(ax, "guessing", (0, 0.5), (4, -4), xycoords=("axes fraction", "data"), va="top", color=grey(0.35))
    # On the right there is room for the name of the last line.
    widest = 1.8 * max(row.dimension for row in study.units)
    ax.set(xscale="log", xlim=(None, widest), ylim=(0, 0.56), ylabel="share of wrong answers")
    ax.set_xlabel("dimension m (log scale): of values; at third order, of queries and keys")
    powers_of_two(ax.xaxis, [row.dimension for row in study.units])
    pattern = "At second order a histogram errs until m = M = 2N + 1"
    ax.set_title(pattern if _errs_until_the_modulus(study) else "Wrong answers against the dimension")


def _bits(ax: Axes, study: Triples) -> list[Annotation]:
    """Bits against tokens; returns the names at the right ends of the curves."""
    names = []

    def curve(points: Iterable[tuple[int, float]], name: str, colour: str, marker: str, line: str, size: float) -> None:
        """A line with its name at the right end."""
        found = sorted(set(points))
        if found:
            look: Any = {"marker": marker, "markersize": size, "linestyle": line, "linewidth": 1.5}
            ax.plot(*zip(*found, strict=True), color=colour, label=name.replace("\n", " "), **look)
            names.append(beside(ax, name, found[-1], (9, 0), color=colour, va="center", annotation_clip=False))

    for order, colour, marker, size, name in (
        (2, hue(_SECOND), "s", 5, "second order suffices:\nhistogram, bits m p"),
        (3, hue(_THIRD), "*", 9, f"third order suffices:\nbits m p, {_third_dimensions(study)}"),
    ):
        points = ((row.tokens, float(row.size)) for row in study.exact(order) if row.size is not None)
        curve(points, name, colour, marker, "-", size)
    measured = [(row.tokens, row.bits) for row in study.ranks_of("Match3")]
    theorem = [(row.tokens, row.bits) for row in study.ranks_of("Match3", measured=False)]
    name = "any layer of second order:\nlog₂ rank, up to log log N and a constant"
    curve([*measured, *theorem], name, hue(_LAYER), "", "--", 0)
    for task, marker in (("bigram", "D"), ("local", "v")):
        points = ((row.tokens, row.bits) for row in study.ranks_of(task))
        curve(points, f"log₂ rank of the {task} variant", hue(_EASY), marker, ":", 5)
    if measured:
        (marks,) = ax.plot(*zip(*measured, strict=True), "o", color=hue(_LAYER), markersize=5, label="rank measured")
        by_theorem = line_entry("rank by theorem", hue(_LAYER), "--", linewidth=1.5)
        ax.legend(handles=[marks, by_theorem], loc="upper left")
    ax.set(xscale="log", yscale="log", xlabel="tokens N (log scale), M = 2N + 1", ylabel="bits (log scale)")
    powers_of_two(ax.xaxis, [row.tokens for row in study.units] + [row.tokens for row in study.ranks])
    powers_of_two(ax.yaxis, [1, *ax.get_ylim()])
    third = [(row.tokens, float(row.size)) for row in study.exact(3) if row.size is not None]
    pattern = "Second order pays about N bits, third order about log N"
    ax.set_title(pattern if proportional([*measured, *theorem]) and logarithmic(third) else "Bits against tokens")
    faint_grid(ax)
    return names


def _third_dimensions(study: Triples) -> str:
    """The dimensions of the units of third order, in words."""
    found = sorted({row.dimension for row in study.of(3)}) or [5]
    return f"m = {found[0]}" if len(found) == 1 else f"m = {found[0]} to {found[-1]}"


def _errs_until_the_modulus(study: Triples) -> bool:
    """Whether at each N there are histograms of fewer buckets than residues, all of which err, and M do not."""
    second = study.of(2)
    tokens = {row.tokens for row in second}
    fewer = {row.tokens for row in second if row.dimension < row.modulus}
    whole = {row.tokens for row in second if row.dimension == row.modulus == 2 * row.tokens + 1}
    return bool(tokens) and fewer == whole == tokens and all((row.wrong > 0) == (row.dimension < row.modulus) for row in second)
