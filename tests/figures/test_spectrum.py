from dataclasses import replace

import numpy as np
import pytest

import tensorrank as tr
from tensorrank.arithmetic.spectrum import NumericalRank, numerical_rank
from tensorrank.separation.numerical import numerical_separation_rank
from tensorrank.separation.numerical_model import NumericalModel

CLEAR = numerical_rank(np.diag([4.0, 2.0, 1.0, 1e-9, 1e-10]), rtol=1e-6)
STEEP = numerical_rank(np.diag(10.0 ** -np.arange(0, 12.0)), rtol=3e-6)


def points(ax, face=None):
    """The marks in a panel, (x, y) by face: filled or open."""
    found = {"filled": [], "open": []}
    for line in ax.lines:
        if line.get_marker() not in ("None", "", None) and line.get_linestyle() == "None":
            kind = "open" if line.get_markerfacecolor() == "#ffffff" else "filled"
            found[kind] += list(zip(np.asarray(line.get_xdata()).tolist(), line.get_ydata(), strict=True))
    return found


def words(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def dashed(ax, axis):
    data = [getattr(line, f"get_{axis}data")() for line in ax.lines if line.get_linestyle() == "--"]
    return [values[0] for values in data if values[0] == values[-1]]


def test_counted_values_are_filled_and_the_others_open():
    _, axes = tr.figures.spectrum(CLEAR)
    marks = points(axes[0])
    assert marks["filled"] == [(1, 1.0), (2, 0.5), (3, 0.25)]
    assert marks["open"] == [(4, pytest.approx(2.5e-10)), (5, pytest.approx(2.5e-11))]


def test_the_threshold_is_a_labelled_line_in_both_panels():
    _, axes = tr.figures.spectrum(CLEAR)
    assert dashed(axes[0], "y") == dashed(axes[1], "x") == [pytest.approx(1e-6)]
    assert "threshold" in [text.get_text() for text in axes[0].texts]
    below, above = axes[0].get_ylim()
    assert below < 2.5e-11 < 1 < above


def test_thresholds_close_together_share_a_label_and_others_do_not():
    close, far = numerical_rank(np.eye(2), rtol=2e-6), numerical_rank(np.eye(2), rtol=1e-12)
    _, axes = tr.figures.spectrum([CLEAR, close, far])
    assert sorted(t.get_text() for t in axes[0].texts if "thresh" in t.get_text()) == ["threshold", "thresholds"]
    assert len(dashed(axes[0], "y")) == 3


def test_a_clear_gap_is_marked_and_an_unclear_one_is_not():
    _, axes = tr.figures.spectrum(CLEAR)
    # From 1 to 1e-9.
    assert [t.get_text() for t in axes[0].texts if "gap" in t.get_text()] == ["gap $10^{9}$"]
    _, axes = tr.figures.spectrum(STEEP)
    assert not [t.get_text() for t in axes[0].texts if "gap" in t.get_text()]
    _, axes = tr.figures.spectrum(numerical_rank(np.diag([1.0, 0.0])))
    assert [t.get_text() for t in axes[0].texts if "gap" in t.get_text()] == ["gap $10^{15}$"]


def test_the_curve_is_the_rank_against_the_tolerance():
    _, axes = tr.figures.spectrum(STEEP)
    (curve,) = [line for line in axes[1].lines if line.get_drawstyle() == "steps-post"]
    x, y = curve.get_xdata(), curve.get_ydata()
    for tolerance in (2e-8, 5e-4, 0.3):
        assert (
            y[np.searchsorted(x, tolerance, side="right") - 1]
            == numerical_rank(np.diag(10.0 ** -np.arange(0, 12.0)), rtol=tolerance).value
        )
    assert points(axes[1])["filled"] == [(3e-6, 6)]


def test_a_stretch_as_high_as_the_sample_is_dotted():
    full = numerical_rank(np.diag([1.0, 0.5, 0.1]))
    figure, axes = tr.figures.spectrum(full)
    (dotted,) = [line for line in axes[1].lines if line.get_linestyle() == ":"]
    assert list(dotted.get_ydata()) == [3, 3]
    assert dotted.get_xdata()[-1] == pytest.approx(0.1)
    assert "all values of the sample" in words(figure)
    figure, _ = tr.figures.spectrum(numerical_rank(np.diag([1.0, 0.5, 0.0])))
    assert "all values of the sample" not in words(figure)


def test_the_legend_names_rank_and_trust():
    sampled = numerical_separation_rank(NumericalModel(lambda x: x[:, 0] * x[:, 1], 2))
    full = numerical_separation_rank(NumericalModel(lambda x: (x[:, 0] * x[:, 1]).sum(axis=1), 2, site_shape=9), samples=8)
    figure, axes = tr.figures.spectrum([sampled, STEEP, full], ["product", "steep", "small sample"])
    assert words(figure)[:3] == [
        "product: rank 1, clear gap",
        "steep: rank 6, no gap, ambiguous",
        "small sample: rank 8, full rank, ambiguous",
    ]
    assert words(tr.figures.spectrum([CLEAR, STEEP])[0])[0] == "spectrum 0: rank 3, clear gap"
    assert words(tr.figures.spectrum(CLEAR)[0])[0] == "singular values: rank 3, clear gap"
    assert (axes[0].get_xlabel(), axes[0].get_ylabel()) == ("index", "singular value / largest")
    assert (axes[1].get_xlabel(), axes[1].get_ylabel()) == ("tolerance / largest singular value", "rank")
    assert {axes[0].get_yscale(), axes[1].get_xscale()} == {"log"}


@pytest.mark.parametrize("rtol", [0.0, 1.0, 1e3])
def test_thresholds_at_the_ends_can_be_drawn(rtol):
    figure, axes = tr.figures.spectrum(numerical_rank(np.diag([1.0, 1e-3, 0.0]), rtol=rtol))
    figure.canvas.draw()
    marks = points(axes[0])
    assert len(marks["filled"]) == (2 if rtol == 0 else 0)
    below, above = axes[0].get_ylim()
    assert below < 1e-3
    assert above > rtol


EXACT = tr.SeparationRank(
    value=3,
    lower=3,
    upper=3,
    standing="exact",
    by_degree=None,
    method="grid",
    primes=(),
    seeds=(0,),
    samples=None,
    failure_probability=0.0,
    seconds=0.0,
)


@pytest.mark.parametrize(
    ("results", "labels", "message"),
    [
        ([], None, "no results were given; expected at least one numerical rank"),
        (EXACT, None, "a rank with standing 'exact' has no spectrum; expected a numerical one"),
        ([CLEAR, 3], None, "expected a SeparationRank, a NumericalRank or a list of"),
        (numerical_rank(np.zeros((3, 3))), None, "a spectrum without a value above zero"),
        (numerical_rank(np.zeros((0, 3))), None, "a spectrum without a value above zero"),
        ([CLEAR, STEEP], ["one"], r"labels \('one',\) were given for 2 results; expected a list of one for each"),
        (CLEAR, "a", "labels are 'a'; expected a list of texts"),
    ],
)
def test_what_cannot_be_drawn_is_refused(results, labels, message):
    with pytest.raises(tr.TensorRankError, match=message):
        tr.figures.spectrum(results, labels)


def test_the_figure_can_be_written(tmp_path):
    figure, _ = tr.figures.spectrum([CLEAR, STEEP])
    assert isinstance(CLEAR, NumericalRank)
    (path,) = tr.figures.save(figure, tmp_path / "spectrum", ["png"])
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_rank_that_grew_is_not_said_to_lack_a_gap():
    grown = replace(numerical_rank(np.diag([1.0, 0.5, 1e-12]), rtol=1e-6), ambiguous=True)
    figure, _ = tr.figures.spectrum(grown, ["kink"])
    assert "kink: rank 2, grew with the sample, ambiguous" in {t.get_text() for t in figure.legends[0].get_texts()}


def test_what_lies_below_rounding_is_shaded_where_a_threshold_does():
    ones = np.ones((2, 2))
    figure, axes = tr.figures.spectrum(numerical_rank(ones, rtol=0))
    assert words(figure)[0] == "singular values: rank 2, threshold below rounding, ambiguous"
    assert "rounding errors" in words(figure)
    for ax, upper in zip(axes, ("y1", "x1"), strict=True):
        (band,) = ax.patches
        assert getattr(band.get_bbox(), upper) == pytest.approx(2 * 2.0**-52)
    figure, axes = tr.figures.spectrum(numerical_rank(ones))
    assert "rounding errors" not in words(figure)
    assert not any(ax.patches for ax in axes)
