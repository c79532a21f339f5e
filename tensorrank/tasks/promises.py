"""Tasks with a promise: a part of their communication matrix in which every pair of inputs keeps it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.rational_rank import distinct_rows


@dataclass(frozen=True)
class Promise:
    """All inputs that keep a promise, seen from both sides.

    Attributes:
        left: what side A sees of each input, (inputs, some numbers).
        right: what side B sees of each input, likewise.
        shared: what both see of it. Inputs of both sides that differ in this do not belong together.
        values: the answers, (inputs,).
    """

    left: Integers
    right: Integers
    shared: Integers
    values: NDArray[np.bool_]


def all_kept(promise: Promise) -> NDArray[np.uint8]:
    """A part of the communication matrix of which every pair keeps the promise.

    Inputs with the same shared part are looked at together. As long as a pair of theirs breaks the promise, the row or
    column with the largest share of such pairs is left out. The part found with the largest number of different rows
    times different columns is taken, the first of several.

    >>> sides = np.array([[0], [0], [1]])
    >>> all_kept(Promise(sides, np.array([[0], [1], [1]]), np.zeros((3, 1), int), np.array([True, False, True])))
    array([[1, 0]], dtype=uint8)
    """
    best, most = np.zeros((1, 1), dtype=np.uint8), 0
    for given, values in _blocks(promise):
        if given.size <= most:
            continue
        rows, columns = _without_gaps(given)
        part = values[np.ix_(rows, columns)]
        size = len(distinct_rows(part)) * len(distinct_rows(part.T))
        if size > most:
            best, most = part, size
    return best


def _blocks(promise: Promise) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.uint8]]]:
    """Which pairs keep the promise, and their values: a matrix of both for each shared part, large ones first."""
    blocks = _numbered(promise.shared)
    order = np.argsort(blocks, kind="stable")
    pieces = np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1)
    for inputs in sorted(pieces, key=len, reverse=True):
        rows, columns = _numbered(promise.left[inputs]), _numbered(promise.right[inputs])
        given = np.zeros((rows.max() + 1, columns.max() + 1), dtype=bool)
        values = np.zeros(given.shape, dtype=np.uint8)
        given[rows, columns] = True
        values[rows, columns] = promise.values[inputs]
        yield given, values


def _without_gaps(given: NDArray[np.bool_]) -> tuple[Integers, Integers]:
    """Rows and columns of which every pair is given, after those with the largest share of gaps are left out."""
    rows, columns = np.arange(given.shape[0]), np.arange(given.shape[1])
    while not (part := given[np.ix_(rows, columns)]).all():
        of_rows, of_columns = 1 - part.mean(axis=1), 1 - part.mean(axis=0)
        if of_rows.max() >= of_columns.max():
            rows = np.delete(rows, of_rows.argmax())
        else:
            columns = np.delete(columns, of_columns.argmax())
    return rows, columns


def _numbered(lines: Integers) -> Integers:
    """The number of each line among the different ones."""
    return np.unique(lines, axis=0, return_inverse=True)[1].ravel()
