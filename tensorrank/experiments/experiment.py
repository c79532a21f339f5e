"""What all experiments share: results as records, checks of the sizes given, and how progress is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import Progress
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record

T = TypeVar("T")

# Ranks saturate at the lesser of states and symbols, and tables of more take a long time and gigabytes.
_LONGEST_SIDE = 1000


@checked
class Experiment(Record):
    """Base of the results of experiments: frozen dataclasses of what was chosen and of the rows that were measured.

    Plain values begin with the name of the experiment.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Squares(Experiment, name="squares"):
    ...     rows: tuple[int, ...]
    >>> Squares((1, 4)).to_dict()
    {'experiment': 'squares', 'rows': [1, 4]}
    """

    def __init_subclass__(cls, *, name: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.heading = {"experiment": name}


def ascending(what: str, given: Iterable[int], least: int = 1, most: int | None = None, *, such_as: int = 8) -> list[int]:
    """Whole numbers that were given, each once, small ones first; there has to be one, and none out of the range.

    >>> ascending("depths", [4, 2, 4])
    [2, 4]
    """
    found = sorted({whole_number(f"one of the {what}", number, least, most) for number in given})
    if not found:
        raise TensorRankError(f"no {what} were given; expected at least one, such as {such_as}")
    return found


def table_sides(states: int, symbols: int) -> tuple[int, int]:
    """The states of hidden variables and the values of observed ones that were given, each from 1 to 1000.

    >>> table_sides(2, 3)
    (2, 3)
    """
    return whole_number("states", states, 1, _LONGEST_SIDE), whole_number("symbols", symbols, 1, _LONGEST_SIDE)


def power_of_two(what: str, given: int, least: int = 1, why: str = "") -> int:
    """A number that was given, if it is a power of two and at least so large.

    >>> power_of_two("the side", 8)
    8
    """
    if whole_number(what, given, least).bit_count() != 1:
        raise TensorRankError(f"{what} is {given}; expected a power of two{why}")
    return int(given)


def told(items: Sequence[T], progress: Progress, words: Callable[[T], str], *, before: int = 0, after: int = 0) -> Iterator[T]:
    """The items one after the other, each announced to `progress` in words before it is worked on.

    An item is one portion of the work. Some portions may be done before the items, others after them.

    >>> [item**2 for item in told([3, 4], print, "number {}".format)]
    0 2 number 3
    1 2 number 4
    [9, 16]
    """
    for done, item in enumerate(items, before):
        progress(done, before + len(items) + after, words(item))
        yield item


def within(progress: Progress, done: int, total: int, label: str = "", *, alone: bool = False) -> Progress:
    """The progress of one portion of the work, told as progress of the whole.

    What is told is a label followed by the words of the portion, or the label alone.

    >>> within(print, 1, 4, "second: ")(1, 2, "half of it")
    1.5 4 second: half of it
    """

    def tell(part: float, whole: float, what: str) -> None:
        progress(done + (part / whole if whole else 0.0), total, label if alone else f"{label}{what}")

    return tell


def distinct(rows: Iterable[object], name: str) -> tuple[int, ...]:
    """The values that an attribute has among the rows, small ones first."""
    return tuple(sorted({getattr(row, name) for row in rows}))


def where(rows: Iterable[T], **values: object) -> tuple[T, ...]:
    """The rows whose attributes have these values.

    >>> where([1, 2j, 3], imag=0)
    (1, 3)
    """
    return tuple(row for row in rows if all(getattr(row, name) == value for name, value in values.items()))
