from itertools import product
from math import comb

import numpy as np
import pytest

from tensorrank.separation.monomials import (
    monomial_count,
    monomials,
    numbering_sums,
    numbering_table,
    sparse_monomials,
    suffix_sums,
)

CASES = [(1, 0), (1, 7), (2, 0), (2, 5), (3, 4), (4, 3), (5, 2), (6, 4), (7, 1), (3, 13)]


def brute_force(variables, degree):
    """All exponents of a degree, in descending order."""
    if variables == 0:
        return [()] if degree == 0 else []
    heads = product(range(degree + 1), repeat=variables - 1)
    return sorted(((*head, degree - sum(head)) for head in heads if sum(head) <= degree), reverse=True)


@pytest.mark.parametrize(("variables", "degree"), CASES)
def test_monomials_are_listed_in_descending_order(variables, degree):
    assert list(map(tuple, monomials(variables, degree).tolist())) == brute_force(variables, degree)


@pytest.mark.parametrize(("variables", "degree"), CASES)
def test_monomials_are_found_by_their_numbers(variables, degree):
    listed = brute_force(variables, degree)
    numbers = np.random.default_rng(0).integers(0, len(listed), 20)
    assert list(map(tuple, monomials(variables, degree, numbers).tolist())) == [listed[i] for i in numbers]


@pytest.mark.parametrize(("variables", "degree"), [*CASES, (40, 2), (2, 40)])
def test_sparse_monomials_are_the_same_from_any_number_on(variables, degree):
    listed = monomials(variables, degree)
    for start, stop in ((0, None), (0, 0), (len(listed) // 2, len(listed)), (len(listed) // 3, len(listed) // 2)):
        occurring, powers = sparse_monomials(variables, degree, start, stop)
        dense = np.zeros((len(powers), variables), dtype=int)
        for i in range(len(powers)):
            held = powers[i] > 0
            assert (np.diff(occurring[i, held]) > 0).all()
            assert not held[held.sum() :].any()
            dense[i, occurring[i, held]] = powers[i, held]
        assert (dense == listed[start:stop]).all()


@pytest.mark.parametrize(("variables", "degree"), [*CASES, (30, 2)])
def test_numbering_sums_give_the_position_from_the_variables_that_occur(variables, degree):
    sums = numbering_sums(variables, degree)
    for place, (occurring, powers) in enumerate(zip(*sparse_monomials(variables, degree), strict=True)):
        number, after = 0, 0
        for v, e in list(zip(occurring.tolist(), powers.tolist(), strict=True))[::-1]:
            number += int(sums[v, after + e] - sums[v, after])
            after += e
        assert number == place


@pytest.mark.parametrize("variables", range(6))
def test_the_count_is_that_of_the_list(variables):
    for degree in range(6):
        assert monomial_count(variables, degree) == len(brute_force(variables, degree))
    assert monomial_count(variables, -1) == 0


def test_counts_of_any_size_are_exact():
    assert monomial_count(36, 3280) == comb(3315, 35)


@pytest.mark.parametrize(("variables", "degree"), CASES)
def test_suffix_sums_add_the_later_exponents(variables, degree):
    exponents = monomials(variables, degree)
    expected = [[sum(row[e + 1 :]) for e in range(variables - 1)] for row in exponents.tolist()]
    assert suffix_sums(exponents).tolist() == expected


@pytest.mark.parametrize(("variables", "degree"), CASES)
def test_the_numbering_table_gives_the_position_of_every_monomial(variables, degree):
    table = numbering_table(variables, degree)
    for number, sums in enumerate(suffix_sums(monomials(variables, degree)).tolist()):
        assert sum(int(table[e, s]) for e, s in enumerate(sums)) == number


@pytest.mark.parametrize(("variables", "degree"), [(2, 5), (3, 4), (4, 3)])
def test_suffix_sums_of_products_number_the_products(variables, degree):
    table = numbering_table(variables, 2 * degree)
    position = {gamma: number for number, gamma in enumerate(brute_force(variables, 2 * degree))}
    exponents = brute_force(variables, degree)
    sums = suffix_sums(monomials(variables, degree))
    for alpha, left in zip(exponents, sums, strict=True):
        for beta, right in zip(exponents, sums, strict=True):
            number = sum(int(table[e, s]) for e, s in enumerate(left + right))
            assert number == position[tuple(a + b for a, b in zip(alpha, beta, strict=True))]
