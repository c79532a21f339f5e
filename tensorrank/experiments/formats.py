"""What the cuts of one format cost in another: trains of balanced trees, hierarchical ranks of chains."""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.experiments.experiment import Experiment, power_of_two, table_sides, told
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank


@dataclass(frozen=True)
class CutRow(Record):
    """The rank of a model at one cut: neighbouring variables against all others.

    Attributes:
        model: the kind of the model.
        first: the first of the neighbouring variables.
        last: the last of them.
        rank: the rank with its standing.
        bound: a bound on the rank of every cut of this format, for the model's states.
    """

    model: str
    first: int
    last: int
    rank: SeparationRank
    bound: int

    @property
    def length(self) -> int:
        """The number of neighbouring variables."""
        return self.last - self.first + 1


@checked
@dataclass(frozen=True)
class FormatRanks(Experiment, name="formats"):
    """Ranks that models of one format have at the cuts of the other.

    Attributes:
        sites, states, symbols, seed: as given to `format_ranks`.
        prefixes: the cuts of a balanced latent tree after variable 0, 1, ...: its tensor train ranks.
        dyadic: the cuts of a hidden Markov model around dyadic intervals of two variables or more, short ones first:
            its hierarchical ranks. The rank of a single variable is at most min(r, k).

    >>> format_ranks(4).prefixes[0].rank.value
    2
    """

    derived = ("rows",)
    left_out = ("prefixes", "dyadic")
    sites: int
    states: int
    symbols: int
    seed: int
    prefixes: tuple[CutRow, ...]
    dyadic: tuple[CutRow, ...]

    @property
    def rows(self) -> tuple[CutRow, ...]:
        """The cuts of both formats."""
        return self.prefixes + self.dyadic


@checked
@with_progress
def format_ranks(
    sites: int = 16,
    *,
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: ProgressLike = None,
) -> FormatRanks:
    """The tensor train ranks of a balanced latent tree, and the hierarchical ranks of a hidden Markov model.

    A dyadic interval is what hangs below one node of a balanced binary tree. A balanced tree of r states gives every
    dyadic interval at most the rank r. Of a prefix and its complement one is made of at most ceil(log2(N)/2) dyadic
    intervals, so train ranks are at most r to this power. A chain of r states gives every prefix at most the rank r,
    and every interval, which has two ends, at most r^2. Both prices are polynomial: r^2, and about N^(log2(r)/2).

    Args:
        sites: the number of variables, a power of two, at least 4.
        states: the states of each hidden variable, r.
        symbols: the values of each observed variable, k.
        seed: a whole number.
        memory: the limit for each rank; a rank that needs more becomes a lower bound.
        progress: True shows a line in a terminal or a notebook; a function is called with the cuts done, their number
            and the next cut in words.

    Raises:
        TensorRankError: if a number is out of range.

    Source: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018), section 5; the
    exponent of the tree is rounded up, which the example shows to be needed.

    >>> found = format_ranks(8)
    >>> [row.rank.value for row in found.prefixes], found.prefixes[0].bound
    ([2, 2, 4, 2, 4, 2, 2], 4)
    >>> [row.rank.value for row in found.dyadic], found.dyadic[0].bound
    ([2, 4, 4, 2, 2, 2], 4)
    """
    sites = power_of_two("the number of variables", sites, 4, ", for a balanced tree")
    states, symbols = table_sides(states, symbols)
    depth = sites.bit_length() - 1
    tree = TensorialMixture.random(depth, states, symbols, seed)
    train = HiddenMarkov.random(states, symbols, sites, seed)
    cuts: list[tuple[TensorialMixture | HiddenMarkov, int, int, int]] = [
        (tree, 0, last, states ** ((depth + 1) // 2)) for last in range(sites - 1)
    ]
    for length in (2**level for level in range(1, depth)):
        cuts += [(train, first, first + length - 1, states**2) for first in range(0, sites, length)]
    rows = []
    for model, first, last, bound in told(
        cuts, reporter(progress), lambda cut: f"{cut[0].kind}, variables {cut[1]} to {cut[2]}"
    ):
        partition = Bipartition.of(sites, range(first, last + 1))
        rank = separation_rank(model, partition, seed=seed, memory=memory)
        rows.append(CutRow(model.kind, first, last, rank, bound))
    return FormatRanks(sites, states, symbols, seed, tuple(rows[: sites - 1]), tuple(rows[sites - 1 :]))
