"""Means of parts sampled from the target's own mixture, which is Maurey's argument as a program."""

from __future__ import annotations

from functools import partial
from math import exp, prod, sqrt

import numpy as np

from tensorrank.mixtures.approximation.entries import Sparse
from tensorrank.mixtures.approximation.measures import Yardstick
from tensorrank.mixtures.approximation.parts import Overlaps, Parts, sampled_parts
from tensorrank.mixtures.approximation.result import ApproximationStep, Steps
from tensorrank.mixtures.evaluation.circuit import Leaves
from tensorrank.mixtures.evaluation.inference import log_values
from tensorrank.mixtures.mixture import Mixture


def sampled_products(overlaps: Overlaps, yardstick: Yardstick, steps: int, rng: np.random.Generator) -> Steps:
    """Means of 1, 2, ..., steps + 1 products P(x | everything hidden), with the hidden variables sampled.

    The mean square error of the mean of m parts is (E ||part||^2 - ||W||^2) / m, so some sample is at least as good.

    Source: Pisier, Remarques sur un résultat non publié de B. Maurey (1981); for mixtures, Jaini, Poupart, Yu (NeurIPS
    2018).
    """
    target = overlaps.target
    squares = log_mean_square(target)
    parts = Parts.of(overlaps, sampled_parts(target, steps + 1, rng), yardstick)
    for step in range(steps + 1):
        now = parts.taken(slice(step + 1))
        weights = np.full(step + 1, 1 / (step + 1))
        yield (
            ApproximationStep(
                step=step,
                components=step + 1,
                expected_error=_expected(squares, overlaps.log_squared_norm, step + 1),
                **vars(now.measured(weights, rng)),
            ),
            partial(now.model, weights),
        )


def sampled_entries(target: Mixture, log_squared_norm: float, steps: int, rng: np.random.Generator) -> Steps:
    """Means of 1, 2, ..., steps + 1 entries sampled from the target: relative frequencies."""
    rows = target.sample(steps + 1, rng)
    codes, places = np.unique(rows, axis=0, return_inverse=True)
    logs = target.log_density(codes)
    # That W is 0 elsewhere is known only where there is no elsewhere.
    complete = len(codes) == prod(target.shape)
    for step in range(steps + 1):
        counts = np.bincount(places.ravel()[: step + 1], minlength=len(codes))
        sparse = Sparse(codes, counts / (step + 1), logs, complete)
        yield (
            ApproximationStep(
                step=step,
                components=int((counts > 0).sum()),
                expected_error=_expected(0.0, log_squared_norm, step + 1),
                **vars(sparse.measured(log_squared_norm)),
            ),
            partial(sparse.model, target.shape),
        )


def log_mean_square(target: Mixture) -> float:
    """The logarithm of the mean square of the norm of a sampled product: the density with squares for its leaves."""
    tables = list(target.circuit.float_tables)
    for number, (block, table) in enumerate(zip(target.circuit.blocks, tables, strict=True)):
        if isinstance(block, Leaves):
            sums = table.sum(axis=1, keepdims=True)
            tables[number] = (table**2).sum(axis=1, keepdims=True) / np.where(sums > 0, sums, 1.0)
    return float(log_values(target.circuit.with_tables(tables), [np.zeros((1, 1))] * target.sites)[-1, 0])


def _expected(log_mean_squares: float, log_squared_norm: float, parts: int) -> float:
    """The root of (E ||part||^2 - ||W||^2) / parts."""
    return sqrt(max(0.0, exp(log_mean_squares) - exp(log_squared_norm)) / parts)
