import math

import numpy as np
import pytest

from tensorrank import TensorRankError, figures
from tensorrank.attention import bounds
from tensorrank.experiments.comparison import compare, contenders


@pytest.fixture(scope="module")
def compared():
    return list(compare(contenders(100), work=1e8))


def marks(axes):
    """The x of every mark drawn for a rank, largest last."""
    return sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() in ("o", "^"))


def test_every_architecture_is_named_and_drawn_at_its_rank(compared):
    figure, (axes, _) = figures.comparison(compared)
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(names) == sorted(f"{one.contender.shape}  ({one.contender.parameters})" for one in compared)
    np.testing.assert_allclose(marks(axes), sorted(one.log3_value for one in compared))
    assert axes.get_xscale() == "log"
    assert "log₃ separation rank" in axes.get_xlabel()
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    assert legend >= {"attention", "recurrent", "convolutional", "exact rank", "certified lower bound"}


def test_lower_bounds_lead_on_to_the_proven_bound(compared):
    _, (axes, _) = figures.comparison(compared)
    open_ends = [one for one in compared if one.result.upper is not None and one.result.upper > one.result.value]
    assert open_ends
    ends = sorted(float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "|")
    np.testing.assert_allclose(ends, sorted(bounds.log3(one.result.upper) for one in open_ends))


def test_ranks_are_shown_for_each_parameter_beside(compared):
    _, (_, axes) = figures.comparison(compared)
    np.testing.assert_allclose(marks(axes), sorted(one.log3_value / one.contender.parameters for one in compared))
    assert "rank / parameter" in axes.get_xlabel()


def test_nothing_to_compare_is_refused():
    with pytest.raises(TensorRankError, match="no architectures with a positive rank were given"):
        figures.comparison([])


def test_curves_of_equal_size_are_the_bounds_with_the_knee_on_them():
    budgets = [100, 1000, 10000]
    figure, axes = figures.iso_parameters(budgets)
    curves = [line for line in axes.lines if line.get_marker() == "."]
    assert len(curves) == len(axes.collections) == len(budgets)
    for budget, curve in zip(budgets, curves, strict=True):
        sizes = bounds.equal_sizes(budget, deepest=32)
        assert curve.get_xdata().tolist() == [depth for depth, _ in sizes]
        expected = [bounds.log3(bounds.moment_bound(depth, width)) for depth, width in sizes]
        np.testing.assert_allclose(curve.get_ydata(), expected)
    knees = [float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "D"]
    for budget, knee in zip(budgets, knees, strict=True):
        # On the curve the knee's depth is log3 of 2 d (d + 1), for about the width that the size leaves at that depth.
        width = (budget / (4 * knee)) ** 0.5
        assert knee == pytest.approx(np.log(2 * width * (width + 1)) / np.log(3), abs=0.5)
    assert knees == sorted(knees)
    assert "width" in "".join(text.get_text() for text in axes.texts)
    assert {text.get_text() for text in figure.legends[0].get_texts()} >= {"knee by formula"}


def test_no_interior_maximum():
    _, axes = figures.iso_parameters([200, 3000], rule=12)
    for curve in (line for line in axes.lines if line.get_marker() == "."):
        assert (np.diff(curve.get_ydata()) > 0).all()


@pytest.mark.parametrize("budgets", [[10**18], [10**40], [10**8, 10**8 + 1], range(100, 300)])
def test_curves_that_take_minutes_are_refused_at_once(budgets):
    with pytest.raises(TensorRankError, match=r"budgets up to .* would take minutes; expected at most 100, whose square"):
        figures.iso_parameters(budgets)


def test_curves_of_millions_of_parameters_begin_at_known_bounds():
    _, axes = figures.iso_parameters([10**6])
    (band,) = axes.collections
    corners = band.get_paths()[0].vertices
    # One layer of width 500 has a coordinate of the token and one entry of either side's moments: 501, at least 2.
    heights = corners[corners[:, 0] == 1, 1]
    assert heights.max() == pytest.approx(math.log(501, 3))
    assert heights.min() == pytest.approx(math.log(2, 3))


@pytest.mark.parametrize(
    ("budgets", "rule", "complaint"),
    [
        ([], 4, "the budgets are none; expected at least 16"),
        ([100, 5], 4, "the budgets are 5, 100; expected at least 16 parameters each"),
        ([20], 12, "expected at least 48 parameters"),
        ([100], 0, "rule is 0; expected"),
        ([1.5], 4, r"budgets are \[1.5\]; expected"),
    ],
    ids=str,
)
def test_impossible_budgets_are_refused(budgets, rule, complaint):
    with pytest.raises(TensorRankError, match=complaint):
        figures.iso_parameters(budgets, rule=rule)


def test_rank_one_has_a_mark():
    compared = list(compare(contenders(32, families=["recurrent"]), work=1e8))
    ones = [one for one in compared if one.result.value == 1]
    assert ones
    for axes in figures.comparison(compared)[1]:
        assert marks(axes)[: len(ones)] == [0.0] * len(ones)
        assert axes.get_xlim()[0] < 0
        assert axes.get_xscale() == "symlog"


def test_what_is_no_figure_is_not_saved(tmp_path):
    figure, axes = figures.iso_parameters([100])
    with pytest.raises(TensorRankError, match="a tuple was given; expected a picture, or a figure of matplotlib"):
        figures.save((figure, axes), tmp_path / "x")
    with pytest.raises(TensorRankError, match=r"formats are 'pdf'; expected a list, such as \['pdf'\]"):
        figures.save(figure, tmp_path / "x", formats="pdf")
    with pytest.raises(TensorRankError, match=r"a format is 'pgn'; expected one of .*did you mean 'png'"):
        figures.save(figure, tmp_path / "x", formats=["pgn"])
    with pytest.raises(TensorRankError, match="the stem is '/'; expected the path of a file without its ending"):
        figures.save(figure, "/")
    with pytest.raises(TensorRankError, match=r"the stem .*/x/ ends in a slash, which names a folder"):
        figures.save(figure, f"{tmp_path}/x/")
    assert list(tmp_path.iterdir()) == []
