"""How large a tensorial mixture becomes when some of its levels are taken away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import Experiment, ascending, table_sides, told, where
from tensorrank.mixtures.latent_tree import Edge, LatentTree, Name
from tensorrank.mixtures.tables import Table
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank
from tensorrank.whole_numbers import abbreviated

# Interleaved ranks up to this are computed; for larger ones the theorem stands.
_COMPUTED_TO = 4096
# Sizes of deeper mixtures have millions of digits.
_DEEPEST = 16
# Entries of a cut model that are made without asking.
_ENTRIES = 10**7

Source = Literal["computed", "theorem"]


@dataclass(frozen=True)
class LevelRow(Record):
    """The size that a model of some levels needs to equal a tensorial mixture of more.

    Attributes:
        depth: the levels of the whole tensorial mixture, L; it has 2^L variables.
        levels: the levels of the cut model, l.
        window: the variables joined at the lowest level of the cut model, w = 2^(L - l + 1).
        states_lower: the states that the hidden variable of some window needs at least.
        states_upper: the states that suffice for the hidden variable of every window.
        entries_lower: the table entries needed at least, whatever stands above the windows.
        entries_upper: the table entries of the cut model with `states_upper` states.
    """

    depth: int
    levels: int
    window: int
    states_lower: int
    states_upper: int
    entries_lower: int
    entries_upper: int


@dataclass(frozen=True)
class WholeMixture(Record):
    """A tensorial mixture, and what is known of its interleaved rank.

    Attributes:
        depth: the levels of the mixture, L.
        sites: the number of variables, 2^L.
        table_entries: the size of the mixture.
        interleaved: the lower bound on the interleaved rank that the rows rest on.
        source: "computed" for these tables, or by the "theorem" for almost all tables.
        rank: the rank with its standing, if computed.
    """

    depth: int
    sites: int
    table_entries: int
    interleaved: int
    source: Source
    rank: SeparationRank | None


@checked
@dataclass(frozen=True)
class LevelSizes(Experiment, name="levels"):
    """Sizes needed against the number of levels.

    Attributes:
        states, symbols, seed: as given to `level_sizes`.
        wholes: the whole models, by depth.
        rows: the sizes needed, by depth and number of levels.

    >>> [row.states_lower for row in level_sizes([3]).of(3)]
    [16, 4, 2]
    """

    states: int
    symbols: int
    seed: int
    wholes: tuple[WholeMixture, ...]
    rows: tuple[LevelRow, ...]

    def of(self, depth: int) -> tuple[LevelRow, ...]:
        """The rows of a whole model."""
        return where(self.rows, depth=depth)


@checked
@with_progress
def level_sizes(
    depths: Sequence[int] = (4, 5, 6),
    *,
    states: int = 2,
    symbols: int = 2,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    progress: ProgressLike = None,
) -> LevelSizes:
    """The size that models of fewer levels need to equal a tensorial mixture of L levels.

    A model of l levels, 1 <= l <= L, joins at its lowest level 2^(l-1) windows of w = 2^(L-l+1) neighbouring variables.
    The variables of a window are independent given the window's hidden variable. Above the windows the model joins
    pairs: l = 1 is a latent class model, l = L the tensorial mixture itself.

    Lower side. Whatever stands above the windows, the density is a sum over the states of all windows' hidden
    variables, and each term is a function of the even times a function of the odd variables. So the product of the
    numbers of states R_j is at least the rank of even against odd variables, which is min(r, k)^(N/2) for almost all
    tables. Some R_j is therefore at least the 2^(l-1)th root of that rank, min(r, k)^(w/2). The entries
    P(variable | window) and at least one row above each window are at least the sum of R_j (1 + w k), and the sum of
    the R_j is at least 2^(l-1) times that root, by the inequality of the means.

    Upper side. The w/2 lowest hidden variables of a window have r^(w/2) states together, and given these the window's
    variables are independent. The cut model keeps r states at all nodes above the windows. Its entries are those of
    the prior and of every edge's table (`LatentTree.table_entries`). For r <= k both sides agree on the states.

    Args:
        depths: the levels of the whole models, each from 1 to 16.
        states: the states of their hidden variables, r.
        symbols: the values of the observed variables, k.
        seed: a whole number.
        memory: the limit for each rank.
        progress: True shows a line in a terminal or a notebook; a function is called with the models done, their number
            and the next model in words.

    Raises:
        TensorRankError: if a number is out of range, or no depths are given.

    Sources: the rank for almost all tables, Cohen, Sharir, Shashua, On the expressive power of deep learning: a tensor
    analysis (COLT 2016); Jaini, Poupart, Yu, Deep Homogeneous Mixture Models (NeurIPS 2018), section 4.

    >>> [(row.levels, row.states_lower, row.entries_lower, row.entries_upper) for row in level_sizes([4]).rows]
    [(1, 256, 8448, 8448), (2, 16, 544, 578), (3, 4, 144, 170), (4, 2, 80, 122)]
    """
    r, k = table_sides(states, symbols)
    chosen = ascending("depths", depths, most=_DEEPEST, such_as=4)
    wholes, rows = [], []
    for depth in told(chosen, reporter(progress), "{} levels".format):
        whole = _whole(depth, r, k, seed, memory)
        wholes.append(whole)
        rows += [_row(whole, cut, r, k) for cut in range(1, depth + 1)]
    return LevelSizes(r, k, seed, tuple(wholes), tuple(rows))


@checked
def cut_to(model: TensorialMixture, levels: int) -> LatentTree:
    """The model of so many levels, with the density of the whole one.

    Nodes above the windows keep their states and tables. The hidden variable of a window holds the states of the
    window's lowest hidden variables together, those of the first changing slowest.

    Args:
        model: a tensorial mixture of L levels.
        levels: from 1 (a latent class model) to L (the tree of the model itself).

    Raises:
        TensorRankError: if the levels are out of range, or the tables would have more than 10^7 entries.

    >>> whole = TensorialMixture.random(3, 2, 2, seed=0, fractions=True)
    >>> flat = cut_to(whole, 1)
    >>> flat, whole.probability([[0] * 8]) == flat.probability([[0] * 8])
    (LatentTree(8 variables, 1 hidden of at most 16 states), array([ True]))
    """
    levels = whole_number("levels", levels, 1)
    if levels > model.depth:
        raise TensorRankError(f"levels is {levels}; expected at most the {model.depth} of the model")
    windows, joined = 2 ** (levels - 1), 2 ** (model.depth - levels)
    lowest = model.tables(model.depth - 1)
    for window in range(windows):
        places = range(window * joined, (window + 1) * joined)
        states = prod(lowest[2 * place].shape[0] for place in places)
        if states * sum(table.shape[1] for place in places for table in lowest[2 * place : 2 * place + 2]) > _ENTRIES:
            raise TensorRankError(
                f"a window of {2 * joined} variables would have {abbreviated(states)} states; expected tables of at "
                f"most {_ENTRIES} entries: keep more levels"
            )
    names = [[f"{level}.{place}" for place in range(2**level)] for level in range(levels)]
    edges = [
        Edge(names[level][place // 2], names[level + 1][place], table)
        for level in range(levels - 2)
        for place, table in enumerate(model.tables(level))
    ]
    prior = model.prior
    for window, name in enumerate(names[-1]):
        joint = _lowest_given_top(model, levels - 1, window)
        if levels == 1:
            prior = model.prior @ joint
        else:
            table = model.tables(levels - 2)[window] @ joint
            edges.append(Edge(names[-2][window // 2], name, table))
        edges += _independent(model, name, range(window * joined, (window + 1) * joined))
    return LatentTree(names[0][0], prior, tuple(edges), tuple(range(model.sites)), densities=model.densities)


def _whole(depth: int, r: int, k: int, seed: int, memory: int | str | None) -> WholeMixture:
    sites = 2**depth
    generic = min(r, k) ** (sites // 2)
    # Levels below the root, then the pairs' tables of the variables.
    entries = r + (sites - 2) * r * r + sites * r * k
    if generic > _COMPUTED_TO:
        return WholeMixture(depth, sites, entries, generic, "theorem", None)
    model = TensorialMixture.random(depth, r, k, seed)
    rank = separation_rank(model, Bipartition.interleaved(sites), seed=seed, memory=memory)
    return WholeMixture(depth, sites, model.table_entries, rank.lower, "computed", rank)


def _row(whole: WholeMixture, levels: int, r: int, k: int) -> LevelRow:
    windows = 2 ** (levels - 1)
    window = whole.sites // windows
    lower, upper = _root(whole.interleaved, windows), r ** (window // 2)
    # Numbers of states with this product sum to at least this: equal ones are the least, unless none is whole.
    even = lower**windows == whole.interleaved
    total = windows * lower if even else _root(windows**windows * whole.interleaved, windows)
    entries = windows * upper * (r if levels > 1 else 1) + whole.sites * upper * k
    if levels > 1:
        # Above the windows: the prior, and r x r tables for all of their nodes but the root.
        entries += r + (windows - 2) * r * r
    return LevelRow(whole.depth, levels, window, lower, upper, total * (1 + window * k), entries)


def _root(number: int, degree: int) -> int:
    """The least whole number whose power of this degree is at least the number given.

    >>> _root(256, 4), _root(257, 4)
    (4, 5)
    """
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if middle**degree >= number else (middle + 1, high)
    return low


def _lowest_given_top(model: TensorialMixture, level: int, place: int) -> Table:
    """P(lowest hidden variables below a node together | the node): (its states, their states together)."""
    if level == model.depth - 1:
        states = model.tables(level)[2 * place].shape[0]
        exact = model.prior.dtype == object
        return np.eye(states, dtype=np.int64).astype(object) if exact else np.eye(states)
    left, right = (
        model.tables(level)[child] @ _lowest_given_top(model, level + 1, child) for child in (2 * place, 2 * place + 1)
    )
    return np.stack([np.kron(a, b) for a, b in zip(left, right, strict=True)])


def _independent(model: TensorialMixture, window: Name, places: range) -> list[Edge]:
    """The edges from a window's variable, the states of these lowest nodes together, to the observed variables."""
    lowest = model.tables(model.depth - 1)
    sizes = [lowest[2 * place].shape[0] for place in places]
    edges = []
    for index, place in enumerate(places):
        before, after = prod(sizes[:index]), prod(sizes[index + 1 :])
        edges += [
            Edge(window, site, np.tile(np.repeat(lowest[site], after, axis=0), (before, 1)))
            for site in (2 * place, 2 * place + 1)
        ]
    return edges
