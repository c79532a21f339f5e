from __future__ import annotations

import math
from math import comb

import numpy as np
import pytest

from tensorrank import SelfAttention, SeparationRank, TensorRankError, figures, separation_rank
from tensorrank.experiments.depth_series import series_of
from tensorrank.pictures.look import ink
from tensorrank.studies.run import Finding


def computed(*sizes):
    models = [SelfAttention(depth, width, tokens=tokens) for width, depth, tokens in sizes]
    return series_of([Finding(model, separation_rank(model, method="catalecticant")) for model in models])


def log3(number):
    return math.log(number) / math.log(3)


def points(ax, marker):
    return [line.get_xydata() for line in ax.lines if line.get_marker() == marker]


def assert_all_is_inside(figure):
    figure.draw_without_rendering()
    box = figure.bbox
    for ax in figure.axes:
        for text in [ax.title, ax.xaxis.label, ax.yaxis.label, *ax.texts]:
            assert_inside(box, text.get_window_extent())
    (legend,) = figure.legends
    assert_inside(box, legend.get_window_extent())
    assert not any(legend.get_window_extent().overlaps(ax.get_window_extent()) for ax in figure.axes)


def assert_inside(box, extent):
    assert box.x0 <= extent.x0 <= extent.x1 <= box.x1
    assert box.y0 <= extent.y0 <= extent.y1 <= box.y1


@pytest.mark.parametrize("widths", [[7], [2, 64], [1, 16, 12288], [2**k for k in range(13)]], ids=len)
def test_ranks_between_two_tokens_stand_at_every_width(widths):
    figure, (over_depth, two, _) = figures.collapse(widths=widths, deepest=6)
    for width, depths, ratios in zip(widths, points(over_depth, "."), points(two, "o"), strict=True):
        for depth in range(1, 7):
            degree = (3**depth - 1) // 2
            rank = log3(comb(width + degree, width))
            assert depths[depth - 1] == pytest.approx([depth, rank])
            assert ratios[depth - 1] == pytest.approx([degree / width, rank / width])
    assert_all_is_inside(figure)


def test_every_width_in_range_has_its_knee_marked_on_its_line():
    _, (over_depth, *_) = figures.collapse(widths=[1, 4, 64, 4096], deepest=6)
    # The one coordinate of width 1 is many tokens' moment too; at width 4096 the knee is beyond depth 6.
    assert [point[0][0] for point in points(over_depth, "|")] == pytest.approx([log3(4), log3(8), log3(128)])


def test_computed_ranks_are_marked_where_their_tokens_are():
    series = computed((2, 2, 2), (2, 3, 2), (2, 2, 4), (3, 2, 6), (3, 2, 4))
    _, (_, two, many) = figures.collapse(series, widths=[2], deepest=4)
    ringed = [
        line.get_xydata()
        for ax in (two, many)
        for line in ax.lines
        if (line.get_marker(), line.get_markeredgecolor()) == ("o", ink())
    ]
    assert np.concatenate(ringed).tolist() == [
        pytest.approx(point)
        for point in ([4 / 2, log3(15) / 2], [13 / 2, log3(105) / 2], [4 / 6, log3(18) / 3], [4 / 12, log3(49) / 6])
    ]


def test_the_legend_names_computed_ranks_only_where_there_are_some():
    names = [
        [text.get_text() for text in figures.collapse(series)[0].legends[0].get_texts()] for series in ([], computed((2, 1, 2)))
    ]
    assert [any("computed" in name for name in one) for one in names] == [False, True]


def test_the_knee_between_two_tokens_is_read_off_exact_ranks():
    widths = [8, 64, 4096]
    figure, ax = figures.knee(widths=widths)
    (line,) = (line for line in ax.lines if line.get_marker() == "o")
    assert line.get_xdata().tolist() == widths
    for width, depth in line.get_xydata():
        below, above = (log3(comb(int(width) + (3**whole - 1) // 2, int(width))) for whole in (int(depth), int(depth) + 1))
        # phi(1) is 2 log3(2).
        assert below <= width * 2 * log3(2) <= above
    assert line.get_ydata()[-1] == pytest.approx(log3(2 * 4096), abs=0.03)
    assert_all_is_inside(figure)


def test_the_knee_of_computed_ranks_lies_between_those_of_the_bounds():
    _, ax = figures.knee(computed(*((2, depth, 4) for depth in range(1, 5))), widths=[2, 3])
    ((width, depth),) = points(ax, "D")[0]
    bar = next(line for line in ax.lines if line.get_linewidth() == 4 and line.get_xdata()[0] == 2)
    assert width == 2
    assert bar.get_ydata()[0] <= depth <= bar.get_ydata()[1]
    # Ranks 18 and 232 at depths 2 and 3 stand on both sides of 3^(3 phi(1)) = 64.
    assert 2 < depth < 3


def test_ranks_on_one_side_of_the_knee_alone_are_not_marked():
    _, ax = figures.knee(computed((2, 1, 4), (2, 2, 4), (3, 3, 6), (1, 1, 2)), widths=[2])
    assert not points(ax, "D")


def test_where_only_the_earlier_end_is_known_an_arrow_says_so():
    figure, ax = figures.knee(widths=[64, 256])
    bars = [line.get_xdata()[0] for line in ax.lines if line.get_linewidth() == 4]
    arrows = [line.get_xdata()[0] for line in ax.lines if "arrow" in str(line.get_marker())]
    assert (bars, arrows) == ([64], [256])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"no later, with d heads (lower bounds)", "how much later is not known"} <= set(words)
    assert "how much later is not known" not in [t.get_text() for t in figures.knee(widths=[64])[0].legends[0].get_texts()]


def test_the_knee_by_formula_and_the_measured_one_have_names_of_their_own():
    figure, ax = figures.knee(widths=[2, 4096])
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"knee by formula", "measured, one token a side: exact"} <= set(words)
    assert [text.get_text() for text in ax.texts] == ["log₃ 2d(d+1)", "log₃ 2d", "log₃ d"]
    assert "measured knee" in figure.get_supxlabel()


@pytest.mark.parametrize("widths", [[1], [5, 6], list(range(1, 14))], ids=len)
def test_nothing_of_the_knees_is_clipped(widths):
    assert_all_is_inside(figures.knee(computed((2, 1, 4)), widths=widths)[0])


@pytest.mark.parametrize("figure", [figures.collapse, figures.knee])
def test_widths_that_are_none_are_refused(figure):
    with pytest.raises(TensorRankError, match=r"widths are .*; expected a list of widths, such as \[1, 16, 256\]"):
        figure(widths=[])
    for width in (0, 10**400):
        with pytest.raises(TensorRankError, match=r"a width is .*; expected a whole number"):
            figure(widths=[width])


def test_the_theorem_is_shown_at_the_largest_widths():
    _, (over_depth, *_) = figures.collapse(widths=[10**100], deepest=2)
    # binom(d + 1, d) and binom(d + 4, d), about d^4 / 24.
    (drawn,) = points(over_depth, ".")
    assert drawn[:, 1] == pytest.approx([100 * log3(10), 400 * log3(10) - log3(24)])


@pytest.mark.parametrize("figure", [figures.rank_vs_depth, figures.increments])
@pytest.mark.parametrize("count", [1, 2, 3, 13])
@pytest.mark.parametrize("tokens", [None, 2])
def test_nothing_of_ranks_over_depth_is_clipped(figure, count, tokens):
    series = computed(*((width, 1, tokens) for width in range(1, count + 1)))
    assert_all_is_inside(figure(series, deepest=4)[0])


@pytest.mark.parametrize("figure", [figures.rank_vs_depth, figures.increments])
@pytest.mark.parametrize("width", [300, 12288])
def test_bounds_whose_digits_would_take_minutes_are_shown_by_their_logarithms(figure, width):
    # One layer gives as many functions as the token has entries, and one more.
    rank = SeparationRank(width + 1, width + 1, width + 1, "exact", None, "bounds", (), (0,), None, 0.0, 0.0)
    drawn, axes = figure(series_of([Finding(SelfAttention(1, width), rank)]))
    lines = [line.get_ydata() for ax in np.ravel(axes) for line in ax.lines]
    assert any(len(line) >= 11 and line[-1] > 9 * width for line in lines)
    assert_all_is_inside(drawn)


@pytest.mark.parametrize("figure", [figures.rank_vs_depth, figures.increments])
@pytest.mark.parametrize(("width", "depths"), [(4, (13, 14)), (12288, (95, 96))])
def test_ranks_of_any_depth_stand_within_the_axes(figure, width, depths):
    found = [Finding(model, separation_rank(model)) for model in (SelfAttention(depth, width, tokens=2) for depth in depths)]
    drawn, axes = figure(series_of(found))
    (ax,) = np.ravel(axes)
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"]
    # The growth stands at the depth before the last.
    assert marks == list(depths)[: len(marks)]
    assert marks
    assert ax.get_xlim()[1] >= marks[-1]
    assert len(ax.get_xticks()) < 16
    assert_all_is_inside(drawn)
