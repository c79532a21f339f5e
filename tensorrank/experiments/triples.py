"""Triples, or Match3, for attention of second and of third order: errors, bits of one layer, and easier variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.resources import memory_limit, thread_count
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.tasks.anchored_match3 import anchored_match3_rank
from tensorrank.tasks.communication import refuse_beyond
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


@dataclass(frozen=True)
class HistogramUnit:
    """Uniform attention of second order whose values count buckets of residues, and a decision after it.

    Query and keys are 0, so that all tokens have the same weight; the value of a token is the unit vector of the bucket
    that holds its residue, m buckets of neighbouring residues as equal as can be. The answer is yes if the buckets
    that hold some token could hold residues u, w with x_i + u + w = 0 modulo M: a yes is never missed, and with m = M,
    a bucket for each residue, there are no false alarms either.

    Attributes:
        tokens: N.
        modulus: M.
        buckets: m, the dimension of values, at most M.
        precision: of the unit.

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
        """The attention unit, of tokens that are unit vectors of buckets."""
        nothing = np.zeros((1, 1, self.buckets))
        return AttentionUnit(nothing, (nothing,), (np.eye(self.buckets)[None],), precision=self.precision)

    def answers(self, inputs: ArrayLike, *, asking: int, memory: int | str | None = None) -> NDArray[np.bool_]:
        """The answers of one asking token, of shape (count,), to residues of shape (count, N).

        Raises:
            TensorRankError: if inputs are not residues of so many tokens, no such token asks, or for want of memory.
        """
        task = Match3(self.tokens, self.modulus)
        residues, asking = task.checked_inputs(inputs), task.token(asking, 0)
        bucket = np.arange(self.modulus) * self.buckets // self.modulus
        units, unit = np.eye(self.buckets), self.unit
        size = max(1, _ENTRIES // (self.tokens * self.buckets))
        answers = np.zeros(len(residues), dtype=np.bool_)
        for start in range(0, len(residues), size):
            part = residues[start : start + size]
            histogram = unit(units[bucket[part]], asking=[asking], memory=memory)[:, 0]
            # What follows sees outputs at the unit's precision: to tell 1/N from 0 takes about log2 N bits.
            possible = (self.precision.rounded(histogram, 1.0) > 0)[:, bucket]
            partner = (-part[:, [asking]] - np.arange(self.modulus)) % self.modulus
            answers[start : start + size] = (possible & np.take_along_axis(possible, partner, axis=1)).any(axis=1)
        return answers


@dataclass(frozen=True)
class OrderRow:
    """One unit on balanced examples.

    Attributes:
        order: 2 for the histogram unit, 3 for the unit of `match3_unit`.
        tokens: N.
        modulus: M.
        dimension: m: of values for the second order, of queries and keys for the third.
        wrong: how many examples it answers wrongly.
        missed: how many of these have the answer yes.
        examples: how many there are, half of them with the answer yes.
        bits: the least p from which on, up to 52, no example is wrong, at second order of the first 20; None where some
            are wrong in float64 or at 52 bits, or it was not sought.
    """

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
        """The share of wrong answers: 1/2 is what guessing has."""
        return self.wrong / self.examples

    @property
    def size(self) -> int | None:
        """The bits m p, if p is known."""
        return None if self.bits is None else self.dimension * self.bits

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "order": self.order,
            "tokens": self.tokens,
            "modulus": self.modulus,
            "dimension": self.dimension,
            "wrong": self.wrong,
            "missed": self.missed,
            "examples": self.examples,
            "error": self.error,
            "bits": self.bits,
            "size": self.size,
        }


@dataclass(frozen=True)
class RankRow:
    """The rank of a task across a cut, the asking token being known to both sides.

    Attributes:
        task: "Match3", "bigram" or "local".
        tokens: N, of which the asking one belongs to neither side.
        modulus: M.
        rank: over the rationals.
        standing: of the rank, as for `rational_rank`; "theorem" if it is that of `anchored_match3_rank`.
    """

    task: str
    tokens: int
    modulus: int
    rank: int
    standing: str

    @property
    def bits(self) -> float:
        """log2 of the rank: what any one layer pays in m p H, up to log log N and a constant (S23)."""
        return log2(self.rank)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "task": self.task,
            "tokens": self.tokens,
            "modulus": self.modulus,
            "rank": self.rank,
            "standing": self.standing,
            "bits": self.bits,
        }


@dataclass(frozen=True)
class Triples:
    """Match3 modulo M = 2N + 1 by attention units, and what ranks say of any one layer.

    Attributes:
        seed: of the examples.
        window: K, of the local variant.
        units: by order, tokens and dimension.
        ranks: by task and tokens.
    """

    seed: int
    window: int
    units: tuple[OrderRow, ...]
    ranks: tuple[RankRow, ...]

    def of(self, order: int, tokens: int | None = None) -> tuple[OrderRow, ...]:
        """The units of this order, for so many tokens or for all."""
        return tuple(row for row in self.units if row.order == order and tokens in (None, row.tokens))

    def exact(self, order: int) -> tuple[OrderRow, ...]:
        """The units of this order that are right by construction (at second order those with m = M) and in fact."""
        return tuple(row for row in self.of(order) if not row.wrong and (order == 3 or row.dimension == row.modulus))

    def ranks_of(self, task: str, *, measured: bool = True) -> tuple[RankRow, ...]:
        """The ranks of a task, those computed from matrices or those by theorem."""
        return tuple(row for row in self.ranks if row.task == task and measured == (row.standing != "theorem"))

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "triples",
            "seed": self.seed,
            "window": self.window,
            "units": [row.to_dict() for row in self.units],
            "ranks": [row.to_dict() for row in self.ranks],
        }


def triples(
    tokens: Sequence[int] = (8, 16, 32, 64, 128, 256),
    sides: Sequence[int] = (1, 2, 3, 4),
    *,
    examples: int = 100,
    window: int = 2,
    seed: int = 0,
    memory: int | str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Triples:
    """How well units of second and third order find triples that sum to 0 modulo M = 2N + 1, and at what size.

    The last token asks. Ranks are those of the matrix whose asking token holds 1 and is known to both sides, which
    share the other tokens; those of Match3 for the N of the units, or one less if that is even, are by theorem.

    Args:
        tokens: N of the units, each at least 3.
        sides: numbers n of tokens of either side for which ranks are computed, with N = 2n + 1; matrices have
            (4n + 3)^n rows, those that no value tells apart being merged.
        examples: how many for each N, half of them with a triple.
        window: K, how far the local variant looks; its asking token is the middle one.
        seed: a whole number.
        memory: limit for units and matrices.
        threads: for elimination.
        progress: called with what is done, the steps done and their number.

    Raises:
        TensorRankError: if a number is too small, there are no tokens, or a matrix would not fit, which
            is told before any work.

    Source: Sanford, Hsu and Telgarsky 2023 (S23): one layer of second order needs m p H linear in N up to log log N,
    third-order tensor attention a constant m.

    >>> found = triples([8], [2], examples=20)
    >>> [(row.order, row.dimension, row.bits) for order in (2, 3) for row in found.exact(order)]
    [(2, 17, 5), (3, 5, 7)]
    >>> [(row.task, row.tokens, row.rank) for row in found.ranks if row.standing == "exact"]
    [('Match3', 5, 34), ('bigram', 5, 12), ('local', 5, 34)]
    """
    ns = sorted({whole_number("tokens", n, 3) for n in tokens})
    halves = sorted({whole_number("tokens of a side", n, 1) for n in sides})
    if not ns:
        raise TensorRankError("no tokens were given; expected at least one number, such as [8]")
    thread_count(threads)
    for n in halves:
        _refuse_large(n, memory)
    units: list[OrderRow] = []
    steps = 2 * len(ns) + len(halves)

    def show(what: str, done: int) -> None:
        if progress is not None:
            progress(what, done, steps)

    for done, n in enumerate(ns):
        drawn = Match3(n, _modulus(n)).examples(examples, seed=seed)
        show(f"second order, N = {n}", 2 * done)
        units += [_histogram_row(n, m, drawn, memory) for m in _bucket_numbers(_modulus(n))]
        show(f"third order, N = {n}", 2 * done + 1)
        units.append(_third_order_row(n, drawn, memory))
    ranks = []
    for odd in sorted({n - 1 + n % 2 for n in ns}):
        # An odd number, so that both sides hold as many tokens.
        rank = anchored_match3_rank(_modulus(odd), (odd - 1) // 2, _ANCHOR)
        ranks.append(RankRow("Match3", odd, _modulus(odd), rank, "theorem"))
    for done, n in enumerate(halves, 2 * len(ns)):
        show(f"ranks, {2 * n + 1} tokens", done)
        ranks += _measured_ranks(2 * n + 1, window, seed, memory, threads)
    units.sort(key=lambda row: (row.order, row.tokens, row.dimension))
    ranks.sort(key=lambda row: (row.task, row.tokens))
    return Triples(seed, window, tuple(units), tuple(ranks))


def _refuse_large(side: int, memory: int | str | None) -> None:
    """Refuse a side whose Match3 matrix would not fit: those of the variants are smaller."""
    modulus = _modulus(2 * side + 1)
    sets = number_of_sets(modulus, side)
    what = f"the matrix of Match3 modulo {modulus} with {side} tokens on either side"
    refuse_beyond(memory_limit(memory), sets, sets, what)


def _modulus(tokens: int) -> int:
    return 2 * tokens + 1


def _bucket_numbers(modulus: int) -> list[int]:
    """Powers of two, and densely where the last residues become distinct."""
    powers = {2**k for k in range(modulus.bit_length())}
    return sorted(m for m in powers | {3 * modulus // 4} | {modulus - k for k in (0, 1, 2, 4)} if m >= 1)


def _histogram_row(tokens: int, buckets: int, drawn: Examples[Any], memory: int | str | None) -> OrderRow:
    modulus, asking = _modulus(tokens), drawn.asking or 0

    def answers(precision: Precision, examples: int) -> NDArray[np.bool_]:
        unit = HistogramUnit(tokens, modulus, buckets, precision)
        return unit.answers(drawn.inputs[:examples], asking=asking, memory=memory)

    def right(bits: int) -> bool:
        return bool((answers(Precision(bits), _FOR_BITS) == drawn.labels[:_FOR_BITS]).all())

    found = answers(FLOAT64, len(drawn.labels))
    wrong, missed = int((found != drawn.labels).sum()), int((drawn.labels & ~found).sum())
    bits = None if wrong else least_precision(right)
    return OrderRow(2, tokens, modulus, buckets, wrong, missed, len(drawn.labels), bits)


def _third_order_row(tokens: int, drawn: Examples[Any], memory: int | str | None) -> OrderRow:
    construction, asking = match3_unit(tokens, _modulus(tokens)), drawn.asking or 0

    def answers(one: Construction) -> NDArray[np.bool_]:
        return one.answers(drawn.inputs, asking=[asking], memory=memory)[:, 0]

    found = answers(construction)
    wrong, missed = int((found != drawn.labels).sum()), int((drawn.labels & ~found).sum())
    bits = None if wrong else least_precision(lambda p: bool((answers(construction.at(p)) == drawn.labels).all()))
    dimension = construction.unit.dimension
    return OrderRow(3, tokens, _modulus(tokens), dimension, wrong, missed, len(drawn.labels), bits)


def _measured_ranks(
    tokens: int, window: int, seed: int, memory: int | str | None, threads: int | None
) -> list[RankRow]:
    modulus, middle = _modulus(tokens), tokens // 2
    matrices = {
        "Match3": Match3(tokens, modulus).communication(anchor=_ANCHOR, memory=memory),
        "bigram": Match3Bigram(tokens, modulus).communication(anchor=_ANCHOR, memory=memory),
        "local": Match3Local(tokens, modulus, window).communication(anchor=_ANCHOR, asking=middle, memory=memory),
    }
    found = {task: matrix.ranks((), seed=seed, threads=threads).rank for task, matrix in matrices.items()}
    return [RankRow(task, tokens, modulus, rank.value, rank.standing) for task, rank in found.items()]
