"""The moment bound of large networks in logarithms beside whole numbers, fits to ablations, counts of parameters."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import describe, measured, seconds, table
from tensorrank import bounds, guidelines
from tensorrank.guidelines.built_models.building import installed


def large_bounds(runs: int = 5) -> None:
    """log3 of the moment bound, from logarithms and from its whole number."""
    rows = []
    for depth, width in ((12, 64), (24, 64), (24, 128), (96, 12288)):
        value = bounds.log3_moment_bound(depth, width)
        taken = seconds(lambda depth=depth, width=width: bounds.log3_moment_bound(depth, width), runs)
        cells = ["-", "-", "-"]
        if width <= 128:
            exact = bounds.log3(bounds.moment_bound(depth, width))
            whole = seconds(lambda depth=depth, width=width: bounds.moment_bound(depth, width), runs)
            cells = [f"{1e3 * whole:.3g}", f"{whole / taken:.0f}", f"{abs(value / exact - 1):.0e}"]
        rows.append([str(depth), str(width), f"{value:.6g}", f"{1e3 * taken:.2g}", *cells])
    table(
        "log3 of the moment bound",
        ["depth", "width", "log3", "milliseconds", "as a whole number", "ratio", "relative difference"],
        rows,
    )


def fits(draws: int = 200) -> None:
    """Fits to synthetic ablations of known truth: time, and how often it lies within two standard errors."""
    truth = guidelines.TransitionFit(5.0, 0.06)
    depths = (6, 12, 18, 24, 30, 36, 48)
    sizes = np.geomspace(truth.size(6) / 8, truth.size(48) * 8, 14)
    exact = {
        depth: np.array([1.5 + (size / 1e6) ** -0.08 + 2e-4 * (depth - truth.depth(size)) ** 2 for size in sizes])
        for depth in depths
    }
    rows = []
    for error in (0.001, 0.002, 0.004):
        rng = np.random.default_rng(0)

        def drawn(error: float = error, rng: np.random.Generator = rng) -> guidelines.Ablation:
            return guidelines.Ablation(
                tuple(
                    guidelines.Curve(
                        depth,
                        tuple(sizes),
                        tuple(losses + rng.normal(0, error, len(sizes))),
                        (error,) * len(sizes),
                        (1,) * len(sizes),
                    )
                    for depth, losses in exact.items()
                )
            )

        found = [drawn().fit() for _ in range(draws)]
        pulls = np.abs([((fit.intercept - 5.0) / fit.errors[0], (fit.slope - 0.06) / fit.errors[1]) for fit in found])
        squares = np.mean([(fit.chi_square or 0.0) / (fit.degrees_of_freedom or 1) for fit in found])
        within = [f"{share:.1%}" for share in (pulls < 2).mean(axis=0)]
        taken = seconds(lambda: drawn().fit(), 5)
        rows.append([f"{error:g}", *within, f"{squares:.2f}", f"{1e3 * taken:.0f}"])
    table(
        f"Fits to {draws} synthetic ablations: 7 depths, 14 sizes",
        ["error of a loss", "a within 2 errors", "b within 2 errors", "chi-square / degrees", "milliseconds"],
        rows,
    )


def configurations() -> None:
    """`tensorrank advise --config` in processes of their own: by the table and, if it is installed, by transformers."""
    folder = Path(__file__).resolve().parent.parent / "tests" / "guidelines" / "configs"
    program = str(Path(sys.executable).with_name("tensorrank"))
    rows = []
    for name in ("gpt2", "llama_3_405b", "deepseek_v3", "gemma_3_27b"):
        for way in ("table", "transformers") if installed() else ("table",):
            runs = [
                measured([program, "advise", "--config", str(folder / f"{name}.json"), "--counted-by", way, "--json"])
                for _ in range(3)
            ]
            spent, peak = (median(run[place] for run in runs) for place in (1, 2))
            rows.append([name, way, f"{json.loads(runs[0][0])['parameters']:,}", f"{spent:.2g}", f"{peak / 2**20:.0f}"])
    table("Counting a configuration, with the start", ["model", "by", "parameters", "seconds of a processor", "MiB"], rows)


if __name__ == "__main__":
    print(describe())
    large_bounds()
    fits()
    configurations()
