import tracemalloc
from functools import partial

import numpy as np
import pytest
from engines_tried import engine, pairs
from oracles import flint_rank, planted

from tensorrank.arithmetic.elimination import rank as elimination
from tensorrank.arithmetic.elimination.columns import Elimination
from tensorrank.arithmetic.elimination.costs import Tally
from tensorrank.arithmetic.elimination.engines import storage
from tensorrank.arithmetic.elimination.products import Products
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads

PRIMES = [2, 3, 5, 101, 251, 257, 509, 16253, 65537, 8388593, 2**24 - 3, 33554393, 2**26 - 5, 2**31 - 1]


def slab_rank(matrix, cuts, prime, threads, name="float64"):
    field = PrimeField(prime)
    parts = np.split(field.balanced(matrix).astype(storage(prime)), cuts, axis=1)
    with worker_threads(threads) as pool:
        rank, complete = elimination.rank_of_slabs(
            [partial(np.ascontiguousarray, part) for part in parts], engine(prime, name), pool
        )
    assert complete
    return rank


def test_slabs_that_cannot_be_afforded_leave_a_lower_bound():
    by, asked = engine(101, "float64"), []
    matrix = np.diag([1, 1, 0, 1, 1]).astype(np.int32)
    slabs = [partial(np.ascontiguousarray, part) for part in np.split(matrix, [3], axis=1)]
    with worker_threads(1) as pool:
        assert elimination.rank_of_slabs(slabs, by, pool, lambda missing: bool(asked.append(missing))) == (2, False)
    assert asked == [3]


@pytest.mark.parametrize(("prime", "name"), pairs([2, 3, 251, 509, 16253, 8388593, 2**31 - 1]))
def test_products_of_residues_are_exact(prime, name):
    field, rng = PrimeField(prime), np.random.default_rng(5)
    left, right = rng.integers(0, prime, (90, 700)), rng.integers(0, prime, (700, 130))
    with worker_threads(2) as pool:
        operands = (field.balanced(side).astype(storage(prime)) for side in (left, right))
        found = elimination.product(*operands, engine(prime, name), pool)
    expected = left.astype(object) @ right.astype(object) % prime
    assert (found.astype(np.int64) % prime == expected).all()


@pytest.mark.parametrize(("prime", "name"), pairs(PRIMES))
@pytest.mark.parametrize("threads", [1, 2])
def test_the_rank_of_slabs_of_columns_is_that_of_the_whole_matrix(prime, name, threads):
    rng = np.random.default_rng(18)
    for rows, columns, rank in [(1, 4, 1), (7, 12, 5), (60, 150, 60), (60, 150, 41), (130, 90, 77), (110, 260, 0)]:
        matrix = planted(rng, rows, columns, rank, prime)
        narrow = planted(rng, rows, columns, rank // 3, prime)
        split = np.concatenate([narrow[:, : columns // 2], matrix[:, columns // 2 :]], axis=1)
        late = np.concatenate([0 * matrix[:, : columns // 2], matrix[:, columns // 2 :]], axis=1)
        swapped = matrix[rng.permutation(rows)]
        for case in (matrix, split, late, swapped):
            expected = flint_rank(case, prime)
            for cuts in ([], [columns // 2], [1], [columns - 1], [columns // 4, columns // 2, 3 * columns // 4]):
                assert slab_rank(case, cuts, prime, threads, name) == expected


@pytest.mark.parametrize(("prime", "name"), pairs([2, 127, 251, 509, 16253, 8388593, 2**26 - 5, 2**31 - 1]))
def test_extreme_entries_in_slabs_agree_with_flint(prime, name):
    rng = np.random.default_rng(19)
    extreme = (prime - 1) // 2 * rng.choice([-1, 1], (120, 300))
    extreme[::3] = extreme[0]
    assert slab_rank(extreme, [128], prime, 1, name) == flint_rank(extreme, prime)
    extreme[5:60, :150] = extreme[4, :150]
    assert slab_rank(extreme, [100, 150], prime, 2, name) == flint_rank(extreme, prime)


@pytest.mark.parametrize("cuts", [[0], [0, 0, 3], [5], [3, 3]])
def test_empty_slabs_add_nothing(cuts):
    matrix = planted(np.random.default_rng(20), 4, 5, 3, 101)
    assert slab_rank(matrix, cuts, 101, 1) == flint_rank(matrix, 101)
    assert slab_rank(matrix[:0], cuts, 101, 1) == 0


def test_slabs_are_asked_for_one_ahead_and_made_only_when_needed():
    made = []

    def slabs():
        for number, part in enumerate(([[1, 0], [0, 1]], [[1], [1]], [[1], [1]])):
            yield lambda number=number, part=part: made.append(number) or np.array(part, dtype=np.int32)

    with worker_threads(1) as pool:
        assert elimination.rank_of_slabs(slabs(), engine(101, "float64"), pool) == (2, True)
    assert made == [0]


def test_whether_to_go_on_is_asked_once_and_not_of_a_single_slab():
    by, asked = engine(101, "float64"), []
    parts = [np.diag([1, 1, 0, 0, 0]), np.diag([0, 0, 1, 0, 0]), np.diag([0, 0, 0, 1, 0])]
    slabs = [partial(np.array, part, dtype=np.int32) for part in parts]
    with worker_threads(1) as pool:
        assert elimination.rank_of_slabs(slabs, by, pool, lambda n: asked.append(n) is None) == (4, True)
        assert asked == [3]
        assert elimination.rank_of_slabs(slabs[:1], by, pool, lambda n: False) == (2, True)


def test_a_left_kernel_takes_the_memory_of_the_kernel_alone():
    field, by = PrimeField(8388593), engine(8388593, "float64")
    matrix = planted(np.random.default_rng(23), 2400, 2400, 1400, field.prime)
    matrix = field.balanced(matrix).astype(np.int32)
    with worker_threads(1) as pool:
        one = Elimination(matrix.copy(), Products(by, pool), Tally(*matrix.shape))
        assert one.rank() == 1400
        tracemalloc.start()
        try:
            kernel = one.left_kernel(1400)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert not elimination.product(kernel, matrix, by, pool).any()
    assert kernel.shape == (1000, 2400)
    # Scratch of one thread comes on top.
    assert peak <= kernel.nbytes + 14e6
