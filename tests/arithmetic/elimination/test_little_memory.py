"""Ranks of matrices larger than the memory that they may take, as a user asks for them."""

import os
import shutil
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from announced_work import announced
from engines_tried import engine
from oracles import planted

from tensorrank import rank_mod_p
from tensorrank.arithmetic.elimination.files import strip_columns
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError

ENGINE = engine(8388593, "float64")


@pytest.mark.parametrize(("rows", "memory", "threads"), [(3000, 10**7, 1), (12000, 6 * 10**7, 2), (50000, 10**9, 16)])
def test_strips_are_wider_with_more_memory_and_narrower_with_more_threads(rows, memory, threads):
    width = strip_columns(rows, memory, ENGINE, threads)
    assert 64 <= width <= memory / (4 * rows)
    assert strip_columns(rows, memory + 4000 * rows, ENGINE, threads) > width
    assert strip_columns(rows, 2 * memory, ENGINE, threads + 1) <= strip_columns(rows, 2 * memory, ENGINE, threads)


def test_memory_for_no_strip_is_refused(tmp_path):
    message = r"limit is 977 KiB; expected at least .* MiB to eliminate a matrix of 12000 rows in strips of 64 columns"
    with pytest.raises(TensorRankError, match=message):
        strip_columns(12000, 10**6, ENGINE, threads=2)
    with pytest.raises(TensorRankError, match="give more memory, or fewer threads"):
        rank_mod_p(np.eye(3000, dtype=int), 8388593, memory=100_000, scratch=tmp_path, threads=2)


@pytest.mark.parametrize("dtype", [np.int64, np.int16, np.uint64, object, np.float64])
@pytest.mark.parametrize("shape", [(500, 620), (620, 500), (560, 560)])
def test_every_kind_of_matrix_is_read_strip_by_strip(dtype, shape, tmp_path):
    prime = 8388593
    matrix = planted(np.random.default_rng(3), *shape, 431, prime)
    matrix = PrimeField(prime).balanced(matrix) if dtype == np.float64 else (matrix % 2**14).astype(dtype)
    expected, before = rank_mod_p(matrix, prime), matrix.copy()
    for given_matrix in (matrix, np.asfortranarray(matrix), matrix[:, ::-1]):
        calls = []
        options = {"threads": 1, "overwrite": True, "progress": lambda done, total, what, to=calls: to.append((done, total))}
        assert rank_mod_p(given_matrix, prime, memory="4.6MB", scratch=tmp_path, **options) == expected
        assert len(announced(calls)) > 20
    assert (matrix == before).all()
    assert not list(tmp_path.iterdir())


def test_a_matrix_that_fits_needs_no_file_and_one_that_does_not_needs_a_folder(tmp_path):
    calls = []
    matrix = planted(np.random.default_rng(4), 400, 400, 300, 8388593)
    nowhere = tmp_path / "missing"
    options = {"memory": "1GB", "scratch": nowhere, "progress": lambda done, total, what: calls.append((done, total))}
    assert rank_mod_p(matrix, 8388593, **options) == 300
    announced(calls)
    assert rank_mod_p(matrix, 8388593, memory="1GB") == rank_mod_p(matrix, 8388593, scratch=nowhere) == 300
    with pytest.raises(TensorRankError, match=r"\(400, 400\) takes 3.23 MiB and .* limit is 3.05 MiB.*a scratch folder"):
        rank_mod_p(matrix, 8388593, memory=3_200_000)


@pytest.mark.parametrize(("name", "reason"), [("missing", "No such file or directory"), ("file", "Not a directory")])
def test_a_folder_that_is_none_is_refused(name, reason, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TensorRankError, match=rf"no temporary file .*{name} \({reason}\); give a scratch folder"):
        rank_mod_p(np.eye(800, dtype=int), 8388593, memory="5MB", scratch=tmp_path / name, threads=1)


def in_a_process(script, *arguments):
    """The output of a script in a Python of its own."""
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)], capture_output=True, text=True)
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
            rank_mod_p(np.eye(800, dtype=int), 8388593, memory="5MB", scratch=sys.argv[1], threads=1)
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
        rank_mod_p(np.eye(800, dtype=int), 8388593, memory="5MB", scratch=small_disk, threads=1)
    assert not list(small_disk.iterdir())
    assert rank_mod_p(np.eye(200, 800, dtype=int), 8388593, memory="3.2MB", scratch=small_disk, threads=1) == 200


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="RLIMIT_DATA counts mapped memory on Linux only")
@pytest.mark.parametrize(("prime", "rank", "threads"), [(8388593, 5250, 2), (8388593, 3500, 1), (2**31 - 1, 5249, 2)])
def test_a_matrix_ten_times_the_memory_limit_is_eliminated_within_it(prime, rank, threads, tmp_path):
    size, memory = 5250, 11_000_000
    assert 4 * size**2 > 10 * memory
    rng = np.random.default_rng(rank)
    matrix = rng.integers(0, prime, (size, size), dtype=np.int32)
    matrix[:, rank:] = (matrix[:, : size - rank] * np.int64(3) + matrix[:, 1 : size - rank + 1]) % prime
    # Random columns, each of the others a sum of two of them: the rank but for one draw in p.
    matrix = matrix[:, rng.permutation(size)]
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
