"""Measures of how far a mixture is from its target: norms by contraction, divergences by enumeration or samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, inf, log, prod, sqrt

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.envelopes import children, is_tree
from tensorrank.mixtures.approximation.result import Estimate
from tensorrank.mixtures.evaluation.circuit import Circuit, Leaves, Products, Sums
from tensorrank.mixtures.evaluation.inference import log_matmul
from tensorrank.mixtures.mixture import Mixture
from tensorrank.networks.inner_product import log_inner_product

# Tables up to this size are enumerated for total variation and divergences.
MOST_ENTRIES = 2**16
# Tables up to this size are summed for the norm of a model that is no tree.
_MOST_SUMMED = 2**20
# Exponentials beyond this are infinite.
_LARGEST_LOG = 709.0


def log_squared_norm(model: Mixture) -> float:
    """The logarithm of the sum of squares of a model's coefficient tensor.

    Trees are contracted with themselves node by node. Other models are summed entry by entry if their table has at most
    2**20 entries, and contracted as tensor networks if it has more, unless that would not fit in memory.

    >>> from tensorrank.mixtures.latent_class import LatentClass
    >>> round(log_squared_norm(LatentClass([1], [[[0.1] * 10]] * 500)) / log(10), 9)  # 500 uniform variables
    -500.0
    """
    if is_tree(model.circuit):
        return _of_tree(model.circuit)
    if prod(model.shape) <= _MOST_SUMMED:
        logs = 2 * model.log_density(all_rows(model.shape))
        return float(logs.max() + np.log(np.exp(logs - logs.max()).sum()))
    network = model.coefficients()
    try:
        return log_inner_product(network, network)
    except TensorRankError as error:
        raise TensorRankError(f"the norm of {model!r} is out of reach: {error}") from error


def _of_tree(circuit: Circuit) -> float:
    """The logarithm of the sum of squares for a tree, by inner products of a node's slots, children first."""
    held: dict[int, Floats] = {}
    with np.errstate(divide="ignore"):
        for number, (block, table) in enumerate(zip(circuit.blocks, circuit.float_tables, strict=True)):
            parts = [held.pop(child)[np.ix_(slots, slots)] for child, slots in children(circuit, number)]
            match block:
                case Leaves():
                    held[number] = np.log(table @ table.T)
                case Products():
                    held[number] = np.sum(parts, axis=0)
                case Sums():
                    held[number] = log_matmul(table, log_matmul(table, parts[0]).T)
    (root,) = held.values()
    return float(root[-1, -1])


def all_rows(shape: Sequence[int]) -> Integers:
    """The places of all entries, (entries, sites); the last variable runs fastest."""
    return np.indices(shape).reshape(len(shape), -1).T.copy()


def distance(log_target: float, log_overlap: float, log_own: float) -> tuple[float, float]:
    """The norm of V - W, absolute and relative to the norm of W, from the logarithms of W * W, W * V and V * V.

    >>> distance(log(4), log(2), log(1))
    (1.0, 0.5)
    """
    scale = max(log_target, log_own)
    square = exp(log_target - scale) - 2 * exp(log_overlap - scale) + exp(log_own - scale)
    if square <= 0:
        return 0.0, 0.0
    logs = (log(square) + scale) / 2, (log(square) + scale - log_target) / 2
    error, relative = (exp(one) if one < _LARGEST_LOG else inf for one in logs)
    return error, relative


@dataclass(frozen=True)
class Measured:
    """The fields of an `ApproximationStep` that say how far an approximation is from its target."""

    error: float
    relative_error: float
    total_variation: Estimate
    kl: Estimate
    reverse_kl: Estimate


@dataclass(frozen=True, eq=False)
class Yardstick:
    """Rows at which a density is compared with the target.

    Attributes:
        target: the mixture W.
        rows: all there are, or samples of the target.
        logs: the logarithm of the target at each row.
        weights: the target at each row if these are all rows; None for samples.
    """

    target: Mixture
    rows: Integers
    logs: Floats
    weights: Floats | None

    @classmethod
    def of(cls, target: Mixture, samples: int, rng: np.random.Generator) -> Yardstick:
        """The yardstick of all rows if the table has at most 2**16 entries, else of so many samples."""
        if prod(target.shape) > MOST_ENTRIES:
            return cls.sampled(target, samples, rng)
        rows = all_rows(target.shape)
        logs = target.log_density(rows)
        return cls(target, rows, logs, np.exp(logs))

    @classmethod
    def sampled(cls, target: Mixture, samples: int, rng: np.random.Generator) -> Yardstick:
        """The yardstick of so many rows sampled from the target."""
        rows = target.sample(samples, rng)
        return cls(target, rows, target.log_density(rows), None)

    def estimates(self, logs: Floats, model: Mixture, rng: np.random.Generator) -> tuple[Estimate, Estimate, Estimate]:
        """How far a model V, which has these logarithms at the rows, is from the target W.

        Returns:
            Total variation, half the sum of |V - W|, which is the mean under W of 1 - V / W where V < W; KL, the mean
            of log W / V under W; and reverse KL, the mean of log V / W under V.
        """
        if self.weights is not None:
            own = np.exp(logs)
            return (
                Estimate(float(np.abs(own - self.weights).sum() / 2)),
                Estimate(_divergence(self.weights, self.logs, logs)),
                Estimate(_divergence(own, logs, self.logs)),
            )
        rows = model.sample(len(self.rows), rng)
        return (
            _mean(-np.expm1(np.minimum(logs - self.logs, 0.0))),
            _mean(self.logs - logs),
            _mean(model.log_density(rows) - self.target.log_density(rows)),
        )


def _divergence(weights: Floats, own: Floats, other: Floats) -> float:
    positive = weights > 0
    # Rounding alone makes it negative.
    return max(0.0, float((weights[positive] * (own[positive] - other[positive])).sum()))


def _mean(values: Floats) -> Estimate:
    if np.isposinf(values).any():
        return Estimate(inf)
    return Estimate(float(values.mean()), float(values.std(ddof=1) / sqrt(len(values))))
