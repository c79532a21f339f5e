"""Match2 and Match3: is there one token, or are there two, that sum to 0 modulo M with the asking one?"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arithmetic.randomness import random_stream
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.anchored_match3 import free_pairs
from tensorrank.tasks.communication import CommunicationMatrix
from tensorrank.tasks.residue_sets import has_triple, number_of_sets, residue_sets
from tensorrank.tasks.residue_task import TABLE, AnchoredTask, ResidueTask, Split
from tensorrank.tasks.task import Examples, Integers, balanced_labels, prefix


@dataclass(frozen=True)
class Match2(ResidueTask):
    """For each token i: is there a token j with x_i + x_j = 0 modulo M?

    Args:
        tokens: N.
        modulus: M.
        itself: whether j may be i.

    Sites are the tokens. Known, with j among the others only and the asking token against at least M others: rank M.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, the modulus is more than 2^24, or itself is
            neither True nor False.

    Source: Sanford, Hsu and Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023,
    arXiv 2306.02896).

    >>> Match2(tokens=4, modulus=5).solve([[0, 1, 2, 4]])
    array([[ True,  True, False,  True]])
    >>> Match2(tokens=4, modulus=5, itself=False).solve([[0, 1, 2, 4]])
    array([[False,  True, False,  True]])
    """

    name: ClassVar[str] = "match2"

    _: KW_ONLY
    itself: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.itself, bool):
            raise TensorRankError(f"itself is {self.itself!r}; expected True or False")

    def __str__(self) -> str:
        return f"Match2 mod {self.modulus}" + ("" if self.itself else " among the others")

    def solve(self, inputs: ArrayLike) -> NDArray[np.bool_]:
        """The answers for all tokens, (count, N).

        Args:
            inputs: (count, N) residues 0..M-1.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but residues.
        """
        x = self.checked_inputs(inputs)
        times = self.times(x, self.tokens, lambda some: [some])
        return times > (0 if self.itself else 2 * x % self.modulus == 0)

    def examples(
        self, count: int, seed: int | np.random.Generator = 0, *, asking: int | None = None
    ) -> Examples[Integers]:
        """Random inputs without a match for the asking token, and such with one token changed, so that it matches.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.
            asking: the token whose answers are the labels; the last by default.

        Raises:
            TensorRankError: if a label is impossible, the count is not a whole number of at least 1, or there is no
                such token.
        """
        n, m = self.tokens, self.modulus
        askable = np.flatnonzero(2 * np.arange(m) % m) if self.itself else np.arange(m if m > 1 else 0)
        if n == 1 and not self.itself:
            raise TensorRankError(f"{self} with 1 token has no label 1: there is no other token; expected 2 or more")
        if not len(askable):
            why = "every residue is its own negative" if self.itself else "there is only one residue"
            raise TensorRankError(f"{self} has no label 0: {why}; expected a larger modulus")
        asks = self.token(asking, n - 1)
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        value = rng.choice(askable, len(labels))
        # Uniform among the residues other than the negative.
        inputs = (rng.integers(1, m, (len(labels), n)) - value[:, None]) % m
        inputs[:, asks] = value
        changed = another(asks, n, rng, len(labels))[labels]
        # A token alone can only match itself, by being 0.
        inputs[labels, changed] = -value[labels] % m if n > 1 else 0
        return Examples(inputs, labels, asks)

    def communication(
        self, partition: Bipartition | None = None, *, asking: int | None = None, memory: int | str | None = None
    ) -> CommunicationMatrix:
        """The answers of the asking token at all inputs of either side.

        The side of the asking token has a row (or column) for each of its residues, and where the side's other tokens
        can match it a second one for that; the other side has one for each set of residues that it can hold.

        Args:
            partition: of the tokens; the asking one against all others by default.
            asking: the token that asks; the last by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if it is no bipartition of N sites.
            TensorRankError: if there is no such token, M is more than 62, or the matrix would not fit the memory.
        """
        self.refuse_many_tokens()
        asks, m = self.token(asking, self.tokens - 1), self.modulus
        if partition is None and self.tokens > 1:
            partition = Bipartition.of(self.tokens, [asks])
        split = Split.of(self, partition, asks, None)
        rows = asks in split.a
        mine, theirs = (split.a, split.b) if rows else (split.b, split.a)
        settled = [self._settled(value, len(mine) - 1) for value in split.values]

        def blocks() -> Iterator[NDArray[np.bool_]]:
            sets = residue_sets(m, len(theirs))
            for value, known in zip(split.values, settled, strict=True):
                block = np.array(known)[:, None] | (sets >> -value % m & 1 == 1)
                yield block if rows else block.T

        classes = sum(map(len, settled)), number_of_sets(m, len(theirs))
        return split.matrix(str(self), *(classes if rows else classes[::-1]), blocks(), memory)

    def prefix_suffix(
        self, cut: int | None = None, *, asking: int | None = None, memory: int | str | None = None
    ) -> CommunicationMatrix:
        """The communication matrix of the first `cut` tokens (half of them by default) against the others.

        Raises:
            TensorRankError: if the cut leaves a side without tokens, or as `communication` does.
        """
        self.refuse_many_tokens()
        return self.communication(prefix(self.tokens, cut), asking=asking, memory=memory)

    def _settled(self, value: int, others: int) -> list[bool]:
        """Whether the asking token, of this value, finds a match on its own side, with so many others: what can be."""
        if self.itself and 2 * value % self.modulus == 0:
            return [True]
        # All residues are one where M is 1.
        return ([False, True] if self.modulus > 1 else [True]) if others else [False]


@dataclass(frozen=True)
class Match3(AnchoredTask):
    """For each token i: are there tokens j and k with x_i + x_j + x_k = 0 modulo M?

    Tokens j and k may be any: the same, and i too.

    Args:
        tokens: N.
        modulus: M.

    Sites are the tokens, or all but the asking one where that is public (an anchor). Known, with an anchor and n tokens
    on either side: the rank of `anchored_match3_rank`.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the modulus is more than 2^24.

    Source: Sanford, Hsu and Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023,
    arXiv 2306.02896).

    >>> Match3(tokens=3, modulus=7).solve([[1, 2, 4], [1, 1, 2]])
    array([[ True,  True,  True],
           [False, False, False]])
    >>> matrix = Match3(tokens=7, modulus=7).communication(anchor=1)
    >>> matrix, matrix.entries.shape, matrix.ranks().rank.value
    (CommunicationMatrix(Match3 mod 7, anchor 1: tokens 0-2 | tokens 3-5, 343 x 343), (63, 63), 10)
    """

    name: ClassVar[str] = "match3"

    def __str__(self) -> str:
        return f"Match3 mod {self.modulus}"

    def solve(self, inputs: ArrayLike) -> NDArray[np.bool_]:
        """The answers for all tokens, (count, N).

        Args:
            inputs: (count, N) residues 0..M-1.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but residues.
        """
        step = max(1, TABLE // self.tokens)

        def sums(some: Integers) -> Iterator[Integers]:
            for first in range(0, self.tokens, step):
                yield (some[:, first : first + step, None] + some[:, None, :]).reshape(len(some), -1)

        return self.times(self.checked_inputs(inputs), self.tokens**2, sums) > 0

    def examples(
        self, count: int, seed: int | np.random.Generator = 0, *, asking: int | None = None
    ) -> Examples[Integers]:
        """Random inputs without a match for the asking token, and such with one token changed, so that a pair arises.

        Without a match: the asking token is a random residue r with 3r not 0; of each pair of different residues that
        sum to -r one is chosen at random, r of its own pair; the other tokens are random among the chosen.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.
            asking: the token whose answers are the labels; the last by default.

        Raises:
            TensorRankError: if M is 1 or 3, when no label is 0, the count is not a whole number of at least 1, or there
                is no such token.
        """
        n, m = self.tokens, self.modulus
        askable = np.flatnonzero(3 * np.arange(m) % m)
        if not len(askable):
            raise TensorRankError(
                f"{self} has no label 0: 3 x is 0 for every residue x, so that each token matches itself; expected "
                "another modulus than 1 and 3"
            )
        asks = self.token(asking, n - 1)
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        inputs = np.empty((len(labels), n), dtype=np.int64)
        for row in inputs:
            value = rng.choice(askable)
            pairs = free_pairs(m, value)
            chosen = np.append(pairs[np.arange(len(pairs)), rng.integers(2, size=len(pairs))], value)
            row[:] = rng.choice(chosen, n)
            row[asks] = value
        if n == 1:
            # A token alone can only match itself, by being 0 for instance.
            inputs[labels] = 0
        else:
            matching = inputs[labels]
            every = np.arange(len(matching))
            changed = another(asks, n, rng, len(matching))
            partner = another(changed, n, rng, len(matching))
            matching[every, changed] = -(matching[:, asks] + matching[every, partner]) % m
            inputs[labels] = matching
        return Examples(inputs, labels, asks)

    def communication(
        self,
        partition: Bipartition | None = None,
        *,
        anchor: int | None = None,
        asking: int | None = None,
        memory: int | str | None = None,
    ) -> CommunicationMatrix:
        """The answers of the asking token at all inputs of either side.

        A side has a row (or column) for each set of residues that its tokens can hold, and if the asking token is one
        of them, for each residue of that together with each set of the others.

        Args:
            partition: of the tokens, or with an anchor, of all but the asking one, in their order; halves by default.
            anchor: the residue of the asking token where it is public: both sides know it and may use it as j and k.
            asking: the token that asks; the last by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if it is no bipartition of N sites (N - 1 with an anchor).
            TensorRankError: if there is no such token or residue, M is more than 62, or the matrix would not fit.
        """
        split = Split.of(self, partition, self.token(asking, self.tokens - 1), anchor)
        return triple_matrix(str(self), split, range(self.tokens), memory)


def triple_matrix(task: str, split: Split, near: Container[int], memory: int | str | None) -> CommunicationMatrix:
    """Whether the asking token and two that are near (the same, or itself, allowed) sum to 0, by sets of residues."""
    m = split.modulus
    rows, columns = (sum(token in near for token in split.others(side)) for side in (split.a, split.b))

    def blocks() -> Iterator[NDArray[np.bool_]]:
        sets = residue_sets(m, rows), residue_sets(m, columns)
        for value in split.values:
            yield has_triple(value, *sets, m)

    # The side of the asking token has as many sets for each of its values.
    factors = [len(split.values) if split.asking in side else 1 for side in (split.a, split.b)]
    shape = factors[0] * number_of_sets(m, rows), factors[1] * number_of_sets(m, columns)
    return split.matrix(task, *shape, blocks(), memory)


def another(token: int | Integers, tokens: int, rng: np.random.Generator, count: int) -> Integers:
    """So many random tokens, each other than the given one; that one itself if there is no other."""
    return np.asarray((token + rng.integers(1, max(tokens, 2), count)) % tokens)
