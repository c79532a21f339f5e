"""Rank over GF(p) against the rate of dgemm, python-flint and numpy's SVD, in one run."""

from __future__ import annotations

import time

import numpy as np
from flint import nmod_mat

import tensorrank as tr
from benchmarks.machine import dgemm_rate, seconds, table

PRIMES = (8388593, 2**31 - 1)


def elimination(sizes: tuple[int, ...] = (500, 1000, 2000, 4000), rivals_to: int = 2000) -> None:
    """Ratios to 2/3 n^3 operations at the rate of dgemm measured beside each size."""
    rows = []
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
        rows.append(row)
    heading = [
        "n",
        "2/3 n³ at dgemm, s",
        "rank mod 2²³−15",
        "rank mod 2³¹−1",
        "python-flint nmod_mat",
        "numpy SVD rank",
    ]
    table("Rank of a full-rank n x n matrix, as multiples of the dgemm time", heading, rows)
