"""The protocol of tasks, and what several of them need for it: labels, checked arrays, words over an alphabet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.given_arrays import as_array
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import PartitionLike
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.communication import CommunicationMatrix
from tensorrank.whole_numbers import as_ranges

Inputs = TypeVar("Inputs")

# A label and what orders it; the inputs take more, but are made in steps.
_BYTES_PER_EXAMPLE = 100


@checked
@dataclass(frozen=True, eq=False)
class Examples(ShortRepr, EqualByValue, Generic[Inputs]):
    """Inputs with balanced labels: of n labels, n // 2 are true.

    Attributes:
        inputs: as the task's `solve` takes them.
        labels: (count,) of bool.
        asking: the token whose answers they are; None for a task with one answer.
    """

    inputs: Inputs
    labels: NDArray[np.bool_]
    asking: int | None = None


@checked
class Task(Protocol):
    """A function of some sites, whose bipartitions have communication matrices.

    Each task says in its docstring what its sites, inputs and answers are; `str(task)` names it in tables.
    """

    @property
    def sites(self) -> int:
        """How many sites its bipartitions split."""

    def examples(self, count: int, seed: int | np.random.Generator = 0) -> Examples[Any]:
        """Random inputs, as many with the label 1 as with 0 (one more of these if the count is odd)."""

    def solve(self, inputs: Any) -> NDArray[Any]:
        """The right answers, from the definition."""

    def communication(self, partition: PartitionLike | None = None, *, memory: int | str | None = None) -> CommunicationMatrix:
        """The values at all pairs of inputs of side A and of side B."""

    def matrices(
        self, partition: PartitionLike | None = None, *, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of interest by what they say, the most telling first."""


def balanced_labels(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Labels in random order, half of them (rounded down) true.

    >>> int(balanced_labels(7, np.random.default_rng(0)).sum())
    3
    """
    size = whole_number("count", count, 1)
    refuse_beyond(memory_limit(None), _BYTES_PER_EXAMPLE * size, f"{shown(size)} examples", "fewer")
    return rng.permutation(size) < size // 2


def checked_whole_numbers(what: str, given: ArrayLike, shape: tuple[int | None, ...], most: int, layout: str) -> Integers:
    """The array given, if it has the shape asked for and holds whole numbers from 0 to `most`; an error otherwise.

    A dimension of None may have any length. The layout says in words what the dimensions mean.
    """
    array = as_array(given, what)
    if array.ndim != len(shape) or any(k not in (None, n) for k, n in zip(shape, array.shape, strict=True)):
        raise TensorRankError(f"{what} have the shape {array.shape}; expected {layout}")
    if array.dtype.kind not in "iu":
        raise TensorRankError(f"{what} are of type {array.dtype}; expected whole numbers from 0 to {most}")
    wrong = (array < 0) | (array > most)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise TensorRankError(f"{what} hold {array[place]} at {place}; expected whole numbers from 0 to {most}")
    return array.astype(np.int64)


def checked_token(given: Any, tokens: int) -> int:
    """The number of an asking token, if it is one of 0..N-1; an error otherwise."""
    number = whole_number("asking", given, 0)
    if number >= tokens:
        raise TensorRankError(f"asking is {number}; expected one of the tokens 0 to {tokens - 1}")
    return number


def all_words(symbols: int, length: int, what: str, memory: int | str | None = None) -> Integers:
    """All words of this length over 0..symbols-1, in lexicographic order, of shape (symbols ** length, length).

    An error says what does not fit if they take more than the memory limit.

    >>> all_words(2, 2, "pairs of bits").tolist()
    [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    # A row and its intermediate quotients. A power that no memory holds is not made.
    needed = 3 * np.dtype(np.int64).itemsize * length * symbols ** min(length, 1000)
    refuse_beyond(memory_limit(memory), needed, f"{what}, {symbols}^{length} of them,", "a smaller size, or random `examples`")
    return words_between(symbols, length, 0, symbols**length)


def words_between(symbols: int, length: int, start: int, stop: int) -> Integers:
    """The words number `start` to `stop` - 1 of those that `all_words` lists, of shape (stop - start, length).

    >>> words_between(3, 2, 4, 6).tolist()
    [[1, 1], [1, 2]]
    """
    places = symbols ** np.arange(length - 1, -1, -1, dtype=np.int64)
    return np.arange(start, stop, dtype=np.int64)[:, None] // places % symbols


def in_words(kind: str, numbers: Sequence[int]) -> str:
    """The numbers as a phrase, runs of neighbours shortened.

    >>> in_words("token", [0, 1, 2, 4]), in_words("bit", [3])
    ('tokens 0-2, 4', 'bit 3')
    """
    return f"{kind}{'s' if len(numbers) > 1 else ''} {as_ranges(sorted(numbers))}"


def assignments(sites: Sequence[int]) -> dict[int, NDArray[np.uint8]]:
    """The bits of each site in all assignments of bits to these sites, in lexicographic order.

    >>> assignments([5, 2])
    {2: array([0, 1, 0, 1], dtype=uint8), 5: array([0, 0, 1, 1], dtype=uint8)}
    """
    numbers = np.arange(2 ** len(sites))
    return {site: (numbers >> place & 1).astype(np.uint8) for place, site in enumerate(reversed(sites))}
