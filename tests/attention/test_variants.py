"""Residual connections, masks, embeddings, positions, shared keys and values: grids against the layer as written."""

import numpy as np
import pytest
from as_written import attention_output

from tensorrank import Bipartition, SelfAttention
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.evaluate import forward_tokens, moment_rows
from tensorrank.attention.weights import AttentionWeights
from tensorrank.errors import WeightsError
from tensorrank.separation.named_weights import drawn_or_given

VARIANTS = [
    {"residual": True},
    {"causal": True},
    {"causal": True, "residual": True},
    {"causal": True, "output_token": 2},
    {"embedding_rank": 2},
    {"embedding_rank": 1, "positional": True},
    {"positional": True},
    {"heads": 2, "head_dim": 2, "kv_heads": 1},
    {"heads": 4, "head_dim": 1, "kv_heads": 2, "causal": True},
    {"heads": 2, "head_dim": 1, "residual": True},
    {"output_token": 3},
    {"output_token": 3, "residual": True, "embedding_rank": 2, "heads": 2, "head_dim": 1, "kv_heads": 1},
    {"causal": True, "residual": True, "embedding_rank": 2, "positional": True, "heads": 2, "head_dim": 2},
    {"feedforward": "bilinear", "hidden": 4},
    {"feedforward": "bilinear", "hidden": 2, "residual": True, "heads": 2, "head_dim": 1, "kv_heads": 1},
    {"feedforward": "bilinear", "hidden": 1, "causal": True, "output_token": 3, "positional": True},
    {"feedforward": "bilinear", "hidden": 3, "causal": True, "residual": True, "embedding_rank": 2, "heads": 2, "head_dim": 2},
]
PARTITIONS = [Bipartition.halves(5), Bipartition.interleaved(5), Bipartition.of(5, [3, 1]), Bipartition.of(5, [4])]


def as_written(model, weights, given):
    """Coordinate 0 of the output token in Python's whole numbers; `weights` as a user gives them."""
    objects = {name: array.astype(object) for name, array in weights.items()}
    return attention_output(model, objects, [list(map(int, token)) for token in given])


def drawn(model, rng):
    shapes = {name: shape for name, (_, shape) in model.shapes.items()}
    return {name: rng.integers(-9, 10, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("prime", [101, 8388593, 2**31 - 1])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_grids_are_the_layer_as_written(variant, depth, prime):
    model = SelfAttention(depth, 3, tokens=5, **variant)
    rng = np.random.default_rng([prime, depth])
    field, weights = PrimeField(prime), drawn(model, rng)
    instance = model.draw(field, rng, weights)
    for partition in PARTITIONS:
        rows, columns = instance.sample(partition.a, 3, rng), instance.sample(partition.b, 4, rng)
        values = instance.grid(partition, rows, columns)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                joined = np.zeros((5, model.input_width), dtype=np.int64)
                joined[list(partition.a)], joined[list(partition.b)] = row, column
                assert values[i, j] == as_written(model, weights, joined) % prime


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_drawn_weights_have_the_shapes_that_may_be_given(variant):
    model = SelfAttention(2, 3, tokens=5, **variant)
    instance = model.draw(PrimeField(101), np.random.default_rng(0))
    shared = AttentionWeights(**drawn_or_given(None, model.shapes, PrimeField(101), np.random.default_rng(0)))
    assert shared.key.shape == (2, model.kv_heads, model.head_dim, 3)
    assert instance.weights.key.shape == (2, model.heads, model.head_dim, 3)
    assert (instance.weights.query == shared.query).all()


@pytest.mark.parametrize("variant", [v for v in VARIANTS if not {"causal", "feedforward"} & v.keys()], ids=str)
def test_moment_rows_at_moments_as_given_agree_with_the_layer_as_written(variant):
    model = SelfAttention(2, 3, tokens=5, **{**variant, "positional": False})
    prime = 8388593
    rng = np.random.default_rng(1)
    weights = drawn(model, rng)
    instance = model.draw(PrimeField(prime), rng, weights)
    tokens = rng.integers(0, 50, (5, model.input_width))
    (row,) = instance.moment_values((tokens.T @ tokens)[None])
    assert row.shape == (model.input_width,)
    value = sum(int(r) * int(x) for r, x in zip(row, tokens[model.output_token], strict=True))
    assert value % prime == as_written(model, weights, tokens) % prime


@pytest.mark.parametrize("forward", [{}, {"feedforward": "bilinear", "hidden": 2}])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("causal", [False, True])
def test_floats_agree_with_the_whole_numbers_they_hold(residual, causal, forward):
    model = SelfAttention(2, 3, heads=2, head_dim=2, kv_heads=1, tokens=4, residual=residual, causal=causal, **forward)
    rng = np.random.default_rng(2)
    weights, tokens = drawn(model, rng), rng.integers(-3, 4, (4, 3))
    exact = as_written(model, weights, tokens)
    taken = AttentionWeights.of({name: w.astype(float) for name, w in weights.items()}, model.shapes)
    outputs = forward_tokens(taken, tokens[None].astype(float), residual=residual, causal=causal)
    assert outputs[0, model.output_token, 0] == pytest.approx(exact, rel=1e-12)
    if not causal and not forward:
        row = moment_rows(taken, (tokens.T @ tokens)[None].astype(float), residual=residual)[0]
        assert row @ tokens[0] == pytest.approx(exact, rel=1e-12)


def test_weights_of_a_variant_are_asked_for_by_name_and_shape():
    model = SelfAttention(1, 2, heads=2, kv_heads=1, tokens=3, embedding_rank=1, positional=True)
    rng = np.random.default_rng(0)
    weights = drawn(model, rng)
    with pytest.raises(WeightsError, match="expected query, key, value, output, embedding, positions"):
        model.draw(PrimeField(101), rng, {name: weights[name] for name in ("query", "key", "value", "output")})
    for name, expected in [
        ("key", r"\(1, 1, 1, 2\) \(depth, kv_heads, head_dim, width\)"),
        ("embedding", r"\(2, 1\) \(width, embedding_rank\)"),
        ("positions", r"\(3, 2\) \(tokens, width\)"),
    ]:
        with pytest.raises(WeightsError, match=f"weights '{name}' have shape .*; expected {expected}"):
            model.draw(PrimeField(101), rng, {**weights, name: np.zeros((9, 9))})
