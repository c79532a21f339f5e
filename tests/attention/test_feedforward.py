"""Bilinear feedforward layers: the bound by counting, ranks by brute force, and what the layers change."""

from itertools import combinations_with_replacement, product

import flint
import numpy as np
import pytest
from as_written import attention_output
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank import Bipartition, SelfAttention
from tensorrank.attention.feedforward import _even_forms, feedforward_bound
from tensorrank.errors import CombinationError, TensorRankError

PRIME = 2**31 - 1


def forward(depth, width, hidden, **variant):
    return SelfAttention(depth, width, **{"tokens": 4, "feedforward": "bilinear", "hidden": hidden, **variant})


def rank_as_written(model, samples, seed=0):
    """The rank of a matrix of values at random inputs, the layers as they are written, by FLINT."""
    rng, split = np.random.default_rng(seed), Bipartition.halves(model.tokens)
    weights = {name: residues(rng, shape) for name, (_, shape) in model.shapes.items()}
    rows, columns = (residues(rng, (samples, len(side), model.width)) for side in (split.a, split.b))
    values = [[int(attention_output(model, weights, [*row, *column]) % PRIME) for column in columns] for row in rows]
    return flint.nmod_mat(values, PRIME).rank()


def residues(rng, shape):
    """Small whole numbers, none of them zero."""
    return rng.integers(1, 100, shape).astype(object)


def even_exponents(width, tokens, degree):
    """Exponents of the monomials of a degree in so many tokens that are even in each, up to the order of tokens."""
    found = set()
    for choice in combinations_with_replacement(range(tokens * width), degree):
        exponents = [tuple(choice.count(token * width + i) for i in range(width)) for token in range(tokens)]
        if all(sum(one) % 2 == 0 for one in exponents):
            found.add(tuple(sorted(exponents)))
    return found


def test_depth_one_has_the_entries_of_the_moment_twice_and_one():
    # Quadratic forms of G(M) x: x x^T and M of degree 2, each with d (d+1) / 2 entries; x x^T against M; and one more.
    assert [feedforward_bound(1, d, d, d) for d in (1, 2, 3, 4)] == [d * (d + 1) + 1 for d in (1, 2, 3, 4)]


def test_width_one_has_one_rank_for_each_choice_of_degrees():
    # All moments are numbers: the parts have rank 1, for degrees up to 12 and 2, and 72, 12 and 2.
    assert feedforward_bound(2, 1, 2, 2) == 13 * 3
    assert feedforward_bound(3, 1, 3, 3) == 73 * 13 * 3


@pytest.mark.parametrize(("width", "tokens", "degree"), [(1, 2, 8), (2, 2, 6), (2, 3, 6), (3, 2, 4), (2, 1, 8)])
def test_forms_of_few_tokens_are_counted_as_listed(width, tokens, degree):
    assert _even_forms(width, tokens, degree)[degree] == len(even_exponents(width, tokens, degree))


@pytest.mark.parametrize(
    ("sizes", "tokens"),
    [((1, 1, 1), 2), ((1, 2, 1), 2), ((1, 2, 2), 4), ((1, 3, 2), 6), ((2, 1, 1), 2), ((2, 1, 1), 4), ((2, 1, 2), 6)],
)
def test_ranks_are_those_of_the_layers_as_written_and_meet_the_bound(sizes, tokens):
    model = forward(*sizes, tokens=tokens)
    found = tr.separation_rank(model, seed=0)
    bound = model.rank_bound(Bipartition.halves(tokens))
    assert found.value == rank_as_written(model, bound + 4)
    assert (found.value, found.standing) == (bound, "exact")


@settings(max_examples=12, deadline=None)
@given(
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(1, 2),
    st.integers(2, 4),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["halves", "interleaved"]),
)
def test_no_rank_passes_the_bound(depth, width, hidden, tokens, causal, residual, partition):
    if depth * width * tokens > 8:
        width = 1
    model = forward(depth, width, hidden, tokens=tokens, causal=causal, residual=residual)
    found = tr.separation_rank(model, partition, seed=1, work=1e9)
    bound = model.rank_bound(tr.Bipartition.halves(tokens) if partition == "halves" else tr.Bipartition.interleaved(tokens))
    assert bound is None or found.value <= bound
    assert bound is not None or found.standing != "exact"


@pytest.mark.parametrize(("width", "heads", "rank"), [(1, 1, 17), (2, 2, 177)])
def test_between_two_tokens_a_mask_keeps_the_bound(width, heads, rank):
    # All forms of even degree w in the output token, from 4 on, and of degree 36 - w in the other.
    forms = [(width + w - 1) if width == 2 else 1 for w in range(38)]
    assert sum(min(forms[w], forms[36 - w]) for w in range(4, 37, 2)) == rank
    model = forward(2, width, 2, tokens=2, heads=heads, head_dim=width, causal=True)
    found = tr.separation_rank(model, seed=0)
    assert (found.value, found.standing) == (rank, "exact")
    # Of so many tokens of small numbers a few are alike.
    assert rank_as_written(model, rank + 12) == rank


def test_more_than_width_tokens_matter_from_depth_two_on():
    # At width 1 one token a side has the even degrees 4 to 36; two have both moments.
    ranks = [tr.separation_rank(forward(2, 1, 1, tokens=tokens), seed=0).value for tokens in (2, 4, 6)]
    assert ranks == [17, 39, 39]
    assert forward(2, 1, 1, tokens=2).rank_key("halves") != forward(2, 1, 1, tokens=4).rank_key("halves")


def test_residual_connections_contain_the_network_without_the_layers():
    split = Bipartition.halves(4)
    with_layers, alone = forward(2, 2, 3, residual=True), SelfAttention(2, 2, residual=True)
    assert with_layers.contains(split, alone, split)
    assert with_layers.contains(split, forward(2, 2, 2), split)
    assert not alone.contains(split, with_layers, split)
    assert not forward(2, 2, 3).contains(split, SelfAttention(2, 2), split)
    assert not forward(3, 2, 3).contains(split, forward(2, 2, 3), split)
    assert with_layers.generic_lower_bound(split) == alone.generic_lower_bound(split)


def test_zero_hidden_units_give_the_network_without_the_layers_under_residual_connections():
    model = forward(1, 2, 2, residual=True, tokens=4)
    rng = np.random.default_rng(3)
    weights = {name: rng.integers(-9, 10, shape) for name, (_, shape) in model.shapes.items()}
    weights["down"][:] = 0
    alone = {name: array for name, array in weights.items() if name in SelfAttention(1, 2, tokens=4).shapes}
    plain = SelfAttention(1, 2, tokens=4, residual=True)
    assert tr.separation_rank(model, weights=weights).value == tr.separation_rank(plain, weights=alone).value


def test_parameters_and_degrees_count_the_layers():
    model = forward(2, 3, 5)
    assert model.parameters == 4 * 2 * 3**2 + 3 * 2 * 3 * 5
    assert (model.input_degree, model.weight_degree) == (36, 77)
    assert model.to_dict()["hidden"] == 5
    assert eval(repr(model)) == model


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"feedforward": "relu", "hidden": 2}, TensorRankError, r"feedforward is 'relu'; expected .*bilinear"),
        ({"feedforward": "bilinear"}, TensorRankError, r"hidden is None; expected a whole number"),
        ({"hidden": 3}, CombinationError, r"hidden is 3 without feedforward layers; add feedforward='bilinear'"),
        ({"feedforward": "bilinear", "hidden": 0}, TensorRankError, r"hidden is 0; expected"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_in_words(given, error, message):
    with pytest.raises(error, match=message):
        SelfAttention(2, 2, **{"tokens": 4, **given})


def test_tokens_must_be_given():
    with pytest.raises(TensorRankError, match=r"tokens are not given; with feedforward layers .* such as tokens=8"):
        SelfAttention(2, 2, feedforward="bilinear", hidden=2)


def test_deep_networks_have_no_bound_and_are_never_exact():
    split = Bipartition.halves(2)
    assert forward(4, 1, 1, tokens=2).rank_bound(split) is None
    assert forward(2, 1, 1, tokens=2, residual=True).rank_bound(split) is None
    assert forward(2, 1, 1, tokens=4, causal=True).rank_bound(Bipartition.halves(4)) is None


def test_every_choice_of_sides_has_its_bound():
    for sides in product((1, 2, 3), repeat=2):
        assert 1 <= feedforward_bound(2, 2, *sides) <= feedforward_bound(2, 2, 3, 3)
