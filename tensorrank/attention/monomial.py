"""The monomial bound: weights at which the network computes one monomial, whose separation rank is a product.

Coordinates are numbered (u, w), for place w in group u: there are `groups` groups of `size` places, and
groups * size <= d. Take moment matrices M that are zero between groups. Let head w multiply each of its coordinates
(u, w) by one entry g of M, the entries of one head lying in different groups. Then the layer matrix is G = diag(g), and
the next moment matrix G M G has the same zeros. So the network computes x_0 times a monomial in the entries within
groups, of which there are groups * size (size + 1) / 2. With exponents e the separation rank of this monomial is the
product of the e + 1. Restricted inputs and special weights do not raise a rank, so the product is a lower bound on the
separation rank for almost all weights.

One group and d heads of width 1 use all d (d+1) / 2 entries; one head of width d uses the diagonal.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import prod

import numpy as np

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Integers
from tensorrank.errors import TooLargeError

Entry = tuple[int, int]

# Steps of the search that take about ten seconds.
_MOST_STEPS = 10**8


@dataclass(frozen=True)
class Monomial:
    """A monomial that the network computes at certain weights: x_0 times powers of entries of M.

    Attributes:
        width, heads, head_dim: the sizes of the network.
        size: the places in a group; coordinate (u, w) has the number u * size + w.
        exponents: the entries (i, j), i <= j, that occur, each with its exponent.
        choices: for every layer, the lowest first, the entry that multiplies each coordinate; None where the coordinate
            is not used.
    """

    width: int
    heads: int
    head_dim: int
    size: int
    exponents: tuple[tuple[Entry, int], ...]
    choices: tuple[tuple[Entry | None, ...], ...]

    @property
    def bound(self) -> int:
        """The product of exponents plus 1, a lower bound on the separation rank for almost all weights."""
        return prod(exponent + 1 for _, exponent in self.exponents)

    def by_degree(self) -> list[int]:
        """For k = 0..C the number of ways to split the monomial into factors of degree k and C - k."""
        counts = np.ones(1, dtype=object)
        for _, exponent in self.exponents:
            sums = np.concatenate([np.zeros(1, dtype=object), np.cumsum(counts)])
            ends = np.minimum(np.arange(1, len(counts) + exponent + 1), len(counts))
            starts = np.maximum(np.arange(len(counts) + exponent) - exponent, 0)
            counts = sums[ends] - sums[starts]
        return [int(count) for count in counts]

    def weights(self) -> dict[str, Integers]:
        """The weights at which the network computes the monomial, all 0 or 1, by the names `separation_rank` takes."""
        inner = np.zeros((len(self.choices), self.heads, self.head_dim, self.width), dtype=np.int64)
        query, key, value = inner.copy(), inner.copy(), inner.copy()
        output = np.zeros((len(self.choices), self.heads, self.width, self.head_dim), dtype=np.int64)
        for layer, choice in enumerate(self.choices):
            for coordinate, entry in enumerate(choice):
                if entry is not None:
                    group, place = divmod(coordinate, self.size)
                    query[layer, place, group, coordinate] = output[layer, place, coordinate, group] = 1
                    value[layer, place, group, entry[0]] = key[layer, place, group, entry[1]] = 1
        return {"query": query, "key": key, "value": value, "output": output}


@cache
def monomial(depth: int, width: int, heads: int, head_dim: int, output_tokens: int, other_tokens: int) -> Monomial:
    """The monomial of largest bound that a search finds, over all sizes of groups and several first entries.

    No more coordinates are used than there are tokens on the smaller side: with fewer tokens, entries of M depend on
    each other.

    >>> [monomial(depth, 2, 2, 1, 2, 2).bound for depth in (2, 3, 4)]
    [12, 140, 2448]
    """
    coordinates = min(width, output_tokens, other_tokens)
    candidates = []
    largest = min(heads, coordinates)
    _refuse_long_search(depth, coordinates, largest, head_dim)
    for size in range(1, largest + 1):
        groups = min(head_dim, coordinates // size)
        if size < largest and groups == min(head_dim, coordinates // (size + 1)):
            continue  # the next size offers as many groups, and more entries in each
        firsts = {(i, j) for i in (0, 1, size, size + 1) for j in (i, i + 1) if i // size == j // size and j < groups * size}
        candidates += [_pulled_back(depth, width, heads, head_dim, size, groups, first) for first in sorted(firsts)]
    return max(candidates, key=lambda candidate: candidate.bound)


def _refuse_long_search(depth: int, coordinates: int, largest: int, head_dim: int) -> None:
    """Raise an error if the search would take minutes: its steps for all sizes of groups, on numbers of 3^depth."""
    sizes = range(1, largest + 1) if coordinates <= _MOST_STEPS else ()
    groups = (min(head_dim, coordinates // size) for size in sizes)
    steps = (depth * (1 + depth // 64) * count * size * (count + size) for size, count in enumerate(groups, start=1))
    if coordinates > _MOST_STEPS or any(total > _MOST_STEPS for total in accumulate(steps)):
        raise TooLargeError(
            f"the search for a monomial would take minutes at depth {shown(depth)}, with {shown(coordinates)} coordinates "
            f"and {shown(largest)} heads; expected smaller sizes"
        )


def _pulled_back(depth: int, width: int, heads: int, head_dim: int, size: int, groups: int, first: Entry) -> Monomial:
    """The monomial with exponents found from the top layer down, beginning with one entry.

    An entry of the moment matrix above a layer is an entry of the matrix below it times two multipliers.
    """
    exponents = {(u * size + w, u * size + v): 0 for u in range(groups) for w in range(size) for v in range(w, size)}
    exponents[first] = 1
    top: list[Entry | None] = [None] * (groups * size)
    top[0] = first
    choices = [tuple(top)]
    for _ in range(depth - 1):
        weight = [0] * (groups * size)
        weight[0] = 1
        for (i, j), exponent in exponents.items():
            weight[i] += exponent
            weight[j] += exponent
        choice = _least_used(weight, exponents, size, groups)
        for coordinate, entry in enumerate(choice):
            exponents[entry] += weight[coordinate]
        choices.append(tuple(choice))
    used = tuple((entry, exponent) for entry, exponent in exponents.items() if exponent)
    return Monomial(width, heads, head_dim, size, used, tuple(reversed(choices)))


def _least_used(weight: list[int], exponents: dict[Entry, int], size: int, groups: int) -> list[Entry]:
    """An entry for every coordinate: the heaviest coordinates choose first, each the entry of least exponent.

    The entries of one head lie in different groups.
    """
    queues: list[list[tuple[int, Entry]]] = [[] for _ in range(groups)]
    for entry, exponent in exponents.items():
        queues[entry[0] // size].append((exponent, entry))
    for queue in queues:
        heapq.heapify(queue)
    free = [set(range(groups)) for _ in range(size)]
    choice: list[Entry] = [(0, 0)] * len(weight)
    for coordinate in sorted(range(len(weight)), key=lambda c: (-weight[c], c)):
        place = coordinate % size
        group = min(free[place], key=lambda u: queues[u][0])
        free[place].remove(group)
        exponent, entry = queues[group][0]
        heapq.heapreplace(queues[group], (exponent + weight[coordinate], entry))
        choice[coordinate] = entry
    return choice
