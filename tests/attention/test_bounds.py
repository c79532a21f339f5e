import math
from functools import partial
from math import comb

import numpy as np
import pytest

from tensorrank import bounds
from tensorrank.errors import TensorRankError

# depth, width, tokens on the output token's side and on the other (None: many), bound: the table of SOURCES.md.
MOMENT_BOUNDS = [
    (1, 2, None, None, 3),
    (2, 2, None, None, 18),
    (3, 2, None, None, 232),
    (3, 2, 1, 1, 105),
    (4, 2, None, None, 4538),
    (2, 3, None, None, 49),
    (2, 3, 1, 1, 35),
    (3, 3, None, None, 3102),
    (2, 4, None, None, 110),
    (2, 4, 1, 2, 90),
    (2, 5, None, None, 216),
]


@pytest.mark.parametrize(("depth", "width", "near", "far", "expected"), MOMENT_BOUNDS)
def test_moment_bounds_are_those_of_the_table(depth, width, near, far, expected):
    assert bounds.moment_bound(depth, width, near, far) == expected


@pytest.mark.parametrize("depth", [1, 2, 5, 21, 200])
def test_at_width_one_both_bounds_are_the_degree_plus_one(depth):
    assert bounds.moment_bound(depth, 1) == bounds.monomial_bound(depth, 1) == (3**depth + 1) // 2


@pytest.mark.parametrize("depth", range(1, 6))
@pytest.mark.parametrize("width", range(1, 6))
def test_the_moment_bound_for_many_tokens_is_a_sum_of_binomials(depth, width):
    degree, entries = (3**depth - 1) // 2, width * (width + 1) // 2
    expected = sum(min(width * comb(entries + k - 1, k), comb(entries + degree - k - 1, degree - k)) for k in range(degree + 1))
    assert bounds.moment_bound(depth, width) == expected
    assert bounds.moment_bound(depth, width, width) == expected
    assert bounds.moment_bound(depth, width, width + 3, 2 * width) == expected


@pytest.mark.parametrize("depth", range(1, 6))
@pytest.mark.parametrize("width", range(1, 6))
def test_the_moment_bound_for_one_token_a_side_is_a_sum_of_binomials(depth, width):
    degree = (3**depth - 1) // 2
    expected = sum(
        min(comb(width + 2 * k, 2 * k + 1), comb(width + 2 * (degree - k) - 1, 2 * (degree - k))) for k in range(degree + 1)
    )
    assert bounds.moment_bound(depth, width, 1) == bounds.moment_bound(depth, width, 1, 1) == expected


def test_more_tokens_never_lower_the_moment_bound():
    for depth in (1, 2, 3):
        values = [[bounds.moment_bound(depth, 4, near, far) for far in range(1, 6)] for near in range(1, 6)]
        assert (np.diff(values, axis=0) >= 0).all()
        assert (np.diff(values, axis=1) >= 0).all()


# At most the ranks for almost all weights: 17 and 215 in the table of SOURCES.md, the moment bound 4538 at depth 4.
@pytest.mark.parametrize(("depth", "known", "most"), [(2, 12, 17), (3, 120, 215), (4, 2448, 4538)])
def test_monomial_bounds_are_at_least_those_known(depth, known, most):
    assert known <= bounds.monomial_bound(depth, 2, heads=2) <= most
    assert bounds.monomial_bound(depth, 2, heads=2) == bounds.monomial_bound(depth, 2, heads=2, head_dim=1)


@pytest.mark.parametrize(("depth", "width", "least"), [(5, 4, 20.9), (8, 8, 115.6)])
def test_monomial_bounds_are_as_large_as_known(depth, width, least):
    assert bounds.log3(bounds.monomial_bound(depth, width, heads=width)) >= least


@pytest.mark.parametrize(("depth", "width"), [(11, 6), (10, 8), (10, 12), (10, 16), (11, 32)])
def test_the_monomial_bound_passes_the_published_upper_side_where_known(depth, width):
    # H = d: the published constants at the largest H < d only grow with H in the upper side's log3 d terms.
    published = 2 * width * depth + depth - 2 * width * math.log(width / (2 * math.sqrt(2) * math.e), 3)
    published += math.log(width, 3)
    assert bounds.log3(bounds.monomial_bound(depth, width, heads=width)) > published


@pytest.mark.parametrize("depth", range(1, 7))
@pytest.mark.parametrize("width", range(1, 6))
def test_the_monomial_bound_never_exceeds_the_moment_bound(depth, width):
    for heads in (1, 2, width, width + 1):
        for head_dim in (1, 2, width):
            lower = bounds.monomial_bound(depth, width, heads, head_dim)
            assert 1 <= lower <= bounds.moment_bound(depth, width)
    for near in range(1, width + 1):
        for far in range(1, width + 1):
            lower = bounds.monomial_bound(depth, width, width, 1, near, far)
            assert lower <= bounds.moment_bound(depth, width, near, far)


def test_the_head_width_defaults_to_an_equal_share():
    assert bounds.monomial_bound(3, 6, 2) == bounds.monomial_bound(3, 6, 2, 3)
    with pytest.raises(TensorRankError, match="5 heads do not divide the width 2"):
        bounds.monomial_bound(3, 2, 5)


def log3(x):
    return math.log(x) / math.log(3)


@pytest.mark.parametrize(("depth", "width", "heads"), [(1, 4, 1), (1, 64, 2), (2, 10, 9), (3, 64, 8), (2, 256, 255)])
def test_theorem_one_below_the_threshold(depth, width, heads):
    found = bounds.published_bounds(depth, width, heads)
    a = -depth + 2 - log3(2)
    assert found.theorem == 1
    assert found.lower == pytest.approx(3.0 ** (depth - 2) * (log3(width - heads) + a))
    assert found.upper == pytest.approx((3**depth - 1) / 2 * log3(width + heads))


@pytest.mark.parametrize(("depth", "width", "heads"), [(2, 4, 1), (8, 64, 2), (3, 2, 1), (12, 64, 63), (20, 16, 4)])
def test_theorem_two_above_the_threshold(depth, width, heads):
    found = bounds.published_bounds(depth, width, heads)
    b1 = -depth * (heads / 2 + 1)
    b2 = -width * (1 + 0.5 * log3((width - heads) / 2))
    c1 = depth
    c2 = -2 * width * log3(width / (2 * math.sqrt(2) * math.e)) + log3(width)
    assert found.theorem == 2
    assert found.lower == pytest.approx(0.5 * width * depth + b1 + b2)
    assert found.upper == pytest.approx(2 * width * depth + c1 + c2)


@pytest.mark.parametrize(("depth", "width", "heads"), [(2, 9, 1), (3, 27, 1), (1, 3, 1), (2, 4, 4), (2, 4, 5), (1, 1, 1)])
def test_no_theorem_applies_at_the_threshold_or_with_as_many_heads_as_width(depth, width, heads):
    assert bounds.published_bounds(depth, width, heads) is None


def test_the_threshold_is_compared_in_whole_numbers():
    assert bounds.published_bounds(40, 3**40) is None
    assert bounds.published_bounds(40, 3**40 + 1).theorem == 1
    assert bounds.published_bounds(40, 3**40 - 1).theorem == 2


@pytest.mark.parametrize(("depth", "width", "heads"), [(2, 4, 1), (3, 8, 2), (5, 16, 4), (2, 64, 1)])
def test_the_underlying_count_is_a_binomial(depth, width, heads):
    n, power = (width - heads) // 2, 3 ** (depth - 2)
    assert bounds.counting_bound(depth, width, heads) == comb(n + power - 1, power)


@pytest.mark.parametrize(("depth", "width", "heads"), [(1, 8, 1), (5, 4, 3)])
def test_the_underlying_count_says_nothing_without_depth_or_free_width(depth, width, heads):
    assert bounds.counting_bound(depth, width, heads) is None


@pytest.mark.parametrize("width", [1, 2, 3, 8, 100])
def test_the_knee_is_where_half_the_degree_meets_the_dimension(width):
    assert bounds.knee(width) == pytest.approx(log3(2 * width * (width + 1)))
    assert bounds.knee(width, 1) == pytest.approx(log3(2 * width if width > 1 else 4))
    assert bounds.knee(width, width) == bounds.knee(width, 10 * width) == bounds.knee(width)
    assert bounds.knee_power(width) == 2 * width * (width + 1)
    if width > 2:
        assert bounds.knee_power(width, 2) == 4 * width


def test_log3_takes_whole_numbers_of_any_size():
    for exponent in (0, 1, 5, 1000, 100_000):
        assert bounds.log3(3**exponent) == pytest.approx(exponent)
    assert bounds.log3(2) == pytest.approx(log3(2))


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "2", None])
def test_bounds_refuse_what_is_no_whole_number_of_at_least_one(number):
    message = "is .*; expected a whole number of at least 1"
    for function in (bounds.moment_bound, bounds.monomial_bound, bounds.published_bounds, bounds.regime):
        with pytest.raises(TensorRankError, match=f"depth {message}"):
            function(number, 4)
        with pytest.raises(TensorRankError, match=f"width {message}"):
            function(2, number)
    with pytest.raises(TensorRankError, match=f"depth {message}"):
        bounds.moment_degree(number)
    with pytest.raises(TensorRankError, match=f"width {message}"):
        bounds.knee(number)
    with pytest.raises(TensorRankError, match=f"heads {message}"):
        bounds.published_bounds(2, 4, number)
    with pytest.raises(TensorRankError, match=f"heads {message}"):
        bounds.monomial_bound(2, 4, number)


@pytest.mark.parametrize("number", [0, -1, True, 2.0, "2"])
def test_numbers_of_tokens_and_head_widths_are_checked(number):
    message = "is .*; expected a whole number of at least 1"
    for function in (bounds.moment_bound, lambda *a: bounds.monomial_bound(a[0], a[1], 1, None, *a[2:])):
        with pytest.raises(TensorRankError, match=f"output_tokens {message}"):
            function(2, 4, number)
        with pytest.raises(TensorRankError, match=f"other_tokens {message}"):
            function(2, 4, 2, number)
    with pytest.raises(TensorRankError, match=f"head_dim {message}"):
        bounds.monomial_bound(2, 4, 1, number)


@pytest.mark.parametrize("tokens", [0, -1, True, 2.0, "2", 7.5])
def test_the_tokens_of_a_knee_are_checked(tokens):
    for function in (bounds.knee, bounds.knee_power, partial(bounds.regime, 2), partial(bounds.growth_factor, 2)):
        with pytest.raises(TensorRankError, match=r"side_tokens is .*; expected a whole number of at least 1"):
            function(4, tokens)


def test_very_deep_and_wide_networks_have_bounds_of_any_size():
    value = bounds.moment_bound(30, 6)
    degree, entries = (3**30 - 1) // 2, 21
    assert comb(degree // 2 + entries, entries) < value < 6 * comb(degree + entries, entries)


@pytest.mark.parametrize(("depth", "width", "rank"), [(1, 2, 1), (2, 2, 1), (2, 4, 2), (3, 3, 2), (3, 2, 2), (4, 5, 3)])
def test_the_affine_bound_is_the_sum_of_smaller_sides(depth, width, rank):
    # Of the symmetric matrix all entries are free but those of the last width - rank rows and columns.
    fixed = width - rank
    free = width * (width + 1) // 2 - fixed * (fixed + 1) // 2
    degree = (3**depth - 1) // 2

    def functions(k):
        return comb(free + k - 1, k)

    expected = sum(min((rank + 1) * functions(k), functions(degree - k)) for k in range(degree + 1))
    assert bounds.affine_bound(depth, width, rank) == expected


def test_the_affine_bound_refuses_what_is_no_size():
    with pytest.raises(TensorRankError, match="embedding_rank is 0; expected"):
        bounds.affine_bound(2, 3, 0)


@pytest.mark.parametrize("rule", [4, 12])
@pytest.mark.parametrize("budget", [12, 13, 100, 999, 10**4])
def test_equal_sizes_are_those_that_no_other_size_within_the_budget_passes(rule, budget):
    found = set(bounds.equal_sizes(budget, rule))
    within = {(L, d) for L in range(1, budget + 1) for d in range(1, 60) if rule * L * d * d <= budget}
    best = {(L, d) for L, d in within if not {(L + 1, d), (L, d + 1)} & within}
    assert found == best
    assert set(bounds.equal_sizes(budget, rule, deepest=5)) == {(L, d) for L, d in best if L <= 5}
