"""Linear recurrences with gates against sums over all steps let in, causal attention, and closed forms of ranks."""

from itertools import product
from math import comb

import numpy as np
import pytest
from as_written import gated_output
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import flint_rank

from tensorrank import Bipartition, GatedRecurrence, SelfAttention, TensorRankError, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.circuits.gated_degrees import BEYOND, polynomials
from tensorrank.errors import CombinationError, WeightsError

PRIME = 8388593
KINDS = ("inputs", "constant", "none")
SMALL = [
    *({"depth": 1, "width": d, "state": n, "tokens": 4, "gates": g} for d, n, g in product((1, 2), (1, 3), KINDS)),
    *({"depth": 2, "width": 2, "state": 2, "tokens": 3, "gates": pair} for pair in product(KINDS, KINDS)),
    {"depth": 1, "width": 3, "state": 2, "tokens": 3, "heads": 3},
    {"depth": 2, "width": 3, "state": 1, "tokens": 4, "heads": 2, "head_dim": 2, "gates": ("none", "inputs")},
    {"depth": 3, "width": 2, "state": 1, "tokens": 3, "gates": ("constant", "inputs", "none")},
]


def weights_of(model, seed=0, largest=PRIME):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-largest, largest + 1, shape) for name, (_, shape) in model.shapes.items()}


def whole(weights):
    return {name: array.astype(object) for name, array in weights.items()}


def in_order(partition, row, column):
    tokens = {site: row[place] for place, site in enumerate(partition.a)}
    tokens |= {site: column[place] for place, site in enumerate(partition.b)}
    return [tokens[site] for site in range(partition.sites)]


def as_written(model, weights, partition, rows, columns, prime):
    """The grid by the definition, in Python's whole numbers."""
    w = whole(weights)
    return [[gated_output(model, w, in_order(partition, row, column)) % prime for column in columns] for row in rows]


def true_rank(model, partition, size, weights=None, seed=0):
    """The rank of a grid of so many random inputs a side, by FLINT; other tests hold grids against the definition."""
    field, rng = PrimeField(PRIME), np.random.default_rng(seed)
    instance = model.draw(field, rng, weights)
    rows, columns = (instance.sample(side, size, rng) for side in (partition.a, partition.b))
    return flint_rank(instance.grid(partition, rows, columns), PRIME)


@pytest.mark.parametrize("sizes", SMALL, ids=str)
@pytest.mark.parametrize("prime", [101, PRIME, 2**31 - 1])
def test_grids_are_sums_over_all_steps_that_are_let_in(sizes, prime):
    model, field, rng = GatedRecurrence(**sizes), PrimeField(prime), np.random.default_rng(1)
    weights = weights_of(model)
    instance = model.draw(field, rng, weights)
    for side in (range(model.tokens // 2), range(0, model.tokens, 2), [1]):
        partition = Bipartition.of(model.tokens, side)
        rows, columns = instance.sample(partition.a, 2, rng), instance.sample(partition.b, 3, rng)
        expected = as_written(model, weights, partition, rows.astype(object), columns.astype(object), prime)
        assert instance.grid(partition, rows, columns).tolist() == expected
        # With next to no memory pairs are evaluated one by one.
        assert instance.grid(partition, rows, columns, memory=1).tolist() == expected


@pytest.mark.parametrize(("depth", "width", "heads", "dim"), [(1, 2, 1, 2), (2, 3, 1, 3), (2, 4, 2, 2), (3, 2, 2, 3)])
def test_without_gates_values_are_those_of_causal_attention_without_softmax(depth, width, heads, dim):
    tokens, field, rng = 5, PrimeField(PRIME), np.random.default_rng(2)
    ours = GatedRecurrence(depth, width, dim, tokens, heads=heads, head_dim=dim, gates="none")
    attention = SelfAttention(depth, width, heads=heads, head_dim=dim, tokens=tokens, causal=True)
    assert dict(ours.shapes).keys() == dict(attention.shapes).keys()
    weights = weights_of(attention)
    for partition in (Bipartition.halves(tokens), Bipartition.interleaved(tokens)):
        one, other = (model.draw(field, rng, weights) for model in (ours, attention))
        rows, columns = one.sample(partition.a, 4, rng), one.sample(partition.b, 6, rng)
        assert (one.grid(partition, rows, columns) == other.grid(partition, rows, columns)).all()


@pytest.mark.parametrize(("width", "state", "tokens"), [(2, 1, 4), (2, 2, 6), (3, 2, 5), (4, 4, 5), (3, 3, 7)])
def test_one_layer_has_the_rank_of_its_closed_form(width, state, tokens):
    cuts = {"halves": 2, "interleaved": tokens}
    for cut, runs in cuts.items():
        selective = separation_rank(GatedRecurrence(1, width, state, tokens), cut)
        assert (selective.value, selective.standing) == (state * (runs - 1) + 1, "exact")
        for gates in ("constant", "none"):
            found = separation_rank(GatedRecurrence(1, width, state, tokens, gates=gates), cut)
            assert (found.value, found.standing) == (min(state, width) + 1, "exact")


def test_a_state_of_more_rows_than_a_token_has_coordinates_counts_with_gates_alone():
    models = {gates: GatedRecurrence(1, 2, 4, 6, gates=gates) for gates in KINDS}
    half = Bipartition.halves(6)
    assert {gates: true_rank(model, half, 12) for gates, model in models.items()} == {"inputs": 5, "constant": 3, "none": 3}
    assert {gates: model.rank_bound(half) for gates, model in models.items()} == {"inputs": 5, "constant": 3, "none": 3}


def selective_rank(state, steps):
    """Two layers whose first lets one number through: monomials of the state of n rows, and those beside the top's."""
    return comb(state + steps + 2, state) + comb(state + steps + 1, state)


@pytest.mark.parametrize(("state", "tokens"), [(1, 6), (2, 4), (2, 6), (4, 4)])
def test_two_layers_with_one_column_are_exact(state, tokens):
    for gates in ("inputs", ("none", "inputs")):
        found = separation_rank(GatedRecurrence(2, 4, state, tokens, head_dim=1, gates=gates))
        assert (found.value, found.standing) == (selective_rank(state, tokens // 2), "exact")
    for gates in ("none", ("inputs", "none")):
        found = separation_rank(GatedRecurrence(2, 4, state, tokens, head_dim=1, gates=gates))
        assert (found.value, found.standing) == (comb(state + 3, 3) + state + 1, "exact")


def test_two_layers_of_causal_attention_meet_the_moment_bound_of_width_2_at_the_halves_and_no_other():
    ranks = {width: separation_rank(GatedRecurrence(2, width, width, 2 * width, gates="none")) for width in (2, 3)}
    assert (ranks[2].value, ranks[2].standing) == (18, "exact")  # SOURCES.md, section 2, without a mask
    assert ranks[3].value < 49
    for width, found in ranks.items():
        assert separation_rank(SelfAttention(2, width, tokens=2 * width, causal=True)).value == found.value


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bound_is_below_the_rank(data):
    depth = data.draw(st.integers(1, 3))
    tokens = data.draw(st.integers(2, 6 if depth == 1 else 5 if depth == 2 else 3))
    model = GatedRecurrence(
        depth,
        width=data.draw(st.integers(1, 3 if depth < 3 else 2)),
        state=data.draw(st.integers(1, 4 if depth == 1 else 3)),
        tokens=tokens,
        heads=data.draw(st.integers(1, 2)),
        head_dim=data.draw(st.integers(1, 2)),
        gates=[data.draw(st.sampled_from(KINDS)) for _ in range(depth)],
    )
    side = data.draw(st.sets(st.integers(0, tokens - 1), min_size=1, max_size=tokens - 1))
    partition = Bipartition.of(tokens, sorted(side))
    bound = model.rank_bound(partition)
    # Bounds are of all weights: also of those of which most vanish.
    weights = weights_of(model, seed=data.draw(st.integers(0, 9)), largest=1) if data.draw(st.booleans()) else None
    assert true_rank(model, partition, min(bound + 2, 90), weights) <= bound
    assert model.rank_bound(Bipartition(partition.b, partition.a)) == bound


@pytest.mark.parametrize("sizes", SMALL, ids=str)
def test_degrees_are_those_of_the_value(sizes):
    # Coefficients are not negative, so that at a large number the value has one digit more than its degree.
    model, base = GatedRecurrence(**sizes), 10**40
    ones = {name: np.ones(shape, dtype=object) for name, (_, shape) in model.shapes.items()}
    tokens = np.ones((model.tokens, model.width), dtype=object)
    assert digits(gated_output(model, ones, base * tokens), base) == model.input_degree
    scaled = {name: base * array for name, array in ones.items()}
    assert digits(gated_output(model, scaled, tokens), base) == model.weight_degree


def digits(number, base):
    count = -1
    while number:
        number, count = number // base, count + 1
    return count


def test_the_degree_in_the_inputs_grows_with_the_tokens_only_where_inputs_make_gates():
    assert [GatedRecurrence(1, 2, 2, tokens).input_degree for tokens in (2, 5, 50)] == [4, 7, 52]
    assert [GatedRecurrence(3, 2, 2, tokens, gates="constant").input_degree for tokens in (2, 5, 50)] == [27, 27, 27]


def test_a_recurrence_contains_smaller_ones_and_shorter_ones_whose_last_tokens_are_split_alike():
    large = GatedRecurrence(2, 3, 2, 5, head_dim=2, gates=("constant", "inputs"))
    small = GatedRecurrence(2, 2, 2, 4, head_dim=1, gates=("none", "inputs"))
    own, other = Bipartition.of(5, [1, 2]), Bipartition.of(4, [0, 1])
    assert large.contains(own, small, other)
    assert not small.contains(other, large, own)
    assert not large.contains(Bipartition.of(5, [2, 3]), small, other)
    assert not large.contains(own, GatedRecurrence(2, 2, 2, 4, gates="none"), other)
    assert not large.contains(own, SelfAttention(2, 2, tokens=5), own)


def test_contained_recurrences_have_no_larger_ranks():
    own, other = Bipartition.of(5, [1, 3]), Bipartition.of(4, [0, 2])
    for gates, inside in (("inputs", "inputs"), ("constant", "none")):
        large, small = GatedRecurrence(1, 3, 2, 5, gates=gates), GatedRecurrence(1, 2, 2, 4, gates=inside)
        assert large.contains(own, small, other)
        assert true_rank(large, own, 16) >= true_rank(small, other, 16)


def test_values_in_floats_are_those_of_the_definition():
    model, partition = GatedRecurrence(2, 2, 2, 3, gates=("inputs", "constant")), Bipartition.interleaved(3)
    floats = {name: array / 2**20 for name, array in weights_of(model).items()}
    found = model.float_grid(floats, partition, 2, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    rows, columns = (rng.standard_normal((2, len(side), 2)) for side in (partition.a, partition.b))
    expected = [[gated_output(model, floats, in_order(partition, row, column)) for column in columns] for row in rows]
    assert np.allclose(found, np.array(expected, dtype=float))


def test_given_weights_have_their_own_rank_and_gates_of_one_change_nothing():
    plain, gated = (GatedRecurrence(1, 2, 2, 6, gates=gates) for gates in ("none", "constant"))
    weights = weights_of(plain)
    ones = {**weights, "decay": np.ones((1, 1, 2), dtype=int)}
    assert separation_rank(gated, weights=ones).value == separation_rank(plain, weights=weights).value == 3
    assert separation_rank(gated, weights={**ones, "query": 0 * weights["query"]}).value == 0
    with pytest.raises(WeightsError, match="expected query, key, value, output, decay"):
        separation_rank(gated, weights=weights)


def test_gates_given_alike_for_every_layer_make_equal_recurrences():
    one, other = GatedRecurrence(2, 2, 2, 4), GatedRecurrence(2, 2, 2, 4, gates=["inputs", "inputs"])
    assert one == other
    assert one.to_dict() == other.to_dict()
    assert GatedRecurrence(2, 2, 2, 4, gates=["none", "inputs"]).layer_gates == ("none", "inputs")


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"depth": 0}, "depth is 0; expected a whole number of at least 1"),
        ({"state": 1.5}, "state is 1.5; expected a whole number"),
        ({"tokens": 1}, "tokens is 1; expected a whole number of at least 2"),
        ({"heads": 3}, "3 heads do not divide the width 2; expected a divisor, or give head_dim"),
        ({"head_dim": 0}, "head_dim is 0; expected a whole number of at least 1"),
        ({"gates": "input"}, "did you mean 'inputs'"),
        ({"gates": ["none", "input"]}, "did you mean 'inputs'"),
        ({"gates": ["none"]}, "gates are given for 1 layers; expected one for each of the 2, or a text"),
        ({"depth": 21, "tokens": 100}, "depth 21 and 100 tokens has 2100 states; expected at most 2000, depth times tokens"),
        ({"tokens": 10**60}, "has a whole number of some 60 digits states; expected at most 2000"),
    ],
)
def test_sizes_that_make_no_recurrence_are_refused(sizes, message):
    with pytest.raises(TensorRankError, match=message):
        GatedRecurrence(**{"depth": 2, "width": 2, "state": 2, "tokens": 4, **sizes})


def test_gates_that_do_not_fit_the_depth_are_a_combination_that_does_not_fit():
    with pytest.raises(CombinationError, match="one for each of the 3"):
        GatedRecurrence(3, 2, 2, 4, gates=("none", "inputs"))


def test_the_numbers_that_are_kept_and_the_weights_are_counted():
    model = GatedRecurrence(2, 4, 3, 8, heads=2, head_dim=5, gates=("constant", "inputs"))
    assert model.state_size == 2 * 2 * 3 * 5
    assert model.parameters == 2 * 2 * (2 * 3 * 4 + 2 * 5 * 4) + 2 * 3 * 4 + 2 * 3


def test_bounds_of_the_largest_recurrences_take_a_moment():
    assert GatedRecurrence(1, 512, 16, 2000).rank_bound("halves") == 17
    assert GatedRecurrence(20, 10**6, 10**6, 100).rank_bound("interleaved") is None


@given(st.integers(0, 4000), st.integers(0, 4000))
def test_polynomials_are_counted_up_to_the_number_beyond_which_none_is_told(variables, degree):
    assert polynomials(variables, degree) == min(BEYOND, comb(variables + degree, degree))


@pytest.mark.parametrize("variables", [1, 2, 50, 2500])
def test_polynomials_of_a_degree_of_very_many_digits_are_not_counted_out(variables):
    """One variable has as many as the degree and one more."""
    assert polynomials(variables, 10**999) == (10**999 + 1 if variables == 1 else BEYOND)
