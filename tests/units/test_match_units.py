from itertools import product
from math import cos, exp, log, pi

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.units.match_units import match2_unit, match3_unit

# Every size at which all inputs are gone through by loops.
SMALL = [(n, m) for n in range(1, 5) for m in range(1, 8) if m**n <= 700]


def inputs_of(tokens, modulus):
    return np.array(list(product(range(modulus), repeat=tokens)))


def match2(x, modulus):
    return [any((a + b) % modulus == 0 for b in x) for a in x]


def match3(x, modulus):
    return [any((a + b + c) % modulus == 0 for b in x for c in x) for a in x]


def weight_of_real_pairs(x, modulus):
    """MATH 5: what the third-order unit puts out for each token, from the scores that are said there."""
    n = len(x)
    sharpness = modulus**2 / 4 * log(4 * n * n)
    blank_pair, mixed = exp(sharpness * (1 - 4 / modulus**2)), 2 * n
    outputs = []
    for a in x:
        real = sum(exp(sharpness * cos(2 * pi * (a + b + c) / modulus)) for b in x for c in x)
        outputs.append(real / (real + blank_pair + mixed))
    return outputs


def weight_of_real_tokens(x, modulus):
    sharpness = modulus**2 / 4 * log(4 * len(x))
    blank = exp(sharpness * (1 - 4 / modulus**2))
    outputs = []
    for a in x:
        real = sum(exp(sharpness * cos(2 * pi * (a + b) / modulus)) for b in x)
        outputs.append(real / (real + blank))
    return outputs


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("tokens", "modulus"), SMALL)
def test_match2_on_all_inputs(tokens, modulus, precision):
    inputs = inputs_of(tokens, modulus)
    unit = match2_unit(tokens, modulus, precision=precision)
    right = np.array([match2(x, modulus) for x in inputs.tolist()])
    np.testing.assert_array_equal(unit.answers(inputs), right)
    outputs = unit.outputs(inputs)
    # Proven: at least 4/5 with a match, at most 1/5 without.
    assert np.where(right, outputs, 1 - outputs).min() > 4 / 5 - 1e-5


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("tokens", "modulus"), [size for size in SMALL if size != (1, 1)])
def test_match3_on_all_inputs(tokens, modulus, precision):
    inputs = inputs_of(tokens, modulus)
    unit = match3_unit(tokens, modulus, precision=precision)
    right = np.array([match3(x, modulus) for x in inputs.tolist()])
    np.testing.assert_array_equal(unit.answers(inputs), right)
    outputs = unit.outputs(inputs)
    # Proven from M = 2: at least 4/7 with a match, and at most 1/5 without.
    if modulus > 1:
        assert outputs[right].min() > 4 / 7 - 1e-5
        assert outputs[~right].max(initial=0) < 1 / 5 + 1e-5


@pytest.mark.parametrize(("tokens", "modulus"), [(1, 2), (2, 3), (3, 5), (4, 6)])
def test_outputs_are_those_of_the_scores(tokens, modulus):
    inputs = np.random.default_rng(0).integers(0, modulus, (40, tokens))
    for make, weight in ((match2_unit, weight_of_real_tokens), (match3_unit, weight_of_real_pairs)):
        expected = np.array([weight(x, modulus) for x in inputs.tolist()])
        np.testing.assert_allclose(make(tokens, modulus).outputs(inputs), expected, rtol=1e-9, atol=1e-300)


def test_third_order_at_the_limits_of_its_proof():
    """One token mod 2 that matches itself is at 4/7 exactly; one token mod 1 would be below 1/2."""
    assert match3_unit(1, 2).outputs([[0]])[0, 0] == pytest.approx(4 / 7, rel=1e-12)
    sharpness = log(4) / 4
    assert exp(sharpness) / (exp(sharpness) + exp(-3 * sharpness) + 2) < 0.376
    with pytest.raises(TensorRankError, match="Match3 of one token mod 1 was asked for; it would answer no"):
        match3_unit(1, 1)


def test_the_sizes_of_the_units():
    second, third = match2_unit(5, 9), match3_unit(5, 9, precision=10)
    assert (second.unit.order, second.unit.dimension, second.unit.heads, second.unit.size) == (2, 3, 1, 3 * 64)
    assert (third.unit.order, third.unit.dimension, third.unit.heads, third.unit.size) == (3, 5, 1, 5 * 10)
    assert str(third) == "Match3 mod 9: AttentionUnit(order 3, dimension 5, 1 head, output dimension 1, 10 bits)"
    assert (third.task.tokens, third.task.modulus, str(third.at("float32").unit.precision)) == (5, 9, "float32")


def test_tokens_of_an_input():
    tokens = match2_unit(2, 4).embed([[0, 1]])
    np.testing.assert_allclose(tokens, [[[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]], atol=1e-15)


def test_some_tokens_ask():
    inputs = np.random.default_rng(0).integers(0, 50, (4, 30))
    for unit in (match2_unit(30, 50), match3_unit(30, 50)):
        np.testing.assert_allclose(unit.outputs(inputs, asking=[29, 3]), unit.outputs(inputs)[:, [29, 3]], rtol=1e-12)
        assert unit.answers(inputs, asking=[0]).shape == (4, 1)


def test_large_inputs_against_loops():
    inputs = np.random.default_rng(0).integers(0, 3001, (3, 64))
    expected = [match2(x, 3001) for x in inputs.tolist()]
    np.testing.assert_array_equal(match2_unit(64, 3001).answers(inputs), expected)
    expected = [match3(x, 3001) for x in inputs.tolist()]
    assert 0 < np.mean(expected) < 1
    np.testing.assert_array_equal(match3_unit(64, 3001).answers(inputs), expected)


def test_match2_in_float32_up_to_its_proven_modulus():
    """Every residue with its match, and beside residues that miss one by 1."""
    a = np.arange(2900)
    for inputs in (
        np.stack([a, -a % 2900], axis=1),
        np.stack([a, (1 - a) % 2900], axis=1),
        np.stack([a[::97], -a[::97] % 2900, *[(1 - a[::97]) % 2900] * 510], axis=1),
    ):
        unit = match2_unit(inputs.shape[1], 2900, precision="float32")
        expected = [[(x[0] + b) % 2900 for b in x].count(0) > 0 for x in inputs.tolist()]
        np.testing.assert_array_equal(unit.answers(inputs, asking=[0])[:, 0], expected)


def test_match3_in_float32_up_to_its_proven_modulus():
    a, b = np.random.default_rng(0).integers(0, 1900, (2, 4000))
    for off in (0, 1, -1):
        inputs = np.stack([a, b, (off - a - b) % 1900], axis=1)
        expected = [match3(x, 1900)[0] for x in inputs.tolist()]
        unit = match3_unit(3, 1900, precision="float32")
        np.testing.assert_array_equal(unit.answers(inputs, asking=[0])[:, 0], expected)
    many = np.stack([a[:3], b[:3], -(a + b)[:3] % 1900, *[a[:3]] * 509], axis=1)
    assert match3_unit(512, 1900, precision="float32").answers(many, asking=[0]).all()


def test_match3_in_float32_beyond_it():
    """One match that rounding hides: 6796 + 5107 + 2099 = 2 x 7001."""
    hidden = [[6796, 5107, 2099, *[6796] * 509]]
    assert match3_unit(512, 7001).answers(hidden, asking=[0])[0, 0]
    assert not match3_unit(512, 7001, precision="float32").answers(hidden, asking=[0])[0, 0]


def test_one_bit_answers_no():
    """All queries, keys and values are 0 then."""
    assert not match2_unit(3, 5, precision=1).outputs([[0, 0, 0]]).any()


@pytest.mark.parametrize("make", [match2_unit, match3_unit])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [((0, 5), "tokens is 0"), ((3, 0), "modulus is 0"), ((3, 2.5), "modulus is 2.5"), ((True, 5), "tokens is True")],
)
def test_what_is_no_size(make, arguments, message):
    with pytest.raises(TensorRankError, match=message):
        make(*arguments)


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        ([[0, 1]], {}, r"inputs have the shape \(1, 2\)"),
        ([[0, 1, 5]], {}, r"inputs hold 5 at \(0, 2\)"),
        ([[0, 1, 0.5]], {}, "inputs are of type float64"),
        ([[0, 1, 2]], {"asking": [3]}, "asking is 3; expected one of the tokens 0 to 2"),
        ([[0, 1, 2]], {"asking": 5}, r"asking is 5; expected a list of whole numbers"),
        ([[0, 1, 2]], {"asking": [-1]}, "asking is -1; expected a whole number"),
        ([[0, 1, 2]], {"memory": 100}, "the memory limit is 100 bytes"),
    ],
)
def test_what_are_no_inputs(inputs, options, message):
    for unit in (match2_unit(3, 5), match3_unit(3, 5)):
        with pytest.raises(TensorRankError, match=message):
            unit.outputs(inputs, **options)
