"""Match3 made easy for standard attention: the two tokens are neighbours of each other, or near the asking one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, product

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.checked import checked
from tensorrank.separation.partition import PartitionLike
from tensorrank.tasks.communication import CommunicationMatrix, refuse_matrix
from tensorrank.tasks.match import Match3
from tensorrank.tasks.residue_task import ResidueTask, Split, another


@checked
@dataclass(frozen=True)
class Match3Bigram(ResidueTask):
    """Match3 of neighbours: for each token i, is there a j with x_i + x_j + x_(j+1) = 0 modulo M?

    Args:
        tokens: N.
        modulus: M.

    Across a cut of the sequence only two neighbours meet. The rank is therefore at most M + 1 with an anchor and
    M^2 + 1 without, however many tokens there are. For the complement of the answer is a product: of a function of side
    A, of a function of side B, and of whether the two neighbours at the cut have another sum than the one wanted. It
    depends on either side through at most M functions for each residue of the asking token.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1, or the modulus is more than 2^24.

    Source: Sanford, Hsu and Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023,
    arXiv 2306.02896).

    >>> Match3Bigram(tokens=4, modulus=5).solve([[1, 0, 4, 3]])
    array([[ True, False,  True,  True]])
    >>> matrix = Match3Bigram(tokens=101, modulus=5).communication(anchor=1)
    >>> matrix.entries.shape, matrix.ranks().rank.value
    ((10, 10), 6)
    """

    def __str__(self) -> str:
        return f"Match3 mod {self.modulus} of neighbours"

    def _answers(self, inputs: Integers) -> NDArray[np.bool_]:
        return self._times(inputs, self.tokens - 1, lambda some: [some[:, :-1] + some[:, 1:]]) > 0

    def _missing_label(self) -> str:
        if self.tokens == 1:
            return "label 1 with 1 token: it has no neighbour; expected 2 tokens or more"
        return "label 0: there is only one residue; expected a larger modulus" if self.modulus == 1 else ""

    def _random_inputs(self, labels: NDArray[np.bool_], asks: int, rng: np.random.Generator) -> Integers:
        n, m = self.tokens, self.modulus
        inputs = np.empty((len(labels), n), dtype=np.int64)
        inputs[:, asks] = rng.integers(m, size=len(labels))
        # Outwards from the asking token, each uniform among the residues that make no match with the one before.
        outwards = [(token, token + 1) for token in range(asks - 1, -1, -1)]
        outwards += [(token, token - 1) for token in range(asks + 1, n)]
        for token, before in outwards:
            inputs[:, token] = (rng.integers(1, m, len(labels)) - inputs[:, asks] - inputs[:, before]) % m
        every = np.flatnonzero(labels)
        changed = another(asks, n, rng, len(every))
        neighbour = changed + rng.choice([-1, 1], len(every))
        # At either end there is one neighbour only.
        neighbour[neighbour < 0] = 1
        neighbour[neighbour == n] = n - 2
        inputs[every, changed] = -(inputs[every, asks] + inputs[every, neighbour]) % m
        return inputs

    def _matrix(self, split: Split, memory: int | str | None) -> CommunicationMatrix:
        limit = memory_limit(memory)

        def tables(side: tuple[int, ...]) -> list[_Neighbours]:
            """One for each residue of the asking token; one for all of them on a side that does not know it."""
            values = split.values if split.knows(side) else [None]
            return [_Neighbours.of(self, split, side, value, limit) for value in values]

        rows, columns = tables(split.a), tables(split.b)

        def parts() -> Iterator[NDArray[np.bool_]]:
            for value, a, b in zip(split.values, cycle(rows), cycle(columns), strict=False):
                yield a.match(b, -value % self.modulus, self.modulus)

        return split.matrix(str(self), sum(map(len, rows)), sum(map(len, columns)), parts(), memory)


@checked
@dataclass(frozen=True)
class Match3Local(Match3):
    """Match3 in a window: for each token i, are there j and k within K of i with x_i + x_j + x_k = 0 modulo M?

    The tokens j and k may be the same, and they may be i.

    Args:
        tokens: N.
        modulus: M.
        window: K, so that up to 2K + 1 tokens take part.

    The rank depends on the tokens within the window of the asking one alone, however many there are in all.

    Raises:
        TensorRankError: if the window is not a whole number of at least 0, another number not one of at least 1, or
            the modulus is more than 2^24.

    Source: Sanford, Hsu and Telgarsky, Representational strengths and limitations of transformers (NeurIPS 2023,
    arXiv 2306.02896).

    >>> Match3Local(tokens=5, modulus=7, window=1).solve([[1, 2, 4, 1, 1]])
    array([[False,  True,  True, False, False]])
    >>> matrix = Match3Local(tokens=101, modulus=7, window=3).communication(anchor=1, asking=50)
    >>> matrix.entries.shape, matrix.ranks().rank.value
    ((63, 63), 10)
    """

    window: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "window", whole_number("window", self.window, 0))

    def __str__(self) -> str:
        return f"Match3 mod {self.modulus} within {self.window}"

    def matrices(
        self, partition: PartitionLike | None = None, *, anchor: int | None = None, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrix for the token in the middle, so that both sides have tokens within its window.

        Arguments and errors are those of `communication`.
        """
        middle = self.tokens // 2
        return {"decision": self.communication(partition, anchor=anchor, asking=middle, memory=memory)}

    def _answers(self, inputs: Integers) -> NDArray[np.bool_]:
        found = np.zeros(inputs.shape, dtype=bool)
        reach = min(self.window, self.tokens - 1)
        for j, k in product(range(-reach, reach + 1), repeat=2):
            # All tokens i that have a token at i + j and one at i + k, j <= k.
            first, last = max(0, -j), self.tokens - max(0, k)
            if j <= k and first < last:
                sums = inputs[:, first:last] + inputs[:, first + j : last + j] + inputs[:, first + k : last + k]
                found[:, first:last] |= sums % self.modulus == 0
        return found

    def _random_inputs(self, labels: NDArray[np.bool_], asks: int, rng: np.random.Generator) -> Integers:
        near = self._near(asks)
        inside = Match3(len(near), self.modulus)._random_inputs(labels, asks - near.start, rng)
        inputs = rng.integers(self.modulus, size=(len(labels), self.tokens))
        inputs[:, near.start : near.stop] = inside
        return inputs

    def _near(self, asks: int) -> range:
        return range(max(0, asks - self.window), min(self.tokens, asks + self.window + 1))


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """The inputs of a side as far as the bigram variant depends on them: an entry for each combination that occurs."""

    # The sums of neighbours that the side holds, as far as they matter: bits of a word.
    sums: Integers
    # For each token that has a neighbour on the other side, its residues.
    edges: dict[int, Integers]

    def __len__(self) -> int:
        return len(self.sums)

    @classmethod
    def of(cls, task: Match3Bigram, split: Split, side: tuple[int, ...], value: int | None, limit: int) -> _Neighbours:
        """The entries of a side that knows the value of the asking token; without one (None) all sums matter."""
        m = split.modulus
        wanted = (1 << m) - 1 if value is None else 1 << -value % m
        others = set(split.a + split.b) - set(side)
        known = sorted({*side, split.asking} if value is not None else side)
        edges = [token for token in side if {token - 1, token + 1} & others]
        table = np.zeros((1, 2 + len(edges)), dtype=np.int64)
        for token in known:
            residues = np.arange(m) if token != split.asking else np.array([value])
            rows, columns = len(table) * len(residues), table.shape[1]
            refuse_matrix(limit, rows, columns, f"the table of inputs that {task} tells apart")
            x = np.tile(residues, len(table))
            table = table.repeat(len(residues), axis=0)
            if token - 1 in known:
                # Columns: the sums as bits, the residue of the token before, and those of the edges.
                table[:, 0] |= 1 << (table[:, 1] + x) % m & wanted
            table[:, 1] = x if token + 1 in known else 0
            if token in edges:
                table[:, 2 + edges.index(token)] = x
            table = np.unique(table, axis=0)
        return cls(table[:, 0], dict(zip(edges, table[:, 2:].T, strict=True)))

    def match(self, other: _Neighbours, total: int, modulus: int) -> NDArray[np.bool_]:
        """Whether neighbours have this sum: both on this side (rows), both on the other (columns), or one on each."""
        found: NDArray[np.bool_] = (self.sums >> total & 1 == 1)[:, None] | (other.sums >> total & 1 == 1)
        for token, mine in self.edges.items():
            for neighbour in {token - 1, token + 1} & other.edges.keys():
                found |= (mine[:, None] + other.edges[neighbour]) % modulus == total
        return found
