import math

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank import guidelines
from tensorrank.errors import TensorRankError


# One layer, by ranks of Hankel blocks that are computed: heads, their width and the heads with keys of their own.
@pytest.mark.parametrize(
    ("width", "heads", "head_dim"), [(4, 4, 1), (6, 3, 2), (8, 4, 2), (9, 9, 1), (6, 4, 3), (5, 2, 1), (7, 6, 2), (4, 2, 4)]
)
def test_the_rank_of_one_layer_is_exact(width, heads, head_dim):
    for kv_heads in (one for one in range(1, heads + 1) if heads % one == 0):
        found = guidelines.shared_keys(1, width, heads, kv_heads, head_dim)
        models = [
            tr.SelfAttention(1, width, heads=heads, head_dim=head_dim, kv_heads=own, tokens=2 * width)
            for own in (kv_heads, heads)
        ]
        assert found.one_layer == tuple(tr.separation_rank(model, method="catalecticant").value for model in models)
        if kv_heads < heads:
            assert (found.rank, found.rank_unshared, found.standing) == (*found.one_layer, "exact")


@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(1, 6),
    head_dim=st.integers(1, 3),
    kv_heads=st.integers(1, 4),
    sharing=st.integers(1, 4),
    seed=st.integers(0, 10**6),
)
def test_the_rank_of_one_layer_is_that_of_a_grid_of_values(width, head_dim, kv_heads, sharing, seed):
    # A layer as it is written, on tokens drawn modulo a prime, d + 1 to a side; the rank by FLINT.
    prime, rng = 2**31 - 1, np.random.default_rng(seed)

    def draw(*shape):
        return rng.integers(0, prime, shape).astype(object)

    heads, count = kv_heads * sharing, width + 3
    query, key, value = (draw(number, head_dim, width) for number in (heads, kv_heads, kv_heads))
    output = draw(heads, head_dim)
    sides = draw(2, count, width + 1, width)

    def moments(tokens):
        return sum(np.outer(token, token) for token in tokens) % prime

    def entry(x, moment):
        total = 0
        for head, (asks, row) in enumerate(zip(query, output, strict=True)):
            shared = head // sharing
            total += row @ (value[shared] @ moment % prime @ (key[shared].T @ (asks @ x % prime) % prime) % prime)
        return int(total % prime)

    ours, theirs = ([moments(tokens) for tokens in side] for side in sides)
    rows = [entry(tokens[0], (mine + other) % prime) for tokens, mine in zip(sides[0], ours, strict=True) for other in theirs]
    expected = flint.nmod_mat(count, count, rows, prime).rank()
    assert guidelines.shared_keys(1, width, heads, kv_heads, head_dim).one_layer[0] == expected


def test_small_ranks_are_computed():
    # 85 as measured before (SOURCES.md section 2). One shared head of width 1 multiplies all tokens by one number a
    # layer, so that the network is a cube of one linear form of M times another: (3 + 1) (1 + 1).
    found = guidelines.shared_keys(depth=2, width=4, heads=4, kv_heads=1)
    assert (found.rank, found.rank_unshared, found.standing) == (8, 85, "exact")
    # Depth 3: a ninth power of a form times a cube of another and a third form.
    assert guidelines.shared_keys(depth=3, width=3, heads=3, kv_heads=1).rank == 10 * 4 * 2


def test_large_ranks_are_left_open():
    llama = guidelines.shared_keys(depth=32, width=4096, heads=32, kv_heads=8)
    assert (llama.rank, llama.rank_unshared, llama.standing) == (None, None, None)
    assert (llama.numbers_read, llama.numbers_unshared) == (8 * 128**2, 32 * 128**2)
    assert llama.numbers_of_moments == 4096 * 4097 // 2
    assert llama.one_layer == (4097, 4097)
    assert llama.log3_bound == tr.bounds.log3_moment_bound(32, 4096)


def test_no_more_numbers_are_read_than_there_are():
    wide = guidelines.shared_keys(depth=2, width=3, heads=2, kv_heads=1, head_dim=3)
    assert (wide.numbers_read, wide.numbers_unshared, wide.numbers_of_moments) == (6, 6, 6)


def test_unshared_keys_cost_nothing():
    found = guidelines.shared_keys(depth=2, width=4, heads=2)
    assert (found.kv_heads, found.head_dim, found.rank) == (2, 2, None)
    assert found.one_layer[0] == found.one_layer[1]
    assert math.isclose(found.log3_bound, math.log(110, 3))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 4, 2, 1), "depth is 0; expected a whole number of at least 1"),
        ((2, 4, 4, 3), "kv_heads is 3; expected a divisor of the 4 heads"),
        ((2, 4, 3), "3 heads do not divide the width 4; expected a divisor, or head_dim"),
        ((2, 4, 4, 2, 0), "head_dim is 0; expected a whole number of at least 1"),
        ((2, 4, "many"), "heads is 'many'; expected a whole number"),
    ],
)
def test_sizes_are_checked(sizes, message):
    with pytest.raises(TensorRankError, match=message):
        guidelines.shared_keys(*sizes)
