import numpy as np
import pytest

from tensorrank import numerical_rank
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
    assert found.gap == pytest.approx(10)
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


@pytest.mark.parametrize(
    "dtype", [bool, np.int8, np.uint16, np.int64, np.float16, np.float32, np.float64, np.longdouble]
)
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


@pytest.mark.parametrize("name", ["rtol", "atol"])
@pytest.mark.parametrize("tolerance", [-1e-9, float("nan")])
def test_a_tolerance_that_is_negative_or_no_number_is_refused(name, tolerance):
    with pytest.raises(TensorRankError, match=f"{name} is .*; expected a number of at least 0"):
        numerical_rank(np.eye(2), **{name: tolerance})
