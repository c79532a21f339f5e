"""Reports of approximations: step by step the parts, the distance from the target, and what is proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import exp
from typing import TypeAlias

from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.records import Record


@dataclass(frozen=True)
class Estimate(Record):
    """A number with its standard error, if it has one.

    Attributes:
        value: the number; inf where it is infinite.
        standard_error: the standard error if the value is a mean of samples; None if it is exact up to rounding.
    """

    value: float
    standard_error: float | None = None

    def __str__(self) -> str:
        return f"{self.value:.3g}" + ("" if self.standard_error is None else f" ± {self.standard_error:.1g}")


@dataclass(frozen=True, kw_only=True)
class ApproximationStep(Record):
    """One step towards the target W, after which the approximation is W_t.

    Attributes:
        step: the number of the step, t; W_0 is the first part alone.
        components: how many parts W_t has.
        error: the norm of W_t - W over all entries. It is the root of a difference of squares: below 1e-7 of the larger
            norm it is rounding, and may be 0.
        relative_error: the error divided by the norm of W.
        guarantee: the proven bound sqrt(8 / (t + 2)) of the error; None unless all steps so far were certified steps of
            a conditional gradient.
        expected_error: the root mean square of the error over all samples, where parts are sampled; None otherwise.
        certified: whether the part that was added is proved to be the best; None where no best one is claimed.
        gap: by how much another part may be better, in the inner product with W - W_t; 0 if certified, or where it is
            too small for a float, None if unknown.
        total_variation: half the sum of |W_t - W|: the largest difference of probabilities of any event.
        kl: the Kullback-Leibler divergence of W_t from W, the mean of log W / W_t under W, in nats.
        reverse_kl: the divergence of W from W_t, the mean of log W_t / W under W_t.
    """

    step: int
    components: int
    error: float
    relative_error: float
    guarantee: float | None = None
    expected_error: float | None = None
    certified: bool | None = None
    gap: float | None = None
    total_variation: Estimate
    kl: Estimate
    reverse_kl: Estimate


# Steps t = 0, 1, ..., each with a function that makes the latent class model W_t.
Steps: TypeAlias = "Iterator[tuple[ApproximationStep, Callable[[], LatentClass]]]"


@dataclass(frozen=True)
class Approximation(Record):
    """A sequence of shallow mixtures that approach a target.

    Attributes:
        target: what was approximated, in a line.
        method: "refitted", "corrective", "line search", "plain", "sampling" or "likelihood".
        atoms: "entries" or "products": what the parts are.
        log_norm: the logarithm of the norm of the target's coefficient tensor W, the root of the sum of its squares.
        steps: t = 0, 1, ...
        model: the last approximation.
        seconds: the time that all steps took.
    """

    left_out = ("model",)
    derived = ("norm", "certified")

    target: str
    method: str
    atoms: str
    log_norm: float
    steps: tuple[ApproximationStep, ...]
    model: LatentClass = field(compare=False)
    seconds: float = field(compare=False)

    @property
    def norm(self) -> float:
        """The norm of W; 0 where that is no float64."""
        return exp(self.log_norm)

    @property
    def certified(self) -> bool:
        """Whether the guarantee holds for all steps."""
        return all(step.guarantee is not None for step in self.steps)

    def __str__(self) -> str:
        last = self.steps[-1]
        bound = "" if last.guarantee is None else f" (guarantee {last.guarantee:.3g})"
        return (
            f"{self.target} by {last.components} {self.atoms}, {self.method}: error {last.error:.3g}{bound}, relative "
            f"{last.relative_error:.3g}, total variation {last.total_variation}, KL {last.kl}"
        )


class Interrupted(KeyboardInterrupt):
    """An interrupt in the middle of an approximation; `partial` holds the steps that were done."""

    def __init__(self, partial: Approximation) -> None:
        super().__init__(f"interrupted after {len(partial.steps)} steps")
        self.partial = partial
