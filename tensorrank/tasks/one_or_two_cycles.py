"""One cycle or two: a graph is given by the rows of its adjacency matrix, a task with a promise."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.communication import CommunicationMatrix, refuse_many_sites
from tensorrank.tasks.promises import Promise, all_kept
from tensorrank.tasks.task import Examples, balanced_labels, checked_whole_numbers
from tensorrank.whole_numbers import as_ranges

# A graph while it is listed: its rows, their numbers on either side, and what sorting takes.
_BYTES_PER_GRAPH = 100
# Beyond this many vertices the number of graphs has more digits than one waits for.
_MOST_VERTICES = 1000


@checked
@dataclass(frozen=True)
class OneOrTwoCycles(ShortRepr):
    """The task of one cycle against two: is a graph of n vertices one cycle, or two cycles of n/2 vertices each?

    Args:
        vertices: n, even and at least 6.

    Sites are the vertices; the token of a vertex is its row of the adjacency matrix. The answer is 1 for one cycle. No
    other graph is asked about: this is a promise, and `solve` refuses what breaks it.

    A pair of inputs of both sides that breaks the promise has no value, so that a matrix of all inputs would have gaps.
    `communication` therefore restricts both sides to inputs of which *every* pair keeps the promise. Ranks, different
    rows and VC dimension of that part are lower bounds on what the whole task needs, and no more.

    Raises:
        TensorRankError: if the number of vertices is not whole, odd, or less than 6.

    Source: Sanford, Hsu and Telgarsky, Transformers, parallel computation, and logarithmic depth (ICML 2024, arXiv
    2402.09268), on the conjecture that one cycle is not told from two in few rounds of parallel computation; rows of
    the adjacency matrix as tokens, Yehudai et al. (arXiv 2503.01805), of which only the abstract could be read.

    >>> task = OneOrTwoCycles(8)
    >>> task.communication().entries
    array([[0, 1, 1],
           [1, 0, 1],
           [1, 1, 0]], dtype=uint8)
    """

    vertices: int

    def __post_init__(self) -> None:
        number = whole_number("vertices", self.vertices, 6)
        if number % 2:
            raise TensorRankError(
                f"vertices is {number}; expected an even number from 6, for two cycles of half as many vertices each"
            )
        object.__setattr__(self, "vertices", number)

    def __str__(self) -> str:
        return f"one cycle of {self.vertices} vertices or two of {self.vertices // 2}"

    @property
    def sites(self) -> int:
        """The vertices, n."""
        return self.vertices

    def same_splits(self, side: PartitionLike) -> Hashable:
        """How many vertices side A holds: renaming vertices changes no answer.

        Args:
            side: the sites of side A.

        Raises:
            PartitionError: if they are no side of a bipartition.
        """
        return len(checked_partition(self.sites, side).a)

    def solve(self, inputs: ArrayLike) -> NDArray[np.bool_]:
        """Whether each graph is one cycle.

        Args:
            inputs: (count, n, n) of 0 and 1, adjacency matrices.

        Returns:
            (count,) answers.

        Raises:
            TensorRankError: if inputs are of another shape, hold anything but 0 and 1, or a graph is neither one cycle
                of n vertices nor two of n/2.
        """
        n = self.vertices
        graphs = checked_whole_numbers("inputs", inputs, (None, n, n), 1, f"(count, {n}, {n}), adjacency matrices")
        cycles = (graphs == graphs.swapaxes(1, 2)).all(axis=(1, 2)) & (graphs.sum(axis=2) == 2).all(axis=1)
        cycles &= ~graphs.diagonal(axis1=1, axis2=2).any(axis=1)
        lengths = np.zeros((len(graphs), n), dtype=np.int64)
        lengths[cycles] = _cycle_lengths(graphs[cycles])
        one, two = (lengths == n).all(axis=1), (lengths == n // 2).all(axis=1)
        broken = np.flatnonzero(~(one | two))
        if len(broken):
            raise TensorRankError(
                f"graph {broken[0]} is neither one cycle of {n} vertices nor two of {n // 2}; nothing else is asked about"
            )
        return np.asarray(one)

    def all_inputs(self, *, memory: int | str | None = None) -> Integers:
        """All graphs of the promise, (graphs, n, n), as adjacency matrices; those of one cycle first.

        Raises:
            TensorRankError: if they would not fit the memory limit.
        """
        self._refuse_all(memory)
        neighbours, _ = _all_graphs(self.vertices)
        return neighbours[:, :, None] >> np.arange(self.vertices) & 1

    def examples(self, count: int, seed: int | np.random.Generator = 0) -> Examples[Integers]:
        """Random graphs of which one half are one cycle.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.

        Raises:
            TensorRankError: if the count is not a whole number of at least 1, or the graphs would not fit the memory.
        """
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        n = self.vertices
        what = f"{len(labels)} graphs of {shown(n)} vertices"
        refuse_beyond(memory_limit(None), 16 * len(labels) * n * n, what, "fewer vertices or graphs")
        order = rng.random((len(labels), n)).argsort(axis=1)
        # Vertices in a row are joined, and the last one with the first, of all or of either half.
        half = np.roll(order.reshape(len(labels), 2, n // 2), -1, axis=2).reshape(order.shape)
        following = np.where(labels[:, None], np.roll(order, -1, axis=1), half)
        graphs = np.zeros((len(labels), n, n), dtype=np.int64)
        every = np.arange(len(labels))[:, None]
        graphs[every, order, following] = graphs[every, following, order] = 1
        return Examples(graphs, labels)

    def communication(self, partition: PartitionLike | None = None, *, memory: int | str | None = None) -> CommunicationMatrix:
        """The answers at inputs of either side of which every pair keeps the promise.

        Both sides agree about the edges between them. Among the inputs with the same edges between, those with the most
        undefined pairs are left out one by one, until every pair is a graph of the promise; of all that is found so,
        the part with the most different rows and columns is taken.

        Args:
            partition: of the vertices, any; halves by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            A part of the matrix without gaps: numbers that it has are lower bounds for the whole task.

        Raises:
            PartitionError: if it is no bipartition of the vertices.
            TensorRankError: if the graphs would not fit the memory limit.
        """
        refuse_many_sites(self.vertices, str(self))
        split = checked_partition(self.vertices, partition)
        self._refuse_all(memory)
        entries = all_kept(self._promise(split.a, split.b))
        rows, columns = entries.shape
        sides = (_held(split.a), _held(split.b))
        task = f"{self}, where every pair keeps the promise"
        return CommunicationMatrix(entries, rows, columns, task, sides, whole=False)

    def matrices(
        self, partition: PartitionLike | None = None, *, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrix of the task, where every pair keeps the promise.

        Arguments and errors are those of `communication`.
        """
        return {"one cycle?": self.communication(partition, memory=memory)}

    def _refuse_all(self, memory: int | str | None) -> None:
        """Raise an error if all graphs need more memory than they may use."""
        needed = _BYTES_PER_GRAPH * self.vertices * _number_of_graphs(self.vertices)
        refuse_beyond(memory_limit(memory), needed, f"all graphs of {self}", "fewer vertices, or give more memory")

    def _promise(self, a: Sequence[int], b: Sequence[int]) -> Promise:
        """The graphs of the promise, seen from both sides, but for those that only rename the vertices of a side.

        For every other graph there is one in whose order neither side's vertices have more and more edges across.
        """
        neighbours, single = _all_graphs(self.vertices)
        left, right = neighbours[:, list(a)], neighbours[:, list(b)]
        across = left & sum(1 << site for site in b)
        back = right & sum(1 << site for site in a)
        degrees = [sum(edges >> vertex & 1 for vertex in range(self.vertices)) for edges in (across, back)]
        falling = [(np.diff(of_side, axis=1) <= 0).all(axis=1) for of_side in degrees]
        kept = falling[0] & falling[1]
        return Promise(left[kept], right[kept], across[kept], single[kept])


def _held(side: Sequence[int]) -> str:
    return f"the row{'s' * (len(side) > 1)} of vert{'ices' if len(side) > 1 else 'ex'} {as_ranges(sorted(side))}"


def _number_of_graphs(vertices: int) -> int:
    """How many graphs keep the promise; of very many vertices, a number that no memory holds either.

    >>> _number_of_graphs(6), _number_of_graphs(8)
    (70, 2835)
    """
    n = min(vertices, _MOST_VERTICES)
    half = math.factorial(n // 2 - 1) // 2
    return math.factorial(n - 1) // 2 + math.comb(n, n // 2) // 2 * half**2


def _all_graphs(vertices: int) -> tuple[Integers, NDArray[np.bool_]]:
    """The neighbours of each vertex, as the bits of a number, in all graphs of the promise, and which are one cycle."""
    everything = tuple(range(vertices))
    single = _neighbours(_cycles(everything), vertices)
    parts = [
        _neighbours(_cycles(first), vertices)[:, None] + _neighbours(_cycles(others), vertices)
        for first in combinations(everything, vertices // 2)
        if first[0] == 0
        for others in [tuple(vertex for vertex in everything if vertex not in first)]
    ]
    double = np.concatenate([part.reshape(-1, vertices) for part in parts])
    return np.concatenate([single, double]), np.arange(len(single) + len(double)) < len(single)


def _cycles(vertices: Sequence[int]) -> Integers:
    """All cycles through these vertices, each as its vertices in order, from the first on and in one direction."""
    first, *others = vertices
    return np.array([(first, *order) for order in permutations(others) if order[0] < order[-1]], dtype=np.int64)


def _neighbours(cycles: Integers, vertices: int) -> Integers:
    """The neighbours of each of so many vertices in each cycle, as the bits of a number: none outside the cycle."""
    found = np.zeros((len(cycles), vertices), dtype=np.int64)
    bits = 1 << np.roll(cycles, 1, axis=1) | 1 << np.roll(cycles, -1, axis=1)
    np.put_along_axis(found, cycles, bits, axis=1)
    return found


def _cycle_lengths(graphs: Integers) -> Integers:
    """The length of the cycle of each vertex in graphs (count, n, n) whose vertices have two neighbours: (count, n)."""
    count, n = graphs.shape[:2]
    neighbours = np.nonzero(graphs)[2].reshape(count, n, 2)
    every, start = np.arange(count)[:, None], np.arange(n)
    before, at = np.broadcast_to(start, (count, n)), neighbours[:, :, 0]
    lengths = np.zeros((count, n), dtype=np.int64)
    for steps in range(1, n + 1):
        lengths[(at == start) & (lengths == 0)] = steps
        one, other = np.moveaxis(neighbours[every, at], -1, 0)
        before, at = at, np.where(one == before, other, one)
    return lengths
