"""Expectation-maximisation (EM) from one start: E and M steps until the objective no longer grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tensorrank.arithmetic.resources import Workers
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.expected_counts import ExpectedCounts
from tensorrank.mixtures.fitting.gaussian_moments import VarianceFloor
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.fitting.options import FitSettings
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit

# The objective is a sum over rows. A decrease by more than this share of it does not come from rounding.
_ROUNDING = 1e-9
# Slots times rows of a batch, enough that a thread is worth waking, and the most batches, each of which has counts.
_BATCH = 2**19
_MOST_BATCHES = 64
# Batches are a multiple of this, so that a few threads have equal shares.
_SHARES = 4


@dataclass(frozen=True, eq=False)
class Course:
    """The course of one run and the parameters that it came to.

    Attributes:
        parameters: the tables and components after the last M step.
        log_likelihoods: the log-likelihood of all rows under the start and after each M step.
        objectives: log_likelihoods plus the logarithm of the prior, which is 0 without a pseudocount.
        converged: whether the last gain was below the tolerance.
    """

    parameters: Parameters
    log_likelihoods: tuple[float, ...]
    objectives: tuple[float, ...]
    converged: bool


def batches(tied: TiedCircuit, observed: Observations) -> list[Observations]:
    """The rows in batches that threads share; batches do not depend on the number of threads."""
    rows = observed.rows
    pieces = -(-rows * tied.circuit.slots // _BATCH)
    pieces = min(-(-pieces // _SHARES) * _SHARES if pieces > 1 else 1, _MOST_BATCHES, rows)
    cuts = [rows * piece // pieces for piece in range(pieces + 1)]
    return [observed.part(slice(*cuts[piece : piece + 2])) for piece in range(pieces)]


def maximise(
    tied: TiedCircuit,
    work: list[Observations],
    start: Parameters,
    run: FitSettings,
    floor: VarianceFloor | None,
    pool: Workers,
    report: Callable[[int, float], None],
) -> Course:
    """Runs EM from a start, with threads that share the batches of rows; a row of density 0 is refused.

    The report is called with the number of M steps done and the objective for a row.

    Source: Dempster, Laird, Rubin, Maximum Likelihood from Incomplete Data via the EM Algorithm (JRSS B 39, 1977).
    """
    parameters, total = start, sum(batch.total for batch in work)
    log_likelihoods: list[float] = []
    objectives: list[float] = []
    while True:
        # Counts are added in the order of the batches, so that no number of threads changes the rounding.
        counts, *others = pool.map(ExpectedCounts(tied, parameters), work)
        for more in others:
            counts.add(more)
        if counts.impossible:
            raise TensorRankError(
                f"row {min(counts.impossible)} of the data has density 0 under the model that the fit starts from; "
                "expected positive entries in its tables for whatever occurs; try a positive pseudocount before"
            )
        log_likelihoods.append(counts.log_likelihood)
        objectives.append(counts.log_likelihood + parameters.log_prior(run.pseudocount))
        done = len(objectives) - 1
        report(done, objectives[-1] / total)
        gain = objectives[-1] - objectives[-2] if done else np.inf
        if done and gain < -_ROUNDING * (abs(objectives[-2]) + total):
            raise RuntimeError(
                f"EM went from the objective {objectives[-2]!r} to {objectives[-1]!r} in iteration {done}, which it "
                "never does in exact arithmetic: please report this with the data"
            )
        converged = run.tolerance > 0 and gain < run.tolerance * total
        if converged or done == run.iterations:
            return Course(parameters, tuple(log_likelihoods), tuple(objectives), converged)
        parameters = parameters.improved(counts.entries, counts.moments, run.pseudocount, floor)
