import flint
import numpy as np
import pytest
from attention.trained.fractions_of_layers import value
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.trained.adapters import from_torch
from tensorrank.attention.trained.blocks import Block
from tensorrank.attention.trained.network import TrainedAttention
from tensorrank.errors import PartitionError, TensorRankError, WeightsError
from tensorrank.separation.numerical import numerical_separation_rank
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank

FIELD = PrimeField(2**31 - 1)


def blocks(seed, depth=1, width=2, heads=2, kv_heads=1, dim=1, biases=("query", "key", "value", "output")):
    """Layers of random floats, with the biases that are named."""
    rng = np.random.default_rng(seed)

    def floats(*shape, there=True):
        return rng.standard_normal(shape).astype(np.float32).astype(np.float64) * there

    made = []
    for _ in range(depth):
        inward = [floats(count, dim, width) for count in (heads, kv_heads, kv_heads)]
        added = [
            floats(n, dim, there=k in biases)
            for k, n in zip(("query", "key", "value"), (heads, kv_heads, kv_heads), strict=True)
        ]
        made.append(Block(*inward, floats(heads, width, dim), *added, floats(width, there="output" in biases)))
    return tuple(made)


def network(layers, *, residual=True, causal=False):
    return TrainedAttention(layers, 1.0, causal, residual)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    depth=st.integers(1, 2),
    kv_heads=st.sampled_from([1, 2]),
    causal=st.booleans(),
    biases=st.sets(st.sampled_from(["query", "key", "value", "output"])),
    output_token=st.integers(0, 2),
)
def test_without_softmax_values_are_those_of_the_layers_as_written(seed, depth, kv_heads, causal, biases, output_token):
    layers = blocks(seed, depth=depth, kv_heads=kv_heads, biases=biases)
    model, weights = network(layers, causal=causal).without_softmax(3, output_token=output_token)
    tokens = np.random.default_rng(seed).integers(-5, 6, (3, 2))
    instance = model.draw(FIELD, np.random.default_rng(0), weights)
    found = instance.grid(Bipartition((0, 1), (2,)), tokens[None, :2] % FIELD.prime, tokens[None, 2:] % FIELD.prime)
    expected = value(layers, tokens, output_token, residual=True, causal=causal)
    assert int(found[0, 0]) == expected.numerator * pow(expected.denominator, -1, FIELD.prime) % FIELD.prime


def test_a_single_layer_without_residual_connections_leaves_out_its_constant_alone():
    layers = blocks(3)
    model, weights = network(layers, residual=False).without_softmax(3)
    tokens = np.array([[1, 2], [3, -1], [0, 4]])
    found = model.draw(FIELD, np.random.default_rng(0), weights).grid(
        Bipartition((0, 1), (2,)), tokens[None, :2] % FIELD.prime, tokens[None, 2:]
    )
    expected = value(layers, tokens, 0, residual=False, causal=False, with_output_bias=False)
    assert int(found[0, 0]) == expected.numerator * pow(expected.denominator, -1, FIELD.prime) % FIELD.prime


def test_networks_without_biases_keep_their_width():
    trained = network(blocks(0, biases=()))
    model, weights = trained.without_softmax(4)
    assert (model.width, model.embedding_rank, sorted(weights)) == (2, None, ["key", "output", "query", "value"])
    assert not trained.biased


def test_networks_with_biases_are_wider_by_one_coordinate():
    model, weights = network(blocks(0)).without_softmax(4)
    assert (model.width, model.embedding_rank, model.positional) == (3, 2, True)
    assert weights["positions"].shape == (4, 3)


def test_trained_weights_reach_the_rank_of_almost_all_weights():
    # One layer of width 2 between 2 tokens a side: 3, by the theorem on attention without softmax.
    trained = network(blocks(1, biases=(), dim=2, heads=1), residual=False)
    model, weights = trained.without_softmax(4)
    found = separation_rank(model, weights=weights)
    assert (found.value, found.standing) == (3, "exact")


@pytest.mark.parametrize("biases", [(), ("query", "value"), ("query", "key", "value", "output")])
def test_ranks_are_those_of_all_values_over_fractions(biases):
    # Two tokens of width 1: a polynomial of degree at most 9 in each, so that a grid of 10 x 10 values has its rank.
    layers = blocks(7, depth=2, width=1, heads=1, biases=biases)
    values = [[value(layers, [[i], [j]], 0, residual=True, causal=False) for j in range(-4, 6)] for i in range(-4, 6)]
    expected = flint.fmpq_mat([[flint.fmpq(v.numerator, v.denominator) for v in row] for row in values]).rank()
    model, weights = network(layers).without_softmax(2)
    assert separation_rank(model, weights=weights).value == expected
    assert separation_rank(network(layers).drawn(1).without_softmax(2)[0]).value == expected


def test_values_of_zero_lower_the_rank():
    zero = tuple(Block(**{**vars(block), "value": np.zeros((1, 1, 2))}) for block in blocks(1, biases=()))
    model, weights = network(zero).without_softmax(4)
    # Without values the output is the output token itself, a function of one side.
    assert separation_rank(model, weights=weights).value == 1


def test_a_stack_without_residual_connections_refuses_biases():
    trained = network(blocks(0, depth=2), residual=False)
    for ask in (trained.without_softmax, trained.with_softmax):
        with pytest.raises(WeightsError, match="biases in 2 layers without residual connections"):
            ask(4)
    assert [layer.depth for layer in trained.layers] == [1, 1]
    assert trained.layers[1].without_softmax(4)[0].depth == 1


def test_biases_of_zero_are_no_biases():
    trained = network(blocks(0, depth=2, biases=()), residual=False)
    assert trained.without_softmax(4)[0].width == 2


@pytest.mark.parametrize("causal", [False, True])
def test_softmax_with_scores_of_zero_is_the_mean(causal):
    layers = tuple(Block(**{**vars(b), "query": np.zeros((2, 1, 2)), "query_bias": np.zeros((2, 1))}) for b in blocks(2))
    model = network(layers, causal=causal).with_softmax(3)
    x = np.random.default_rng(0).standard_normal((5, 3, 2))
    (block,) = layers
    token = 2 if causal else 0
    values = x @ block.value[0].T + block.value_bias[0]
    expected = x[:, token] + values.mean(axis=1) @ block.output.sum(axis=0).T + block.output_bias
    np.testing.assert_allclose(model.function(x), expected[:, 0], rtol=1e-12)


def test_the_rank_with_softmax_is_numerical():
    model = network(blocks(0)).with_softmax(2)
    found = numerical_separation_rank(model, samples=64, rtol=1e-2)
    assert found.standing == "numerical"
    assert 1 <= found.value <= 16


def test_drawn_networks_keep_what_is_zero():
    trained = network(blocks(0, biases=("key",)))
    drawn = trained.drawn(1)
    (block,), (again,) = drawn.blocks, trained.drawn(1).blocks
    assert block.key_bias.all()
    assert not block.query_bias.any()
    assert not block.output_bias.any()
    np.testing.assert_array_equal(block.query, again.query)
    assert drawn.without_softmax(4)[0] == trained.without_softmax(4)[0]


def test_numbers_of_tokens_are_checked():
    with pytest.raises(TensorRankError, match="tokens is 1; expected a whole number of at least 2"):
        network(blocks(0)).without_softmax(1)
    with pytest.raises(TensorRankError, match="output_token is 4; expected one of the tokens 0 to 3"):
        network(blocks(0)).with_softmax(4, output_token=4)


def test_a_trained_network_shows_its_sizes():
    assert repr(network(blocks(0))) == (
        "TrainedAttention(depth=1, width=2, heads=2, kv_heads=1, head_dim=1, scale=1.0, causal=False, residual=True, "
        "with biases)"
    )


@pytest.mark.parametrize("rank", [separation_rank, numerical_separation_rank])
def test_a_trained_network_is_sent_to_the_models_it_gives(rank):
    trained = from_torch({"in_proj_weight": np.eye(6, 2), "out_proj.weight": np.eye(2)}, heads=1, causal=False)
    with pytest.raises(TensorRankError, match=r"try model, weights = trained.without_softmax\(tokens=4\)"):
        rank(trained)
    with pytest.raises(PartitionError, match=r"the partition is .*; expected two sides. If these are weights, give them"):
        separation_rank(*trained.without_softmax(4))
