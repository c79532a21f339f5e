from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from tensorrank.errors import TensorRankError
from tensorrank.units.bottleneck import (
    BottleneckRow,
    bottleneck_table,
    head_for,
    least_head_dimension,
    published_counterexample,
)


def softmax(scores):
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def scores_of(head, tokens):
    return (head.query @ tokens).T @ (head.key @ tokens)


def rank(matrix):
    return flint.fmpz_mat(np.asarray(matrix).astype(int).tolist()).rank()


def some_head_exists(logits, tokens):
    """Whether X^T W X - c 1^T = S can be solved for W and c: linear equations, over the rationals."""
    n, d = len(logits), len(tokens)
    rows = []
    for i in range(n):
        for j in range(n):
            products = [int(tokens[a, i] * tokens[b, j]) for a in range(d) for b in range(d)]
            rows.append([*products, *(-1 if k == i else 0 for k in range(n)), int(logits[i, j])])
    return rank([row[:-1] for row in rows]) == rank(rows)


@st.composite
def problems(draw):
    n, d, r = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(st.integers(0, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    span = rng.integers(-2, 3, (d, draw(st.integers(1, d)))) if draw(st.booleans()) else np.eye(d, dtype=int)
    tokens = span @ rng.integers(-2, 3, (span.shape[1], n))
    weights = rng.integers(-2, 3, (d, r)) @ rng.integers(-2, 3, (r, d))
    planted = tokens.T @ weights @ tokens + rng.integers(-5, 6, (n, 1))
    return tokens, planted, r, rng.integers(-2, 3, (n, n))


@settings(max_examples=80, deadline=None)
@given(problems())
def test_patterns_that_a_head_produces(problem):
    tokens, logits, r, _ = problem
    least = least_head_dimension(logits, tokens)
    ones = np.ones((1, len(logits)), dtype=int)
    assert least == rank(np.vstack([logits, ones])) - 1 <= min(r, len(logits) - 1)
    head = head_for(logits, tokens)
    assert head.query.shape == head.key.shape == (least, len(tokens))
    np.testing.assert_allclose(softmax(scores_of(head, tokens)), softmax(logits), atol=1e-9)


@settings(max_examples=80, deadline=None)
@given(problems())
def test_any_pattern_on_any_tokens(problem):
    tokens, _, _, logits = problem
    least = least_head_dimension(logits, tokens)
    assert (least is not None) == some_head_exists(logits, tokens)
    if least is None:
        with pytest.raises(TensorRankError, match="no head of any dimension produces this pattern"):
            head_for(logits, tokens)
    else:
        np.testing.assert_allclose(softmax(scores_of(head_for(logits, tokens), tokens)), softmax(logits), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_order_scale_and_coordinates_do_not_matter(problem, random):
    tokens, planted, _, other = problem
    order = random.sample(range(len(other)), len(other))
    doubled = np.vstack([tokens, tokens.sum(axis=0, keepdims=True)])
    for logits in (planted, other):
        least = least_head_dimension(logits, tokens)
        assert least_head_dimension(logits[np.ix_(order, order)], tokens[:, order]) == least
        assert least_head_dimension(-3 * logits, doubled) == least


def test_a_smaller_head_cannot():
    """Fitting heads in floating point: dimension 2 meets the logits, dimension 1 does not."""
    rng = np.random.default_rng(3)
    tokens = rng.integers(-3, 4, (3, 4))
    logits = tokens.T @ rng.integers(-2, 3, (3, 2)) @ rng.integers(-2, 3, (2, 3)) @ tokens
    assert least_head_dimension(logits, tokens) == 2

    def misfit(parameters, size):
        query, key = parameters.reshape(2, size, 3)
        missed = (query @ tokens).T @ (key @ tokens) - logits
        return (missed - missed.mean(axis=1, keepdims=True)).ravel()

    for size, possible in ((2, True), (1, False)):
        costs = [least_squares(misfit, rng.normal(size=6 * size), args=(size,)).cost for _ in range(8)]
        assert (min(costs) < 1e-9) == possible


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20])
def test_independent_tokens_need_one_dimension_less_than_tokens(n):
    rng = np.random.default_rng(n)
    logits = rng.integers(-99, 100, (n, n))
    assert least_head_dimension(logits) == least_head_dimension(np.eye(n, dtype=int)) == n - 1
    tokens = np.tril(rng.integers(-3, 4, (n + 2, n)), -1) + np.eye(n + 2, n, dtype=int)
    assert least_head_dimension(logits, tokens) == n - 1
    np.testing.assert_allclose(softmax(scores_of(head_for(logits), np.eye(n))), softmax(logits), atol=1e-9)


def test_uniform_attention_needs_no_dimension():
    assert least_head_dimension(np.full((5, 5), 7), [[0] * 5]) == 0
    assert head_for([[3, 3], [-1, -1]], [[1, 2], [3, 4], [5, 6]]).key.shape == (0, 3)


def test_the_published_counterexample():
    tokens, logits, pattern = published_counterexample()
    np.testing.assert_allclose(softmax(np.log(3) * logits), pattern, rtol=1e-15)
    # B20 prints it with a column for each asking token.
    assert [[Fraction(x) for x in row] for row in pattern.T] == [
        [Fraction(1, 2), Fraction(3, 4)],
        [Fraction(1, 2), Fraction(1, 4)],
    ]
    assert least_head_dimension(logits, tokens) is None
    # A second coordinate makes the tokens independent: then one dimension does.
    assert least_head_dimension(logits, [[1, 0], [0, 1]]) == least_head_dimension(logits) == 1
    # Not even a wide head attends unequally from a token that is zero.
    for weight in (-2.0, 0.0, 5.0):
        assert softmax(tokens.T * weight @ tokens)[1].tolist() == [0.5, 0.5]


def test_the_table():
    assert bottleneck_table((1, 2, 5, 16)) == tuple(
        BottleneckRow(n, random=n - 1, own=n - 1, previous=n - 1, sufficient=n) for n in (1, 2, 5, 16)
    )


def test_two_dimensions_come_near_to_attending_to_oneself():
    # What the text says of patterns that are met only approximately: keys on a circle.
    angles = 2 * np.pi * np.arange(32) / 32
    circle = np.array([np.cos(angles), np.sin(angles)])
    assert np.diag(softmax(1000 * circle.T @ circle)).min() > 1 - 1e-6


def test_whole_numbers_of_any_size():
    huge = 10**40
    assert least_head_dimension([[huge, 0], [0, huge]]) == 1
    assert least_head_dimension(np.array([[1, 2], [1, 2]], dtype=np.uint8), [[huge, huge]]) is None
    # A difference that int64 does not hold.
    assert least_head_dimension(np.array([[2**62, -(2**62)], [-(2**62), 2**62]])) == 1


@pytest.mark.parametrize(
    ("logits", "tokens", "message"),
    [
        ([[1, 2]], None, r"logits have the shape \(1, 2\); expected \(n, n\)"),
        ([1, 2], None, r"logits have the shape \(2,\); expected \(n, n\), .*, with at least one token"),
        (np.zeros((0, 0), dtype=int), None, r"logits have the shape \(0, 0\)"),
        ([[0.5, 1], [1, 1]], None, "logits hold 0.5; expected whole numbers"),
        (np.array([[np.nan]]), None, "logits hold .*nan.*; expected whole numbers"),
        ([[True]], None, "logits hold .*True.*; expected whole numbers"),
        ([[1, 2], [3, 4]], [[1, 2, 3]], r"tokens have the shape \(1, 3\); expected \(d, 2\), a column each"),
        ([[1, 2], [3, 4]], [1, 2], r"tokens have the shape \(2,\); expected \(d, 2\)"),
        ([[1, 2], [3, 4]], [[1, None]], "tokens hold None; expected whole numbers"),
    ],
)
def test_what_is_no_pattern(logits, tokens, message):
    for function in (least_head_dimension, head_for):
        with pytest.raises(TensorRankError, match=message):
            function(logits, tokens)


def test_heads_that_float64_does_not_hold():
    with pytest.raises(TensorRankError, match=r"differences of logits exceed 2\^53"):
        head_for([[0, 10**17], [0, 0]])
    tokens = [[10**8, 10**8 + 1], [10**8 - 1, 10**8]]
    assert least_head_dimension([[0, 1], [2, 0]], tokens) == 1
    with pytest.raises(TensorRankError, match=r"the head in float64 misses the pattern by .*: try smaller whole numbers"):
        head_for([[0, 1], [2, 0]], tokens)


@pytest.mark.parametrize("size", [0, 2.0, True])
def test_what_is_no_number_of_tokens(size):
    with pytest.raises(TensorRankError, match=r"the number of tokens is .*; expected a whole number of at least 1"):
        bottleneck_table((2, size))


def test_what_is_no_list():
    with pytest.raises(TensorRankError, match="sizes are 3; expected a list of numbers of tokens"):
        bottleneck_table(3)
    with pytest.raises(TensorRankError, match="expected rows of equal length"):
        least_head_dimension([[1], [1, 2]])
