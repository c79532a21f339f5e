import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.guidelines.crossings import Crossing, Curve, find_crossing

SIZES = tuple(np.geomspace(1e4, 1e8, 13))


def curve(depth, losses, errors=None, sizes=SIZES):
    return Curve(depth, sizes, tuple(losses), None if errors is None else (errors,) * len(sizes), (1,) * len(sizes))


def parabola(best, depth, errors=None, sizes=SIZES):
    """A loss that is least at one size, as a function of its logarithm."""
    return curve(depth, [0.01 * math.log(size / best) ** 2 for size in sizes], errors, sizes)


@given(first=st.floats(3e4, 1e6), ratio=st.floats(2, 50))
def test_parabolas_cross_half_way(first, ratio):
    # Cubic splines are exact on parabolas; two of the same opening cross at the geometric mean of their best sizes.
    found = find_crossing(parabola(first, 6), parabola(first * ratio, 12))
    assert found.size == pytest.approx(first * math.sqrt(ratio), rel=1e-6)
    assert found.depth == 9
    assert found.width(12) == pytest.approx(math.sqrt(found.size / (12 * 9)))


def test_curves_of_other_sizes_cross_in_the_same_place():
    others = tuple(np.geomspace(3e4, 4e7, 8))
    found = find_crossing(parabola(3e5, 1), parabola(3e6, 2, sizes=others))
    assert found.size == pytest.approx(math.sqrt(9e11), rel=1e-6)


def test_the_error_is_that_of_curves_drawn_anew():
    rng = np.random.default_rng(0)
    shallow, deep = parabola(1e5, 1, 0.002), parabola(1e7, 2, 0.002)
    drawn = [
        math.log(
            find_crossing(
                *(curve(one.depth, np.array(one.losses) + rng.normal(0, 0.002, len(SIZES)), 0.002) for one in (shallow, deep))
            ).size
        )
        for _ in range(300)
    ]
    expected = find_crossing(shallow, deep).error
    assert np.std(drawn) == pytest.approx(expected, rel=0.15)
    assert np.mean(drawn) == pytest.approx(math.log(1e6), abs=3 * expected / math.sqrt(300))


def test_the_error_grows_with_those_of_the_losses():
    small, large = (find_crossing(parabola(1e5, 1, e), parabola(1e7, 2, e)).error for e in (0.001, 0.002))
    assert large == pytest.approx(2 * small, rel=0.1)


def test_effects_say_how_a_loss_moves_the_crossing():
    shallow, deep = parabola(1e5, 1), parabola(1e7, 2)
    found = find_crossing(shallow, deep)
    for place in range(len(SIZES)):
        moved = list(deep.losses)
        moved[place] += 1e-5
        change = math.log(find_crossing(shallow, curve(2, moved)).size) - math.log(found.size)
        assert change == pytest.approx(1e-5 * found.effects[1][place], abs=1e-7)


@pytest.mark.parametrize(
    ("shallow", "deep", "why"),
    [
        (curve(1, [2.0] * 13), curve(2, [1.0] * 13), "the deeper is better wherever they differ"),
        (curve(1, [1.0] * 13), curve(2, [2.0] * 13), "the shallower is better wherever they differ"),
        (parabola(1e7, 1), parabola(1e5, 2), r"the deeper is better only below 1,000,000 parameters"),
        (curve(1, [1.0] * 13), curve(2, [1.0] * 13), "their losses are the same at every size"),
        (parabola(1e5, 1, 1.0), parabola(1e7, 2, 1.0), "their losses differ by less than their errors at every size"),
        (curve(1, [1.0] * 13), curve(2, [2, 2, 2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 0]), "which is better changes 3 times"),
        (curve(1, [1.0] * 13), curve(2, [1.0] * 3, sizes=(1e9, 1e10, 1e11)), "they were trained at no sizes in common"),
    ],
)
def test_what_is_no_crossing_is_told(shallow, deep, why):
    found = find_crossing(shallow, deep)
    assert found.size is None
    assert found.width(12) is None
    assert found.why == why
    assert {**found.to_dict(), "depth": 1.5} == {
        "shallow": 1,
        "deep": 2,
        "size": None,
        "why": why,
        "own_error": None,
        "error": None,
        "depth": 1.5,
    }
    assert found.width_error is None


def test_a_crossing_that_was_found_has_errors_and_no_excuse():
    values = find_crossing(parabola(1e5, 1), parabola(1e7, 2)).to_dict()
    assert values["why"] is None
    assert (values["own_error"], values["error"]) == pytest.approx((0, 0), abs=1e-9)


def test_the_interpolation_error_is_the_distance_to_a_monotone_one():
    # The crossings of the two interpolations, computed apart: 162,877 and 154,140.
    sizes = (1e4, 1e5, 1e6, 1e7)
    shallow, deep = curve(1, [4, 2.2, 2, 1.9], sizes=sizes), curve(2, [5, 2.35, 1.6, 1.5], sizes=sizes)
    found = find_crossing(shallow, deep)
    assert found.size == pytest.approx(162_877, rel=1e-4)
    assert found.own_error == pytest.approx(math.log(162_877 / 154_140), rel=0.01)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sizes": (1e3,), "losses": (1.0,), "runs": (1,)}, "depth 2 has 1 sizes and 1 losses; expected equally many"),
        ({"losses": (1.0,)}, "has 3 sizes and 1 losses"),
        ({"sizes": (1e3, 1e3, 1e4)}, "the sizes of depth 2 do not ascend"),
        ({"losses": (1.0, math.nan, 1.0)}, "losses are .*; expected a list of numbers"),
    ],
)
def test_curves_are_checked(change, message):
    usual = {"depth": 2, "sizes": (1e3, 1e4, 1e5), "losses": (3.0, 2.0, 1.0), "errors": None, "runs": (1, 1, 1)}
    with pytest.raises(TensorRankError, match=message):
        Curve(**{**usual, **change})


@pytest.mark.parametrize("rule", [0, -1, math.nan, "12"])
def test_a_crossing_has_a_width_for_a_rule_above_0(rule):
    found = Crossing(shallow=1, deep=2, size=1e4)
    assert found.width(12) == pytest.approx(math.sqrt(1e4 / (12 * 1.5)))
    with pytest.raises(TensorRankError, match=r"rule is .*; expected a"):
        found.width(rule)


def test_a_difference_within_the_errors_is_no_second_crossing():
    level = curve(1, [1.0] * 13, 0.01)
    wavy = [1.1, 1.1, 1.1, 1.1, 1.01, 0.995, 1.005, 0.99, 0.9, 0.9, 0.9, 0.9, 0.9]
    found = find_crossing(level, curve(2, wavy, 0.01))
    assert SIZES[4] < found.size < SIZES[7]
    # Half the distance of the outermost crossings is in its error.
    assert found.own_error > 0.3
    sure = find_crossing(curve(1, [1.0] * 13), curve(2, wavy))
    assert sure.size is None
    assert "changes 3 times" in sure.why
