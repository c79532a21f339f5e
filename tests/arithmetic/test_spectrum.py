from fractions import Fraction

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank import numerical_rank, read_matrix
from tensorrank.arithmetic.sparse_matrices import SparseMatrix
from tensorrank.errors import TensorRankError


def with_spectrum(values, rows=12, columns=9, *, complex_entries=False):
    rng = np.random.default_rng(0)

    def basis(size):
        matrix = rng.standard_normal((size, size))
        if complex_entries:
            matrix = matrix + 1j * rng.standard_normal((size, size))
        return np.linalg.qr(matrix)[0]

    diagonal = np.zeros((rows, columns))
    diagonal[range(len(values)), range(len(values))] = values
    return basis(rows) @ diagonal @ basis(columns)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (5, 3)])
def test_a_zero_matrix_has_rank_zero(shape):
    found = numerical_rank(np.zeros(shape))
    assert found.value == 0
    assert not found.ambiguous
    assert (found.spectrum == 0).all()


@pytest.mark.parametrize("shape", [(0, 0), (0, 4), (4, 0)])
@pytest.mark.parametrize("dtype", [float, int, complex])
def test_an_empty_matrix_has_rank_zero(shape, dtype):
    found = numerical_rank(np.zeros(shape, dtype=dtype))
    assert (found.value, found.spectrum.size, found.ambiguous) == (0, 0, False)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20, 1e-150, 1e150])
@pytest.mark.parametrize("rank", [1, 4, 9])
def test_the_default_threshold_follows_the_scale(scale, rank):
    values = np.linspace(3, 1, rank)
    found = numerical_rank(scale * with_spectrum(values))
    assert found.value == rank
    assert not found.ambiguous
    np.testing.assert_allclose(found.spectrum[:rank], scale * values, rtol=1e-10)


def test_the_default_threshold_is_that_of_numpy():
    matrix = with_spectrum([5.0, 1.0])
    found = numerical_rank(matrix)
    np.testing.assert_allclose(found.threshold, 5.0 * 12 * 2.0**-52, rtol=1e-12)
    assert found.value == np.linalg.matrix_rank(matrix) == 2


def test_the_threshold_is_strict():
    diagonal = np.diag([4.0, 2.0, 1.0])
    assert numerical_rank(diagonal, atol=2.0).value == 1
    assert numerical_rank(diagonal, atol=np.nextafter(2.0, 0)).value == 2
    assert numerical_rank(diagonal, rtol=0.5).value == 1
    assert numerical_rank(diagonal, rtol=0.25).value == 2
    assert numerical_rank(diagonal, atol=4.0).value == 0
    assert numerical_rank(diagonal, rtol=1.0).value == 0


def test_the_larger_of_both_tolerances_decides():
    diagonal = np.diag([4.0, 2.0, 1.0])
    assert numerical_rank(diagonal, rtol=0.4, atol=0.5).threshold == pytest.approx(1.6)
    assert numerical_rank(diagonal, rtol=0.1, atol=1.5).threshold == 1.5
    assert numerical_rank(diagonal, rtol=0.1, atol=1.5).value == 2


def test_an_absolute_tolerance_alone_replaces_the_relative_one():
    tiny = np.diag([1.0, 1e-18])
    assert numerical_rank(tiny).value == 1
    assert numerical_rank(tiny, atol=0).value == 2
    assert numerical_rank(tiny, atol=0).threshold == 0


def test_a_graded_spectrum_is_ambiguous_and_a_gap_is_not():
    graded = np.diag(10.0 ** -np.arange(0, 24.0))
    found = numerical_rank(graded)
    assert found.ambiguous
    assert (found.value, found.gap) == (15, pytest.approx(10))  # the threshold is 24 * 2^-52, 5.3e-15
    assert numerical_rank(graded, rtol=3e-7).gap == pytest.approx(10)
    clear = numerical_rank(np.diag([1.0, 0.5, 1e-5]), atol=1e-3)
    assert (clear.value, clear.ambiguous) == (2, False)
    assert clear.gap == pytest.approx(5e4)


@pytest.mark.parametrize(("last", "ambiguous"), [(1.1e-3, True), (0.9e-3, False)])
def test_a_gap_below_a_thousand_is_ambiguous(last, ambiguous):
    assert numerical_rank(np.diag([1.0, last]), rtol=0.1).ambiguous == ambiguous


def test_at_full_rank_the_gap_is_measured_against_the_threshold():
    found = numerical_rank(np.diag([1.0, 1e-2]), atol=1e-4)
    assert found.value == 2
    assert found.gap == pytest.approx(100)
    assert found.ambiguous


@pytest.mark.parametrize("rank", [0, 1, 5, 9])
def test_complex_matrices_have_ranks_too(rank):
    values = np.linspace(2, 1, rank) if rank else []
    found = numerical_rank(with_spectrum(values, complex_entries=True))
    assert found.value == rank
    np.testing.assert_allclose(found.spectrum[:rank], values, rtol=1e-10)
    assert found.spectrum.dtype == np.float64


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64, np.longdouble])
def test_every_real_type_is_accepted(dtype):
    assert numerical_rank(np.array([[1, 0, 1], [0, 1, 1], [1, 1, 0]], dtype=dtype)).value == 3
    assert numerical_rank(np.ones((3, 4), dtype=dtype)).value == 1


def test_single_precision_gets_its_own_default_threshold():
    values = [1.0, 1e-9]
    assert numerical_rank(np.diag(values)).value == 2
    assert numerical_rank(np.diag(values).astype(np.float32)).value == 1


def test_the_input_is_not_changed():
    matrix = with_spectrum([2.0, 1.0])
    before = matrix.copy()
    numerical_rank(matrix)
    assert (matrix == before).all()


PLANTED = np.random.default_rng(0).normal(size=(6, 2)) @ np.random.default_rng(1).normal(size=(2, 6))


@pytest.mark.parametrize(("matrix", "rank"), [(np.ones((2, 2)), 1), (PLANTED, 2), (np.full((3, 3), 7.0), 1), (np.eye(3), 3)])
@pytest.mark.parametrize("tolerance", [{"rtol": 0}, {"rtol": 1e-30}, {"atol": 0.0}, {"rtol": 1e-17}])
@pytest.mark.parametrize("scale", [1.0, 2.0**66, 2.0**-66, 2.0**700, 2.0**-700])
def test_a_tolerance_below_rounding_is_never_clear(matrix, rank, tolerance, scale):
    found = numerical_rank(scale * matrix, **tolerance)
    assert (found.ambiguous, found.below_rounding) == (True, True)
    assert "the threshold is below rounding" in str(found)
    # The noise is what the default threshold is, and there the rank is right.
    default = numerical_rank(scale * matrix)
    assert (default.value, default.ambiguous, default.threshold) == (rank, False, found.noise)
    assert found.rank_at(found.relative_noise) == rank
    assert found.gap <= 1 or found.value == rank


@pytest.mark.parametrize("value", [1e-15, 1e-14, 1e-13, 2e-13])
def test_a_gap_within_rounding_is_not_clear(value):
    # The last value counted may itself be an error: it is less than 1000 * 2^-52, 2.2e-13.
    found = numerical_rank(np.diag([1.0, value, 0.0]))
    assert (found.value, found.ambiguous) == (2, True)
    assert found.doubt == "no gap at the threshold: another one gives another rank"
    assert not numerical_rank(np.diag([1.0, 3e-13, 0.0])).ambiguous


@pytest.mark.parametrize(
    ("dtype", "epsilon"),
    [(np.float16, 2.0**-10), (np.float32, 2.0**-23), (np.complex64, 2.0**-23), (np.int8, 2.0**-52), (bool, 2.0**-52)],
)
def test_rounding_is_that_of_the_type_given(dtype, epsilon):
    found = numerical_rank(np.ones((3, 5)).astype(dtype))
    assert (found.value, found.ambiguous) == (1, False)
    assert found.relative_noise == pytest.approx(5 * epsilon)
    assert numerical_rank(np.ones((3, 5)).astype(dtype), rtol=4 * epsilon).ambiguous


def test_half_precision_is_not_read_as_if_it_were_double():
    # Products of two columns rounded to half precision: errors of 2^-11, which a threshold of double precision counts.
    rounded = (np.arange(1, 9)[:, None] / 3 * np.arange(1, 9) / 7).astype(np.float16)
    assert (numerical_rank(rounded).value, numerical_rank(rounded, rtol=1e-12).ambiguous) == (1, True)
    assert np.linalg.matrix_rank(rounded.astype(float)) > 1


@pytest.mark.parametrize("scale", [1e-305, 1e-310, 1e300, 1e307])
def test_scales_near_the_ends_of_floats_have_ranks(scale):
    whole = np.array([[3.0, 1.0, 4.0], [1.0, 2.0, 3.0], [2.0, -1.0, 1.0]])  # the first row is the sum of the others
    found = numerical_rank(scale * whole)
    assert (found.value, found.ambiguous, np.isfinite(found.spectrum).all()) == (2, False, True)
    # At the smallest number itself, rounding is as large as the entries.
    assert numerical_rank(5e-324 * whole).ambiguous


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e38])
def test_single_precision_has_its_own_ends(scale):
    # Singular values of single precision may be beyond its largest number, 3.4e38: those of ones are 4 times the entry.
    found = numerical_rank(np.full((4, 4), scale, dtype=np.float32))
    assert found.value == 1
    assert found.spectrum[0] == pytest.approx(4 * float(np.float32(scale)), rel=1e-6)


def test_singular_values_beyond_the_largest_float_are_refused():
    with pytest.raises(TensorRankError, match=r"largest singular value is about 2\^1025, beyond the largest float; exp"):
        numerical_rank(np.full((3, 3), 1e308))
    with pytest.raises(TensorRankError, match="an entry is beyond the largest float64; expected smaller entries"):
        numerical_rank(np.full((2, 2), np.longdouble("1e4000")))


def test_the_result_prints_as_one_line():
    assert str(numerical_rank(np.diag([1.0, 1e-9]), rtol=1e-6)).startswith("NumericalRank 1 (clear): threshold 1e-06")
    assert "(ambiguous)" in str(numerical_rank(np.diag([1.0, 0.1]), rtol=0.5))


@pytest.mark.parametrize("array", [1.0, [1.0, 2.0], np.zeros((2, 2, 2))])
def test_an_array_that_is_no_matrix_is_refused(array):
    with pytest.raises(TensorRankError, match=r"expected a matrix \(two dimensions\)"):
        numerical_rank(array)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), complex(0, float("nan"))])
def test_entries_that_are_not_finite_are_refused_with_their_place(bad):
    matrix = np.ones((3, 3), dtype=type(bad))
    matrix[1, 2] = bad
    with pytest.raises(TensorRankError, match=r"entry \(1, 2\) is .*; expected finite"):
        numerical_rank(matrix)


@pytest.mark.parametrize("array", [[["a"]], [[None]]])
def test_entries_that_are_no_numbers_are_refused(array):
    with pytest.raises(TensorRankError, match="expected real or complex numbers"):
        numerical_rank(array)


@pytest.mark.parametrize("kind", [np.int8, np.float32, np.float64, np.complex128])
def test_sparse_matrices_have_the_rank_of_their_dense_ones(kind):
    dense = np.array([[1, 0, 2], [0, 0, 0], [2, 0, 4], [0, 3, 0]], dtype=kind)
    for sparse in (
        scipy.sparse.coo_array(dense),
        scipy.sparse.csr_matrix(dense),
        SparseMatrix.of(scipy.sparse.csc_array(dense)),
    ):
        assert numerical_rank(sparse) == numerical_rank(dense)
    twice = scipy.sparse.coo_array(([0.5, 0.5], ([0, 0], [1, 1])), (2, 2))  # entries of one place add up
    assert numerical_rank(twice) == numerical_rank([[0, 1.0], [0, 0]])


def test_what_a_file_of_a_matrix_holds_has_a_numerical_rank(tmp_path):
    for name, matrix in (("dense", np.array([[0.5, 1], [1, 2]])), ("sparse", scipy.sparse.coo_array(np.diag([0.1, 0, 3])))):
        scipy.io.mmwrite(tmp_path / f"{name}.mtx", matrix)
        expected = np.linalg.matrix_rank(matrix if name == "dense" else matrix.toarray())
        assert numerical_rank(read_matrix(tmp_path / f"{name}.mtx")).value == expected


def test_fractions_become_floats():
    assert numerical_rank([[Fraction(1, 3), 1], [Fraction(1, 9), Fraction(1, 3)]]).value == 1
    assert numerical_rank(np.array([[10**30, 0], [0, 10**30]], dtype=object)).value == 2


def test_the_path_of_a_matrix_is_told_what_reads_it():
    with pytest.raises(TensorRankError, match=r"read_matrix\(path\) reads one"):
        numerical_rank("matrix.mtx")


def test_a_sparse_matrix_that_would_not_fit_is_refused():
    with pytest.raises(TensorRankError, match="a dense matrix of 100000000 x 100000000"):
        numerical_rank(scipy.sparse.coo_array(([1.0], ([0], [0])), (10**8, 10**8)))


@pytest.mark.parametrize("name", ["rtol", "atol"])
@pytest.mark.parametrize("tolerance", [-1e-9, float("nan")])
def test_a_tolerance_that_is_negative_or_no_number_is_refused(name, tolerance):
    with pytest.raises(TensorRankError, match=f"{name} is .*; expected a number of at least 0"):
        numerical_rank(np.eye(2), **{name: tolerance})


def test_the_rank_at_a_tolerance_is_that_of_numerical_rank():
    matrix = with_spectrum([5.0, 1.0, 1e-3, 1e-8])
    found = numerical_rank(matrix)
    for rtol, rank in ((0.0, 9), (1e-12, 4), (1e-6, 3), (1e-2, 2), (0.5, 1), (1.0, 0), (7.0, 0)):
        assert found.rank_at(rtol) == numerical_rank(matrix, rtol=rtol).value == rank
    assert type(found.rank_at(0.5)) is int


@pytest.mark.parametrize("tolerance", [-1e-9, float("nan")])
def test_a_rank_at_a_tolerance_below_zero_is_refused(tolerance):
    with pytest.raises(TensorRankError, match=r"rtol is .*; expected a number of at least 0"):
        numerical_rank(np.eye(2)).rank_at(tolerance)


def test_the_curve_has_a_step_at_every_singular_value():
    tolerances, ranks = numerical_rank(np.diag([4.0, 2.0, 2.0, 1.0, 0.0])).curve()
    assert tolerances.tolist() == [0, 0.25, 0.5, 1]
    assert ranks.tolist() == [4, 3, 1, 0]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(1e-100, 1e100), min_size=1, max_size=8))
def test_the_curve_is_the_rank_at_every_tolerance(values):
    found = numerical_rank(np.diag(values))
    tolerances, ranks = found.curve()
    assert tolerances[0] == 0
    assert (np.diff(tolerances) > 0).all()
    assert (np.diff(ranks) <= 0).all()
    assert ranks[-1] == 0
    positive = found.spectrum[found.spectrum > 0]
    assert len(tolerances) <= len(positive) + 1
    for i, tolerance in enumerate(tolerances):
        assert ranks[i] == found.rank_at(tolerance)
        following = tolerances[i + 1] if i + 1 < len(tolerances) else 2.0
        if following > 1.001 * tolerance:
            # Half way to the next step, and just before it, nothing has changed.
            assert ranks[i] == found.rank_at((tolerance + following) / 2) == found.rank_at(0.9999 * following)
    if (positive[1:] < 0.999 * positive[:-1]).all():
        # Every singular value is counted below its own ratio, and no longer at its step.
        assert ranks.tolist() == list(range(len(positive), -1, -1))
        np.testing.assert_allclose(tolerances[1:], positive[::-1] / positive[0], rtol=1e-15)


@pytest.mark.parametrize("shape", [(0, 3), (2, 2)])
def test_the_curve_of_nothing_is_zero(shape):
    tolerances, ranks = numerical_rank(np.zeros(shape)).curve()
    assert (tolerances.tolist(), ranks.tolist()) == ([0], [0])


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_the_effective_rank_is_the_exponential_of_the_entropy(scale):
    assert numerical_rank(scale * with_spectrum([1.0] * 5)).effective_rank == pytest.approx(5, rel=1e-10)
    assert numerical_rank(scale * with_spectrum([1.0])).effective_rank == pytest.approx(1, rel=1e-10)
    # Shares 1/2, 1/4, 1/4 have an entropy of 3/2 bits.
    assert numerical_rank(scale * with_spectrum([2.0, 1.0, 1.0])).effective_rank == pytest.approx(2**1.5, rel=1e-10)


@pytest.mark.parametrize("shape", [(0, 3), (4, 2)])
def test_a_zero_matrix_has_an_effective_rank_of_zero(shape):
    assert numerical_rank(np.zeros(shape)).effective_rank == 0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_effective_rank_lies_between_one_and_the_number_of_values(values, random):
    shuffled = random.sample(values, len(values))
    effective = numerical_rank(np.diag(values)).effective_rank
    assert 1 - 1e-9 <= effective <= len(values) + 1e-9
    assert numerical_rank(np.diag(shuffled)).effective_rank == pytest.approx(effective)


def test_relative_values_and_threshold():
    found = numerical_rank(np.diag([8.0, 2.0, 0.0]), atol=4.0)
    assert found.relative.tolist() == [1, 0.25, 0]
    assert found.relative_threshold == 0.5
    nothing = numerical_rank(np.zeros((2, 2)), atol=4.0)
    assert (nothing.relative.tolist(), nothing.relative_threshold) == ([0, 0], 4)


@pytest.mark.parametrize(
    ("kind", "scale"), [(np.float16, 3e-7), (np.float32, 1e-42), (np.float32, 2e-44), (np.complex64, 1e-43)]
)
def test_numbers_below_the_normal_ones_of_a_type_are_coarse(kind, scale):
    # A product of two vectors, of rank 1 until it is rounded to a few multiples of the smallest number.
    rng = np.random.default_rng(0)
    for _ in range(30):
        given = (np.outer(rng.uniform(1, 3, 4), rng.uniform(1, 3, 4)) * scale).astype(kind)
        found = numerical_rank(given)
        assert found.value <= 1 or found.ambiguous
        assert found.noise >= 4 * np.finfo(kind).smallest_subnormal
