"""The key of a rank leaves out what changes none, by FLINT on attention as it is written, and keeps the rest."""

from itertools import combinations

import numpy as np
import pytest
from differential.architectures import attention_rank
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank import Bipartition, SelfAttention

PRIME = 2147483629
LOW, MASKED = SelfAttention(2, 3, embedding_rank=1, positional=True), SelfAttention(2, 1, tokens=4, causal=True)
# Networks and the sites of side A, of equal keys, with the rank of the first: SOURCES.md section 2.
EQUAL = [
    (
        18,
        [
            (SelfAttention(2, 2), (0, 1)),
            (SelfAttention(2, 2), (0, 2)),
            (SelfAttention(2, 2, tokens=7, output_token=3), (3, 6)),
            (SelfAttention(2, 2, positional=True), (2, 3)),
            (SelfAttention(2, 2, tokens=5, embedding_rank=2, positional=True), (1, 2, 3)),
        ],
    ),
    (49, [(SelfAttention(2, 3), (0, 1, 2)), (SelfAttention(2, 3, tokens=8), (0, 2, 4, 6))]),
    (3, [(SelfAttention(1, 2), (0, 1)), (SelfAttention(1, 2, tokens=5, causal=True, output_token=3), (0, 3, 4))]),
    (15, [(SelfAttention(2, 2, tokens=2), (0,)), (SelfAttention(2, 2, tokens=2, output_token=1), (0,))]),
]


def key(model, side):
    return model.rank_key(Bipartition.of(model.tokens, side))


def rank(model, side, size, seed=0):
    """The rank of a grid of random inputs, for random weights."""
    rng = np.random.default_rng(seed)
    weights = {name: rng.integers(0, PRIME, shape) for name, (_, shape) in model.shapes.items()}
    return attention_rank(model, Bipartition.of(model.tokens, side), weights, size, rng, PRIME)


@pytest.mark.parametrize(("known", "questions"), EQUAL)
def test_networks_of_equal_keys_have_the_rank_that_is_known(known, questions):
    first = key(*questions[0])
    for model, side in questions:
        assert key(model, side) == first
        assert rank(model, side, known + 4) == known


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Their ranks are 49 and 35, and 80 beside a larger one: SOURCES.md section 2.
        ((SelfAttention(2, 3), (0, 1, 2)), (SelfAttention(2, 3, tokens=2), (0,))),
        ((SelfAttention(2, 4, tokens=3), (0,)), (SelfAttention(2, 4, tokens=3), (0, 1))),
        ((SelfAttention(2, 2), (0, 1)), (SelfAttention(2, 2, heads=2), (0, 1))),
        ((SelfAttention(2, 2, head_dim=1), (0, 1)), (SelfAttention(2, 2, head_dim=1, residual=True), (0, 1))),
        ((SelfAttention(2, 4, heads=4), (0, 1, 2, 3)), (SelfAttention(2, 4, heads=4, kv_heads=1), (0, 1, 2, 3))),
        # Nothing is proved of more tokens where positions meet an embedding of low rank, nor of others under a mask.
        ((LOW, (0, 1)), (LOW, (0, 1, 2))),
        ((MASKED, (0, 1)), (MASKED, (0, 2))),
    ],
)
def test_what_may_change_a_rank_stays_in_the_key(one, other):
    assert key(*one) != key(*other)


def test_tokens_behind_the_output_of_a_masked_network_are_left_out():
    seen = SelfAttention(2, 1, tokens=3, causal=True)
    more = SelfAttention(2, 1, tokens=5, causal=True, output_token=2)
    assert key(seen, (0,)) == key(more, (0, 3)) == key(more, (0, 4))


networks = st.builds(
    SelfAttention,
    depth=st.integers(1, 2),
    width=st.integers(1, 2),
    heads=st.integers(1, 2),
    head_dim=st.integers(1, 2),
    tokens=st.integers(2, 4),
    residual=st.booleans(),
    causal=st.booleans(),
    positional=st.booleans(),
    embedding_rank=st.sampled_from([None, 1]),
    output_token=st.integers(0, 1),
)


@settings(max_examples=12, deadline=None)
@given(network=networks, data=st.data())
def test_all_partitions_of_one_key_have_one_rank(network, data):
    sites = range(network.tokens)
    sides = [side for count in range(1, network.tokens) for side in combinations(sites, count)]
    one = data.draw(st.sampled_from(sides))
    alike = [side for side in sides if key(network, side) == key(network, one)]
    other = data.draw(st.sampled_from(alike))
    assert rank(network, one, 26) == rank(network, other, 26, seed=1)
