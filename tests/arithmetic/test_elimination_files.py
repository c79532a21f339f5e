import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import flint_rank, planted

from tensorrank import rank_mod_p
from tensorrank.arithmetic import column_elimination, elimination_files, products
from tensorrank.arithmetic.elimination import rank_in_place
from tensorrank.arithmetic.elimination_costs import elimination_work
from tensorrank.arithmetic.elimination_files import file_bytes, rank_of_strips, strip_columns
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.products import Products
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import TensorRankError

PRIMES = [2, 3, 5, 101, 65537, 8388593, 2**24 - 3, 33554393, 2**26 - 5, 2**31 - 1]
NAMES = [str(prime) for prime in PRIMES]


def strips_of(matrix, prime, cuts):
    residues = PrimeField(prime).balanced(matrix).astype(np.int32)
    return [partial(np.array, part, order="C") for part in np.split(residues, cuts, axis=1)]


def strip_rank(matrix, cuts, prime, folder, threads=1, **options):
    """The rank by strips that begin at the cuts; nothing may be left in the folder."""
    with worker_threads(threads) as pool:
        found = rank_of_strips(
            strips_of(matrix, prime, cuts), *matrix.shape, PrimeField(prime), pool, folder, **options
        )
    assert not list(folder.iterdir())
    return found


def evenly(columns, width):
    return list(range(width, columns, width))


@pytest.fixture
def small_pieces(monkeypatch):
    """Panels, tiles, Strassen's algorithm and copies at sizes that python-flint ranks at once."""
    monkeypatch.setattr(column_elimination, "PANEL", 4)
    monkeypatch.setattr(column_elimination, "_FIRST_ROWS", 5)
    monkeypatch.setattr(column_elimination, "_MORE", 2)
    monkeypatch.setattr(elimination_files, "_BUFFER", 100)
    for name, value in (("_STRASSEN_SIDE", 6), ("_LARGEST", 30), ("_TILE_COLUMNS", 7), ("_TILE_ROWS", 9)):
        monkeypatch.setattr(products, name, value)


@pytest.mark.parametrize("prime", PRIMES, ids=NAMES)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_rank_of_strips_of_columns_is_that_of_the_whole_matrix(prime, threads, tmp_path):
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
                assert strip_rank(case, cuts, prime, tmp_path, threads) == expected


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


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(0, 60), st.integers(1, 70), st.sampled_from(PRIMES),
    st.integers(0),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_a_rank_planted_by_unit_factors_is_found_exactly(rows, columns, rank, width, prime, seed):
    rank = min(rank, rows, columns)
    rng = np.random.default_rng(seed)
    left = np.tril(rng.integers(0, prime, (rows, rank)), -1) + np.eye(rows, rank, dtype=np.int64)
    right = np.triu(rng.integers(0, prime, (rank, columns)), 1) + np.eye(rank, columns, dtype=np.int64)
    matrix = PrimeField(prime).matmul(left, right)[rng.permutation(rows)][:, rng.permutation(columns)]
    with tempfile.TemporaryDirectory() as folder, worker_threads(1) as pool:
        strips = strips_of(matrix, prime, evenly(columns, width))
        assert rank_of_strips(strips, rows, columns, PrimeField(prime), pool, folder) == (rank, True)
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


@pytest.mark.parametrize(("prime", "rank"), [(8388593, 2301), (2**31 - 1, 2400)])
def test_strips_wide_enough_for_strassen_agree_with_flint(prime, rank, tmp_path):
    matrix = planted(np.random.default_rng(25), 2400, 2450, rank, prime)
    assert strip_rank(matrix, [1100], prime, tmp_path, 2) == (flint_rank(matrix, prime), True)


@pytest.mark.parametrize("cuts", [[0], [0, 0, 3], [5], [3, 3]])
def test_empty_strips_add_nothing(cuts, tmp_path):
    matrix = planted(np.random.default_rng(20), 4, 5, 3, 101)
    assert strip_rank(matrix, cuts, 101, tmp_path) == (flint_rank(matrix, 101), True)
    assert strip_rank(matrix[:0], cuts, 101, tmp_path) == (0, True)
    with worker_threads(1) as pool:
        assert rank_of_strips([], 4, 0, PrimeField(101), pool, tmp_path) == (0, True)


def test_strips_are_made_only_until_the_rank_is_full(tmp_path):
    made = []

    def strips():
        for number, part in enumerate(([[1], [0]], [[1], [1]], [[1], [2]], [[1], [3]])):
            yield lambda number=number, part=part: made.append(number) or np.array(part, dtype=np.int32)

    with worker_threads(1) as pool:
        assert rank_of_strips(strips(), 2, 4, PrimeField(101), pool, tmp_path) == (2, True)
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
    assert sum(written) <= file_bytes(300, 300, width)


def announced(calls):
    """What a report was told, after a check that it only ever grows, up to the total."""
    done = [d for d, _ in calls]
    assert done == sorted(done)
    assert all(d <= total for d, total in calls)
    assert done[-1] == calls[-1][1]
    return np.array(calls)


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
    options = {"report": lambda done, total: calls.append((done, total, multiplications[0]))}
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
    options = {"report": lambda done, total: calls.append((done, total, multiplications[0]))}
    assert strip_rank(matrix, evenly(900, 90), 8388593, tmp_path, **options) == (rank, True)
    performed = np.array([count for *_, count in calls])
    done, _ = announced([(done, total) for done, total, _ in calls]).T
    # At the end what was expected to remain counts as done.
    assert done[-2] == pytest.approx(done[-1])
    assert np.abs(done / done[-1] - performed / performed[-1]).max() < 0.02


@pytest.mark.parametrize(("rows", "columns", "rank"), [(700, 700, 700), (700, 700, 300), (400, 1300, 390), (0, 9, 0)])
def test_the_work_in_memory_is_announced_as_it_is_done(rows, columns, rank, multiplications):
    matrix, calls = planted(np.random.default_rng(7), rows, columns, rank, 8388593), []
    report = lambda done, total: calls.append((done, total, multiplications[0]))  # noqa: E731
    field = PrimeField(8388593)
    with worker_threads(1) as pool:
        assert rank_in_place(field.balanced(matrix).astype(np.int32), field, pool, report) == rank
    performed = np.array([count for *_, count in calls])
    done, total = announced([(done, total) for done, total, _ in calls]).T
    if rows:
        assert total[0] == pytest.approx(elimination_work(rows, min(rows, columns)))
        assert np.abs(done / done[-1] - performed / performed[-1]).max() < 0.03


@pytest.mark.parametrize(("rows", "memory", "threads"), [(3000, 10**7, 1), (12000, 6 * 10**7, 2), (50000, 10**9, 16)])
def test_strips_are_wider_with_more_memory_and_narrower_with_more_threads(rows, memory, threads):
    width = strip_columns(rows, memory, threads)
    assert 64 <= width <= memory / (4 * rows)
    assert strip_columns(rows, memory + 4000 * rows, threads) > width
    assert strip_columns(rows, 2 * memory, threads + 1) <= strip_columns(rows, 2 * memory, threads)


def test_memory_for_no_strip_is_refused(tmp_path):
    message = r"limit is 977 KiB; expected at least .* MiB to eliminate a matrix of 12000 rows in strips of 64 columns"
    with pytest.raises(TensorRankError, match=message):
        strip_columns(12000, 10**6, threads=2)
    with pytest.raises(TensorRankError, match="give more memory, or fewer threads"):
        rank_mod_p(np.eye(3000, dtype=int), 101, memory=100_000, scratch=tmp_path, threads=2)


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint64, object, np.float64])
@pytest.mark.parametrize("shape", [(500, 620), (620, 500), (560, 560)])
def test_every_kind_of_matrix_is_read_strip_by_strip(dtype, shape, tmp_path):
    prime = 8388593
    matrix = planted(np.random.default_rng(3), *shape, 431, prime)
    matrix = PrimeField(prime).balanced(matrix) if dtype == np.float64 else (matrix % 2**14).astype(dtype)
    expected, before = rank_mod_p(matrix, prime), matrix.copy()
    for given_matrix in (matrix, np.asfortranarray(matrix), matrix[:, ::-1]):
        calls = []
        options = {"threads": 1, "overwrite": True, "progress": lambda done, total, to=calls: to.append((done, total))}
        assert rank_mod_p(given_matrix, prime, memory="4.6MB", scratch=tmp_path, **options) == expected
        assert len(announced(calls)) > 20
    assert (matrix == before).all()
    assert not list(tmp_path.iterdir())


def test_a_matrix_that_fits_needs_no_file_and_one_that_does_not_needs_a_folder(tmp_path):
    calls = []
    matrix = planted(np.random.default_rng(4), 400, 400, 300, 8388593)
    nowhere = tmp_path / "missing"
    options = {"memory": "1GB", "scratch": nowhere, "progress": lambda *given: calls.append(given)}
    assert rank_mod_p(matrix, 8388593, **options) == 300
    announced(calls)
    assert rank_mod_p(matrix, 8388593, memory="1GB") == rank_mod_p(matrix, 8388593, scratch=nowhere) == 300
    with pytest.raises(
        TensorRankError, match=r"\(400, 400\) takes 3.23 MiB and .* limit is 3.05 MiB.*a scratch folder"
    ):
        rank_mod_p(matrix, 8388593, memory=3_200_000)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file or directory"), ("file", "Not a directory")])
def test_a_folder_that_is_none_is_refused(name, reason, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TensorRankError, match=rf"no temporary file .*{name} \({reason}\); give a scratch folder"):
        rank_mod_p(np.eye(800, dtype=int), 101, memory="5MB", scratch=tmp_path / name, threads=1)


def test_an_interrupted_elimination_leaves_nothing(tmp_path):
    matrix = planted(np.random.default_rng(8), 300, 300, 300, 8388593)
    strips = strips_of(matrix, 8388593, evenly(300, 64))

    def interrupted():
        raise KeyboardInterrupt

    with worker_threads(2) as pool, pytest.raises(KeyboardInterrupt):
        rank_of_strips([*strips[:3], interrupted], 300, 300, PrimeField(8388593), pool, tmp_path)
    assert not list(tmp_path.iterdir())


def in_a_process(script, *arguments):
    """The output of a script in a Python of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")


def test_a_file_that_may_not_grow_is_an_error_that_says_what_to_do(tmp_path):
    script = """
        import resource, signal, sys
        import numpy as np
        from tensorrank import TensorRankError, rank_mod_p
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        try:
            rank_mod_p(np.eye(800, dtype=int), 101, memory="5MB", scratch=sys.argv[1], threads=1)
        except TensorRankError as error:
            print(error)
    """
    said = in_a_process(script, tmp_path)[0]
    assert said.startswith("the multipliers of the elimination, ")
    assert said.endswith(f"cannot be written to {tmp_path} (File too large); give a scratch folder with more room")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def small_disk(tmp_path):
    """A file system of one megabyte, where we may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if mount is None or os.geteuid() or subprocess.run([mount, *options], capture_output=True).returncode:
        pytest.skip("mounting a file system takes root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_an_error_that_says_what_to_do(small_disk):
    with pytest.raises(TensorRankError, match=r"KiB so far, cannot .*disk \(No space left on device\); give a scratch"):
        rank_mod_p(np.eye(800, dtype=int), 101, memory="5MB", scratch=small_disk, threads=1)
    assert not list(small_disk.iterdir())
    assert rank_mod_p(np.eye(200, 800, dtype=int), 101, memory="3.2MB", scratch=small_disk, threads=1) == 200


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_DATA counts mapped memory on Linux only")
@pytest.mark.parametrize(("prime", "rank", "threads"), [(8388593, 5000, 2), (8388593, 3500, 1), (2**31 - 1, 4999, 2)])
def test_a_matrix_ten_times_the_memory_limit_is_eliminated_within_it(prime, rank, threads, tmp_path):
    size, memory = 5000, 11_000_000
    assert 4 * size**2 > 9 * memory
    rng = np.random.default_rng(rank)
    matrix = rng.integers(0, prime, (size, size), dtype=np.int32)
    matrix[:, rank:] = (matrix[:, : size - rank] * np.int64(3) + matrix[:, 1 : size - rank + 1]) % prime
    matrix = matrix[:, rng.permutation(size)]
    assert rank_mod_p(matrix, prime, threads=2) == rank
    np.save(tmp_path / "matrix.npy", matrix)
    script = r"""
        import mmap, re, resource, sys, threading
        from concurrent.futures import ThreadPoolExecutor
        from pathlib import Path
        import numpy as np
        from threadpoolctl import threadpool_limits
        from tensorrank import rank_mod_p
        folder, prime, threads, memory = sys.argv[1], *map(int, sys.argv[2:])
        matrix = np.load(folder + "/matrix.npy", mmap_mode="r")
        options = {"memory": memory, "scratch": folder + "/scratch", "threads": threads}
        # Compiled code and the stacks of threads are there before the limit is.
        rank_mod_p(np.eye(900, dtype=np.int64), prime, **options)
        # So is the buffer that BLAS keeps for each thread that multiplies at the same time as others.
        together = threading.Barrier(threads)
        def multiply(_):
            together.wait()
            np.ones((1500, 1500)) @ np.ones((1500, 1500))
        with ThreadPoolExecutor(threads) as pool, threadpool_limits(1):
            for _ in range(3):
                list(pool.map(multiply, range(threads)))
        held = 1024 * int(re.search(r"VmData:\s+(\d+)", Path("/proc/self/status").read_text())[1])
        allowed = held + memory + 2**20
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))
        try:
            mmap.mmap(-1, memory + 2**21, mmap.MAP_PRIVATE)
        except OSError:
            print("the limit holds")
        print(rank_mod_p(matrix, prime, **options))
    """
    (tmp_path / "scratch").mkdir()
    assert in_a_process(script, tmp_path, prime, threads, memory)[:2] == ["the limit holds", str(rank)]
    assert not list((tmp_path / "scratch").iterdir())
