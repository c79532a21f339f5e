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
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.function_composition import FunctionComposition
from tensorrank.tasks.induction_heads import InductionHeads
from tensorrank.tasks.one_or_two_cycles import OneOrTwoCycles
from tensorrank.units.attention_stack import AttentionStack, StackLayer
from tensorrank.units.attention_unit import AttentionUnit
from tensorrank.units.match_units import decoded, points, sharpness
from tensorrank.units.precision import FLOAT64, PrecisionLike, precision_of

_ENTRY = 8
# Bytes that are worked on at a time.
_BATCH = 2**25


@checked
@dataclass(frozen=True, eq=False)
class StackConstruction(ShortRepr):
    """A stack of attention that solves a task with one answer.

    Attributes:
        task: the task.
        stack: the layers.
        tokens: how many tokens an input becomes.
        embed: makes inputs, as `task.solve` takes them, into streams (count, tokens, width), token by token.
        read: the answers, (count,), from the streams behind the last layer.
    """

    task: InductionHeads | FunctionComposition | OneOrTwoCycles
    stack: AttentionStack
    tokens: int
    embed: Callable[[Integers], Floats]
    read: Callable[[Floats], NDArray[Any]]

    def __str__(self) -> str:
        return f"{self.task}: {self.stack}"

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
        given, heads = np.asarray(inputs), self.stack.heads
        each = _ENTRY * self.tokens * (4 * self.stack.width * (1 + heads) + 3 * heads * self.tokens)
        refuse_beyond(memory_limit(memory), each, f"{self.stack} over {self.tokens} tokens", "a smaller size")
        step = max(1, _BATCH // each)
        parts = [self.read(self.stack.run(self.embed(given[at : at + step]))) for at in range(0, max(1, len(given)), step)]
        return np.concatenate(parts)

    def work(self) -> float:
        """The operations that one input takes."""
        return self.stack.work(self.tokens)


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

    Source: Sanford, Hsu and Telgarsky (arXiv 2402.09268), who show that floor(log2 k) + 2 layers of constant dimension
    suffice; this construction and its constants are ours.

    >>> print(induction_heads_stack(8, 4, hops=5))
    5-hop induction heads over 4 symbols: 4 layers of attention (dimension 3, 1 head, stream of 11, float64)
    """
    task = InductionHeads(tokens, symbols, hops=hops)
    if not task.hops:
        raise TensorRankError("hops is 0; expected a whole number of at least 1, for without a hop no attention is needed")
    n, s, places = task.tokens, task.symbols, task.tokens + 1
    axes = np.eye(11)
    token, (place, blank, one), position, pointer, answer = axes[:2], axes[2:5], axes[5:7], axes[7:9], axes[9:]
    delta = math.log(2 * n * places)
    scale = s**2 / 8 * places * delta
    share = math.sqrt(scale)
    occurrence = AttentionUnit(
        share * np.array([[*token, one]]),
        (share * np.array([[*token, n * delta / scale * place + blank]]),),
        (position[None],),
        precision=precision_of(precision),
    )

    def behind(stream: Floats, found: Floats) -> Floats:
        last = decoded(found, places)
        return _written(stream, {7: (np.where(last > 0, last + 1, 0), places)})

    def hop(also: bool) -> Callable[[Floats, Floats], Floats]:
        def update(stream: Floats, found: Floats) -> Floats:
            written = {7: (decoded(found[..., :2], places), places)}
            return _written(stream, written | ({9: (decoded(found[..., 2:], s + 1), s + 1)} if also else {}))

        return update

    lookup = _lookup(places, [pointer], position, np.concatenate([pointer, answer]), max(places, s + 1), precision)
    digits = [bool(task.hops >> digit & 1) for digit in range(task.hops.bit_length())]
    layers = (StackLayer(occurrence, behind, earlier=True), *(StackLayer(lookup, hop(digit)) for digit in digits))

    def embed(words: Integers) -> Floats:
        stream = np.zeros((len(words), places, 11))
        stream[:, 1:, :2] = points(words, s)
        stream[:, :, 2] = np.arange(places) / n
        stream[:, 0, 3] = stream[:, :, 4] = 1
        return _written(stream, {5: (np.arange(places), places), 9: (np.pad(words + 1, ((0, 0), (1, 0))), s + 1)})

    return StackConstruction(task, AttentionStack(layers), places, embed, lambda stream: decoded(stream[:, -1, 9:], s + 1))


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
    n, sites = task.points, task.sites
    axes = np.eye(6)
    position, value, pointer = axes[:2], axes[2:4], axes[4:]
    lookup = _lookup(sites, [pointer], position, value, sites, precision)

    def found_after(start: int) -> Callable[[Floats, Floats], Floats]:
        return lambda stream, found: _written(stream, {4: (decoded(found, sites) + start, sites)})

    def embed(words: Integers) -> Floats:
        asked = np.zeros_like(words)
        asked[:, -1] = words[:, -1]
        written = {0: (np.arange(sites), sites), 2: (words, sites), 4: (asked, sites)}
        return _written(np.zeros((len(words), sites, 6)), written)

    layers = (StackLayer(lookup, found_after(n)), StackLayer(lookup, found_after(0)))
    return StackConstruction(task, AttentionStack(layers), sites, embed, lambda stream: decoded(stream[:, -1, 4:], sites))


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

    Source: pointer doubling, as for k-hop induction heads in Sanford, Hsu and Telgarsky (arXiv 2402.09268); this
    construction is ours.

    >>> print(cycles_stack(8))
    one cycle of 8 vertices or two of 4: 3 layers of attention (dimension 2, 2 heads, stream of 20, float64)
    """
    task = OneOrTwoCycles(vertices)
    n = task.vertices
    axes = np.eye(20)
    # From 0 the position, from 2 the first neighbour; from 4 and from 12, for either direction, where a walk is and has
    # come from, then the same of a result.
    lookup = _lookup(n, [axes[4:6], axes[12:14]], axes[:2], axes[2:], n, precision)

    def step(also: bool) -> Callable[[Floats, Floats], Floats]:
        def update(stream: Floats, found: Floats) -> Floats:
            written = {}
            for direction in range(2):
                read = decoded(found.reshape(*found.shape[:2], 2, 9, 2)[:, :, direction], n)
                came_from = decoded(stream[..., 6 + 8 * direction : 8 + 8 * direction], n)
                ahead = np.where(read[..., 0] != came_from, 0, 1)[..., None]
                # The walks and results of both directions of the token that was read, four numbers each.
                both = read[..., 1:].reshape(*read.shape[:2], 2, 4)
                chosen = np.take_along_axis(both, ahead[..., None], axis=2)[..., 0, :]
                for number in range(4 if also else 2):
                    written[4 + 8 * direction + 2 * number] = (chosen[..., number], n)
            return _written(stream, written)

        return update

    digits = [bool(n // 2 >> digit & 1) for digit in range((n // 2).bit_length())]
    layers = tuple(StackLayer(lookup, step(digit)) for digit in digits)

    def embed(graphs: Integers) -> Floats:
        first, second = np.moveaxis(np.nonzero(graphs)[2].reshape(len(graphs), n, 2), -1, 0)
        own = np.broadcast_to(np.arange(n), first.shape)
        numbers = [own, first, first, own, own, second, second, own, own, first]
        return _written(np.zeros((len(graphs), n, 20)), {2 * place: (held, n) for place, held in enumerate(numbers)})

    def read(stream: Floats) -> NDArray[Any]:
        return np.asarray(decoded(stream[:, -1, 8:10], n) != n - 1)

    return StackConstruction(task, AttentionStack(layers), n, embed, read)


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
