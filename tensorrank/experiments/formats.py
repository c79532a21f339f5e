"""What the cuts of one format cost in another: trains of balanced trees, hierarchical ranks of chains."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any

from tensorrank.arguments import whole_number
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank


@dataclass(frozen=True)
class CutRow:
    """The rank of a model at one cut: a block of neighbouring variables against all others.

    Attributes:
        model: the kind of the model.
        first: the block's first variable.
        last: its last.
        rank: with its standing.
        bound: on the rank of every cut of this format, for the model's states.
    """

    model: str
    first: int
    last: int
    rank: SeparationRank
    bound: int

    @property
    def length(self) -> int:
        """The number of variables of the block."""
        return self.last - self.first + 1

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `rank` as `SeparationRank.to_dict` gives it."""
        return {
            "model": self.model,
            "first": self.first,
            "last": self.last,
            "rank": self.rank.to_dict(),
            "bound": self.bound,
        }


@dataclass(frozen=True)
class Formats:
    """Ranks of cuts in the other format.

    Attributes:
        sites: the number of variables, N.
        states: of each hidden variable, r.
        symbols: of each observed one, k.
        seed: of the tables.
        prefixes: of a balanced latent tree, the cuts after variable 0, 1, ...: its tensor train ranks.
        blocks: of a hidden Markov model, the dyadic blocks of two variables or more, short ones first: its hierarchical
            ranks; a single variable's is at most min(r, k).
    """

    sites: int
    states: int
    symbols: int
    seed: int
    prefixes: tuple[CutRow, ...]
    blocks: tuple[CutRow, ...]

    @property
    def rows(self) -> tuple[CutRow, ...]:
        """Those of both formats."""
        return self.prefixes + self.blocks

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "formats",
            "sites": self.sites,
            "states": self.states,
            "symbols": self.symbols,
            "seed": self.seed,
            "rows": [row.to_dict() for row in self.rows],
        }


def formats(
    sites: int = 16,
    *,
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: Progress | None = None,
) -> Formats:
    """The tensor train ranks of a balanced latent tree, and the hierarchical ranks of a hidden Markov model.

    A balanced tree of r states gives every dyadic block at most the rank r. Of a prefix and its complement one is made
    of at most ceil(log2(N)/2) dyadic blocks, so train ranks are at most r to this power. A chain of r states gives
    every prefix at most the rank r, and every block, which has two ends, at most r^2. Both prices are polynomial: r^2,
    and about N^(log2(r)/2).

    Args:
        sites: the number of variables, a power of two, at least 4.
        states: of each hidden variable, r.
        symbols: of each observed one, k.
        seed: a whole number.
        memory: limit for each rank.
        progress: called with the cut, the cuts done and their number.

    Raises:
        TensorRankError: if a number is out of range.

    Source: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018), section 5; the
    exponent of the tree rounded up, which the example shows to be needed.

    >>> found = formats(8)
    >>> [row.rank.value for row in found.prefixes], found.prefixes[0].bound
    ([2, 2, 4, 2, 4, 2, 2], 4)
    >>> [row.rank.value for row in found.blocks], found.blocks[0].bound
    ([2, 4, 4, 2, 2, 2], 4)
    """
    sites = whole_number("the number of variables", sites, 4)
    if sites.bit_count() != 1:
        raise TensorRankError(f"the number of variables is {sites}; expected a power of two, for a balanced tree")
    depth = sites.bit_length() - 1
    tree = TensorialMixture.random(depth, states, symbols, seed)
    train = HiddenMarkov.random(states, symbols, sites, seed)
    blocks = chain.from_iterable(
        ((first, first + 2**level - 1) for first in range(0, sites, 2**level)) for level in range(1, depth)
    )
    cuts = [(tree, 0, last, states ** ((depth + 1) // 2)) for last in range(sites - 1)]
    wanted: list[tuple[TensorialMixture | HiddenMarkov, int, int, int]] = [*cuts]
    wanted += [(train, first, last, states**2) for first, last in blocks]
    rows = []
    for done, (model, first, last, bound) in enumerate(wanted):
        if progress is not None:
            progress(f"{model.kind}, variables {first} to {last}", done, len(wanted))
        rank = separation_rank(model, Bipartition.of(sites, range(first, last + 1)), seed=seed, memory=memory)
        rows.append(CutRow(model.kind, first, last, rank, bound))
    return Formats(sites, states, symbols, seed, tuple(rows[: sites - 1]), tuple(rows[sites - 1 :]))
