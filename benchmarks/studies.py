"""Long studies: what the store costs, what a second worker gains, and elimination over files against memory."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

import numpy as np

import tensorrank as tr
from benchmarks.machine import table
from tensorrank.arithmetic.elimination.files import _Multipliers
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.studies.cluster import cluster
from tensorrank.studies.summary import Summary

PRIME = 8388593


def store_overhead(blocks: int = 10_000, seconds_each: float = 0.05) -> None:
    """Looking up and writing so many blocks, as a share of what computing them takes."""
    limits, model, shares = Limits(2**32), tr.SelfAttention(5, 4), []
    for _ in range(3):
        with tempfile.TemporaryDirectory(dir=".") as folder, tr.Store(Path(folder) / "study.sqlite") as store:
            started = time.perf_counter()
            for number in range(blocks):
                key = JobKey(0, PRIME, number, "block of 1000 x 1008, 10 variables")
                store.get_block(model, 0, key)
                store.put_block(model, 0, key, JobRank(1000, 1000, 1008, complete=True), seconds_each, limits)
            shares.append((time.perf_counter() - started) / (blocks * seconds_each))
    table(
        f"The store in a study of {blocks} blocks of {1000 * seconds_each:g} ms",
        ["share of the time", "allowed"],
        [[f"{100 * statistics.median(shares):.2f} %", "1 %"]],
    )


def second_worker(pairs: int = 3) -> None:
    """A study of small blocks with one worker and with two, a thread each, without what starting them takes."""
    study = tr.Study.over(
        tr.SelfAttention,
        width=(2, 3),
        heads=(1, 2, 3),
        head_dim=(1, 2),
        tokens=(None, 3, 5),
        depth=(3, 4, 5),
        work=5e9,
        threads=1,
    )
    rows, ratios = [], []
    for _ in range(pairs):
        taken = {}
        for workers in (1, 2):
            summary = Summary()
            with cluster(workers=workers, threads=1) as where, tr.Store(":memory:") as store:
                # The first jobs compile kernels and import, on every worker.
                list(tr.Study.over(tr.SelfAttention, width=2, heads=(1, 2), depth=(2, 3)).run(store, scheduler=where))
                started = time.perf_counter()
                list(study.run(store, summary, scheduler=where))
                taken[workers] = time.perf_counter() - started
        ratios.append(taken[1] / taken[2])
        mean = 1000 * summary.seconds["blocks"] / summary.blocks_computed
        rows.append(
            [str(summary.blocks_computed), f"{mean:.0f} ms", f"{taken[1]:.1f} s", f"{taken[2]:.1f} s", f"{ratios[-1]:.2f}"]
        )
    rows.append(["median", "", "", "", f"{statistics.median(ratios):.2f}"])
    table("Small blocks on one worker and on two", ["blocks", "mean", "one worker", "two", "ratio (1.6 wanted)"], rows)


class Forecast:
    """A progress callback that notes what it would have forecast once a tenth was done."""

    def __init__(self) -> None:
        self.started, self.at, self.left = time.perf_counter(), 0.0, 0.0

    def __call__(self, done: float, total: float, what: str) -> None:
        """Note the first forecast after a tenth."""
        if not self.at and done >= total / 10:
            self.at = time.perf_counter()
            self.left = (self.at - self.started) * (total - done) / done

    def ratio(self) -> float:
        """The forecast by what it came to."""
        return self.left / (time.perf_counter() - self.at)


def over_files(size: int = 12_000, pairs: int = 3) -> None:
    """A matrix in a tenth of its memory over files, against memory; files from the cache, and read from the disk."""
    matrix = np.random.default_rng(size).integers(0, PRIME, (size, size))
    limit = 4 * size * size // 10
    carried = _Multipliers.carry

    def dropped(self: _Multipliers, number: int, *rest: object) -> None:
        os.fsync(self._file.fileno())
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        carried(self, number, *rest)

    rows = []
    for name, change in (("from the file cache", carried), ("from the disk", dropped)):
        ratios, forecasts = [], []
        for _ in range(pairs):
            started = time.perf_counter()
            assert tr.rank_mod_p(matrix, PRIME) == size
            whole = time.perf_counter() - started
            with tempfile.TemporaryDirectory(dir=".") as folder, patch.object(_Multipliers, "carry", change):
                forecast = Forecast()
                started = time.perf_counter()
                assert tr.rank_mod_p(matrix, PRIME, memory=limit, scratch=folder, progress=forecast) == size
                ratios.append((time.perf_counter() - started) / whole)
                forecasts.append(forecast.ratio())
        rows.append(
            [name, f"{whole:.1f} s", f"{statistics.median(ratios):.2f}", f"{min(forecasts):.2f} to {max(forecasts):.2f}"]
        )
    table(
        f"Rank of a {size} x {size} matrix in a tenth of its memory ({limit / 1e6:.0f} MB), over files",
        ["multipliers read", "in memory", "over files, as a multiple (2.5 allowed)", "forecast after a tenth / truth"],
        rows,
    )


if __name__ == "__main__":
    store_overhead()
    second_worker()
    over_files()
