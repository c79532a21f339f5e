"""Tables as JSON holds them: floats with a point or an exponent, fractions as texts, whole numbers by `plain`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from tensorrank.arguments import shown
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.tables import Table, holds_fractions
from tensorrank.records import plain
from tensorrank.whole_numbers import MOST_DIGITS, from_text, to_text

# Exponents are no part of it: with them a short text could be a number of any length.
_FRACTION = re.compile(r"(-?[0-9]+)(?:/([0-9]+))?")
# Tables have three axes at most, and matrices of covariance four.
_MOST_AXES = 4
_BEYOND = 10**MOST_DIGITS


def written(table: Table | tuple[Table, ...]) -> Any:
    """Nested lists of floats, or of whole numbers and texts such as "1/3"; of several tables a list of these.

    `read_tables` gives the same entries back.

    >>> written(np.array([[0.5, 0.5]])), written(np.array([Fraction(1, 3), Fraction(0)]))
    ([[0.5, 0.5]], ['1/3', 0])
    """
    if isinstance(table, tuple):
        return [written(one) for one in table]
    if not holds_fractions(table):
        return table.tolist()
    entries = np.empty(table.shape, dtype=object)
    entries.reshape(-1)[:] = [_entry(entry) for entry in table.flat]
    return entries.tolist()


def read_table(given: Any, what: str) -> Table:
    """The table of nested lists with rows of equal length: float64 if any entry is a float, otherwise of Fractions.

    >>> read_table([0, "1/3"], "weights"), read_table([0, 0.25, "1/2"], "weights")
    (array([Fraction(0, 1), Fraction(1, 3)], dtype=object), array([0.  , 0.25, 0.5 ]))
    """
    if not isinstance(given, list):
        raise TensorRankError(f"{what} is {_brief(given)}; expected a list of numbers")
    shape: list[int] = []
    entries: list[Any] = [given]
    while entries and isinstance(entries[0], list):
        length = len(entries[0])
        for odd in (row for row in entries if not isinstance(row, list) or len(row) != length):
            size = f"of {len(odd)} entries" if isinstance(odd, list) else _brief(odd)
            raise TensorRankError(f"{what} has rows of {length} entries and one {size}; expected rows of equal length")
        shape.append(length)
        if len(shape) > _MOST_AXES:
            raise TensorRankError(f"{what} has lists nested more than {_MOST_AXES} deep; expected a table of numbers")
        entries = [entry for row in entries for entry in row]
    numbers = [entry if type(entry) is float else _number(entry, what) for entry in entries]
    floating = any(type(number) is float for number in numbers)
    table: Table = np.empty(shape, dtype=np.float64 if floating else object)
    try:
        table.reshape(-1)[:] = numbers
    except OverflowError:
        raise TensorRankError(f"{what} has floats and a number beyond them; expected fractions only") from None
    table.setflags(write=False)
    return table


def read_tables(given: Any, what: str) -> Table | tuple[Table, ...]:
    """The table of nested lists, or a tuple of tables if the lists are nested three deep or empty."""
    if isinstance(given, list) and (not given or (_starts_with_list(given) and _starts_with_list(given[0]))):
        return tuple(read_table(table, f"{what}[{number}]") for number, table in enumerate(given))
    return read_table(given, what)


def _entry(entry: Fraction) -> Any:
    longest = max(abs(entry.numerator), entry.denominator)
    if longest >= _BEYOND:
        raise TensorRankError(f"a table has {shown(entry)}; files hold whole numbers of at most {MOST_DIGITS} digits")
    if entry.denominator == 1:
        return plain(int(entry))
    return f"{to_text(entry.numerator)}/{to_text(entry.denominator)}"


def _number(entry: Any, what: str) -> Fraction:
    if type(entry) is int:
        return Fraction(entry)
    found = _FRACTION.fullmatch(entry) if isinstance(entry, str) else None
    if not found:
        raise TensorRankError(f'{what} contains {_brief(entry)}; expected numbers, or fractions such as "1/3"')
    if max(map(len, found.groups(""))) > MOST_DIGITS:
        raise TensorRankError(f"{what} contains {_brief(entry)}; expected at most {MOST_DIGITS} digits")
    below = from_text(found[2]) if found[2] else 1
    if not below:
        raise TensorRankError(f"{what} contains {_brief(entry)}; expected a denominator that is not 0")
    return Fraction(from_text(found[1]), below)


def _starts_with_list(given: Sequence[Any]) -> bool:
    return isinstance(given, list) and bool(given) and isinstance(given[0], list)


def _brief(given: Any) -> str:
    if isinstance(given, list | dict):
        return "a list" if isinstance(given, list) else "an object"
    if given is None or isinstance(given, bool):
        return {None: "null", True: "true", False: "false"}[given]
    return shown(given)
