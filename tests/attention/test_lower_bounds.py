from __future__ import annotations

from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank import SelfAttention, bounds
from tensorrank.errors import TensorRankError, TooLargeError

# Ranks from the literature of this project, computed by several programs: width, depth, heads, head width, tokens, and
# the rank, by degree in the moments of the output token's side where that is known.
KNOWN = [
    (2, 1, 1, 2, 4, 3, (2, 1)),
    (2, 2, 1, 2, 4, 18, (2, 6, 6, 3, 1)),
    (2, 2, 2, 1, 4, 17, None),
    (2, 3, 1, 2, 4, 232, (2, 6, 12, 20, 30, 42, 36, 28, 21, 15, 10, 6, 3, 1)),
    (2, 3, 2, 1, 4, 215, (2, 6, 12, 20, 30, 35, 30, 25, 20, 15, 10, 6, 3, 1)),
    (2, 3, 1, 1, 4, 50, (1, 2, 3, 4, 5, 5, 5, 5, 5, 5, 4, 3, 2, 1)),
    (2, 3, 1, 2, 2, 105, (2, 4, 6, 8, 10, 12, 14, 13, 11, 9, 7, 5, 3, 1)),
    (2, 4, 1, 2, 4, 4538, None),
    (3, 2, 1, 3, 6, 49, (3, 18, 21, 6, 1)),
    (3, 2, 3, 1, 6, 43, None),
    (3, 2, 1, 3, 2, 35, (3, 10, 15, 6, 1)),
    (3, 3, 1, 3, 6, 3102, None),
    (4, 2, 1, 4, 8, 110, (4, 40, 55, 10, 1)),
    (4, 2, 2, 2, 8, 107, (4, 40, 52, 10, 1)),
    (4, 2, 4, 1, 8, 85, (4, 36, 34, 10, 1)),
    (4, 2, 1, 4, 3, 80, (4, 20, 45, 10, 1)),
    (4, 2, 4, 1, 2, 69, None),
    (5, 2, 5, 1, 2, 121, None),
    (5, 2, 1, 5, 10, 216, None),
    (4, 3, 1, 4, 8, 31456, None),
]


@pytest.mark.parametrize(("width", "depth", "heads", "head_dim", "tokens", "rank", "by_degree"), KNOWN)
def test_no_lower_bound_passes_a_rank_that_is_known(width, depth, heads, head_dim, tokens, rank, by_degree):
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=tokens)
    # A token alone among three is on the output's side.
    partition = [0] if tokens == 3 else "halves"
    assert model.generic_lower_bound(partition) <= rank
    parts = model.moment_form().lower_bounds(partition)
    assert len(parts) == model.moment_degree + 1
    if by_degree is not None:
        assert all(part <= known for part, known in zip(parts, by_degree, strict=True))


# At identity weights these ranks were computed with FLINT by a program of its own.
@pytest.mark.parametrize(("width", "depth", "rank"), [(2, 2, 17), (2, 3, 196), (3, 2, 46), (3, 3, 2512), (4, 2, 104)])
def test_one_full_head_has_at_least_the_rank_of_identity_weights(width, depth, rank):
    assert bounds.identity_bound(depth, width) == rank
    assert SelfAttention(depth, width).generic_lower_bound("halves") == rank
    # More tokens, wider networks and further heads contain it.
    assert SelfAttention(depth, width + 1, heads=2, head_dim=width, tokens=30).generic_lower_bound("halves") >= rank


def test_a_narrower_head_has_the_rank_of_two_tokens_at_its_width():
    # binom(3 + 4, 3) = 35, beyond the monomials of one head.
    assert SelfAttention(2, 5, heads=1, head_dim=3, tokens=2).generic_lower_bound("halves") == 35


def test_lower_bounds_of_networks_too_large_to_count_are_those_of_monomials():
    model = SelfAttention(20, 300, heads=1, head_dim=300, tokens=600)
    assert model.generic_lower_bound("halves") >= bounds.two_token_rank(20, 300)


def test_a_search_that_would_take_minutes_leaves_the_other_bounds():
    model = SelfAttention(12, 12288)
    with pytest.raises(TooLargeError, match="the search for a monomial would take minutes"):
        bounds.monomial_bound(12, 12288)
    # More tokens contain two.
    assert model.generic_lower_bound("halves") == comb(12288 + (3**12 - 1) // 2, 12288)


@settings(max_examples=50, deadline=None)
@given(
    depth=st.integers(1, 12),
    width=st.integers(1, 9),
    heads=st.integers(1, 4),
    head_dim=st.integers(1, 9),
    sides=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
def test_the_largest_lower_bound_is_the_largest_and_has_its_logarithm(depth, width, heads, head_dim, sides):
    sizes = depth, width, heads, head_dim, *sides
    found, head = bounds.lower_bound(*sizes), min(width, head_dim)
    parts = [bounds.monomial_bound(*sizes), bounds.two_token_rank(depth, head), bounds.identity_bound(depth, min(head, *sides))]
    assert found == max(*parts, bounds.product_bound(*sizes)) <= bounds.moment_bound(depth, width, *sides)
    assert bounds.log3_lower_bound(*sizes) == pytest.approx(bounds.log3(found), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("bound", [bounds.lower_bound, bounds.log3_lower_bound])
@pytest.mark.parametrize(("sizes", "message"), [((2, 4, 3), "3 heads do not divide the width 4"), ((2, 4, 0), "heads is 0")])
def test_sizes_of_no_network_are_refused(bound, sizes, message):
    with pytest.raises(TensorRankError, match=message):
        bound(*sizes)
