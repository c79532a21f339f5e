"""The product bound: layouts that are trees, and ranks at the weights of its proof by brute force."""

from fractions import Fraction

import numpy as np
import pytest
from attention_by_definition import grid_rank
from hypothesis import given
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.attention.lower_bounds import masked_lower_bound
from tensorrank.attention.products import layouts

bounds = tr.bounds


def unit(width, place):
    return np.eye(width, dtype=np.int64)[place]


def identity_head(width, block):
    """A head whose four matrices are the identity on a block of coordinates."""
    rows = np.eye(width, dtype=np.int64)[list(block)]
    return rows, rows, rows, rows.T


def joining_head(width, first, second, third, into):
    """A head of width 1 that multiplies what three coordinates hold."""
    rows = (unit(width, place)[None] for place in (first, second, third))
    return *rows, unit(width, into)[:, None]


def three_blocks(depth, size):
    """Three blocks of a size, joined by the last layer into the first coordinate."""
    width = 3 * size
    blocks = [range(start, start + size) for start in (0, size, 2 * size)]
    apart = [identity_head(width, block) for block in blocks]
    return [*[apart] * (depth - 1), [joining_head(width, 0, size, 2 * size, 0)]], width


# Between two tokens a block of width a has binom(a + C, a), and both terms add up: twice the cube.
@pytest.mark.parametrize(("depth", "size", "rank"), [(2, 1, 2 * 2**3), (2, 2, 2 * 3**3), (2, 3, 2 * 4**3), (3, 1, 2 * 5**3)])
def test_three_blocks_between_two_tokens_have_twice_the_product_of_their_ranks(depth, size, rank):
    layers, width = three_blocks(depth, size)
    assert grid_rank(layers, width, (1, 1), rank + 9) == rank
    assert bounds.product_bound(depth, width, 3, size, 1, 1) == rank


def test_leaves_at_two_levels_multiply_as_well():
    # Two blocks of depth 2 with rank 5, and three of depth 1 with rank 2, under two inner nodes.
    shallow = [identity_head(5, [place]) for place in (0, 1)]
    first = [*shallow, *(identity_head(5, [place]) for place in (2, 3, 4))]
    layers = [first, [*shallow, joining_head(5, 2, 3, 4, 2)], [joining_head(5, 0, 1, 2, 0)]]
    rank = 2**2 * 5**2 * 2**3
    assert grid_rank(layers, 5, (1, 1), rank + 9) == rank
    # Three blocks, two of width 2, have a little more.
    assert bounds.product_bound(3, 5, 5, 1, 1, 1) >= rank


@pytest.mark.parametrize("sides", [(2, 2), (1, 2), (2, 1), (3, 1)])
def test_several_tokens_have_at_least_the_bound_at_its_weights(sides):
    layers, width = three_blocks(2, 2)
    bound = bounds.product_bound(2, width, 3, 2, *sides)
    assert bound >= 54
    assert grid_rank(layers, width, sides, 2 * bound) >= bound


def test_under_a_mask_the_output_tokens_term_has_the_product():
    layers, width = three_blocks(3, 1)
    bound = masked_lower_bound(3, width, 3, 1)
    # binom(1 + 3, 1) for each of three blocks of depth 2.
    assert bound == 4**3
    assert grid_rank(layers, width, (1, 1), 3 * bound, masked=True) >= bound


# Ranks of random weights stand between the bound and the theorem's for full heads.
@pytest.mark.parametrize(("depth", "width", "tokens"), [(2, 3, 2), (2, 3, 6), (2, 4, 2), (2, 5, 2), (3, 3, 2)])
def test_ranks_that_are_computed_pass_the_bound(depth, width, tokens):
    model = tr.SelfAttention(depth, width, heads=width, tokens=tokens)
    rank = tr.separation_rank(model, method="grid" if depth < 3 else "auto")
    assert bounds.product_bound(depth, width, width, None, tokens // 2) <= rank.value


def test_the_bound_says_most_for_many_narrow_heads():
    # A block of width 2 alone has the rank 15, and the network of width 6 at most 210.
    assert bounds.two_token_rank(2, 2) == 15
    assert bounds.lower_bound(2, 6, 3, 2, 1, 1) == 54 <= bounds.two_token_rank(2, 6)
    # A shape of GPT-3: 96 layers, 96 heads of width 128.
    assert bounds.log3_lower_bound(96, 12288, 96, 128, 1, 1) > 60 * bounds.log3_two_token_rank(96, 128)


def test_without_three_heads_three_coordinates_and_two_layers_there_is_no_product():
    assert [bounds.product_bound(*sizes) for sizes in ((3, 9, 2, 4), (3, 2, 9, 1), (1, 9, 9, 1))] == [1, 1, 1]


@given(depth=st.integers(1, 6), width=st.integers(1, 60), heads=st.integers(1, 60))
def test_layouts_are_trees_of_three_children_that_fit(depth, width, heads):
    numbers = []
    for blocks in layouts(depth, width, heads):
        number = sum(block.count for block in blocks)
        numbers.append(number)
        assert sum(block.count * block.width for block in blocks) == width
        assert sum(block.count * block.heads for block in blocks) == heads
        assert all(min(block.depth, block.width, block.heads, block.count) >= 1 for block in blocks)
        # Leaves fill a full tree if their shares of the root add up to 1.
        assert sum(block.count * Fraction(1, 3 ** (depth - block.depth)) for block in blocks) == 1
    most = min(width, heads, 3 ** (depth - 1))
    assert numbers == list(range(3, most + 1, 2))


@given(st.integers(2, 5), st.integers(3, 12), st.integers(3, 8), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
def test_more_heads_width_depth_and_tokens_do_not_lower_the_bound(depth, width, heads, head_dim, near, far):
    least = bounds.product_bound(depth, width, heads, head_dim, near, far)
    sizes = [depth, width, heads, head_dim, near, far]
    for place in range(6):
        larger = [size + (place == index) for index, size in enumerate(sizes)]
        assert bounds.product_bound(*larger) >= least
