import math

import numpy as np
import pytest
import scipy.special

from tensorrank import Bipartition
from tensorrank.attention import softmax as module
from tensorrank.attention.softmax import SoftmaxAttention, softmax
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.separation.numerical import numerical_separation_rank

MODELS = [
    SoftmaxAttention(1, 1),
    SoftmaxAttention(1, 3),
    SoftmaxAttention(3, 2, heads=2),
    SoftmaxAttention(2, 3, heads=2, head_dim=5, tokens=4),
    SoftmaxAttention(2, 4, heads=2, tokens=3, residual=True),
    SoftmaxAttention(2, 2, tokens=5, causal=True),
    SoftmaxAttention(2, 2, tokens=5, causal=True, residual=True, output_token=2),
    SoftmaxAttention(2, 2, tokens=3, output_token=1, scale=3.5),
]


def as_written(model, weights, tokens):
    """The value of one input, in Python numbers, sum by sum."""
    x = tokens.tolist()
    for layer in range(model.depth):
        following = []
        for i in range(model.tokens):
            total = list(x[i]) if model.residual else [0.0] * model.width
            for head in range(model.heads):
                q, k, v, o = (weights[name][layer, head].tolist() for name in ("query", "key", "value", "output"))
                seen = range(i + 1) if model.causal else range(model.tokens)
                scores = [model.scale * inner(apply(q, x[i]), apply(k, x[j])) for j in seen]
                partition = sum(math.exp(score) for score in scores)
                for j, score in zip(seen, scores, strict=True):
                    carried = apply(o, apply(v, x[j]))
                    total = [t + math.exp(score) / partition * c for t, c in zip(total, carried, strict=True)]
            following.append(total)
        x = following
    return x[model.output_token][0]


def apply(matrix, vector):
    return [inner(row, vector) for row in matrix]


def inner(left, right):
    return sum(a * b for a, b in zip(left, right, strict=True))


def inputs(model, count, seed=7):
    return np.random.default_rng(seed).standard_normal((count, model.tokens, model.width))


@pytest.mark.parametrize("model", MODELS)
def test_values_agree_with_the_layer_as_written(model):
    weights = {name: 2 * array for name, array in model.random_weights(1).items()}
    x = inputs(model, 4)
    expected = [as_written(model, weights, tokens) for tokens in x]
    np.testing.assert_allclose(model.values(weights, x), expected, rtol=1e-11)


@pytest.mark.parametrize("model", MODELS)
def test_the_numerical_model_is_the_same_function(model):
    numerical = model.numerical_model(3)
    assert (numerical.sites, numerical.site_shape, numerical.form) == (model.tokens, (model.width,), "inputs")
    assert model.sites == model.tokens
    x = inputs(model, 3)
    np.testing.assert_array_equal(numerical.function(x), model.values(model.random_weights(3), x))
    partition = Bipartition.interleaved(model.tokens)
    grid = numerical.grid(partition, x[:, partition.a], x[:, partition.b])
    np.testing.assert_allclose(np.diag(grid), model.values(model.random_weights(3), x), rtol=1e-12)


def test_pieces_make_the_same_values(monkeypatch):
    model = SoftmaxAttention(2, 2, heads=2)
    weights, x = model.random_weights(), inputs(model, 50)
    whole = model.values(weights, x)
    monkeypatch.setattr(module, "_CHUNK", 5000)
    np.testing.assert_allclose(model.values(weights, x), whole, rtol=1e-12)
    monkeypatch.setattr(module, "_CHUNK", 1)
    np.testing.assert_allclose(model.values(weights, x), whole, rtol=1e-12)
    assert model.values(weights, x[:0]).shape == (0,)


@pytest.mark.parametrize("shift", [0.0, 1e4, -1e4])
def test_softmax_rows_sum_to_one_and_agree_with_scipy(shift):
    scores = 5 * np.random.default_rng(0).standard_normal((3, 4, 6)) + shift
    scores[0, 1, 2] = scores[2, 3, :5] = -np.inf
    rows = softmax(scores)
    np.testing.assert_allclose(rows, scipy.special.softmax(scores, axis=-1), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(rows.sum(axis=-1), 1, rtol=1e-14)
    assert rows[0, 1, 2] == 0
    assert rows[2, 3].tolist() == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("causal", [False, True])
def test_tokens_that_are_all_the_same_stay_so_whatever_the_scores(causal):
    # Rows of attention sum to one, so a layer is W_O W_V alone.
    model = SoftmaxAttention(2, 3, tokens=4, causal=causal)
    weights = model.random_weights(5)
    token = np.array([1.0, -2.0, 0.5])
    expected = token
    for layer in range(2):
        expected = weights["output"][layer, 0] @ weights["value"][layer, 0] @ expected
    found = model.values(weights, np.broadcast_to(token, (1, 4, 3)))
    assert found[0] == pytest.approx(expected[0], rel=1e-12)


def test_huge_scores_do_not_overflow():
    # The softmax of huge scores picks one token: here the one with the larger key.
    model = SoftmaxAttention(1, 1, tokens=2)
    one = np.ones((1, 1, 1, 1))
    weights = {"query": 1e200 * one, "key": one, "value": one, "output": one}
    assert model.values(weights, [[[2.0], [1.0]], [[2.0], [3.0]]]).tolist() == [2.0, 3.0]


@pytest.mark.parametrize("residual", [False, True])
def test_without_queries_attention_is_an_average_of_rank_two(residual):
    model = SoftmaxAttention(1, 3, heads=3, residual=residual)
    weights = model.random_weights(2)
    weights["query"][:] = 0
    numerical = model.numerical_model(weights=weights)
    x = inputs(model, 5)
    mixed = sum(weights["output"][0, h] @ weights["value"][0, h] for h in range(3))
    expected = x.mean(axis=1) @ mixed.T + (x[:, 0] if residual else 0)
    np.testing.assert_allclose(numerical.function(x), expected[:, 0], rtol=1e-12)
    found = numerical_separation_rank(numerical)
    assert (found.value, found.spectrum.ambiguous) == (2, False)
    assert numerical_separation_rank(SoftmaxAttention(1, 3, scale=0).numerical_model()).value == 2


def test_softmax_leaves_no_gap():
    found = numerical_separation_rank(SoftmaxAttention(2, 2, tokens=2).numerical_model(), samples=128)
    assert found.standing == "numerical"
    assert found.spectrum.ambiguous
    assert found.spectrum.rank_at(1e-2) < found.spectrum.rank_at(1e-6) < found.spectrum.rank_at(1e-12)


def test_under_a_causal_mask_later_tokens_do_not_matter():
    model = SoftmaxAttention(2, 2, tokens=5, causal=True, output_token=2)
    weights, x = model.random_weights(), inputs(model, 4)
    changed = x.copy()
    changed[:, 3:] += 1
    np.testing.assert_array_equal(model.values(weights, x), model.values(weights, changed))
    changed[:, 1] += 1
    assert (model.values(weights, x) != model.values(weights, changed)).all()
    # All that matters lies on side A.
    found = numerical_separation_rank(model.numerical_model(), Bipartition.of(5, [0, 1, 2]))
    assert (found.value, found.spectrum.ambiguous) == (1, False)


def test_without_a_mask_the_order_of_the_other_tokens_does_not_matter():
    model = SoftmaxAttention(2, 2, tokens=4)
    weights, x = model.random_weights(), inputs(model, 4)
    np.testing.assert_allclose(model.values(weights, x[:, [0, 3, 1, 2]]), model.values(weights, x), rtol=1e-12)
    assert (abs(model.values(weights, x[:, [1, 0, 2, 3]]) - model.values(weights, x)) > 1e-6).all()


def test_random_weights_have_the_variance_of_their_fan_in():
    model = SoftmaxAttention(4, 64, heads=4, head_dim=32)
    weights = model.random_weights(0)
    assert {name: array.shape for name, array in weights.items()} == {name: shape for name, (_, shape) in model.shapes.items()}
    for name, fan_in in (("query", 64), ("key", 64), ("value", 64), ("output", 128)):
        assert weights[name].var() * fan_in == pytest.approx(1, rel=0.03)
        assert (weights[name] == model.random_weights(0)[name]).all()
        assert (weights[name] != model.random_weights(1)[name]).all()


def test_weights_and_inputs_of_one_seed_come_from_different_streams():
    model = SoftmaxAttention(1, 2)
    drawn = np.random.default_rng(0).standard_normal(100)
    weights = model.random_weights(0)["query"] * math.sqrt(2)
    assert not np.isclose(weights.ravel()[:, None], drawn).any()


def test_the_defaults_are_those_of_the_paper():
    model = SoftmaxAttention(1, 6, heads=3)
    assert (model.head_dim, model.tokens, model.output_token) == (2, 12, 0)
    assert model.scale == pytest.approx(1 / math.sqrt(2))
    assert SoftmaxAttention(1, 2, tokens=7, causal=True).output_token == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"depth": 0}, "depth is 0; expected a whole number of at least 1"),
        ({"width": 2.0}, "width is 2.0; expected a whole number"),
        ({"heads": 0}, "heads is 0; expected"),
        ({"heads": 3}, "3 heads do not divide the width 4; expected a divisor, or give head_dim"),
        ({"head_dim": -1}, "head_dim is -1"),
        ({"tokens": 1}, "tokens is 1; expected a whole number of at least 2"),
        ({"causal": True}, "tokens are not given; under a causal mask"),
        ({"output_token": 8}, "output_token is 8; expected one of the tokens 0 to 7"),
        ({"output_token": -1}, "output_token is -1; expected a whole number of at least 0"),
        ({"residual": 1}, "residual is 1; expected True or False"),
        ({"causal": None}, "causal is None; expected True or False"),
        ({"scale": float("nan")}, "scale is nan; expected a finite number"),
        ({"scale": "1"}, "scale is '1'; expected a finite number"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(TensorRankError, match=message):
        SoftmaxAttention(**{"depth": 1, "width": 4, **arguments})


def changed(name, array):
    return SoftmaxAttention(2, 2).random_weights() | {name: array}


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "weights of type list were given; expected a mapping of names to arrays"),
        ({"query": 1}, "weights named query were given; expected query, key, value, output"),
        (changed("bias", 0), "weights named bias, key, output, query, value were given"),
        (changed("key", np.zeros((2, 2))), r"'key' have shape \(2, 2\); expected \(2, 1, 2, 2\) \(depth, heads, head_dim"),
        (changed("output", 0), r"'output' have shape \(\); .*\(depth, heads, width, head_dim\)"),
        (changed("value", np.full((2, 1, 2, 2), "a")), "weights 'value' are of type <U1; expected whole numbers"),
        (changed("query", np.full((2, 1, 2, 2), np.inf)), r"'query' are inf at \(0, 0, 0, 0\); expected finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights, message):
    model = SoftmaxAttention(2, 2)
    with pytest.raises(WeightsError, match=message):
        model.numerical_model(weights=weights)
    with pytest.raises(WeightsError, match=message):
        model.values(weights, np.zeros((1, 4, 2)))


@pytest.mark.parametrize("shape", [(4, 2), (3, 2, 2), (3, 4, 3)])
def test_inputs_of_the_wrong_shape_are_refused(shape):
    model = SoftmaxAttention(2, 2)
    with pytest.raises(TensorRankError, match=r"expected \(count, 4, 2\) \(count, tokens, width\)"):
        model.values(model.random_weights(), np.zeros(shape))


def test_a_seed_that_makes_no_sense_is_refused():
    with pytest.raises(TensorRankError, match="the seed is -3; expected a whole number of at least 0"):
        SoftmaxAttention(1, 2).numerical_model(-3)


def test_networks_of_more_layers_than_can_be_gone_through_are_refused():
    assert SoftmaxAttention(10**4, 2).depth == 10**4
    with pytest.raises(TensorRankError, match="depth is 1000000; expected a whole number from 1 to 10000"):
        SoftmaxAttention(10**6, 2)
