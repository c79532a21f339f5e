"""What a hidden chain or tree represents at linear size, and a shallow mixture only at exponential size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tensorrank.arguments import whole_number
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.mixture import Mixture
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

# Called with what is being computed, how much is done, and how much there is.
Progress = Callable[[str, float, float], None]


@dataclass(frozen=True)
class InterleavedRow:
    """One model of one length.

    Attributes:
        model: the kind of the model, "hidden_markov" or "tensorial_mixture".
        sites: the number of variables, N.
        symbols: the values of each, k.
        table_entries: the model's own size.
        rank: of the unfolding of even against odd variables, with its standing.
    """

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

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; `rank` as `SeparationRank.to_dict` gives it."""
        return {
            "model": self.model,
            "sites": self.sites,
            "symbols": self.symbols,
            "table_entries": self.table_entries,
            "rank": self.rank.to_dict(),
            "classes": self.classes,
            "shallow_entries": self.shallow_entries,
        }


@dataclass(frozen=True)
class Interleaved:
    """Interleaved ranks against the number of variables.

    Attributes:
        states: of each hidden variable, r.
        symbols: of each observed one, k.
        seed: of the tables.
        rows: by model and number of variables.
    """

    states: int
    symbols: int
    seed: int
    rows: tuple[InterleavedRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            "study": "interleaved",
            "states": self.states,
            "symbols": self.symbols,
            "seed": self.seed,
            "rows": [row.to_dict() for row in self.rows],
        }


def interleaved(
    sites: Sequence[int] = (4, 6, 8, 10, 12, 14, 16),
    *,
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: Progress | None = None,
) -> Interleaved:
    """The rank of even against odd variables, of hidden Markov models and of tensorial mixtures with random tables.

    A latent class model of c classes is a sum of c products, so every unfolding of its table has at most the rank c: a
    latent class model of the same density needs at least as many classes as the rank of any unfolding. For almost all
    tables that of even against odd variables is min(r, k)^floor(N/2), while the models' tables grow linearly with N.

    The hidden Markov model is homogeneous, the edges of the tensorial mixture have tables of their own. Tensorial
    mixtures are made for those numbers of variables that are powers of two.

    Args:
        sites: numbers of variables, N, each at least 2.
        states: of each hidden variable, r.
        symbols: of each observed one, k.
        seed: a whole number.
        memory: limit for each rank; one that needs more becomes a lower bound.
        progress: called with the model, the models done and their number.

    Raises:
        TensorRankError: if a number is out of range, or no numbers of variables are given.

    Sources: Khrulkov, Novikov, Oseledets, Expressive power of recurrent neural networks (ICLR 2018), theorem 1; Jaini,
    Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), section 4.

    >>> found = interleaved([4, 8])
    >>> [(row.model, row.sites, row.table_entries, row.rank.value, row.shallow_entries) for row in found.rows]
    [('hidden_markov', 4, 30, 4, 36), ('hidden_markov', 8, 62, 16, 272),
     ('tensorial_mixture', 4, 26, 4, 36), ('tensorial_mixture', 8, 58, 16, 272)]
    """
    chosen = sorted({whole_number("a number of variables", n, 2) for n in sites})
    if not chosen:
        raise TensorRankError("no numbers of variables were given; expected at least one, such as 8")
    models: list[Mixture] = [HiddenMarkov.random(states, symbols, n, seed) for n in chosen]
    models += [TensorialMixture.random(n.bit_length() - 1, states, symbols, seed) for n in chosen if n.bit_count() == 1]
    rows = []
    for done, model in enumerate(models):
        if progress is not None:
            progress(f"{model.kind}, {model.sites} variables", done, len(models))
        rank = separation_rank(model, Bipartition.interleaved(model.sites), seed=seed, memory=memory)
        rows.append(InterleavedRow(model.kind, model.sites, symbols, model.table_entries, rank))
    return Interleaved(states, symbols, seed, tuple(rows))
