from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.units.checks import check_unit, least_bits_for
from tensorrank.units.variant_units import bigram_units, local_unit


def bigram(x, i, modulus):
    return any((x[i] + x[j] + x[j + 1]) % modulus == 0 for j in range(len(x) - 1))


def local(x, i, modulus, window):
    near = [j for j in range(len(x)) if abs(j - i) <= window]
    return any((x[i] + x[j] + x[k]) % modulus == 0 for j in near for k in near)


@pytest.mark.parametrize(("tokens", "modulus"), [(1, 1), (1, 4), (2, 1), (2, 2), (3, 5), (4, 7), (5, 4)])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_two_layers_solve_the_bigram_variant_on_all_inputs(tokens, modulus, precision):
    found = check_unit(bigram_units(tokens, modulus, precision=precision))
    assert (found.inputs, found.exhaustive, found.wrong) == (modulus**tokens, True, 0)


@pytest.mark.parametrize(
    ("tokens", "modulus", "window"), [(1, 1, 0), (1, 5, 3), (2, 3, 1), (3, 5, 0), (4, 7, 1), (5, 5, 2), (4, 4, 9)]
)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_one_layer_solves_the_local_variant_on_all_inputs(tokens, modulus, window, precision):
    found = check_unit(local_unit(tokens, modulus, window, precision=precision))
    assert (found.inputs, found.exhaustive, found.wrong) == (modulus**tokens, True, 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 4), st.integers(0, 2**32))
def test_answers_are_those_of_plain_loops(tokens, modulus, window, seed):
    inputs = np.random.default_rng(seed).integers(modulus, size=(3, tokens))
    pairs, near = bigram_units(tokens, modulus), local_unit(tokens, modulus, window)
    expected = [[bigram(x, i, modulus) for i in range(tokens)] for x in inputs.tolist()]
    assert pairs.answers(inputs).tolist() == expected
    expected = [[local(x, i, modulus, window) for i in range(tokens)] for x in inputs.tolist()]
    assert near.answers(inputs).tolist() == expected


@pytest.mark.parametrize("make", [bigram_units, lambda n, m: local_unit(n, m, 3)], ids=["bigram", "local"])
def test_many_tokens_and_residues(make):
    for tokens, modulus in ((64, 101), (512, 1009)):
        found = check_unit(make(tokens, modulus), inputs=4, seed=tokens)
        assert (found.wrong, found.answers) == (0, 4 * tokens)


def test_sizes_hardly_grow_with_the_tokens():
    for tokens in (8, 64, 512):
        two = bigram_units(tokens, 17)
        assert (two.lookup.dimension, two.lookup.heads, two.unit.dimension, two.unit.heads) == (2, 1, 3, 1)
        one = local_unit(tokens, 17, 3)
        assert (one.unit.order, one.unit.dimension, one.unit.heads) == (2, 2, 6)
    # The positions next to each other differ by 8/N^2 of the score: two more bits when N doubles.
    bits = [least_bits_for(local_unit(tokens, 5, 1), inputs=40) for tokens in (8, 16, 32)]
    assert all(0 <= more - less <= 4 for less, more in pairwise(bits))


def test_a_precision_holds_for_all_units():
    coarse = bigram_units(4, 5).at(7)
    assert str(coarse.lookup.precision) == str(coarse.unit.precision) == "7 bits"
    assert str(local_unit(4, 5, 1).at("float32").unit.precision) == "float32"
    assert check_unit(bigram_units(5, 7).at(2)).wrong > 0


@pytest.mark.parametrize("construction", [bigram_units(3, 5), local_unit(3, 5, 1)], ids=["bigram", "local"])
def test_what_are_no_inputs(construction):
    for inputs, options, message in (
        ([[0, 1, 5]], {}, "inputs hold 5"),
        ([[0, 1]], {}, "inputs have the shape"),
        ([[0, 1, 2]], {"asking": [3]}, "asking is 3; expected one of the tokens 0 to 2"),
        ([[0, 1, 2]], {"asking": 5}, r"asking is 5; expected a list of whole numbers"),
        ([[0, 1, 2]], {"memory": 100}, "the memory limit is 100 bytes"),
    ):
        with pytest.raises(TensorRankError, match=message):
            construction.outputs(inputs, **options)
    assert construction.outputs([[0, 1, 2], [1, 1, 1]], asking=[2]).shape == (2, 1)
    assert construction.outputs(np.zeros((0, 3), dtype=int)).shape == (0, 3)
    for make in (lambda: bigram_units(0, 5), lambda: local_unit(3, 0, 1), lambda: local_unit(3, 5, -1)):
        with pytest.raises(TensorRankError, match="expected a whole number of at least"):
            make()
