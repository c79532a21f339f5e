"""Attention of any order: against sums over all tuples of tokens, usual attention, counts of moments, and its bound."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError, WeightsError

FIELD = PrimeField(10007)


def layer_by_sums(weights, layer, tokens):
    """All tokens after a layer, as the definition says: sums over all tuples of tokens, in whole numbers mod p."""
    query, key, value, output = (weights[name][layer].astype(object) for name in ("query", "key", "value", "output"))
    width = len(tokens[0])
    after = []
    for token in tokens:
        total = np.zeros(width, dtype=object)
        for head in range(len(query)):
            for chosen in product(tokens, repeat=len(key)):
                weight, values = query[head] @ token, np.ones(len(query[head]), dtype=object)
                for place, other in enumerate(chosen):
                    weight = weight * (key[place, head] @ other)
                    values = values * (value[place, head] @ other)
                total = total + weight.sum() * (output[head] @ values)
        after.append(total % FIELD.prime)
    return after


def drawn(model, seed):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(0, FIELD.prime, shape) for name, (_, shape) in model.shapes.items()}, rng


sizes = st.fixed_dictionaries(
    {
        "depth": st.integers(1, 2),
        "width": st.integers(1, 2),
        "order": st.integers(2, 4),
        "heads": st.integers(1, 2),
        "head_dim": st.integers(1, 2),
        "tokens": st.integers(2, 3),
        "output_token": st.integers(0, 1),
    }
)


@given(sizes, st.integers(0, 2**32), st.data())
@settings(max_examples=40, deadline=None)
def test_values_are_sums_over_all_tuples_of_tokens(chosen, seed, data):
    model = tr.HigherOrderAttention(**chosen)
    weights, rng = drawn(model, seed)
    sites = range(model.tokens)
    side = data.draw(st.sets(st.sampled_from(sites), min_size=1, max_size=model.tokens - 1))
    partition = tr.Bipartition.of(model.tokens, side)
    rows, columns = (rng.integers(0, FIELD.prime, (2, len(one), model.width)) for one in (partition.a, partition.b))
    found = model.draw(FIELD, rng, weights).grid(partition, rows, columns)
    for i, j in product(range(2), repeat=2):
        by_site = dict(zip(partition.a, rows[i], strict=True)) | dict(zip(partition.b, columns[j], strict=True))
        tokens = [by_site[site].astype(object) for site in sites]
        for layer in range(model.depth):
            tokens = layer_by_sums(weights, layer, tokens)
        assert found[i, j] == tokens[model.output_token][0]


def test_order_2_is_usual_attention():
    usual = tr.SelfAttention(2, 3, heads=2, head_dim=2, tokens=4)
    same = tr.HigherOrderAttention(2, 3, order=2, heads=2, head_dim=2, tokens=4)
    weights, rng = drawn(usual, 0)
    partition = tr.Bipartition.halves(4)
    rows, columns = rng.integers(0, FIELD.prime, (2, 5, 2, 3))
    as_order = weights | {name: weights[name][:, None] for name in ("key", "value")}
    values = [
        model.draw(FIELD, rng, given).grid(partition, rows, columns) for model, given in ((usual, weights), (same, as_order))
    ]
    assert (values[0] == values[1]).all()


@pytest.mark.parametrize(
    "given", [{"depth": 2, "width": 2}, {"depth": 3, "width": 2, "heads": 2}, {"depth": 2, "width": 3, "tokens": 3}], ids=str
)
def test_order_2_has_the_rank_of_usual_attention(given):
    same = tr.separation_rank(tr.HigherOrderAttention(order=2, **given))
    assert same.value == tr.separation_rank(tr.SelfAttention(**given)).value


@pytest.mark.parametrize(("order", "width"), [*product((2, 3, 4), (1, 2, 3)), (5, 1), (5, 2)])
def test_one_layer_of_a_full_head_has_as_many_functions_as_moments_allow(order, width):
    """The sum over k of the smaller of d ((D, k)) and ((D, C-k)), for D = d (d+1) / 2 entries and C = n - 1."""
    entries, degree = width * (width + 1) // 2, order - 1

    def monomials(k):
        return comb(entries + k - 1, k)

    expected = sum(min(width * monomials(k), monomials(degree - k)) for k in range(degree + 1))
    found = tr.separation_rank(tr.HigherOrderAttention(1, width, order=order))
    assert (found.value, found.standing) == (expected, "exact")


@pytest.mark.parametrize(("order", "width"), [(4, 4), (4, 5), (5, 5)])
def test_one_layer_of_one_full_head_may_lack_functions_that_two_heads_have(order, width):
    """Of degree 1 in the moments of a side, one head has d times the forms v M k with n - 1 vectors k for each b.

    Such forms vanish at matrices M of the d - n + 1 dimensions where all k do.
    """
    entries, lost = width * (width + 1) // 2, (width - order + 1) * (width - order + 2) // 2
    bound = tr.HigherOrderAttention(1, width, order=order).rank_bound("halves")
    one = tr.separation_rank(tr.HigherOrderAttention(1, width, order=order))
    assert comb(entries + order - 3, order - 2) >= width * entries
    assert (one.value, one.standing) == (bound - width * lost, "probable")
    two = tr.separation_rank(tr.HigherOrderAttention(1, width, order=order, heads=2, head_dim=width))
    assert (two.value, two.standing) == (bound, "exact")


@pytest.mark.parametrize(("depth", "order"), [(1, 3), (2, 3), (1, 5), (2, 4)])
def test_at_width_1_every_power_of_a_moment_counts(depth, order):
    """The output is a multiple of x (m_A + m_B)^C, and x m_A^k for k = 0..C are independent."""
    found = tr.separation_rank(tr.HigherOrderAttention(depth, 1, order=order))
    assert (found.value, found.standing) == (((2 * order - 1) ** depth + 1) // 2, "exact")


@given(sizes, st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_no_rank_passes_the_bound_and_both_methods_agree(chosen, seed):
    model = tr.HigherOrderAttention(**chosen | {"order": min(chosen["order"], 3)})
    bound = model.rank_bound("halves")
    found = tr.separation_rank(model, seed=seed, work=1e9)
    assert found.value <= bound
    if bound <= 200:
        assert tr.separation_rank(model, seed=seed, method="grid").value == found.value


def test_few_tokens_are_computed_by_parts_and_on_grids_alike():
    model = tr.HigherOrderAttention(2, 2, tokens=2)
    assert tr.separation_rank(model).value == tr.separation_rank(model, method="grid").value == model.rank_bound("halves")


def test_weights_of_one_s_own_have_their_rank():
    """Of weights of zeros the output is zero; of one coordinate alone it has the rank of width 1, for C = 12."""
    model = tr.HigherOrderAttention(2, 2)
    zeros = {name: np.zeros(shape, dtype=int) for name, (_, shape) in model.shapes.items()}
    assert tr.separation_rank(model, weights=zeros).value == 0
    one = {name: np.zeros(shape, dtype=object) for name, (_, shape) in model.shapes.items()}
    for array in one.values():
        array[..., 0, 0] = Fraction(1, 3)
    assert tr.separation_rank(model, weights=one).value == 13


def test_a_wider_network_contains_a_narrower_one():
    split = tr.Bipartition.halves(8)
    wide = tr.HigherOrderAttention(2, 4, heads=2)
    assert wide.contains(split, tr.HigherOrderAttention(2, 2, tokens=8), split)
    assert not wide.contains(split, tr.HigherOrderAttention(2, 2, order=4, tokens=8), split)
    assert not wide.contains(split, tr.HigherOrderAttention(3, 2, tokens=8), split)


def test_coefficients_are_no_larger_than_is_said():
    """The sum of the coefficients is the value for tokens and weights of ones, which are counted here."""
    model = tr.HigherOrderAttention(2, 2, heads=2, head_dim=3, tokens=3)
    ones = {name: np.ones(shape, dtype=int) for name, (_, shape) in model.shapes.items()}
    tokens = [np.ones(2, dtype=object)] * 3
    for layer in range(2):
        tokens = layer_by_sums_of_whole_numbers(ones, layer, tokens)
    assert 2 ** model.value_bits() == pytest.approx(float(tokens[0][0]))


def layer_by_sums_of_whole_numbers(weights, layer, tokens):
    """A layer by its matrices, without a modulus."""
    moments = sum(np.outer(token, token) for token in tokens)
    matrix = 0
    for head in range(weights["query"].shape[1]):
        inner = 1
        for keys, values in zip(weights["key"][layer], weights["value"][layer], strict=True):
            inner = inner * (values[head].astype(object) @ moments @ keys[head].T)
        matrix = matrix + weights["output"][layer, head].astype(object) @ inner @ weights["query"][layer, head]
    return [matrix @ token for token in tokens]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"depth": 0, "width": 2}, "depth is 0; expected a whole number of at least 1"),
        ({"depth": 1, "width": 2, "order": 1}, "order is 1; expected a whole number of at least 2"),
        ({"depth": 1, "width": 3, "heads": 2}, "2 heads do not divide the width 3; expected a divisor, or give head_dim"),
        ({"depth": 1, "width": 2, "tokens": 1}, "tokens is 1; expected a whole number of at least 2"),
        ({"depth": 1, "width": 2, "output_token": 4}, "output_token is 4; expected one of the tokens 0 to 3"),
        ({"depth": 10**6, "width": 2}, "1000000 layers of order 3 has more than 10000 digits; expected fewer layers"),
    ],
)
def test_sizes_that_make_no_network_are_refused(given, message):
    with pytest.raises(TensorRankError, match=message):
        tr.HigherOrderAttention(**given)


def test_weights_of_usual_attention_do_not_fit():
    model = tr.HigherOrderAttention(1, 2)
    usual = {name: np.ones(shape) for name, (_, shape) in tr.SelfAttention(1, 2).shapes.items()}
    with pytest.raises(WeightsError, match=r"weights 'key' have shape \(1, 1, 2, 2\); expected \(1, 2, 1, 2, 2\)"):
        tr.separation_rank(model, weights=usual)
