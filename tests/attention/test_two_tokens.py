"""The theorem on two tokens: its rank at identity weights by brute force, its closed form and its logarithm."""

from math import comb, inf, log, nan

import flint
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.attention.large_counts import log_monomial_count
from tensorrank.attention.two_tokens import masked_two_token_bound
from tensorrank.errors import TensorRankError
from tensorrank.separation.hilbert import moment_spaces

PRIME = 2**31 - 1
bounds = tr.bounds


def products(left, right):
    """Products of stacks of matrices modulo the prime."""
    high, low = left >> 16, left & 0xFFFF
    return ((high @ right % PRIME << 16) + low @ right) % PRIME


def identity_grid_rank(depth, width, samples, masked=False):
    """The rank modulo the prime of y(a_i, b_j) for random tokens, by the definition of a layer without weights.

    Under a mask b does not see a.
    """
    rng = np.random.default_rng(1)
    first, second = rng.integers(0, PRIME, (2, samples, width))
    shape = (samples, samples, width)
    tokens = np.stack([np.broadcast_to(first[:, None], shape), np.broadcast_to(second, shape)], axis=-1)
    for _ in range(depth):
        scores = products(np.swapaxes(tokens, -1, -2), tokens)
        if masked:
            scores[:, :, 0, 1] = 0
        tokens = products(tokens, scores)
    values = tokens[:, :, 0, 0]
    return flint.nmod_mat(samples, samples, [int(value) for value in values.flat], PRIME).rank()


# What two tokens gave before there was a theorem: the samples exceed the rank, so that the grid is not full.
@pytest.mark.parametrize(
    ("width", "depth", "rank"),
    [(1, 3, 14), (2, 2, 15), (2, 3, 105), (2, 4, 861), (3, 2, 35), (3, 3, 560), (4, 2, 70), (5, 2, 126), (6, 2, 210)],
)
def test_identity_weights_have_the_rank_of_the_theorem(width, depth, rank):
    assert identity_grid_rank(depth, width, rank + 6) == rank
    assert bounds.two_token_rank(depth, width) == rank


# Measured for random weights: SOURCES.md, section 2. At depth 1 the mask hides nothing.
@pytest.mark.parametrize(("depth", "width", "rank"), [(1, 3, 4), (2, 2, 14), (2, 3, 30), (2, 4, 55), (3, 2, 95)])
def test_under_a_mask_identity_weights_have_at_least_the_bound_and_no_more_than_other_weights(depth, width, rank):
    bound = masked_two_token_bound(depth, width)
    assert bound == comb(width + 3 ** (depth - 1), width)
    assert bound <= identity_grid_rank(depth, width, rank + 6, masked=True) <= rank
    # More tokens, further heads, residual connections, and an embedding of that rank contain it.
    sizes = {"heads": 2, "head_dim": width, "tokens": 5, "causal": True, "residual": True, "embedding_rank": width}
    assert tr.SelfAttention(depth, width + 1, **sizes).generic_lower_bound("interleaved") >= bound


@pytest.mark.parametrize("width", range(1, 13))
@pytest.mark.parametrize("depth", range(1, 7))
def test_the_closed_form_is_the_sum_over_parts_of_the_smaller_space_of_forms(depth, width):
    degree = (3**depth - 1) // 2

    def forms(power):
        return comb(width + power - 1, power)

    total = sum(min(forms(2 * k + 1), forms(2 * (degree - k))) for k in range(degree + 1))
    assert bounds.two_token_rank(depth, width) == total
    assert bounds.moment_bound(depth, width, 1, 1) == total
    assert moment_spaces(width, degree, 1, 1).bound() == total


@given(depth=st.integers(1, 700), width=st.integers(1, 60))
def test_the_logarithm_is_that_of_the_whole_number(depth, width):
    exact = bounds.log3(bounds.two_token_rank(depth, width))
    assert bounds.log3_two_token_rank(depth, width) == pytest.approx(exact, rel=1e-11)


# python-flint's loggamma to 700 digits.
@pytest.mark.parametrize(("depth", "width"), [(1, 10**100), (300, 10**100), (601, 10**100), (96, 12288), (12, 10**6)])
def test_the_logarithm_is_right_at_every_size(depth, width):
    with flint.ctx.workprec(2400):
        degree = flint.arb((3**depth - 1) // 2)
        size = flint.arb(width)
        log_rank = (degree + size + 1).lgamma() - (degree + 1).lgamma() - (size + 1).lgamma()
        exact = float(log_rank / flint.arb(3).log())
    assert bounds.log3_two_token_rank(depth, width) == pytest.approx(exact, rel=1e-11)


def test_width_one_has_a_function_of_each_degree():
    assert [bounds.two_token_rank(depth, 1) for depth in (1, 2, 3)] == [2, 5, 14]


def test_each_layer_adds_the_width_to_the_logarithm_of_a_saturated_rank():
    grown = bounds.log3_two_token_rank(10**9 + 1000, 64) - bounds.log3_two_token_rank(10**9, 64)
    assert grown == pytest.approx(64_000, rel=1e-9)


def test_all_widths_lie_on_one_curve():
    for depth, width in ((3, 64), (6, 64), (10, 12288), (96, 12288)):
        degree = (3**depth - 1) // 2
        # Stirling's formula of the binomial coefficient, whose remainder is below 1 / 6.
        stirling = width * bounds.rank_curve(degree / width) - log(2 * np.pi / (1 / degree + 1 / width), 3) / 2
        assert bounds.log3_two_token_rank(depth, width) == pytest.approx(stirling, abs=1 / 6)


def test_the_curve_begins_at_nothing_and_ends_like_the_logarithm():
    assert bounds.rank_curve(0) == 0
    assert bounds.rank_curve(1) == pytest.approx(2 * log(2, 3))
    assert bounds.rank_curve(1e-300) == pytest.approx(1e-300 * (log(np.e, 3) + 300 * log(10, 3)))
    assert bounds.rank_curve(1e300) == pytest.approx(log(np.e, 3) + 300 * log(10, 3))


@pytest.mark.parametrize("ratio", [-1, inf, nan, "1", True, 10**400])
def test_a_ratio_that_is_no_finite_number_from_0_is_refused(ratio):
    with pytest.raises(TensorRankError, match=r"ratio is .*; expected a finite number of at least 0"):
        bounds.rank_curve(ratio)


def test_ranks_beyond_a_million_digits_are_refused_with_the_logarithm():
    words = r"the rank between two tokens is about 3\^1.*e\+10; expected at most 3\^2e\+06.*Try log3_two_token_rank"
    with pytest.raises(TensorRankError, match=words):
        bounds.two_token_rank(10**6, 12288)


@pytest.mark.parametrize("rank", [bounds.two_token_rank, bounds.log3_two_token_rank])
def test_sizes_that_are_none_are_refused(rank):
    with pytest.raises(TensorRankError, match="depth is 0; expected a whole number of at least 1"):
        rank(0, 2)
    with pytest.raises(TensorRankError, match=r"width is more than 10\^100"):
        rank(2, 10**101)


@given(few=st.integers(1, 40), many=st.integers(1, 10**9))
def test_binomials_are_counted_to_twelve_digits_however_they_are_shaped(few, many):
    exact = log(comb(few + many, few))
    for variables, degree in ((few + 1, many), (many + 1, few)):
        assert log_monomial_count(variables, degree) == pytest.approx(exact, rel=1e-12)
