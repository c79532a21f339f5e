"""A small sum-product network that is no tree model of polynomial size: a mixture of three perfect matchings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isqrt
from typing import Literal

import networkx as nx
import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.elimination.rank import rank_mod_p
from tensorrank.arithmetic.prime_field import PrimeField, Residues
from tensorrank.arithmetic.primes import LARGE_PRIMES
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import Experiment, ascending, told
from tensorrank.mixtures.sum_product.model import SumProduct, perfect_matchings
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

PerfectMatching = Sequence[tuple[int, int]]
Method = Literal["ranks", "pairs cut", "spectrum"]

# Up to so many variables all bipartitions are looked at; beyond, the spectrum bounds them together.
_ENUMERATED_TO = 22
# The most matrices whose ranks are computed, and the fewest and most rows of one; beyond these, pairs cut must do.
_MATRICES = 200
_SAMPLES = 81
_ROWS = 256
# What rounding may take from an eigenvalue of a graph of degree 3 is far below.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class PerfectMatchingsRow(Record):
    """One network.

    Attributes:
        sites: the number of variables, N.
        edges: the edges of the network, its size.
        pairs_cut: every bipartition with at least N/3 variables on each side separates so many pairs of some matching.
        states: the states that some hidden variable of every tree model of this density needs at least, for almost all
            tables.
        method: how `states` is shown: "ranks" by ranks mod p of balanced bipartitions, "pairs cut" by symbols^pairs_cut
            over all balanced bipartitions, "spectrum" by the Laplacian of the union of the matchings, which bounds the
            pairs cut.
        affordable: the states of a binary tree with as many table entries as the network has edges, where all hidden
            variables have the same number of states.
        rank: the separation rank, with its standing, of the balanced bipartition of least rank that was met; None if no
            ranks were computed.
    """

    sites: int
    edges: int
    pairs_cut: int
    states: int
    method: Method
    affordable: int
    rank: SeparationRank | None


@checked
@dataclass(frozen=True)
class PerfectMatchingStates(Experiment, name="perfect_matchings"):
    """States that tree models need against the number of variables.

    Attributes:
        symbols, seed: as given to `perfect_matching_states`; the seed chooses matchings, tables and weights.
        rows: one row a network, by number of variables.

    >>> perfect_matching_states([6], symbols=2).rows[0].method
    'ranks'
    """

    symbols: int
    seed: int
    rows: tuple[PerfectMatchingsRow, ...]


@checked
@with_progress
def perfect_matching_states(
    sites: Sequence[int] = (6, 8, 10, 256, 512, 1024),
    *,
    symbols: int = 3,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: ProgressLike = None,
) -> PerfectMatchingStates:
    """Mixtures of three random perfect matchings: their edges, and the states that every tree model needs.

    A perfect matching pairs up all variables. The network is a mixture of three products, each over the pairs of one
    perfect matching.

    Every tree over N >= 2 variables at its leaves has an edge with at least N/3 of them on each side. To see this, give
    hidden variables of more than three neighbours copies of themselves until all have at most three; this changes
    neither the density nor the largest number of states. Some hidden variable (a centroid, Jordan 1869) leaves at most
    N/2 leaves in each of its at most three branches, and the largest branch has at least N/3. The density is a sum over
    the states of the variable at either end of this edge, and each term is a product of functions of the two sides. So
    the most states of a hidden variable are at least the least rank of all bipartitions with N/3 <= |A| <= N/2. This
    also holds for the ranks of hierarchical formats.

    For almost all weights and tables the rank is at least the rank of each matching alone: weights that leave only this
    matching are special, and a rank is largest for almost all weights. The rank of a matching alone is k to the number
    of pairs that the bipartition separates. Where this is small, ranks of sampled matrices over GF(p) decide, the least
    first; they are lower bounds for the tables at hand.

    Beyond 22 variables there are too many bipartitions. The perfect matchings together are a graph of degree 3. If its
    Laplacian has the second smallest eigenvalue e, every bipartition cuts at least e |A| |B| / N edges (Fiedler 1973),
    so at least a third of them in one matching. Random unions are expanders (e stays above 0), so that the states are
    exponential in N while the edges grow linearly.

    Args:
        sites: numbers of variables, even and at least 4.
        symbols: the values of each variable, k, at least 2.
        seed: a whole number.
        memory: the limit for each rank.
        progress: True shows a line in a terminal or a notebook; a function is called with the networks done, their
            number and the next network in words.

    Raises:
        TensorRankError: if a number is odd or out of range, or no numbers of variables are given.

    Sources: Jordan, Sur les assemblages de lignes (1869); Fiedler, Algebraic connectivity of graphs (1973).

    >>> [(row.sites, row.edges, row.pairs_cut, row.states) for row in perfect_matching_states([6, 128], symbols=2).rows]
    [(6, 66, 2, 4), (128, 1347, 2, 4)]
    """
    chosen = ascending("numbers of variables", sites, 4)
    symbols = whole_number("symbols", symbols, 2)
    rows = [_row(n, symbols, seed, memory) for n in told(chosen, reporter(progress), "{} variables".format)]
    return PerfectMatchingStates(symbols, seed, tuple(rows))


def least_pairs_cut(union: Sequence[PerfectMatching]) -> tuple[Integers, Integers]:
    """The bipartitions with at least N/3 variables on both sides, and the most pairs of one matching that each cuts.

    Both arrays have the shape (bipartitions,). A side A is a whole number whose bit i stands for variable i; variable
    N - 1 is never on side A. There may be at most 22 variables.

    >>> sides, cut = least_pairs_cut([[(0, 1), (2, 3)], [(0, 2), (1, 3)], [(0, 3), (1, 2)]])
    >>> sides.tolist(), cut.tolist()
    ([3, 5, 6], [2, 2, 2])
    """
    sites = 2 * len(union[0])
    if sites > _ENUMERATED_TO:
        raise TensorRankError(f"{sites} variables have too many bipartitions; expected at most {_ENUMERATED_TO}")
    sides = np.arange(2 ** (sites - 1), dtype=np.int64)
    count = sum((sides >> site) & 1 for site in range(sites))
    sides = sides[np.minimum(count, sites - count) >= ceil(sites / 3)]
    cut = np.zeros(len(sides), dtype=np.int64)
    for matching in union:
        np.maximum(cut, sum(((sides >> u) ^ (sides >> v)) & 1 for u, v in matching), out=cut)
    return sides, cut


def _row(sites: int, symbols: int, seed: int, memory: int | str | None) -> PerfectMatchingsRow:
    model, union = SumProduct.perfect_matchings(sites, symbols, seed), perfect_matchings(sites, seed)
    rank = None
    method: Method = "spectrum"
    if sites > _ENUMERATED_TO:
        pairs_cut = _spectral(union)
        states = symbols**pairs_cut
    else:
        sides, cut = least_pairs_cut(union)
        pairs_cut, method = int(cut.min()), "pairs cut"
        states, least = _least_rank(model, sides, cut, seed)
        if least is not None:
            method = "ranks"
            rank = separation_rank(model, _bipartition(least, sites), seed=seed, memory=memory)
    affordable = _affordable(model.edges, sites, symbols)
    return PerfectMatchingsRow(sites, model.edges, pairs_cut, states, method, affordable, rank)


def _spectral(union: Sequence[PerfectMatching]) -> int:
    """A lower bound on the pairs of some matching that every balanced bipartition separates."""
    graph = nx.Graph(pair for matching in union for pair in matching)
    sites = 2 * len(union[0])
    second = float(np.linalg.eigvalsh(nx.laplacian_matrix(graph, nodelist=range(sites)).toarray().astype(float))[1])
    small = ceil(sites / 3)
    edges = max(0.0, second - _ROUNDING) * small * (sites - small) / sites
    return ceil(ceil(edges - _ROUNDING) / 3)


def _least_rank(model: SumProduct, sides: Integers, cut: Integers, seed: int) -> tuple[int, int | None]:
    """A lower bound on the rank of all these bipartitions, and the side A of the least rank that was computed.

    Bipartitions are taken by pairs cut, least first, until the next cannot have a smaller rank or matrices are used up.
    """
    symbols = model.shape[0]
    best, least = None, None
    for done, place in enumerate(np.argsort(cut, kind="stable")):
        bound = symbols ** int(cut[place])
        if best is not None and best <= bound:
            return best, least
        # Twice what three matchings that separate as many pairs could have, so that samples are seldom too few.
        samples = max(_SAMPLES, 6 * bound)
        if done == _MATRICES or samples > _ROWS:
            return (bound, None) if best is None else (min(best, bound), least)
        found = max(bound, _sampled_rank(model, int(sides[place]), samples, random_stream(seed, done)))
        if best is None or found < best:
            best, least = found, int(sides[place])
    assert best is not None
    return best, least


def _sampled_rank(model: SumProduct, side: int, samples: int, rng: np.random.Generator) -> int:
    """The rank over GF(p), p random, of the density at so many inputs a side, or at all if there are no more."""
    partition = _bipartition(side, model.sites)
    rows, columns = (_inputs(len(part), model.shape[0], samples, rng) for part in (partition.a, partition.b))
    field = PrimeField(next(LARGE_PRIMES.draw(rng)))
    one_hot = np.eye(model.shape[0], dtype=np.int64)
    inputs: list[Residues] = [np.empty(0, dtype=np.int64)] * model.sites
    sides = (np.repeat(rows, len(columns), axis=0), np.tile(columns, (len(rows), 1)))
    for site, values in zip((*partition.a, *partition.b), np.hstack(sides).T, strict=True):
        inputs[site] = one_hot[values]
    values = model.circuit.residues(inputs, field).reshape(len(rows), len(columns))
    return int(rank_mod_p(values, field.prime, threads=1))


def _inputs(sites: int, symbols: int, samples: int, rng: np.random.Generator) -> Integers:
    if symbols**sites <= samples:
        return np.indices((symbols,) * sites).reshape(sites, -1).T
    return rng.integers(0, symbols, (samples, sites))


def _bipartition(side: int, sites: int) -> Bipartition:
    return Bipartition.of(sites, (bit for bit in range(sites) if side >> bit & 1))


def _affordable(entries: int, sites: int, symbols: int) -> int:
    """The most states r with r + (N - 2) r^2 + N r k entries at most: a binary tree's; 0 if there are none."""
    linear = 1 + sites * symbols
    return (isqrt(linear**2 + 4 * (sites - 2) * entries) - linear) // (2 * (sites - 2))
