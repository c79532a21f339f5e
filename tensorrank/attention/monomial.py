"""The monomial bound: weights at which the network computes one monomial, whose separation rank is a product.

**What a head does.** Let every row of W_V, W_K, W_Q and every column of W_O be a unit vector or zero. A head of width 1
with W_V = e_i^T, W_K = e_j^T, W_Q = e_c^T and W_O = e_c multiplies coordinate c of all tokens by the entry M_ij of the
moment matrix: a layer of such heads has the layer matrix G = diag(g), where g_c is an entry of M. The next moment
matrix is G M G, so its entry (i, j) is g_i g_j M_ij. Layer after layer, every entry stays a monomial in the entries of
the first M, and the output is x_0 times a product of powers M_ij^e. A coordinate that no head multiplies is zero after
the layer. Any layer may therefore read the entries among multiplied coordinates, and the lowest layer all entries of M.

**The rank of a monomial.** M = M_A + M_B adds up the tokens of the two sides. Expanded, a product of powers M_ij^e is a
sum over all ways to split the exponents: the powers f of entries of M_A times the powers e - f of those of M_B. There
are as many splits as the product of the e + 1. If the entries that occur are algebraically independent on either side,
then different splits have linearly independent functions on side A, times x_0 or not, and on side B. So the product of
the e + 1 is the separation rank of the monomial. Special weights and restricted inputs do not raise a rank, so for
almost all weights the separation rank is at least that.

**Which entries are independent.** On a side of n tokens M_A = X X^T, where the columns of X are the tokens. The entries
(i, j), i <= j, of the first n rows of M_A are independent: the first n rows of X make any generic symmetric matrix
X_1 X_1^T, which is n (n+1) / 2 entries, and as X_1 is invertible, a further row x_j of X makes any vector X_1 x_j. Of d
coordinates these are n d - n (n-1) / 2 entries; for n >= d tokens they are all d (d+1) / 2. No larger number of entries
is independent, by the dimension of the matrices of rank n. With different numbers of tokens on the two sides, entries
have to be independent on both: n is the smaller number.

**Heads of larger width.** Coordinates are dealt into groups, and tokens likewise: a token is zero outside of its group,
so M is zero between groups. In each group u there are `size` places, and head w multiplies coordinate (u, w) in every
group, each by one entry, the entries of one head lying in different groups. A head of width a does that for up to a
groups: its product W_V M W_K^T has the chosen entries on its diagonal, and zeros elsewhere. Coordinates that are left
over belong to groups, too, but are not multiplied. Each side has tokens n_u in group u, n in all, and the output token
is in the first group. The entries of the first n_u rows of every group are independent.

With d tokens a side, one group and d heads of width 1 use all d (d+1) / 2 entries; one head of width d uses the
diagonal. One head of width 1 reads M_00, and another entry in its lowest layer. It has no other functions than these:
with s = v M k and t = q M q of the lowest layer the output is (q x) s^(3^(L-1)) t^((3^(L-1) - 1) / 2), so there the
bound is the rank.

**The search.** Exponents are found from the top layer down. An entry above a layer is an entry below it times the
multipliers of its two coordinates, so each coordinate has a weight, the power of its multiplier that occurs. The
heaviest coordinates choose first, each the entry of least exponent so far. Any choice gives a valid bound.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice

import numpy as np

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.errors import TooLargeError
from tensorrank.separation.head_widths import head_width

Entry = tuple[int, int]
# Numbers of groups, of places in a group, and of tokens on a side.
_Division = tuple[int, int, int]

# Steps of the search that take a moment, about a second, and some seconds, and choices that take about 300 MiB.
_FEW_STEPS, _SEVERAL_STEPS, MOST_STEPS, _MOST_CHOICES = 5 * 10**5, 5 * 10**6, 6 * 10**7, 3 * 10**6
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
        size: the places in a group; coordinate (u, w) has the number u * size + w, and those left over come behind.
        exponents: the entries (i, j), i <= j, that occur, each with its exponent.
        choices: for every layer, the lowest first, the entry that multiplies each coordinate (u, w); None where the
            coordinate is not used.
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
def monomial(
    depth: int, width: int, heads: int, head_dim: int, output_tokens: int, other_tokens: int, most_steps: int = MOST_STEPS
) -> Monomial:
    """The monomial of largest bound that a search of so many steps finds; too many are refused before the search.

    >>> [monomial(depth, 2, 2, 1, 2, 2).bound for depth in (2, 3, 4)]
    [12, 140, 2448]
    """
    sizes, tokens = (width, heads, head_dim), min(output_tokens, other_tokens)
    most, reach = min(head_dim, width, tokens), min(width, heads * head_dim)
    largest: list[_Division] = []
    if depth * reach <= _MOST_CHOICES:
        largest = [(count, size, min(tokens, width)) for count, size in _largest(width, heads, most)]
    if not largest or _steps(depth, most, 1) > most_steps:
        raise TooLargeError(
            f"the search for a monomial would take minutes at depth {shown(depth)}, with {shown(reach)} coordinates "
            f"and {shown(heads)} heads; expected smaller sizes"
        )
    if sum(_steps(depth, count, size) for count, size, _ in largest) > min(most_steps, _SEVERAL_STEPS):
        return _rising(depth, sizes, min(tokens, width), most, most_steps)
    best: Monomial | None = None
    for groups in _divisions(depth, width, heads, most, largest, most_steps):
        for first in chain(*(group.first_entries() for group in groups[:2])):
            best = _longer(best, _pulled_back(depth, sizes, groups, first))
    assert best is not None
    return best


def _rising(depth: int, sizes: tuple[int, int, int], tokens: int, most: int, most_steps: int) -> Monomial:
    """The monomial of a large network: for the most groups with 1, 2, 4, ... places, until it gets shorter.

    A few layers give many entries uneven exponents, so that more places are not always better.
    """
    width, heads, _ = sizes
    best: Monomial | None = None
    places = 1
    while places <= min(heads, width // most) and _steps(depth, most, places) <= most_steps:
        groups = _dealt(width, most, places, tokens)
        # An entry beside the diagonal and the first row, if there is one: in few layers nothing is squared.
        *_, first = groups[0].first_entries()
        found = _pulled_back(depth, sizes, groups, first)
        if best is not None and best.is_longer(found):
            break
        best = found
        places *= 2
    assert best is not None
    return best


def _longer(best: Monomial | None, found: Monomial) -> Monomial:
    return found if best is None or found.is_longer(best) else best


@dataclass(frozen=True)
class _Group:
    """A group of coordinates, and the rows of its entries that its tokens make independent.

    Attributes:
        places: the coordinates that heads multiply.
        others: the coordinates left over, which the lowest layer reads.
        rows: the number of first coordinates, of both kinds, whose rows of entries are independent.
    """

    places: range
    others: range
    rows: int

    def entries(self) -> Iterator[Entry]:
        """The independent entries among the coordinates that heads multiply."""
        return ((i, j) for i in self.places[: self.rows] for j in range(i, self.places.stop))

    def first_entries(self) -> Iterator[Entry]:
        """The entries that a search begins with: of the first two rows, the diagonal ones and those beside them."""
        return ((i, j) for i in self.places[: min(2, self.rows)] for j in (i, i + 1) if j in self.places)

    def further_entries(self) -> Iterator[Entry]:
        """The other independent entries."""
        yield from ((i, j) for i in self.places[: self.rows] for j in self.others)
        rows = self.others[: max(0, self.rows - len(self.places))]
        yield from ((i, j) for place, i in enumerate(rows) for j in self.others[place:])


def _divisions(
    depth: int, width: int, heads: int, most: int, largest: Sequence[_Division], most_steps: int
) -> list[list[_Group]]:
    """The ways to deal coordinates and tokens into groups that are tried.

    For each number of groups the most places are tried, and all tokens. Fewer places or rows are worth a try, too: the
    weights come out more even, or more entries are left to the lowest layer. As many of those are tried as take the
    same time again, or a moment; for small networks these are all.
    """
    tried = dict.fromkeys(largest)
    steps = sum(_steps(depth, count, size) for count, size, _ in largest)
    steps = max(steps, min(_FEW_STEPS, most_steps))
    for count, size, used in _smaller(width, heads, most, largest):
        steps -= _steps(depth, count, size)
        if steps < 0:
            break
        tried[count, size, used] = None
    return [_dealt(width, *division) for division in tried]


def _largest(width: int, heads: int, most: int) -> Iterator[tuple[int, int]]:
    """Numbers of groups, up to the most, and of places in a group, of which neither can be raised alone."""
    for count in range(1, most + 1):
        size = min(heads, width // count)
        if count == most or min(heads, width // (count + 1)) < size:
            yield count, size


def _smaller(width: int, heads: int, most: int, largest: Sequence[_Division]) -> Iterator[_Division]:
    """Further numbers of groups, places and tokens: powers of 2 of tokens, then fewer groups, then all others."""
    tokens = largest[0][2]
    for count, size, _ in largest:
        powers = range((tokens - 1).bit_length() - 1, (count - 1).bit_length() - 1, -1)
        yield from ((count, size, 2**power) for power in powers)
    counts = range(most, 0, -1)
    yield from ((count, min(heads, width // count), tokens) for count in counts)
    for count in counts:
        for size in range(min(heads, width // count), 0, -1):
            yield from ((count, size, used) for used in range(tokens, count - 1, -1))


def _steps(depth: int, count: int, size: int) -> int:
    """The steps of a search with so many groups and places."""
    return depth * (1 + depth // _LONG) * count * size * (count + _SORTING + _SUMMING * min(depth, size // 2))


def _dealt(width: int, count: int, size: int, tokens: int) -> list[_Group]:
    """Groups with so many places each; other coordinates, and tokens, are dealt among them in turn."""
    used = count * size
    return [
        _Group(
            places=range(group * size, (group + 1) * size),
            others=range(used + group, width, count),
            rows=len(range(group, tokens, count)),
        )
        for group in range(count)
    ]


def _pulled_back(depth: int, sizes: tuple[int, int, int], groups: list[_Group], first: Entry) -> Monomial:
    """The monomial with exponents found from the top layer down, beginning with one entry.

    An entry of the moment matrix above a layer is an entry of the matrix below it times two multipliers.
    """
    size, used = len(groups[0].places), groups[-1].places.stop
    queues = [_Queue(group, first) for group in groups]
    top: list[Entry | None] = [None] * used
    top[0] = first
    choices = [tuple(top)]
    for layer in range(depth - 2, -1, -1):
        weight = [0] * used
        weight[0] = 1
        for queue in queues:
            for exponent, (i, j) in queue.heap:
                weight[i] += exponent
                weight[j] += exponent
        if layer == 0:
            for queue in queues:
                queue.add_further_entries()
        choices.append(tuple(_least_used(weight, queues, size)))
    found = sorted((entry, exponent) for queue in queues for exponent, entry in queue.heap if exponent)
    return Monomial(*sizes, size, tuple(found), tuple(reversed(choices)))


class _Queue:
    """The entries of one group, that of least exponent first; where exponents are equal, in the order of entries.

    Attributes:
        heap: exponents with their entries, of all entries that occur and of the first one that does not.
    """

    def __init__(self, group: _Group, first: Entry) -> None:
        self.heap: list[tuple[int, Entry]] = [(1, first)] if first[0] in group.places else []
        self._group = group
        self._unused: Iterator[Entry] = (entry for entry in group.entries() if entry != first)
        self._hold_one_more()

    def add_further_entries(self) -> None:
        """Take in the entries that only the lowest layer can read."""
        self._unused = chain(self._unused, self._group.further_entries())
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
    return monomial(*wanted_sizes(depth, width, heads, head_dim, output_tokens, other_tokens))


def wanted_sizes(
    depth: int, width: int, heads: int, head_dim: int | None, output_tokens: int | None, other_tokens: int | None
) -> tuple[int, int, int, int, int, int]:
    """The arguments of a lower bound, checked, with their defaults."""
    width, heads = whole_number("width", width, 1), whole_number("heads", heads, 1)
    tokens = token_counts(width, output_tokens, other_tokens)
    dim = head_width(width, heads, head_dim)
    return whole_number("depth", depth, 1), width, heads, dim, *tokens


def token_counts(width: int, output_tokens: int | None, other_tokens: int | None) -> tuple[int, int]:
    """The tokens on the output token's side and on the other, many by default."""
    near = width if output_tokens is None else whole_number("output_tokens", output_tokens, 1)
    return near, near if other_tokens is None else whole_number("other_tokens", other_tokens, 1)
