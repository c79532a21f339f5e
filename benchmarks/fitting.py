"""EM beside hmmlearn's, from the same start on scikit-learn's digits; the other models at the same size."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from hmmlearn.hmm import CategoricalHMM
from sklearn.datasets import load_digits

from benchmarks.machine import describe, seconds, table
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree

# The share of held-out rows is one in so many.
_HELD_OUT = 5


def beside_hmmlearn(states: int = 32, iterations: int = 50, runs: int = 1) -> None:
    """Baum-Welch of a homogeneous chain over the pixels of a digit in raster order."""
    digits = load_digits().data.astype(int)
    rows, length = digits.shape
    held_out = np.arange(rows) % _HELD_OUT == 0
    learnt, judged = digits[~held_out], digits[held_out]
    start = HiddenMarkov.random(states, 17, length, 0)

    def theirs(data: np.ndarray) -> CategoricalHMM:
        made = CategoricalHMM(states, n_iter=iterations, tol=-np.inf, implementation="scaling", init_params="", n_features=17)
        made.startprob_, made.transmat_ = np.array(start.initial), np.array(start.transition)
        made.emissionprob_ = np.array(start.emission)
        return made.fit(data.reshape(-1, 1), [length] * len(data))

    def ours(data: np.ndarray) -> FitReport[HiddenMarkov]:
        return fitted(start, data, iterations=iterations, tolerance=0)

    times = [_median(lambda fit=fit: fit(digits), runs) for fit in (ours, theirs)]
    scores = [
        ours(learnt).model.score(judged),
        theirs(learnt).score(judged.reshape(-1, 1), [length] * len(judged)) / len(judged),
    ]
    table(
        f"EM of a homogeneous hidden Markov model: {rows} digits of {length} pixels, {states} states, {iterations} "
        f"iterations; relative difference of the held-out likelihoods {abs(scores[0] / scores[1] - 1):.0e} (allowed "
        "5e-3)",
        ["", "seconds", "allowed", "held-out log-likelihood of a row"],
        [
            ["tensorrank", f"{times[0]:.2f}", f"30, and below {times[1]:.2f}", f"{scores[0]:.6f}"],
            ["hmmlearn (scaling)", f"{times[1]:.2f}", "", f"{scores[1]:.6f}"],
        ],
    )


def other_models(states: int = 32, iterations: int = 50, runs: int = 1) -> None:
    """A shallow mixture and balanced trees, from their own starts."""
    digits = load_digits().data.astype(int)
    held_out = np.arange(len(digits)) % _HELD_OUT == 0
    options: dict[str, Any] = {"symbols": 17, "iterations": iterations, "tolerance": 0, "pseudocount": 0.1}
    fits: list[tuple[str, Callable[[np.ndarray], Any]]] = [
        ("latent class", lambda data: LatentClass.fit(data, states, 0, **options)),
        ("tree of 2 levels", lambda data: LatentTree.fit(data, states, 0, branching=8, **options)),
        ("tree of 6 levels", lambda data: LatentTree.fit(data, states, 0, branching=2, **options)),
        (
            "hidden Markov tree along the Chow-Liu tree",
            lambda data: LatentTree.fit(data, states, 0, tree="chow_liu", **options),
        ),
    ]
    results = []
    for name, fit in fits:
        model = fit(digits[~held_out])
        taken = _median(lambda fit=fit: fit(digits), runs)
        results.append([name, f"{model.parameters}", f"{taken:.2f}", f"{model.score(digits[held_out]):.2f}"])
    table(
        f"EM of other models of the same digits: {states} states, {iterations} iterations, a pseudocount of 0.1",
        ["model", "parameters", "seconds", "held-out log-likelihood of a row"],
        results,
    )


def _median(work: Callable[[], object], runs: int) -> float:
    """One run as it is, or the median of several after one that warms up."""
    if runs > 1:
        return seconds(work, runs)
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    print(describe())
    quick = "--quick" in sys.argv[1:]
    sizes = {"states": 8, "iterations": 5, "runs": 3} if quick else {"states": 32, "iterations": 50, "runs": 1}
    beside_hmmlearn(**sizes)
    other_models(**sizes)
