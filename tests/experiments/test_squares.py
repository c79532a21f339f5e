"""What squares save and what a single square costs: every lemma by brute force on small sizes."""

import itertools
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from mixtures.brute_force import all_states
from oracles import flint_rank

import tensorrank as tr
from tensorrank.experiments.squares import disjointness_terms, square_terms, squared_separations, sum_of_numbers

PRIME = 8388593


def common_bits(pairs):
    bits = all_states((2,) * pairs)
    return bits @ bits.T


@pytest.mark.parametrize("pairs", [1, 2, 3])
def test_sets_that_avoid_one_common_bit_have_at_most_two_to_the_n_disjoint_pairs(pairs):
    common = common_bits(pairs)
    most = 0
    for chosen in itertools.product([False, True], repeat=2**pairs):
        rows = common[list(chosen)]
        # The largest set of columns for these rows.
        columns = rows[:, (rows != 1).all(axis=0)]
        most = max(most, int((columns == 0).sum()))
    assert most == 2**pairs
    assert (common == 0).sum() == 3**pairs


@pytest.mark.parametrize("pairs", [1, 2, 3, 4, 5, 6])
def test_the_rank_of_unique_disjointness_is_its_closed_form(pairs):
    rank = flint_rank((1 - common_bits(pairs)) ** 2, PRIME)
    assert rank == 1 + pairs + pairs * (pairs - 1) // 2
    row = squared_separations([pairs]).rows[0]
    assert (row.rank.value, row.rank_bound) == (rank, (pairs + 1) * (pairs + 2) // 2)
    assert row.classes_needed == max(rank, ceil(Fraction(3, 2) ** pairs)) == disjointness_terms(pairs)


def test_every_nonnegative_sum_of_terms_is_as_long_as_is_said_where_few_are_needed():
    """A nonnegative matrix of rank 2 has two terms, and unique disjointness of one pair is a 2 x 2 matrix of rank 2."""
    assert disjointness_terms(1) == 2
    assert flint_rank((1 - common_bits(1)) ** 2, PRIME) == 2


@pytest.mark.parametrize("pairs", [1, 2])
def test_all_signs_of_the_square_roots_give_the_rank_that_is_said(pairs):
    """Up to signs of rows and columns, which change no rank, the first row and column are positive."""
    size = 2**pairs
    roots = np.sqrt(1.0 + np.add.outer(np.arange(size), np.arange(size)))
    signs = np.array(list(itertools.product([-1, 1], repeat=(size - 1) ** 2))).reshape(-1, size - 1, size - 1)
    every = np.repeat(roots[None], len(signs), axis=0)
    every[:, 1:, 1:] *= signs
    assert square_terms(pairs) == size
    # The smallest is 1.413e-6 with 30 digits; doubles err by some 1e-14.
    assert np.abs(np.linalg.det(every)).min() > 1e-6


def test_the_primes_are_counted():
    """The numbers of primes up to powers of two, OEIS A007053."""
    published = [2, 4, 6, 11, 18, 31, 54, 97, 172, 309, 564, 1028, 1900, 3512, 6542, 12251]
    assert [square_terms(pairs) for pairs in range(1, 17)] == published


def test_the_sum_of_two_numbers_is_its_definition_and_small_without_signs():
    model = sum_of_numbers(3)
    rows = all_states((2,) * 6)
    powers = np.array([1, 1, 2, 2, 4, 4])
    values = [Fraction(int(1 + row @ powers)) for row in rows]
    assert model.probability(rows).tolist() == [value / sum(values) for value in values]
    assert tr.separation_rank(model, "interleaved").value == 2
    squared = tr.reduce(model, "squared")
    assert (squared.probability(rows) == model.probability(rows)).all()
    assert squared.pairs_at("class") == model.classes == 7


def test_each_density_is_small_in_one_kind_and_large_in_the_other():
    row = squared_separations([16], ranked=0).rows[0]
    assert row.rank is None
    assert row.classes_needed > 30 * row.squared_states
    assert row.square_needed > 300 * row.monotone_classes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: squared_separations([0]), "one of the numbers of pairs is 0; expected a whole number from 1 to 20"),
        (lambda: squared_separations([21]), "expected a whole number from 1 to 20"),
        (lambda: squared_separations([]), "no numbers of pairs were given; expected at least one"),
        (lambda: squared_separations([2], ranked=-1), "ranked is -1; expected a whole number of at least 0"),
        (lambda: sum_of_numbers(0), "pairs is 0; expected a whole number from 1 to 20"),
        (lambda: tr.SquaredMixture.unique_disjointness(0), "pairs is 0; expected a whole number of at least 1"),
        (lambda: tr.SquaredMixture.unique_disjointness(10**9), "would take"),
    ],
)
def test_numbers_out_of_range_are_refused(call, message):
    with pytest.raises(tr.TensorRankError, match=message):
        call()
