"""Records: frozen dataclasses that are objects to users and plain values to other programs.

A plain value is what JSON holds: a text, a truth value, a number, None, a list or a dictionary of plain values. Whole
numbers beyond 2^53 become text, since many readers of JSON round them; infinite floats become the text "inf".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

from tensorrank.arguments import shown
from tensorrank.data_frames import Tabular
from tensorrank.short_reprs import ShortRepr
from tensorrank.whole_numbers import to_text

# Every whole number up to this one is a float64, so readers of JSON that know only floats keep it.
LARGEST_PLAIN = 2**53


def plain(value: Any) -> Any:
    """Any value turned into plain values: records into dictionaries, tuples into lists, long whole numbers into text.

    Args:
        value: anything made of records, mappings, sequences, numpy's arrays and numbers, numbers, texts and None.

    Raises:
        TypeError: for anything else, since a guess would hide it.

    >>> plain((1, 2**60, float("inf")))
    [1, '1152921504606846976', 'inf']
    """
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= LARGEST_PLAIN else to_text(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    raise TypeError(f"{shown(value)} of type {type(value).__name__} has no plain form")


class Record(ShortRepr, Tabular):
    """The base of frozen dataclasses that give their fields as plain values, by `to_dict`.

    Attributes:
        heading: plain values that stand before the fields, such as what the record is.
        derived: names of properties that stand after the fields.
        left_out: names of fields that have no plain form, or none that a reader needs.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Square(Record):
    ...     derived = ("area",)
    ...     side: int
    ...     @property
    ...     def area(self) -> int:
    ...         return self.side**2
    >>> Square(3).to_dict()
    {'side': 3, 'area': 9}
    """

    heading: ClassVar[Mapping[str, Any]] = {}
    derived: ClassVar[tuple[str, ...]] = ()
    left_out: ClassVar[tuple[str, ...]] = ()

    def to_dict(self) -> dict[str, Any]:
        """The record as plain values, ready for JSON: the heading, the fields in order, the derived values."""
        return {name: plain(value) for name, value in self._named_values().items() if name not in self.left_out}

    def _named_values(self) -> dict[str, Any]:
        # A record is a dataclass, which the base cannot say to type checkers.
        names = [field.name for field in fields(self) if field.name not in self.left_out]  # type: ignore[arg-type]
        # A model may have no plain form, and yet tells results apart.
        words = {"model": str(self.model)} if "model" in self.left_out and hasattr(self, "model") else {}
        return {**self.heading, **words, **{name: getattr(self, name) for name in (*names, *self.derived)}}
