from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tensorrank.errors import TensorRankError
from tensorrank.tasks.shattering import VCDimension, randomised_bits, vc_dimension

MATRICES = arrays(np.int64, st.tuples(st.integers(1, 24), st.integers(1, 7)), elements=st.integers(0, 1))


def is_shattered(matrix, columns):
    return len({tuple(row[list(columns)]) for row in np.asarray(matrix)}) == 2 ** len(columns)


def brute_force(matrix):
    columns = range(matrix.shape[1])
    return max(
        size for size in range(matrix.shape[1] + 1) for chosen in combinations(columns, size) if is_shattered(matrix, chosen)
    )


def meets(n):
    inputs = np.arange(2**n)
    return (inputs[:, None] & inputs) != 0


@settings(max_examples=300, deadline=None)
@given(MATRICES)
def test_all_sets_of_columns(matrix):
    found = vc_dimension(matrix)
    assert found.exact
    assert found.lower == brute_force(matrix) == len(found.shattered)
    assert is_shattered(matrix, found.shattered)


@settings(max_examples=100, deadline=None)
@given(MATRICES, st.integers(1, 60))
def test_bounds_when_the_search_is_cut_short(matrix, work):
    found = vc_dimension(matrix, work=work)
    assert found.lower <= brute_force(matrix) <= found.upper
    assert found.lower == len(found.shattered)
    assert is_shattered(matrix, found.shattered)


@given(MATRICES, st.randoms(use_true_random=False))
def test_repeated_rows_complements_and_order_do_not_matter(matrix, random):
    rows = [random.randrange(len(matrix)) for _ in range(5)]
    changed = np.vstack([matrix, matrix[rows]])
    changed = np.hstack([changed, 1 - changed, np.ones((len(changed), 1), dtype=int)])
    changed = changed[:, random.sample(range(changed.shape[1]), changed.shape[1])]
    assert vc_dimension(changed).lower == vc_dimension(matrix).lower


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_disjointness_intersection_and_parity(n):
    inputs = np.arange(2**n)
    parity = np.array([int(x).bit_count() % 2 for x in inputs])[inputs[:, None] & inputs]
    for matrix in (meets(n), ~meets(n), parity):
        assert str(vc_dimension(matrix)).startswith(f"{n} (exact): columns ")


@pytest.mark.parametrize("n", [1, 4, 10])
def test_index(n):
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    assert vc_dimension(bits) == VCDimension(n, n, tuple(range(n)))


def test_thresholds_and_intervals_on_a_line():
    points = np.arange(12)
    thresholds = np.array([points < end for end in range(13)])
    intervals = np.array([(start <= points) & (points < end) for start in range(12) for end in range(start, 13)])
    assert vc_dimension(thresholds).lower == vc_dimension(thresholds).upper == 1
    assert vc_dimension(intervals).lower == vc_dimension(intervals).upper == 2


def test_boxes_in_the_plane():
    # Axis-parallel boxes have VC dimension 4: the outermost point in each direction is missing from no box around all.
    points = np.array([(x, y) for x in range(5) for y in range(5)])
    ranges = [(low, high) for low in range(5) for high in range(low, 6)]
    x, y = points.T
    boxes = np.array([(a <= x) & (x < b) & (c <= y) & (y < d) for a, b in ranges for c, d in ranges])
    assert str(vc_dimension(boxes)).startswith("4 (exact)")


def test_half_planes():
    # Radon: of four points in the plane two parts have hulls that meet, and no half-plane holds just one of them.
    rng = np.random.default_rng(0)
    points, normals = rng.normal(size=(9, 2)), rng.normal(size=(4000, 2))
    offsets = rng.normal(size=(4000, 1))
    assert str(vc_dimension(normals @ points.T > offsets)).startswith("3 (exact)")


@pytest.mark.parametrize("name", ["disjointness", "parity"])
def test_matrices_of_4096_rows_and_columns(name):
    inputs = np.random.default_rng(0).permutation(4096)
    parity = np.array([x.bit_count() % 2 for x in range(4096)])
    of_both = np.arange(4096) == 0 if name == "disjointness" else parity
    matrix = of_both[inputs[:, None] & inputs]
    found = vc_dimension(matrix)
    assert (found.lower, found.upper) == (12, 12)
    assert is_shattered(matrix, found.shattered)


def test_a_search_that_does_not_end_says_so():
    found = vc_dimension(np.random.default_rng(0).integers(0, 2, (1024, 1024)), work=20_000)
    assert not found.exact
    assert 6 <= found.lower < found.upper <= 10
    assert str(found).startswith(f"between {found.lower} and {found.upper}: columns ")


def test_little_memory_ends_the_search():
    matrix = np.arange(2**10)[:, None] >> np.arange(10) & 1
    found = vc_dimension(matrix, memory=8000)
    assert 1 <= found.lower < found.upper == 10


def test_matrices_without_a_choice():
    assert str(vc_dimension(np.ones((3, 4), dtype=int))) == "0 (exact)"
    assert vc_dimension(np.zeros((2, 0), dtype=int)) == VCDimension(0, 0, ())
    assert vc_dimension([[0], [1], [1]]) == VCDimension(1, 1, (0,))


def test_the_matrix_is_not_changed():
    matrix = np.array([[1, 0], [1, 1]], dtype=np.uint8)
    vc_dimension(matrix)
    assert matrix.tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0, 2]], "the entry 2 was given; expected a matrix of the whole numbers 0 and 1"),
        ([[0, -1]], "the entry -1 was given"),
        (np.array([[0.0, np.nan]]), "an array of float64 was given; expected a matrix of the whole numbers 0 and 1"),
        ([["a"]], "an array of <U1 was given"),
        ([0, 1], r"an array of shape \(2,\) was given; expected a matrix"),
        (np.zeros((0, 3), dtype=int), r"an array of shape \(0, 3\) was given; expected a matrix .* at least one row"),
        ([[0, 1], [0]], "expected rows of equal length"),
    ],
)
def test_what_is_no_matrix_of_zeros_and_ones(matrix, message):
    with pytest.raises(TensorRankError, match=message):
        vc_dimension(matrix)


@pytest.mark.parametrize("work", [0, True, 1.5])
def test_work_is_a_number_of_cells(work):
    with pytest.raises(TensorRankError, match=r"work is .*; expected a whole number of at least 1"):
        vc_dimension([[0]], work=work)


def test_bits_of_randomised_messages():
    # H(1/4) = 2 - (3/4) log2(3), H(0) = 0.
    assert randomised_bits(10, error=0.25) == pytest.approx(10 * (0.75 * np.log2(3) - 1))
    assert randomised_bits(VCDimension(3, 5, (0, 1, 2)), error=0) == 3
    assert randomised_bits(0) == 0
    assert randomised_bits(3, error=np.float32(0.25)) == randomised_bits(3, error=0.25)
    assert randomised_bits(7) == pytest.approx(7 * (5 / 3 - np.log2(3)))


@pytest.mark.parametrize("error", [0.5, -0.1, float("nan"), True, "1/3"])
def test_what_is_no_error_probability(error):
    with pytest.raises(TensorRankError, match="expected a probability from 0 to less than 1/2"):
        randomised_bits(3, error=error)


def test_what_is_no_vc_dimension():
    with pytest.raises(TensorRankError, match="the VC dimension is -1; expected a whole number of at least 0"):
        randomised_bits(-1)
