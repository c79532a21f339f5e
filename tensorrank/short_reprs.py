"""Records that print in a few lines, however much they hold."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from tensorrank.arguments import shown
from tensorrank.notebook_tables import NotebookTable

# Longer texts fill the screen of a terminal, or a cell of a notebook.
LONGEST = 500


class ShortRepr(NotebookTable):
    """Base of dataclasses whose repr has at most 500 characters: long values are shortened, the last fields left out.

    A class that defines its own repr keeps it. Notebooks show a small table instead.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Series(ShortRepr):
    ...     name: str
    ...     values: list[int]
    >>> Series("squares", [number**2 for number in range(1000)])
    Series(name='squares', values=[0, 1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121, ...])
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        # A dataclass makes no repr where its class has one.
        if "__repr__" not in cls.__dict__:
            cls.__repr__ = _short  # type: ignore[method-assign]


def _short(record: Any) -> str:
    name, ends = f"{type(record).__qualname__}(", ", ...)"
    parts = [f"{field.name}={shown(getattr(record, field.name))}" for field in fields(record) if field.repr]
    whole = f"{name}{', '.join(parts)})"
    if len(whole) <= LONGEST:
        return whole
    while parts and len(name + ", ".join(parts) + ends) > LONGEST:
        parts.pop()
    return name + ", ".join(parts) + ends if parts else f"{name}...)"
