"""The yardstick of every ratio: this machine's rate of matrix multiplication, measured in the same run."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np


def seconds(work: Callable[[], object], runs: int = 3) -> float:
    """The median time of some runs, after one that warms up."""
    work()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def measured(command: list[str]) -> tuple[str, float, int]:
    """What a program prints, the seconds of a processor that it takes, and the most bytes that it holds."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, printed)
    return printed, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def dgemm_rate(size: int = 3000, runs: int = 3) -> float:
    """Operations a second of a float64 matrix product on all processors."""
    a = np.random.default_rng(0).standard_normal((size, size))
    return 2 * size**3 / seconds(lambda: a @ a, runs)


def describe() -> str:
    """Processor, cores, libraries and date, for a table's heading."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores; Python {platform.python_version()}, numpy {np.__version__}; {date.today()}"


def table(title: str, heading: list[str], rows: list[list[str]]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(heading) + " |")
    print("|" + "---|" * len(heading))
    for row in rows:
        print("| " + " | ".join(row) + " |", flush=True)
