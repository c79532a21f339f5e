"""Match2 and Match3: is there one token, or are there two, that sum to 0 modulo M with the asking one?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import true_or_false
from tensorrank.arithmetic.arrays import Integers
from tensorrank.checked import checked
from tensorrank.separation.partition import PartitionLike
from tensorrank.tasks.anchored_match3 import free_pairs
from tensorrank.tasks.communication import CommunicationMatrix
from tensorrank.tasks.residue_sets import has_triple, number_of_sets, residue_sets
from tensorrank.tasks.residue_task import TABLE, ResidueTask, Split, another


@checked
@dataclass(frozen=True)
class Match2(ResidueTask):
    """The task Match2: for each token i, is there a token j with x_i + x_j = 0 modulo M?

    Args:
        tokens: N.
        modulus: M.
        itself: whether j may be i.

    For communication, only two things matter: the set of residues that a side holds, and whether the side of the asking
    token holds a match. With j among the others only, and the asking token against at least M others, the rank is M.

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

    _: KW_ONLY
    itself: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "itself", true_or_false("itself", self.itself))

    def __str__(self) -> str:
        return f"Match2 mod {self.modulus}" + ("" if self.itself else " among the others")

    def matrices(
        self, partition: PartitionLike | None = None, *, anchor: int | None = None, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrix of the task, and that of the task with j among the others only.

        Arguments and errors are those of `communication`.
        """
        others = replace(self, itself=False).communication(partition, anchor=anchor, memory=memory)
        return {**super().matrices(partition, anchor=anchor, memory=memory), "other tokens only": others}

    def _answers(self, inputs: Integers) -> NDArray[np.bool_]:
        # Without the token itself, which counts where it is its own negative.
        alone = np.zeros_like(inputs) if self.itself else 2 * inputs % self.modulus == 0
        return np.asarray(self._times(inputs, self.tokens, lambda some: [some]) > alone)

    def _missing_label(self) -> str:
        if self.tokens == 1 and not self.itself:
            return "label 1 with 1 token: there is no other token; expected 2 or more"
        if not len(self._askable()):
            why = "every residue is its own negative" if self.itself else "there is only one residue"
            return f"label 0: {why}; expected a larger modulus"
        return ""

    def _askable(self) -> Integers:
        """The residues of an asking token that has the label 0 in some input."""
        if self.itself:
            return np.flatnonzero(2 * np.arange(self.modulus) % self.modulus)
        return np.arange(self.modulus if self.modulus > 1 else 0)

    def _random_inputs(self, labels: NDArray[np.bool_], asks: int, rng: np.random.Generator) -> Integers:
        n, m = self.tokens, self.modulus
        value = rng.choice(self._askable(), len(labels))
        # Uniform among the residues other than the negative.
        inputs: Integers = (rng.integers(1, m, (len(labels), n)) - value[:, None]) % m
        inputs[:, asks] = value
        changed = another(asks, n, rng, len(labels))[labels]
        # A token alone can only match itself, by being 0.
        inputs[labels, changed] = -value[labels] % m if n > 1 else 0
        return inputs

    def _usual_partition(self, asks: int) -> PartitionLike:
        return [asks]

    def _matrix(self, split: Split, memory: int | str | None) -> CommunicationMatrix:
        m, sides = self.modulus, (split.a, split.b)

        def parts() -> Iterator[NDArray[np.bool_]]:
            # A side that does not know the asking token has all its sets of residues told apart.
            sets = [None if split.knows(side) else residue_sets(m, len(side)) for side in sides]
            for value in split.values:
                rows, columns = (
                    np.array(self._settled(split, side, value)) if held is None else held >> -value % m & 1 == 1
                    for side, held in zip(sides, sets, strict=True)
                )
                yield rows[:, None] | columns

        rows, columns = (
            sum(len(self._settled(split, side, value)) for value in split.values)
            if split.knows(side)
            else number_of_sets(m, len(side))
            for side in sides
        )
        return split.matrix(str(self), rows, columns, parts(), memory)

    def _settled(self, split: Split, side: tuple[int, ...], value: int) -> list[bool]:
        """The answers that a side can give which knows this value of the asking token: does it hold a match?"""
        if self.itself and 2 * value % self.modulus == 0:
            return [True]
        # All residues are one where M is 1.
        return ([False, True] if self.modulus > 1 else [True]) if split.others(side) else [False]


@checked
@dataclass(frozen=True)
class Match3(ResidueTask):
    """The task Match3: for each token i, are there tokens j and k with x_i + x_j + x_k = 0 modulo M?

    The tokens j and k may be any: they may be the same, and they may be i.

    Args:
        tokens: N.
        modulus: M.

    For communication, only two things matter: the set of residues that a side holds, and the residue of the asking
    token. With an anchor, too, j and k may be the asking token. With an anchor and n tokens on either side, the rank is
    known: `anchored_match3_rank` gives it.

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

    def __str__(self) -> str:
        return f"Match3 mod {self.modulus}"

    def _answers(self, inputs: Integers) -> NDArray[np.bool_]:
        step = max(1, TABLE // self.tokens)

        def sums(some: Integers) -> Iterator[Integers]:
            for first in range(0, self.tokens, step):
                yield (some[:, first : first + step, None] + some[:, None, :]).reshape(len(some), -1)

        return self._times(inputs, self.tokens**2, sums) > 0

    def _missing_label(self) -> str:
        if self.modulus in (1, 3):
            return (
                "label 0: 3 x is 0 for every residue x, so that each token matches itself; expected another modulus "
                "than 1 and 3"
            )
        return ""

    def _random_inputs(self, labels: NDArray[np.bool_], asks: int, rng: np.random.Generator) -> Integers:
        n, m = self.tokens, self.modulus
        askable = np.flatnonzero(3 * np.arange(m) % m)
        inputs = np.empty((len(labels), n), dtype=np.int64)
        for row in inputs:
            # No two residues that are chosen, the same or different ones, sum to 0 with the asking token.
            value = rng.choice(askable)
            pairs = free_pairs(m, value)
            chosen = np.append(pairs[np.arange(len(pairs)), rng.integers(2, size=len(pairs))], value)
            row[:] = rng.choice(chosen, n)
            row[asks] = value
        every = np.flatnonzero(labels)
        changed = another(asks, n, rng, len(every))
        partner = another(changed, n, rng, len(every))
        # A token alone can only match itself, by being 0 for instance.
        inputs[every, changed] = -(inputs[every, asks] + inputs[every, partner]) % m if n > 1 else 0
        return inputs

    def _near(self, asks: int) -> range:
        """The tokens that j and k may be."""
        return range(self.tokens)

    def _matrix(self, split: Split, memory: int | str | None) -> CommunicationMatrix:
        m, sides, near = split.modulus, (split.a, split.b), self._near(split.asking)
        held = [sum(token in near for token in split.others(side)) for side in sides]

        def parts() -> Iterator[NDArray[np.bool_]]:
            rows, columns = (residue_sets(m, tokens) for tokens in held)
            for value in split.values:
                yield has_triple(value, rows, columns, m)

        # The side of the asking token has as many sets for each of its values.
        rows, columns = (
            number_of_sets(m, tokens) * (len(split.values) if split.asking in side else 1)
            for side, tokens in zip(sides, held, strict=True)
        )
        return split.matrix(str(self), rows, columns, parts(), memory)
