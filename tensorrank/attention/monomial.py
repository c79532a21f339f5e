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
import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.errors import TensorRankError, TooLargeError

Entry = tuple[int, int]

# Steps of the search that take about ten seconds, and choices of entries that take about 300 MiB.
_MOST_STEPS, _MOST_CHOICES = 2 * 10**8, 3 * 10**6
# Logarithms that differ by less, relatively, may be rounded versions of equal ones.
_CLOSE = 1e-9
# A step takes twice as long with exponents of so many ternary digits. Sorting takes so many steps for a coordinate, and
# the sum of exponents so many for an entry.
_LONG, _SORTING, _SUMMING = 2000, 8, 16


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
        return _product([exponent + 1 for _, exponent in self.exponents])

    @property
    def log3_bound(self) -> float:
        """The logarithm to base 3 of `bound`, computed without the product."""
        return math.fsum(math.log(exponent + 1) for _, exponent in self.exponents) / math.log(3)

    def is_longer(self, other: Monomial) -> bool:
        """True if the bound is larger than another one's. Products are formed only where their logarithms are close."""
        mine, others = self.log3_bound, other.log3_bound
        if abs(mine - others) > _CLOSE * (1 + mine):
            return mine > others
        # Most candidates are alike but for the order of entries.
        alike = Counter(e for _, e in self.exponents) == Counter(e for _, e in other.exponents)
        return not alike and self.bound > other.bound

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


def _product(numbers: list[int]) -> int:
    """The product of whole numbers, by halves: factors of equal length are multiplied faster than one after another."""
    while len(numbers) > 1:
        numbers = [math.prod(numbers[start : start + 2]) for start in range(0, len(numbers), 2)]
    return math.prod(numbers)


@cache
def monomial(depth: int, width: int, heads: int, head_dim: int, output_tokens: int, other_tokens: int) -> Monomial:
    """The monomial of largest bound that a search finds, over all sizes of groups and several first entries.

    No more coordinates are used than there are tokens on the smaller side: with fewer tokens, entries of M depend on
    each other.

    >>> [monomial(depth, 2, 2, 1, 2, 2).bound for depth in (2, 3, 4)]
    [12, 140, 2448]
    """
    coordinates = min(width, output_tokens, other_tokens)
    largest = min(heads, coordinates)
    if depth * coordinates > _MOST_CHOICES:
        raise _long_search(depth, coordinates, largest)
    shapes = []
    steps = 0
    for size in range(1, largest + 1):
        groups = min(head_dim, coordinates // size)
        if size < largest and groups == min(head_dim, coordinates // (size + 1)):
            continue  # the next size offers as many groups, and more entries in each
        used = groups * size
        steps += depth * (1 + depth // _LONG) * used * (groups + _SORTING + _SUMMING * min(depth, size // 2))
        if steps > _MOST_STEPS:
            raise _long_search(depth, coordinates, largest)
        shapes.append((size, groups))
    best: Monomial | None = None
    for size, groups in shapes:
        firsts = {(i, j) for i in (0, 1, size, size + 1) for j in (i, i + 1) if i // size == j // size and j < groups * size}
        for first in sorted(firsts):
            found = _pulled_back(depth, width, heads, head_dim, size, groups, first)
            best = found if best is None or found.is_longer(best) else best
    assert best is not None
    return best


def _long_search(depth: int, coordinates: int, heads: int) -> TooLargeError:
    return TooLargeError(
        f"the search for a monomial would take minutes at depth {shown(depth)}, with {shown(coordinates)} coordinates "
        f"and {shown(heads)} heads; expected smaller sizes"
    )


def _pulled_back(depth: int, width: int, heads: int, head_dim: int, size: int, groups: int, first: Entry) -> Monomial:
    """The monomial with exponents found from the top layer down, beginning with one entry.

    An entry of the moment matrix above a layer is an entry of the matrix below it times two multipliers.
    """
    queues = [_Queue(range(group * size, (group + 1) * size), first) for group in range(groups)]
    top: list[Entry | None] = [None] * (groups * size)
    top[0] = first
    choices = [tuple(top)]
    for _ in range(depth - 1):
        weight = [0] * (groups * size)
        weight[0] = 1
        for queue in queues:
            for exponent, (i, j) in queue.heap:
                weight[i] += exponent
                weight[j] += exponent
        choices.append(tuple(_least_used(weight, queues, size)))
    used = sorted((entry, exponent) for queue in queues for exponent, entry in queue.heap if exponent)
    return Monomial(width, heads, head_dim, size, tuple(used), tuple(reversed(choices)))


class _Queue:
    """The entries of one group, that of least exponent first; where exponents are equal, in the order of entries.

    Attributes:
        heap: exponents with their entries, of all entries that occur and of the first one that does not.
    """

    def __init__(self, places: range, first: Entry) -> None:
        self.heap: list[tuple[int, Entry]] = [(1, first)] if first[0] in places else []
        self._unused = ((i, j) for i in places for j in range(i, places.stop) if (i, j) != first)
        self._hold_one_more()

    def take(self, weight: int) -> Entry:
        """The entry of least exponent, to which the weight is added."""
        exponent, entry = self.heap[0]
        heapq.heapreplace(self.heap, (exponent + weight, entry))
        if weight and not exponent:
            self._hold_one_more()
        return entry

    def _hold_one_more(self) -> None:
        for entry in islice(self._unused, 1):
            heapq.heappush(self.heap, (0, entry))


def _least_used(weight: list[int], queues: list[_Queue], size: int) -> list[Entry]:
    """An entry for every coordinate: the heaviest coordinates choose first, each the entry of least exponent.

    The entries of one head lie in different groups.
    """
    free = [set(range(len(queues))) for _ in range(size)]
    choice: list[Entry] = [(0, 0)] * len(weight)
    for coordinate in sorted(range(len(weight)), key=lambda c: (-weight[c], c)):
        place = coordinate % size
        group = min(free[place], key=lambda u: queues[u].heap[0])
        free[place].remove(group)
        choice[coordinate] = queues[group].take(weight[coordinate])
    return choice


def log3_monomial_bound(
    depth: int,
    width: int,
    heads: int = 1,
    head_dim: int | None = None,
    output_tokens: int | None = None,
    other_tokens: int | None = None,
) -> float:
    """The logarithm to base 3 of `monomial_bound`, without the whole number, which may have millions of digits.

    It is right to ten digits and more. Arguments and errors are those of `monomial_bound`.

    Source: as for `monomial_bound`.

    >>> [round(3 ** log3_monomial_bound(depth, 2, heads=2)) for depth in (2, 3, 4)]
    [12, 140, 2448]
    """
    return wanted_monomial(depth, width, heads, head_dim, output_tokens, other_tokens).log3_bound


def wanted_monomial(
    depth: int, width: int, heads: int, head_dim: int | None, output_tokens: int | None, other_tokens: int | None
) -> Monomial:
    """The monomial of `monomial_bound`, for its arguments; they are checked here."""
    width, heads = whole_number("width", width, 1), whole_number("heads", heads, 1)
    tokens = token_counts(width, output_tokens, other_tokens)
    if head_dim is None and width % heads:
        raise TensorRankError(f"{heads} heads do not divide the width {width}; expected a divisor, or give head_dim")
    dim = width // heads if head_dim is None else whole_number("head_dim", head_dim, 1)
    return monomial(whole_number("depth", depth, 1), width, heads, dim, *tokens)


def token_counts(width: int, output_tokens: int | None, other_tokens: int | None) -> tuple[int, int]:
    """The tokens on the output token's side and on the other, many by default."""
    near = width if output_tokens is None else whole_number("output_tokens", output_tokens, 1)
    return near, near if other_tokens is None else whole_number("other_tokens", other_tokens, 1)
