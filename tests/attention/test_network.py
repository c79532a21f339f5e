"""Attention as an explicit tensor network equals the forward pass exactly."""

import numpy as np
import pytest

from tensorrank import SelfAttention, TensorRankError
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.evaluate import forward_tokens
from tensorrank.attention.network import attention_network, attention_positions
from tensorrank.attention.weights import AttentionWeights

MODELS = [
    SelfAttention(1, 1),
    SelfAttention(1, 3, heads=3),
    SelfAttention(2, 2),
    SelfAttention(2, 3, heads=2, head_dim=2),
    SelfAttention(2, 4, heads=4, kv_heads=2),
    SelfAttention(3, 2),
    SelfAttention(3, 2, heads=2),
    SelfAttention(3, 2, heads=3, head_dim=1),
]


def drawn(model, field, seed=0):
    rng = np.random.default_rng(seed)
    weights = {name: field.random(shape, rng) for name, (_, shape) in model.shapes.items()}
    return weights, field.random((model.tokens, model.input_width), rng)


@pytest.mark.parametrize("prime", [101, 8388593, 2**31 - 1])
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_the_contraction_is_the_forward_pass_exactly(model, prime):
    field = PrimeField(prime)
    weights, tokens = drawn(model, field)
    network = attention_network(model, weights, field.matmul(tokens.T, tokens), tokens[0])
    forward = forward_tokens(AttentionWeights.of(weights, model.shapes), tokens[None], field)
    assert network.contract(field) == forward[0, 0, 0]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_it_has_as_many_moment_matrices_as_the_degree_and_four_weights_around_each(model):
    weights, tokens = drawn(model, PrimeField(101))
    network = attention_network(model, weights, tokens.T @ tokens, tokens[0])
    names = [tensor.name for tensor in network.tensors]
    assert sum(name.startswith("M") for name in names) == model.moment_degree
    # The string from end to end: e, then four weights for each moment matrix, then x.
    assert len(names) == 2 + 5 * model.moment_degree


def test_an_embedding_stands_at_every_moment_matrix_and_at_the_token():
    model, field = SelfAttention(2, 3, embedding_rank=2), PrimeField(8388593)
    weights, tokens = drawn(model, field)
    network = attention_network(model, weights, field.matmul(tokens.T, tokens), tokens[0])
    inside = field.matmul(tokens, weights["embedding"].T)
    forward = forward_tokens(AttentionWeights.of(weights, model.shapes), inside[None], field)
    assert network.contract(field) == forward[0, 0, 0]
    assert sum(tensor.name.startswith("E") for tensor in network.tensors) == 2 * model.moment_degree + 1


@pytest.mark.parametrize("model", [SelfAttention(1, 2), SelfAttention(2, 2, heads=2)], ids=str)
def test_open_legs_take_the_moments_later(model):
    field = PrimeField(8388593)
    weights, tokens = drawn(model, field)
    moment = field.matmul(tokens.T, tokens)
    whole = attention_network(model, weights, moment, tokens[0]).contract(field)
    tensor = attention_network(model, weights).contract(field).astype(object)
    assert tensor.shape == (2,) * (2 * model.moment_degree + 1)
    for _ in range(model.moment_degree):
        tensor = np.einsum("ij...,ij->...", tensor, moment.astype(object))
    assert (tensor @ tokens[0]) % field.prime == whole


def test_floats_agree_with_the_forward_pass():
    model = SelfAttention(2, 3, heads=3)
    rng = np.random.default_rng(1)
    weights = {name: rng.standard_normal(shape) for name, (_, shape) in model.shapes.items()}
    tokens = rng.standard_normal((6, 3))
    value = attention_network(model, weights, tokens.T @ tokens, tokens[0]).contract()
    forward = forward_tokens(AttentionWeights.of(weights, model.shapes), tokens[None])
    assert float(value) == pytest.approx(forward[0, 0, 0], rel=1e-10)


def test_every_tensor_has_a_place_in_the_picture_of_its_own():
    weights, tokens = drawn(SelfAttention(2, 2), PrimeField(101))
    network = attention_network(SelfAttention(2, 2), weights, tokens.T @ tokens, tokens[0])
    places = attention_positions(network)
    assert set(places) == {tensor.name for tensor in network.tensors}
    assert len(set(places.values())) == len(places)
    assert {places[f"M{copy}"][1] for copy in range(4)} == {0.0}
    assert places["V1.0"][1] < places["V2.0"][1]
    _, axes = network.picture(positions=places)
    assert "M3" in {text.get_text() for text in axes.texts}


@pytest.mark.parametrize("variant", [{"residual": True}, {"causal": True}, {"positional": True}], ids=str)
def test_variants_that_are_no_single_network_are_refused(variant):
    with pytest.raises(TensorRankError, match="is no single tensor network of its moment matrix"):
        attention_network(SelfAttention(1, 2, tokens=4, **variant), {})


def test_moments_and_tokens_of_other_shapes_are_refused():
    model = SelfAttention(1, 2)
    weights, _ = drawn(model, PrimeField(101))
    with pytest.raises(TensorRankError, match=r"the moment has shape \(3, 3\); expected \(2, 2\)"):
        attention_network(model, weights, np.eye(3))
    with pytest.raises(TensorRankError, match=r"the token has shape \(3,\); expected \(2,\)"):
        attention_network(model, weights, np.eye(2), np.ones(3))
