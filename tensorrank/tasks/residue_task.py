"""What tasks on tokens that are residues modulo M have in common: their inputs, and who holds which token."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition, checked_partition
from tensorrank.tasks.communication import CommunicationMatrix, Side, refuse_beyond, refuse_many_sites
from tensorrank.tasks.residue_sets import check_modulus
from tensorrank.tasks.task import Integers, all_words, checked_whole_numbers, in_words, prefix

# Numbers that solutions keep at once, unless one input needs more, and the largest modulus for which they do.
TABLE = 2**22
_LARGEST_MODULUS = 2**24


@dataclass(frozen=True)
class ResidueTask:
    """N tokens x_0..x_(N-1), residues modulo M, with a yes or no for each of them.

    Args:
        tokens: N.
        modulus: M.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the modulus is more than 2^24.

    >>> ResidueTask(tokens=2, modulus=2).all_inputs().tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
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
        """The inputs, if they are residues of so many tokens.

        Raises:
            TensorRankError: if they are not.
        """
        layout = f"(count, {self.tokens}), a residue for each token"
        return checked_whole_numbers("inputs", inputs, (None, self.tokens), self.modulus - 1, layout)

    def times(self, inputs: Integers, width: int, sums: Callable[[Integers], Iterable[Integers]]) -> Integers:
        """For each token x_i how many of the sums of its input are -x_i modulo M, (count, N).

        Args:
            inputs: (count, N).
            width: how many sums there are for an input.
            sums: what makes some of the inputs (some, N) into parts of their sums (some, any); all parts together have
                the width. Several inputs are only taken together if they have few sums, so that one part will do.
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

    def refuse_many_tokens(self) -> None:
        """Raise an error if there are too many tokens for communication matrices.

        Raises:
            TensorRankError: if there are more than 2^16.
        """
        refuse_many_sites(self.tokens, f"{self} with {self.tokens} tokens")

    def token(self, asking: int | None, default: int) -> int:
        """The number of the asking token.

        Raises:
            TensorRankError: if it is none of 0..N-1.
        """
        found = default if asking is None else whole_number("asking", asking, 0)
        if found >= self.tokens:
            raise TensorRankError(f"asking is {found}; expected one of the tokens 0 to {self.tokens - 1}")
        return found


@dataclass(frozen=True)
class AnchoredTask(ResidueTask, ABC):
    """A task whose asking token may be public."""

    @abstractmethod
    def communication(
        self,
        partition: Bipartition | None = None,
        *,
        anchor: int | None = None,
        asking: int | None = None,
        memory: int | str | None = None,
    ) -> CommunicationMatrix:
        """The answers of one token at all inputs of either side."""

    def prefix_suffix(
        self,
        cut: int | None = None,
        *,
        anchor: int | None = None,
        asking: int | None = None,
        memory: int | str | None = None,
    ) -> CommunicationMatrix:
        """The communication matrix of the first `cut` tokens (half of them by default) against the others.

        With an anchor the asking token is public and not counted.

        Raises:
            TensorRankError: if the cut leaves a side without tokens, or as `communication` does.
        """
        self.refuse_many_tokens()
        sites = self.tokens - (anchor is not None)
        return self.communication(prefix(sites, cut), anchor=anchor, asking=asking, memory=memory)


@dataclass(frozen=True)
class Split:
    """Which tokens either side holds, and who knows the asking one.

    Attributes:
        modulus: M.
        a: the tokens of side A.
        b: the tokens of side B.
        asking: the number of the asking token.
        anchor: its residue where it is public, so that neither side counts it; None where a side holds it.

    >>> split = Split.of(ResidueTask(tokens=5, modulus=7), None, asking=1, anchor=3)
    >>> split.a, split.b, split.values
    ((0, 2), (3, 4), (3,))
    """

    modulus: int
    a: tuple[int, ...]
    b: tuple[int, ...]
    asking: int
    anchor: int | None

    @classmethod
    def of(cls, task: ResidueTask, partition: Bipartition | None, asking: int, anchor: int | None) -> Split:
        """The split of a task's tokens; under an anchor the sites of the partition are all tokens but the asking one.

        Raises:
            PartitionError: if the partition does not fit.
            TensorRankError: if the anchor is no residue, the modulus is too large for sets of residues, or there are
                more than 2^16 tokens.
        """
        check_modulus(task.modulus)
        task.refuse_many_tokens()
        if anchor is None:
            partition = checked_partition(task.tokens, prefix(task.tokens, None) if partition is None else partition)
            return cls(task.modulus, partition.a, partition.b, asking, None)
        if whole_number("anchor", anchor, 0) >= task.modulus:
            raise TensorRankError(f"the anchor is {anchor}; expected a residue from 0 to {task.modulus - 1}")
        free = task.tokens - 1
        partition = checked_partition(free, prefix(free, None) if partition is None else partition)
        a, b = (tuple(site + (site >= asking) for site in side) for side in (partition.a, partition.b))
        return cls(task.modulus, a, b, asking, int(anchor))

    @property
    def values(self) -> tuple[int, ...]:
        """The residues that the asking token can have."""
        return tuple(range(self.modulus)) if self.anchor is None else (self.anchor,)

    def others(self, side: tuple[int, ...]) -> list[int]:
        """The tokens of a side without the asking one."""
        return [token for token in side if token != self.asking]

    def matrix(
        self, task: str, rows: int, columns: int, blocks: Iterator[NDArray[np.bool_]], memory: int | str | None
    ) -> CommunicationMatrix:
        """The blocks of all residues of the asking token, below each other if A holds it and side by side if B does.

        Args:
            task: its name.
            rows: the rows of the whole matrix.
            columns: its columns.
            blocks: the decisions for each residue of the asking token, made when they are asked for.
            memory: the limit for the matrix.

        Raises:
            TensorRankError: if the matrix would not fit the memory limit.
        """
        name = task if self.anchor is None else f"{task}, anchor {self.anchor}"
        refuse_beyond(memory_limit(memory), rows, columns, f"the matrix of {name}")
        entries = np.concatenate(list(blocks), axis=1 if self.asking in self.b else 0, dtype=np.int64)
        alone: dict[tuple[int, ...], Side] = {self.a: "rows", self.b: "columns"}
        return CommunicationMatrix(
            entries,
            self.modulus ** len(self.a),
            self.modulus ** len(self.b),
            name,
            (in_words("token", self.a), in_words("token", self.b)),
            query=alone.get((self.asking,)),
        )
