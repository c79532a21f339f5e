import tracemalloc

import flint
import numpy as np
import pytest
from engines_tried import engine, names, pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles import flint_rank, planted

from tensorrank import rank_mod_p
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import PrimeError, TensorRankError

# On both sides of where products start to be split, and the largest.
PRIMES = [2, 3, 5, 101, 127, 251, 509, 16253, 65537, 8388593, 2**24 - 3, 33554393, 2**26 - 5, 2**31 - 1]
NAMES = [str(prime) for prime in PRIMES]


def assert_flint_agrees(matrix, prime):
    expected = flint_rank(matrix, prime)
    for name in names(prime):
        assert rank_mod_p(matrix, prime, threads=1, engine=name) == expected, name
    return expected


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_random_shapes_and_ranks_agree_with_flint(prime):
    rng = np.random.default_rng(prime)
    for _ in range(40):
        rows, columns = rng.integers(1, 130, 2)
        rank = rng.integers(0, min(rows, columns) + 1)
        assert_flint_agrees(planted(rng, rows, columns, rank, prime), prime)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_small_random_matrices_agree_with_flint(prime):
    rng = np.random.default_rng(prime + 1)
    for _ in range(60):
        rows, columns = rng.integers(1, 8, 2)
        assert_flint_agrees(rng.integers(0, min(prime, 3), (rows, columns)), prime)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
@pytest.mark.parametrize(("rows", "columns"), [(3, 2000), (2000, 3), (1, 700), (700, 1), (49, 600), (600, 47)])
def test_extreme_aspect_ratios_agree_with_flint(prime, rows, columns):
    rng = np.random.default_rng(7)
    for rank in (1, min(rows, columns) // 2, min(rows, columns)):
        assert_flint_agrees(planted(rng, rows, columns, rank, prime), prime)
    late = np.zeros((rows, columns), dtype=np.int64)
    late[-1, -1] = 1
    assert rank_mod_p(late, prime) == 1


@pytest.mark.parametrize("prime", [2, 8388593, 2**26 - 5, 2**31 - 1])
@pytest.mark.parametrize(("rows", "columns", "rank"), [(300, 480, 299), (480, 300, 170), (400, 400, 400)])
def test_larger_matrices_agree_with_flint_whatever_the_threads(prime, rows, columns, rank):
    matrix = planted(np.random.default_rng(rank), rows, columns, rank, prime)
    expected = flint_rank(matrix, prime)
    assert [rank_mod_p(matrix, prime, threads=threads) for threads in (1, 2, 3)] == [expected] * 3


@pytest.mark.parametrize(("prime", "name"), pairs([127, 251, 509, 16253, 8388593, 2**31 - 1]))
@pytest.mark.parametrize("threads", [1, 2])
def test_matrices_large_enough_to_be_shared_by_threads_agree_with_flint(prime, name, threads):
    matrix = planted(np.random.default_rng(3), 500, 640, 433, prime)
    engine(prime, name)
    assert rank_mod_p(matrix, prime, threads=threads, engine=name) == flint_rank(matrix, prime)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
@pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
def test_empty_matrices_have_rank_zero(prime, shape):
    assert rank_mod_p(np.zeros(shape, dtype=np.int64), prime) == 0
    assert rank_mod_p(np.zeros(shape), prime) == 0


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 90), (90, 1), (60, 130), (130, 60)])
def test_zero_matrices_have_rank_zero_and_multiples_of_the_prime_are_zero(prime, shape):
    assert rank_mod_p(np.zeros(shape, dtype=np.int64), prime) == 0
    assert rank_mod_p(np.full(shape, 3 * prime), prime) == 0
    assert rank_mod_p(np.full(shape, prime + 1), prime) == 1


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_permutation_matrices_have_full_rank(prime):
    rng = np.random.default_rng(0)
    for size in (1, 2, 48, 49, 97, 200):
        permutation = np.eye(size, dtype=np.int64)[rng.permutation(size)]
        assert rank_mod_p(permutation, prime) == size
        assert rank_mod_p(permutation[: size // 2 + 1], prime) == size // 2 + 1


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_deficiency_in_the_first_panels_agrees_with_flint(prime):
    rng = np.random.default_rng(11)
    matrix = planted(rng, 110, 180, 100, prime)
    zero, repeated, one = matrix.copy(), matrix.copy(), matrix.copy()
    zero[:, :60] = 0
    repeated[:, :60] = repeated[:, :1]
    one[:, :60] = 0
    one[109, 30] = 1
    low = matrix.copy()
    low[:, :60] = planted(rng, 110, 60, 7, prime)
    for case in (zero, repeated, one, low):
        assert_flint_agrees(case, prime)
        assert_flint_agrees(case.T, prime)
        assert_flint_agrees(case[:, :100], prime)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_zero_blocks_and_repeated_rows_agree_with_flint(prime):
    rng = np.random.default_rng(12)
    matrix = rng.integers(0, prime, (140, 140))
    matrix[:70, :70] = 0
    assert_flint_agrees(matrix, prime)
    matrix[70:, 70:] = 0
    assert_flint_agrees(matrix, prime)
    matrix[::2] = matrix[0]
    assert_flint_agrees(matrix, prime)
    matrix[:, 1::3] = 0
    assert_flint_agrees(matrix, prime)
    sparse = np.where(rng.random((150, 170)) < 0.012, rng.integers(1, max(prime, 2), (150, 170)), 0)
    assert_flint_agrees(sparse, prime)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_nilpotent_staircases_agree_with_flint(prime):
    rng = np.random.default_rng(13)
    for size in (5, 60, 150):
        for gap in (1, 2, size // 3):
            full = np.triu(rng.integers(0, prime, (size, size)), gap)
            assert_flint_agrees(full, prime)
            assert_flint_agrees(full[::-1], prime)
            shift = np.eye(size, k=gap, dtype=np.int64)
            assert rank_mod_p(shift, prime) == size - gap
            gaps = full.copy()
            gaps[:, ::3] = 0
            gaps[::4] = 0
            assert_flint_agrees(gaps, prime)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_entries_of_largest_size_agree_with_flint(prime):
    rng = np.random.default_rng(14)
    largest = (prime - 1) // 2
    signs = rng.choice([-1, 1], (160, 200))
    extreme = largest * signs
    assert_flint_agrees(extreme, prime)
    nearly = extreme + rng.integers(0, 2, extreme.shape)
    assert_flint_agrees(nearly, prime)
    low = np.full((160, 200), largest)
    low[rng.integers(0, 160, 40), rng.integers(0, 200, 40)] -= 1
    assert_flint_agrees(low, prime)
    assert rank_mod_p(np.full((120, 120), largest), prime) == (1 if largest % prime else 0)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_unit_triangular_factors_with_extreme_entries_have_full_rank(prime):
    size, largest = 150, (prime - 1) // 2
    lower = np.tril(np.full((size, size), largest), -1) + np.eye(size, dtype=np.int64)
    upper = np.triu(np.full((size, size), -largest), 1) + np.eye(size, dtype=np.int64)
    assert rank_mod_p(PrimeField(prime).matmul(lower, upper), prime) == size
    upper[100:] = 0
    assert rank_mod_p(PrimeField(prime).matmul(lower, upper), prime) == 100


def test_hilbert_matrices_of_residues_lose_rank_only_where_flint_says_so():
    for prime in (101, 8388593, 2**31 - 1):
        field = PrimeField(prime)
        size = 45
        matrix = field.inverse(np.arange(size)[:, None] + np.arange(size) + 1)
        assert_flint_agrees(matrix, prime)


def test_vandermonde_matrices_have_the_rank_of_their_distinct_nodes():
    prime = 101
    nodes = np.arange(180) % 101
    vandermonde = np.array([[pow(int(x), k, prime) for k in range(101)] for x in nodes])
    assert rank_mod_p(vandermonde, prime) == 101


def test_entries_of_any_size_and_every_integer_type_are_accepted():
    huge = [[10**40, 2 * 10**40], [1, 2], [3, 6 + (2**31 - 1) * 10**30]]
    assert rank_mod_p(huge, 2**31 - 1) == 1
    for dtype in (np.int8, np.uint8, np.uint64, np.int32, bool):
        assert rank_mod_p(np.eye(3, dtype=dtype), 7) == 3


def test_nested_lists_with_entries_beyond_int64_are_accepted():
    assert rank_mod_p([[2**64 - 1, 1], [1, 1]], 101) == 2
    assert rank_mod_p([[2**63, -1], [-(2**63), 1]], 101) == 1


def test_the_input_is_not_changed_unless_overwriting_is_allowed():
    rng = np.random.default_rng(15)
    integers = rng.integers(0, 101, (60, 80))
    balanced = PrimeField(101).balanced(integers)
    for matrix in (integers, balanced, balanced.T, np.asfortranarray(balanced), balanced[::2, ::3], balanced[:, ::-1]):
        before = matrix.copy()
        rank_mod_p(matrix, 101)
        assert (matrix == before).all()


def test_overwriting_gives_the_same_rank_for_every_layout():
    rng = np.random.default_rng(16)
    for shape in ((60, 80), (80, 60)):
        matrix = planted(rng, *shape, 41, 8388593)
        expected = flint_rank(matrix, 8388593)
        balanced = PrimeField(8388593).balanced(matrix)
        read_only = balanced.copy()
        read_only.flags.writeable = False
        for given_matrix in (matrix.copy(), balanced.copy(), np.asfortranarray(balanced), read_only, balanced[:, ::-1]):
            assert rank_mod_p(given_matrix, 8388593, overwrite=True) == expected
        assert (read_only == PrimeField(8388593).balanced(matrix)).all()


@pytest.mark.parametrize("prime", [8388593, 2**31 - 1])
@pytest.mark.parametrize("shape", [(4600, 4600), (9000, 1800), (1800, 9000)])
def test_overwriting_takes_at_most_three_tenths_more_than_the_matrix(prime, shape):
    half = prime // 2
    matrix = np.random.default_rng(21).integers(-half, half + 1, shape).astype(np.float64)
    rank_mod_p(np.eye(200, dtype=int), prime, threads=2)
    tracemalloc.start()
    try:
        assert rank_mod_p(matrix, prime, threads=2, overwrite=True) == min(shape)
        assert tracemalloc.get_traced_memory()[1] <= 0.3 * matrix.nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("prime", [3, 8388593, 2**31 - 1])
def test_panels_whose_first_rows_lack_a_pivot_agree_with_flint(prime):
    rng = np.random.default_rng(22)
    matrix = planted(rng, 900, 130, 128, prime)
    for zeros in (1, 130, 250, 880):
        late = matrix.copy()
        late[:zeros] = 0
        assert_flint_agrees(late, prime)
        repeated = matrix.copy()
        repeated[:zeros, ::2] = repeated[:1, ::2]
        assert_flint_agrees(repeated, prime)
        assert_flint_agrees(np.concatenate([repeated, rng.integers(0, prime, (900, 790))], axis=1)[:, 60:], prime)


def test_integer_input_survives_overwriting():
    matrix = np.arange(12).reshape(3, 4)
    rank_mod_p(matrix, 101, overwrite=True)
    assert (matrix == np.arange(12).reshape(3, 4)).all()


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
def test_balanced_floats_are_accepted(prime):
    rng = np.random.default_rng(17)
    matrix = planted(rng, 50, 70, 33, prime)
    assert rank_mod_p(PrimeField(prime).balanced(matrix), prime) == flint_rank(matrix, prime)


@pytest.mark.parametrize("entry", [0.5, float("nan"), float("inf"), 2.0**53, -1e300])
def test_other_floats_are_refused(entry):
    with pytest.raises(TensorRankError, match=r"of floats, whole ones below 2\^53"):
        rank_mod_p(np.array([[1.0, entry], [0.0, 1.0]]), 101)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_floats_that_are_whole_are_whole_numbers(kind):
    assert rank_mod_p(np.array([[200, 2], [-303, 101]], dtype=kind), 101) == 1
    assert rank_mod_p(np.array([[200, 2], [-303, 101]], dtype=kind), 107) == 2


@pytest.mark.parametrize("array", [[["a", "b"]], [[None, 1]], np.array([["2020-01-01"]], dtype="M8[D]")])
def test_arrays_that_hold_no_whole_numbers_are_refused(array):
    with pytest.raises(TensorRankError, match="expected a matrix of whole numbers or fractions"):
        rank_mod_p(array, 101)


@pytest.mark.parametrize("array", [3, [1, 2], np.zeros((2, 2, 2), dtype=int), []])
def test_arrays_that_are_no_matrix_are_refused(array):
    with pytest.raises(TensorRankError, match=r"expected a matrix \(two dimensions\)"):
        rank_mod_p(array, 101)


def test_a_composite_modulus_is_refused():
    with pytest.raises(PrimeError, match="15 is not a prime; try 13"):
        rank_mod_p([[1]], 15)


@pytest.mark.parametrize("threads", [0, -1, 1.5, "2", True])
def test_an_impossible_number_of_threads_is_refused(threads):
    with pytest.raises(TensorRankError, match=r"threads is .*; expected a whole number (from 1 to 1024|or None)"):
        rank_mod_p([[1, 2], [3, 4]], 101, threads=threads)


@pytest.mark.parametrize("prime", [2, 3, 127, 251, 509, 16253, 8388593, 23726561, 2**31 - 1])
@pytest.mark.usefixtures("small_pieces")
def test_every_branch_at_small_sizes_agrees_with_flint(prime):
    rng = np.random.default_rng(24)
    for threads in (1, 2, 3):
        for _ in range(12):
            rows, columns = rng.integers(1, 120, 2)
            matrix = planted(rng, rows, columns, rng.integers(0, min(rows, columns) + 1), prime)
            matrix[:, rng.random(columns) < 0.1] = 0
            matrix[: rng.integers(0, rows)] *= rng.integers(0, 2)
            expected = flint_rank(matrix, prime)
            for name in names(prime):
                assert rank_mod_p(matrix, prime, threads=threads, engine=name) == expected, name


@pytest.mark.parametrize(
    ("prime", "name", "rank"), [(8388593, "float64", 1151), (2**31 - 1, "float64", 1107), (509, "float32", 1107)]
)
def test_a_rank_that_strassen_must_not_miss_agrees_with_flint(prime, name, rank, strassen):
    matrix = planted(np.random.default_rng(25), 1200, 1225, rank, prime)
    assert rank_mod_p(matrix, prime, threads=2, engine=name) == flint_rank(matrix, prime) == rank
    assert len(strassen) > 1


small_matrices = hnp.arrays(
    np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-(10**9), 10**9)
)
some_primes = st.sampled_from(PRIMES)
properties = settings(deadline=None, max_examples=50)


@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 90), some_primes.filter(lambda p: p > 2**20), st.integers(0))
@properties
def test_a_planted_rank_is_found(rows, columns, rank, prime, seed):
    rank = min(rank, rows, columns)
    rng = np.random.default_rng(seed)
    matrix = planted(rng, rows, columns, rank, prime)
    found = rank_mod_p(matrix, prime)
    assert found <= rank
    assert found == flint_rank(matrix, prime)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), some_primes, st.integers(0))
@properties
def test_a_rank_planted_by_unit_factors_is_found_exactly(rows, columns, rank, prime, seed):
    rank = min(rank, rows, columns)
    rng = np.random.default_rng(seed)
    left = np.tril(rng.integers(0, prime, (rows, rank)), -1) + np.eye(rows, rank, dtype=np.int64)
    right = np.triu(rng.integers(0, prime, (rank, columns)), 1) + np.eye(rank, columns, dtype=np.int64)
    matrix = PrimeField(prime).matmul(left, right)[rng.permutation(rows)][:, rng.permutation(columns)]
    assert rank_mod_p(matrix, prime) == rank


@given(small_matrices, some_primes)
@properties
def test_the_transpose_has_the_same_rank(matrix, prime):
    assert rank_mod_p(matrix, prime) == rank_mod_p(matrix.T, prime) == flint_rank(matrix, prime)


@given(small_matrices, some_primes, st.integers(0))
@properties
def test_permuting_rows_and_columns_keeps_the_rank(matrix, prime, seed):
    rng = np.random.default_rng(seed)
    permuted = matrix[rng.permutation(len(matrix))][:, rng.permutation(matrix.shape[1])]
    assert rank_mod_p(permuted, prime) == rank_mod_p(matrix, prime)


@given(small_matrices, some_primes, st.integers(0))
@properties
def test_scaling_rows_by_nonzero_residues_keeps_the_rank(matrix, prime, seed):
    rng = np.random.default_rng(seed)
    factors = rng.integers(1, prime, (len(matrix), 1))
    scaled = (matrix.astype(object) * factors) % prime
    assert rank_mod_p(scaled, prime) == rank_mod_p(matrix, prime)


@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.integers(-4, 4)), some_primes)
@properties
def test_the_rank_mod_p_never_exceeds_the_rank_over_the_rationals(matrix, prime):
    rational = flint.fmpz_mat(*matrix.shape, [int(x) for x in matrix.flat]).rank()
    assert rank_mod_p(matrix, prime) <= rational
    # By Hadamard's inequality no minor of such entries reaches 2**31 - 1, so the largest prime loses nothing.
    assert rank_mod_p(matrix, 2**31 - 1) == rational
