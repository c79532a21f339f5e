"""Positive semidefinite matrices over the states of a hidden variable, kept as their square roots.

What squared amplitudes say about the states s and t of a node is a positive semidefinite matrix M[s, t]. It is kept as
exp(logs[s] + logs[t]) * sum over m of factors[s, m] * factors[t, m], with rows of factors of length 1. So no number is
too large or too small for a float, results are sums of squares, which rounding cannot make negative, and where nothing
is summed a single column is left, the sign of an amplitude.

Source: covariances as square roots, Bierman, Factorization Methods for Discrete Sequential Estimation (1977).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from math import log
from typing import NamedTuple

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.mixtures.evaluation.inference import MISSING, one_hot
from tensorrank.mixtures.tables import Table, holds_fractions


class Message(NamedTuple):
    """A matrix for each row, or a single one for all rows.

    Attributes:
        logs: half the logarithms of the diagonal, (rows, states), -inf for 0.
        factors: of length 1 along the last axis, or 0 where the diagonal is, (rows, states, columns).
    """

    logs: Floats
    factors: Floats


class LogTable(NamedTuple):
    """A table of amplitudes as logarithms and signs.

    Attributes:
        logs: logarithms of absolute values, (states of the parent, states of the child), -inf for 0.
        signs: -1, 0 or 1.
    """

    logs: Floats
    signs: Floats

    @classmethod
    def of(cls, table: Table, *, weights: bool) -> LogTable:
        """The amplitudes of a table: its entries or, of weights, their square roots.

        >>> LogTable.of(np.array([[4.0, 0.0]]), weights=True).logs.round(3)
        array([[0.693,  -inf]])
        """
        with np.errstate(divide="ignore"):
            if holds_fractions(table):
                logs = np.array([_log(entry) for entry in table.flat]).reshape(table.shape)
                signs = np.array([(entry > 0) - (entry < 0) for entry in table.flat], dtype=np.float64).reshape(table.shape)
            else:
                logs, signs = np.log(np.abs(table)), np.sign(table)
        return cls(logs / 2 if weights else logs, signs)

    @property
    def transposed(self) -> LogTable:
        """The table with parent and child exchanged."""
        return LogTable(self.logs.T, self.signs.T)


def at_values(table: LogTable, codes: Integers, *, diagonal: bool) -> Message:
    """What the value of a variable in each row says about the states of its parent; all values where it is missing."""
    if (codes != MISSING).all():
        return Message(table.logs[:, codes].T, table.signs[:, codes].T[:, :, None])
    return through(table, known_values(codes, table.logs.shape[1]), summed=True, diagonal=diagonal)


def known_values(codes: Integers, values: int) -> Message:
    """What is known of a variable itself: 1 for its value in each row, 0 for others, and 1 for all if it is missing."""
    allowed = one_hot(codes, values)
    with np.errstate(divide="ignore"):
        return Message(np.log(allowed), allowed[:, :, None])


def product(messages: Sequence[Message]) -> Message:
    """The entrywise product of matrices."""
    return reduce(_times, messages)


def through(table: LogTable, message: Message, *, summed: bool, diagonal: bool = False) -> Message:
    """The matrix over a parent's states from that over its child's: table @ matrix @ transposed table.

    Args:
        table: the amplitudes.
        message: the matrix over the child's states.
        summed: whether the child is summed, so that its matrix is diagonal and its states stay apart.
        diagonal: whether only the diagonal of the result is wanted, since the parent is summed.
    """
    terms = table.logs + message.logs[:, None, :]
    top = terms.max(axis=2)
    top[np.isneginf(top)] = 0.0
    weights = table.signs * np.exp(terms - top[:, :, None])
    factors = weights if summed else weights @ message.factors
    lengths = np.sqrt((factors**2).sum(axis=2))
    with np.errstate(divide="ignore"):
        logs = top + np.log(lengths)
    if diagonal:
        return Message(logs, (lengths > 0).astype(np.float64)[:, :, None])
    return _compressed(Message(logs, factors / np.where(lengths > 0, lengths, 1.0)[:, :, None]))


def _times(one: Message, other: Message) -> Message:
    factors = one.factors[:, :, :, None] * other.factors[:, :, None, :]
    return _compressed(Message(one.logs + other.logs, factors.reshape(*factors.shape[:2], factors.shape[2] * factors.shape[3])))


def _compressed(message: Message) -> Message:
    """The matrix with at most as many columns of factors as it has states: rotated, which changes no inner product."""
    _, states, columns = message.factors.shape
    if columns <= states:
        return message
    triangle: Floats = np.asarray(np.linalg.qr(message.factors.transpose(0, 2, 1), mode="r"))
    return Message(message.logs, np.ascontiguousarray(triangle.transpose(0, 2, 1)))


def _log(entry: Fraction) -> float:
    """The logarithm of the absolute value of a fraction of any size."""
    return log(abs(entry.numerator)) - log(entry.denominator) if entry else -np.inf
