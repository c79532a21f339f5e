import math
import tracemalloc
from fractions import Fraction

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.arithmetic import rational_rank as rational_rank_module
from tensorrank.arithmetic.elimination.rank import rank_mod_p
from tensorrank.arithmetic.primes import PrimeRange, primes_below
from tensorrank.arithmetic.rational_rank import _minor_bits, distinct_rows, rational_rank
from tensorrank.errors import TensorRankError


def rank_over_q(matrix):
    return flint.fmpz_mat([[int(x) for x in row] for row in matrix]).rank() if np.size(matrix) else 0


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5), st.integers(1, 10**9), st.integers(0, 2**32))
def test_products_of_whole_numbers_have_flints_rank_and_are_exact(rows, columns, inner, size, seed):
    rng = np.random.default_rng(seed)
    left = rng.integers(-size, size, (rows, inner), endpoint=True).astype(object)
    right = rng.integers(-size, size, (inner, columns), endpoint=True).astype(object)
    matrix = left @ right if inner else np.zeros((rows, columns), dtype=np.int64)
    found = rational_rank(matrix, seed=seed)
    assert (found.value, found.standing, found.failure_probability) == (rank_over_q(matrix), "exact", 0.0)
    assert found.value <= found.upper
    assert rational_rank(matrix.T).value == found.value


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32))
def test_matrices_of_zeros_and_ones_with_repeated_rows(rows, columns, seed):
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 2, (rows, columns))[rng.integers(0, rows, 2 * rows)]
    assert rational_rank(matrix).value == rank_over_q(matrix)


def test_a_rank_short_of_every_dimension_is_proved_by_hadamard_or_called_probable():
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 2, (60, 20)) @ rng.integers(0, 2, (20, 60))
    proved = rational_rank(matrix)
    assert (proved.value, proved.upper, proved.standing) == (20, 20, "exact")
    assert len(proved.primes) > 1
    cheap = rational_rank(matrix, work=1.0)
    assert (cheap.value, cheap.upper, cheap.standing) == (20, 60, "probable")
    assert len(cheap.primes) == 2
    assert 0 < cheap.failure_probability < 1e-10
    assert "takes" in str(cheap)


def test_primes_that_divide_a_minor_do_not_lower_the_value():
    # The second prime is drawn because the first cannot exclude a minor it divides.
    large = 2**40
    assert rational_rank([[large, large], [large, large + 1]]).value == 2


def test_large_matrices_are_tried_at_a_small_prime_first(monkeypatch):
    monkeypatch.setattr(rational_rank_module, "WORTH_CHOOSING", 0)
    rng = np.random.default_rng(0)
    full = rng.integers(-9, 9, (40, 50))
    found = [rational_rank(full, seed=seed) for seed in range(8)]
    assert {(one.value, one.standing) for one in found} == {(40, "exact")}
    assert sum(len(one.primes) == 1 and 190 < one.primes[0] < 252 for one in found) >= 6
    # A short rank, and one that is short modulo every small prime, are left to large primes.
    short = full.copy()
    short[0] = short[1] + short[2]
    multiple = full.astype(object) * math.prod(prime for prime in primes_below(252) if prime > 190)
    for matrix, value in ((short, 39), (multiple, 40)):
        found = rational_rank(matrix)
        assert (found.value, found.standing) == (value, "exact") == (rank_over_q(matrix), "exact")
        assert all(prime > 2**30 for prime in found.primes)
    unproved = rational_rank(short, work=1.0)
    assert (unproved.value, unproved.standing, len(unproved.primes)) == (39, "probable", 2)
    assert 0 < unproved.failure_probability < 1e-6


def test_who_knows_the_seed_cannot_aim_at_its_primes():
    # Whatever primes a matrix meets, the multiple of them is another matrix, which meets others.
    for seed in range(20):
        found = rational_rank([[1, 1], [1, 1]], seed=seed, work=1.0)
        product = math.prod(found.primes)
        multiple = rational_rank(np.array([[product, 0], [0, product]], dtype=object), seed=seed)
        assert (multiple.value, multiple.standing) == (2, "exact")
        assert not set(multiple.primes) & set(found.primes)


def test_entries_too_large_for_any_bound_say_so(monkeypatch):
    monkeypatch.setattr(rational_rank_module, "LARGE_PRIMES", PrimeRange(2**30, 2**31, 3))
    matrix = np.array([[2**200, 1, 2], [2, 2**200, 3], [2 + 2**200, 1 + 2**200, 5]], dtype=object)
    found = rational_rank(matrix, work=1.0)
    assert (found.value, found.standing, found.failure_probability) == (2, "probable", None)
    assert "probable, with no bound on an error" in str(found)
    assert found.to_dict()["failure_probability"] is None


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 2)])
def test_nothing_and_zeros_have_rank_0(shape):
    found = rational_rank(np.zeros(shape, dtype=np.int64))
    assert (found.value, found.upper, found.standing) == (0, 0, "exact")


def test_numbers_beyond_64_bits_and_booleans():
    assert rational_rank([[10**30, 1], [10**60, 10**30]]).value == 1
    assert rational_rank(np.array([[True, False], [True, True]])).value == 2


def test_the_answer_is_the_same_for_every_thread_count():
    matrix = np.random.default_rng(1).integers(0, 2, (300, 40))
    assert rational_rank(matrix, threads=1) == rational_rank(matrix, threads=3)


def test_the_bound_of_minors_takes_no_copy_of_the_matrix():
    core = np.random.default_rng(0).integers(-3, 4, (1000, 900))
    tracemalloc.start()
    try:
        found = _minor_bits(core, 900)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < core.nbytes / 4
    # Hadamard: the product of the lengths of the columns, all of them in a minor of this size.
    lengths = [sum(int(x) ** 2 for x in column) for column in core.T]
    assert found <= sum(map(math.log2, lengths)) / 2 + 1.001


def test_different_rows_of_every_type():
    for dtype in (np.int64, np.uint8, np.bool_, object):
        assert distinct_rows(np.array([[1, 0], [0, 1], [1, 0], [0, 0]], dtype=dtype)).tolist() == [0, 1, 3]
    assert distinct_rows(np.array([[-1, 200], [-1, 200], [255, 200]])).tolist() == [0, 2]
    assert distinct_rows(np.zeros((3, 0), dtype=np.int64)).tolist() == [0]
    assert distinct_rows(np.zeros((0, 3), dtype=np.int64)).tolist() == []


@pytest.mark.parametrize("matrix", [[[0.5]], [["a"]], np.array([[1.5]]), [[float("nan")]], [[float("inf")]], [[None]]])
def test_only_whole_numbers_and_fractions_have_a_rank_here(matrix):
    with pytest.raises(TensorRankError, match="expected a matrix of whole numbers"):
        rational_rank(matrix)


def test_other_bad_input():
    with pytest.raises(TensorRankError, match=r"shape \(3,\) was given; expected a matrix"):
        rational_rank([1, 2, 3])
    for work in (0, -1.0, True, float("nan")):
        with pytest.raises(TensorRankError, match="expected a positive number of operations"):
            rational_rank([[1]], work=work)


def test_texts_of_fractions_are_numbers():
    assert rational_rank([["1/2", 1], [1, 2]]).value == 1
    assert rational_rank([["0.1", "0.3"], ["1e-1", Fraction(3, 10)]]).value == 1
    assert rank_mod_p([["1/2", 1], [1, 3]], 251) == 2
    assert rational_rank(np.array([["1", "2"], ["2", "4"]])).value == 1


@pytest.mark.parametrize("entry", ["one", "1/0", "1e100000", "", "nan"])
def test_texts_that_are_no_numbers_are_refused(entry):
    with pytest.raises(TensorRankError, match=f"entry '{entry}' was given; expected a matrix of whole numbers or fractions"):
        rational_rank([[entry, 1], [1, 2]])


def test_a_float_beside_a_text_is_no_text():
    with pytest.raises(TensorRankError, match=r"the entry 0\.1 was given"):
        rational_rank([["1/2", 0.1], [1, 2]])
