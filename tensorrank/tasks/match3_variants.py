"""Match3 made easy for standard attention: the two tokens are neighbours of each other, or near the asking one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.communication import CommunicationMatrix, refuse_beyond
from tensorrank.tasks.match import Match3, another, triple_matrix
from tensorrank.tasks.residue_task import AnchoredTask, Split
from tensorrank.tasks.task import Examples, Integers, balanced_labels


@dataclass(frozen=True)
class Match3Bigram(AnchoredTask):
    """For each token i: are there neighbours j and j + 1 with x_i + x_j + x_(j+1) = 0 modulo M?

    Args:
        tokens: N.
        modulus: M.

    Sites are the tokens, or all but the asking one where that is public (an anchor). Across a cut of the sequence only
    two neighbours meet, so that the rank is at most M + 1 with an anchor and M^2 + 1 without, however many tokens there
    are: the complement is the product of a function of each side and of whether the two at the cut have another sum
    than the one wanted, and so depends on one side through M functions for each residue of the asking token.

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

    name: ClassVar[str] = "match3-bigram"

    def __str__(self) -> str:
        return f"Match3 mod {self.modulus} of neighbours"

    def solve(self, inputs: ArrayLike) -> NDArray[np.bool_]:
        """The answers for all tokens, (count, N).

        Args:
            inputs: (count, N) residues 0..M-1.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but residues.
        """
        x = self.checked_inputs(inputs)
        return self.times(x, self.tokens - 1, lambda some: [some[:, :-1] + some[:, 1:]]) > 0

    def examples(
        self, count: int, seed: int | np.random.Generator = 0, *, asking: int | None = None
    ) -> Examples[Integers]:
        """Random inputs without a match for the asking token, and such with one token changed, so that a pair arises.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.
            asking: the token whose answers are the labels; the last by default.

        Raises:
            TensorRankError: if there are fewer than two tokens or residues, when a label is impossible, the count is
                not a whole number of at least 1, or there is no such token.
        """
        n, m = self.tokens, self.modulus
        if n == 1:
            raise TensorRankError(f"{self} with 1 token has no label 1: it has no neighbour; expected 2 tokens or more")
        if m == 1:
            raise TensorRankError(f"{self} has no label 0: there is only one residue; expected a larger modulus")
        asks = self.token(asking, n - 1)
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        inputs = np.empty((len(labels), n), dtype=np.int64)
        inputs[:, asks] = rng.integers(m, size=len(labels))
        # Outwards from the asking token, each uniform among the residues that make no match with the one before.
        for token, before in [
            *((t, t + 1) for t in range(asks - 1, -1, -1)),
            *((t, t - 1) for t in range(asks + 1, n)),
        ]:
            inputs[:, token] = (rng.integers(1, m, len(labels)) - inputs[:, asks] - inputs[:, before]) % m
        matching = inputs[labels]
        every = np.arange(len(matching))
        changed = another(asks, n, rng, len(matching))
        neighbour = changed + rng.choice([-1, 1], len(matching))
        # At either end there is one neighbour only.
        neighbour[neighbour < 0] = 1
        neighbour[neighbour == n] = n - 2
        matching[every, changed] = -(matching[:, asks] + matching[every, neighbour]) % m
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

        A side has a row (or column) for each combination of what matters of its input: the sums of neighbours that it
        holds, as far as they matter, and the residues of the tokens that have a neighbour on the other side.

        Args:
            partition: of the tokens, or with an anchor, of all but the asking one, in their order; halves by default.
            anchor: the residue of the asking token where it is public: both sides know it, at its place.
            asking: the token that asks; the last by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if it is no bipartition of N sites (N - 1 with an anchor).
            TensorRankError: if there is no such token or residue, M is more than 62, or the matrix would not fit.
        """
        asks, m = self.token(asking, self.tokens - 1), self.modulus
        split = Split.of(self, partition, asks, anchor)
        limit = memory_limit(memory)
        rows, columns = (
            [_Neighbours.of(self, split, side, value, limit) for value in split.values]
            if anchor is not None or asks in side
            else [_Neighbours.of(self, split, side, None, limit)] * m
            for side in (split.a, split.b)
        )

        def blocks() -> Iterator[NDArray[np.bool_]]:
            for value, a, b in zip(split.values, rows, columns, strict=True):
                yield a.match(b, -value % m, m)

        height, width = (
            sum(map(len, found)) if asks in side else len(found[0])
            for side, found in ((split.a, rows), (split.b, columns))
        )
        return split.matrix(str(self), height, width, blocks(), memory)


@dataclass(frozen=True)
class Match3Local(AnchoredTask):
    """For each token i: are there j and k within K of i with x_i + x_j + x_k = 0 modulo M?

    Tokens j and k may be the same, and i too.

    Args:
        tokens: N.
        modulus: M.
        window: K, so that up to 2K + 1 tokens take part.

    Sites are the tokens, or all but the asking one where that is public (an anchor). The rank depends on the tokens
    within the window alone, however many there are in all.

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

    name: ClassVar[str] = "match3-local"

    window: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "window", whole_number("window", self.window, 0))

    def __str__(self) -> str:
        return f"Match3 mod {self.modulus} within {self.window}"

    def solve(self, inputs: ArrayLike) -> NDArray[np.bool_]:
        """The answers for all tokens, (count, N).

        Args:
            inputs: (count, N) residues 0..M-1.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but residues.
        """
        x = self.checked_inputs(inputs)
        found = np.zeros(x.shape, dtype=bool)
        reach = min(self.window, self.tokens - 1)
        for j, k in product(range(-reach, reach + 1), repeat=2):
            # All tokens i that have a token at i + j and one at i + k, j <= k.
            first, last = max(0, -j), self.tokens - max(0, k)
            if j <= k and first < last:
                sums = x[:, first:last] + x[:, first + j : last + j] + x[:, first + k : last + k]
                found[:, first:last] |= sums % self.modulus == 0
        return found

    def examples(
        self, count: int, seed: int | np.random.Generator = 0, *, asking: int | None = None
    ) -> Examples[Integers]:
        """Examples of Match3 within the window of the asking token, and uniform residues outside it.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.
            asking: the token whose answers are the labels; the last by default.

        Raises:
            TensorRankError: if M is 1 or 3, when no label is 0, the count is not a whole number of at least 1, or there
                is no such token.
        """
        asks = self.token(asking, self.tokens - 1)
        near = self._near(asks)
        rng = random_stream(seed)
        inside = Match3(len(near), self.modulus).examples(count, rng, asking=asks - near.start)
        inputs = rng.integers(self.modulus, size=(len(inside.labels), self.tokens))
        inputs[:, near.start : near.stop] = inside.inputs
        return Examples(inputs, inside.labels, asks)

    def communication(
        self,
        partition: Bipartition | None = None,
        *,
        anchor: int | None = None,
        asking: int | None = None,
        memory: int | str | None = None,
    ) -> CommunicationMatrix:
        """The answers of the asking token at all inputs of either side.

        A side has a row (or column) for each set of residues that its tokens within the window can hold, and if the
        asking token is one of them, for each residue of that together with each set of the others.

        Args:
            partition: of the tokens, or with an anchor, of all but the asking one, in their order; halves by default.
            anchor: the residue of the asking token where it is public: both sides know it and may use it as j and k.
            asking: the token that asks; the last by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Raises:
            PartitionError: if it is no bipartition of N sites (N - 1 with an anchor).
            TensorRankError: if there is no such token or residue, M is more than 62, or the matrix would not fit.
        """
        asks = self.token(asking, self.tokens - 1)
        return triple_matrix(str(self), Split.of(self, partition, asks, anchor), self._near(asks), memory)

    def _near(self, token: int) -> range:
        return range(max(0, token - self.window), min(self.tokens, token + self.window + 1))


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """What matters of the inputs of a side: an entry for each combination that occurs."""

    sums: Integers
    # For each token that has a neighbour on the other side, its residues.
    edges: dict[int, Integers]

    def __len__(self) -> int:
        return len(self.sums)

    @classmethod
    def of(cls, task: Match3Bigram, split: Split, side: tuple[int, ...], value: int | None, limit: int) -> _Neighbours:
        """Those of a side that knows the asking token's residue, or does not: then all sums matter."""
        m = split.modulus
        wanted = (1 << m) - 1 if value is None else 1 << -value % m
        others = set(split.a + split.b) - set(side)
        known = sorted({*side, split.asking} if value is not None else side)
        edges = [token for token in side if {token - 1, token + 1} & others]
        table = np.zeros((1, 2 + len(edges)), dtype=np.int64)
        for token in known:
            residues = np.arange(m) if token != split.asking else np.array([value])
            shape = len(table) * len(residues), table.shape[1]
            refuse_beyond(limit, *shape, f"the inputs that {task} tells apart")
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
