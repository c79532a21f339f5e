"""Attention of several orders: their ranks on one curve, and what an order buys in layers and in weights."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.attention.higher_order import HigherOrderAttention
from tensorrank.checked import checked
from tensorrank.experiments.orders import OrderRanks
from tensorrank.figures.axes import beside
from tensorrank.figures.style import line_entry, mark_entry, something
from tensorrank.pictures.look import colours_and_marks, grey, ink
from tensorrank.pictures.picture import Picture
from tensorrank.pictures.sheet import Panels, in_style, several_axes

# The layers of order 2 up to which bounds are drawn; other orders have as many weights.
_LAYERS = 12
# The widest network whose bounds are counted in a moment.
_WIDEST = 512
_CAPTION = (
    "Axes of log₃ of the rank are logarithmic themselves: a straight rise is double-exponential growth with depth. "
    "A head of order n looks at n tokens; a layer of order n has 2n d² weights."
)


@checked
@in_style
def orders(study: OrderRanks, *, width: int = 64, figsize: tuple[float, float] | None = None) -> Picture[Panels]:
    """Ranks of attention of several orders on the curve phi, and the moment bound against layers and against weights.

    On the left every exact rank is a mark at t = C / (2 V), where C = ((2n - 1)^L - 1) / 2 is the degree of L layers of
    order n, and V = d (d+1) / 2 entries of the moment matrix are free: whatever the order, the marks lie near one
    curve, phi (`tensorrank.bounds.rank_curve`). In the middle a higher order represents more with every layer. On the
    right it does not for its weights: at equal numbers of them order 2 is the highest.

    Args:
        study: as `tensorrank.experiments.order_ranks` computes it.
        width: the width d of the networks whose bounds are drawn, at most 512.
        figsize: width and height of the figure in inches; by default it fits its axes and words.

    Returns:
        The figure, and an array of three axes.

    Raises:
        TensorRankError: if the study has no rows, or the width is out of range.

    >>> import tensorrank as tr
    >>> figure, axes = tr.figures.orders(tr.experiments.order_ranks((2, 3), widths=[2], depths=[1, 2]))
    >>> [len(ax.lines) >= 2 for ax in axes]
    [True, True, True]
    """
    something(study.rows)
    d = whole_number("width", width, 1, _WIDEST)
    styles = colours_and_marks(row.order for row in study.rows)
    sheet = several_axes(9.6, 3.4, 3, figsize=figsize)
    curve, layers, weights = sheet.panels
    _on_the_curve(curve, study, styles)
    for order, (colour, mark) in styles.items():
        depths = range(1, 2 * _LAYERS // order + 1)
        heights = [bounds.log3(_bound(depth, d, order)) for depth in depths]
        layers.plot(depths, heights, mark + "-", color=colour, markersize=4, linewidth=1.2)
        weights.plot([2 * order * depth for depth in depths], heights, mark + "-", color=colour, markersize=4, linewidth=1.2)
    for ax, label in ((layers, "layers L"), (weights, "weights / d²")):
        ax.set(yscale="log", xlabel=label, ylabel=f"log₃ of the moment bound, d = {d}")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    layers.set_title("a higher order represents more by layer,")
    weights.set_title("and less by weight")
    curve.set_title("one curve for all orders")
    sheet.caption(_CAPTION)
    sheet.legend(
        [
            *(mark_entry(f"order {order}", colour, mark, markersize=5) for order, (colour, mark) in styles.items()),
            line_entry("φ(t) = (1+t) log₃(1+t) − t log₃ t", ink(), linewidth=0.9),
        ]
    )
    return sheet.all()


def _bound(depth: int, width: int, order: int) -> int:
    return HigherOrderAttention(depth, width, order=order).rank_bound("halves")


def _on_the_curve(ax: Axes, study: OrderRanks, styles: dict[int, tuple[str, str]]) -> None:
    """The exact ranks, each in the measure of its free entries, and the curve."""
    ratios = []
    for row in study.rows:
        if row.rank.value == 1 or row.rank.standing != "exact":
            continue
        free = row.width * (row.width + 1) // 2
        ratios.append(row.degree / (2 * free))
        colour, mark = styles[row.order]
        ax.plot(ratios[-1], bounds.log3(row.rank.value) / free, mark, color=colour, markersize=5, zorder=4)
    low, high = min(ratios, default=0.1) / 2, max(ratios, default=1.0) * 2
    t = np.geomspace(low, high, 200)
    ax.plot(t, [bounds.rank_curve(x) for x in t], color=ink(), linewidth=0.9, zorder=3)
    ax.axvline(1, color=grey(0.75), linewidth=1, zorder=0)
    ax.set(xscale="log", yscale="log", xlabel="t = C / d(d+1)", ylabel="log₃ separation rank / (d(d+1)/2)")
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_locator(FixedLocator([10.0**k for k in range(-4, 5)]))
    ax.set_xlim(low, high)
    ax.yaxis.set_major_locator(FixedLocator([0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20]))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")
    beside(ax, "knee", (1, ax.get_ylim()[0]), (4, 4), fontsize="small", color=grey(0.15))
