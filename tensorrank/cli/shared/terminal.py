"""How every verb speaks: sentences, tables, numbers from text, and a progress bar only for people who wait."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Container, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table
from rich.text import Text

from tensorrank.arguments import finite_number
from tensorrank.arithmetic.progress import time_left
from tensorrank.cli.shared.streams import can_be_written, writable
from tensorrank.cli.shared.tables import FittedTable
from tensorrank.errors import TensorRankError
from tensorrank.records import plain

BAD_INPUT, INTERRUPTED = 2, 130
# Work shorter than so many seconds needs no bar.
_PATIENCE = 1.0
# Tables of verbs fit into so many columns.
_NARROW = 80
# The store of a study, in its folder.
STORE_NAME = "study.sqlite"
# Nobody reads longer lists, and verbs compute something for each of their numbers.
_LONGEST_LIST = 10**4
# No network has so many parameters.
_LARGEST_SIZE = 1e30


def wide_console() -> Console:
    """A console of standard output; outside a terminal it is wide enough that no number of a table is cut."""
    console = Console()
    if not console.is_terminal:
        console.width = 120
    return console


def say(text: str, *, err: bool = False) -> None:
    """Print a sentence, broken between words on a terminal and not at all elsewhere."""
    console = Console(stderr=True) if err else wide_console()
    console.print(text, markup=False, emoji=False, highlight=False, soft_wrap=not console.is_terminal)


def empty_table(*columns: str, words: Container[str] = (), sentences: Container[str] = ()) -> Table:
    """A table without rows: numbers stand on the right, words on the left, and only sentences go over several lines.

    On a narrow terminal every cell may go over several lines, between words, so that nothing is cut. Columns of words,
    and those of sentences, are named once more in `words` or `sentences`.
    """
    narrow = wide_console().width < _NARROW
    table = FittedTable(0 if narrow else 1)
    for name in columns:
        left = name in words or name in sentences
        may_break = narrow or name in sentences
        table.add_column(writable(name), justify="left" if left else "right", no_wrap=not may_break, overflow="fold")
    return table


def say_lines(lines: Iterable[tuple[str, str]], width: int = 12) -> None:
    """Print names and texts, each text beside its name; in a pipe a line each, the names in so many columns."""
    console = wide_console()
    if not console.is_terminal:
        say("\n".join(f"{name:<{width}}{text}" for name, text in lines))
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in lines:
        table.add_row(Text(writable(name)), Text(writable(text)))
    console.print(table, highlight=False)


def print_json(values: Mapping[str, Any]) -> None:
    """Print one JSON object on standard output, of plain values as `tensorrank.records` defines them.

    Where the output's encoding lacks a sign, or a name is no text, JSON's own escapes stand for it.
    """
    found = plain(values)
    text = json.dumps(found, ensure_ascii=False, allow_nan=False)
    typer.echo(text if can_be_written(text) else json.dumps(found, allow_nan=False))


def whole_numbers(text: str, name: str, expected: str = "whole numbers and ranges, such as 1-4 or 2,3,8") -> tuple[int, ...]:
    """A list of whole numbers and ranges, such as 1-4 or 2,3,8-10.

    >>> whole_numbers("1-3,8", "--widths")
    (1, 2, 3, 8)
    """
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        if not first.isdecimal() or (dash and not (last.isdecimal() and int(first) <= int(last) < int(first) + _LONGEST_LIST)):
            raise TensorRankError(f"{name} is {text!r}; expected {expected}")
        numbers.extend(range(int(first), int(last) + 1) if dash else [int(first)])
        _check_length(len(numbers), name)
    return tuple(numbers)


def numbers_of_parameters(text: str, name: str) -> list[float]:
    """Sizes such as 175e9, 3B or 1.5M, separated by commas.

    >>> numbers_of_parameters("175e9, 3B", "--parameters")
    [175000000000.0, 3000000000.0]
    """
    units = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
    sizes = []
    parts = text.split(",")
    _check_length(len(parts), name)
    for part in parts:
        number, unit = part.strip(), 1.0
        if number[-1:].lower() in units:
            number, unit = number[:-1], units[number[-1].lower()]
        try:
            sizes.append(finite_number(name, float(number) * unit))
        except ValueError as error:
            raise TensorRankError(f"{name} is {text!r}; expected sizes such as 175e9 or 3B") from error
        if not 1 <= sizes[-1] <= _LARGEST_SIZE:
            raise TensorRankError(f"{name} is {text!r}; expected sizes from 1 to {_LARGEST_SIZE:g}")
    return sizes


def _check_length(count: int, name: str) -> None:
    if count > _LONGEST_LIST:
        raise TensorRankError(f"{name} lists more than {_LONGEST_LIST} numbers; expected fewer")


def make_folder(out: Path, option: str = "--out") -> None:
    """Make the folder that an option names."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise TensorRankError(f"{option} {out} is a file; expected a folder, which is made if it is not there") from error
    except OSError as error:
        raise TensorRankError(f"{option} {out} cannot be made ({error.strerror}); give a writable folder") from error
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        # A container may offer no other folder that can be written; matplotlib needs one while it draws.
        tempfile.tempdir = str(out)


class Bar:
    """A progress bar on standard error: on a terminal only, and only once the work has taken a second.

    A second bar may tell of a part of the work.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._progress = Progress(
            # On a narrow terminal the words take a second line, so that no number is cut.
            TextColumn("{task.description}", table_column=Column(overflow="fold")),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console or Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=None, left="")
        self._part = self._progress.add_task("", total=None, left="", visible=False)
        self._within, self._told = ExitStack(), False
        self._timer = threading.Timer(_PATIENCE, self._progress.start)
        self._timer.daemon = True

    def __call__(self, done: float, total: float, what: str, *, left: float | None = None) -> None:
        """Say how much of the total is done, what is under way and how many seconds are left: a bar is a `Progress`."""
        self._progress.update(self._task, description=what, completed=done, total=total, left=time_left(left))

    def second(self, what: str | None, done: float = 0.0, total: float = 1.0, *, left: float | None = None) -> None:
        """Show how much of a part of the work is done, in a bar below; None takes that bar away."""
        if what is None:
            self._progress.update(self._part, visible=False)
            return
        if self._progress.tasks[self._part].description != what:
            self._progress.reset(self._part)
        self._progress.update(self._part, description=what, completed=done, total=total, left=time_left(left), visible=True)

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def __enter__(self) -> Bar:
        if self._progress.console.is_terminal:
            # Heavy modules are imported where they are used, so that --help answers at once.
            from tensorrank.arithmetic.compile_time import told_of_compilation

            self._within.enter_context(told_of_compilation(self._tell_of_compilation))
            self._timer.start()
        return self

    def _tell_of_compilation(self) -> None:
        if not self._told:
            self._told = True
            self.note("compiling what computes, some ten seconds in all; it is kept for later runs, and not counted")

    def __exit__(self, *raised: object) -> None:
        self._within.close()
        self._timer.cancel()
        if self._progress.live.is_started:
            self._progress.stop()
