"""`make bench`: every measured claim, as Markdown tables. Times are medians; ratios are taken in one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.approximation import largest_entries, steps
from benchmarks.bayesian_networks import published_networks
from benchmarks.decoding import long_series, many_rows
from benchmarks.elimination import elimination, peak_of_bytes, small_primes, strassen
from benchmarks.fitting import beside_hmmlearn, other_models
from benchmarks.guidelines import configurations, fits, large_bounds
from benchmarks.machine import describe, seconds, table
from benchmarks.masked import masked
from benchmarks.mixtures import equality, interleaved_chains, log_densities
from benchmarks.networks import interleaved_train, rates
from benchmarks.ranks import few_tokens, macaulay2, stages, targets
from benchmarks.studies import over_files, second_worker, store_overhead
from benchmarks.tasks import communication_matrices, units


def start_up() -> None:
    """Importing the package, and the command line's help."""
    program = str(Path(sys.executable).with_name("tensorrank"))
    bare = seconds(lambda: subprocess.run([sys.executable, "-c", ""], check=True), 5)
    imported = seconds(lambda: subprocess.run([sys.executable, "-c", "import tensorrank"], check=True), 5)
    helped = seconds(lambda: subprocess.run([program, "--help"], check=True, capture_output=True), 5)
    table(
        "Starting up",
        ["", "seconds", "allowed"],
        [
            ["python itself", f"{bare:.3f}", ""],
            ["import tensorrank", f"{imported - bare:.3f}", "0.5"],
            ["tensorrank --help", f"{helped:.3f}", "1"],
        ],
    )


if __name__ == "__main__":
    print(describe())
    start_up()
    targets()
    few_tokens()
    stages(2, 5)
    stages(4, 3)
    macaulay2()
    elimination()
    small_primes()
    peak_of_bytes()
    strassen()
    masked()
    interleaved_train()
    rates()
    published_networks()
    log_densities()
    interleaved_chains()
    equality()
    beside_hmmlearn()
    other_models()
    many_rows()
    long_series()
    largest_entries()
    steps()
    communication_matrices()
    units()
    large_bounds()
    fits()
    configurations()
    store_overhead()
    second_worker()
    over_files()
