"""Tasks on tokens that are residues modulo M: their inputs, examples and matrices, and who holds which token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

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
from tensorrank.tasks.communication import CommunicationMatrix, Side, refuse_many_sites, refuse_matrix
from tensorrank.tasks.residue_sets import check_modulus
from tensorrank.tasks.task import Examples, all_words, balanced_labels, checked_token, checked_whole_numbers, in_words

# How many numbers a solution keeps at once, unless a single input needs more; and the largest modulus.
TABLE = 2**22
_LARGEST_MODULUS = 2**24
# A random residue, and what stands beside it while it is drawn.
_BYTES_PER_RESIDUE = 40


@checked
@dataclass(frozen=True)
class ResidueTask(ShortRepr, ABC):
    """A task on N tokens x_0..x_(N-1), residues modulo M, with a yes or no for each of them.

    Args:
        tokens: N.
        modulus: M.

    For communication the sites are the tokens, or all but the asking one where that is public (an anchor).

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the modulus is more than 2^24.
    """

    tokens: int
    modulus: int

    def __post_init__(self) -> None:
        for name in ("tokens", "modulus"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), 1))
        if self.modulus > _LARGEST_MODULUS:
            raise TensorRankError(
                f"the modulus is {self.modulus}; expected at most 2^24, since solutions keep tables of all residues"
            )

    @property
    def sites(self) -> int:
        """N, the tokens."""
        return self.tokens

    def all_inputs(self, *, memory: int | str | None = None) -> Integers:
        """All M^N inputs, (M^N, N), in lexicographic order.

        Raises:
            TensorRankError: if they would not fit the memory limit.
        """
        return all_words(self.modulus, self.tokens, f"the inputs of {self} with {self.tokens} tokens", memory)

    def checked_inputs(self, inputs: ArrayLike) -> Integers:
        """The inputs, of shape (count, N), if they are residues of so many tokens; an error otherwise."""
        layout = f"(count, {self.tokens}), a residue for each token"
        return checked_whole_numbers("inputs", inputs, (None, self.tokens), self.modulus - 1, layout)

    def solve(self, inputs: ArrayLike) -> NDArray[np.bool_]:
        """The answers for all tokens, (count, N), from the definition.

        Args:
            inputs: (count, N) residues 0..M-1.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but residues.
        """
        return self._answers(self.checked_inputs(inputs))

    def examples(self, count: int, seed: int | np.random.Generator = 0, *, asking: int | None = None) -> Examples[Integers]:
        """Random inputs, one half without a match for the asking token, the others with one token changed to match.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.
            asking: the token whose answers are the labels; the last by default.

        Raises:
            TensorRankError: if no input has one of the labels, the count is not a whole number of at least 1, there is
                no such token, or the inputs would not fit the memory.
        """
        missing = self._missing_label()
        if missing:
            raise TensorRankError(f"{self} has no {missing}")
        asks, rng = self.token(asking), random_stream(seed)
        labels = balanced_labels(count, rng)
        what = f"{len(labels)} inputs of {shown(self.tokens)} tokens"
        refuse_beyond(memory_limit(None), _BYTES_PER_RESIDUE * len(labels) * self.tokens, what, "fewer tokens or inputs")
        return Examples(self._random_inputs(labels, asks, rng), labels, asks)

    def communication(
        self,
        partition: PartitionLike | None = None,
        *,
        anchor: int | None = None,
        asking: int | None = None,
        memory: int | str | None = None,
    ) -> CommunicationMatrix:
        """The answers of the asking token at all inputs of either side.

        Inputs of a side that no answer tells apart share a row (or column). The side that holds the asking token has
        rows (or columns) of its own for each residue of that token.

        Args:
            partition: of the tokens, or with an anchor, of all but the asking one, in their order. By default their
                halves; for Match2 without an anchor, the asking token against all others.
            anchor: the residue of the asking token where it is public: both sides know it, at its place.
            asking: the token that asks; the last by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if it is no bipartition of N sites (N - 1 with an anchor).
            TensorRankError: if there is no such token or residue, M is more than 62, or the matrix would not fit.
        """
        check_modulus(self.modulus)
        refuse_many_sites(self.tokens, f"{self} with {self.tokens} tokens")
        asks = self.token(asking)
        if anchor is None:
            split = checked_partition(self.tokens, self._usual_partition(asks) if partition is None else partition)
            return self._matrix(Split(self.modulus, split.a, split.b, asks, None), memory)
        if whole_number("anchor", anchor, 0) >= self.modulus:
            raise TensorRankError(f"the anchor is {anchor}; expected a residue from 0 to {self.modulus - 1}")
        split = checked_partition(self.tokens - 1, partition)
        a, b = (tuple(site + (site >= asks) for site in side) for side in (split.a, split.b))
        return self._matrix(Split(self.modulus, a, b, asks, int(anchor)), memory)

    def matrices(
        self, partition: PartitionLike | None = None, *, anchor: int | None = None, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of interest by what they say, the most telling first.

        Arguments and errors are those of `communication`.
        """
        return {"decision": self.communication(partition, anchor=anchor, memory=memory)}

    def token(self, asking: int | None) -> int:
        """The number of the asking token, if it is one of 0..N-1; the last by default."""
        return self.tokens - 1 if asking is None else checked_token(asking, self.tokens)

    @abstractmethod
    def _answers(self, inputs: Integers) -> NDArray[np.bool_]:
        """The answers for all tokens, (count, N)."""

    @abstractmethod
    def _missing_label(self) -> str:
        """The label that no input has, and why; empty if inputs have both."""

    @abstractmethod
    def _random_inputs(self, labels: NDArray[np.bool_], asks: int, rng: np.random.Generator) -> Integers:
        """Random inputs, (count, N), whose answers for the asking token are the labels."""

    @abstractmethod
    def _matrix(self, split: Split, memory: int | str | None) -> CommunicationMatrix:
        """The communication matrix of tokens that are split so."""

    def _usual_partition(self, asks: int) -> PartitionLike:
        """The partition where none is given and the asking token is not public."""
        return "halves"

    def _times(self, inputs: Integers, width: int, sums: Callable[[Integers], Iterable[Integers]]) -> Integers:
        """Count for each token x_i of the inputs (count, N) the sums of its input that are -x_i modulo M: (count, N).

        An input has `width` sums. The function `sums` makes some of the inputs, (some, N), into parts of their sums,
        (some, any number). Several inputs are only taken together if they have so few sums that one part will do.
        """
        found = np.empty_like(inputs)
        step = max(1, TABLE // max(width, self.modulus))
        for start in range(0, len(inputs), step):
            some = inputs[start : start + step]
            tables = self.modulus * np.arange(len(some))[:, None]
            counts = np.zeros(self.modulus * len(some), dtype=np.int64)
            for part in sums(some):
                counts += np.bincount((tables + part % self.modulus).ravel(), minlength=len(counts))
            found[start : start + step] = counts[tables + -some % self.modulus]
        return found


@dataclass(frozen=True)
class Split:
    """Which tokens either side holds, and who knows the asking one.

    Attributes:
        modulus: M.
        a: the tokens of side A.
        b: the tokens of side B.
        asking: the number of the asking token.
        anchor: the residue of the asking token where it is public, so that neither side counts it; None where a side
            holds it.
    """

    modulus: int
    a: tuple[int, ...]
    b: tuple[int, ...]
    asking: int
    anchor: int | None

    @property
    def values(self) -> tuple[int, ...]:
        """The residues that the asking token can have."""
        return tuple(range(self.modulus)) if self.anchor is None else (self.anchor,)

    def knows(self, side: tuple[int, ...]) -> bool:
        """True if a side knows the residue of the asking token, which it holds or which is public."""
        return self.anchor is not None or self.asking in side

    def others(self, side: tuple[int, ...]) -> list[int]:
        """The tokens of a side without the asking one."""
        return [token for token in side if token != self.asking]

    def matrix(
        self, task: str, rows: int, columns: int, parts: Iterator[NDArray[np.bool_]], memory: int | str | None
    ) -> CommunicationMatrix:
        """The communication matrix of so many rows and columns, if it fits the memory limit.

        The parts are the decisions for each residue of the asking token, made when they are asked for. They stand below
        each other if side A holds that token, and side by side if side B does.
        """
        name = task if self.anchor is None else f"{task}, anchor {self.anchor}"
        refuse_matrix(memory, rows, columns, f"the matrix of {name}")
        entries = np.concatenate(list(parts), axis=1 if self.asking in self.b else 0, dtype=np.int64)
        alone: dict[tuple[int, ...], Side] = {self.a: "rows", self.b: "columns"}
        return CommunicationMatrix(
            entries,
            self.modulus ** len(self.a),
            self.modulus ** len(self.b),
            name,
            (in_words("token", self.a), in_words("token", self.b)),
            query=alone.get((self.asking,)),
        )


def another(token: int | Integers, tokens: int, rng: np.random.Generator, count: int) -> Integers:
    """Random tokens, `count` of them, each other than the given one; the given one itself if there is no other."""
    return np.asarray((token + rng.integers(1, max(tokens, 2), count)) % tokens)
