from __future__ import annotations

from itertools import product

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.architecture import SelfAttention

# One of each kind: of one byte, with few terms to an exact sum, and with factors cut in two.
PRIMES = (251, 11863259, 2**31 - 1)


def output(weights, tokens, prime):
    """Coordinate 0 of the first token's output, as the layers are written, in Python's whole numbers."""
    x = [[int(c) for c in token] for token in tokens]
    for query, key, value, last in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
        images = [[0] * len(token) for token in x]
        for q, k, v, o in zip(query.tolist(), key.tolist(), value.tolist(), last.tolist(), strict=True):
            queries, keys, values = ([[dot(row, token) for row in m] for token in x] for m in (q, k, v))
            for i, own in enumerate(queries):
                scores = [dot(own, other) % prime for other in keys]
                mixed = [sum(s * v[c] for s, v in zip(scores, values, strict=True)) % prime for c in range(len(own))]
                images[i] = [(old + dot(row, mixed)) % prime for old, row in zip(images[i], o, strict=True)]
        x = images
    return x[0][0]


def dot(left, right):
    return sum(a * b for a, b in zip(left, right, strict=True))


def assert_parts_are_those_of_the_layers(model, near_tokens, prime, seed, scales=(1, 2, 5)):
    """Tokens of side A times t: a part of degree k in their moments grows by t^(2k+1)."""
    field, rng = PrimeField(prime), np.random.default_rng(seed)
    instance = model.draw(field, rng)
    width, far_tokens = model.input_width, model.tokens - near_tokens
    near, far = field.random((2, near_tokens, width), rng), field.random((3, far_tokens, width), rng)
    degrees = np.arange(model.moment_degree + 1)
    parts = instance.parts(far, model.moment_degree)(near, degrees, 3)
    assert parts.shape == (len(degrees), 2, 3)
    weights, embedding = instance.weights, instance.weights.embedding
    for i, j, scale in product(range(2), range(3), scales):
        tokens = np.concatenate([near[i].astype(object) * scale, far[j].astype(object)])
        if embedding is not None:
            tokens = tokens @ embedding.astype(object).T
        summed = sum(int(parts[k, i, j]) * pow(scale, 2 * int(k) + 1, prime) for k in degrees) % prime
        assert summed == output(weights, tokens, prime)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_parts_are_those_of_the_layers(data):
    depth, width = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 4))
    heads, head_dim = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 5))
    near, far = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 3))
    shared = data.draw(st.sampled_from([heads, 1]))
    rank = data.draw(st.sampled_from([None, *range(1, width + 1)]))
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim, kv_heads=shared, tokens=near + far, embedding_rank=rank)
    assert_parts_are_those_of_the_layers(model, near, data.draw(st.sampled_from(PRIMES)), data.draw(st.integers(0, 99)))


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("heads", [1, 2])
def test_sums_longer_than_a_float_holds_exactly_are_reduced_on_the_way(prime, heads):
    # The field allows 64 products to a sum at the prime of few terms, and 256 where factors are cut in two.
    model = SelfAttention(1, 300, heads=heads, head_dim=300, tokens=2)
    assert_parts_are_those_of_the_layers(model, 1, prime, heads, scales=(1, 3))
    many_tokens = SelfAttention(2, 2, heads=heads, head_dim=2, tokens=140)
    assert_parts_are_those_of_the_layers(many_tokens, 70, prime, heads, scales=(3,))


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("heads", [1, 2])
def test_extreme_residues_are_multiplied_exactly(prime, heads):
    field, half = PrimeField(prime), prime // 2
    model = SelfAttention(2, 64, heads=heads, head_dim=64, tokens=2)
    shapes = {name: np.full(shape, half) for name, (_, shape) in model.shapes.items()}
    instance = model.draw(field, np.random.default_rng(0), shapes)
    near = far = np.full((1, 1, 64), half)
    parts = instance.parts(far, model.moment_degree)(near, np.arange(5), 1)
    assert sum(int(part) for part in parts[:, 0, 0]) % prime == output(instance.weights, [near[0, 0], far[0, 0]], prime)


def test_only_the_degrees_and_columns_asked_for_are_given():
    field, rng = PrimeField(8388593), np.random.default_rng(1)
    instance = SelfAttention(3, 2, tokens=2).draw(field, rng)
    near, far = field.random((4, 1, 2), rng), field.random((700, 1, 2), rng)
    give = instance.parts(far, 13)
    every = give(near, np.arange(14), 700)
    assert give(near, np.array([5, 2]), 300).tolist() == every[[5, 2], :, :300].tolist()
    # The parts of degree 2 in M_A have degree 5 in one token of two coordinates: a rank of 6.
    matrix = flint.nmod_mat(4, 700, [int(x) % field.prime for x in every[2].ravel()], field.prime)
    assert matrix.rank() == 4
