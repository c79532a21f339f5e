"""Triples, or Match3, for attention of second and of third order: errors, bits of one layer, and easier variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import log2
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.resources import thread_count
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import Experiment, ascending, told, where
from tensorrank.records import Record
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.anchored_match3 import anchored_match3_rank
from tensorrank.tasks.communication import refuse_matrix
from tensorrank.tasks.match import Match3
from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local
from tensorrank.tasks.residue_sets import number_of_sets
from tensorrank.tasks.task import Examples
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.construction import Construction
from tensorrank.units.match_units import match3_unit
from tensorrank.units.precision import FLOAT64, Precision, least_precision

# 3 is not 0 for any odd modulus above 3, so that this asking token does not settle the answer itself.
_ANCHOR = 1
# One-hot tokens held at once.
_ENTRIES = 2**23
# Examples on which the precision of a histogram is sought: a unit of many values is slow, and its rounding differs
# little from one example to the next.
_FOR_BITS = 20


@checked
@dataclass(frozen=True)
class HistogramUnit(ShortRepr):
    """Uniform attention of second order whose values count buckets of residues, and a decision after it.

    Query and keys are 0, so that all tokens have the same weight. There are m buckets of neighbouring residues, as
    equal as can be, and the value of a token is the unit vector of the bucket that holds its residue. The answer is
    yes if the buckets that hold some token could hold residues u, w with x_i + u + w = 0 modulo M. A yes is never
    missed; with m = M, a bucket for each residue, there are no false alarms either.

    Attributes:
        tokens: the number of tokens, N.
        modulus: the modulus, M.
        buckets: the number of buckets and dimension of values, m, at most M.
        precision: the precision of the unit.

    Raises:
        TensorRankError: if a number is less than 1, or there are more buckets than residues.

    >>> HistogramUnit(3, 7, 7).answers([[1, 1, 2], [1, 2, 4]], asking=0)
    array([False,  True])
    >>> HistogramUnit(3, 7, 2).answers([[1, 1, 2], [1, 2, 4]], asking=0)
    array([ True,  True])
    """

    tokens: int
    modulus: int
    buckets: int
    precision: Precision = FLOAT64

    def __post_init__(self) -> None:
        for name in ("tokens", "modulus", "buckets"):
            whole_number(name, getattr(self, name), 1)
        if self.buckets > self.modulus:
            raise TensorRankError(f"{self.buckets} buckets are more than the {self.modulus} residues; expected m <= M")

    @property
    def unit(self) -> AttentionUnit:
        """The attention unit, which takes tokens that are unit vectors of buckets."""
        nothing = np.zeros((1, 1, self.buckets))
        return AttentionUnit(nothing, (nothing,), (np.eye(self.buckets)[None],), precision=self.precision)

    def answers(self, inputs: ArrayLike, *, asking: int, memory: int | str | None = None) -> NDArray[np.bool_]:
        """The answers of one asking token, of shape (count,), to residues of shape (count, N).

        Raises:
            TensorRankError: if inputs are not residues of so many tokens, no such token asks, or memory is too small.
        """
        task = Match3(self.tokens, self.modulus)
        residues, asking = task.checked_inputs(inputs), task.token(asking)
        bucket = np.arange(self.modulus) * self.buckets // self.modulus
        units, unit = np.eye(self.buckets), self.unit
        size = max(1, _ENTRIES // (self.tokens * self.buckets))
        answers = np.zeros(len(residues), dtype=np.bool_)
        for start in range(0, len(residues), size):
            part = residues[start : start + size]
            histogram = unit(units[bucket[part]], asking=[asking], memory=memory)[:, 0]
            # The decision sees outputs at the unit's precision: to tell 1/N from 0 takes about log2 N bits.
            possible = (self.precision.rounded(histogram, 1.0) > 0)[:, bucket]
            partner = (-part[:, [asking]] - np.arange(self.modulus)) % self.modulus
            answers[start : start + size] = (possible & np.take_along_axis(possible, partner, axis=1)).any(axis=1)
        return answers


@dataclass(frozen=True)
class OrderRow(Record):
    """One unit on balanced examples.

    Attributes:
        order: 2 for the histogram unit, 3 for the unit of `match3_unit`.
        tokens: the number of tokens, N.
        modulus: the modulus, M.
        dimension: the dimension m, of values at second order, of queries and keys at third order.
        wrong: the number of examples answered wrongly.
        missed: the number of wrongly answered examples with the answer yes.
        examples: the number of examples, half of them with the answer yes.
        bits: the least precision p from which on, up to 52, no example is wrong; at second order the first 20 examples
            count. None if an example is wrong in float64 or at 52 bits, or the precision was not sought.
    """

    derived = ("error", "size")
    order: int
    tokens: int
    modulus: int
    dimension: int
    wrong: int
    missed: int
    examples: int
    bits: int | None = None

    @property
    def error(self) -> float:
        """The share of wrong answers; guessing has 1/2."""
        return self.wrong / self.examples

    @property
    def size(self) -> int | None:
        """The bits m p, if p is known."""
        return None if self.bits is None else self.dimension * self.bits


@dataclass(frozen=True)
class RankRow(Record):
    """The rank of a task across a cut whose sides both know the asking token.

    Attributes:
        task: "Match3", "bigram" or "local".
        tokens: the number of tokens, N; the asking token belongs to neither side.
        modulus: the modulus, M.
        rank: the rank over the rationals.
        standing: the standing of the rank, as for `rational_rank`; "theorem" if `anchored_match3_rank` gave it.
    """

    derived = ("bits",)
    task: str
    tokens: int
    modulus: int
    rank: int
    standing: str

    @property
    def bits(self) -> float:
        """log2 of the rank: up to log log N and a constant, what any one layer of H heads pays in m p H."""
        return log2(self.rank)


@checked
@dataclass(frozen=True)
class Triples(Experiment, name="triples"):
    """Match3 modulo M = 2N + 1 by attention units, and what ranks say of any one layer.

    Attributes:
        seed, window: as given to `detect_triples`.
        units: one row a unit, by order, tokens and dimension.
        ranks: one row a rank, by task and tokens.

    >>> detect_triples([3], [], examples=4).ranks_of("Match3", measured=False)[0].standing
    'theorem'
    """

    seed: int
    window: int
    units: tuple[OrderRow, ...]
    ranks: tuple[RankRow, ...]

    def of(self, order: int, tokens: int | None = None) -> tuple[OrderRow, ...]:
        """The units of this order, for so many tokens or for all."""
        return where(self.units, order=order) if tokens is None else where(self.units, order=order, tokens=tokens)

    def exact(self, order: int) -> tuple[OrderRow, ...]:
        """The units of this order that are right by construction (at second order those with m = M) and in fact."""
        return tuple(row for row in self.of(order) if not row.wrong and (order == 3 or row.dimension == row.modulus))

    def ranks_of(self, task: str, *, measured: bool = True) -> tuple[RankRow, ...]:
        """The ranks of a task, those computed from matrices or those by theorem."""
        return tuple(row for row in self.ranks if row.task == task and measured == (row.standing != "theorem"))


@checked
@with_progress
def detect_triples(
    tokens: Sequence[int] = (8, 16, 32, 64, 128, 256),
    sides: Sequence[int] = (1, 2, 3, 4),
    *,
    examples: int = 100,
    window: int = 2,
    seed: int = 0,
    memory: int | str | None = None,
    threads: int | None = None,
    progress: ProgressLike = None,
) -> Triples:
    """How well units of second and third order detect triples that sum to 0 modulo M = 2N + 1, and at what size.

    The last token asks. The matrix whose rank is computed has an asking token that holds 1 and that both sides know;
    the sides share the other tokens. For the N of the units, or N - 1 if N is even, the ranks of Match3 are also given
    by theorem.

    Args:
        tokens: the numbers of tokens N of the units, each at least 3.
        sides: the numbers of tokens n of either side for which ranks are computed, with N = 2n + 1. Matrices have
            (4n + 3)^n rows, of which those that no value tells apart are merged.
        examples: the number of examples for each N, half of them with a triple.
        window: how far the local variant looks, K; its asking token is the middle one.
        seed: a whole number.
        memory: the limit for units and matrices.
        threads: the threads for elimination.
        progress: True shows a line in a terminal or a notebook; a function is called with the steps done, their number
            and the next step in words.

    Raises:
        TensorRankError: if a number is too small, there are no tokens, or a matrix would not fit; all of this is told
            before any work.

    Source: Sanford, Hsu, Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023):
    one layer of second order needs m p H linear in N up to log log N, third-order tensor attention a constant m.

    >>> found = detect_triples([8], [2], examples=20)
    >>> [(row.order, row.dimension, row.bits) for order in (2, 3) for row in found.exact(order)]
    [(2, 17, 5), (3, 5, 7)]
    >>> [(row.task, row.tokens, row.rank) for row in found.ranks if row.standing == "exact"]
    [('Match3', 5, 34), ('bigram', 5, 12), ('local', 5, 34)]
    """
    ns, given = ascending("tokens", tokens, 3), list(sides)
    halves = ascending("tokens of a side", given) if given else []
    thread_count(threads)
    for n in halves:
        # The matrices of the variants are smaller.
        sets = number_of_sets(m := _modulus(2 * n + 1), n)
        refuse_matrix(memory, sets, sets, f"the matrix of Match3 modulo {m} with {n} tokens on either side")
    sampled = {n: Match3(n, _modulus(n)).examples(examples, seed=seed) for n in ns}
    steps = list(product(ns, ("second", "third")))
    units: list[OrderRow] = []
    for n, order in told(steps, reporter(progress), lambda step: f"{step[1]} order, N = {step[0]}", after=len(halves)):
        if order == "second":
            units += [_histogram_row(n, m, sampled[n], memory) for m in _bucket_numbers(_modulus(n))]
        else:
            units.append(_third_order_row(n, sampled[n], memory))
    ranks = []
    for odd in sorted({n - 1 + n % 2 for n in ns}):
        # With an odd number both sides hold equally many tokens.
        rank = anchored_match3_rank(_modulus(odd), (odd - 1) // 2, _ANCHOR)
        ranks.append(RankRow("Match3", odd, _modulus(odd), rank, "theorem"))
    for n in told([2 * n + 1 for n in halves], reporter(progress), "ranks, {} tokens".format, before=len(steps)):
        modulus = _modulus(n)
        matrices = {
            "Match3": Match3(n, modulus).communication(anchor=_ANCHOR, memory=memory),
            "bigram": Match3Bigram(n, modulus).communication(anchor=_ANCHOR, memory=memory),
            "local": Match3Local(n, modulus, window).communication(anchor=_ANCHOR, asking=n // 2, memory=memory),
        }
        for task, matrix in matrices.items():
            found = matrix.ranks((), seed=seed, threads=threads).rank
            ranks.append(RankRow(task, n, modulus, found.value, found.standing))
    units.sort(key=lambda row: (row.order, row.tokens, row.dimension))
    ranks.sort(key=lambda row: (row.task, row.tokens))
    return Triples(seed, window, tuple(units), tuple(ranks))


def _modulus(tokens: int) -> int:
    return 2 * tokens + 1


def _bucket_numbers(modulus: int) -> list[int]:
    """Powers of two, and more numbers where the last residues become distinct."""
    powers = {2**k for k in range(modulus.bit_length())}
    return sorted(m for m in powers | {3 * modulus // 4} | {modulus - k for k in (0, 1, 2, 4)} if m >= 1)


def _histogram_row(tokens: int, buckets: int, sampled: Examples[Any], memory: int | str | None) -> OrderRow:
    modulus, asking = _modulus(tokens), sampled.asking or 0

    def answers(precision: Precision, examples: int) -> NDArray[np.bool_]:
        unit = HistogramUnit(tokens, modulus, buckets, precision)
        return unit.answers(sampled.inputs[:examples], asking=asking, memory=memory)

    def right(bits: int) -> bool:
        return bool((answers(Precision(bits), _FOR_BITS) == sampled.labels[:_FOR_BITS]).all())

    found = answers(FLOAT64, len(sampled.labels))
    wrong, missed = int((found != sampled.labels).sum()), int((sampled.labels & ~found).sum())
    bits = None if wrong else least_precision(right)
    return OrderRow(2, tokens, modulus, buckets, wrong, missed, len(sampled.labels), bits)


def _third_order_row(tokens: int, sampled: Examples[Any], memory: int | str | None) -> OrderRow:
    construction, asking = match3_unit(tokens, _modulus(tokens)), sampled.asking or 0

    def answers(one: Construction) -> NDArray[np.bool_]:
        return one.answers(sampled.inputs, asking=[asking], memory=memory)[:, 0]

    found = answers(construction)
    wrong, missed = int((found != sampled.labels).sum()), int((sampled.labels & ~found).sum())
    bits = None if wrong else least_precision(lambda p: bool((answers(construction.at(p)) == sampled.labels).all()))
    dimension = construction.unit.dimension
    return OrderRow(3, tokens, _modulus(tokens), dimension, wrong, missed, len(sampled.labels), bits)
