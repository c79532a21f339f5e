"""How long work tells how far it is: to a function that a user gives, or by a line on standard error."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from typing import ParamSpec, TypedDict, TypeVar

from tensorrank.checked import checked_values

P = ParamSpec("P")
R = TypeVar("R")
# Called with the work done, the total expected so far (in the same unit), and in words what is under way.
Progress = Callable[[float, float, str], None]
# What users give: such a function, True for a line on standard error, or False or None for nothing.
ProgressLike = Progress | bool | None

# Seconds before the line appears, and from one state of the line to the next.
_PATIENCE, _PAUSE = 1.0, 0.2
# Seconds from one line to the next where none can be written over, as in a file.
_LONG_PAUSE = 30.0
# What standard error raises that is None (a program without a console), closed, full, or short of a sign.
_NO_STREAM = (AttributeError, OSError, ValueError)


def silent(done: float, total: float, what: str) -> None:
    """A `Progress` that tells nobody."""


class _Given(TypedDict):
    progress: ProgressLike


def check_progress(progress: ProgressLike) -> None:
    """Refuse what is no `progress`.

    >>> check_progress(1)
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: progress is 1; expected a function of 3 arguments, True or False or None
    """
    checked_values({"progress": progress}, _Given)


@contextmanager
def reporting(progress: ProgressLike) -> Iterator[Progress]:
    """A context with the `Progress` that a user means; a line for True goes away when the context ends.

    >>> with reporting(None) as tell:
    ...     tell is silent
    True
    """
    # Programs without a console have no standard error.
    if progress is True and sys.stderr is not None:
        with ProgressLine() as line:
            yield line
    else:
        yield reporter(progress)


def reporter(progress: ProgressLike) -> Progress:
    """The `Progress` that a function has which `with_progress` decorates: the one given, or nobody's.

    >>> reporter(None) is silent, reporter(print) is print
    (True, True)
    """
    check_progress(progress)
    return progress if callable(progress) else silent


def with_progress(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose keyword argument `progress` may be True: a line then tells of its work, and goes when it ends.

    >>> @with_progress
    ... def halves(number: int, *, progress: ProgressLike = None) -> float:
    ...     reporter(progress)(0, 1, "halving")
    ...     return number / 2
    >>> halves(3, progress=True)
    1.5
    """

    @wraps(function)
    def call(*args: P.args, **named: P.kwargs) -> R:
        if named.get("progress") is not True:
            return function(*args, **named)
        with reporting(True) as named["progress"]:
            return function(*args, **named)

    return call


def time_left(seconds: float | None) -> str:
    """The seconds that remain in words, to the precision that a forecast has; no words for None.

    >>> time_left(4000), time_left(123 * 86400), time_left(None)
    ('1.1 h left', '120 d left', '')
    """
    if seconds is None:
        return ""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit} left"
    return f"{seconds:.0f} s left"


class ProgressLine:
    """A `Progress` that tells of work in one line of standard error, in a terminal or below a cell of a notebook.

    It is a context manager. Work that is done within a second shows nothing, and the line goes away when the context
    ends. In a file, where nothing can be written over, a line is written every half minute. The seconds shown are those
    since the beginning, without those of compilation. Where standard error is missing, closed or full, the work goes on
    without the line.

    >>> with ProgressLine() as line:
    ...     line(1, 2, "elimination")
    """

    def __init__(self) -> None:
        self._within = ExitStack()
        self._overwrites = _can_be_overwritten()
        # Heavy modules are imported where they are used.
        from tensorrank.arithmetic.compile_time import stopwatch

        self._elapsed = stopwatch()
        self._next = time.monotonic() + (_PATIENCE if self._overwrites else _LONG_PAUSE)
        self._shown = ""

    def __call__(self, done: float, total: float, what: str) -> None:
        """Say how much of the total is done, and what is under way."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + (_PAUSE if self._overwrites else _LONG_PAUSE)
        share = f"{100 * min(1.0, done / total):.0f} %, " if total else ""
        self._show(f"{share}{self._elapsed():.0f} s: {what}")

    def __enter__(self) -> ProgressLine:
        from tensorrank.arithmetic.compile_time import told_of_compilation

        self._within.enter_context(told_of_compilation(self._tell_of_compilation))
        return self

    def __exit__(self, *raised: object) -> None:
        self._within.close()
        if self._overwrites and self._shown:
            self._show("")
            _write("\r")

    def _tell_of_compilation(self) -> None:
        if self._overwrites and time.monotonic() >= self._next:
            self._show("compiling what computes, some ten seconds in all; it is kept for later runs, and not counted")

    def _show(self, text: str) -> None:
        if not self._overwrites:
            _write(text + "\n")
            return
        # A line that is longer than the terminal is wide could not be written over.
        text = text[: shutil.get_terminal_size().columns - 1]
        covered, self._shown = len(self._shown), text  # first, for an interrupt may come while it is written
        _write("\r" + text.ljust(covered))


def _can_be_overwritten() -> bool:
    """Whether standard error is a terminal, or belongs to a notebook."""
    with suppress(*_NO_STREAM):
        return sys.stderr.isatty() or type(sys.stderr).__module__.startswith("ipykernel.")
    return False


def _write(text: str) -> None:
    with suppress(*_NO_STREAM):
        sys.stderr.write(text)
        sys.stderr.flush()
