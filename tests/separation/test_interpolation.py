from math import factorial, prod

import numpy as np
import pytest

from tensorrank import SelfAttention
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError
from tensorrank.separation.hankel import HankelForm, symmetric_entries
from tensorrank.separation.interpolation import interpolation_matrix, line_coefficients, to_scaled_coefficients
from tensorrank.separation.monomials import monomials

CASES = [(1, 5), (2, 0), (2, 1), (2, 13), (3, 4), (3, 7), (4, 4), (6, 3), (9, 2)]


def value(coefficients, exponents, point, prime):
    """A polynomial by Python's whole numbers."""
    powers = [[pow(int(x), e, prime) for e in range(max(map(max, exponents)) + 1)] for x in point]
    return (
        sum(
            c * prod(powers[variable][e] for variable, e in enumerate(gamma))
            for c, gamma in zip(coefficients, exponents, strict=True)
        )
        % prime
    )


def lattice_points(exponents):
    """Exponents with the last one replaced by 1: whole coordinates of sum at most the degree."""
    return [(*gamma[:-1], 1) for gamma in exponents.tolist()]


def scaled(values, variables, degree, prime, pool):
    array = np.array(values, dtype=np.int32)
    to_scaled_coefficients(array, variables, degree, PrimeField(prime), pool)
    assert (np.abs(array) <= prime // 2).all()
    return array.astype(np.int64) % prime


@pytest.mark.parametrize("prime", [17, 101, 8388593, 2**31 - 1])
@pytest.mark.parametrize(("variables", "degree"), CASES)
def test_a_polynomial_is_found_from_its_values_on_the_lattice(pool, prime, variables, degree):
    rng = np.random.default_rng([prime, variables])
    listed = monomials(variables, degree)
    exponents = listed.tolist()
    coefficients = rng.integers(0, prime, (3, len(exponents))).tolist()
    points = lattice_points(listed)
    values = [[value(c, exponents, x, prime) for c in coefficients] for x in points]
    expected = [
        [c * prod(map(factorial, gamma)) % prime for c in column]
        for gamma, column in zip(exponents, zip(*coefficients, strict=True), strict=True)
    ]
    assert scaled(values, variables, degree, prime, pool).tolist() == expected


@pytest.mark.parametrize(("variables", "degree"), [(3, 190), (5, 24), (26, 4)])
def test_a_lattice_large_enough_to_be_shared_by_threads_gives_the_same(pool, variables, degree):
    prime = 8388593
    rng = np.random.default_rng(4)
    listed = monomials(variables, degree)
    chosen = np.sort(rng.choice(len(listed), 5, replace=False))
    coefficients = rng.integers(1, prime, 5).tolist()
    terms = list(zip(coefficients, listed[chosen].tolist(), strict=True))
    powers = [[pow(x, e, prime) for e in range(degree + 1)] for x in range(degree + 1)]
    values = [
        [sum(c * prod(powers[x][e] for x, e in zip(point, gamma, strict=True)) for c, gamma in terms) % prime]
        for point in lattice_points(listed)
    ]
    expected = np.zeros((len(listed), 1), dtype=np.int64)
    expected[chosen, 0] = [c * prod(map(factorial, gamma)) % prime for c, gamma in terms]
    assert (scaled(values, variables, degree, prime, pool) == expected).all()


@pytest.mark.parametrize("prime", [2, 11, 13])
def test_a_prime_not_above_the_degree_is_refused(pool, prime):
    with pytest.raises(PrimeError, match=f"the prime {prime} does not exceed the degree 13; expected a larger prime"):
        to_scaled_coefficients(np.zeros((14, 1), dtype=np.int32), 2, 13, PrimeField(prime), pool)


@pytest.mark.parametrize("prime", [11, 8388593, 2**31 - 1])
@pytest.mark.parametrize("degree", [0, 1, 5, 10])
def test_a_polynomial_in_one_variable_is_found_from_its_first_values(prime, degree):
    coefficients = np.random.default_rng(prime).integers(0, prime, degree + 1).tolist()
    values = np.array([sum(c * x**k for k, c in enumerate(coefficients)) % prime for x in range(degree + 1)])
    assert line_coefficients(values, PrimeField(prime)).tolist() == coefficients


@pytest.mark.parametrize(
    ("depth", "width", "heads", "prime"),
    [(2, 2, 1, 8388593), (3, 2, 2, 2**31 - 1), (2, 3, 1, 101), (3, 3, 1, 8388593), (4, 2, 1, 8388593), (1, 3, 3, 7)],
)
def test_an_interpolated_network_equals_the_network_everywhere(pool, depth, width, heads, prime):
    rng = np.random.default_rng(depth + width)
    field = PrimeField(prime)
    model = SelfAttention(depth, width, heads=heads)
    instance = model.draw(field, rng)
    degree = (3**depth - 1) // 2
    variables = width * (width + 1) // 2
    form = HankelForm.of(instance, field, width, degree, variables, pool)
    exponents = monomials(variables, degree).tolist()
    coefficients = [
        [int(h) * pow(prod(map(factorial, gamma)), -1, prime) for h, gamma in zip(row, exponents, strict=True)]
        for row in form.coefficients.T
    ]
    halves = rng.integers(0, prime, (4, width, width))
    moments = (halves + halves.swapaxes(1, 2)) % prime
    expected = [
        [value(c, exponents, [moment[i, j] for i, j in symmetric_entries(width)], prime) for c in coefficients]
        for moment in moments
    ]
    assert instance.moment_values(moments).tolist() == expected


def test_keeping_fewer_entries_sets_the_others_to_zero(pool):
    prime = 8388593
    rng = np.random.default_rng(5)
    field = PrimeField(prime)
    instance = SelfAttention(2, 3).draw(field, rng)
    form = HankelForm.of(instance, field, 3, 4, 4, pool)
    exponents = monomials(4, 4).tolist()
    entries = symmetric_entries(3)[:4]
    moment = np.zeros((1, 3, 3), dtype=np.int64)
    for i, j in entries:
        moment[0, i, j] = moment[0, j, i] = rng.integers(0, prime)
    coefficients = [
        [int(h) * pow(prod(map(factorial, gamma)), -1, prime) for h, gamma in zip(row, exponents, strict=True)]
        for row in form.coefficients.T
    ]
    expected = [value(c, exponents, [moment[0, i, j] for i, j in entries], prime) for c in coefficients]
    assert instance.moment_values(moment).tolist() == [expected]


@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_symmetric_entries_list_the_upper_triangle_diagonal_first(width):
    entries = symmetric_entries(width)
    assert sorted(entries) == [(i, j) for i in range(width) for j in range(i, width)]
    assert entries[:width] == [(i, i) for i in range(width)]
    assert [j - i for i, j in entries] == sorted(j - i for i, j in entries)


@pytest.mark.parametrize("prime", [13, 251, 8388593, 2**31 - 1])
@pytest.mark.parametrize("degree", [0, 1, 4, 12])
def test_the_interpolation_matrix_inverts_that_of_powers(prime, degree):
    matrix = interpolation_matrix(degree, PrimeField(prime)).tolist()
    powers = [[pow(node, power, prime) for power in range(degree + 1)] for node in range(degree + 1)]
    for power in range(degree + 1):
        found = [sum(row[node] * powers[node][power] for node in range(degree + 1)) % prime for row in matrix]
        assert found == [int(other == power) for other in range(degree + 1)]
