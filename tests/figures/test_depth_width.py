import math

import pytest

from tensorrank import figures, guidelines
from tensorrank.pictures.look import grey


def lines(ax, **properties):
    return [line for line in ax.lines if all(getattr(line, f"get_{name}")() == value for name, value in properties.items())]


def test_the_curve_is_the_fit_and_the_band_its_errors():
    figure, ax = figures.depth_width()
    fit = guidelines.PUBLISHED
    (curve,) = lines(ax, linewidth=2.2)
    assert curve.get_xdata()[0] >= 6
    assert curve.get_xdata()[-1] <= 48
    for depth, width in zip(curve.get_xdata(), curve.get_ydata(), strict=True):
        assert math.log(width) == pytest.approx(5.039 + 0.0555 * depth)
    band = ax.collections[1].get_paths()[0].vertices
    for depth in (20, 100):
        heights = [height for at, height in band if abs(at - depth) < 0.3]
        assert max(heights) == pytest.approx(fit.width(depth, 2), rel=0.03)
        assert min(heights) == pytest.approx(fit.width(depth, -2), rel=0.03)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("depth L", "width d (log scale)")
    assert "± 2 standard errors" in [text.get_text() for text in figure.legends[0].get_texts()]


def test_known_models_stand_at_their_shapes_with_names():
    _, ax = figures.depth_width()
    marks = {(line.get_xdata()[0], line.get_ydata()[0]) for line in lines(ax, marker="o")}
    assert marks == {(model.depth, model.width) for model in guidelines.KNOWN_MODELS}
    names = {text.get_text(): text.xy for text in ax.texts if hasattr(text, "xy")}
    assert names["GPT-3"] == (96, 12288)


def test_yours_lead_to_the_best_shape_along_equal_size():
    advice = guidelines.advise(24, 2048)
    figure, ax = figures.depth_width([("mine", advice)])
    given, best = lines(ax, marker="D")
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "the best shape of the same size" in labels
    assert (given.get_xdata()[0], given.get_ydata()[0]) == (24, 2048)
    assert (best.get_xdata()[0], best.get_ydata()[0]) == (advice.optimum.depth, advice.optimum.width)
    (along,) = lines(ax, linewidth=1.6)
    for depth, width in zip(along.get_xdata(), along.get_ydata(), strict=True):
        assert depth * width**2 == pytest.approx(24 * 2048**2)
    assert "mine" in [text.get_text() for text in ax.texts]


def test_a_known_model_gives_way_to_one_of_yours_in_its_place():
    _, ax = figures.depth_width([("mine", guidelines.advise(96, 12288))])
    names = [text.get_text() for text in ax.texts]
    assert "mine" in names
    assert "GPT-3" not in names
    assert "LLaMA 7B" in names


def test_the_same_shape_is_named_once():
    advice = guidelines.advise(12, 768)
    _, ax = figures.depth_width([("encoder", advice), ("decoder", advice)])
    assert [text.get_text() for text in ax.texts].count("encoder, decoder") == 1


def test_a_size_alone_is_a_point_on_the_curve():
    best = guidelines.optimum(1e12)
    _, ax = figures.depth_width([("a trillion", best)])
    (mark,) = lines(ax, marker="D")
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (best.depth, best.width)
    assert ax.get_xlim()[1] > best.depth
    assert ax.get_ylim()[0] < best.width < ax.get_ylim()[1]


def test_other_fits_show_no_models_and_the_plane_of_their_own():
    fit = guidelines.TransitionFit.of_errors(2.0, 0.4, 0.1, 0.02, depths=(1, 6))
    _, ax = figures.depth_width([("mine", guidelines.advise(2, 64, fit))], fit)
    assert not lines(ax, marker="o")
    assert ax.get_xlim()[1] < 20
    assert ax.get_ylim()[1] < 1000


def test_a_fit_without_depths_is_dashed_in_the_plane_of_its_points():
    fit = guidelines.TransitionFit(3.2, 0.4)
    figure, ax = figures.depth_width([("1e8", guidelines.optimum(1e8, fit))], fit)
    assert not lines(ax, linewidth=2.2)[0].get_xdata().size
    assert ax.get_ylim()[1] < 1e5
    assert figure.legends[0].get_texts()[0].get_text() == "best shape, by the fit"


def test_lines_of_equal_size_are_named():
    _, ax = figures.depth_width()
    assert {"1B", "100B"} <= {text.get_text() for text in ax.texts}


def test_the_knee_is_that_of_the_moment_bound():
    _, ax = figures.depth_width()
    knee = next(line for line in ax.lines if line.get_color() == grey(0.25))
    for depth, width in zip(knee.get_xdata(), knee.get_ydata(), strict=True):
        assert 3**depth == pytest.approx(2 * width * (width + 1), rel=0.02)
