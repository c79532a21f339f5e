"""Matrices in files, beside scipy's own reading of those that it takes, and FLINT's ranks."""

import gzip
import io
import re
from fractions import Fraction

import flint
import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tensorrank as tr
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.errors import TensorRankError
from tensorrank.given_files.matrices import read_matrix

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
HEAD = "%%MatrixMarket matrix"


def read(folder, text, name="m.mtx"):
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_matrix(folder / name)


@SETTINGS
@given(
    seed=st.integers(0, 2**32),
    symmetry=st.sampled_from(["general", "symmetric", "skew-symmetric"]),
    field=st.sampled_from(["integer", "real", "pattern", "complex"]),
    dense=st.booleans(),
)
def test_matrices_are_those_that_scipy_reads(seed, symmetry, field, dense, tmp_path):
    rng = np.random.default_rng(seed)
    size = tuple(rng.integers(1, 7, 2)) if symmetry == "general" else (int(rng.integers(1, 7)),) * 2
    matrix = rng.integers(-3, 4, size) * (1 if field == "integer" else 0.25)
    if field == "complex":
        matrix = matrix + 1j * rng.integers(-3, 4, size)
    if symmetry != "general":
        matrix = matrix + (matrix.T if symmetry == "symmetric" else -matrix.T)
    if field == "pattern" and (dense or symmetry == "skew-symmetric"):
        return
    buffer = io.BytesIO()
    kind = matrix.astype(np.int64) if field == "integer" else matrix
    scipy.io.mmwrite(buffer, kind if dense else scipy.sparse.coo_matrix(kind), field=field, symmetry=symmetry)
    found = read(tmp_path, buffer.getvalue())
    expected = scipy.io.mmread(io.BytesIO(buffer.getvalue()))
    assert isinstance(found, np.ndarray if dense else SparseMatrix)
    ours, theirs = (one if isinstance(one, np.ndarray) else one.toarray() for one in (found, expected))
    np.testing.assert_array_equal(ours.astype(theirs.dtype), theirs)


@SETTINGS
@given(seed=st.integers(0, 2**32))
def test_ranks_of_files_are_those_of_flint(seed, tmp_path):
    rng = np.random.default_rng(seed)
    rows, columns = (int(n) for n in rng.integers(1, 9, 2))
    matrix = rng.integers(-4, 5, (rows, columns)) * (rng.random((rows, columns)) < 0.4)
    bottoms = rng.integers(1, 5, (rows, columns))
    triples = [f"{i + 1} {j + 1} {matrix[i, j]}/{bottoms[i, j]}" for i, j in np.argwhere(matrix)]
    found = read(tmp_path, "\n".join([f"{rows} {columns} R", *triples, "0 0 0"]), "m.sms")
    entries = [flint.fmpq(int(a), int(b)) for a, b in zip(matrix.flat, bottoms.flat, strict=True)]
    assert tr.rational_rank(found).value == flint.fmpq_mat(rows, columns, entries).rank()
    residues = [int(a) * pow(int(b), -1, 101) for a, b in zip(matrix.flat, bottoms.flat, strict=True)]
    assert tr.rank_mod_p(found, 101) == flint.nmod_mat(rows, columns, residues, 101).rank()


def test_the_example_of_the_collection_of_sparse_integer_matrices(tmp_path):
    """The page of Dumas's collection shows it: five entries, three of them clustered at the top left."""
    found = read(tmp_path, "32 3200 M\n1 1 345\n1 2 23\n2 1 77\n2 200 31\n30 3101 11\n0 0 0\n", "m.sms")
    assert (found.shape, found.entries.tolist()) == ((32, 3200), [345, 23, 77, 31, 11])
    assert (found.rows[-1], found.columns[-1]) == (29, 3100)
    assert tr.rational_rank(found).value == 3


def test_numbers_are_exactly_those_that_are_written(tmp_path):
    long = 10**30 + 1
    found = read(tmp_path, f"{HEAD} coordinate integer general\n2 2 2\n1 1 {long}\n2 2 -{long}\n")
    assert found.toarray().tolist() == [[long, 0], [0, -long]]
    found = read(tmp_path, f"{HEAD} coordinate real general\n2 2 3\n1 1 0.1\n1 2 .3e0\n2 2 2.\n")
    assert found.toarray().tolist() == [[Fraction(1, 10), Fraction(3, 10)], [0, 2]]
    # A tenth is no float: of floats this would have rank 2.
    found = read(tmp_path, f"{HEAD} array real general\n2 2\n0.1\n0.3\n0.3\n0.9\n")
    assert tr.rational_rank(found).value == 1
    with pytest.raises(TensorRankError, match=r"a matrix with the entry 0\.1 was given; expected a matrix of whole"):
        tr.rational_rank(found.astype(float))


@pytest.mark.parametrize("letter", ["M", "R", "I"])
def test_whitespace_comments_marks_and_compression_change_nothing(letter, tmp_path):
    plain = read(tmp_path, f"2 2 {letter}\n1 1 3\n2 2 4\n0 0 0\n", "m.sms")
    assert read(tmp_path, f" 2 2 {letter} 1 1 3\t2 2 4 0 0 0", "m.sms").toarray().tolist() == plain.toarray().tolist()
    text = f"{HEAD.lower()} Coordinate Integer General\r\n% words\r\n\r\n2 2 2\r\n 1 1 3\r\n%\r\n2 2 4\r\n"
    for content in (text.encode(), text.encode("utf-8-sig"), gzip.compress(text.encode())):
        assert read(tmp_path, content).toarray().tolist() == plain.toarray().tolist()


COORDINATE = f"{HEAD} coordinate integer general\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it begins with ''; expected a matrix in the format MatrixMarket or SMS: %%MatrixMarket, or rows, columns and"),
        ("{}", "it begins with '{}'; expected a matrix in the format MatrixMarket or SMS"),
        ("2 2 7 1 1 1 0 0 0", "it begins with '2 2 7'; expected"),
        ("2 2 M 1 1 1", "it ends with '1 1 1'; expected three zeros: it may break off"),
        ("2 2 M 1 1 1 2 0 0 0", "it ends with '0 0 0'; expected three zeros"),
        ("2 2 M", "it ends with ''; expected three zeros"),
        ("2 2 M 1 1 1 1 1 2 0 0 0", "entry 2 is at the place of entry 1; expected each place once"),
        ("2 2 M 0 1 1 0 0 0", "entry 1 is at row 0, column 1; expected a place in a matrix of 2 x 2, counted from 1"),
        ("2 2 M 1 3 1 0 0 0", "entry 1 is at row 1, column 3; expected a place in a matrix of 2 x 2"),
        ("2 2 M 1 1 0.5 0 0 0", "the value of entry 1 is '0.5'; expected a whole number or a fraction"),
        ("2 2 M 1 1 1/0 0 0 0", "the value of entry 1 is '1/0'; expected a whole number or a fraction"),
        ("-2 2 M 0 0 0", "the number of rows is '-2'; expected a whole number, of at most 2^62"),
        ("2 2 M 1 x 1 0 0 0", "a row or column of entry 1 is 'x'; expected a whole number"),
        (f"{HEAD} coordinate integer\n1 1 0", "line 1 is '%%MatrixMarket matrix coordinate integer'; expected %%MatrixMarket"),
        (f"{HEAD} vector integer general\n1 1", "expected %%MatrixMarket matrix, coordinate or array, one of integer"),
        (f"{HEAD} array pattern general\n1 1", "expected %%MatrixMarket matrix, coordinate or array"),
        (f"{HEAD} coordinate integer hermit\n1 1 0", "and one of general, symmetric, skew-symmetric, hermitian"),
        (COORDINATE, "line 1 has 0 numbers; expected the numbers of rows, columns and entries"),
        (f"{COORDINATE}2 2", "line 2 has 2 numbers; expected the numbers of rows, columns and entries"),
        (f"{COORDINATE}2 2 2\n1 1 3\n", "it has 1 entries; expected 2, as line 2 says"),
        (f"{COORDINATE}2 2 1\n1\n", "line 3 is '1'; expected a row, a column and a value"),
        (f"{COORDINATE}2 2 1\n1 1 3.5\n", "the value of line 3 is '3.5'; expected a whole number"),
        (f"{COORDINATE}2 2 1\n1 1 1/2\n", "the value of line 3 is '1/2'; expected a whole number"),
        (f"{COORDINATE}2 2 1\n1 1 3 0\n", "line 3 has 2 words for a value; expected 1, as the matrix is integer"),
        (f"{COORDINATE}2 2 2\n1 1 3\n1 1 4\n", "line 4 is at the place of line 3; expected each place once"),
        (
            f"{HEAD} coordinate pattern general\n2 2 1\n1 1 3\n",
            "line 3 has 1 words for a value; expected 0, as the matrix is p",
        ),
        (f"{HEAD} coordinate real general\n2 2 1\n1 1 nan\n", "the value of line 3 is 'nan'; expected a decimal number"),
        (
            f"{HEAD} coordinate real general\n2 2 1\n1 1 1e99999\n",
            "the value of line 3 is '1e99999'; expected a decimal number",
        ),
        (f"{HEAD} coordinate complex general\n2 2 1\n1 1 1e999 0\n", "the value of line 3 is beyond all floats"),
        (
            f"{HEAD} coordinate integer symmetric\n2 3 1\n1 1 1\n",
            "line 2 says 2 rows and 3 columns; expected as many for a sym",
        ),
        (f"{HEAD} coordinate integer symmetric\n2 2 2\n1 2 1\n2 1 1\n", "is at the place of line 3; expected each place once"),
        (f"{HEAD} coordinate integer skew-symmetric\n2 2 1\n1 1 1\n", "line 3 lies on the diagonal; expected 0 there"),
        (f"{HEAD} array integer general\n2 2\n1\n2\n3\n", "it has 3 values; expected 4 for a general matrix of 2 x 2"),
        (f"{HEAD} array integer symmetric\n2 2\n1\n2\n3\n4\n", "it has 4 values; expected 3 for a symmetric matrix of 2 x 2"),
        (f"{HEAD} array integer general\n1000000 1000000\n1\n", "a dense matrix of 1000000 x 1000000 would take about"),
        (b"\xff", "byte 0 is no UTF-8 text"),
        (gzip.compress(b"2 2 M", mtime=0)[:-6], "the compressed file breaks off"),
        (gzip.compress(b"2 2 M", mtime=0)[:4] + b"xxxxxxxxxxxxxxxxxx", "the compressed file is damaged"),
    ],
)
def test_files_that_are_no_matrix_are_refused_by_name_and_place(text, message, tmp_path):
    with pytest.raises(TensorRankError, match=re.escape(message)) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path))


def test_a_matrix_of_any_size_is_read_by_its_entries(tmp_path):
    found = read(tmp_path, f"{COORDINATE}1000000000000 1000000000000 3\n1 1 1\n999999999999 7 5\n999999999999 8 5\n")
    assert tr.rank_mod_p(found, 5) == 1
    assert tr.rational_rank(found).value == 2
    with pytest.raises(TensorRankError, match="a dense matrix of 1000000000000 x 1000000000000 would take about"):
        found.toarray()


def test_a_path_is_no_matrix():
    for rank in (tr.rational_rank, lambda matrix: tr.rank_mod_p(matrix, 7)):
        with pytest.raises(
            TensorRankError, match=r"the path 'm\.mtx' was given; expected a matrix: read_matrix\(path\) reads one"
        ):
            rank("m.mtx")
