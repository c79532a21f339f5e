"""The VC dimension of a 0/1 matrix, by a search for the largest set of columns that its rows shatter."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import as_float, listed, shown, whole_number
from tensorrank.arithmetic.given_arrays import as_given
from tensorrank.arithmetic.rational_rank import distinct_rows
from tensorrank.arithmetic.resources import memory_limit
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

# A Python integer keeps 30 bits in 4 bytes, and takes as many more itself, its place in a list included.
_BYTES_PER_BIT, _CELL_BYTES = 4 / 30, 36


@checked
@dataclass(frozen=True)
class VCDimension(Record):
    """A VC dimension, as far as a search determined it.

    Attributes:
        lower: the size of the largest shattered set found.
        upper: a proven upper bound.
        shattered: that set, column numbers ascending.
    """

    lower: int
    upper: int
    shattered: tuple[int, ...]

    @property
    def exact(self) -> bool:
        """Whether the bounds meet."""
        return self.lower == self.upper

    def __str__(self) -> str:
        value = f"{self.lower} (exact)" if self.exact else f"between {self.lower} and {self.upper}"
        return f"{value}: columns {listed(self.shattered)}" if self.shattered else value


def vc_dimension(matrix: ArrayLike, *, work: int = 1_000_000, memory: int | str | None = None) -> VCDimension:
    """The VC dimension of the rows: the size of the largest set of columns on which they take all patterns.

    A set of k columns cuts the different rows into 2^k cells, one for each pattern, and is shattered if no cell is
    empty. A shattered set can only grow to size t if each cell has at least 2^(t - k) rows, and by columns that cut
    every cell into parts of half as many. This prunes the search, which is exact where it ends. The search is finished
    at once where it meets the upper bound, the logarithm to base 2 of the number of different rows. A third of the work
    goes into collecting columns one by one, a third into larger and larger sets, and what remains into ruling out the
    largest sizes. Where the work does not suffice, the bounds differ.

    A shattered set of k columns holds the task INDEX: one party knows k bits, the other asks for one of them. See
    `randomised_bits` for what that says of messages.

    Args:
        matrix: zeros and ones of shape (rows, columns): the rows are concepts, the columns points.
        work: how many cells may be looked at.
        memory: bytes, or a text such as "4GiB", that the cells may take (60 % of what is available by default); the
            search stops there as it does when the work is spent.

    Raises:
        TensorRankError: if the array is no matrix of zeros and ones with at least one row.

    Source: Vapnik and Chervonenkis 1971.

    >>> print(vc_dimension([[0, 0], [0, 1], [1, 0], [1, 1]]))
    2 (exact): columns 0, 1
    >>> thresholds = np.tri(6, 5, -1, dtype=int)
    >>> vc_dimension(thresholds)
    VCDimension(lower=1, upper=1, shattered=(2,))
    """
    bits = _zeros_and_ones(matrix)
    allowed = whole_number("work", work, 1)
    bits = bits[distinct_rows(bits)]
    # A column and its complement cut alike: the one that is 0 in the first row stands for both.
    bits ^= bits[:1]
    cuts = distinct_rows(bits.T)
    ones = bits[:, cuts].sum(axis=0, dtype=np.int64)
    balance = np.minimum(ones, len(bits) - ones)
    order = [int(cuts[place]) for place in np.argsort(-balance, kind="stable") if balance[place]]
    cell = _CELL_BYTES + _BYTES_PER_BIT * len(bits)
    # The cells of smaller sets on the way to the current one take as much again.
    most_cells = int(memory_limit(memory) / (2 * cell))
    packed = np.packbits(bits, axis=0, bitorder="little")
    columns = {column: int.from_bytes(packed[:, column].tobytes(), "little") for column in order}
    search = _Search(columns, len(bits), most_cells)
    for step in (search.collect, search.enlarge, search.exclude):
        search.left += allowed // 3
        with suppress(_Spent):
            step()
    return VCDimension(len(search.best), search.upper, tuple(sorted(search.best)))


def randomised_bits(vc: VCDimension | int, error: float = 1 / 3) -> float:
    """Bits that a message needs, from the party of the rows to that of the columns, who then says the entry.

    The bits are (1 - H(error)) times the VC dimension, with H the binary entropy, whatever coins the two parties share.
    For let the rows that shatter k columns be k uniform bits. Each bit is guessed from the message with this
    probability of error, so the message tells at least 1 - H(error) of it, and as the bits are independent, k times
    that of all.

    The bound holds for one message in this direction only, such as the memory of a recurrent model that has read the
    input of the row and not yet that of the column.

    Args:
        vc: a VC dimension, of which the lower bound is used, or a whole number.
        error: the probability of a wrong answer, from 0 to less than 1/2, at every pair of inputs.

    Returns:
        A number of bits.

    Raises:
        TensorRankError: if a number is out of its range.

    Sources: Kremer, Nisan and Ron, On randomized one-round communication complexity (Computational Complexity 8,
    1999); for INDEX Ablayev 1996.

    >>> randomised_bits(12, error=0), round(randomised_bits(12), 3)
    (12.0, 0.98)
    """
    least = vc.lower if isinstance(vc, VCDimension) else whole_number("the VC dimension", vc, 0)
    if not 0 <= (wrong := as_float(error)) < 1 / 2:
        raise TensorRankError(f"the error is {shown(error)}; expected a probability from 0 to less than 1/2")
    entropy = -sum(p * math.log2(p) for p in (wrong, 1 - wrong) if p > 0)
    # Of more bits than a float holds there is no end.
    return as_float(least) * (1 - entropy)


# No error: the search ends here with what it has.
class _Spent(Exception):  # noqa: N818
    """The work or the memory is spent."""


class _Search:
    """Looks for shattered sets among columns, given as the rows that have a 1: bits of whole numbers."""

    def __init__(self, columns: dict[int, int], rows: int, most_cells: int) -> None:
        self.columns = columns
        self.everything = [(1 << rows) - 1]
        self.most_cells = most_cells
        self.left = 0
        self.best: tuple[int, ...] = ()
        self.upper = min(rows.bit_length() - 1, len(columns))

    def collect(self) -> None:
        """Take every column that is shattered together with those before it."""
        cells = self.everything
        for column in self.columns:
            if len(self.best) == self.upper:
                return
            if self._cuts(cells, column, 1):
                self.best += (column,)
                cells = self._cut(cells, column)

    def enlarge(self) -> None:
        """Look for a larger set until there is none."""
        while len(self.best) < self.upper:
            self._seek(len(self.best) + 1)

    def exclude(self) -> None:
        """Rule out the largest sizes until there is one of which a set is found."""
        while len(self.best) < self.upper:
            self._seek(self.upper)

    def _seek(self, size: int) -> None:
        """Look for a set of this size; if there is none, the upper bound is less."""
        found = self._extension(self.everything, self.columns, size)
        if found is None:
            self.upper = size - 1
        else:
            self.best = found

    def _extension(self, cells: list[int], candidates: Iterable[int], more: int) -> tuple[int, ...] | None:
        """A set of `more` candidates that cut all cells into all patterns; None if there is none.

        Each candidate is taken together with earlier ones, so that few columns are looked at if they suffice.
        """
        useful: list[int] = []
        for column in candidates:
            if not self._cuts(cells, column, 1 << (more - 1)):
                continue
            if more == 1:
                return (column,)
            if len(useful) >= more - 1:
                found = self._extension(self._cut(cells, column), useful, more - 1)
                if found is not None:
                    return (*found, column)
            useful.append(column)
        return None

    def _cuts(self, cells: list[int], column: int, least: int) -> bool:
        """Whether a column cuts every cell into two parts of at least `least` rows."""
        ones = self.columns[column]
        for cell in cells:
            self.left -= 1
            if self.left < 0:
                raise _Spent
            inside = cell & ones
            if inside.bit_count() < least or (cell ^ inside).bit_count() < least:
                return False
        return True

    def _cut(self, cells: list[int], column: int) -> list[int]:
        """The parts into which a column cuts all cells; the smallest stand first, since they fail first."""
        if 2 * len(cells) > self.most_cells:
            raise _Spent
        ones = self.columns[column]
        inside = [cell & ones for cell in cells]
        return sorted(inside + [a ^ b for a, b in zip(cells, inside, strict=True)], key=int.bit_count)


def _zeros_and_ones(matrix: ArrayLike) -> NDArray[np.uint8]:
    """A copy of the matrix, if it is a matrix of zeros and ones with a row."""
    array = as_given(matrix)
    if array.ndim != 2 or not len(array):
        raise TensorRankError(
            f"an array of shape {array.shape} was given; expected a matrix (two dimensions) with at least one row"
        )
    if array.dtype.kind not in "iub" or not ((array == 0) | (array == 1)).all():
        whole = array.dtype.kind in "iub"
        other = f"the entry {array[(array != 0) & (array != 1)][0]}" if whole else f"an array of {array.dtype}"
        raise TensorRankError(f"{other} was given; expected a matrix of the whole numbers 0 and 1")
    return array.astype(np.uint8)
