"""Tasks on words: a symbol at each of several sites, and one answer, whose matrices exist for every bipartition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.communication import CommunicationMatrix, refuse_many_sites, refuse_matrix
from tensorrank.tasks.task import Examples, all_words, balanced_labels, checked_whole_numbers, in_words, words_between

# Symbols of words that are solved at a time, so that what is made of them stays in the cache.
_BATCH = 2**20
# A random symbol, and what stands beside it while it is drawn.
_BYTES_PER_SYMBOL = 40
# Exponents beyond which a power is more than memory can hold, and need not be computed.
_MOST_EXPONENT = 1000


class WordTask(ShortRepr, ABC):
    """A task on words over 0..symbols-1, with one answer, a whole number from 0.

    Attributes:
        question: what is asked where yes or no is wanted.
        accepted: the answer that means yes there.

    Every site has the same symbols, and every word is an input, so that all bipartitions of the sites have a
    communication matrix without gaps.
    """

    question: ClassVar[str]
    accepted: ClassVar[int]

    @property
    @abstractmethod
    def sites(self) -> int:
        """How many symbols a word has."""

    @property
    @abstractmethod
    def alphabet(self) -> int:
        """How many symbols there are."""

    @abstractmethod
    def _answers(self, symbols: Integers) -> Integers:
        """The answers to checked words, a row for each site, (sites, count): whole numbers of shape (count,)."""

    @abstractmethod
    def _random_words(self, labels: NDArray[np.bool_], rng: np.random.Generator) -> Integers:
        """Random words, (count, sites), whose answer is the accepted one just where the label is true."""

    def same_splits(self, side: PartitionLike) -> Hashable:
        """What a split is known by, such that splits of one value have the same matrix but for the order of its lines.

        Args:
            side: the sites of side A.

        Raises:
            PartitionError: if they are no side of a bipartition.
        """
        return checked_partition(self.sites, side).a

    def _usual_partition(self) -> PartitionLike:
        """The partition where none is given."""
        return "halves"

    def _held(self, side: Sequence[int]) -> str:
        """What a side holds, in words."""
        return in_words("token", side)

    def solve(self, inputs: ArrayLike) -> Integers:
        """The answers, from the definition.

        Args:
            inputs: (count, sites) whole numbers, each a symbol.

        Returns:
            (count,) whole numbers.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but symbols.
        """
        layout = f"(count, {self.sites}), a symbol for each site"
        return self._solved(checked_whole_numbers("inputs", inputs, (None, self.sites), self.alphabet - 1, layout))

    def all_inputs(self, *, memory: int | str | None = None) -> Integers:
        """All words, of shape (symbols ** sites, sites), in lexicographic order.

        Raises:
            TensorRankError: if they would not fit the memory limit.
        """
        return all_words(self.alphabet, self.sites, f"the inputs of {self}", memory)

    def examples(self, count: int, seed: int | np.random.Generator = 0) -> Examples[Integers]:
        """Random inputs of which one half has the accepted answer.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.

        Returns:
            Labels that are true where the answer is the accepted one.

        Raises:
            TensorRankError: if the count is not a whole number of at least 1, or the inputs would not fit the memory.
        """
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        what = f"{len(labels)} inputs of {self}"
        refuse_beyond(memory_limit(None), _BYTES_PER_SYMBOL * len(labels) * self.sites, what, "a smaller size or fewer inputs")
        return Examples(self._random_words(labels, rng), labels)

    def communication(self, partition: PartitionLike | None = None, *, memory: int | str | None = None) -> CommunicationMatrix:
        """The answers at all words of side A, a row each, and of side B, a column each.

        Args:
            partition: of the sites, any; the task's own by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            Rows and columns in lexicographic order of the symbols of their side, in the order of the partition.

        Raises:
            PartitionError: if it is no bipartition of the sites.
            TensorRankError: if the matrix would not fit the memory limit.
        """
        refuse_many_sites(self.sites, str(self))
        split = checked_partition(self.sites, self._usual_partition() if partition is None else partition)
        rows, columns = (self.alphabet ** min(len(side), _MOST_EXPONENT) for side in (split.a, split.b))
        refuse_matrix(memory, rows, columns, f"the matrix of {self}")
        entries = self._matrix(split.a, split.b, rows, columns)
        return CommunicationMatrix(entries, rows, columns, str(self), (self._held(split.a), self._held(split.b)))

    def matrices(
        self, partition: PartitionLike | None = None, *, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of the answer, and of the question whether it is the accepted one.

        Arguments and errors are those of `communication`.
        """
        answers = self.communication(partition, memory=memory)
        accepted = (answers.entries == self.accepted).astype(np.uint8)
        return {"answer": answers, self.question: replace(answers, entries=accepted, task=f"{self}: {self.question}")}

    def _matrix(self, a: Sequence[int], b: Sequence[int], rows: int, columns: int) -> Integers:
        """The answers at all pairs of words of both sides, some rows at a time."""
        symbol = np.min_scalar_type(max(self.alphabet, self.sites) + 1)
        right = words_between(self.alphabet, len(b), 0, columns).T.astype(symbol)
        entries = np.empty((rows, columns), dtype=np.min_scalar_type(self.alphabet))
        step = max(1, _BATCH // (columns * self.sites))
        for start in range(0, rows, step):
            left = words_between(self.alphabet, len(a), start, min(rows, start + step)).T.astype(symbol)
            symbols = np.empty((self.sites, left.shape[1], columns), dtype=symbol)
            symbols[list(a)] = left[:, :, None]
            symbols[list(b)] = right[:, None]
            answers = self._answers(symbols.reshape(self.sites, -1))
            entries[start : start + step] = answers.reshape(-1, columns)
        return entries

    def _solved(self, words: Integers) -> Integers:
        """The answers to checked words (count, sites), some at a time."""
        step = max(1, _BATCH // self.sites)
        parts = [self._answers(np.ascontiguousarray(words[start : start + step].T)) for start in range(0, len(words), step)]
        return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)
