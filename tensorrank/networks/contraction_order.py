"""The order in which a large network is contracted, found in time that grows like the network.

The search is greedy: of the pairs of operands that share a leg to be summed, the one is contracted next whose result is
smallest against its two parts, which takes a chain from its ends. A leg that hundreds of operands share would make
tens of thousands of pairs. So each operand is paired with one other only for every set of open legs that those have:
what has the same open legs, such as inputs of one side, meets first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise

Legs = tuple[str, ...]

# Operands with so many different sets of open legs are tried as partners over one leg.
_MOST_GROUPS = 4


def greedy_pairs(operands: Sequence[Legs], output: Iterable[str], sizes: dict[str, int]) -> list[tuple[int, int]]:
    """The pairs to contract one after the other, by number: the operands come first, then the results of earlier pairs.

    >>> greedy_pairs([("i", "j"), ("j", "k"), ("k",)], ("i",), {"i": 4, "j": 3, "k": 2})
    [(1, 2), (0, 3)]
    """
    search = _Search(operands, frozenset(output), sizes)
    search.contract_neighbours()
    search.contract_the_rest()
    return search.pairs


class _Search:
    """The operands that are left, by number, and the pairs that may be next."""

    def __init__(self, operands: Sequence[Legs], output: frozenset[str], sizes: dict[str, int]) -> None:
        self.pairs: list[tuple[int, int]] = []
        self._output, self._sizes = output, sizes
        self._legs: dict[int, frozenset[str]] = {number: frozenset(legs) for number, legs in enumerate(operands)}
        self._entries = {number: self._product(legs) for number, legs in self._legs.items()}
        self._open = {number: legs & output for number, legs in self._legs.items()}
        self._next = len(operands)
        # Who has a leg that is to be summed: by the open legs that they have, in the order in which they came.
        self._holders: dict[str, dict[frozenset[str], dict[int, None]]] = {}
        self._counts: dict[str, int] = {}
        self._waiting: list[tuple[int, int, int]] = []
        self._proposed: set[tuple[int, int, int]] = set()
        for number, legs in self._legs.items():
            for leg in sorted(legs - output):
                self._counts[leg] = self._counts.get(leg, 0) + 1
                others = self._holders.setdefault(leg, {}).setdefault(self._open[number], {})
                if others:
                    self._propose(next(reversed(others)), number)
                others[number] = None
        for groups in self._holders.values():
            firsts = [next(iter(group)) for group in groups.values()]
            for one, other in pairwise(firsts):
                self._propose(one, other)

    def contract_neighbours(self) -> None:
        """Contract pairs that share a leg to be summed, until no leg is left to be summed."""
        while self._waiting:
            _, second, first = heapq.heappop(self._waiting)
            alive = [number for number in (-first, -second) if number in self._legs]
            if len(alive) == 2:
                self._contract(*alive)
            elif alive:
                # The other is part of something larger now.
                self._seek_partners(alive[0])

    def contract_the_rest(self) -> None:
        """Contract what shares no leg to be summed: first what has the same open legs, then the smallest."""
        groups: dict[frozenset[str], int] = {}
        for number, legs in list(self._legs.items()):
            groups[legs] = self._contract(groups[legs], number) if legs in groups else number
        heap = [(self._entries[number], number) for number in groups.values()]
        heapq.heapify(heap)
        while len(heap) > 1:
            (_, one), (_, other) = heapq.heappop(heap), heapq.heappop(heap)
            number = self._contract(one, other)
            heapq.heappush(heap, (self._entries[number], number))

    def _contract(self, first: int, second: int) -> int:
        self.pairs.append((min(first, second), max(first, second)))
        number, self._next = self._next, self._next + 1
        shared, summed, entries = self._result(first, second)
        legs, has_open = self._legs[first] | self._legs[second], self._open[first] | self._open[second]
        for old in (first, second):
            for leg in self._legs[old] - self._output:
                groups = self._holders[leg]
                group = groups[self._open[old]]
                del group[old]
                if not group:
                    del groups[self._open[old]]
            del self._legs[old], self._entries[old], self._open[old]
        for leg in shared:
            self._counts[leg] -= 1
        self._legs[number], self._entries[number], self._open[number] = legs - summed, entries, has_open
        for leg in self._legs[number] - self._output:
            groups = self._holders[leg]
            # The newest group last, where partners are sought first.
            group = groups.pop(has_open, {})
            group[number] = None
            groups[has_open] = group
        self._seek_partners(number)
        return number

    def _seek_partners(self, number: int) -> None:
        for leg in sorted(self._legs[number] - self._output):
            for group, _ in zip(reversed(self._holders[leg].values()), range(_MOST_GROUPS), strict=False):
                newest = reversed(group)
                other = next(newest)
                if other == number:
                    other = next(newest, number)
                if other != number:
                    self._propose(other, number)

    def _propose(self, first: int, second: int) -> None:
        _, _, entries = self._result(first, second)
        price = 2 * entries - self._entries[first] - self._entries[second]
        # Of equal prices the newest pair: what was begun is finished, and less waits.
        proposal = (price, -max(first, second), -min(first, second))
        # Proposed once: a result of many legs would else propose the same again whenever a partner of it is gone.
        if proposal not in self._proposed:
            self._proposed.add(proposal)
            heapq.heappush(self._waiting, proposal)

    def _result(self, first: int, second: int) -> tuple[set[str], set[str], int]:
        """The legs to be summed that two operands share, those of them that no other has, and the result's entries."""
        both = self._legs[first] & self._legs[second]
        shared = {leg for leg in both if leg in self._counts}
        summed = {leg for leg in shared if self._counts[leg] == 2}
        entries = self._entries[first] * self._entries[second] // (self._product(both) * self._product(summed))
        return shared, summed, entries

    def _product(self, legs: Iterable[str]) -> int:
        product = 1
        for leg in legs:
            product *= self._sizes[leg]
        return product
