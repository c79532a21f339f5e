"""Paths of files in messages: in one line, and once in each message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tensorrank.errors import TensorRankError

_LONGEST = 200


def shown_path(path: Path) -> str:
    r"""A path as messages show it, in one line: quoted where a character cannot be shown, and cut if it is long.

    >>> shown_path(Path("h.json")), shown_path(Path("two\nlines"))
    ('h.json', "'two\\nlines'")
    """
    return in_a_line(str(path))


def in_a_line(text: str) -> str:
    """A text of a file as messages show it, in one line of bounded length."""
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST // 2]}...{shown[-_LONGEST // 2 :]}"


@contextmanager
def named_in_errors(path: Path) -> Iterator[None]:
    """A context whose errors about what a user gave begin with the path of the file."""
    try:
        yield
    except TensorRankError as error:
        shown, message = shown_path(path), str(error)
        if message.startswith(shown):
            raise
        raise type(error)(f"{shown}: {message}") from error
