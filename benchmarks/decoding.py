"""Viterbi paths and posteriors beside hmmlearn's: many short rows, and one long series, which EM is tried on, too."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from hmmlearn.hmm import CategoricalHMM

from benchmarks.machine import describe, seconds, table
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def many_rows(count: int = 100_000, steps: int = 64, states: int = 8, runs: int = 3) -> None:
    """Rows of a chain, and of trees of as many variables and states, which hmmlearn does not have."""
    chain = HiddenMarkov.random(states, states, steps, 0)
    rows = chain.sample(count, 1)
    theirs = _theirs(chain)
    flat, lengths = rows.reshape(-1, 1), [steps] * count
    paths = theirs.decode(flat, lengths)[1].reshape(count, steps)
    agree = float((chain.viterbi(rows).states == paths).mean())
    rng = np.random.default_rng(0)
    parents = [int(rng.integers(node // 2, node + 1)) for node in range(steps - 1)] + list(range(steps))
    models = {
        "balanced tree": TensorialMixture.random(steps.bit_length() - 1, states, states, 0),
        "random tree": LatentTree.random(parents, states, states, 0),
    }
    others = [(model, model.sample(count, 1)) for model in models.values()]
    results = []
    for what, ours, their in (
        ("Viterbi paths", lambda model, data: model.viterbi(data), lambda: theirs.decode(flat, lengths)),
        ("posteriors", lambda model, data: model.hidden_posteriors(data), lambda: theirs.predict_proba(flat, lengths)),
    ):
        found, their_time = seconds(lambda ours=ours: ours(chain, rows), runs), seconds(their, runs)
        more = [seconds(lambda ours=ours, one=one: ours(*one), 1) for one in others]
        times = (found, their_time, *more)
        results.append([what, *(f"{one:.2f}" for one in times), f"{their_time / found:.1f}"])
    table(
        f"Decoding {count} rows of {steps} steps, {states} states and values, in seconds; {agree:.3%} of the states on paths "
        "are hmmlearn's, other paths are as probable",
        ["", "chain", "hmmlearn", *models, "times as fast as hmmlearn (allowed 1)"],
        results,
    )


def long_series(steps: int = 4000, states: int = 4, runs: int = 3) -> None:
    """EM of one row beside EM of the same values in forty rows, and decoding of the row."""
    data = np.random.default_rng(0).integers(0, 5, (1, steps))
    results = []
    for rows in (1, 40):
        start = HiddenMarkov.random(states, 5, steps // rows, 0)
        values = data.reshape(rows, -1)
        their_data, lengths = values.reshape(-1, 1), [steps // rows] * rows

        def built(start: HiddenMarkov = start, rows: int = rows) -> HiddenMarkov:
            return HiddenMarkov(start.initial, start.transition, start.emission, steps // rows)

        def their_fit(start: HiddenMarkov = start, data: np.ndarray = their_data, lengths: list[int] = lengths) -> None:
            _theirs(start, 5).fit(data, lengths)

        work: list[Callable[[], object]] = [
            lambda built=built, values=values: fitted(built(), values, iterations=5, tolerance=0),
            lambda start=start, values=values: fitted(start, values, iterations=5, tolerance=0),
            their_fit,
            lambda start=start, values=values: start.viterbi(values),
            lambda start=start, data=their_data, lengths=lengths: _theirs(start, 5).decode(data, lengths),
        ]
        results.append([f"{rows}", *(f"{1e3 * seconds(one, runs):.1f}" for one in work)])
    table(
        f"{steps} values of 5 symbols, {states} states, in milliseconds",
        ["rows", "5 iterations of EM with a new model", "with a model at hand", "hmmlearn", "Viterbi", "hmmlearn"],
        results,
    )


def _theirs(model: HiddenMarkov, symbols: int | None = None) -> CategoricalHMM:
    made = CategoricalHMM(model.states, n_iter=5, tol=-np.inf, implementation="scaling", init_params="")
    made.startprob_, made.transmat_ = np.array(model.initial), np.array(model.transition)
    made.emissionprob_, made.n_features = np.array(model.emission), symbols or model.states
    return made


if __name__ == "__main__":
    print(describe())
    quick = "--quick" in sys.argv[1:]
    many_rows(2_000 if quick else 100_000)
    long_series()
