import os
import tempfile
from functools import partial

import numpy as np
import pytest
from announced_work import announced
from engines_tried import engine, pairs
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import flint_rank, planted

from tensorrank import rank_mod_p
from tensorrank.arithmetic.elimination import files as elimination_files
from tensorrank.arithmetic.elimination.costs import elimination_work
from tensorrank.arithmetic.elimination.engines import storage
from tensorrank.arithmetic.elimination.files import rank_of_strips
from tensorrank.arithmetic.elimination.products import Products
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads

PRIMES = [2, 3, 5, 101, 251, 509, 16253, 65537, 8388593, 2**24 - 3, 33554393, 2**26 - 5, 2**31 - 1]


def strips_of(matrix, prime, cuts):
    residues = PrimeField(prime).balanced(matrix).astype(storage(prime))
    return [partial(np.array, part, order="C") for part in np.split(residues, cuts, axis=1)]


def strip_rank(matrix, cuts, prime, folder, threads=1, name="float64", **options):
    """The rank by strips that begin at the cuts; nothing may be left in the folder."""
    with worker_threads(threads) as pool:
        found = rank_of_strips(strips_of(matrix, prime, cuts), *matrix.shape, engine(prime, name), pool, folder, **options)
    assert not list(folder.iterdir())
    return found


def evenly(columns, width):
    return list(range(width, columns, width))


@pytest.mark.parametrize(("prime", "name"), pairs(PRIMES))
@pytest.mark.parametrize("threads", [1, 2])
def test_the_rank_of_strips_of_columns_is_that_of_the_whole_matrix(prime, name, threads, tmp_path):
    rng = np.random.default_rng(18)
    for rows, columns, rank in [(1, 4, 1), (7, 12, 5), (90, 150, 90), (90, 150, 61), (130, 90, 77), (110, 220, 0)]:
        matrix = planted(rng, rows, columns, rank, prime)
        deficient = matrix.copy()
        deficient[:, : columns // 2] = planted(rng, rows, columns // 2, rank // 3, prime)
        late_columns, late_rows, repeated = matrix.copy(), matrix.copy(), matrix.copy()
        late_columns[:, : columns // 2] = 0
        late_rows[: rows // 2] = 0
        repeated[:, columns // 2 :] = matrix[:, : columns - columns // 2]
        gaps = matrix.copy()
        gaps[:, ::3] = 0
        for case in (matrix, deficient, late_columns, late_rows, repeated, gaps):
            expected = (flint_rank(case, prime), True)
            assert rank_mod_p(case, prime) == expected[0]
            for cuts in ([], [1], [columns - 1], [columns // 2], evenly(columns, -(-columns // 7))):
                assert strip_rank(case, cuts, prime, tmp_path, threads, name) == expected


@pytest.mark.parametrize("prime", [2, 3, 8388593, 23726561, 2**31 - 1])
@pytest.mark.usefixtures("small_pieces")
def test_every_branch_at_small_sizes_agrees_with_flint(prime, tmp_path):
    rng = np.random.default_rng(24)
    for threads in (1, 2, 3):
        for _ in range(12):
            rows, columns = rng.integers(1, 120, 2)
            matrix = planted(rng, rows, columns, rng.integers(0, min(rows, columns) + 1), prime)
            matrix[:, rng.random(columns) < 0.1] = 0
            matrix[: rng.integers(0, rows)] *= rng.integers(0, 2)
            cuts = np.unique(rng.integers(1, columns + 1, rng.integers(0, 9)))
            assert strip_rank(matrix, cuts, prime, tmp_path, threads) == (flint_rank(matrix, prime), True)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 70), st.sampled_from(PRIMES), st.integers(0))
@settings(deadline=None, max_examples=50)
def test_a_rank_planted_by_unit_factors_is_found_exactly(rows, columns, rank, width, prime, seed):
    rank = min(rank, rows, columns)
    rng = np.random.default_rng(seed)
    left = np.tril(rng.integers(0, prime, (rows, rank)), -1) + np.eye(rows, rank, dtype=np.int64)
    right = np.triu(rng.integers(0, prime, (rank, columns)), 1) + np.eye(rank, columns, dtype=np.int64)
    matrix = PrimeField(prime).matmul(left, right)[rng.permutation(rows)][:, rng.permutation(columns)]
    with tempfile.TemporaryDirectory() as folder, worker_threads(1) as pool:
        strips = strips_of(matrix, prime, evenly(columns, width))
        assert rank_of_strips(strips, rows, columns, engine(prime, "float64"), pool, folder) == (rank, True)
        assert not os.listdir(folder)


@pytest.mark.parametrize("prime", [8388593, 2**31 - 1])
@pytest.mark.parametrize("rank", [700, 433])
def test_pivots_in_rows_far_down_agree_with_flint(prime, rank, tmp_path):
    rng = np.random.default_rng(rank)
    matrix = planted(rng, 700, 760, rank, prime)
    matrix[:300, :200] = 0
    matrix[:600, 300:330] = 0
    for threads in (1, 2):
        expected = (flint_rank(matrix, prime), True)
        assert strip_rank(matrix, evenly(760, 150), prime, tmp_path, threads) == expected


@pytest.mark.parametrize("prime", [2, 8388593, 2**26 - 5, 2**31 - 1])
def test_extreme_entries_in_strips_agree_with_flint(prime, tmp_path):
    rng = np.random.default_rng(19)
    extreme = (prime - 1) // 2 * rng.choice([-1, 1], (120, 300))
    extreme[::3] = extreme[0]
    extreme[5:60, :150] = extreme[4, :150]
    assert strip_rank(extreme, [100, 150], prime, tmp_path) == (flint_rank(extreme, prime), True)


@pytest.mark.parametrize(("prime", "rank"), [(8388593, 1151), (2**31 - 1, 1200)])
def test_strips_wide_enough_for_strassen_agree_with_flint(prime, rank, tmp_path, strassen):
    matrix = planted(np.random.default_rng(25), 1200, 1225, rank, prime)
    assert strip_rank(matrix, [550], prime, tmp_path, 2) == (flint_rank(matrix, prime), True)
    assert len(strassen) > 1


@pytest.mark.parametrize("cuts", [[0], [0, 0, 3], [5], [3, 3]])
def test_empty_strips_add_nothing(cuts, tmp_path):
    matrix = planted(np.random.default_rng(20), 4, 5, 3, 101)
    assert strip_rank(matrix, cuts, 101, tmp_path) == (flint_rank(matrix, 101), True)
    assert strip_rank(matrix[:0], cuts, 101, tmp_path) == (0, True)
    with worker_threads(1) as pool:
        assert rank_of_strips([], 4, 0, engine(101, "float64"), pool, tmp_path) == (0, True)


def test_strips_are_made_only_until_the_rank_is_full(tmp_path):
    made = []

    def strips():
        for number, part in enumerate(([[1], [0]], [[1], [1]], [[1], [2]], [[1], [3]])):
            yield lambda number=number, part=part: made.append(number) or np.array(part, dtype=np.int32)

    with worker_threads(1) as pool:
        assert rank_of_strips(strips(), 2, 4, engine(101, "float64"), pool, tmp_path) == (2, True)
    assert made == [0, 1]


def test_whether_to_go_on_is_asked_once_after_the_first_strips(tmp_path):
    matrix, asked = np.diag([1, 1, 0, 1, 0, 1]), []
    for answer, found in ((True, (4, True)), (False, (2, False))):
        asked.clear()
        options = {"first": 3, "affordable": lambda missing, answer=answer: asked.append(missing) or answer}
        assert strip_rank(matrix, evenly(6, 1), 101, tmp_path, **options) == found
        assert asked == [4]
    refuse = {"affordable": lambda missing: False}
    assert strip_rank(matrix, evenly(6, 1), 101, tmp_path, **refuse) == (4, True)
    assert strip_rank(matrix, evenly(6, 1), 101, tmp_path, first=6, **refuse) == (4, True)
    assert strip_rank(np.eye(6, dtype=int)[:2], evenly(6, 1), 101, tmp_path, first=2, **refuse) == (2, True)


@pytest.mark.parametrize(("rank", "width"), [(300, 64), (170, 50), (0, 64)])
def test_multipliers_are_written_once_and_no_more_than_announced(rank, width, tmp_path, monkeypatch):
    written = []
    write = elimination_files._Multipliers._write
    monkeypatch.setattr(
        elimination_files._Multipliers, "_write", lambda self, part: written.append(part.nbytes) or write(self, part)
    )
    matrix = planted(np.random.default_rng(rank), 300, 300, rank, 8388593)
    assert strip_rank(matrix, evenly(300, width), 8388593, tmp_path) == (rank, True)
    # Pivots are those of the first columns; the strip in which the rank is full, or the last one, writes nothing.
    starts = range(0, min(rank, 300 - width), width)
    assert sum(written) == sum(4 * (300 - s) * (min(width, rank - s) + 1) for s in starts)
    strips = -(-300 // width)
    assert sum(written) <= 4 * (300 * 300 - 300 * (300 - width) // 2 + 300 * strips)


@pytest.fixture
def multiplications(monkeypatch):
    """The multiplications and additions of all products made, in panels and triangles too."""
    counted = [0.0]

    def count(name, operations):
        method = getattr(Products, name)

        def counting(self, *arguments):
            counted[0] += operations(*arguments)
            return method(self, *arguments)

        monkeypatch.setattr(Products, name, counting)

    count("subtract", lambda target, left, right: 2 * left.rows * left.columns * right.columns)
    count("multiply_left", lambda factor, target: target.rows**2 * target.columns)
    count("multiply_right", lambda source, factor, target: source.rows * source.columns**2)
    return counted


@pytest.mark.parametrize(("rows", "columns", "rank"), [(900, 900, 900), (900, 1500, 900), (1200, 700, 700)])
def test_the_work_announced_is_the_work_done(rows, columns, rank, tmp_path, multiplications):
    matrix, calls = planted(np.random.default_rng(5), rows, columns, rank, 8388593), []
    options = {"progress": lambda done, total, what: calls.append((done, total, multiplications[0]))}
    assert strip_rank(matrix, evenly(columns, 100), 8388593, tmp_path, **options) == (rank, True)
    performed = np.array([count for *_, count in calls])
    done, total = announced([(done, total) for done, total, _ in calls]).T
    assert total == pytest.approx(total[0])
    assert total[0] == pytest.approx(elimination_work(rows, min(rows, columns)))
    assert np.abs(done / total - performed / performed[-1]).max() < 0.02
    assert performed[-1] == pytest.approx(total[0], rel=0.1)


@pytest.mark.parametrize("rank", [450, 90])
def test_a_deficient_rank_is_announced_as_the_work_that_remains(rank, tmp_path, multiplications):
    matrix, calls = planted(np.random.default_rng(6), 900, 900, rank, 8388593), []
    options = {"progress": lambda done, total, what: calls.append((done, total, multiplications[0]))}
    assert strip_rank(matrix, evenly(900, 90), 8388593, tmp_path, **options) == (rank, True)
    performed = np.array([count for *_, count in calls])
    done, _ = announced([(done, total) for done, total, _ in calls]).T
    # At the end what was expected to remain counts as done.
    assert done[-2] == pytest.approx(done[-1])
    assert np.abs(done / done[-1] - performed / performed[-1]).max() < 0.02


@pytest.mark.parametrize(("rows", "columns", "rank"), [(700, 700, 700), (700, 700, 300), (400, 1300, 390), (0, 9, 0)])
def test_the_work_in_memory_is_announced_as_it_is_done(rows, columns, rank, multiplications):
    matrix, calls = planted(np.random.default_rng(7), rows, columns, rank, 8388593), []
    report = lambda done, total, what: calls.append((done, total, multiplications[0]))  # noqa: E731
    field = PrimeField(8388593)
    with worker_threads(1) as pool:
        assert rank_in_place(field.balanced(matrix).astype(np.int32), engine(8388593, "float64"), pool, report) == rank
    performed = np.array([count for *_, count in calls])
    done, total = announced([(done, total) for done, total, _ in calls]).T
    if rows:
        assert total[0] == pytest.approx(elimination_work(rows, min(rows, columns)))
        assert np.abs(done / done[-1] - performed / performed[-1]).max() < 0.03


def test_an_interrupted_elimination_leaves_nothing(tmp_path):
    matrix = planted(np.random.default_rng(8), 300, 300, 300, 8388593)
    strips = strips_of(matrix, 8388593, evenly(300, 64))

    def interrupted():
        raise KeyboardInterrupt

    with worker_threads(2) as pool, pytest.raises(KeyboardInterrupt):
        rank_of_strips([*strips[:3], interrupted], 300, 300, engine(8388593, "float64"), pool, tmp_path)
    assert not list(tmp_path.iterdir())
