"""q-sparse averaging: each token asks for the average of q tokens that it names."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.given_arrays import as_floats
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.communication import CommunicationMatrix, Side, refuse_bits, refuse_many_sites, refuse_matrix
from tensorrank.tasks.task import Examples, assignments, balanced_labels, checked_whole_numbers, in_words
from tensorrank.tasks.token_sets import checked_sizes, random_sets

# Values on the far side beyond which no matrix fits, and binomial coefficients take long.
_MOST_FAR = 1000


@checked
@dataclass(frozen=True, eq=False)
class SparseInputs(ShortRepr, EqualByValue):
    """Inputs of sparse averaging: what each token holds, and which tokens it asks for.

    Attributes:
        values: z, (count, N, d'), finite real numbers.
        chosen: y, (count, N, q): for each token the q tokens it asks for, ascending numbers from 0 to N - 1.

    Raises:
        TensorRankError: if the shapes do not fit, a value is not finite, or a choice is not ascending or out of range.

    >>> SparseInputs([[[0.5], [-1.0]]], [[[1], [0]]]).chosen.shape
    (1, 2, 1)
    """

    values: Floats
    chosen: Integers

    def __post_init__(self) -> None:
        # A copy, as no array is kept that the caller may change.
        values = as_floats(self.values, "the values", finite=True).copy()
        if values.ndim != 3:
            raise TensorRankError(f"values have the shape {values.shape}; expected (count, N, dimension)")
        count, tokens = values.shape[:2]
        layout = f"({count}, {tokens}, q), choices for each of the tokens whose values have the shape {values.shape}"
        chosen = checked_whole_numbers("chosen", self.chosen, (count, tokens, None), tokens - 1, layout)
        unordered = np.argwhere((np.diff(chosen, axis=2) <= 0).any(axis=2))
        if len(unordered):
            place = tuple(int(i) for i in unordered[0])
            raise TensorRankError(f"chosen hold {chosen[place].tolist()} at {place}; expected different numbers, ascending")
        object.__setattr__(self, "values", values)
        object.__setattr__(self, "chosen", chosen)


def check_sparse_inputs(inputs: Any, tokens: int, sparsity: int, dimension: int | None = None) -> None:
    """Raise an error if the inputs are no `SparseInputs` of this N, q and d', where None stands for any d'."""
    if not isinstance(inputs, SparseInputs):
        raise TensorRankError(f"inputs are a {type(inputs).__name__}; expected SparseInputs(values, chosen)")
    given = (*inputs.values.shape[1:], inputs.chosen.shape[2])
    expected = (tokens, dimension or given[1], sparsity)
    if given != expected:
        raise TensorRankError(f"inputs have (tokens, dimension, sparsity) {given}; expected {expected}")


@checked
@dataclass(frozen=True)
class SparseAveraging(ShortRepr):
    """q-sparse averaging (qSA): token i holds z_i in R^d' and q token numbers y_i, and answers the mean of z over y_i.

    Args:
        tokens: N.
        sparsity: q, how many tokens each token asks for.
        dimension: d', of the values.

    For communication, sites 0..N-1 are the values of the tokens, each 0 or 1, and site N is the choice of the one
    token that asks. Let all values be on side A, and 1 <= q < N. The sums have a small rank: N over the rationals, and
    over GF(p) too, unless p divides q, when it is N - 1. Yet the 2^N rows are all different. Only the thresholded task,
    whether any chosen value is 1, is hard by its rank, which is binom(N, q) over every field. For each of its columns
    is the difference of two columns of the disjointness matrix, which is regular: the column of the empty set, and that
    of the chosen tokens.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or q exceeds N.

    Source: Sanford, Hsu and Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023,
    arXiv 2306.02896).

    >>> task = SparseAveraging(tokens=3, sparsity=2)
    >>> task.solve(SparseInputs([[[1.0], [0.0], [5.0]]], [[[0, 1], [0, 2], [1, 2]]]))
    array([[[0.5], [3. ], [2.5]]])
    >>> task.communication().entries.tolist()  # choices {0, 1}, {0, 2} and {1, 2}
    [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 2], [1, 1, 0], [1, 2, 1], [2, 1, 1], [2, 2, 2]]
    """

    tokens: int
    sparsity: int
    _: KW_ONLY
    dimension: int = 1

    def __post_init__(self) -> None:
        tokens, sparsity = checked_sizes(self.tokens, self.sparsity)
        dimension = whole_number("dimension", self.dimension, 1)
        for name, number in (("tokens", tokens), ("sparsity", sparsity), ("dimension", dimension)):
            object.__setattr__(self, name, number)

    def __str__(self) -> str:
        return f"sparse averaging of {self.sparsity} out of {self.tokens} tokens"

    @property
    def sites(self) -> int:
        """N + 1: the values of the tokens, and the choice of the one that asks."""
        return self.tokens + 1

    def solve(self, inputs: SparseInputs) -> Floats:
        """The averages of all tokens, (count, N, d').

        Raises:
            TensorRankError: if the inputs are of another N, q or d'.
        """
        check_sparse_inputs(inputs, self.tokens, self.sparsity, self.dimension)
        each = np.arange(len(inputs.values))[:, None]
        sums = sum(inputs.values[each, inputs.chosen[:, :, place]] for place in range(self.sparsity))
        return np.asarray(sums / self.sparsity)

    def random_inputs(self, count: int, seed: int | np.random.Generator = 0) -> SparseInputs:
        """Values uniform in the unit ball, choices uniform.

        Raises:
            TensorRankError: if the count is not a whole number of at least 1, or the inputs would not fit the memory.
        """
        rng = random_stream(seed)
        size = self._affordable(count)
        directions = rng.standard_normal((size, self.tokens, self.dimension))
        directions /= np.linalg.norm(directions, axis=2, keepdims=True)
        radii = rng.random((size, self.tokens, 1)) ** (1 / self.dimension)
        return SparseInputs(directions * radii, self._random_choices(size, rng))

    def examples(self, count: int, seed: int | np.random.Generator = 0) -> Examples[SparseInputs]:
        """Random inputs with the answers of the thresholded task for the last token: is a chosen coordinate 0 positive?

        All coordinates are 1 or -1 (divided by the square root of d', so that values lie in the unit ball). For the
        label 0 those chosen by the last token have coordinate 0 negative; for the label 1 exactly one of them has not.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.

        Raises:
            TensorRankError: if the count is not a whole number of at least 1, or the inputs would not fit the memory.
        """
        rng = random_stream(seed)
        labels = balanced_labels(self._affordable(count), rng)
        every = np.arange(len(labels))
        chosen = self._random_choices(len(labels), rng)
        signs = rng.choice([-1.0, 1.0], (len(labels), self.tokens, self.dimension))
        signs[every[:, None], chosen[:, -1], 0] = -1
        signs[every, chosen[every, -1, rng.integers(self.sparsity, size=len(labels))], 0] += 2 * labels
        return Examples(SparseInputs(signs / np.sqrt(self.dimension), chosen), labels, self.tokens - 1)

    def communication(
        self, partition: PartitionLike | None = None, *, thresholded: bool = False, memory: int | str | None = None
    ) -> CommunicationMatrix:
        """The sum of the chosen values, q times the average, at all inputs of either side; values are 0 or 1.

        The side of the choice has a row (or column) for each part of the choice that falls on the other side, together
        with each sum of the chosen values on its own side: the other side tells no more apart.

        Args:
            partition: of sites 0..N-1, the values, and N, the choice; values against choice by default.
            thresholded: whether the value is 1 if any chosen value is 1, and 0 otherwise, instead of the sum.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if it is no bipartition of N + 1 sites.
            TensorRankError: if the matrix would not fit the memory limit.
        """
        refuse_many_sites(self.sites, str(self))
        split = checked_partition(self.sites, range(self.tokens) if partition is None else partition)
        rows = self.tokens in split.a
        asks, answers = (split.a, split.b) if rows else (split.b, split.a)
        own, far = len(asks) - 1, len(answers)
        parts = self._parts(own, far, thresholded)
        what = f"thresholded {self}" if thresholded else str(self)
        if far > _MOST_FAR:
            refuse_bits(memory, far, f"a row or column of the matrix of {what}")
        classes = sum(comb(far, size) * (most + 1) for size, most in parts)
        shape = (classes, 1 << far) if rows else (1 << far, classes)
        refuse_matrix(memory, *shape, f"the matrix of {what}")
        sums = _sums(far, parts)
        entries = (sums >= 1 if thresholded else sums).astype(np.int64)
        raw = (comb(self.tokens, self.sparsity) << own, 1 << far)
        question: Side = "rows" if rows else "columns"
        data: Side = "columns" if rows else "rows"
        return CommunicationMatrix(
            entries if rows else np.ascontiguousarray(entries.T),
            *(raw if rows else raw[::-1]),
            what,
            (self._held(split.a), self._held(split.b)),
            query=None if own else question,
            linear=None if own or thresholded else data,
        )

    def matrices(
        self, partition: PartitionLike | None = None, *, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of the sum of the chosen values, and of whether any of them is 1.

        Arguments and errors are those of `communication`.
        """
        return {
            "sum of the chosen": self.communication(partition, memory=memory),
            "is any chosen 1?": self.communication(partition, thresholded=True, memory=memory),
        }

    def _parts(self, own: int, far: int, thresholded: bool) -> list[tuple[int, int]]:
        """Pairs of a number of chosen tokens on the far side, and the largest sum of the others that matters."""
        sizes = range(max(0, self.sparsity - own), min(self.sparsity, far) + 1)
        return [(size, min(self.sparsity - size, 1) if thresholded else self.sparsity - size) for size in sizes]

    def _held(self, sites: tuple[int, ...]) -> str:
        data = [site for site in sites if site < self.tokens]
        words = [in_words("value", data)] if data else []
        return " and ".join(words + ["the choice"] * (self.tokens in sites))

    def _affordable(self, count: int) -> int:
        """The count, if so many inputs fit the memory, made in two steps and copied once."""
        size, limit = whole_number("count", count, 1), memory_limit(None)
        needed = 2 * np.dtype(np.int64).itemsize * size * self.tokens * (self.sparsity + self.dimension)
        refuse_beyond(limit, needed, f"{size} inputs of {self}", "fewer inputs or tokens")
        return size

    def _random_choices(self, count: int, rng: np.random.Generator) -> Integers:
        sets = random_sets(self.tokens, self.sparsity, count * self.tokens, rng)
        return sets.reshape(count, self.tokens, self.sparsity)


@checked
def disjointness_in_sparse_averaging(
    length: int, *, thresholded: bool = False, memory: int | str | None = None
) -> CommunicationMatrix:
    """Set disjointness as sparse averaging of 2n tokens, n of them chosen: the reduction of S23.

    Side A asks: its bits a choose the tokens 2i + a_i. Side B holds the values: -1 for token 2i, and for token 2i + 1
    its bit b_i as 1 or -1. The sum of the chosen values is then 2 <a, b> - n, so that averages with an error of less
    than 1 / n tell whether the sets meet. As a number its rank is only n + 1 over the rationals; whether it exceeds -n,
    that is whether the sets meet, has rank 2^n - 1.

    Args:
        length: n.
        thresholded: whether the values are 1 where the sum exceeds -n, and 0 otherwise, instead of the sum.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

    Returns:
        A row for each a, a column for each b, in lexicographic order.

    Raises:
        TensorRankError: if the length is not a whole number of at least 1, or the matrix would not fit the memory.

    Source: Sanford, Hsu and Telgarsky (NeurIPS 2023), the lower bound on m p for sparse averaging.

    >>> disjointness_in_sparse_averaging(1).entries
    array([[-1, -1],
           [-1,  1]])
    """
    n = whole_number("length", length, 1)
    what = f"{'thresholded ' if thresholded else ''}sparse averaging of {n} out of {2 * n} tokens, as disjointness"
    refuse_bits(memory, 2 * n, f"the matrix of {what}")
    words = 2**n
    entries = np.zeros((words, words), dtype=np.int8)
    for bits in assignments(range(n)).values():
        # The values of tokens 2i and 2i + 1 for each b, of which each a chooses one.
        values = np.stack([np.full(words, -1, dtype=np.int8), 2 * bits.astype(np.int8) - 1])
        entries += values[bits]
    result = (entries > -n if thresholded else entries).astype(np.int64)
    return CommunicationMatrix(result, words, words, what, ("the choice", in_words("value", range(2 * n))), query="rows")


def _sums(far: int, parts: list[tuple[int, int]]) -> NDArray[np.unsignedinteger]:
    """The sums of the chosen values: a column for each assignment of bits to the far side.

    There is a row for each part of a choice on the far side, together with each sum of the other chosen values.
    """
    chosen = [(part, others) for size, most in parts for part in combinations(range(far), size) for others in range(most + 1)]
    values = assignments(range(far))
    largest = max(size + most for size, most in parts)
    sums: NDArray[np.unsignedinteger] = np.empty((len(chosen), 2**far), dtype=np.min_scalar_type(largest))
    for row, (part, others) in zip(sums, chosen, strict=True):
        row[:] = others
        for place in part:
            row += values[place]
    return sums
