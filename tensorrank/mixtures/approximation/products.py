"""Conditional gradient over mixtures of product distributions, which fit better than entries but without a guarantee.

Of all product distributions s a single entry has the largest inner product with W - V. A part fits better if its cosine
is large, which is (<W - V, s> - <W - V, V>) / norm of s. It is improved variable by variable. Since W - V has negative
entries and is no tree model, no bound is known that would certify a part.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import nnls

from tensorrank.arithmetic.arrays import Floats
from tensorrank.mixtures.approximation.entries import moved
from tensorrank.mixtures.approximation.measures import Yardstick
from tensorrank.mixtures.approximation.parts import Overlaps, Parts, Tables, sampled_parts
from tensorrank.mixtures.approximation.result import ApproximationStep, Steps
from tensorrank.mixtures.evaluation.inference import log_component_derivatives, log_derivatives, log_values

# How many parts are sampled as starts of a step, how many of them are improved, and how often.
_SAMPLED, _IMPROVED, _ROUNDS = 256, 16, 12
# Relative errors below this are rounding: the target is reached.
_RESOLUTION = 1e-7
# How often at most all parts are refitted in turn after a step, how often each is improved then, and which share of the
# square of the error has to go for another turn.
_SWEEPS, _TOUCHES, _GAIN = 20, 4, 0.1


def over_products(overlaps: Overlaps, yardstick: Yardstick, steps: int, rule: str, rng: np.random.Generator) -> Steps:
    """Steps t = 0, 1, ... towards a target.

    The rule "corrective" takes the best weights of all parts; "refitted" also improves all parts in turn. `moved` says
    what the other rules do.
    """
    target = overlaps.target
    parts: Parts | None = None
    weights = np.zeros(0)
    for step in range(steps + 1):
        rest = _Remainder(overlaps, parts, weights, 0.0 if parts is None else _slope(parts, weights))
        starts = sampled_parts(target, _SAMPLED, rng)
        best = np.argsort(-rest.scores(starts), kind="stable")[:_IMPROVED]
        found = rest.improved(tuple(table[best] for table in starts), _ROUNDS, rng)
        parts = Parts.of(overlaps, found, yardstick) if parts is None else parts.with_part(found)
        norm, inner, gram = parts.scaled()
        if rule in ("refitted", "corrective"):
            weights = simplex_weights(norm, inner, gram)
        else:
            weights = moved(np.append(weights, 0.0), step, step, rule, inner, gram.__matmul__)
        if rule == "refitted" and step:
            parts, weights = _refitted(parts, weights, rng)
        measured = parts.measured(weights, rng)
        yield (
            ApproximationStep(step=step, components=int((weights > 0).sum()), certified=False, **vars(measured)),
            partial(parts.model, weights),
        )
        if measured.relative_error < _RESOLUTION and rule in ("refitted", "corrective"):
            return


def simplex_weights(norm: float, overlaps: Floats, gram: Floats) -> Floats:
    """The weights, nonnegative and of sum one, with which the mixture of parts is nearest to the target.

    Over nonnegative weights of any sum, the square of the error plus any multiple of (sum - 1)^2 is least in the same
    direction. This is nonnegative least squares with the square root of the matrix of residuals' inner products.

    Inner products are given: W * W, W * part for each part, and part * part for each pair of parts.

    Source: Lawson, Hanson, Solving Least Squares Problems (1974), chapter 23.

    >>> simplex_weights(0.5, np.array([0.5, 0.5]), np.eye(2)).round(6)
    array([0.5, 0.5])
    """
    residuals = gram - overlaps - overlaps[:, None] + norm
    factor = max(float(np.trace(residuals)) / len(gram), float(np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(residuals + factor)
    kept = values > values[-1] * len(values) * np.finfo(float).eps
    roots = np.sqrt(values[kept])
    weights, _ = nnls(roots[:, None] * vectors[:, kept].T, factor * vectors[:, kept].sum(axis=0) / roots)
    return np.asarray(weights / weights.sum())


def _refitted(parts: Parts, weights: Floats, rng: np.random.Generator) -> tuple[Parts, Floats]:
    """The parts after each in turn was replaced by a better one, given the others, as long as the error fell."""
    square = _square(parts, weights)
    for _ in range(_SWEEPS):
        before = square
        # The first part becomes the last: after a round the order is the old one.
        for _ in range(len(weights)):
            own, others = parts.taken(slice(1)).tables, parts.taken(slice(1, None))
            rest = _Remainder(parts.overlaps, others, weights[1:], 0.0)
            trial = others.with_part(rest.improved(own, _TOUCHES, rng))
            new = simplex_weights(*trial.scaled())
            found = _square(trial, new)
            if found < square:
                parts, weights, square = trial, new, found
            else:
                parts, weights = others.with_part(own), np.roll(weights, -1)
        if square > (1 - _GAIN) * before:
            break
    return parts, weights


def _square(parts: Parts, weights: Floats) -> float:
    """The square of the error, in the scale of the largest square."""
    norm, overlaps, gram = parts.scaled()
    return norm + float(weights @ gram @ weights - 2 * weights @ overlaps)


def _slope(parts: Parts, weights: Floats) -> float:
    """<W - V, V>, relative to W * W."""
    norm = parts.overlaps.log_squared_norm
    overlaps, gram = np.exp(parts.log_overlaps - norm), np.exp(parts.log_gram - norm)
    return float(weights @ overlaps - weights @ gram @ weights)


@dataclass(frozen=True, eq=False)
class _Remainder:
    """The remainder W - V, of which a new part s is to take as much as it can.

    Attributes:
        overlaps: inner products with the target W.
        parts: the parts of V; None if V is 0.
        weights: the weights of the parts of V.
        slope: what <W - V, s> has to exceed, relative to W * W: <W - V, V> if the weights of V are scaled down for s, 0
            if all weights are found anew.
    """

    overlaps: Overlaps
    parts: Parts | None
    weights: Floats
    slope: float

    def scores(self, tables: Tables) -> Floats:
        """(<W - V, s> - slope) / norm of s, for parts s, all relative to W."""
        norm = self.overlaps.log_squared_norm
        own = np.sum([np.log((table**2).sum(axis=1)) for table in tables], axis=0) / 2
        found = np.exp(self.overlaps.with_target(tables) - own - norm / 2)
        if self.parts is not None:
            beside = np.exp(self.overlaps.among(self.parts.tables, tables) - own - norm / 2)
            found = found - self.weights @ beside - self.slope * np.exp(norm / 2 - own)
        return np.asarray(found)

    def improved(self, tables: Tables, rounds: int, rng: np.random.Generator) -> Tables:
        """The best part met when variables of all starts are improved at once, fewer where that gains nothing."""
        scores = self.scores(tables)
        share = np.ones(len(scores))
        for _ in range(rounds):
            moved = [rng.random(len(scores)) < share for _ in tables]
            trial = tuple(
                np.where(some[:, None], aim, table) for some, aim, table in zip(moved, self._aims(tables), tables, strict=True)
            )
            new = self.scores(trial)
            better = new > scores
            tables = tuple(np.where(better[:, None], one, table) for one, table in zip(trial, tables, strict=True))
            scores = np.where(better, new, scores)
            share = np.where(better, np.minimum(1.0, 2 * share), share / 2)
        best = int(np.argmax(scores))
        return tuple(table[best : best + 1] for table in tables)

    def _aims(self, tables: Tables) -> Tables:
        """The distribution of each variable with the best score while the other variables stay as they are."""
        norm = self.overlaps.log_squared_norm
        circuit, shape = self.overlaps.target.circuit, self.overlaps.target.shape
        with np.errstate(divide="ignore"):
            logs = log_values(circuit, [np.log(table).T for table in tables])
        derivatives = log_component_derivatives(circuit, log_derivatives(circuit, logs), shape)
        found = [np.exp(one - norm).T for one in derivatives]
        if self.parts is not None:
            each = np.array([one @ table.T for one, table in zip(self.parts.tables, tables, strict=True)])
            # The factor that the other variables give each part, which is 0 if one of them has no overlap.
            zeros = each == 0
            logs = np.log(np.where(zeros, 1.0, each))
            others = np.where(zeros.sum(axis=0) == zeros, np.exp(logs.sum(axis=0) - logs - norm), 0.0)
            for site, (one, other) in enumerate(zip(self.parts.tables, others, strict=True)):
                found[site] = found[site] - (self.weights[:, None] * other).T @ one - self.slope
        aims = []
        for gradient, table in zip(found, tables, strict=True):
            positive = np.maximum(gradient, 0.0)
            total = positive.sum(axis=1, keepdims=True)
            aims.append(np.where(total > 0, positive / np.where(total > 0, total, 1.0), table))
        return tuple(aims)
