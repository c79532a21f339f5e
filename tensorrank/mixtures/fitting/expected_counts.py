"""The E step: log-likelihoods, and how often each entry of a table is expected to be used, over a batch of rows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.fitting.gaussian_moments import Moments
from tensorrank.mixtures.fitting.observations import Observations
from tensorrank.mixtures.fitting.parameters import Parameters
from tensorrank.mixtures.fitting.tied_circuit import TiedCircuit


@dataclass(eq=False)
class Counts:
    """What the M step needs to know of some rows.

    Attributes:
        log_likelihood: the weighted sum over rows of log f.
        entries: for each table the expected number of times that each entry is used, (states, columns). Slots below
            which no variable is known are left out: nothing is learnt from them.
        moments: of the real values under each Gaussian component; None for categorical variables.
        impossible: the numbers of rows of density 0.
    """

    log_likelihood: float
    entries: list[Floats]
    moments: Moments | None
    impossible: list[int] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Adds the counts of further rows."""
        self.log_likelihood += other.log_likelihood
        for entries, more in zip(self.entries, other.entries, strict=True):
            entries += more
        if self.moments is not None and other.moments is not None:
            self.moments.add(other.moments)
        self.impossible += other.impossible


class ExpectedCounts:
    """The E step for given parameters, as a function of a batch of rows.

    Source: for circuits that are no trees, Peharz, Gens, Pernkopf, Domingos, On the Latent Variable Interpretation in
    Sum-Product Networks (IEEE Trans. Pattern Anal. Mach. Intell. 39, 2017).
    """

    def __init__(self, tied: TiedCircuit, parameters: Parameters) -> None:
        self._passes, self._parameters = tied.passes, parameters
        self._tables = tied.passes.plan.with_tables(parameters.tables)

    def __call__(self, rows: Observations) -> Counts:
        """The log-likelihood of the rows, and the expected counts."""
        parameters = self._parameters
        uses = self._passes.counts(
            parameters.evidence(rows, self._passes.plan.components), self._tables, rows.known, rows.weights
        )
        impossible = np.isneginf(uses.logs)
        moments = None
        if parameters.densities is not None:
            moments = Moments.of_none(parameters.densities)
            parameters.observe(rows, uses.components * rows.weights, moments)
        log_likelihood = float(rows.weights @ np.where(impossible, 0.0, uses.logs))
        return Counts(log_likelihood, uses.entries, moments, [int(number) for number in rows.numbers[impossible]])
