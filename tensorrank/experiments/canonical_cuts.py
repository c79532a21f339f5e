"""Canonical cuts of an order of variables, and an order that keeps dependent variables together."""

from __future__ import annotations

import numpy as np

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Floats, Integers
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.networks.data_tensor import DataTensor
from tensorrank.separation.partition import Bipartition

# So many sites have twice as many cuts, each of which lists them all.
_MOST_SITES = 10_000
# Exchanges that gain less may be rounding.
_LEAST_GAIN = 1e-9


@checked
def canonical_partitions(sites: int) -> tuple[tuple[Bipartition, ...], ...]:
    """The cuts of the balanced tree, level by level: at level l, contiguous blocks of N / 2^l sites against the rest.

    Blocks are halved, the first half of an odd number having one site less, until all are single sites. A single site
    stays at every level below. The two blocks of level 1 are one cut, and stand once.

    Args:
        sites: N, the number of sites, from 2 to 10000.

    Raises:
        TensorRankError: if the number is out of this range.

    Source: canonical partitions, Alexander, De La Vega, Razin, Cohen (NeurIPS 2023, arXiv 2303.11249).

    >>> [[cut.a for cut in level] for level in canonical_partitions(4)]
    [[(0, 1)], [(0,), (1,), (2,), (3,)]]
    """
    blocks = [(0, whole_number("sites", sites, 2, _MOST_SITES))]
    levels: list[tuple[Bipartition, ...]] = []
    while any(end - first > 1 for first, end in blocks):
        halves = []
        for first, end in blocks:
            middle = (first + end) // 2
            halves += [(first, middle), (middle, end)] if end - first > 1 else [(first, end)]
        blocks = halves
        cuts = [Bipartition.of(sites, range(first, end)) for first, end in (blocks if levels else blocks[:1])]
        levels.append(tuple(cuts))
    return tuple(levels)


@checked
def arranged_order(data: DataTensor, *, memory: int | str | None = None) -> tuple[int, ...]:
    """An order of the variables in which those that depend on each other share blocks, for `DataTensor.permuted`.

    The variables are halved again and again, so that little correlation is cut. Halves are split by the entries of the
    leading eigenvector of the matrix of absolute correlations, made orthogonal to constants, and then improved by
    exchanges. It is a heuristic; `data_entanglement` says what it saves.

    Args:
        data: the data, whose values of variables, or coordinates of vectors, are correlated.
        memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

    Raises:
        TensorRankError: before anything is computed, if it would take more memory.

    Sources: rearranging variables by correlations and balanced cuts, Alexander, De La Vega, Razin, Cohen (NeurIPS 2023,
    arXiv 2303.11249), who partition graphs in another way; eigenvectors for that, Donath, Hoffman (IBM J. Res. Dev. 17,
    1973); exchanges, Kernighan, Lin (Bell Syst. Tech. J. 49, 1970), one at a time.

    >>> import tensorrank as tr
    >>> copied = tr.DataTensor([[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    >>> arranged_order(copied)
    (0, 2, 1, 3)
    """
    what = f"the correlations of {data.sites} variables"
    refuse_beyond(memory_limit(memory), 32 * data.sites**2, what, "fewer variables, or more memory")
    return tuple(_arranged(_correlations(data), np.arange(data.sites)).tolist())


def _correlations(data: DataTensor) -> Floats:
    """The absolute correlations of variables, of vectors the mean over pairs of coordinates; 0 for constant ones."""
    values = data.samples.astype(np.float64).reshape(len(data.samples), data.sites, -1)
    centred = values - values.mean(axis=0)
    lengths = np.sqrt((centred**2).sum(axis=0))
    centred = centred / np.where(lengths > 0, lengths, 1)
    coordinates = range(values.shape[2])
    pairs = (np.abs(centred[:, :, i].T @ centred[:, :, j]) for i in coordinates for j in coordinates)
    found: Floats = sum(pairs, np.zeros((data.sites, data.sites))) / len(coordinates) ** 2
    return found


def _arranged(weights: Floats, sites: Integers) -> Integers:
    """The sites in the order of recursive halves; of two equal halves the one with the least site is first."""
    if len(sites) < 3:
        return np.sort(sites)
    halves = _halves(weights[np.ix_(sites, sites)])
    parts = [sites[half] for half in halves]
    if len(sites) % 2 == 0:
        parts.sort(key=lambda part: int(part.min()))
    return np.concatenate([_arranged(weights, part) for part in parts])


def _halves(weights: Floats) -> tuple[Integers, Integers]:
    """Two halves, the first of an odd number smaller by one, across which little weight is cut."""
    count = len(weights)
    # For x of entries 1 and -1, one for each half, x^T W x is the larger the less weight is cut.
    centring = np.eye(count) - 1 / count
    leading = np.linalg.eigh(centring @ weights @ centring)[1][:, -1]
    # Equal entries, as of copies and constants, differ by rounding alone; then the order that is given decides.
    along = np.argsort(np.round(leading * np.sign(leading[np.abs(leading).argmax()]), 9), kind="stable")
    sides = np.ones(count)
    sides[along[: count // 2]] = -1
    links = weights - np.diag(np.diag(weights))
    while True:
        small, large = np.flatnonzero(sides < 0), np.flatnonzero(sides > 0)
        # What a site has across the cut, less what it has on its own side.
        pulls = -sides * (links @ sides)
        gains = pulls[small][:, None] + pulls[large] - 2 * links[np.ix_(small, large)]
        one, other = np.unravel_index(gains.argmax(), gains.shape)
        if gains[one, other] < _LEAST_GAIN:
            return small, large
        sides[small[one]], sides[large[other]] = 1, -1
