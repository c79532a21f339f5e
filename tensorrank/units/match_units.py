"""The attention units of constant size that solve Match2 (order 2, m = 3) and Match3 (order 3, m = 5)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tensorrank.arguments import as_float
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.tasks.match import Match2, Match3
from tensorrank.tasks.residue_task import ResidueTask
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.construction import Construction
from tensorrank.units.precision import FLOAT64, PrecisionLike, precision_of

# The coordinates of an embedded token: cosine and sine of its angle, 1 for a real token, 1 for the blank one.
_COS, _SIN, _REAL, _BLANK = np.eye(4)


@dataclass(frozen=True, eq=False)
class MatchConstruction(Construction):
    """An attention unit that solves Match2 or Match3: residues become tokens, and outputs above 1/2 mean yes.

    The residue x becomes the token (cos(2 pi x / M), sin(2 pi x / M), 1, 0), element by element, and every input gets a
    blank token (0, 0, 0, 1) at its end. The unit reads these 4 coordinates; its m is the dimension of queries and keys.

    >>> small = match2_unit(3, 5)
    >>> small.answers([[1, 4, 2], [0, 1, 2]])
    array([[ True,  True, False],
           [ True, False, False]])
    >>> print(small)
    Match2 mod 5: AttentionUnit(order 2, dimension 3, 1 head, output dimension 1, float64)
    """

    task: Match2 | Match3

    def embed(self, inputs: ArrayLike) -> Floats:
        """Residues of shape (count, N) as tokens, of shape (count, N + 1, 4)."""
        x = self.task.checked_inputs(inputs)
        tokens = np.zeros((len(x), self.task.tokens + 1, 4))
        tokens[:, :-1, :2] = points(x, self.task.modulus)
        tokens[:, :-1, 2] = 1
        tokens[:, -1] = _BLANK
        return tokens

    def _outputs(self, residues: Integers, asked: list[int], memory: int | str | None) -> Floats:
        """The weight that the real tokens get."""
        return self.unit(self.embed(residues), asking=asked, memory=memory)[..., 0]


@checked
def match2_unit(tokens: int, modulus: int, *, precision: PrecisionLike = FLOAT64) -> MatchConstruction:
    """The unit of order 2 with m = 3 that solves Match2: does any x_j have x_i + x_j = 0 mod M, j = i allowed?

    Let lambda = (M^2 / 4) ln(4N). Token j gets the score lambda cos(2 pi (x_i + x_j) / M) and the value 1, the blank
    token the score lambda (1 - 4 / M^2) and the value 0. A match scores lambda, which is ln(4N) more than the blank
    token. Any other token scores at least 8 lambda / M^2 less than a match, for 1 - cos(2 pi / M) = 2 sin^2(pi / M) is
    at least 8 / M^2 from M = 2 on. This is ln(4N) less than the blank token, so all N of them together weigh at most a
    quarter of it. The output is therefore at least 4/5 with a match and at most 1/5 without one, for all N and M (mod 1
    everything matches).

    In float32, of unit roundoff u = 2^-24, answers stay right for all inputs up to M = 2900 if N <= 10^5. A real score
    has two rounded factors, one product and one sum, so it moves by at most 4 u lambda up to higher orders, and the
    blank one by 3 u lambda: by 7 u lambda = eta ln(4N) against each other, eta = 7 u M^2 / 4 <= 0.88. A match still
    scores 0.12 ln(4N) more than the blank token, so its share is above 1/2 by more than N u, what sums lose. Without
    one, scores are lower than the blank one by (3.8 - eta) ln(4N) for M >= 32, as 1 - cos(2 pi / M) >= 19.5 / M^2
    there, and below 32 eta is less than 1/1000.

    Args:
        tokens: N, at least 1.
        modulus: M, from 1 to 2^24.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if a number is out of this range, or there is no such precision.

    Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), the theorem that one unit of constant size solves Match2; the
    constants are ours.

    >>> match2_unit(2, 7).outputs([[3, 4], [3, 5]]).round(2)
    array([[0.89, 0.89],
           [0.  , 0.  ]])
    """
    task = Match2(tokens, modulus)
    query, key = [_COS, _SIN, _REAL], [_COS, -_SIN, (1 - 4 / task.modulus**2) * _BLANK]
    return MatchConstruction(task, sharpened_head(task, query, [key], _REAL, precision))


@checked
def match3_unit(tokens: int, modulus: int, *, precision: PrecisionLike = FLOAT64) -> MatchConstruction:
    """The unit of order 3 with m = 5 that solves Match3: are there x_j, x_k with x_i + x_j + x_k = 0 mod M?

    The cosine of a sum of three angles is a sum of four products of one factor for each angle. With four coordinates
    the pair (j, k) therefore gets the score lambda cos(2 pi (x_i + x_j + x_k) / M), lambda = (M^2 / 4) ln(4N^2), and
    the value 1. The fifth coordinate gives lambda (1 - 4 / M^2) to the pair of blank tokens, and 0 to a pair of a real
    and a blank one; both have the value 0. As for Match2, a match weighs 4N^2 times the blank pair, and the other real
    pairs, at most N^2, together weigh a quarter of the blank pair. The 2N pairs of a real and a blank token only help
    where nothing matches. Where something does, they and the blank pair weigh at most 1 / (2N) + 1 / (4N^2) <= 3/4 of
    it if M >= 2, since e^lambda >= 4N^2. The output is therefore at least 4/7 with a match and at most 1/5 without. Mod
    1 it is right from two tokens on; for one token it is 0.375 where 1/2 should be passed.

    In float32, of unit roundoff u = 2^-24, answers stay right for all inputs up to M = 1900 if N <= 512. A real score
    is a sum of four products of three rounded factors, of magnitudes that sum to at most sqrt(2) lambda, so it moves by
    at most 8 sqrt(2) u lambda up to higher orders, the blank pair's by 5 u lambda, and the rest is as for Match2 with
    ln(4N^2) and eta = (8 sqrt(2) + 5) u M^2 / 4 <= 0.88.

    Args:
        tokens: N, at least 1.
        modulus: M, from 1 to 2^24; at least 2 for a single token.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if a number is out of this range, or there is no such precision.

    Source: S23 (Sanford, Hsu, Telgarsky, NeurIPS 2023), the theorem that third-order tensor attention of constant size
    solves Match3; the constants are ours.

    >>> match3_unit(3, 7).answers([[1, 2, 4], [1, 1, 2]])
    array([[ True,  True,  True],
           [False, False, False]])
    """
    task = Match3(tokens, modulus)
    if task.tokens == task.modulus == 1:
        raise TensorRankError(
            "the unit for Match3 of one token mod 1 was asked for; it would answer no, and yes is right. Try a modulus "
            "from 2, or more tokens"
        )
    query = [_COS, -_COS, -_SIN, -_SIN, _REAL]
    keys = [[_COS, _SIN, _COS, _SIN, _BLANK], [_COS, _SIN, _SIN, _COS, (1 - 4 / task.modulus**2) * _BLANK]]
    return MatchConstruction(task, sharpened_head(task, query, keys, _REAL, precision))


def sharpness(modulus: int, gap: float) -> float:
    """The lambda at which a match scores `gap` more than the blank token, and that `gap` more than the next residue.

    >>> sharpness(4, 0.5)
    2.0
    """
    return as_float(modulus**2) / 4 * gap


def sharpened_head(
    task: ResidueTask, query: list[Floats], keys: list[list[Floats]], value: Floats, precision: PrecisionLike
) -> AttentionUnit:
    """One head whose scores separate a match from everything else: lambda = `sharpness` for a gap of ln(4 N^(s-1)).

    The rows of Q, of K^1 and, at order 3, of K^2 are given before lambda is put in: each factor of a score gets an
    equal share of it. The value is the one row of every V.
    """
    root = math.sqrt if len(keys) == 1 else math.cbrt
    share = root(sharpness(task.modulus, math.log(4 * task.tokens ** len(keys))))
    scaled = tuple(share * np.array([key]) for key in keys)
    return AttentionUnit(share * np.array([query]), scaled, (value[None, None],) * len(keys), precision=precision_of(precision))


def points(residues: Integers, modulus: int) -> Floats:
    """Residues x as points (cos(2 pi x / M), sin(2 pi x / M)) of the unit circle, in a last axis of two."""
    angles = 2 * math.pi / modulus * residues
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def decoded(given: Floats, modulus: int) -> Integers:
    """The residues whose points are nearest to given ones, in a last axis of two.

    >>> decoded(0.9 * points(np.array([0, 3, 6]), 7), 7)
    array([0, 3, 6])
    """
    turns = np.arctan2(given[..., 1], given[..., 0]) / (2 * math.pi)
    return np.rint(turns * modulus).astype(np.int64) % modulus
