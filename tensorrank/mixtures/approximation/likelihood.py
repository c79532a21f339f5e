"""Greedy likelihood: product distributions are added one by one, each the one that brings the divergence down most."""

from __future__ import annotations

from functools import partial

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.mixtures.approximation.measures import Yardstick
from tensorrank.mixtures.approximation.parts import Overlaps, Parts, Tables, sampled_parts
from tensorrank.mixtures.approximation.result import ApproximationStep, Steps

# How many starts each new part has, and how many rounds of expectation-maximisation all have, and again the best.
_STARTS, _ROUNDS = 8, 15
# Probabilities of a part are not below this, so that no row is impossible for it.
_LEAST = 1e-12
# Logarithms of odds are cut at this; so many halvings find a share to one in a million.
_FAR, _HALVINGS = 600.0, 20
# Shares of a row smaller than this are none.
_NOTHING = 1e-30


def greedy_likelihood(
    overlaps: Overlaps, yardstick: Yardstick, learning: Yardstick, steps: int, rng: np.random.Generator
) -> Steps:
    """Steps t = 0, 1, ... of W_t = (1 - a) W_(t-1) + a * part.

    The part and its share a are found by expectation-maximisation, which begins at parts sampled from the target. So
    the likelihood of the learning rows never falls. With the best part in each step KL exceeds that of any mixture of
    products by O(1 / t) at most. Parts are fitted to the rows of `learning`, and measured at those of `yardstick`.

    Source: Li, Barron, Mixture Density Estimation (NIPS 1999), theorems 1 and 2.
    """
    rows = learning.rows
    weights = np.full(len(rows), 1 / len(rows)) if learning.weights is None else learning.weights
    codes = _Indicators(rows, overlaps.target.shape)
    shares = np.ones(1)
    parts = Parts.of(overlaps, codes.fitted(weights[None]), yardstick)
    logs = codes.logs(parts.tables)[0]
    for step in range(steps + 1):
        if step:
            climb = _Climb(codes, weights, logs)
            starts = tuple(np.maximum(table, _LEAST) for table in sampled_parts(overlaps.target, _STARTS, rng))
            trials = climb.rounds(climb.shares(starts), starts, _ROUNDS)
            (share,), found = climb.rounds(*climb.best(*trials), _ROUNDS)
            shares = np.append((1 - share) * shares, share)
            parts = parts.with_part(found)
            logs = np.logaddexp(np.log1p(-share) + logs, np.log(share) + codes.logs(found)[0])
        yield (
            ApproximationStep(step=step, components=int((shares > 0).sum()), **vars(parts.measured(shares, rng))),
            partial(parts.model, shares),
        )


class _Indicators:
    """Rows as zeros and ones, so that parts are fitted and evaluated by matrix products."""

    def __init__(self, rows: Integers, shape: tuple[int, ...]) -> None:
        refuse_beyond(memory_limit(None), 8 * len(rows) * sum(shape), f"learning from {len(rows)} rows", "fewer samples")
        self._ends = np.cumsum(shape)[:-1]
        self._matrix = np.concatenate([np.eye(k)[rows[:, site]] for site, k in enumerate(shape)], axis=1)

    def fitted(self, weights: Floats) -> Tables:
        """The most likely part under each of several weightings of the rows, (weightings, rows)."""
        counts = np.maximum(weights @ self._matrix, _LEAST * weights.sum(axis=1, keepdims=True))
        return tuple(part / part.sum(axis=1, keepdims=True) for part in np.split(counts, self._ends, axis=1))

    def logs(self, tables: Tables) -> Floats:
        """The logarithm of each part at each row."""
        return np.asarray(np.log(np.concatenate(tables, axis=1)) @ self._matrix.T)


class _Climb:
    """Expectation-maximisation of a share and a part beside a fixed mixture, from several starts at once."""

    def __init__(self, codes: _Indicators, weights: Floats, logs: Floats) -> None:
        self._codes, self._weights, self._logs = codes, weights, logs

    def shares(self, tables: Tables) -> Floats:
        """The most likely share of each part, found by bisection, since the likelihood is concave in the share."""
        odds = np.clip(self._codes.logs(tables) - self._logs, -_FAR, _FAR)
        gains = np.expm1(odds)
        low, high = np.full(len(odds), _LEAST), np.full(len(odds), 1 - _LEAST)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            slopes = (gains / (1 + middle[:, None] * gains)) @ self._weights
            low, high = np.where(slopes > 0, middle, low), np.where(slopes > 0, high, middle)
        return low

    def rounds(self, shares: Floats, tables: Tables, count: int) -> tuple[Floats, Tables]:
        """The shares and parts after so many rounds, none of which lowers the likelihood."""
        for _ in range(count):
            own, both = self._joint(shares, tables)
            taken = np.exp(own - both)
            # Products with numbers that are no normal floats are many times slower.
            taken = self._weights * np.where(taken < _NOTHING, 0.0, taken)
            # A part that takes nothing stays as it is.
            some = taken.sum(axis=1) > 0
            shares = np.where(some, np.clip(taken.sum(axis=1), _LEAST, 1 - _LEAST), shares)
            fitted = self._codes.fitted(np.where(some[:, None], taken, self._weights))
            tables = tuple(np.where(some[:, None], new, old) for new, old in zip(fitted, tables, strict=True))
        return shares, tables

    def best(self, shares: Floats, tables: Tables) -> tuple[Floats, Tables]:
        """The share and the part of the largest likelihood."""
        chosen = [int(np.argmax(self._joint(shares, tables)[1] @ self._weights))]
        return shares[chosen], tuple(table[chosen] for table in tables)

    def _joint(self, shares: Floats, tables: Tables) -> tuple[Floats, Floats]:
        own = np.log(shares)[:, None] + self._codes.logs(tables)
        return own, np.logaddexp(own, np.log1p(-shares)[:, None] + self._logs)
