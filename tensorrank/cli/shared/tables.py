"""Tables that fit the terminal: no word and no number is broken, and rows become lists where columns have no room."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

from tensorrank.cli.shared.streams import writable


class FittedTable(Table):
    """A table that is never wider than the terminal.

    Columns are at least as wide as their longest word or number; the room that is left goes to those that need it most.
    Where even that is too wide, every row is written as a list, a line for each column. Signs that the output's
    encoding lacks are replaced, and columns are as wide as what is written.
    """

    def __init__(self, right: int) -> None:
        """An empty table, with so many blanks to the right of each cell; without any, there is none at its edges."""
        super().__init__(box=SIMPLE_HEAD, padding=(0, right, 0, 0), show_edge=right > 0)
        # What stands beside the texts of a row: blanks between columns, and those of the cells and the edges.
        self._between, self._edges = 1 + right, 1 if right else -1

    def add_row(self, *cells: Any, **options: Any) -> None:
        """Add a row of cells with the signs that can be written."""
        super().add_row(*(writable(cell) if isinstance(cell, str) else cell for cell in cells), **options)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        least = [max(_longest_word(text) for text in _texts(column)) for column in self.columns]
        natural = [max(text.cell_len for text in _texts(column)) for column in self.columns]
        room = options.max_width - self._edges - self._between * len(self.columns)
        if sum(natural) <= room:
            yield from super().__rich_console__(console, options)
        elif sum(least) <= room:
            for column, width in zip(self.columns, _widened(least, natural, room), strict=True):
                column.width, column.no_wrap = width, False
            yield from super().__rich_console__(console, options)
        else:
            yield from self._lists()

    def _lists(self) -> Iterator[Text]:
        headings = [Text.from_markup(str(column.header)) for column in self.columns]
        for row in zip(*(list(column.cells) for column in self.columns), strict=True):
            yield Text()
            for heading, cell in zip(headings, row, strict=True):
                text = Text.from_markup(str(cell))
                if text.plain.strip():
                    text.plain = text.plain.strip()
                    yield Text.assemble(heading, ": ", text, overflow="fold")
        yield Text()


def _texts(column: Column) -> list[Text]:
    return [Text.from_markup(str(cell)) for cell in (column.header, *column.cells)]


def _longest_word(text: Text) -> int:
    indent = len(text.plain) - len(text.plain.lstrip())
    return indent + max((Text(word).cell_len for word in text.plain.split()), default=0)


def _widened(least: list[int], natural: list[int], room: int) -> list[int]:
    """The least widths, with what is left of the room for the columns that lack most.

    >>> _widened([4, 4], [4, 9], 11)
    [4, 7]
    """
    widths = list(least)
    for _ in range(room - sum(least)):
        lacking = [wanted - width for wanted, width in zip(natural, widths, strict=True)]
        widths[lacking.index(max(lacking))] += 1
    return widths
