"""Conditional gradient over mixtures of single entries, the parts for which the guarantee holds.

The linear problem of a step asks for the largest entry of W - W_t. Outside the support S of W_t, W - W_t equals W. So
the largest entry is in S or among the |S| + 1 largest entries of W, and one search for these serves all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, log, sqrt

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.approximation.best_entries import best_entries
from tensorrank.mixtures.approximation.best_of_tree import ROUNDING, Best
from tensorrank.mixtures.approximation.measures import Measured, distance
from tensorrank.mixtures.approximation.result import ApproximationStep, Estimate, Steps
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.mixture import Mixture


@dataclass(frozen=True, eq=False)
class Sparse:
    """A mixture of entries.

    Attributes:
        codes: (entries, sites), where they are.
        weights: (entries,), which sum to one.
        log_targets: (entries,), the logarithm of the target W there.
        complete: whether W is 0 everywhere else.
    """

    codes: Integers
    weights: Floats
    log_targets: Floats
    complete: bool

    def model(self, shape: Sequence[int]) -> LatentClass:
        """The mixture as a latent class model."""
        used = self.weights > 0
        tables = tuple(np.eye(k)[self.codes[used, site]] for site, k in enumerate(shape))
        return LatentClass(self.weights[used], tables)

    def measured(self, log_squared_norm: float) -> Measured:
        """How far the mixture is from the target, exact but for rounding."""
        used = self.weights > 0
        weights, logs = self.weights[used], self.log_targets[used]
        targets = np.exp(logs)
        if self.complete:
            error = sqrt(float(((self.weights - np.exp(self.log_targets)) ** 2).sum()))
            relative = error / exp(log_squared_norm / 2)
        else:
            with np.errstate(divide="ignore"):
                squares = float(np.log(weights @ targets)), float(np.log(weights @ weights))
            error, relative = distance(log_squared_norm, *squares)
        everywhere = self.complete and bool(used.all())
        return Measured(
            error,
            relative,
            Estimate(float(np.maximum(weights - targets, 0).sum())),
            Estimate(max(0.0, float((targets * (logs - np.log(weights))).sum())) if everywhere else inf),
            Estimate(max(0.0, float((weights * (np.log(weights) - logs)).sum()))),
        )


def over_entries(target: Mixture, steps: int, rule: str, log_squared_norm: float, *, oracle: str, nodes: int) -> Steps:
    """Steps t = 0, 1, ... towards the target W, whose sum of squares has the given logarithm.

    The rule "corrective" takes the best weights of all entries met, which are W there plus what is missing to one in
    equal parts; such steps end where no more entries are positive. `moved` says what the other rules do.
    """
    best = best_entries(target, steps + 1, oracle=oracle, nodes=nodes)
    complete = best.log_missed == -inf
    values, missed = np.exp(best.log_values), exp(best.log_missed)
    weights = np.zeros(len(values))
    # Before the first step W_t is 0.
    residuals, guaranteed = values, True
    for step in range(steps + 1):
        chosen = int(np.argmax(residuals))
        if step and rule == "corrective" and weights[chosen] > 0:
            return
        certified = _certified(best, weights, residuals, chosen)
        gap = 0.0 if certified else max(0.0, missed - float(residuals[chosen]))
        # Conditional gradients may start at any entry, so the first step needs no certificate.
        guaranteed &= step == 0 or certified
        if step and rule == "corrective":
            support = (weights > 0) | (np.arange(len(weights)) == chosen)
            weights = np.where(support, values + (1 - values[support].sum()) / support.sum(), 0.0)
        else:
            weights = moved(weights, chosen, step, rule, values, lambda one: one)
        residuals = values - weights
        sparse = Sparse(best.codes, weights, best.log_values, complete)
        measured = sparse.measured(log_squared_norm)
        yield (
            ApproximationStep(
                step=step,
                components=int((weights > 0).sum()),
                guarantee=sqrt(8 / (step + 2)) if guaranteed else None,
                certified=certified,
                gap=gap,
                **vars(measured),
            ),
            partial(sparse.model, target.shape),
        )


def _certified(best: Best, weights: Floats, residuals: Floats, chosen: int) -> bool:
    """Whether no entry that the search missed is larger in W - W_t, to rounding; by logarithms, which reach further."""
    if weights[chosen] == 0:
        return bool(best.log_values[chosen] >= best.log_missed - ROUNDING)
    return best.log_missed == -inf or bool(residuals[chosen] > 0 and log(residuals[chosen]) >= best.log_missed - ROUNDING)


def moved(
    weights: Floats, chosen: int, step: int, rule: str, overlaps: Floats, gram_times: Callable[[Floats], Floats]
) -> Floats:
    """The weights of parts, (parts,), after a step towards the chosen part.

    Step 0 goes all the way. Of later ones the rule "line search" takes the best step, and "plain" one of length
    2 / (t + 2), with t = 0 for step 1. Overlaps are the inner products of parts with the target; `gram_times`
    multiplies the matrix of their inner products with each other by a vector.
    """
    vertex = np.zeros(len(weights))
    vertex[chosen] = 1.0
    length = 2 / (step + 1) if step else 1.0
    if step and rule == "line search":
        direction = vertex - weights
        square = float(direction @ gram_times(direction))
        length = float(np.clip(direction @ (overlaps - gram_times(weights)) / square, 0, 1)) if square > 0 else 0.0
    return np.asarray((1 - length) * weights + length * vertex)
