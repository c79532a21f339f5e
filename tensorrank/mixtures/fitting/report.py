"""What a fit returns: the model, and how the likelihood came to be what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tensorrank.equal_values import EqualByValue
from tensorrank.records import Record

M = TypeVar("M")


@dataclass(frozen=True, eq=False)
class FitReport(Record, Generic[M], EqualByValue):
    """The model that a fit came to, and the course of the fit.

    Attributes:
        model: the fitted model.
        log_likelihoods: the log-likelihood of all rows together (weighted, in nats), under the start of the best run
            and after each of its iterations; the last value belongs to the model.
        objectives: what EM maximises, for each of log_likelihoods: the log-likelihood plus, with a pseudocount, the
            logarithm of the prior's density.
        converged: whether the last iteration gained less than the tolerance.
        rows: the number of rows, or the sum of their weights.
        restart: the number of the best run, from 0.
        finals: the last objective of each run.
        seconds: the time that the fit took.
    """

    left_out = ("model",)
    derived = ("log_likelihood", "iterations")

    model: M
    log_likelihoods: tuple[float, ...]
    objectives: tuple[float, ...]
    converged: bool
    rows: float
    restart: int
    finals: tuple[float, ...]
    seconds: float = field(compare=False)

    @property
    def log_likelihood(self) -> float:
        """The log-likelihood of all rows under the model."""
        return self.log_likelihoods[-1]

    @property
    def iterations(self) -> int:
        """How many iterations the best run made."""
        return len(self.log_likelihoods) - 1

    def __repr__(self) -> str:
        best = f", the best of {len(self.finals)} runs" if len(self.finals) > 1 else ""
        return (
            f"FitReport({self.model!r}: log-likelihood {self.log_likelihood / self.rows:.6g} a row of {self.rows:g}, "
            f"{'converged' if self.converged else 'stopped'} after {self.iterations} iterations{best})"
        )
