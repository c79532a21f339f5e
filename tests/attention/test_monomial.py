import math
from collections import Counter
from itertools import product

import flint
import numpy as np
import pytest
from oracles import flint_rank

import tensorrank as tr
from tensorrank import SelfAttention, separation_rank
from tensorrank.attention.monomial import monomial

SHAPES = [
    (depth, width, heads, head_dim)
    for depth, width in [(1, 1), (1, 3), (2, 1), (2, 2), (2, 3), (2, 4), (3, 2), (4, 2)]
    for heads, head_dim in {(1, 1), (1, width), (2, 1), (width, 1), (2, 2), (width + 1, 1)}
]


def splits_by_degree(exponents):
    """How many divisors the monomial has in each degree."""
    counts = Counter(sum(parts) for parts in product(*(range(e + 1) for e in exponents)))
    return [counts[k] for k in range(sum(exponents) + 1)]


@pytest.mark.parametrize(("depth", "width", "heads", "head_dim"), SHAPES)
def test_the_exponents_add_up_to_the_degree_and_the_bound_counts_divisors(depth, width, heads, head_dim):
    found = monomial(depth, width, heads, head_dim, width, width)
    exponents = [e for _, e in found.exponents]
    assert sum(exponents) == (3**depth - 1) // 2
    assert found.by_degree() == splits_by_degree(exponents)
    assert sum(found.by_degree()) == found.bound
    assert all(0 <= i <= j < width for (i, j), _ in found.exponents)


@pytest.mark.parametrize(("depth", "width"), [(1, 2), (2, 2), (3, 2), (4, 2), (2, 3), (3, 3), (2, 4)])
def test_with_full_heads_of_width_one_the_rank_at_its_weights_is_the_bound(depth, width):
    found = monomial(depth, width, width, 1, width, width)
    model = SelfAttention(depth, width, heads=width, head_dim=1)
    rank = separation_rank(model, weights=found.weights(), method="catalecticant")
    assert rank.value == found.bound
    assert list(rank.by_degree) == found.by_degree()


@pytest.mark.parametrize(("depth", "width", "heads", "head_dim"), SHAPES)
def test_the_rank_at_its_weights_is_at_least_the_bound(depth, width, heads, head_dim):
    found = monomial(depth, width, heads, head_dim, width, width)
    model = SelfAttention(depth, width, heads=heads, head_dim=head_dim)
    rank = separation_rank(model, weights=found.weights())
    assert rank.value >= found.bound
    assert rank.lower >= found.bound


# The largest prime below 2^27: sums of hundreds of products fit 64 bits.
PRIME = 134217689


def output_grid(weights, near, far, scale=1):
    """The output modulo the prime for all pairs of sampled tokens, layer by layer as the network is defined.

    The tokens of the output's side are multiplied by a number.
    """
    rows, columns = len(near), len(far)
    tokens = np.concatenate([np.repeat(near * scale % PRIME, columns, 0), np.tile(far, (rows, 1, 1))], 1)
    for query, key, value, output in zip(*(weights[name] for name in ("query", "key", "value", "output")), strict=True):
        moments = tokens.transpose(0, 2, 1) @ tokens % PRIME
        matrix = sum(
            o @ (v @ moments % PRIME @ k.T % PRIME) % PRIME @ q for q, k, v, o in zip(query, key, value, output, strict=True)
        )
        tokens = tokens @ (matrix % PRIME).transpose(0, 2, 1) % PRIME
    return tokens[:, 0, 0].reshape(rows, columns)


def sampled(rng, count, *sides, width):
    return (rng.integers(0, PRIME, (count, tokens, width)) for tokens in sides)


def ranks_by_degree(weights, near, far, degree):
    """The ranks of the parts of degree 2 k + 1 in the tokens of the output's side, from their values at multiples."""
    grids = [output_grid(weights, near, far, scale) for scale in range(1, degree + 2)]
    powers = [[pow(scale, 2 * k + 1, PRIME) for k in range(degree + 1)] for scale in range(1, degree + 2)]
    inverse = flint.nmod_mat(degree + 1, degree + 1, [x for row in powers for x in row], PRIME).inv()
    parts = [sum(int(inverse[k, i]) * grid.astype(object) for i, grid in enumerate(grids)) for k in range(degree + 1)]
    return [flint_rank(part, PRIME) for part in parts]


SIDES = [(1, 1), (1, 2), (2, 1), (1, 3), (3, 1), (2, 2), (2, 3), (3, 2), (3, 3)]


@pytest.mark.parametrize(("near", "far"), SIDES)
@pytest.mark.parametrize(
    ("depth", "width", "heads"), [(1, 3, 2), (2, 2, 1), (2, 3, 3), (2, 4, 3), (2, 4, 4), (3, 2, 1), (3, 2, 2)]
)
def test_with_heads_of_width_one_the_rank_at_its_weights_is_the_bound(depth, width, heads, near, far):
    found = monomial(depth, width, heads, 1, near, far)
    rng = np.random.default_rng(0)
    values = output_grid(found.weights(), *sampled(rng, found.bound + 3, near, far, width=width))
    assert flint_rank(values, PRIME) == found.bound


@pytest.mark.parametrize(("near", "far"), SIDES)
@pytest.mark.parametrize(
    ("depth", "width", "heads", "head_dim"),
    [(2, 3, 3, 1), (2, 3, 1, 3), (2, 4, 2, 2), (2, 5, 2, 2), (2, 4, 1, 2), (3, 2, 1, 2)],
)
def test_the_rank_of_each_degree_at_its_weights_is_at_least_as_promised(depth, width, heads, head_dim, near, far):
    found = monomial(depth, width, heads, head_dim, near, far)
    rng = np.random.default_rng(1)
    promised = found.by_degree()
    count = max(promised) + 2
    ranks = ranks_by_degree(found.weights(), *sampled(rng, count, near, far, width=width), len(promised) - 1)
    assert all(rank >= least for rank, least in zip(ranks, promised, strict=True))
    assert head_dim > 1 or ranks == promised


@pytest.mark.parametrize(("width", "depth", "known"), [(3, 2, 12), (2, 3, 50), (3, 3, 108)])
def test_one_token_a_side_has_the_bounds_known_and_their_ranks(width, depth, known):
    found = monomial(depth, width, width, 1, 1, 1)
    rng = np.random.default_rng(2)
    values = output_grid(found.weights(), *sampled(rng, found.bound + 1, 1, 1, width=width))
    assert flint_rank(values, PRIME) == found.bound >= known


@pytest.mark.parametrize("rows", range(1, 5))
def test_the_entries_of_the_first_rows_are_independent_and_no_more_are(rows):
    # By the rank of the Jacobian of the entries in the coordinates of the tokens, at one generic choice.
    width = 4
    tokens = np.random.default_rng(3).integers(0, PRIME, (width, rows))

    def jacobian(entries):
        lines = np.zeros((len(entries), width, rows), dtype=object)
        for line, (i, j) in zip(lines, entries, strict=True):
            line[i] += tokens[j]
            line[j] += tokens[i]
        return lines.reshape(len(entries), -1)

    entries = [(i, j) for i in range(width) for j in range(i, width)]
    first = [(i, j) for i, j in entries if i < rows]
    assert flint_rank(jacobian(first), PRIME) == len(first) == rows * width - rows * (rows - 1) // 2
    assert flint_rank(jacobian(entries), PRIME) == len(first)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("width", [2, 5])
@pytest.mark.parametrize("side", [1, 5])
def test_one_head_of_width_one_has_the_powers_of_two_entries(depth, width, side):
    # With s = v M k and t = q M q of the lowest layer the output is (q x) s^(3^(L-1)) t^((3^(L-1) - 1) / 2).
    power = 3 ** (depth - 1)
    assert monomial(depth, width, 1, 1, side, side).bound == (power + 1) * ((power - 1) // 2 + 1)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_one_coordinate_has_the_power_of_one_entry(depth):
    assert monomial(depth, 1, 1, 1, 5, 5).bound == (3**depth + 1) // 2


@pytest.mark.parametrize(("depth", "width"), [(1, 10**6), (2, 10**5)])
def test_wide_networks_reach_the_largest_product_of_their_degree_at_once(depth, width):
    # By the inequality of the means no monomial of degree C has more than 2^C divisors; one without squares has them.
    degree = (3**depth - 1) // 2
    assert tr.bounds.log3_monomial_bound(depth, width, heads=width) == pytest.approx(degree * math.log(2, 3), rel=1e-12)
    assert tr.bounds.monomial_bound(depth, width, heads=width) == 2**degree


@pytest.mark.parametrize("depth", [1, 40, 1000, 10_000])
def test_the_logarithm_of_deep_bounds_is_right_where_no_float_holds_them(depth):
    # One coordinate has the one monomial of its degree, with C + 1 divisors.
    assert tr.bounds.log3_monomial_bound(depth, 1) == pytest.approx(math.log((3**depth + 1) // 2) / math.log(3), rel=1e-12)


@pytest.mark.parametrize(
    ("depth", "width", "heads"), [(3 * 10**6 + 1, 1, 1), (1000, 300, 300), (2, 10**7, 10**7), (20, 3000, 5)]
)
def test_searches_that_take_minutes_are_refused_before_they_begin(depth, width, heads):
    with pytest.raises(tr.TensorRankError, match=f"take minutes at depth {depth}, with {width} coord.* {heads} heads; exp"):
        tr.bounds.log3_monomial_bound(depth, width, heads, head_dim=width)
