import math

import numpy as np
import pytest
from matplotlib.colors import same_color

from tensorrank import TensorRankError, figures
from tensorrank.experiments.approximation import ApproximationTarget, ShallowApproximations, Wall
from tensorrank.mixtures.approximation.result import Approximation, ApproximationStep, Estimate
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.separation.result import SeparationRank

MODEL = LatentClass.random([2, 2], 1, seed=0)


def step(number, error, *, certified=True, variation=None, parts=None, spread=None):
    guarantee = math.sqrt(8 / (number + 2)) if certified else None
    return ApproximationStep(
        step=number,
        components=number + 1 if parts is None else parts,
        error=error,
        relative_error=error / 0.1,
        guarantee=guarantee,
        certified=certified,
        gap=0.0 if certified else None,
        total_variation=Estimate(error if variation is None else variation, spread),
        kl=Estimate(math.inf),
        reverse_kl=Estimate(error),
    )


def run(atoms="entries", errors=(1.0, 0.7, 0.5, 0.4, 0.35), method="corrective", **options):
    certified = options.pop("certified", atoms == "entries")
    steps = tuple(step(i, error, certified=certified, **options) for i, error in enumerate(errors))
    return Approximation("a test", method, atoms, 0.1, steps, MODEL, 0.0)


def wall(parts, standing="exact"):
    upper = parts if standing == "exact" else None
    reason = None if standing == "exact" else "as a test has it"
    rank = SeparationRank(parts, parts, upper, standing, None, "grid", (7,), (0,), None, None, 0.0, reason)
    return Wall(parts, "halves", rank, None, reason)


def target(label, *runs, norm=0.1, of=None):
    return ApproximationTarget(label, "a test", 2, 9, norm, wall(4) if of is None else of, runs)


def drawn(*targets, **options):
    figure, axes = figures.approximation(ShallowApproximations(targets, 0), **options)
    figure.draw_without_rendering()
    return figure, axes


def curve(axes, count):
    """The lines through so many points."""
    return [line.get_ydata().tolist() for line in axes.lines if len(line.get_xdata()) == count]


def named(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def written(axes):
    return [text.get_text() for text in axes.texts]


NO_WALL = Wall(None, None, None, None, "as a test has it")


def test_entries_stand_left_and_products_right():
    figure, (left, right) = drawn(
        target("one", run(), run("products", (0.5, 0.3, 0.2), variation=0.25)),
        target("two", run(errors=(1.0, 0.8, 0.6, 0.5, 0.45)), run("products", (0.4, 0.35, 0.3)), of=wall(16)),
    )
    assert curve(left, 5) == [[1.0, 0.7, 0.5, 0.4, 0.35], [1.0, 0.8, 0.6, 0.5, 0.45]]
    assert curve(right, 3)[0] == [0.25] * 3
    assert [axes.get_xscale() for axes in (left, right)] == [axes.get_yscale() for axes in (left, right)] == ["log"] * 2
    assert left.get_ylabel() == "error ‖V − W‖"
    assert "total variation" in right.get_ylabel()
    assert "parts" in left.get_xlabel()
    assert (left.get_title(), right.get_title()) == ("Mixtures of single entries of W", "Mixtures of product distributions")
    assert named(figure) == [
        "one",
        "two",
        "guarantee √(8/(t+2))",
        "‖W‖: the error of no parts",
        "parts that an exact form needs",
        "hollow: step not certified",
    ]


def test_the_guarantee_crosses_the_norm_where_it_is_said_to():
    _, (axes,) = drawn(target("one", run()), target("two", run(), norm=0.02))
    (guarantee,) = [line for line in axes.lines if len(line.get_xdata()) > 100]
    parts, bound = guarantee.get_data()
    # t + 1 parts after step t.
    np.testing.assert_allclose(bound, np.sqrt(8 / (np.asarray(parts) - 1 + 2)))
    assert parts[-1] > 8 / 0.02**2
    levels = {line.get_ydata()[0] for line in axes.lines if list(line.get_xdata()) == [0, 1]}
    assert levels == {0.1, 0.02}
    crossings = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "|"]
    assert [round(x) for x, _ in crossings] == [799, 19999]
    assert [y for _, y in crossings] == pytest.approx([0.1, 0.02], rel=1e-3)
    assert "the guarantee is below ‖W‖\nonly from 799–19,999 parts on" in written(axes)


def test_crossings_out_of_sight_are_told():
    _, (axes,) = drawn(target("one", run(), norm=1e-9))
    assert "the guarantee is below ‖W‖\nonly from $10^{19}$ parts on →" in written(axes)
    assert axes.get_xlim()[1] < 100
    _, (axes,) = drawn(target("one", run(), norm=0.0))
    assert "‖W‖ is 0 in floating point:\nthe guarantee is never below" in written(axes)


def test_walls_stand_upright_or_are_pointed_at():
    products = run("products", (0.5, 0.3, 0.2, 0.1))
    _, (axes,) = drawn(
        target("near", products, of=wall(16)),
        target("far", products, of=wall(4096, "lower bound")),
        target("none", products, of=NO_WALL),
        target("farther", products, of=wall(2**32)),
    )
    uprights = [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert uprights == [16]
    assert axes.get_xlim()[1] > 16
    assert written(axes) == ["16", "≥ 4096 →", "3^20.19 →"]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(box.overlaps(other) for i, box in enumerate(boxes) for other in boxes[:i])


def test_walls_in_the_same_place_are_told_once_and_seen_both():
    products = run("products", (0.5, 0.3))
    figure, (axes,) = drawn(target("a", products), target("b", products))
    uprights = [line for line in axes.lines if list(line.get_ydata()) == [0, 1]]
    assert [line.get_xdata()[0] for line in uprights] == [4, 4]
    assert not same_color(uprights[0].get_color(), uprights[1].get_color())
    assert written(axes) == ["4"]
    assert "guarantee √(8/(t+2))" not in named(figure)


def test_without_walls_there_are_none():
    figure, (axes,) = drawn(target("a", run("products", (0.5, 0.3)), of=NO_WALL))
    assert not written(axes)
    assert "parts that an exact form needs" not in named(figure)


def test_steps_that_are_not_certified_are_hollow():
    steps = (step(0, 1.0), step(1, 0.7, certified=False), step(2, 0.5), step(3, 0.4, certified=False))
    half = Approximation("a test", "corrective", "entries", 0.1, steps, MODEL, 0.0)
    figure, (axes,) = drawn(target("one", half))
    marks = [line for line in axes.lines if line.get_marker() == "o"]
    faces = {x: line.get_markerfacecolor() == "#ffffff" for line in marks for x in line.get_xdata()}
    # Marks at 1, 2, 4 parts.
    assert faces == {1: False, 2: True, 4: True}
    assert named(figure)[-1] == "hollow: step not certified"
    assert "hollow: step not certified" not in named(drawn(target("one", run()))[0])


def test_several_methods_have_lines_of_their_own():
    figure, (axes,) = drawn(target("one", run("products"), run("products", method="likelihood", certified=None)))
    lines = [line.get_linestyle() for line in axes.lines if len(line.get_xdata()) == 5]
    assert len(lines) == len(set(lines)) == 2
    assert named(figure)[1:3] == ["corrective", "likelihood"]


def test_other_measures_and_their_spread():
    estimated = run("products", (0.5, 0.3, 0.2), variation=0.25, spread=0.01)
    _, (axes,) = drawn(target("one", estimated))
    assert len(axes.collections) == 1
    _, (axes,) = drawn(target("one", estimated), measure="relative error")
    assert curve(axes, 3)[0] == pytest.approx([5.0, 3.0, 2.0])
    assert "relative error" in axes.get_ylabel()
    # Infinite divergences and errors of 0 are not on a logarithmic axis.
    _, (axes,) = drawn(target("one", run("products", (0.5, 0.3, 0.0))), measure="kl")
    assert np.isnan(curve(axes, 3)).all()
    assert "nats" in axes.get_ylabel()


def test_the_legend_lies_on_nothing():
    figure, axes = drawn(*(target(f"target {i}", run(), run("products")) for i in range(8)))
    box = figure.legends[0].get_window_extent()
    assert not any(box.overlaps(one.get_window_extent()) for ax in axes for one in (ax, ax.xaxis.label, *ax.texts))


@pytest.mark.parametrize(
    ("draw", "complaint"),
    [
        (lambda: figures.approximation(ShallowApproximations((), 0)), "an experiment without targets was given"),
        (lambda: drawn(target("one", run()), measure="variation"), "measure is 'variation'; expected one of 'total"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, complaint):
    with pytest.raises(TensorRankError, match=complaint):
        draw()
