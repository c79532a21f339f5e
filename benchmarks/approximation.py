"""The search for the largest entries of tables of 64 variables: how long, and how many are proved."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import describe, seconds, table
from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.approximation.best_entries import best_entries
from tensorrank.mixtures.approximation.measures import log_squared_norm
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def largest_entries(runs: int = 3) -> None:
    """Bounds from both sides of each node, beside a best-first search of 20,000 partial assignments."""
    models: list[tuple[str, Mixture, int]] = [
        ("chain, 8 states, 4 values", HiddenMarkov.random(8, 4, 64, 1), 1000),
        ("chain, 4 states, 4 values", HiddenMarkov.random(4, 4, 64, 1), 1000),
        ("chain, 16 states, 8 values", HiddenMarkov.random(16, 8, 64, 1), 65),
        ("chain, 32 states, 17 values", HiddenMarkov.random(32, 17, 64, 1), 50),
        ("balanced tree, 8 states, 4 values", TensorialMixture.random(6, 8, 4, 1), 1000),
        ("latent class, 4 classes, 4 values", LatentClass.random([4] * 64, 4, 1), 65),
    ]
    rows = []
    for name, model, count in models:
        found = best_entries(model, count)
        beside = best_entries(model, count, oracle="best first", nodes=20_000)
        taken = [
            seconds(lambda model=model, count=count: best_entries(model, count), runs),
            seconds(lambda model=model, count=count: best_entries(model, count, oracle="best first", nodes=20_000), runs),
            seconds(lambda model=model: log_squared_norm(model), runs),
        ]
        rows.append(
            [
                name,
                *map(str, (count, found.proved)),
                f"{taken[0]:.2f}",
                f"{beside.proved}",
                f"{taken[1]:.2f}",
                f"{taken[2]:.3f}",
            ]
        )
    table(
        "Largest entries of tables of 64 variables",
        ["model", "wanted", "proved", "seconds", "proved best first", "seconds", "seconds for the norm"],
        rows,
    )


def steps() -> None:
    """The time of steps of each method towards a chain of 64 variables."""
    chain = HiddenMarkov.random(3, 3, 64, 1)
    rows = []
    for method, atoms in (
        ("corrective", "entries"),
        ("corrective", "products"),
        ("refitted", "products"),
        ("sampling", "products"),
        ("likelihood", "products"),
    ):
        found = approximate(chain, 10, method, atoms=atoms)
        last = found.steps[-1]
        rows.append([method, atoms, f"{found.seconds:.2f}", f"{last.relative_error:.3g}", f"{last.total_variation}"])
    table(
        "Ten steps towards a chain of 64 variables, 3 states and 3 values",
        ["method", "parts", "seconds", "relative error", "total variation"],
        rows,
    )


if __name__ == "__main__":
    print(describe())
    largest_entries()
    steps()
