"""What sparse averaging asks of an attention unit: error against dimension, least dimensions, bits for dimensions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import ceil, inf, log, log2

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator

from tensorrank.checked import checked
from tensorrank.experiments.sparse_averaging import ErrorByDimension, LeastDimensions, Line
from tensorrank.experiments.sparse_averaging_bits import BitsByDimension
from tensorrank.figures.axes import beside, faint_grid, powers_of_two
from tensorrank.figures.growth import rises
from tensorrank.figures.style import line_entry, something
from tensorrank.pictures.look import DASHED, DOTTED, colours_and_marks, grey
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, one_axes, several_axes

# The error at which titles compare dimensions.
_LEVEL = 0.1
_COLUMNS = 4


@checked
@in_style
def sparse_averaging_errors(study: ErrorByDimension, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """A panel for each sparsity q: the worst error over random sets against the dimension m, a line for each N.

    Marks are medians over the choices of keys, bands lead from the lower to the upper quartile. Both axes are
    logarithmic. Where m is ample, more tokens even have the smaller error, since the scale of queries grows with log N.

    Args:
        study: as `tensorrank.experiments.error_by_dimension` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of axes, one a sparsity.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> study = tr.experiments.error_by_dimension((8,), (2,), (4, 6), sets=5, repeats=1)
    >>> figure, (ax,) = tr.figures.sparse_averaging_errors(study)
    >>> ax.get_title()
    'averaging q = 2 tokens'
    """
    something(study.rows)
    styles = colours_and_marks(study.tokens)
    count = len(study.sparsities)
    columns = min(_COLUMNS, count)
    width, height = 2.75 * columns + 0.7, 3.0 * ceil(count / columns)
    sheet = several_axes(width, height, count, columns=columns, sharex=True, sharey=True, figsize=figsize)
    axes = sheet.panels
    for ax, sparsity in zip(axes, study.sparsities, strict=True):
        for tokens, (colour, marker) in styles.items():
            rows = study.of(tokens, sparsity)
            m = [row.dimension for row in rows]
            low, high = zip(*(row.quartiles for row in rows), strict=True) if rows else ((), ())
            ax.fill_between(m, low, high, color=colour, alpha=0.15, linewidth=0)
            ax.plot(m, [row.median for row in rows], color=colour, marker=marker, linewidth=1.5, markersize=4.5)
        ax.axhline(_LEVEL, color=grey(0.35), linewidth=0.9, linestyle=DASHED, zorder=1)
        ax.set_title(f"averaging q = {sparsity} tokens")
        faint_grid(ax)
    axes[0].set(xscale="log", yscale="log", ylim=(None, 3))
    sheet.outer_labels("dimension m of queries and keys", "worst L1 distance from uniform attention")
    powers_of_two(axes[0].xaxis, [row.dimension for row in study.rows])
    axes[0].yaxis.set_major_locator(LogLocator(base=10, numticks=8))
    handles = [
        line_entry(f"N = {tokens}", colour, marker=marker, markersize=4.5, linewidth=1.5)
        for tokens, (colour, marker) in styles.items()
    ]
    between = Patch(color=grey(0.5), alpha=0.25, linewidth=0, label="quartiles over keys")
    sheet.legend([*handles, between], title=_errors_title(study))
    return sheet.all()


def _errors_title(study: ErrorByDimension) -> str:
    """By what factor the dimension grows with the tokens at the dashed line, from the medians; else if errors fall."""
    few, many = study.tokens[0], study.tokens[-1]
    pairs = [[_crossing(study, tokens, q) for tokens in (few, many)] for q in study.sparsities]
    factors = [pair[1] / pair[0] for pair in pairs if pair[0] is not None and pair[1] is not None]
    if few == many or not factors:
        falls = _falls([row.median for row in study.of(n, q)] for n in study.tokens for q in study.sparsities)
        over = f"{few}" if few == many else f"{few} to {many}"
        if falls:
            return f"Attention over {over} tokens: the error of averaging q of them falls with the dimension"
        return "Error of averaging q tokens against the dimension"
    low, high = f"{min(factors):.1f}", f"{max(factors):.1f}"
    between = low if low == high else f"{low} to {high}"
    return f"{many / few:g} times the tokens take {between} times the dimension for the same error of {_LEVEL:g}"


def _falls(rows: Iterable[Sequence[float]]) -> bool:
    """Whether every row of numbers, if not empty, has several, never goes up, and ends below its beginning."""
    return all(len(row) > 1 and row[0] > row[-1] and all(one >= other for one, other in pairwise(row)) for row in rows if row)


def _crossing(study: ErrorByDimension, tokens: int, sparsity: int) -> float | None:
    """The dimension at which the median falls to the level, between two rows on the log-log line."""
    rows = study.of(tokens, sparsity)
    for above, below in pairwise(rows):
        if above.median > _LEVEL >= below.median > 0:
            share = log(above.median / _LEVEL) / log(above.median / below.median)
            return float(above.dimension * (below.dimension / above.dimension) ** share)
    return None


@checked
@in_style
def sparse_averaging_dimensions(study: LeastDimensions, *, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """The least dimension for a given error: left against q, a line for each N, right against N, a line for each q.

    Lines are least-squares fits m = a + b q and m = a + b log2 N. The right axis of N is logarithmic.

    Args:
        study: as `tensorrank.experiments.least_dimensions` computes it.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of two axes.

    Raises:
        TensorRankError: if the study has no rows.

    >>> import tensorrank as tr
    >>> study = tr.experiments.least_dimensions((8, 16), (1, 2), tolerance=0.3, sets=5, repeats=1)
    >>> figure, (by_sparsity, by_tokens) = tr.figures.sparse_averaging_dimensions(study)
    >>> by_sparsity.get_xlabel(), by_tokens.get_xlabel()
    ('tokens averaged q', 'tokens N (log scale)')
    """
    something(study.rows)
    sheet = several_axes(9.2, 4.0, 2, sharey=True, figsize=figsize)
    axes = sheet.panels
    for tokens, style in colours_and_marks(study.tokens).items():
        points = [(row.sparsity, row.dimension) for row in study.by_sparsity(tokens)]
        _fitted(axes[0], points, study.line_in_sparsity(tokens), float, style, f"N = {tokens}")
    for sparsity, style in colours_and_marks(study.sparsities).items():
        points = [(row.tokens, row.dimension) for row in study.by_tokens(sparsity)]
        _fitted(axes[1], points, study.line_in_log_tokens(sparsity), log2, style, f"q = {sparsity}")
    axes[0].set(xlabel="tokens averaged q", ylabel=f"least dimension m for an error of {study.tolerance:g}")
    axes[0].set_xlim(left=0)
    axes[0].set_xticks(study.sparsities)
    axes[0].set_ylim(bottom=0)
    axes[1].set(xlabel="tokens N (log scale)", xscale="log")
    powers_of_two(axes[1].xaxis, study.tokens)
    fits = [study.line_in_sparsity(tokens) for tokens in study.tokens]
    axes[0].set_title(_fit_words(fits, "Linear in q", "for each further token", "Least dimension against q"))
    fits = [study.line_in_log_tokens(sparsity) for sparsity in study.sparsities]
    axes[1].set_title(_fit_words(fits, "About logarithmic in N", "each time N doubles", "Least dimension against N"))
    for ax in axes:
        faint_grid(ax)
        handles, labels = ax.get_legend_handles_labels()
        ax.legend(handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.6)
    return sheet.all()


def _fit_words(fits: Iterable[Line | None], pattern: str, each: str, neutral: str) -> str:
    """The pattern with the range of slopes, if all fits are good, and the least and the largest R^2."""
    found = [line for line in fits if line is not None]
    if not found:
        return neutral
    low, high = (f"{end(line.slope for line in found):.0f}" for end in (min, max))
    worst, best = (f"{end(line.determination for line in found):.2f}" for end in (min, max))
    slopes = low if low == high else f"{low} to {high}"
    title = f"{pattern}: {slopes} dimensions {each}" if all(map(rises, found)) else neutral
    return f"{title}\nfits of R² {worst if worst == best else f'{worst} to {best}'}"


def _fitted(
    ax: Axes,
    points: Sequence[tuple[int, int]],
    line: Line | None,
    scale: Callable[[float], float],
    style: tuple[str, str],
    label: str,
) -> None:
    """Points, and the line through them."""
    colour, marker = style
    x, y = zip(*points, strict=True)
    if line is not None:
        fine = np.geomspace(min(x), max(x), 50)
        ax.plot(fine, [line.at(scale(one)) for one in fine], color=colour, linewidth=1.1)
    ax.plot(x, y, marker, color=colour, markersize=5, label=label, zorder=3)


@checked
@in_style
def sparse_averaging_bits(
    studies: BitsByDimension | Sequence[BitsByDimension], *, ax: Axes | None = None, figsize: tuple[float, float] | None = None
) -> Picture[Axes]:
    """The least precision p against the dimension m of units with moment-curve keys, a line for each N and q.

    Both axes are logarithmic; grey lines join units with the same product m p. Dotted lines are m p = log2 C(N, q):
    below them a query cannot tell all sets apart. The ground below the lowest is shaded.

    Args:
        studies: as `tensorrank.experiments.bits_by_dimension` computes them.
        ax: axes to fill; a new figure is made by default.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure and its axes.

    Raises:
        TensorRankError: if there is nothing to show.

    >>> import tensorrank as tr
    >>> study = tr.experiments.bits_by_dimension(8, 2, (4, 6), tolerance=0.3, sets=5)
    >>> figure, ax = tr.figures.sparse_averaging_bits(study)
    >>> ax.get_ylabel()
    'least precision p in bits (log scale)'
    """
    shown = [studies] if isinstance(studies, BitsByDimension) else list(studies)
    for study in something(shown):
        something(study.rows)
    styles = list(colours_and_marks(range(len(shown))).values())
    sheet = one_axes(5.6, 4.5, ax, figsize)
    ax = sheet.ax
    points = {study: [(row.dimension, row.bits) for row in study.rows if row.bits] for study in shown}
    dimensions = [row.dimension for study in shown for row in study.rows]
    ends = np.array([min(dimensions) / 1.2, max(dimensions) * 1.2])
    low, high = 1.0, 1.35 * max((bits for found in points.values() for _, bits in found), default=2)
    bounds = {study: study.least_size for study in shown}
    least = [bound for bound in bounds.values() if bound is not None]
    if least:
        ax.fill_between(ends, low, min(least) / ends, color=grey(0.9), linewidth=0)
    for study, (colour, marker) in zip(shown, styles, strict=True):
        if (bound := bounds[study]) is not None:
            ax.plot(ends, bound / ends, color=colour, linewidth=1.1, linestyle=DOTTED)
        label = f"{study.sparsity} of {study.tokens} tokens"
        m, p = np.array(points[study]).reshape(-1, 2).T
        ax.plot(m, p, color=colour, marker=marker, markersize=5, linewidth=1.5, label=label)
    for size in 2.0 ** np.arange(ceil(log2(ends[1])), log2(ends[1] * high)):
        ax.plot(ends, size / ends, color=grey(0.88), linewidth=0.8, zorder=0)
        beside(ax, f"m p = {size:g}", (ends[1], size / ends[1]), (3, 0), va="center", color=grey(0.5), fontsize="x-small")
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=(low, high))
    ax.set(xlabel="dimension m of queries and keys (log scale)", ylabel="least precision p in bits (log scale)")
    powers_of_two(ax.xaxis, dimensions)
    powers_of_two(ax.yaxis, [1, high])
    handles, _ = ax.get_legend_handles_labels()
    if least:
        label = r"$m\,p = \log_2\binom{N}{q}$: fewer bits are no query"
        handles.append(line_entry(label, grey(0.3), DOTTED, linewidth=1.1))
    sheet.legend(handles)
    # A dimension without bits takes more than any other.
    falls = _falls([row.bits or inf for row in study.rows] for study in shown)
    title = "Fewer dimensions cost more bits" if falls else "Least precision against dimension"
    ax.set_title(f"{title}{_product_words(shown)}")
    return sheet.one()


def _product_words(shown: Sequence[BitsByDimension]) -> str:
    """How much m p varies while m does, where m varies most."""
    rows = [[row for row in study.rows if row.size is not None] for study in shown]
    widest = max(rows, key=lambda some: some[-1].dimension / some[0].dimension if some else 0)
    sizes = [row.size for row in widest if row.size is not None]
    if len(sizes) < 2:
        return ""
    factor = widest[-1].dimension / widest[0].dimension
    return f":\nm p varies by a factor of {max(sizes) / min(sizes):.1f} while m varies by {factor:.1f}"
