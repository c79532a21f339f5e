"""Stacks of attention against plain loops, networkx and the depths that are proved, on all inputs of small sizes."""

import networkx as nx
import numpy as np
import pytest
from tasks.naive_tasks import composed, hops

from tensorrank.errors import TensorRankError
from tensorrank.tasks.disjointness import Disjointness
from tensorrank.tasks.function_composition import FunctionComposition
from tensorrank.tasks.induction_heads import InductionHeads
from tensorrank.tasks.one_or_two_cycles import OneOrTwoCycles
from tensorrank.units.pointer_stacks import composition_stack, cycles_stack, induction_heads_stack, stack_for
from tensorrank.units.stack_checks import check_stack, least_bits_of_stack
from tensorrank.units.task_units import check_units


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("times", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize(("tokens", "symbols"), [(2, 2), (4, 3), (7, 2), (5, 4)])
def test_hops_are_right_on_all_inputs(tokens, symbols, times, precision):
    words = InductionHeads(tokens, symbols).all_inputs()
    stack = induction_heads_stack(tokens, symbols, hops=times, precision=precision)
    assert stack.answers(words).tolist() == [hops(word, times) for word in words.tolist()]


@pytest.mark.parametrize(("times", "layers"), [(1, 2), (2, 3), (3, 3), (4, 4), (7, 4), (8, 5), (15, 5), (16, 6)])
def test_hops_take_the_layers_that_are_proved(times, layers):
    # floor(log2 k) + 2, of one head and a dimension that depends on nothing.
    stack = induction_heads_stack(30, 5, hops=times).stack
    assert (len(stack.layers), stack.heads, stack.dimension) == (layers, 1, 3)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("points", [2, 3])
def test_composition_is_right_on_all_inputs_with_two_layers(points, precision):
    words = FunctionComposition(points).all_inputs()
    unit = composition_stack(points, precision=precision)
    assert unit.answers(words).tolist() == [composed(word, points) for word in words.tolist()]
    assert (len(unit.stack.layers), unit.stack.heads, unit.stack.dimension) == (2, 1, 2)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("vertices", "layers"), [(6, 2), (8, 3)])
def test_cycles_are_told_apart_on_all_graphs(vertices, layers, precision):
    graphs = OneOrTwoCycles(vertices).all_inputs()
    unit = cycles_stack(vertices, precision=precision)
    expected = [nx.is_connected(nx.from_numpy_array(graph)) for graph in graphs]
    assert unit.answers(graphs).tolist() == expected
    # Cycles through all vertices, (n - 1)! / 2, and pairs of cycles through half of them.
    assert sum(expected) == {6: 60, 8: 2520}[vertices]
    assert len(graphs) == {6: 70, 8: 2835}[vertices]
    assert (len(unit.stack.layers), unit.stack.heads, unit.stack.dimension) == (layers, 2, 2)


def test_long_inputs_at_random():
    found = check_stack(induction_heads_stack(300, 40, hops=6), 20, seed=1)
    assert (found.inputs, found.wrong, found.layers) == (20, 0, 4)
    words = InductionHeads(300, 40).examples(6, seed=2).inputs
    assert induction_heads_stack(300, 40, hops=6).answers(words).tolist() == [hops(word, 6) for word in words.tolist()]
    assert check_stack(composition_stack(100), 20).passed
    assert check_stack(cycles_stack(100), 20).passed


def test_few_bits_are_wrong_and_the_least_that_suffice_are_found():
    unit = induction_heads_stack(4, 3)
    least = least_bits_of_stack(unit)
    assert check_stack(unit.at(least)).passed
    assert not check_stack(unit.at(least - 1)).passed
    assert not check_stack(unit.at(1)).passed


def test_checks_say_what_was_checked():
    found = check_stack(induction_heads_stack(4, 3))
    assert (found.exhaustive, found.inputs, found.layers, found.heads, found.width) == (True, 81, 2, 1, 13)
    assert str(found).startswith("induction heads over 3 symbols, 2 layers, float64: no wrong answer to all 81 inputs, ")
    random = check_stack(induction_heads_stack(20, 3))
    assert (random.exhaustive, random.inputs) == (False, 200)
    given = check_stack(cycles_stack(6), OneOrTwoCycles(6).examples(5).inputs)
    assert (given.exhaustive, given.inputs) == (False, 5)
    (unit,) = check_units(FunctionComposition(2), "all")
    assert (unit.exhaustive, unit.inputs, unit.passed) == (True, 32, True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stack_for(Disjointness(3)), r"no stack of attention is known here for .*; expected one of InductionHeads"),
        (lambda: induction_heads_stack(4, 2, hops=0), "hops is 0; expected a whole number of at least 1"),
        (lambda: induction_heads_stack(1, 2), "tokens is 1; expected a whole number of at least 2"),
        (lambda: cycles_stack(9), "vertices is 9; expected an even number from 6"),
        (lambda: composition_stack(2, precision="half"), "the precision is 'half'; expected 'float64', 'float32'"),
        (lambda: composition_stack(2).answers([[0, 1, 1, 0, 2]]), r"inputs hold 2 at \(0, 4\)"),
        (lambda: check_stack(composition_stack(2), np.zeros((0, 5), int)), "no answers were to be compared"),
        (lambda: check_stack(composition_stack(2), 0), "inputs is 0; expected a whole number of at least 1"),
        (lambda: check_stack(composition_stack(2), "some"), "inputs is 'some'; expected 'auto', 'all', how many, or an array"),
        (lambda: check_stack(composition_stack(9), "all"), r"the inputs of composition of functions of 9 points, 9\^19"),
        (lambda: check_stack(cycles_stack(10**9), work=1e10), r"would take about \S+ operations; the work limit is 1e\+10"),
        (lambda: induction_heads_stack(9, 2).answers([[0] * 9], memory="1KiB"), "over 10 tokens would take about .* 1 KiB"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()
