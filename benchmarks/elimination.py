"""Rank over GF(p) against the rate of dgemm, python-flint, numpy's SVD, scipy's pivoted QR and FFPACK, in one run."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from flint import nmod_mat
from numpy.typing import NDArray
from scipy.linalg import qr

import tensorrank as tr
from benchmarks.machine import dgemm_rate, table
from tensorrank.arithmetic.elimination.engine_choice import ENGINES, engine_for
from tensorrank.arithmetic.elimination.engines import Balanced, Doubles, Engine, Part, storage
from tensorrank.arithmetic.elimination.products import Products
from tensorrank.arithmetic.elimination.rank import rank_in_place
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.resources import worker_threads

PRIMES = (8388593, 2**31 - 1)
# An engine, the prime, the largest size, and how many times 2/3 n^3 operations of dgemm it may take at each size.
SMALL = (
    ("bytes", 251, 23005, {1000: 2.5, 2000: 1.2, 4000: 0.6, 8000: 0.25, 16000: 0.17, 23005: 0.13}),
    ("bytes", 16253, 8000, {}),
    ("float32", 251, 8000, {1000: 4.0, 2000: 2.0, 4000: 1.1, 8000: 0.75}),
    ("float64", 251, 8000, {}),
)
SMALL_SIZES = (1000, 2000, 4000, 8000, 16000, 23005)
# Float and python-flint ranks take too long beyond this size, and FFPACK beyond that one.
RIVALS_TO, FFPACK_TO = 4000, 8000


def ffpack() -> Path | None:
    """The FFLAS-FFPACK program, built; None where the library is not installed."""
    flags = None
    if shutil.which("pkg-config") and shutil.which("g++"):
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fflas-ffpack"], capture_output=True, text=True)
    if flags is None or flags.returncode:
        print("\nNo FFLAS-FFPACK (Debian: fflas-ffpack, libopenblas-dev, g++, pkgconf): its numbers are left out.")
        return None
    program = Path(tempfile.mkdtemp()) / "ffpack_rank"
    source = Path(__file__).with_name("ffpack_rank.cpp")
    subprocess.run(["g++", "-O3", "-march=native", "-w", str(source), "-o", str(program), *flags.stdout.split()], check=True)
    return program


def ffpack_ratios(program: Path | None, size: int) -> list[str]:
    """The times of FFPACK's fields against 2/3 n^3 operations of dgemm measured before: p = 251, 2039 and 2^23 - 15."""
    if program is None or size > FFPACK_TO:
        return ["-"] * 3
    rate = dgemm_rate(runs=1)
    done = subprocess.run([program, str(size)], capture_output=True, text=True, check=True)
    return [f"{float(taken) * rate / (2 / 3 * size**3):.2f}" for taken in done.stdout.split()]


def ratio(operations: float, work: Callable[[], object], runs: int = 3) -> float:
    """The median, over some runs, of the time against that of so many operations of dgemm measured before and after."""
    ratios, rate = [], dgemm_rate(runs=1)
    for _ in range(runs):
        started = time.perf_counter()
        work()
        taken = time.perf_counter() - started
        before, rate = rate, dgemm_rate(runs=1)
        ratios.append(taken * (before + rate) / 2 / operations)
    return statistics.median(ratios)


def qr_rank(matrix: NDArray[np.float64]) -> int:
    """Rank by QR with column pivoting, at the threshold that numpy's matrix_rank uses."""
    diagonal = np.abs(np.diag(qr(matrix, mode="r", pivoting=True, check_finite=False)[0]))
    return int(np.count_nonzero(diagonal > diagonal[0] * max(matrix.shape) * np.finfo(np.float64).eps))


def elimination(sizes: tuple[int, ...] = (500, 1000, 2000, 4000, 8000, 10000)) -> None:
    """Ratios to 2/3 n^3 operations at the rate of dgemm measured beside each run."""
    rows = []
    program = ffpack()
    tr.rank_mod_p(np.eye(200, dtype=np.int64), PRIMES[0])
    for size in sizes:
        rng = np.random.default_rng(size)
        operations = 2 / 3 * size**3
        runs = 5 if size <= 2000 else 3
        matrix = rng.integers(0, PRIMES[0], (size, size))
        ours = [ratio(operations, lambda p=prime, m=matrix: tr.rank_mod_p(m, p), runs) for prime in PRIMES]
        row = [str(size), *(f"{found:.2f}" for found in ours)]
        if size <= RIVALS_TO:
            flint = nmod_mat(size, size, [int(x) for x in matrix.flat], PRIMES[0])
            floats = matrix.astype(np.float64)
            rivals = (flint.rank, lambda m=floats: np.linalg.matrix_rank(m), lambda m=floats: qr_rank(m))
            row += [f"{ratio(operations, rival, 1):.1f}" for rival in rivals]
        else:
            row += ["-"] * 3
        row += ffpack_ratios(program, size)[1:]
        rows.append(row)
    heading = ["n", "rank mod 2²³−15", "rank mod 2³¹−1", "python-flint nmod_mat (one thread)", "numpy SVD"]
    heading += ["scipy pivoted QR", "FFPACK, p = 2039 (threads in BLAS only)", "FFPACK, 2²³−15 (same)"]
    table("Rank of a full-rank n x n matrix, as multiples of 2/3 n³ operations of dgemm", heading, rows)


def small_primes(sizes: tuple[int, ...] = SMALL_SIZES) -> None:
    """Full rank modulo small primes, by every engine, from residues that are consumed, and by rivals."""
    field, rows = {}, []
    program = ffpack()
    for name, prime, most, allowed in SMALL:
        field[prime] = PrimeField(prime)
        engine = engine_for(field[prime], name) if ENGINES[name].obstacle(field[prime]) is None else None
        row = [name, str(prime)]
        for size in sizes:
            if engine is None or size > most:
                row.append("-")
                continue
            half, rng = prime // 2, np.random.default_rng(size)
            matrix = rng.integers(-half, half + 1, (size, size), dtype=storage(prime))

            def eliminate(matrix: Balanced = matrix, engine: Engine = engine) -> None:
                with worker_threads(None) as pool:
                    rank_in_place(matrix.copy(), engine, pool)

            eliminate(matrix[:200, :200].copy())
            found = ratio(2 / 3 * size**3, eliminate, 5 if size <= 2000 else 3)
            row.append(f"{found:.2f}" + (f" (≤ {allowed[size]})" if size in allowed else ""))
        rows.append(row)
    by_ffpack = [ffpack_ratios(program, size) for size in sizes]
    rows.append(["FFPACK, single precision (threads in BLAS only)", "251", *(found[0] for found in by_ffpack)])
    rows.append(["FFPACK, single precision (same)", "2039", *(found[1] for found in by_ffpack)])
    flint, spectrum = ["python-flint nmod_mat (one thread)", "251"], ["numpy SVD", "none"]
    for size in sizes:
        known = size <= RIVALS_TO
        matrix = np.random.default_rng(size).integers(0, 251, (size, size)) if known else np.zeros((0, 0), dtype=np.int64)
        floats, exact = matrix.astype(np.float64), nmod_mat(*matrix.shape, [int(x) for x in matrix.flat], 251)
        for row, rival in ((flint, exact.rank), (spectrum, partial(np.linalg.matrix_rank, floats))):
            row.append(f"{ratio(2 / 3 * size**3, rival, 1):.1f}" if known else "-")
    rows += [flint, spectrum]
    table(
        "Full rank n x n modulo small primes, as multiples of 2/3 n³ operations of dgemm (allowed in brackets)",
        ["engine", "prime", *map(str, sizes)],
        rows,
    )


def peak_of_bytes(size: int = 16000) -> None:
    """The most memory of an elimination in bytes, per entry of the matrix."""
    script = (
        "import re, numpy as np\n"
        "from pathlib import Path\n"
        "from tensorrank.arithmetic.elimination.engine_choice import engine_for\n"
        "from tensorrank.arithmetic.elimination.rank import rank_in_place\n"
        "from tensorrank.arithmetic.prime_field import PrimeField\n"
        "from tensorrank.arithmetic.resources import worker_threads\n"
        "def held(): return 1024 * int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "engine = engine_for(PrimeField(251), 'bytes'); rng = np.random.default_rng(0)\n"
        "def eliminated(n):\n"
        "    with worker_threads(None) as pool: rank_in_place(rng.integers(-125, 126, (n, n), dtype=np.int8), engine, pool)\n"
        f"eliminated(500); before = held(); eliminated({size}); print((held() - before) / {size} ** 2)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    table(
        f"Peak memory of an elimination in bytes, n = {size}, in bytes an entry",
        ["the matrix and all beside it", "allowed"],
        [[f"{float(done.stdout):.2f}", "1.3"]],
    )


def strassen(sizes: tuple[int, ...] = (2000, 4000, 8000)) -> None:
    """A product of two n x n matrices over GF(p), with and without Strassen's algorithm, against dgemm."""
    rows = []
    for size in sizes:
        half = PRIMES[0] // 2
        rng = np.random.default_rng(size)
        left, right, target = (rng.integers(-half, half + 1, (size, size), dtype=np.int32) for _ in range(3))
        row = [str(size)]

        def multiply(*parts: NDArray[np.int32]) -> None:
            with worker_threads(None) as pool:
                Products(Doubles(PrimeField(PRIMES[0])), pool).subtract(*map(Part.whole, parts))

        for side in (10**9, Doubles.tiling.strassen):
            with patch.object(Doubles, "tiling", Doubles.tiling._replace(strassen=side)):
                row.append(f"{ratio(2 * size**3, lambda m=(target, left, right): multiply(*m)):.2f}")
        rows.append(row)
    table(
        "Subtracting a product of n x n matrices mod 2²³−15, as multiples of 2 n³ operations of dgemm",
        ["n", "tiles alone", "Strassen's algorithm first"],
        rows,
    )
