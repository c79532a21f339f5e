"""Bounds on coefficients: against the sums of their absolute values, computed as written in Python's fractions.

Absolute values of all numbers given, and ones for all that is drawn, turn a value into a bound on the sum of its
coefficients. The denominators are those of the definition: as many factors as the degree in each array.
"""

from fractions import Fraction
from itertools import product
from math import lcm, log2, prod

import numpy as np
import pytest
from as_written import attention_output, gated_output, graph_output, recurrent_output

from tensorrank import (
    ConvolutionalCircuit,
    GatedRecurrence,
    GraphNetwork,
    HiddenMarkov,
    LatentClass,
    RecurrentCircuit,
    SelfAttention,
    SumProduct,
    Tensor,
    TensorNetwork,
)
from tensorrank.arithmetic.heights import bits

VARIANTS = [
    {},
    {"residual": True},
    {"causal": True, "residual": True, "output_token": 3},
    {"embedding_rank": 2},
    {"positional": True},
    {"embedding_rank": 2, "positional": True, "residual": True},
    {"heads": 2, "head_dim": 2, "kv_heads": 1, "residual": True},
    {"feedforward": "bilinear", "hidden": 2},
    {"feedforward": "bilinear", "hidden": 2, "residual": True, "positional": True},
]
# What bits of denominators, which are added, and rounding may add.
SLACK = 1e-3


def fractions(rng, shape):
    whole = rng.integers(-9, 10, shape)
    return np.array([Fraction(int(n), int(rng.choice([1, 2, 3, 7, 2**40]))) for n in whole.flat]).reshape(shape)


def denominator(array):
    return lcm(*(Fraction(one).denominator for one in np.asarray(array).ravel().tolist()))


def output_at_ones(model, weights):
    """The output of attention for tokens of ones and the given weights, all of which are at least 0."""
    return attention_output(model, weights, [[1] * model.input_width] * model.tokens)


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_attention_with_weights_that_are_drawn(variant, depth):
    model = SelfAttention(depth, 3, tokens=4, **variant)
    ones = {name: np.ones(shape, dtype=object) for name, (_, shape) in model.shapes.items()}
    exact = log2(output_at_ones(model, ones))
    assert exact <= model.value_bits() + SLACK
    if not model.causal:
        assert model.value_bits() <= exact + SLACK


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_attention_with_given_weights(variant, depth):
    model = SelfAttention(depth, 3, tokens=4, **variant)
    weights = {name: fractions(np.random.default_rng(depth), shape) for name, (_, shape) in model.shapes.items()}
    absolute = output_at_ones(model, {name: np.abs(array) for name, array in weights.items()})
    layer = prod(denominator(weights[name]) for name in ("query", "key", "value", "output"))
    outside = prod(denominator(weights[name]) for name in ("embedding", "positions") if name in weights)
    forward = prod(denominator(weights[name]) for name in ("up", "gate", "down") if name in weights)
    # The factors of a token after one layer of both kinds are 2 (3 n + 1) and 2 (3 n) + 1.
    factors = 2 * (6**depth - 1) // 5 if model.feedforward else model.moment_degree
    cleared = absolute * layer**factors * forward ** ((6**depth - 1) // 5) * outside**model.input_degree
    assert cleared.denominator == 1
    assert bits(int(cleared)) <= model.value_bits(weights)


@pytest.mark.parametrize("circuit", [RecurrentCircuit(1, 2, 3, 3), RecurrentCircuit(2, 2, 2, 3), RecurrentCircuit(3, 1, 2, 2)])
def test_recurrent_circuits(circuit):
    ones = {name: np.ones(shape, dtype=object) for name, (_, shape) in circuit.shapes.items()}
    assert circuit.value_bits() == pytest.approx(log2(recurrent_output(circuit, ones, (0,) * circuit.steps)))
    weights = {name: fractions(np.random.default_rng(1), shape) for name, (_, shape) in circuit.shapes.items()}
    # Multiplied by its denominator an array gives the whole numbers of which a value is a polynomial.
    scaled = {name: np.abs(array * denominator(array)) for name, array in weights.items()}
    largest = max(recurrent_output(circuit, scaled, at) for at in product(range(circuit.channels), repeat=circuit.steps))
    assert bits(largest) <= circuit.value_bits(weights)


@pytest.mark.parametrize("gates", ["inputs", "constant", ("none", "inputs"), ("inputs", "none")], ids=str)
@pytest.mark.parametrize("tokens", [2, 3])
def test_recurrences_with_gates(gates, tokens):
    model = GatedRecurrence(2, 2, 2, tokens, heads=2, gates=gates)
    inputs = [[1] * model.width] * tokens
    ones = {name: np.ones(shape, dtype=object) for name, (_, shape) in model.shapes.items()}
    assert model.value_bits() == pytest.approx(log2(gated_output(model, ones, inputs)))
    weights = {name: fractions(np.random.default_rng(1), shape) for name, (_, shape) in model.shapes.items()}
    absolute = gated_output(model, {name: np.abs(array) for name, array in weights.items()}, inputs)
    # Multiplied by the denominator of an array for each time that it occurs in some term, a value is whole.
    cleared = absolute * prod(denominator(array) ** occurrences(model, inputs, name) for name, array in weights.items())
    assert cleared.denominator == 1
    assert bits(int(cleared)) <= model.value_bits(weights)


def occurrences(model, inputs, name):
    """How often a weight of this name occurs in the longest of the terms, from the size of a value at a large one."""
    base = 10**40
    weights = {one: np.full(shape, base if one == name else 1, dtype=object) for one, (_, shape) in model.shapes.items()}
    return (len(str(gated_output(model, weights, inputs))) - 1) // 40


@pytest.mark.parametrize("output_vertex", [None, 1])
def test_graph_networks(output_vertex):
    model = GraphNetwork("path:3", 2, 2, features=3, output_vertex=output_vertex)
    inputs = [[1] * model.features] * model.vertices
    ones = {name: np.ones(shape, dtype=object) for name, (_, shape) in model.shapes.items()}
    assert model.value_bits() == pytest.approx(log2(graph_output(model, ones, inputs)))
    weights = {name: fractions(np.random.default_rng(1), shape) for name, (_, shape) in model.shapes.items()}
    # Multiplied by its denominator an array gives the whole numbers of which a value is a polynomial.
    scaled = {name: np.abs(array * denominator(array)) for name, array in weights.items()}
    assert bits(graph_output(model, scaled, inputs)) <= model.value_bits(weights)


@pytest.mark.parametrize("shared", [False, True])
def test_convolutional_circuits_are_as_large_as_their_networks(shared):
    circuit = ConvolutionalCircuit(4, channels=2, widths=(3, 2), shared=shared)
    ones = {name: np.ones(shape, dtype=int) for name, (_, shape) in circuit.shapes.items()}
    assert log2(circuit.to_network(ones).contract().sum()) <= circuit.value_bits() + SLACK
    weights = {name: fractions(np.random.default_rng(2), shape) for name, (_, shape) in circuit.shapes.items()}
    scaled = {name: np.abs(array * denominator(array)).astype(float) for name, array in weights.items()}
    assert log2(circuit.to_network(scaled).contract().sum()) <= circuit.value_bits(weights)


def test_networks():
    rng = np.random.default_rng(3)
    arrays = [fractions(rng, (2, 3)), rng.normal(size=(3, 3, 2)), rng.integers(-5, 6, (2, 2))]
    legs = [("x", "a"), ("a", "y", "b"), ("b", "z")]
    network = TensorNetwork(tuple(map(Tensor, "ABC", legs, arrays)), ("x", "y", "z"))
    absolute = [np.array([abs(Fraction(one)) for one in array.ravel().tolist()]).reshape(array.shape) for array in arrays]
    total = sum(
        absolute[0][x, a] * absolute[1][a, y, b] * absolute[2][b, z]
        for x, a, y, b, z in product(range(2), range(3), range(3), range(2), range(2))
    )
    cleared = total * prod(map(denominator, arrays))
    assert log2(cleared) <= network.architecture().value_bits()


@pytest.mark.parametrize(
    "model",
    [
        HiddenMarkov.random(2, 2, 4, seed=0, fractions=True),
        LatentClass.random((2,) * 4, 3, seed=0, fractions=True),
        SumProduct.random(5, symbols=2, seed=0, fractions=True),
        SumProduct.perfect_matchings(4, symbols=2, seed=0, fractions=True),
    ],
    ids=str,
)
def test_mixtures(model):
    values = [Fraction(value) for value in model.probability(list(product(*map(range, model.shape))))]
    assert sum(values) == 1
    # So the common denominator of all values is the sum of the whole numbers that they become.
    assert log2(lcm(*(value.denominator for value in values))) <= model.architecture().value_bits()
