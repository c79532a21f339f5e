"""Rank over GF(p) against the rate of dgemm, python-flint and numpy's SVD, in one run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from flint import nmod_mat

import tensorrank as tr
from benchmarks.machine import dgemm_rate, seconds, table

PRIMES = (8388593, 2**31 - 1)


def ffpack() -> Path | None:
    """The FFLAS-FFPACK program, built; None where the library is not installed."""
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fflas-ffpack"], capture_output=True, text=True)
    if flags.returncode or not shutil.which("g++"):
        print("\nFFLAS-FFPACK is not installed (Debian packages fflas-ffpack, g++): its columns are empty.")
        return None
    program = Path(tempfile.mkdtemp()) / "ffpack_rank"
    source = Path(__file__).with_name("ffpack_rank.cpp")
    subprocess.run(
        ["g++", "-O3", "-march=native", "-w", str(source), "-o", str(program), *flags.stdout.split()], check=True
    )
    return program


def elimination(sizes: tuple[int, ...] = (500, 1000, 2000, 4000), rivals_to: int = 2000) -> None:
    """Ratios to 2/3 n^3 operations at the rate of dgemm measured beside each size."""
    rows = []
    program = ffpack()
    for size in sizes:
        rng = np.random.default_rng(size)
        floor = 2 / 3 * size**3 / dgemm_rate()
        matrix = rng.integers(0, PRIMES[0], (size, size))
        ours = [seconds(lambda p=prime, m=matrix: tr.rank_mod_p(m, p)) / floor for prime in PRIMES]
        row = [str(size), f"{floor:.3f}", *(f"{ratio:.1f}" for ratio in ours)]
        if size <= rivals_to:
            flint = nmod_mat(size, size, [int(x) for x in matrix.flat], PRIMES[0])
            started = time.perf_counter()
            flint.rank()
            row.append(f"{(time.perf_counter() - started) / floor:.1f}")
            floats = matrix.astype(np.float64)
            started = time.perf_counter()
            np.linalg.matrix_rank(floats)
            row.append(f"{(time.perf_counter() - started) / floor:.1f}")
        else:
            row += ["-", "-"]
        if program is not None:
            done = subprocess.run([program, str(size)], capture_output=True, text=True, check=True)
            row += [f"{float(taken) / floor:.1f}" for taken in done.stdout.split()]
        else:
            row += ["-", "-"]
        rows.append(row)
    heading = [
        "n",
        "2/3 n³ at dgemm, s",
        "rank mod 2²³−15",
        "rank mod 2³¹−1",
        "python-flint nmod_mat",
        "numpy SVD rank",
    ]
    heading += ["FFPACK, p = 2039", "FFPACK, 2²³−15"]
    table("Rank of a full-rank n x n matrix, as multiples of the dgemm time", heading, rows)
