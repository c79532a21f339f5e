import tracemalloc
from itertools import product
from math import exp, prod

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.precision import Precision


def random_unit(rng, order, heads, dimension, output, token, **options):
    def weights(rows):
        return rng.standard_normal((heads, rows, token))

    keys = tuple(weights(dimension) for _ in range(order - 1))
    values = tuple(weights(output) for _ in range(order - 1))
    return AttentionUnit(weights(dimension), keys, values, **options)


def naive(unit, tokens):
    """The definition, one number at a time."""
    outputs = np.zeros((*tokens.shape[:2], unit.output_dimension))
    for place, x in enumerate(tokens):
        n = len(x)
        for head, i in product(range(unit.heads), range(n)):
            query = unit.query[head] @ x[i]
            terms = []
            for chosen in product(range(n), repeat=unit.order - 1):
                keys = [key[head] @ x[j] for key, j in zip(unit.keys, chosen, strict=True)]
                score = sum(query[c] * prod(key[c] for key in keys) for c in range(unit.dimension))
                values = [value[head] @ x[j] for value, j in zip(unit.values, chosen, strict=True)]
                terms.append((score, np.array([prod(v[o] for v in values) for o in range(unit.output_dimension)])))
            # A score may be beyond exp; all are taken less the largest, which divides out.
            largest = max(score for score, _ in terms)
            weights = [exp(score - largest) for score, _ in terms]
            outputs[place, i] += sum(w * value for w, (_, value) in zip(weights, terms, strict=True)) / sum(weights)
    return outputs


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 4), st.integers(1, 2), st.integers(1, 3), st.integers(1, 3))
@example(205, 4, 2, 2, 1)
def test_against_the_definition(seed, order, heads, dimension, output):
    rng = np.random.default_rng(seed)
    token, n = rng.integers(1, 4), rng.integers(1, 5)
    unit = random_unit(rng, order, heads, dimension, output, token)
    tokens = rng.standard_normal((2, n, token))
    np.testing.assert_allclose(unit(tokens), naive(unit, tokens), rtol=1e-9, atol=1e-9)


def test_order_2_is_the_usual_unit():
    rng = np.random.default_rng(0)
    unit = random_unit(rng, 2, 1, 4, 5, 3)
    x = rng.standard_normal((7, 3))
    q, k, v = unit.query[0], unit.keys[0][0], unit.values[0][0]
    weights = np.exp(x @ q.T @ k @ x.T)
    rows = weights / weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(unit(x[None])[0], rows @ x @ v.T, rtol=1e-10)
    np.testing.assert_allclose(unit.attention(x[None])[0, 0], rows, rtol=1e-10)


@pytest.mark.parametrize("order", [2, 3, 4])
@pytest.mark.parametrize("precision", ["float64", "float32", 12])
def test_blocks_change_nothing_but_rounding(order, precision):
    rng = np.random.default_rng(1)
    unit = random_unit(rng, order, 2, 3, 2, 4, precision=precision, token_range=5)
    n = {2: 100, 3: 30, 4: 10}[order]
    tokens = rng.standard_normal((4, n, 4))
    whole = unit(tokens)
    rtol = 1e-4 if precision == "float32" else 1e-11
    for memory in ("1MiB", "60kB"):
        np.testing.assert_allclose(unit(tokens, memory=memory), whole, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("order", "n"), [(2, 600), (3, 90), (4, 24)])
def test_memory_stays_within_its_limit(order, n):
    rng = np.random.default_rng(2)
    unit = random_unit(rng, order, 2, 5, 3, 4)
    tokens = rng.standard_normal((30, n, 4))
    limit = 2**21
    unit(tokens[:1], asking=[0])
    tracemalloc.start()
    try:
        unit(tokens, asking=range(20), memory=limit)
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("order", [2, 3, 4])
def test_permuted_tokens_have_permuted_outputs(order):
    rng = np.random.default_rng(3)
    unit = random_unit(rng, order, 2, 3, 2, 4)
    tokens = rng.standard_normal((3, 9, 4))
    permuted = rng.permutation(9)
    np.testing.assert_allclose(unit(tokens[:, permuted]), unit(tokens)[:, permuted], rtol=1e-10, atol=1e-12)


def test_the_asking_tokens_are_some_of_all():
    rng = np.random.default_rng(4)
    for order in (2, 3):
        unit = random_unit(rng, order, 1, 3, 2, 4)
        tokens = rng.standard_normal((2, 8, 4))
        np.testing.assert_allclose(unit(tokens, asking=[5, 0, 5]), unit(tokens)[:, [5, 0, 5]], rtol=1e-12)
    rows = random_unit(rng, 2, 3, 3, 2, 4)
    np.testing.assert_allclose(rows.attention(tokens, asking=(7, 1)), rows.attention(tokens)[:, :, [7, 1]], rtol=1e-12)


def test_rows_of_attention_average_the_values():
    rng = np.random.default_rng(5)
    unit = random_unit(rng, 2, 3, 2, 4, 5)
    tokens = rng.standard_normal((2, 6, 5))
    rows = unit.attention(tokens)
    assert rows.shape == (2, 3, 6, 6)
    np.testing.assert_allclose(rows.sum(axis=3), 1, rtol=1e-13)
    values = np.einsum("hod,bnd->bhno", unit.values[0], tokens)
    np.testing.assert_allclose(unit(tokens), (rows @ values).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("order", [2, 3])
def test_scores_of_a_million_do_not_overflow(order, precision):
    """Scores are 10^6 where the product of all tokens of (i, j, ...) is 1, and -10^6 where it is -1."""
    one = np.ones((1, 1, 1))
    unit = AttentionUnit(1e6 * one, (one,) * (order - 1), (one,) * (order - 1), precision=precision)
    found = unit([[[1.0], [-1.0], [-1.0]]], memory="10kB")[0, :, 0]
    # Of order 3, token 0 looks at pairs of equal signs, the others at pairs of different ones.
    assert list(found) == [1, -1, -1]


def test_single_precision_is_computed_in_single_precision():
    """1 and 2^-30 add up to 1 in float32: a query that sees the difference in float64 does not in float32."""
    sum_of_both = np.ones((1, 1, 2))
    key = np.array([[[1.0, 1.0]]])
    tokens = [[[1.0, 0.0], [1.0, 2.0**-30]]]
    double = AttentionUnit(2.0**31 * sum_of_both, (key,), (np.array([[[0.0, 2.0**30]]]),))
    assert double(tokens)[0, 0, 0] == pytest.approx(1 / (1 + exp(-2)), rel=1e-5)
    assert double.at("float32")(tokens)[0, 0, 0] == 0.5
    assert double.at("float32")(tokens).dtype == np.float64


def test_fixed_point_rounds_queries_keys_and_values():
    rng = np.random.default_rng(6)
    token_range = np.array([2.0, 0.5, 1.0])
    unit = random_unit(rng, 2, 2, 3, 2, 3, precision=6, token_range=token_range)
    tokens = token_range * rng.uniform(-1, 1, (2, 5, 3))
    rounded = []
    for weights in (unit.query, unit.keys[0], unit.values[0]):
        bound = max(sum(abs(w) * r for w, r in zip(row, token_range, strict=True)) for row in weights.reshape(-1, 3))
        projected = np.einsum("hod,bnd->bhno", weights, tokens)
        assert np.abs(projected).max() <= bound
        rounded.append(Precision(6).rounded(projected, bound))
    q, k, v = rounded
    weights = np.exp(q @ k.swapaxes(2, 3))
    expected = (weights / weights.sum(axis=3, keepdims=True) @ v).sum(axis=1)
    np.testing.assert_allclose(unit(tokens), expected, rtol=1e-12)
    assert not np.allclose(unit.at("float64")(tokens), expected, rtol=1e-4)


def test_numbers_and_words():
    unit = random_unit(np.random.default_rng(0), 3, 2, 5, 1, 4, precision=8)
    assert (unit.order, unit.heads, unit.dimension, unit.output_dimension, unit.token_dimension) == (3, 2, 5, 1, 4)
    assert (unit.size, unit.at("float32").size, unit.at("float64").size) == (5 * 2 * 8, 320, 640)
    assert repr(unit) == "AttentionUnit(order 3, dimension 5, 2 heads, output dimension 1, 8 bits)"


def test_no_inputs_and_no_asking_tokens():
    unit = random_unit(np.random.default_rng(0), 3, 1, 2, 3, 4)
    assert unit(np.zeros((0, 5, 4))).shape == (0, 5, 3)
    assert unit(np.zeros((2, 5, 4)), asking=[]).shape == (2, 0, 3)


def test_what_does_not_fit_into_memory():
    tokens = np.zeros((50, 40, 4))
    unit = random_unit(np.random.default_rng(0), 2, 1, 2, 3, 4)
    with pytest.raises(TensorRankError, match=r"46.9 KiB of outputs, one .* limit is 9.77 KiB. Try"):
        unit(tokens, memory="10kB")
    with pytest.raises(TensorRankError, match=r"50 x 1 x 40 rows over 40 tokens would take .* limit is 9.77 KiB. Try"):
        unit.attention(tokens, memory="10kB")
    with pytest.raises(TensorRankError, match="the memory limit is 'much'"):
        unit(tokens, memory="much")
    quartic = random_unit(np.random.default_rng(0), 4, 1, 2, 3, 4)
    with pytest.raises(
        TensorRankError, match=r"4 over 400 tokens, with 24 bytes of outputs, one .* would take about 1[0-9]\.. MiB"
    ):
        quartic(np.zeros((1, 400, 4)), asking=[0], memory="1MiB")


@pytest.mark.parametrize("call", ["__call__", "attention"])
@pytest.mark.parametrize(
    ("tokens", "asking", "message"),
    [
        (np.zeros((2, 4)), None, r"tokens of the shape \(2, 4\) were given; expected \(count, N, 4\)"),
        (np.zeros((1, 2, 3)), None, r"tokens of the shape \(1, 2, 3\)"),
        (np.zeros((1, 0, 4)), None, "at least one token"),
        (np.full((1, 2, 4), np.nan), None, r"the entry \(0, 0, 0\) of the tokens is nan; expected finite"),
        (np.full((1, 2, 4), True), None, "an entry of the tokens is True; expected real numbers"),
        (np.full((1, 2, 4), 1j), None, "an entry of the tokens is 1j; expected real numbers"),
        (np.zeros((1, 2, 4)), [2], "asking is 2; expected one of the tokens 0 to 1"),
        (np.zeros((1, 2, 4)), [-1], "asking is -1; expected a whole number"),
        (np.zeros((1, 2, 4)), [0.5], r"asking is \[0.5\]; expected a list of whole numbers"),
        (np.zeros((1, 2, 4)), 5, r"asking is 5; expected a list of whole numbers"),
        (np.zeros((1, 2, 4)), np.array(0), r"asking is array\(0\); expected a list of whole numbers"),
        ([[[1.0, 2.0], [3.0]]], None, "lists of unequal lengths were given as the tokens"),
        (np.full((1, 2, 4), 1e200), None, "a score overflows float64"),
    ],
)
def test_what_are_no_tokens(call, tokens, asking, message):
    unit = random_unit(np.random.default_rng(0), 2, 1, 2, 3, 4)
    with pytest.raises(TensorRankError, match=message):
        getattr(unit, call)(tokens, asking=asking)


def test_what_overflows_single_precision_only():
    unit = random_unit(np.random.default_rng(0), 2, 1, 2, 3, 4)
    assert np.isfinite(unit(np.full((1, 2, 4), 1e25))).all()
    with pytest.raises(TensorRankError, match="a score overflows float32"):
        unit.at("float32")(np.full((1, 2, 4), 1e25))


def test_values_whose_product_overflows():
    one = np.ones((1, 1, 1))
    unit = AttentionUnit(0 * one, (0 * one, 0 * one), (one, one))
    assert unit([[[1e150]]])[0, 0, 0] == pytest.approx(1e300, rel=1e-12)
    with pytest.raises(TensorRankError, match="an output overflows float64"):
        unit([[[1e200]]])


def test_rows_are_of_order_2():
    with pytest.raises(TensorRankError, match="rows of attention were asked of order 3; only order 2 has them"):
        random_unit(np.random.default_rng(0), 3, 1, 2, 3, 4).attention(np.zeros((1, 2, 4)))


ONES = np.ones((1, 2, 3))


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((np.ones((2, 3)), (ONES,), (ONES,)), {}, r"the query has the shape \(2, 3\); expected \(heads, dimension"),
        ((np.ones((1, 0, 3)), (ONES,), (ONES,)), {}, "none of them 0"),
        ((ONES, (ONES[:, :1],), (ONES,)), {}, r"key 1 has the shape \(1, 1, 3\); expected \(1, 2, 3\)"),
        ((ONES, (ONES, ONES[..., :1]), (ONES, ONES)), {}, "key 2 has the shape"),
        ((ONES, (ONES,), (ONES, ONES)), {}, "1 keys and 2 values were given; expected s - 1 of each"),
        ((ONES, None, None), {}, "keys are None; expected a tuple of s - 1 arrays"),
        ((ONES, (ONES,), 3), {}, "values are 3; expected a tuple of s - 1 arrays"),
        (([[[1.0], [1.0, 2.0]]], (ONES,), (ONES,)), {}, "lists of unequal lengths were given as the query"),
        ((ONES, (), ()), {}, "0 keys and 0 values were given"),
        ((ONES, (ONES,), (ONES[..., :2],)), {}, r"value 1 has the shape \(1, 2, 2\); expected \(1, 2, 3\)"),
        ((ONES, (ONES, ONES), (ONES, ONES[:, :1])), {}, "value 2 has the shape"),
        ((ONES * np.inf, (ONES,), (ONES,)), {}, r"the entry \(0, 0, 0\) of the query is inf; expected finite"),
        ((ONES, (ONES,), (ONES > 0,)), {}, "an entry of value 1 is True; expected real numbers"),
        ((ONES, (ONES,), (ONES,)), {"precision": "half"}, "the precision is 'half'"),
        ((ONES, (ONES,), (ONES,)), {"token_range": -1}, "the range of tokens is -1; expected one number of at least 0"),
        ((ONES, (ONES,), (ONES,)), {"token_range": [1, 1]}, "or one for each of 3 coordinates"),
    ],
)
def test_what_is_no_unit(arguments, options, message):
    with pytest.raises(TensorRankError, match=message):
        AttentionUnit(*arguments, **options)
