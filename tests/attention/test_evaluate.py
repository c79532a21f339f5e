from fractions import Fraction

import numpy as np
import pytest

from tensorrank import Bipartition, SelfAttention
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.attention.evaluate import forward_tokens, moment_rows
from tensorrank.attention.instance import AttentionInstance
from tensorrank.attention.weights import AttentionWeights
from tensorrank.separation.named_weights import drawn_or_given

# depth, width, heads, head_dim
SHAPES = [(1, 1, 1, 1), (1, 3, 1, 3), (2, 2, 2, 1), (2, 3, 1, 1), (3, 2, 1, 2), (3, 2, 3, 2), (2, 4, 2, 3), (3, 3, 3, 1)]
PRIMES = [2, 3, 101, 8388593, 2**31 - 1]
NAMES = ("query", "key", "value", "output")


def drawn(shape, field, rng):
    depth, width, heads, head_dim = shape
    shapes = SelfAttention(depth, width, heads=heads, head_dim=head_dim).shapes
    return AttentionWeights(**drawn_or_given(None, shapes, field, rng))


def as_written(weights, tokens):
    """The layer as Levine et al. (2020) write it, index by index, in the arithmetic of its entries."""
    x = [list(token) for token in tokens]
    for query, key, value, output in zip(weights.query, weights.key, weights.value, weights.output, strict=True):
        following = []
        for xi in x:
            total = [0 * xi[0] for _ in xi]
            for q, k, v, o in zip(query, key, value, output, strict=True):
                asked = apply(q, xi)
                for xj in x:
                    score = sum(a * b for a, b in zip(asked, apply(k, xj), strict=True))
                    seen = apply(o, apply(v, xj))
                    total = [t + score * s for t, s in zip(total, seen, strict=True)]
            following.append(total)
        x = following
    return x


def apply(matrix, vector):
    return [sum(m * x for m, x in zip(row, vector, strict=True)) for row in matrix]


def moment(tokens):
    return np.array([[sum(t[i] * t[j] for t in tokens) for j in range(len(tokens[0]))] for i in range(len(tokens[0]))])


def python_integers(weights):
    return AttentionWeights(*(getattr(weights, name).astype(object) for name in NAMES))


def fractions(rng, shape):
    return np.vectorize(lambda n: Fraction(int(n), 7), otypes=[object])(rng.integers(-5, 6, shape))


def drawn_weights(rng, shape, draw):
    depth, width, heads, head_dim = shape
    inner, outer = (depth, heads, head_dim, width), (depth, heads, width, head_dim)
    return AttentionWeights(*(draw(rng, s) for s in (inner, inner, inner, outer)))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("prime", PRIMES)
def test_over_a_prime_field_tokens_and_moments_agree_with_the_layer_as_written(shape, prime):
    rng = np.random.default_rng([prime, *shape])
    field = PrimeField(prime)
    weights = drawn(shape, field, rng)
    tokens = field.random((3, 3, shape[1]), rng)
    expected = [
        [[v % prime for v in token] for token in as_written(python_integers(weights), item)]
        for item in tokens.astype(object).tolist()
    ]
    assert forward_tokens(weights, tokens, field).tolist() == expected
    moments = np.stack([moment(item) % prime for item in tokens.astype(object)]).astype(np.int64)
    rows = moment_rows(weights, moments, field)
    first = [
        sum(int(r) * int(x) for r, x in zip(row, item[0], strict=True)) % prime for row, item in zip(rows, tokens, strict=True)
    ]
    assert first == [item[0][0] for item in expected]


@pytest.mark.parametrize("shape", SHAPES)
def test_in_floats_tokens_and_moments_agree_with_the_layer_as_written(shape):
    rng = np.random.default_rng(shape)
    weights = drawn_weights(rng, shape, lambda rng, s: rng.standard_normal(s))
    tokens = rng.standard_normal((2, 4, shape[1]))
    expected = np.array([as_written(weights, item) for item in tokens])
    np.testing.assert_allclose(forward_tokens(weights, tokens), expected, rtol=1e-7, atol=1e-9 * abs(expected).max())
    rows = moment_rows(weights, np.swapaxes(tokens, 1, 2) @ tokens)
    first = expected[:, 0, 0]
    np.testing.assert_allclose((rows * tokens[:, 0]).sum(axis=1), first, rtol=1e-7, atol=1e-9 * abs(first).max())


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] < 3 or shape[1] < 3])
def test_in_fractions_tokens_and_moments_agree_exactly_with_the_layer_as_written(shape):
    rng = np.random.default_rng(shape)
    weights = drawn_weights(rng, shape, fractions)
    tokens = fractions(rng, (2, 3, shape[1]))
    expected = [as_written(weights, item) for item in tokens.tolist()]
    assert forward_tokens(weights, tokens).tolist() == expected
    rows = moment_rows(weights, np.stack([moment(item) for item in tokens.tolist()]))
    first = [sum(r * x for r, x in zip(row, item[0], strict=True)) for row, item in zip(rows, tokens, strict=True)]
    assert first == [item[0][0] for item in expected]


@pytest.mark.parametrize("prime", [*PRIMES, 2**26 - 5, 2**26 + 15])
@pytest.mark.parametrize("entry", [-1, 0.5])
def test_extreme_residues_are_multiplied_exactly(prime, entry):
    residue = prime - 1 if entry == -1 else prime // 2
    field = PrimeField(prime)
    weights = AttentionWeights(*(np.full((2, 1, 40, 40), residue) for _ in range(4)))
    rows = moment_rows(weights, np.full((1, 40, 40), residue), field)
    # All matrices are r J with J J = 40 J: with m = r, G = r^4 m 40^4 J, then M' = G M G^T.
    value, scale = None, residue
    for _ in range(2):
        layer = residue**4 * scale * 40**4
        value = layer if value is None else 40 * layer * value
        scale = layer * layer * scale * 40**2
    assert rows.tolist() == [[value % prime] * 40]


def rows_by_definition(weights, moment, prime, residual):
    """The row e_0^T G_L(M_L) ... G_1(M_1) in whole numbers, with G and M as the moment form defines them."""
    width = len(moment)
    product = np.eye(width, dtype=object)
    for query, key, value, output in zip(*(getattr(weights, name).astype(object) for name in NAMES), strict=True):
        layer = sum(o @ v @ moment @ k.T @ q for q, k, v, o in zip(query, key, value, output, strict=True))
        layer = (layer + residual * np.eye(width, dtype=object)) % prime
        moment = layer @ moment @ layer.T % prime
        product = layer @ product % prime
    return product[0].tolist()


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("shape", [*SHAPES, (2, 9, 1, 9), (2, 6, 3, 2)])
@pytest.mark.parametrize("prime", [*PRIMES, 251, 2**26 + 15])
def test_moments_with_few_entries_are_evaluated_as_defined(prime, shape, residual):
    rng, field, width = np.random.default_rng([prime, *shape]), PrimeField(prime), shape[1]
    weights = drawn(shape, field, rng)
    moments = np.zeros((12, width, width), dtype=np.int64)
    # None, some, as many entries as there is room for and more; small ones as at lattice points, and the largest.
    for number, moment in enumerate(moments):
        for _ in range(number if number < 10 else 2 * width):
            i, j = rng.integers(0, width, 2)
            moment[i, j] = moment[j, i] = min(prime - 1, (1, 4, prime // 2, prime - 1)[rng.integers(0, 2 + number % 3)])
    rows = moment_rows(weights, moments, field, residual=residual)
    assert rows.tolist() == [rows_by_definition(weights, moment.astype(object), prime, residual) for moment in moments]


def test_the_images_of_fractions_evaluate_to_the_image_of_the_value():
    prime, shape = 8388593, (2, 2, 2, 1)
    rng = np.random.default_rng(8)
    field = PrimeField(prime)
    weights, tokens = drawn_weights(rng, shape, fractions), fractions(rng, (1, 3, 2))
    exact = forward_tokens(weights, tokens)
    images = AttentionWeights(*(field.image(getattr(weights, name)) for name in NAMES))
    assert (forward_tokens(images, field.image(tokens), field) == field.image(exact)).all()


def test_no_moments_give_no_rows():
    field = PrimeField(101)
    weights = drawn((2, 3, 1, 3), field, np.random.default_rng(0))
    assert moment_rows(weights, np.zeros((0, 3, 3), dtype=np.int64), field).shape == (0, 3)


def test_evaluation_leaves_its_inputs_alone():
    field = PrimeField(101)
    rng = np.random.default_rng(0)
    weights = drawn((2, 3, 1, 3), field, rng)
    tokens = field.random((2, 4, 3), rng)
    moments = field.matmul(tokens.swapaxes(1, 2), tokens)
    copies = tokens.copy(), moments.copy(), weights.query.copy()
    forward_tokens(weights, tokens, field)
    moment_rows(weights, moments, field)
    assert (tokens == copies[0]).all()
    assert (moments == copies[1]).all()
    assert (weights.query == copies[2]).all()


PARTITIONS = [
    Bipartition.halves(4),
    Bipartition.interleaved(4),
    Bipartition.halves(5),
    Bipartition.of(4, [2, 3]),
    Bipartition.of(4, [3, 1, 2]),
    Bipartition((2, 0), (3, 1)),
    Bipartition((3, 1), (2, 0)),
    Bipartition.of(2, [1]),
]


@pytest.mark.parametrize("partition", PARTITIONS, ids=str)
@pytest.mark.parametrize("prime", [101, 8388593, 2**31 - 1])
@pytest.mark.parametrize("shape", [(1, 2, 1, 2), (2, 3, 3, 1), (3, 2, 1, 1)])
def test_grid_values_are_those_of_the_joined_inputs(partition, prime, shape):
    depth, width, heads, head_dim = shape
    rng = np.random.default_rng(prime)
    field = PrimeField(prime)
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim, tokens=partition.sites)
    instance = model.draw(field, rng)
    rows, columns = instance.sample(partition.a, 4, rng), instance.sample(partition.b, 3, rng)
    values = instance.grid(partition, rows, columns)
    assert values.shape == (4, 3)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            joined = np.zeros((partition.sites, width), dtype=np.int64)
            joined[list(partition.a)] = row
            joined[list(partition.b)] = column
            assert values[i, j] == forward_tokens(instance.weights, joined[None], field)[0, 0, 0]


def test_samples_have_a_token_for_every_site():
    instance = SelfAttention(2, 3, tokens=5).draw(PrimeField(101), np.random.default_rng(0))
    samples = instance.sample((0, 2, 4), 7, np.random.default_rng(1))
    assert samples.shape == (7, 3, 3)
    assert 0 <= samples.min() <= samples.max() < 101


def test_a_moment_grid_adds_the_moments_of_both_sides():
    rng = np.random.default_rng(2)
    field = PrimeField(8388593)
    weights = drawn((2, 2, 1, 2), field, rng)
    left, right = field.random((3, 2, 2), rng), field.random((4, 3, 2), rng)
    values = AttentionInstance(field, weights).grid(Bipartition((0, 1), (2, 3, 4)), left, right)
    for i in range(3):
        for j in range(4):
            joined = np.concatenate([left[i], right[j]])[None]
            assert values[i, j] == forward_tokens(weights, joined, field)[0, 0, 0]
