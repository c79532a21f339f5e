from fractions import Fraction
from itertools import combinations_with_replacement
from math import comb

import flint
import numpy as np
import pytest

from tensorrank.separation.hilbert import HilbertSeries, invariant_series, moment_spaces, vector_series

WIDTHS = range(1, 6)
DEGREES = range(7)


def partitions(total, rows, largest=None):
    largest = total if largest is None else largest
    if total == 0:
        yield ()
    elif rows:
        for first in range(min(total, largest), 0, -1):
            for rest in partitions(total - first, rows - 1, first):
                yield (first, *rest)


def schur_dimension(shape, width):
    """Weyl's formula for dim S_mu(C^width)."""
    if len(shape) > width:
        return 0
    mu = [*shape, *[0] * (width - len(shape))]
    value = Fraction(1)
    for j in range(width):
        for i in range(j):
            value *= Fraction(mu[i] - mu[j] + j - i, j - i)
    assert value.denominator == 1
    return int(value)


def listed_rows(width, degree, tokens):
    """A_k(n) of SOURCES.md section 2."""
    return sum(
        schur_dimension(mu, width) for mu in partitions(2 * degree + 1, min(tokens, width)) if sum(part % 2 for part in mu) == 1
    )


def listed_columns(width, degree, tokens):
    """B_k(n) of SOURCES.md section 2."""
    return sum(schur_dimension([2 * part for part in shape], width) for shape in partitions(degree, min(tokens, width)))


def monomial_values(values, degree, prime):
    """All monomials of a degree in the given values."""
    found = []
    for chosen in combinations_with_replacement(range(len(values)), degree):
        product = 1
        for variable in chosen:
            product = product * values[variable] % prime
        found.append(product)
    return found


def spanned_dimension(width, degree, tokens, *, vector, prime=2**31 - 1):
    """The rank of the functions themselves, evaluated at random tokens: no representation theory."""
    rng = np.random.default_rng([width, degree, tokens])
    functions = comb(width * (width + 1) // 2 + degree - 1, degree) * (width if vector else 1)
    samples = []
    for _ in range(functions + 3):
        x = [[int(c) for c in token] for token in rng.integers(0, prime, (tokens, width))]
        entries = [sum(t[i] * t[j] for t in x) % prime for i in range(width) for j in range(i, width)]
        powers = monomial_values(entries, degree, prime)
        samples.append([q * power % prime for q in x[0] for power in powers] if vector else powers)
    return flint.nmod_mat(len(samples), functions, [v for row in samples for v in row], prime).rank()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("degree", DEGREES)
def test_dimensions_agree_with_listing_partitions(width, degree):
    for tokens in range(1, width + 2):
        assert vector_series(width, tokens).value(degree) == listed_rows(width, degree, tokens)
        assert invariant_series(width, tokens).value(degree) == listed_columns(width, degree, tokens)


@pytest.mark.parametrize("width", [6, 7, 9])
def test_wider_dimensions_agree_with_listing_partitions(width):
    for tokens in range(1, width):
        for degree in (1, 3, 4):
            assert vector_series(width, tokens).value(degree) == listed_rows(width, degree, tokens)
            assert invariant_series(width, tokens).value(degree) == listed_columns(width, degree, tokens)


@pytest.mark.parametrize(
    ("width", "tokens", "degree"),
    [(1, 1, 3), (2, 1, 3), (2, 2, 4), (2, 3, 3), (3, 1, 3), (3, 2, 3), (3, 2, 4), (3, 3, 3), (4, 1, 2), (4, 2, 2), (4, 3, 2)],
)
def test_dimensions_agree_with_the_rank_of_the_functions(width, tokens, degree):
    for k in range(degree + 1):
        assert vector_series(width, tokens).value(k) == spanned_dimension(width, k, tokens, vector=True)
        assert invariant_series(width, tokens).value(k) == spanned_dimension(width, k, tokens, vector=False)


@pytest.mark.parametrize("width", WIDTHS)
def test_many_tokens_and_one_token_have_closed_forms(width):
    entries = width * (width + 1) // 2
    for k in (*DEGREES, 40, 1000):
        for tokens in (width, width + 1, 10 * width):
            assert vector_series(width, tokens).value(k) == width * comb(entries + k - 1, k)
            assert invariant_series(width, tokens).value(k) == comb(entries + k - 1, k)
        assert vector_series(width, 1).value(k) == comb(width + 2 * k, 2 * k + 1)
        assert invariant_series(width, 1).value(k) == comb(width + 2 * k - 1, 2 * k)


@pytest.mark.parametrize("width", [2, 3, 7, 10**5])
@pytest.mark.parametrize("degree", [1, 4, 13])
def test_the_functions_of_one_token_are_its_forms_at_any_width(width, degree):
    spaces = moment_spaces(width, degree, 1, 1)
    for k in range(degree + 1):
        assert spaces.rows(k) == comb(width + 2 * k, 2 * k + 1)
        assert spaces.columns(k) == comb(width + 2 * (degree - k) - 1, 2 * (degree - k))


def test_no_tokens_leave_the_constants():
    assert [invariant_series(3, 0).value(k) for k in range(4)] == [1, 0, 0, 0]


@pytest.mark.parametrize("width", WIDTHS)
def test_sums_add_the_values_up(width):
    for tokens in range(1, width + 1):
        for series in (vector_series(width, tokens), invariant_series(width, tokens)):
            for last in (-1, 0, 1, 6, 25):
                assert series.sum_to(last) == sum(series.value(k) for k in range(last + 1))
            assert series.value(-1) == 0


def test_a_series_expands_its_fraction():
    series = HilbertSeries((1, 2, -1), 2)
    geometric = [k + 1 for k in range(12)]
    expected = [sum(h * geometric[k - j] for j, h in enumerate((1, 2, -1)) if k >= j) for k in range(12)]
    assert [series.value(k) for k in range(12)] == expected


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize("degree", [0, 1, 4, 13])
def test_the_bound_is_the_plain_sum_of_minima(width, degree):
    for near in range(1, width + 2):
        for far in range(1, width + 2):
            spaces = moment_spaces(width, degree, near, far)
            rows = [listed_rows(width, k, near) for k in range(degree + 1)]
            columns = [listed_columns(width, degree - k, far) for k in range(degree + 1)]
            assert [spaces.rows(k) for k in range(degree + 1)] == rows
            assert [spaces.columns(k) for k in range(degree + 1)] == columns
            assert spaces.bound() == sum(map(min, rows, columns))
            crossing = [k for k in range(degree + 1) if rows[k] <= columns[k]]
            assert spaces.crossing() == max(crossing, default=-1)


def test_the_bound_of_a_degree_beyond_listing_is_its_sum():
    degree = (3**7 - 1) // 2
    spaces = moment_spaces(3, degree, 2, 4)
    assert spaces.bound() == sum(min(spaces.rows(k), spaces.columns(k)) for k in range(degree + 1))
