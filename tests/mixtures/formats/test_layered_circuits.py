"""Layers of units against their definition, evaluated unit by unit at all values of the variables."""

import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mixtures.brute_force import all_states

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.formats.layered_circuits import Layer, network_of, sum_product_of

VALUES = 2


def units_at(layers, row):
    """The values of all units of every layer, by the definition of its kind."""
    found = []
    for layer in layers:
        below = [found[one] for one in layer.inputs]
        if layer.kind == "input":
            found.append([unit[row[layer.variable]] for unit in layer.table])
        elif layer.kind == "sum":
            whole = list(itertools.chain(*below))
            found.append([sum(w * one for w, one in zip(weights, whole, strict=True)) for weights in layer.table])
        elif layer.kind == "Hadamard":
            found.append([prod(parts) for parts in zip(*below, strict=True)])
        else:
            found.append([prod(parts) for parts in itertools.product(*below)])
    return found


def leaf(variable):
    return Layer(f"x{variable}", "input", (), np.ones((1, 2)), 1, variable)


def table_of(layers, sites):
    states = all_states((VALUES,) * sites)
    return np.array([units_at(layers, row)[-1][0] for row in states], dtype=float)


@st.composite
def circuits(draw, numbers):
    """A tree of layers over up to five variables in any order, of Hadamard and Kronecker products and sums."""
    sites, units = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    layers = []

    def table(rows, columns):
        entries = draw(st.lists(numbers, min_size=rows * columns, max_size=rows * columns))
        return np.array(entries, dtype=float).reshape(rows, columns)

    def add(kind, inputs, values, count, variable=None):
        layers.append(Layer(f"layer {len(layers)}", kind, inputs, values, count, variable))
        return len(layers) - 1

    tops = [add("input", (), table(units, VALUES), units, v) for v in draw(st.permutations(range(sites)))]
    while len(tops) > 1:
        taken = [tops.pop(0) for _ in range(min(len(tops), draw(st.integers(2, 3))))]
        kind = draw(st.sampled_from(["Hadamard", "Kronecker"]))
        count = units if kind == "Hadamard" else units ** len(taken)
        product = add(kind, tuple(taken), None, count)
        tops.append(add("sum", (product,), table(units, count), units))
    add("sum", (tops[0],), table(1, units), 1)
    return layers, sites


@settings(max_examples=60, deadline=None)
@given(circuits(st.integers(-3, 3)))
def test_a_network_of_any_signs_has_the_values_of_the_circuit(case):
    layers, sites = case
    np.testing.assert_array_equal(network_of(layers).contract().ravel(), table_of(layers, sites))


@settings(max_examples=60, deadline=None)
@given(circuits(st.integers(0, 3)))
def test_a_sum_product_network_has_the_values_of_the_circuit_divided_by_their_sum(case):
    layers, sites = case
    table = table_of(layers, sites)
    if not table.sum():
        with pytest.raises(TensorRankError, match="the circuit is zero everywhere"):
            sum_product_of(layers)
        return
    found = sum_product_of(layers).probability(all_states((VALUES,) * sites))
    np.testing.assert_allclose(found, table / table.sum(), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(circuits(st.integers(-3, 3)), st.data())
def test_ranks_at_any_cut_are_those_of_the_table(case, data):
    layers, sites = case
    if sites > 1:
        cut = tr.Bipartition.of(sites, data.draw(st.sets(st.integers(0, sites - 1), min_size=1, max_size=sites - 1)))
        matrix = table_of(layers, sites).reshape((VALUES,) * sites).transpose(cut.a + cut.b).reshape(VALUES ** len(cut.a), -1)
        assert tr.separation_rank(network_of(layers), cut, threads=1).value == np.linalg.matrix_rank(matrix)


def test_products_of_all_choices_may_stand_below_other_products():
    rng = np.random.default_rng(0)
    layers = [Layer(f"x{v}", "input", (), rng.integers(-3, 4, (2, VALUES)).astype(float), 2, v) for v in range(2)]
    layers.append(Layer("x2", "input", (), rng.integers(-3, 4, (4, VALUES)).astype(float), 4, 2))
    layers.append(Layer("pairs", "Kronecker", (0, 1), None, 4))
    layers.append(Layer("all", "Hadamard", (3, 2), None, 4))
    layers.append(Layer("top", "sum", (4,), rng.integers(-3, 4, (1, 4)).astype(float), 1))
    np.testing.assert_array_equal(network_of(layers).contract().ravel(), table_of(layers, 3))


def test_two_ways_to_split_share_a_layer_in_a_sum_product_network_but_in_no_tensor_network():
    rng = np.random.default_rng(0)
    layers = [Layer(f"x{v}", "input", (), rng.random((2, VALUES)), 2, v) for v in range(3)]
    layers.append(Layer("x0 x1", "Hadamard", (0, 1), None, 2))
    layers.append(Layer("x1 x2", "Hadamard", (1, 2), None, 2))
    layers.append(Layer("left", "Hadamard", (3, 2), None, 2))
    layers.append(Layer("right", "Hadamard", (0, 4), None, 2))
    layers.append(Layer("mixed", "sum", (5, 6), rng.random((1, 4)), 1))
    table = table_of(layers, 3)
    np.testing.assert_allclose(sum_product_of(layers).probability(all_states((VALUES,) * 3)), table / table.sum())
    with pytest.raises(TensorRankError, match="x0 is used 2 times; expected a tree of layers"):
        network_of(layers)
    with pytest.raises(TensorRankError, match="top adds up 2 layers; expected a tree of layers"):
        network_of([leaf(0), leaf(0), Layer("top", "sum", (0, 1), np.ones((1, 2)), 1)])


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            [leaf(0), leaf(1), Layer("top", "sum", (0, 1), np.ones((1, 2)), 1)],
            "top is not smooth: x0 has the variables 0 and x1 1; expected the same",
        ),
        (
            [leaf(0), leaf(0), Layer("top", "Hadamard", (0, 1), None, 1)],
            "top is not decomposable: x0 shares the variables 0 with the layers before it",
        ),
        ([Layer("x0", "input", (), np.ones((3, 2)), 3, 0)], "x0, the output, has 3 units; expected one value"),
        ([leaf(1)], "the variables are 1; expected 0 to N - 1"),
    ],
)
def test_what_is_no_smooth_and_decomposable_circuit_of_one_value_is_refused_by_the_layer(layers, message):
    for make in (sum_product_of, network_of):
        with pytest.raises(TensorRankError, match=message):
            make(layers)


def test_negative_numbers_make_no_sum_product_network():
    with pytest.raises(TensorRankError, match=r"x has the negative entry -2; expected none .* to=\"network\""):
        sum_product_of([Layer("x", "input", (), np.array([[1.0, -2.0]]), 1, 0)])


def test_products_of_hundreds_of_tiny_units_do_not_underflow():
    layers = [Layer(f"x{v}", "input", (), np.array([[1e-5, 3e-5]]), 1, v) for v in range(200)]
    layers.append(Layer("top", "Hadamard", tuple(range(200)), None, 1))
    model = sum_product_of(layers)
    assert model.log_density([[1] * 200])[0] == pytest.approx(200 * np.log(0.75))
