"""Product distributions as parts of a mixture, and the logarithms of their inner products, also with a target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import exp

import numpy as np
from scipy.special import logsumexp

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.approximation.measures import Measured, Yardstick, distance
from tensorrank.mixtures.evaluation.inference import induced_trees
from tensorrank.mixtures.evaluation.passes import Evidence, Passes
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.mixture import Mixture

# For each site the distribution of each part there, (parts, components).
Tables = tuple[Floats, ...]


def sampled_parts(target: Mixture, count: int, rng: np.random.Generator) -> Tables:
    """Random products whose mean is the target: P(x | everything hidden), with the hidden variables sampled.

    >>> from tensorrank.mixtures.hidden_markov import HiddenMarkov
    >>> [table.shape for table in sampled_parts(HiddenMarkov.random(2, 3, 4, seed=0), 5, np.random.default_rng(0))]
    [(5, 3), (5, 3), (5, 3), (5, 3)]
    """
    tables = tuple(np.empty((count, k)) for k in target.shape)
    for site, rows, weights in induced_trees(target.circuit, target.sites, count, rng):
        tables[site][rows] = weights / weights.sum()
    return tables


def logs_at(tables: Tables, rows: Integers) -> Floats:
    """The logarithm of each part at each row, (parts, rows)."""
    with np.errstate(divide="ignore"):
        found = np.log(tables[0])[:, rows[:, 0]]
        for site, table in enumerate(tables[1:], start=1):
            found += np.log(table)[:, rows[:, site]]
    return np.asarray(found)


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Logarithms of inner products of parts with each other and with a target W, and of W * W."""

    target: Mixture
    log_squared_norm: float

    @cached_property
    def _passes(self) -> Passes:
        return Passes(self.target.circuit)

    def with_target(self, tables: Tables) -> Floats:
        """The logarithm of W * part, for each part."""
        with np.errstate(divide="ignore"):
            logs = np.log(np.concatenate([table.T for table in tables]))
            return self._passes.log_density(Evidence.of_logs(logs, self._passes.plan.components))

    @staticmethod
    def among(first: Tables, second: Tables) -> Floats:
        """The logarithm of part * part, (first, second)."""
        with np.errstate(divide="ignore"):
            return np.asarray(sum(np.log(one @ other.T) for one, other in zip(first, second, strict=True)))


@dataclass(frozen=True, eq=False)
class Parts:
    """A mixture of product distributions beside its target.

    Attributes:
        overlaps: inner products with the target.
        tables: the parts.
        log_overlaps: the logarithm of W * part for each part.
        log_gram: the logarithm of part * part for each pair of parts.
        logs: the logarithm of each part at the rows of the yardstick, (parts, rows).
        yardstick: the rows at which total variation and divergences are measured.
    """

    overlaps: Overlaps
    tables: Tables
    log_overlaps: Floats
    log_gram: Floats
    logs: Floats
    yardstick: Yardstick

    @classmethod
    def of(cls, overlaps: Overlaps, tables: Tables, yardstick: Yardstick) -> Parts:
        """A mixture of some parts, for any weights."""
        return cls(
            overlaps,
            tables,
            overlaps.with_target(tables),
            overlaps.among(tables, tables),
            logs_at(tables, yardstick.rows),
            yardstick,
        )

    def with_part(self, new: Tables) -> Parts:
        """The mixture with one more part."""
        beside = self.overlaps.among(self.tables, new)
        own = self.overlaps.among(new, new)
        return Parts(
            self.overlaps,
            tuple(np.concatenate(pair) for pair in zip(self.tables, new, strict=True)),
            np.concatenate([self.log_overlaps, self.overlaps.with_target(new)]),
            np.block([[self.log_gram, beside], [beside.T, own]]),
            np.concatenate([self.logs, logs_at(new, self.yardstick.rows)]),
            self.yardstick,
        )

    def taken(self, places: slice) -> Parts:
        """A mixture of some of the parts."""
        return Parts(
            self.overlaps,
            tuple(table[places] for table in self.tables),
            self.log_overlaps[places],
            self.log_gram[places, places],
            self.logs[places],
            self.yardstick,
        )

    def model(self, weights: Floats) -> LatentClass:
        """The latent class model of the parts with these weights, without parts of weight 0."""
        used = weights > 0
        tables = tuple(table[used] for table in self.tables)
        return LatentClass(weights[used], tables)

    def measured(self, weights: Floats, rng: np.random.Generator) -> Measured:
        """How far the mixture with these weights is from the target."""
        used = weights > 0
        own = np.log(weights[used])
        log_overlap = logsumexp(own + self.log_overlaps[used])
        log_square = logsumexp(own[:, None] + own + self.log_gram[np.ix_(used, used)])
        error, relative = distance(self.overlaps.log_squared_norm, log_overlap, log_square)
        logs = logsumexp(own[:, None] + self.logs[used], axis=0)
        return Measured(error, relative, *self.yardstick.estimates(logs, self.model(weights), rng))

    def scaled(self) -> tuple[float, Floats, Floats]:
        """W * W, W * part and part * part, all divided by the largest square."""
        scale = max(self.overlaps.log_squared_norm, float(self.log_gram.max()))
        return (exp(self.overlaps.log_squared_norm - scale), np.exp(self.log_overlaps - scale), np.exp(self.log_gram - scale))
