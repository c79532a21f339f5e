"""Walks on graphs in which every vertex is a neighbour of itself, as graph networks take them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

import numpy as np

# For every vertex the vertices that it takes a product over: its neighbours and itself, in ascending order.
Neighbours = tuple[tuple[int, ...], ...]


def closed_neighbours(edges: Sequence[Sequence[int]], vertices: int) -> Neighbours:
    """For every vertex its neighbours and itself.

    >>> closed_neighbours([(0, 1), (1, 2)], 3)
    ((0, 1), (0, 1, 2), (1, 2))
    """
    found = [{vertex} for vertex in range(vertices)]
    for one, other in edges:
        found[one].add(other)
        found[other].add(one)
    return tuple(tuple(sorted(near)) for near in found)


@cache
def walks_to(neighbours: Neighbours, ends: tuple[int, ...], longest: int) -> tuple[tuple[int, ...], ...]:
    """For the lengths 0, 1, ... the number of walks of that length from every vertex to any of the ends.

    A walk of length n is a sequence of n + 1 vertices, each a neighbour of the one before or the same.

    >>> walks_to(((0, 1), (0, 1, 2), (1, 2)), (0, 1, 2), 2)
    ((1, 1, 1), (2, 3, 2), (5, 7, 5))
    """
    counts = [tuple(int(vertex in ends) for vertex in range(len(neighbours)))]
    for _ in range(longest):
        last = counts[-1]
        counts.append(tuple(sum(last[other] for other in near) for near in neighbours))
    return tuple(counts)


def kept_walks(neighbours: Neighbours, steps: int) -> tuple[int, ...]:
    """What a removal of edges is to keep high: the walk index of every vertex against all others, in ascending order.

    Of vertex t these are the walks of so many steps that end at t and begin there or at a neighbour; 0 without
    neighbours.

    >>> kept_walks(((0, 1), (0, 1, 2), (1, 2)), 1)
    (2, 2, 3)
    """
    matrix = np.zeros((len(neighbours), len(neighbours)), dtype=object)
    for vertex, near in enumerate(neighbours):
        matrix[vertex, near] = 1
    walks = np.linalg.matrix_power(matrix, steps)
    return tuple(sorted(sum(walks[list(near), t]) if len(near) > 1 else 0 for t, near in enumerate(neighbours)))


def boundary(neighbours: Neighbours, side: Collection[int]) -> tuple[int, ...]:
    """The vertices that have an edge to a vertex of the other side.

    >>> boundary(((0, 1), (0, 1, 2), (1, 2)), [0])
    (0, 1)
    """
    inside = set(side)
    return tuple(vertex for vertex, near in enumerate(neighbours) if len({other in inside for other in near}) == 2)
