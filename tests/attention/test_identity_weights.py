"""The identity bound: ranks at identity weights against FLINT, part by part, and counts against Weyl's formula."""

from fractions import Fraction
from itertools import combinations_with_replacement
from math import factorial, prod

import flint
import pytest

import tensorrank as tr
from tensorrank.attention.identity_weights import identity_ranks
from tensorrank.errors import TensorRankError, TooLargeError

PRIME = 2**31 - 1
bounds = tr.bounds


def exponents(variables, degree):
    for chosen in combinations_with_replacement(range(variables), degree):
        yield tuple(map(chosen.count, range(variables)))


def first_row_of_power(width, power):
    """The entries of the first row of M^C, each as a dictionary from the exponents of its terms to coefficients."""
    pairs = list(combinations_with_replacement(range(width), 2))
    row = [{(0,) * len(pairs): 1}] + [{} for _ in range(width - 1)]
    for _ in range(power):
        following = [{} for _ in range(width)]
        for i, entry in enumerate(row):
            for j in range(width):
                place = pairs.index((min(i, j), max(i, j)))
                for term, coefficient in entry.items():
                    product = (*term[:place], term[place] + 1, *term[place + 1 :])
                    following[j][product] = following[j].get(product, 0) + coefficient
        row = following
    return row


def block_ranks(width, power, degrees):
    """The ranks of parts of x_0 (M^C)_00 + ... modulo the prime, from all derivatives of its coefficients."""
    entries, row = width * (width + 1) // 2, first_row_of_power(width, power)
    ranks = []
    for degree in degrees:
        near, far = list(exponents(entries, degree)), list(exponents(entries, power - degree))
        values = []
        for entry in row:
            for one in near:
                for other in far:
                    term = tuple(map(sum, zip(one, other, strict=True)))
                    values.append(entry.get(term, 0) * prod(map(factorial, term)) % PRIME)
        ranks.append(flint.nmod_mat(width * len(near), len(far), values, PRIME).rank())
    return ranks


@pytest.mark.parametrize(
    ("width", "power"),
    [
        (1, 4),
        (1, 13),
        *((2, power) for power in (1, 2, 3, 4, 5, 8, 13)),
        *((3, power) for power in (1, 2, 3, 4, 5)),
        (4, 3),
        (4, 4),
    ],
)
def test_the_rank_of_every_part_is_that_of_its_matrix_of_derivatives(width, power):
    assert identity_ranks(power, width) == block_ranks(width, power, range(power + 1))


def test_from_degree_6_on_the_square_of_the_determinant_is_lost():
    # det(D)^2 takes every trace of a power of M to 0: 433 of the 434 that three further entries would give.
    assert block_ranks(3, 11, [5]) == [433] == [identity_ranks(11, 3)[5]]


# Measured over GF(p) at identity weights before there was a closed form: SOURCES.md, section 2.
@pytest.mark.parametrize(("depth", "width", "rank"), [(2, 2, 17), (3, 2, 196), (2, 3, 46), (3, 3, 2512), (2, 4, 104)])
def test_known_ranks_at_identity_weights(depth, width, rank):
    assert bounds.identity_bound(depth, width) == rank
    assert sum(identity_ranks((3**depth - 1) // 2, width)) == rank


def partitions(number, most, rows):
    if number == 0:
        yield ()
    elif rows:
        for first in range(min(number, most), 0, -1):
            for rest in partitions(number - first, first, rows - 1):
                yield (first, *rest)


def weyl_dimension(rows, width):
    rows = [*rows, *[0] * (width - len(rows))]
    pairs = [(i, j) for i in range(width) for j in range(i + 1, width)]
    return prod(Fraction(rows[i] - rows[j] + j - i, j - i) for i, j in pairs)


@pytest.mark.parametrize("width", [2, 3, 4, 5])
def test_parts_of_few_degrees_on_the_other_side_are_counted_by_weyls_formula(width):
    # Up to and beyond degree 3 d - 4, up to which forms are counted one by one.
    degree = 3 * width + 1
    for c, rank in enumerate(identity_ranks(2 * degree, width)[::-1][: degree + 1]):
        shapes = [mu for mu in partitions(c, c, width) if len(mu) < 3 or mu[2] == 1]
        assert rank == sum(weyl_dimension([2 * part for part in mu], width) for mu in shapes)


@pytest.mark.parametrize("width", [1, 2, 3, 8, 20])
@pytest.mark.parametrize("depth", [1, 2, 3, 6, 40])
def test_the_bound_lies_between_that_of_two_tokens_and_the_moment_bound(depth, width):
    assert bounds.two_token_rank(depth, width) <= bounds.identity_bound(depth, width) <= bounds.moment_bound(depth, width)


def test_at_width_1_and_at_depth_1_it_is_the_moment_bound():
    assert [bounds.identity_bound(depth, 1) for depth in (1, 2, 3)] == [2, 5, 14]
    assert [bounds.identity_bound(1, width) for width in (1, 2, 3, 64, 12288)] == [2, 3, 4, 65, 12289]


def test_each_layer_adds_twice_the_width_less_one_to_the_logarithm():
    grown = bounds.log3(bounds.identity_bound(400, 5)) - bounds.log3(bounds.identity_bound(300, 5))
    assert grown == pytest.approx(900, rel=1e-9)


@pytest.mark.parametrize(
    ("depth", "width", "words"),
    [
        (0, 2, "depth is 0; expected a whole number of at least 1"),
        (2, 2.0, "width is 2.0; expected a whole number of at least 1"),
        (8, 4096, "counting forms of degree 1640 at width 4096 would take minutes; expected smaller sizes. Try two_token_rank"),
    ],
)
def test_sizes_that_are_none_or_too_large_are_refused(depth, width, words):
    with pytest.raises(TensorRankError, match=words):
        bounds.identity_bound(depth, width)


def test_depths_of_too_many_digits_are_refused():
    with pytest.raises(TooLargeError, match="depth is 5000; expected at most 3000"):
        bounds.identity_bound(5000, 2)
    with pytest.raises(TooLargeError, match="the identity bound is about"):
        bounds.identity_bound(3000, 30)
