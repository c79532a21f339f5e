import math

import pytest

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


def test_small_ranks_are_computed():
    # 85 as measured before (SOURCES.md section 2). One shared head of width 1 multiplies all tokens by one number a
    # layer, so that the network is a cube of one linear form of M times another: (3 + 1) (1 + 1).
    found = guidelines.shared_keys(depth=2, width=4, heads=4, kv_heads=1)
    assert (found.rank, found.rank_unshared, found.standing) == (8, 85, "probable")
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
