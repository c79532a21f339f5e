import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.guidelines.transitions import PUBLISHED, TransitionFit

# SOURCES.md section 3: parameters, and the depth and width that solve the published fit.
SOLVED = [
    (12 * 12 * 768**2, 23.0, 554),
    (12 * 24 * 1024**2, 31.6, 892),
    (12 * 24 * 1536**2, 37.4, 1230),
    (12 * 24 * 2048**2, 41.6, 1555),
    (12 * 32 * 2560**2, 47.1, 2110),
    (12 * 32 * 4096**2, 54.3, 3144),
    (12 * 40 * 5140**2, 59.6, 4212),
    (12 * 96 * 12288**2, 80.5, 13422),
    (1e12, 94.7, 29657),
]


@pytest.mark.parametrize(("parameters", "depth", "width"), SOLVED)
def test_the_published_fit_is_solved_as_stated(parameters, depth, width):
    found = PUBLISHED.depth(parameters)
    assert round(found, 1) == depth
    assert round(PUBLISHED.width(found)) == width


@given(depth=st.floats(0.01, 1e6), intercept=st.floats(-5, 10), slope=st.floats(0, 0.5), rule=st.floats(0.5, 30))
def test_depth_is_the_inverse_of_size(depth, intercept, slope, rule):
    fit = TransitionFit(intercept, slope, rule=rule)
    # Beyond the exponents of floats there is no size.
    if 2 * (intercept + slope * depth) + math.log(rule * depth) < 700:
        assert fit.depth(fit.size(depth)) == pytest.approx(depth, rel=1e-9)


@given(parameters=st.floats(1e-3, 1e200))
def test_size_is_the_inverse_of_depth(parameters):
    assert PUBLISHED.size(PUBLISHED.depth(parameters)) == pytest.approx(parameters, rel=1e-9)


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.9])
def test_ranges_are_those_of_fits_drawn_from_the_errors(correlation):
    fit = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, correlation)
    draws = np.random.default_rng(0).multivariate_normal([5.0, 0.06], fit.covariance, size=4000)
    depths = [TransitionFit(a, b).depth(1e10) for a, b in draws]
    for sigmas, share in ((1, 0.683), (2, 0.954)):
        low, high = fit.depth_range(1e10, sigmas)
        assert np.mean([low < depth < high for depth in depths]) == pytest.approx(share, abs=0.025)


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.9])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_ends_of_a_range_lie_on_the_edges_of_the_band(correlation, side):
    fit = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, correlation)
    end = fit.depth_range(1e10, 2)[side > 0]
    # Deeper networks of that size are narrower: the upper end meets the lower edge.
    assert fit.width(end, -2 * side) == pytest.approx(math.sqrt(1e10 / (12 * end)), rel=1e-9)


def test_without_errors_a_range_is_a_point():
    fit = TransitionFit(5.0, 0.06)
    assert fit.depth_range(1e9) == (fit.depth(1e9), fit.depth(1e9))


def test_a_slope_that_may_be_zero_leaves_the_range_without_end():
    fit = TransitionFit.of_errors(5.0, 0.01, 0.5, 0.02)
    low, high = fit.depth_range(1e9, 2)
    assert 0 < low < fit.depth(1e9)
    assert high is None


def test_more_scatter_than_errors_allow_widens_the_band():
    narrow = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, chi_square=3.0, degrees_of_freedom=4)
    wide = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, chi_square=16.0, degrees_of_freedom=4)
    assert narrow.scatter == 1
    assert wide.scatter == 2
    assert narrow.band(2) == "± 2 standard errors"
    assert wide.band(2) == "± 2 standard errors, times 2 for the scatter"
    assert wide.log_width_error(30) == pytest.approx(2 * narrow.log_width_error(30))


def test_errors_and_correlation_come_back():
    fit = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, -0.5)
    assert fit.errors == pytest.approx((0.03, 0.001))
    assert fit.correlation == pytest.approx(-0.5)
    assert fit.to_dict()["correlation"] == pytest.approx(-0.5)


def test_a_falling_width_has_no_best_depth():
    with pytest.raises(TensorRankError, match=r"the slope is -0\.01; expected at least 0"):
        TransitionFit(5.0, -0.01).depth(1e9)


def test_a_slope_surely_above_zero_always_ends_the_range():
    for slope_error in (0.0, 0.01, 0.0249):
        fit = TransitionFit.of_errors(5.0, 0.05, 0.3, slope_error, -0.9)
        low, high = fit.depth_range(1.45e7, 2)
        assert low < fit.depth(1.45e7) < high
        assert math.sqrt(1.45e7 / (12 * high)) == pytest.approx(fit.width(high, -2))
    assert TransitionFit.of_errors(5.0, 0.05, 0.3, 0.0251, -0.9).depth_range(1.45e7, 2)[1] is None


def test_a_level_curve_ends_the_range_if_its_slope_is_known():
    fit = TransitionFit(math.log(10), 0.0, ((1e-4, 0.0), (0.0, 0.0)))
    low, high = fit.depth_range(12 * 7e5 * 100, 2)
    assert (low, high) == (pytest.approx(7e5 * math.exp(-0.04)), pytest.approx(7e5 * math.exp(0.04)))


@pytest.mark.parametrize(("freedom", "quantile"), [(1, 13.968), (4, 2.869), (10**6, 2.000)])
def test_errors_from_the_scatter_alone_are_students(freedom, quantile):
    # Two-sided 95.45 % points of Student's distribution, from tables.
    fit = TransitionFit(5.0, 0.06, ((0.01, 0.0), (0.0, 0.0)), degrees_of_freedom=freedom)
    assert math.log(fit.width(0, 2)) - 5 == pytest.approx(0.1 * quantile, rel=1e-3)


def test_supported_depth_is_where_the_curve_reaches_a_width():
    fit = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, -0.5)
    for edge in (-2, 0, 2):
        depth = fit.supported_depth(3000, edge)
        assert fit.width(depth, edge) == pytest.approx(3000)
    assert fit.supported_depth(100) == 0
    assert TransitionFit(5.0, 0.0).supported_depth(1000) == math.inf


def test_a_fit_comes_back_from_plain_values():
    fit = TransitionFit.of_errors(5.0, 0.06, 0.03, 0.001, -0.5, depths=(1, 6), chi_square=2.0, degrees_of_freedom=3)
    assert TransitionFit.from_dict(fit.to_dict()) == fit
    with pytest.raises(TensorRankError, match=r"slope, covariance, .* missing; expected .*: an object with intercept, slope"):
        TransitionFit.from_dict({"intercept": 5.0})


@pytest.mark.parametrize("sigmas", [-1, 11, float("nan"), "2"])
def test_standard_errors_are_few(sigmas):
    with pytest.raises(TensorRankError, match=r"sigmas is .*; expected"):
        PUBLISHED.depth_range(1e9, sigmas)


def test_what_leaves_the_floats_is_said():
    with pytest.raises(TensorRankError, match="the size at depth 7000 is e"):
        PUBLISHED.size(7000)
    with pytest.raises(TensorRankError, match="the best depth is e"):
        TransitionFit(-400.0, 0.0).depth(1e12)
    with pytest.raises(TensorRankError, match=r"leave the depth open to e\^30 times less"):
        TransitionFit.of_errors(5.0, 0.05, 500.0, 0.01).depth_range(1e9)


@pytest.mark.parametrize("parameters", [0, -1, float("nan"), float("inf"), "1e9", None, True])
def test_sizes_are_positive_numbers(parameters):
    with pytest.raises(TensorRankError, match=r"parameters is .*; expected a"):
        PUBLISHED.depth(parameters)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"intercept": float("nan")}, "intercept is nan; expected a finite number"),
        ({"slope": "steep"}, "slope is 'steep'; expected a finite number"),
        ({"rule": 0}, "rule is 0; expected a number above 0"),
        ({"covariance": ((1, 2), (2, 1))}, "without negative eigenvalues"),
        ({"covariance": ((1, 0), (0.5, 1))}, "expected a symmetric matrix"),
        ({"covariance": 3}, "expected a 2 x 2 matrix"),
        ({"depths": (6, 1)}, "expected the least and the greatest"),
        ({"chi_square": -1.0}, "chi_square is -1.0; expected None or a number of at least 0"),
        ({"chi_square": "x"}, "chi_square is 'x'; expected a finite number"),
        ({"degrees_of_freedom": -3}, "degrees_of_freedom is -3; expected a whole number of at least 0"),
        ({"degrees_of_freedom": 2.5}, "degrees_of_freedom is 2.5; expected a whole number"),
        ({"depths": 3}, "depths is 3; expected the least and the greatest"),
        ({"covariance": ((1, 0, 0), (0, 1, 0), (0, 0, 1))}, "expected a 2 x 2 matrix"),
    ],
)
def test_fits_are_checked(change, message):
    with pytest.raises(TensorRankError, match=message):
        TransitionFit(**{"intercept": 5.0, "slope": 0.05, **change})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"intercept": 10**400}, "intercept is a whole number of some 400 digits; expected a finite number"),
        ({"slope": 10**200}, r"slope is 1e\+200; expected numbers of at most 1e\+100"),
        ({"rule": 1e-200}, r"rule is 1e-200; expected numbers of at most 1e\+100"),
        ({"covariance": [[1e300, 0], [0, 1e300]]}, "covariance is .*; expected numbers of at most"),
        ({"depths": [1, 10**300]}, "depths is .*; expected numbers of at most"),
        ({"depths": 5}, "depths is 5; expected the least and the greatest"),
        ({"covariance": [[1]]}, r"the covariance is \[\[1\]\]; expected a 2 x 2 matrix"),
        ({"chi_square": 10**300}, r"chi_square is 1e\+300; expected numbers of at most"),
        ({"degrees_of_freedom": 10**30}, "degrees_of_freedom is 1000000000000000000000000000000; expected at most 1000000000"),
        ({"degrees_of_freedom": 1.0}, "degrees_of_freedom is 1.0; expected a whole number"),
    ],
)
def test_saved_fits_with_numbers_beyond_reason_are_refused(changes, message):
    with pytest.raises(TensorRankError, match=message):
        TransitionFit.from_dict({**PUBLISHED.to_dict(), **changes})


@pytest.mark.parametrize("given", [None, 5, "slope", [1]])
def test_what_is_no_object_is_no_fit(given):
    with pytest.raises(TensorRankError, match=r"was given; expected .*: an object with intercept, slope"):
        TransitionFit.from_dict(given)


def test_a_fit_with_a_huge_intercept_has_a_range_about_its_best_depth():
    fit = TransitionFit(-(2**63), 0.05, ((0.01, 0.0), (0.0, 0.0001)), (6.0, 48.0))
    least, most = fit.depth_range(1e9)
    assert 0 < least <= fit.depth(1e9) <= most
