import math
from collections import Counter
from itertools import product

import pytest

import tensorrank as tr
from tensorrank import Bipartition, SelfAttention, separation_rank
from tensorrank.attention.monomial import monomial

SHAPES = [
    (depth, width, heads, head_dim)
    for depth, width in [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (4, 2)]
    for heads, head_dim in {(1, 1), (1, width), (2, 1), (width, 1), (2, 2), (width + 1, 1)}
]


def splits_by_degree(exponents):
    """How many divisors the monomial has in each degree."""
    counts = Counter(sum(parts) for parts in product(*(range(e + 1) for e in exponents)))
    return [counts[k] for k in range(sum(exponents) + 1)]


@pytest.mark.parametrize(("depth", "width", "heads", "head_dim"), SHAPES)
def test_the_exponents_add_up_to_the_degree_and_the_bound_counts_divisors(depth, width, heads, head_dim):
    found = monomial(depth, width, heads, head_dim, width, width)
    exponents = [e for _, e in found.exponents]
    assert sum(exponents) == (3**depth - 1) // 2
    assert found.by_degree() == splits_by_degree(exponents)
    assert sum(found.by_degree()) == found.bound
    assert all(0 <= i <= j < width for (i, j), _ in found.exponents)


@pytest.mark.parametrize(("depth", "width"), [(1, 2), (2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (2, 4)])
def test_with_full_heads_of_width_one_the_rank_at_its_weights_is_the_bound(depth, width):
    found = monomial(depth, width, width, 1, width, width)
    model = SelfAttention(depth, width, heads=width, head_dim=1)
    rank = separation_rank(model, weights=found.weights(), method="catalecticant")
    assert rank.value == found.bound
    assert list(rank.by_degree) == found.by_degree()


@pytest.mark.parametrize(("depth", "width", "heads", "head_dim"), SHAPES)
def test_the_rank_at_its_weights_is_at_least_the_bound(depth, width, heads, head_dim):
    found = monomial(depth, width, heads, head_dim, width, width)
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim)
    rank = separation_rank(model, weights=found.weights())
    assert rank.value >= found.bound
    assert rank.lower >= found.bound


@pytest.mark.parametrize(("near", "far"), [(1, 1), (1, 3), (3, 1), (2, 1), (2, 2)])
@pytest.mark.parametrize(("heads", "head_dim"), [(3, 1), (1, 3), (2, 2)])
def test_with_few_tokens_the_rank_at_its_weights_is_at_least_the_bound(near, far, heads, head_dim):
    found = monomial(2, 3, heads, head_dim, near, far)
    model = SelfAttention(2, 3, heads=heads, head_dim=head_dim, tokens=near + far)
    rank = separation_rank(model, Bipartition.of(near + far, range(near)), weights=found.weights())
    assert found.bound <= rank.value <= rank.upper


def test_one_head_of_width_one_gives_the_power_of_one_entry():
    for depth in (1, 2, 3, 4):
        assert monomial(depth, 5, 1, 1, 5, 5).bound == (3**depth + 1) // 2


@pytest.mark.parametrize(("depth", "width"), [(1, 10**6), (2, 10**5)])
def test_wide_networks_reach_the_largest_product_of_their_degree_at_once(depth, width):
    # By the inequality of the means no monomial of degree C has more than 2^C divisors; one without squares has them.
    degree = (3**depth - 1) // 2
    assert tr.bounds.log3_monomial_bound(depth, width, heads=width) == pytest.approx(degree * math.log(2, 3), rel=1e-12)
    assert tr.bounds.monomial_bound(depth, width, heads=width) == 2**degree


@pytest.mark.parametrize("depth", [1, 40, 1000, 10_000])
def test_the_logarithm_of_deep_bounds_is_right_where_no_float_holds_them(depth):
    # One coordinate has the one monomial of its degree, with C + 1 divisors.
    assert tr.bounds.log3_monomial_bound(depth, 1) == pytest.approx(math.log((3**depth + 1) // 2) / math.log(3), rel=1e-12)


@pytest.mark.parametrize(
    ("depth", "width", "heads"), [(3 * 10**6 + 1, 1, 1), (1000, 300, 300), (2, 10**7, 10**7), (20, 3000, 5)]
)
def test_searches_that_take_minutes_are_refused_before_they_begin(depth, width, heads):
    with pytest.raises(tr.TensorRankError, match=f"take minutes at depth {depth}, with {width} coord.* {heads} heads; exp"):
        tr.bounds.log3_monomial_bound(depth, width, heads, head_dim=width)
