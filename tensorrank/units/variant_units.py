"""Usual attention, of order 2, that solves the bigram and local variants of Match3 at a size that hardly grows with N.

Both units look up tokens at a fixed distance first. Token j is embedded with its position, the angle 2 pi j / N, and
token i asks for the angle of j = i + s. The score is lambda cos(2 pi (i + s - j) / N), lambda = (N^2 / 8) ln(2 N M).
As 1 - cos(2 pi / N) >= 8 / N^2, all other tokens together weigh at most 1 / (2M) of the right one. The value of a token
is the point of its residue on the unit circle, so the average is within 1/M of the right point. Points of different
residues are 2 sin(pi / M) >= 4/M apart, so that the nearest one is right. (S23 show that these variants are easy; the
constants are ours.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.checked import checked
from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.construction import Construction
from tensorrank.units.match_units import decoded, points, sharpened_head, sharpness
from tensorrank.units.precision import FLOAT64, PrecisionLike, precision_of


@dataclass(frozen=True, eq=False)
class BigramConstruction(Construction):
    """Two units of order 2 that solve the bigram variant of Match3, one after the other.

    The first looks up each token's successor, the second is the unit of Match2 between x_i and the sums of neighbours
    x_j + x_(j+1), which the map between the layers computes token by token.

    Attributes:
        lookup: the first unit, of dimension 2, over N tokens.
        unit: the second, of dimension 3, over N + 1 tokens.

    >>> print(bigram_units(4, 7))
    Match3 mod 7 of neighbours: AttentionUnit(order 2, dimension 2, 1 head, output dimension 2, float64), then
    AttentionUnit(order 2, dimension 3, 1 head, output dimension 1, float64)
    """

    task: Match3Bigram
    lookup: AttentionUnit

    def __str__(self) -> str:
        return f"{self.task}: {self.lookup}, then {self.unit}"

    def at(self, precision: PrecisionLike) -> Self:
        """A copy of the construction with both units at another precision."""
        return replace(self, lookup=self.lookup.at(precision), unit=self.unit.at(precision))

    def work(self, asked: int) -> float:
        """The operations that one input takes: all tokens look up, so many ask."""
        return self.lookup.work(self.task.tokens) + self.unit.work(self.task.tokens + 1, asked)

    def _outputs(self, residues: Integers, asked: list[int], memory: int | str | None) -> Floats:
        """The weight that sums of neighbours get."""
        m = self.task.modulus
        following = decoded(self.lookup(_placed(residues, m), memory=memory), m)
        tokens = np.zeros((len(residues), self.task.tokens + 1, 7))
        tokens[:, :-1, :2] = points(residues, m)
        # The last token has no successor: no key and no value, like the blank one.
        tokens[:, :-2, 2:4] = points((residues + following)[:, :-1], m)
        tokens[:, :-2, 4] = tokens[:, -1, 5] = tokens[:, :, 6] = 1
        return self.unit(tokens, asking=asked, memory=memory)[..., 0]


@checked
def bigram_units(tokens: int, modulus: int, *, precision: PrecisionLike = FLOAT64) -> BigramConstruction:
    """The two units of dimensions 2 and 3 that solve Match3 of neighbours: is x_i + x_j + x_(j+1) = 0 for some j?

    Args:
        tokens: N, at least 1.
        modulus: M, from 1 to 2^24.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if a number is out of this range, or there is no such precision.

    Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), who show that two layers suffice; the constants are ours.

    >>> from tensorrank.units.checks import check_unit
    >>> found = check_unit(bigram_units(4, 5))
    >>> found.inputs, found.wrong
    (625, 0)
    """
    task = Match3Bigram(tokens, modulus)
    cos, sin, sum_cos, sum_sin, pair, blank, one = np.eye(7)
    key = [sum_cos, -sum_sin, (1 - 4 / task.modulus**2) * blank]
    unit = sharpened_head(task, [cos, sin, one], [key], pair, precision)
    return BigramConstruction(task, unit, _lookup(task.tokens, task.modulus, [1], precision))


@dataclass(frozen=True, eq=False)
class LocalConstruction(Construction):
    """One unit of order 2 and dimension 2 that solves the local variant of Match3, with a head for each neighbour.

    Each of the 2K heads (no more than there are distances) looks up one token of the window; the map after the unit
    decides, token by token.

    >>> print(local_unit(9, 7, 2))
    Match3 mod 7 within 2: AttentionUnit(order 2, dimension 2, 4 heads, output dimension 8, float64)
    """

    task: Match3Local

    def _outputs(self, residues: Integers, asked: list[int], memory: int | str | None) -> Floats:
        """The decisions, 0 or 1."""
        m = self.task.modulus
        found = self.unit(_placed(residues, m), asking=asked, memory=memory)
        shifts = np.array(_shifts(self.task))
        window = decoded(found.reshape(len(residues), len(asked), self.unit.heads, 2), m)[..., : len(shifts)]
        places = np.array(asked, dtype=int)[:, None] + shifts
        there = (places >= 0) & (places < self.task.tokens)
        own = residues[:, asked]
        # The token itself is always in its window; what would be outside the input is replaced by it.
        window = np.concatenate([np.where(there, window, own[..., None]), own[..., None]], axis=-1)
        decisions = np.zeros(own.shape)
        for one in np.moveaxis(window, -1, 0):
            decisions[(((own + one)[..., None] + window) % m == 0).any(axis=-1)] = 1
        return decisions


@checked
def local_unit(tokens: int, modulus: int, window: int, *, precision: PrecisionLike = FLOAT64) -> LocalConstruction:
    """The unit of 2K heads of dimension 2 that solves Match3 within a window of K tokens on either side.

    Args:
        tokens: N, at least 1.
        modulus: M, from 1 to 2^24.
        window: K, at least 0.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if a number is out of this range, or there is no such precision.

    Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), who show that one layer suffices whose size grows with the
    window; the constants are ours.

    >>> from tensorrank.units.checks import check_unit
    >>> found = check_unit(local_unit(4, 5, 1))
    >>> found.inputs, found.wrong
    (625, 0)
    """
    task = Match3Local(tokens, modulus, window)
    return LocalConstruction(task, _lookup(task.tokens, task.modulus, _shifts(task) or [0], precision))


def _shifts(task: Match3Local) -> list[int]:
    """The distances of the tokens that can be in the window, but for the token itself."""
    reach = min(task.window, task.tokens - 1)
    return [shift for shift in range(-reach, reach + 1) if shift]


def _lookup(tokens: int, modulus: int, shifts: Sequence[int], precision: PrecisionLike) -> AttentionUnit:
    """A head for each shift, which puts the point of the residue at i + shift (cyclically) into two coordinates."""
    place_cos, place_sin, cos, sin = np.eye(4)
    share = math.sqrt(sharpness(tokens, math.log(2 * tokens * modulus)) / 2)
    turns = [2 * math.pi * shift / tokens for shift in shifts]
    query = [
        [math.cos(a) * place_cos - math.sin(a) * place_sin, math.sin(a) * place_cos + math.cos(a) * place_sin] for a in turns
    ]
    values = np.zeros((len(shifts), 2 * len(shifts), 4))
    for head in range(len(shifts)):
        values[head, 2 * head : 2 * head + 2] = cos, sin
    keys = np.array([[place_cos, place_sin]] * len(shifts))
    return AttentionUnit(share * np.array(query), (share * keys,), (values,), precision=precision_of(precision))


def _placed(residues: Integers, modulus: int) -> Floats:
    """Tokens for a lookup: the point of the position, then that of the residue."""
    places = np.broadcast_to(points(np.arange(residues.shape[1]), residues.shape[1]), (*residues.shape, 2))
    return np.concatenate([places, points(residues, modulus)], axis=-1)
