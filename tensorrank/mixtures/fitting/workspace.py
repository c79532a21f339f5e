"""Memory that is used again by each batch of rows: fresh pages cost as much as the arithmetic on them."""

from __future__ import annotations

import numpy as np

from tensorrank.arithmetic.arrays import Floats


class Workspace:
    """Arrays in the order in which they are asked for; batches ask for the same ones in the same order.

    >>> space = Workspace()
    >>> first = space.array((2, 3))
    >>> space.begin()
    >>> np.shares_memory(first, space.array((3, 1)))
    True
    """

    def __init__(self) -> None:
        self._held: list[Floats] = []
        self._scratch = np.empty(0)
        self._asked = 0

    def begin(self) -> None:
        """From here on arrays overwrite those handed out before."""
        self._asked = 0

    def array(self, shape: tuple[int, ...]) -> Floats:
        """An array of this shape, not initialised."""
        size = shape[0] * shape[1]
        if self._asked == len(self._held):
            self._held.append(np.empty(size))
        elif self._held[self._asked].size < size:
            self._held[self._asked] = np.empty(size)
        self._asked += 1
        return self._held[self._asked - 1][:size].reshape(shape)

    def scratch(self, shape: tuple[int, ...]) -> Floats:
        """An array of this shape, not initialised, until the next one is asked for."""
        size = shape[0] * shape[1]
        if self._scratch.size < size:
            self._scratch = np.empty(size)
        return self._scratch[:size].reshape(shape)
