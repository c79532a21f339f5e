from math import comb, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank import bounds
from tensorrank.attention.large_counts import log_monomial_count
from tensorrank.errors import TensorRankError


@given(variables=st.integers(1, 300), degree=st.integers(0, 10**6))
def test_counts_are_binomials(variables, degree):
    exact = log(comb(variables + degree - 1, variables - 1))
    assert log_monomial_count(variables, degree) == pytest.approx(exact, rel=1e-10, abs=1e-9)


@pytest.mark.parametrize("power", [60, 200, 950])
def test_counts_of_large_degrees(power):
    degree = 2**power
    assert log_monomial_count(7, degree) == pytest.approx(log(comb(7 + degree - 1, 6)), rel=1e-12)


@pytest.mark.parametrize(
    ("depth", "width"),
    [(1, 1), (3, 2), (1, 64), (5, 3), (8, 16), (12, 64), (20, 1), (30, 24), (600, 8), (601, 8), (700, 8), (601, 1)],
)
def test_the_logarithm_is_that_of_the_whole_number(depth, width):
    exact = bounds.log3(bounds.moment_bound(depth, width))
    assert bounds.log3_moment_bound(depth, width) == pytest.approx(exact, rel=1e-9)


@settings(deadline=None)
@given(depth=st.integers(1, 12), width=st.integers(1, 7), near=st.integers(1, 8), far=st.integers(1, 8))
def test_the_logarithm_for_few_tokens_is_that_of_the_whole_number(depth, width, near, far):
    exact = bounds.log3(bounds.moment_bound(depth, width, near, far))
    assert bounds.log3_moment_bound(depth, width, near, far) == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize(("depth", "width", "near", "far"), [(600, 5, 1, 2), (601, 5, 2, 2), (700, 4, 3, 1), (601, 3, 1, 1)])
def test_the_logarithm_for_few_tokens_of_deep_networks(depth, width, near, far):
    exact = bounds.log3(bounds.moment_bound(depth, width, near, far))
    assert bounds.log3_moment_bound(depth, width, near, far) == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(("depth", "width", "rank"), [(2, 3, 1), (2, 3, 2), (5, 8, 3), (12, 24, 7), (601, 8, 3), (700, 5, 5)])
def test_the_affine_bound_in_logarithms(depth, width, rank):
    exact = bounds.log3(bounds.affine_bound(depth, width, rank))
    assert bounds.log3_affine_bound(depth, width, rank) == pytest.approx(exact, rel=1e-9)


# Computed apart with mpmath's loggamma to 120 digits.
@pytest.mark.parametrize(
    ("depth", "width", "log"),
    [(96, 12288, 5975123714.2065), (80, 13461, 5705545187.7209), (24, 2048, 21817720.470439), (32, 4096, 143788765.1647)],
)
def test_bounds_of_networks_in_use(depth, width, log):
    assert bounds.log3_moment_bound(depth, width) == pytest.approx(log, rel=1e-10)


def test_an_affine_bound_of_a_network_in_use():
    assert bounds.log3_affine_bound(24, 1024, 512) == pytest.approx(4690963.6732234, rel=1e-10)


@pytest.mark.parametrize("bound", [bounds.affine_bound, bounds.log3_affine_bound])
def test_embeddings_are_no_wider_than_the_network(bound):
    with pytest.raises(TensorRankError, match="embedding_rank is 4; expected at most the width 3"):
        bound(2, 3, 4)


def test_depths_of_millions_take_no_time():
    # D = 36: a layer adds as much.
    assert bounds.log3_moment_bound(10**7, 8) / (36 * 10**7) == pytest.approx(1, abs=1e-5)
    with pytest.raises(TensorRankError, match="width is more than 10"):
        bounds.log3_moment_bound(3, 10**101)


def test_at_saturation_a_layer_adds_the_number_of_moments():
    # SOURCES.md section 2: the slope is D = d(d+1)/2, however large the width.
    width = 12288
    growth = bounds.log3_moment_bound(97, width) - bounds.log3_moment_bound(96, width)
    assert growth == pytest.approx(width * (width + 1) / 2, rel=1e-6)


@pytest.mark.parametrize(("depth", "width"), [(0, 2), (2, 0), (2.0, 2)])
def test_depth_and_width_are_whole_numbers(depth, width):
    with pytest.raises(TensorRankError, match="expected a whole number of at least 1"):
        bounds.log3_moment_bound(depth, width)
