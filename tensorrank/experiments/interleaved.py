"""What a hidden chain or tree represents at linear size, and a shallow mixture only at exponential size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.experiments.experiment import Experiment, ascending, table_sides, told
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

# The rank is beyond every memory long before, and a chain of this length is still cut in a second.
_MOST_SITES = 1000


@dataclass(frozen=True)
class InterleavedRow(Record):
    """One model of one length.

    Attributes:
        model: the kind of the model, "hidden_markov" or "tensorial_mixture".
        sites: the number of variables, N.
        symbols: the values of each variable, k.
        table_entries: the size of the model.
        rank: the rank of the unfolding of even against odd variables, with its standing.
    """

    derived = ("classes", "shallow_entries")
    model: str
    sites: int
    symbols: int
    table_entries: int
    rank: SeparationRank

    @property
    def classes(self) -> int:
        """The classes that a latent class model of the same density needs at least: the certified part of the rank."""
        return self.rank.lower

    @property
    def shallow_entries(self) -> int:
        """The table entries of a latent class model of so many classes."""
        return self.classes * (1 + self.sites * self.symbols)


@checked
@dataclass(frozen=True)
class InterleavedRanks(Experiment, name="interleaved"):
    """Ranks of even against odd variables, for growing numbers of variables.

    Attributes:
        states, symbols, seed: as given to `interleaved_ranks`.
        rows: one row a model, hidden Markov models first, short ones first.

    >>> interleaved_ranks([4]).rows[0].rank.value
    4
    """

    states: int
    symbols: int
    seed: int
    rows: tuple[InterleavedRow, ...]


@checked
@with_progress
def interleaved_ranks(
    sites: Sequence[int] = (4, 6, 8, 10, 12, 14, 16),
    *,
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: ProgressLike = None,
) -> InterleavedRanks:
    """The rank of even against odd variables, of hidden Markov models and of tensorial mixtures with random tables.

    A latent class model of c classes is a sum of c products, so every unfolding of its table has at most the rank c: a
    latent class model of the same density needs at least as many classes as the rank of any unfolding. For almost all
    tables the rank of even against odd variables is min(r, k)^floor(N/2), while the models' tables grow linearly with
    N.

    The hidden Markov model is homogeneous. The edges of the tensorial mixture have tables of their own; tensorial
    mixtures are made for those numbers of variables that are powers of two.

    Args:
        sites: numbers of variables, N, each from 2 to 1000.
        states: the states of each hidden variable, r.
        symbols: the values of each observed variable, k.
        seed: a whole number.
        memory: the limit for each rank; a rank that needs more becomes a lower bound.
        progress: True shows a line in a terminal or a notebook; a function is called with the models done, their number
            and the next model in words.

    Raises:
        TensorRankError: if a number is out of range, or no numbers of variables are given.

    Sources: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018), theorem 1; Jaini,
    Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), section 4.

    >>> found = interleaved_ranks([4, 8])
    >>> [(row.model, row.sites, row.table_entries, row.rank.value, row.shallow_entries) for row in found.rows]
    [('hidden_markov', 4, 30, 4, 36), ('hidden_markov', 8, 62, 16, 272),
     ('tensorial_mixture', 4, 26, 4, 36), ('tensorial_mixture', 8, 58, 16, 272)]
    """
    states, symbols = table_sides(states, symbols)
    chosen = ascending("numbers of variables", sites, 2, _MOST_SITES)
    models: list[Mixture] = [HiddenMarkov.random(states, symbols, n, seed) for n in chosen]
    models += [TensorialMixture.random(n.bit_length() - 1, states, symbols, seed) for n in chosen if n.bit_count() == 1]
    rows = []
    for model in told(models, reporter(progress), lambda model: f"{model.kind}, {model.sites} variables"):
        rank = separation_rank(model, Bipartition.interleaved(model.sites), seed=seed, memory=memory)
        rows.append(InterleavedRow(model.kind, model.sites, symbols, model.table_entries, rank))
    return InterleavedRanks(states, symbols, seed, tuple(rows))
