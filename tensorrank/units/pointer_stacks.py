"""Stacks of attention that follow pointers: k-hop induction heads, function composition, one cycle or two.

A token keeps whole numbers as points (cos, sin) on the unit circle, two coordinates each. To look up the token whose
position, one of M, a pointer names, its query is the pointer's point, and keys are the points of positions. The score
is lambda cos(2 pi (pointer - position) / M) with lambda = (M^2 / 8) ln(2 M R), where R is the largest modulus of what
is read. As 1 - cos(2 pi / M) >= 8 / M^2, the M - 1 other tokens together weigh at most 1 / (2R) of the right one.
Values are points, so that what is read is within 1 / R of the right point, and points of different numbers are 2 sin(pi
/ R) >= 4 / R apart: the nearest one is right. The map behind the layer puts the nearest point in place of what was
read.

A pointer that is looked up at the token it names is doubled: after t layers it reaches 2^t steps ahead. A result that
is to be k steps ahead is looked up along with it in the layers of the binary digits of k that are 1.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import as_float, shown
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.notebook_tables import NotebookTable
from tensorrank.tasks.function_composition import FunctionComposition
from tensorrank.tasks.induction_heads import InductionHeads
from tensorrank.tasks.one_or_two_cycles import OneOrTwoCycles
from tensorrank.tasks.task import Task
from tensorrank.units.attention_stack import AttentionStack, StackLayer
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.match_units import decoded, points, sharpness
from tensorrank.units.precision import FLOAT64, PrecisionLike, precision_of

# The tasks that a stack is known for.
STACKED = (InductionHeads, FunctionComposition, OneOrTwoCycles)

_ENTRY = 8
# Bytes that are worked on at a time.
_BATCH = 2**25


@dataclass(frozen=True)
class Rewrite:
    """The map behind a layer that puts the nearest whole numbers in place of what was read.

    Attributes:
        places: for each number read, which is two coordinates of the outputs in their order, the first coordinate of
            the stream where it is written, and its modulus. Outputs behind these are not looked at.
    """

    places: tuple[tuple[int, int], ...]

    def __call__(self, stream: Floats, found: Floats) -> Floats:
        """The next stream, from the stream and the outputs of the unit."""
        read = enumerate(self.places)
        numbers = {start: (decoded(found[..., 2 * n : 2 * n + 2], modulus), modulus) for n, (start, modulus) in read}
        return _written(stream, numbers)


@dataclass(frozen=True)
class WalkOn:
    """The map behind a layer of `cycles_stack`: walks, and results if `also`, go on from the vertex that was read."""

    vertices: int
    also: bool

    def __call__(self, stream: Floats, found: Floats) -> Floats:
        """The next stream, from the stream and the outputs of the unit."""
        n, numbers = self.vertices, {}
        for direction in range(2):
            read = decoded(found.reshape(*found.shape[:2], 2, 9, 2)[:, :, direction], n)
            came_from = decoded(stream[..., 6 + 8 * direction : 8 + 8 * direction], n)
            ahead = np.where(read[..., 0] != came_from, 0, 1)
            # The walks and results of both directions of the token that was read, four numbers each.
            both = read[..., 1:].reshape(*read.shape[:2], 2, 4)
            chosen = np.take_along_axis(both, ahead[..., None, None], axis=2)[..., 0, :]
            for number in range(4 if self.also else 2):
                numbers[4 + 8 * direction + 2 * number] = (chosen[..., number], n)
        return _written(stream, numbers)


@checked
@dataclass(frozen=True, eq=False)
class StackConstruction(EqualByValue, NotebookTable, ABC):
    """A stack of attention that solves a task with one answer.

    Attributes:
        task: the task.
        stack: the layers.
    """

    task: InductionHeads | FunctionComposition | OneOrTwoCycles
    stack: AttentionStack

    def __str__(self) -> str:
        return f"{self.task}: {self.stack}"

    @property
    @abstractmethod
    def tokens(self) -> int:
        """How many tokens an input becomes."""

    def at(self, precision: PrecisionLike) -> Self:
        """A copy of the construction at another precision.

        Raises:
            TensorRankError: if there is no such precision.
        """
        return replace(self, stack=self.stack.at(precision))

    def answers(self, inputs: ArrayLike, *, memory: int | str | None = None) -> NDArray[Any]:
        """What the stack answers: (count,), as `task.solve` gives it.

        Args:
            inputs: as `task.solve` takes them.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            TensorRankError: if they are no inputs of the task, or not even one of them fits the memory.

        >>> induction_heads_stack(6, 3).answers([[0, 2, 1, 0, 1, 0], [0, 1, 1, 0, 0, 2]])
        array([2, 0])
        """
        # The task checks them.
        self.task.solve(inputs)
        given, heads = as_array(inputs, "inputs"), self.stack.heads
        each = _ENTRY * self.tokens * (4 * self.stack.width * (1 + heads) + 3 * heads * self.tokens)
        refuse_beyond(memory_limit(memory), each, f"{self.stack} over {self.tokens} tokens", "a smaller size")
        step = max(1, _BATCH // each)
        parts = [self._read(self.stack.run(self._embed(given[at : at + step]))) for at in range(0, max(1, len(given)), step)]
        return np.concatenate(parts)

    def work(self) -> float:
        """The operations that one input takes."""
        return self.stack.work(self.tokens)

    @abstractmethod
    def _embed(self, inputs: Integers) -> Floats:
        """Inputs as streams (count, tokens, width), each token by itself and its place."""

    @abstractmethod
    def _read(self, stream: Floats) -> NDArray[Any]:
        """The answers, (count,), from the streams behind the last layer."""


@dataclass(frozen=True, eq=False)
class HopsConstruction(StackConstruction):
    """The stack of k-hop induction heads, with a blank token in front of the word.

    A token's stream holds the token (from 0), its place as a number (2), whether it is blank (3), a one (4), its
    position (5), the position behind it (7), the pointer (9) and the result (11).
    """

    task: InductionHeads

    @property
    def tokens(self) -> int:
        """The word and the blank token: N + 1."""
        return self.task.tokens + 1

    def _embed(self, inputs: Integers) -> Floats:
        places, symbols = self.tokens, self.task.symbols
        stream = np.zeros((len(inputs), places, 13))
        stream[:, 1:, :2] = points(inputs, symbols)
        stream[:, :, 2] = np.arange(places) / self.task.tokens
        stream[:, 0, 3] = stream[:, :, 4] = 1
        # The blank token leads to itself; the last one leads nowhere and is never looked at.
        behind = (np.arange(places) + 1) % places
        behind[0] = 0
        answers = np.pad(inputs + 1, ((0, 0), (1, 0)))
        return _written(stream, {5: (np.arange(places), places), 7: (behind, places), 11: (answers, symbols + 1)})

    def _read(self, stream: Floats) -> NDArray[Any]:
        return decoded(stream[:, -1, 11:], self.task.symbols + 1)


@checked
def induction_heads_stack(tokens: int, symbols: int, *, hops: int = 1, precision: PrecisionLike = FLOAT64) -> StackConstruction:
    """The floor(log2 k) + 2 layers of one head that solve k-hop induction heads: two for one hop.

    In the first layer, of dimension 3, a token looks for the last earlier one that equals it, under a strict causal
    mask; the hop leads to the token behind that. Among earlier tokens j the score is lambda cos(2 pi (x_i - x_j) / s) +
    delta j, and lambda for a blank token in front of all, with delta = ln(2 N (N + 1)) and lambda = (s^2 / 8)(N + 1)
    delta. Of s symbols, a different one scores at least delta less than the blank token, which scores at least delta
    less than an equal one, and that delta less than a later equal one. So all others together weigh at most 1 /
    (2(N + 1)) of the right token. Each of the further layers, of dimension 2, doubles the hop, and looks up the result
    along with it if the digit of k is 1: the result is the token itself at first.

    Args:
        tokens: N, from 2.
        symbols: how many different tokens there are, from 2.
        hops: k, from 1.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if a number is out of its range, or there is no such precision.

    Source: Sanford, Hsu and Telgarsky (arXiv 2402.09268), who show that the order of log k layers suffices; abstract
    read, this construction and its constants are ours.

    >>> print(induction_heads_stack(8, 4, hops=5))
    5-hop induction heads over 4 symbols: 4 layers of attention (dimension 3, 1 head, stream of 13, float64)
    """
    task = InductionHeads(tokens, symbols, hops=hops)
    if not task.hops:
        raise TensorRankError("hops is 0; expected a whole number of at least 1, for without a hop no attention is needed")
    n, s, places = task.tokens, task.symbols, task.tokens + 1
    axes = np.eye(13)
    token, (place, blank, one), position, behind, pointer, result = (
        axes[:2],
        axes[2:5],
        axes[5:7],
        axes[7:9],
        axes[9:11],
        axes[11:],
    )
    delta = math.log(2 * n * places)
    scale = as_float(s**2) / 8 * places * delta
    share = math.sqrt(scale)
    occurrence = AttentionUnit(
        share * np.array([[*token, one]]),
        (share * np.array([[*token, n * delta / scale * place + blank]]),),
        (behind[None],),
        precision=precision_of(precision),
    )
    lookup = _lookup(places, [pointer], position, np.concatenate([pointer, result]), max(places, s + 1), precision)
    hop, also = (9, places), (11, s + 1)
    digits = [bool(task.hops >> digit & 1) for digit in range(task.hops.bit_length())]
    further = (StackLayer(lookup, Rewrite((hop, also) if digit else (hop,))) for digit in digits)
    return HopsConstruction(task, AttentionStack((StackLayer(occurrence, Rewrite((hop,)), earlier=True), *further)))


@dataclass(frozen=True, eq=False)
class CompositionConstruction(StackConstruction):
    """The stack of function composition.

    A token's stream holds its position (from 0), what it leads to (2) and the pointer (4). A value y of g leads to the
    position of f(y), a value of f to itself; the pointer of the last token is x at first.
    """

    task: FunctionComposition

    @property
    def tokens(self) -> int:
        """The values of both functions, and x: 2n + 1."""
        return self.task.sites

    def _embed(self, inputs: Integers) -> Floats:
        n, sites = self.task.points, self.task.sites
        leads_to = inputs + n * (np.arange(sites) < n)
        asked = np.zeros_like(leads_to)
        asked[:, -1] = inputs[:, -1]
        numbers = {0: (np.arange(sites), sites), 2: (leads_to, sites), 4: (asked, sites)}
        return _written(np.zeros((len(inputs), sites, 6)), numbers)

    def _read(self, stream: Floats) -> NDArray[Any]:
        return decoded(stream[:, -1, 4:], self.tokens)


@checked
def composition_stack(points: int, *, precision: PrecisionLike = FLOAT64) -> StackConstruction:
    """The two layers of one head, of dimension 2, that solve function composition: look up g(x), then f there.

    Args:
        points: n, from 2.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if the points are out of this range, or there is no such precision.

    >>> composition_stack(3).answers([[1, 2, 0, 0, 0, 2, 1]])
    array([2])
    """
    task = FunctionComposition(points)
    axes = np.eye(6)
    lookup = _lookup(task.sites, [axes[4:]], axes[:2], axes[2:4], task.sites, precision)
    layer = StackLayer(lookup, Rewrite(((4, task.sites),)))
    return CompositionConstruction(task, AttentionStack((layer, layer)))


@dataclass(frozen=True, eq=False)
class CyclesConstruction(StackConstruction):
    """The stack of one cycle or two.

    A token's stream holds its position (from 0) and its first neighbour (2); then for either direction (from 4 and from
    12) where a walk is and has come from, and the same of a result.
    """

    task: OneOrTwoCycles

    @property
    def tokens(self) -> int:
        """The vertices, n."""
        return self.task.vertices

    def _embed(self, inputs: Integers) -> Floats:
        n = self.tokens
        first, second = np.moveaxis(np.nonzero(inputs)[2].reshape(len(inputs), n, 2), -1, 0)
        own = np.broadcast_to(np.arange(n), first.shape)
        # A walk is one step ahead, a result has not left and could have come from the other side.
        numbers = [own, first, first, own, own, second, second, own, own, first]
        return _written(np.zeros((len(inputs), n, 20)), {2 * place: (held, n) for place, held in enumerate(numbers)})

    def _read(self, stream: Floats) -> NDArray[Any]:
        return np.asarray(decoded(stream[:, -1, 8:10], self.tokens) != self.tokens - 1)


@checked
def cycles_stack(vertices: int, *, precision: PrecisionLike = FLOAT64) -> StackConstruction:
    """The floor(log2 n) layers of two heads, of dimension 2, that tell one cycle of n vertices from two of n/2.

    A walk in either direction is followed for n/2 steps, and closes just if the cycle has n/2 vertices. A walk is at a
    vertex and has come from one of its two neighbours; of the token that is looked up, the direction that does not lead
    back there is followed. The neighbours are read off the row of the adjacency matrix, by the map before the first
    layer.

    Args:
        vertices: n, even and from 6.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if the vertices are out of this range, or there is no such precision.

    Source: pointer doubling, as for `induction_heads_stack`; this construction is ours.

    >>> print(cycles_stack(8))
    one cycle of 8 vertices or two of 4: 3 layers of attention (dimension 2, 2 heads, stream of 20, float64)
    """
    task = OneOrTwoCycles(vertices)
    n = task.vertices
    axes = np.eye(20)
    lookup = _lookup(n, [axes[4:6], axes[12:14]], axes[:2], axes[2:], n, precision)
    digits = [bool(n // 2 >> digit & 1) for digit in range((n // 2).bit_length())]
    return CyclesConstruction(task, AttentionStack(tuple(StackLayer(lookup, WalkOn(n, digit)) for digit in digits)))


@checked
def stack_for(task: Task, *, precision: PrecisionLike = FLOAT64) -> StackConstruction:
    """The stack of attention that solves a task.

    Args:
        task: `InductionHeads`, `FunctionComposition` or `OneOrTwoCycles`.
        precision: a `Precision`, or what `precision_of` makes one from.

    Raises:
        TensorRankError: if no stack is known for the task, or there is no such precision.

    >>> len(stack_for(FunctionComposition(3)).stack.layers)
    2
    """
    if isinstance(task, InductionHeads):
        return induction_heads_stack(task.tokens, task.symbols, hops=task.hops, precision=precision)
    if isinstance(task, FunctionComposition):
        return composition_stack(task.points, precision=precision)
    if isinstance(task, OneOrTwoCycles):
        return cycles_stack(task.vertices, precision=precision)
    known = ", ".join(kind.__name__ for kind in STACKED)
    raise TensorRankError(f"no stack of attention is known here for {shown(task)}; expected one of {known}")


def _lookup(
    places: int, pointers: list[Floats], position: Floats, values: Floats, numbers: int, precision: PrecisionLike
) -> AttentionUnit:
    """A head for each pointer, which reads values of the token that it names; outputs stand one behind the other."""
    share = math.sqrt(sharpness(places, math.log(2 * places * numbers)) / 2)
    heads, height = len(pointers), len(values)
    read = np.zeros((heads, heads * height, values.shape[1]))
    for head in range(heads):
        read[head, head * height : (head + 1) * height] = values
    keys = share * np.array([position] * heads)
    return AttentionUnit(share * np.array(pointers), (keys,), (read,), precision=precision_of(precision))


def _written(stream: Floats, numbers: dict[int, tuple[Integers, int]]) -> Floats:
    """A copy of the stream in which whole numbers modulo some M are written from given coordinates on, as points."""
    changed = stream.copy()
    for start, (held, modulus) in numbers.items():
        changed[..., start : start + 2] = points(held, modulus)
    return changed
