"""Maximum flows with whole-number capacities by Dinic's method, and the minimum cut that lies nearest to the sink."""

from __future__ import annotations

from collections import deque

# The capacity of an arc that is never cut.
UNLIMITED = -1


class FlowGraph:
    """A directed graph of numbered nodes, in which arcs carry flow up to a capacity.

    Source: Dinitz, Algorithm for solution of a problem of maximum flow in networks with power estimation (1970).

    >>> graph = FlowGraph(4)
    >>> for tail, head, capacity in [(0, 1, 3), (0, 2, 2), (1, 3, 2), (2, 3, 9)]:
    ...     graph.add(tail, head, capacity)
    >>> graph.far_side(0, 3)  # the arcs from 0 to 2 and from 1 to 3 are cut
    [False, False, True, True]
    """

    def __init__(self, nodes: int) -> None:
        # Arc 2 k + 1 is the way back along arc 2 k.
        self._arcs: list[list[int]] = [[] for _ in range(nodes)]
        self._heads: list[int] = []
        self._left: list[int] = []

    def add(self, tail: int, head: int, capacity: int) -> None:
        """Add an arc."""
        self._arcs[tail].append(len(self._heads))
        self._arcs[head].append(len(self._heads) + 1)
        self._heads += [head, tail]
        self._left += [capacity, 0]

    def far_side(self, source: int, sink: int) -> list[bool]:
        """For each node, whether it lies on the sink's side of the minimum cut that is nearest to the sink.

        The flow in the graph becomes a maximum one. There must be a way to cut source from sink.
        """
        total = sum(capacity for capacity in self._left if capacity != UNLIMITED)
        # More than any flow, so that these arcs are never full, and neither are the ways back along them.
        self._left = [total + 1 if capacity == UNLIMITED else capacity for capacity in self._left]
        while (distances := self._distances(sink))[source] >= 0:
            self._block(source, sink, distances)
        return [distance >= 0 for distance in distances]

    def _distances(self, sink: int) -> list[int]:
        """The arcs that flow of every node has yet to pass to the sink; -1 where it cannot reach it."""
        distances = [-1] * len(self._arcs)
        distances[sink] = 0
        waiting = deque([sink])
        arcs, heads, left = self._arcs, self._heads, self._left
        while waiting:
            node = waiting.popleft()
            for arc in arcs[node]:
                if distances[heads[arc]] < 0 and left[arc ^ 1]:
                    distances[heads[arc]] = distances[node] + 1
                    waiting.append(heads[arc])
        return distances

    def _block(self, source: int, sink: int, distances: list[int]) -> None:
        """Send flow along shortest ways until each of them has a full arc."""
        arcs, heads, left = self._arcs, self._heads, self._left
        tried = [0] * len(arcs)
        way: list[int] = []
        node = source
        while True:
            if node == sink:
                least = min(left[arc] for arc in way)
                for arc in way:
                    left[arc] -= least
                    left[arc ^ 1] += least
                full = next(place for place, arc in enumerate(way) if not left[arc])
                node = heads[way[full] ^ 1]
                del way[full:]
            while tried[node] < len(arcs[node]):
                arc = arcs[node][tried[node]]
                if left[arc] and distances[heads[arc]] == distances[node] - 1:
                    way.append(arc)
                    node = heads[arc]
                    break
                tried[node] += 1
            else:
                if not way:
                    return
                # Nothing passes here any more: not even a retreat comes back.
                distances[node] = -1
                node = heads[way.pop() ^ 1]
