"""Ranks of sparse matrices of scipy, against FLINT and against dense ones."""

import re
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.errors import PrimeError, TensorRankError

FORMATS = ["coo", "csr", "csc", "bsr", "dok", "lil", "dia"]


def sparse(seed, density=0.3, most=12):
    rng = np.random.default_rng(seed)
    size = rng.integers(0, most, 2)
    return rng.integers(-3, 4, size) * (rng.random(size) < density)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.15, 0.3, 0.6]), st.sampled_from([2, 3, 101, 2**31 - 1]))
def test_ranks_are_those_of_flint(seed, density, prime):
    dense = sparse(seed, density)
    given = scipy.sparse.coo_array(dense)
    rows = [[int(x) for x in row] for row in dense]
    expected = flint.fmpz_mat(rows).rank() if dense.size else 0
    assert (tr.rational_rank(given).value, tr.rational_rank(given).standing) == (expected, "exact")
    assert tr.rank_mod_p(given, prime) == (flint.nmod_mat(flint.fmpz_mat(rows), prime).rank() if dense.size else 0)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("make", [scipy.sparse.coo_array, scipy.sparse.coo_matrix])
def test_every_format_of_scipy_is_taken(kind, make):
    dense = sparse(3, 0.4, 30)
    given = make(dense).asformat(kind)
    assert tr.rank_mod_p(given, 101) == tr.rank_mod_p(dense, 101)
    np.testing.assert_array_equal(SparseMatrix.of(given).toarray(), dense)
    np.testing.assert_array_equal(given.toarray(), dense)  # left as it was


def test_entries_of_one_place_are_added_without_overflow():
    given = scipy.sparse.coo_array((np.array([100, 100, 5, -5], dtype=np.int8), ([0, 0, 1, 1], [0, 0, 1, 1])), (2, 2))
    assert SparseMatrix.of(given).entries.tolist() == [200]
    assert tr.rational_rank(given).value == 1
    large = scipy.sparse.coo_array((np.full(2, 2**62), ([0, 0], [0, 0])), (1, 1))
    assert SparseMatrix.of(large).entries.tolist() == [2**63]
    assert tr.rank_mod_p(large, 2**31 - 1) == 1
    unsigned = scipy.sparse.coo_array((np.array([2**64 - 1], dtype=np.uint64), ([0], [0])), (1, 1))
    assert SparseMatrix.of(unsigned).entries.tolist() == [2**64 - 1]


def test_what_vanishes_modulo_the_prime_is_no_pivot():
    given = scipy.sparse.coo_array(np.array([[7, 0], [1, 1]]))
    assert (tr.rank_mod_p(given, 7), tr.rank_mod_p(given, 5), tr.rational_rank(given).value) == (1, 2, 2)


def test_a_long_chain_needs_no_elimination():
    size = 100_000
    chain = scipy.sparse.diags_array([np.ones(size), -np.ones(size - 1)], offsets=[0, 1], dtype=np.int64)
    found = tr.rational_rank(chain)
    assert (found.value, found.standing, found.primes) == (size, "exact", ())
    assert found.reason == "100000 pivots that are alone in a row or column, and 0 blocks beside them"
    assert tr.rank_mod_p(chain, 2) == size


def test_blocks_are_eliminated_one_by_one():
    block = np.array([[1, 1, 0], [0, 1, 1], [1, 0, 1]])
    given = scipy.sparse.block_diag([block] * 40, format="csr")
    # The determinant of the block is 2.
    assert (tr.rank_mod_p(given, 2), tr.rank_mod_p(given, 3)) == (80, 120)
    found = tr.rational_rank(given)
    assert (found.value, found.upper, found.standing) == (120, 120, "exact")
    assert "0 pivots that are alone in a row or column, and 40 blocks beside them" in found.reason


def test_a_probable_block_makes_a_probable_rank():
    rng = np.random.default_rng(0)
    block = rng.integers(0, 2, (60, 20)) @ rng.integers(0, 2, (20, 60))
    given = scipy.sparse.block_diag([block, np.eye(2)], format="csr").astype(np.int64)
    found = tr.rational_rank(given, work=1.0)
    assert (found.value, found.upper, found.standing) == (22, 62, "probable")
    assert 0 < found.failure_probability < 1e-10
    assert tr.rational_rank(given).standing == "exact"


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.bool_, np.uint8])
def test_whole_numbers_of_every_type(kind):
    assert tr.rational_rank(scipy.sparse.eye_array(3, dtype=kind)).value == 3
    assert tr.rank_mod_p(scipy.sparse.eye_array(3, dtype=kind), 7) == 3


def test_a_sparse_matrix_that_is_empty_has_rank_0():
    for size in ((0, 0), (0, 3), (3, 3)):
        assert tr.rank_mod_p(scipy.sparse.coo_array(size, dtype=int), 7) == 0
        assert tr.rational_rank(scipy.sparse.coo_array(size, dtype=int)).value == 0


def test_fractions_are_whole_numbers_of_a_field():
    matrix = [[Fraction(1, 2), Fraction(1, 3)], [Fraction(3, 2), 1]]
    assert tr.rational_rank(matrix).value == 1
    assert tr.rank_mod_p(matrix, 7) == 1
    matrix[1][1] = Fraction(6, 7)
    assert (tr.rational_rank(matrix).value, tr.rank_mod_p(matrix, 5)) == (2, 2)
    with pytest.raises(PrimeError, match="the entry 6/7 has a denominator divisible by 7; choose another prime"):
        tr.rank_mod_p(matrix, 7)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32))
def test_matrices_of_fractions_have_flints_rank(rows, columns, seed):
    rng = np.random.default_rng(seed)
    tops, bottoms = rng.integers(-3, 4, (rows, columns)), rng.integers(1, 4, (rows, columns))
    matrix = [[Fraction(int(a), int(b)) for a, b in zip(*row, strict=True)] for row in zip(tops, bottoms, strict=True)]
    expected = flint.fmpq_mat(rows, columns, [flint.fmpq(x.numerator, x.denominator) for row in matrix for x in row]).rank()
    found = tr.rational_rank(matrix)
    assert (found.value, found.standing) == (expected, "exact")
    assert tr.rank_mod_p(matrix, 2**31 - 1) <= expected


def test_frames_of_pandas_are_matrices():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2], "b": [2, 4]})
    for one in (frame, frame.astype(float), frame.astype("Int64"), frame.astype(object), frame > 1):
        assert tr.rational_rank(one).value == np.linalg.matrix_rank(np.array(one, dtype=float))
        assert tr.rank_mod_p(one, 101) == np.linalg.matrix_rank(np.array(one, dtype=float))
    missing = frame.astype("Int64").mask(frame == 4)
    for rank in (tr.rational_rank, lambda matrix: tr.rank_mod_p(matrix, 101)):
        with pytest.raises(TensorRankError, match="a matrix with the entry <NA> was given; expected a matrix of whole numbers"):
            rank(missing)
        with pytest.raises(TensorRankError, match="a matrix with the entry nan was given; expected a matrix of whole numbers"):
            rank(frame.mask(frame == 4))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (scipy.sparse.coo_array([1, 2]), "a sparse array of shape (2,) was given; expected a matrix (two dimensions)"),
        (
            scipy.sparse.coo_array([[0.5]]),
            "a matrix with the entry 0.5 was given; expected a matrix of whole numbers or fractions",
        ),
        (scipy.sparse.coo_array([[np.nan]]), "a matrix with the entry nan was given"),
        (scipy.sparse.coo_array([[2.0**53]]), "of floats, whole ones below 2^53: Fraction(x) is what a float x stores"),
    ],
)
def test_what_has_no_exact_rank_is_refused(given, message):
    for rank in (tr.rational_rank, lambda matrix: tr.rank_mod_p(matrix, 101)):
        with pytest.raises(TensorRankError, match=re.escape(message)):
            rank(given)


def test_a_block_beyond_memory_is_refused_before_it_is_made(monkeypatch):
    size = 3_000_000
    rows = np.repeat(np.arange(size), 2)
    columns = (rows + np.tile([0, 1], size)) % size
    cycle = scipy.sparse.coo_array((np.ones(2 * size, dtype=np.int8), (rows, columns)), (size, size))
    with pytest.raises(TensorRankError, match="a dense matrix of 3000000 x 3000000 would take about"):
        tr.rank_mod_p(cycle, 7)
