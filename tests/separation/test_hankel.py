import flint
import numpy as np
import pytest

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.separation.hankel import HankelForm
from tensorrank.separation.monomials import monomial_count, monomials

PRIME = 8388593
CASES = [(1, 1, 5), (1, 2, 6), (2, 2, 5), (2, 3, 4), (3, 3, 4), (3, 6, 3), (4, 1, 3), (3, 4, 0)]


def exponent_tuples(variables, degree):
    return list(map(tuple, monomials(variables, degree).tolist()))


def form_of(coefficients, variables, degree):
    field = PrimeField(PRIME)
    return HankelForm(field, degree, variables, field.balanced(coefficients).T.astype(np.int32))


def random_form(width, variables, degree, seed=0):
    shape = (width, monomial_count(variables, degree))
    coefficients = np.random.default_rng(seed).integers(0, PRIME, shape)
    return form_of(coefficients, variables, degree)


def entrywise(form, k):
    """Cat_k entry by entry, h looked up by exponents."""
    gammas = exponent_tuples(form.variables, form.degree)
    h = [dict(zip(gammas, map(int, row), strict=True)) for row in form.coefficients.T]
    columns = exponent_tuples(form.variables, form.degree - k)
    return np.array(
        [
            [h[q][tuple(a + b for a, b in zip(alpha, beta, strict=True))] for beta in columns]
            for q in range(form.width)
            for alpha in exponent_tuples(form.variables, k)
        ]
    )


@pytest.mark.parametrize(("width", "variables", "degree"), CASES)
def test_every_block_holds_the_coefficients_of_products(pool, width, variables, degree):
    form = random_form(width, variables, degree)
    for k in range(degree + 1):
        expected = entrywise(form, k)
        assert expected.shape == (form.rows(k), form.columns(k))
        assert form.block(k, pool).tolist() == expected.tolist()
        assert form.block(k, pool, transposed=True).tolist() == expected.T.tolist()


@pytest.mark.parametrize(("width", "variables", "degree"), CASES)
def test_chosen_rows_and_columns_are_those_of_the_whole_block(pool, width, variables, degree):
    rng = np.random.default_rng(1)
    form = random_form(width, variables, degree)
    for k in range(degree + 1):
        whole = entrywise(form, k)
        for _ in range(6):
            rows = np.sort(rng.choice(len(whole), rng.integers(1, len(whole) + 1), replace=False))
            columns = np.sort(rng.choice(whole.shape[1], rng.integers(1, whole.shape[1] + 1), replace=False))
            part = whole[np.ix_(rows, columns)]
            assert form.block(k, pool, rows, columns).tolist() == part.tolist()
            assert form.block(k, pool, rows, columns, transposed=True).tolist() == part.T.tolist()
            assert form.block(k, pool, rows).tolist() == whole[rows].tolist()
            assert form.block(k, pool, None, columns, transposed=True).tolist() == whole[:, columns].T.tolist()


@pytest.mark.parametrize(("width", "variables", "degree"), CASES)
def test_blocks_are_contiguous_balanced_residues_in_both_orientations(pool, width, variables, degree):
    form = random_form(width, variables, degree)
    for k in range(degree + 1):
        for transposed in (False, True):
            block = form.block(k, pool, transposed=transposed)
            assert block.flags.c_contiguous
            assert block.dtype == np.int32


def rank(matrix):
    return flint.nmod_mat(*matrix.shape, [int(x) % PRIME for x in matrix.flat], PRIME).rank()


def assert_independence_spreads(form):
    blocks = [entrywise(form, k) for k in range(form.degree + 1)]
    ranks = [rank(block) for block in blocks]
    rows_independent = [r == block.shape[0] for r, block in zip(ranks, blocks, strict=True)]
    columns_independent = [r == block.shape[1] for r, block in zip(ranks, blocks, strict=True)]
    assert rows_independent == sorted(rows_independent, reverse=True)
    assert columns_independent == sorted(columns_independent)
    return rows_independent.count(True), columns_independent.count(True)


@pytest.mark.parametrize(("width", "variables", "degree"), [(1, 2, 7), (1, 3, 5), (2, 2, 6), (2, 3, 4), (3, 3, 4), (3, 2, 5)])
def test_independent_rows_and_columns_spread_on_random_forms(width, variables, degree):
    rows, columns = assert_independence_spreads(random_form(width, variables, degree))
    assert rows > 0
    assert columns > 0


@pytest.mark.parametrize("seed", range(8))
def test_independent_rows_and_columns_spread_on_deficient_forms(seed):
    rng = np.random.default_rng(seed)
    width, variables, degree = 2, 3, 5
    gammas = monomials(variables, degree)
    sparse = np.where(rng.random((width, len(gammas))) < 0.2, rng.integers(1, PRIME, (width, len(gammas))), 0)
    assert_independence_spreads(form_of(sparse, variables, degree))
    # h of a sum of powers of linear forms, (a x)^C / C!, is a^g: block k then has rank at most the number of powers.
    powers = 1 + seed % 5
    nodes = rng.integers(0, PRIME, (width, powers, variables)).tolist()
    sums = [
        [
            sum(pow(a[0], int(g[0]), PRIME) * pow(a[1], int(g[1]), PRIME) * pow(a[2], int(g[2]), PRIME) for a in row) % PRIME
            for g in gammas
        ]
        for row in nodes
    ]
    form = form_of(np.array(sums), variables, degree)
    assert_independence_spreads(form)
    assert all(rank(entrywise(form, k)) <= width * powers for k in range(degree + 1))
