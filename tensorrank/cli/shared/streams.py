"""Standard output and error as they may be: of any encoding, closed, or left by their reader."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any

# The exit code where output was lost.
BAD_OUTPUT = 2

_HANDLER = "tensorrank.plain_signs"
# Signs of tables and sentences that ASCII or Latin-1 lack, as they are typed.
_PLAIN = {
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "±": "+-",
    "∞": "inf",
    "‖": "||",
    "·": "*",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "•": "*",
    "━": "-",
    "─": "-",
    "│": "|",
    "╭": "+",
    "╮": "+",
    "╰": "+",
    "╯": "+",
    **{chr(sign): f"^{digit}" for digit, sign in enumerate((0x2070, 0xB9, 0xB2, 0xB3, *range(0x2074, 0x207A)))},
}


@contextmanager
def settled_streams() -> Iterator[None]:
    """A context in which standard output and error take every text, whatever becomes of them, so that no work is lost.

    What an encoding lacks is written as it would be typed. A stream that is closed, or whose reader has left, takes
    everything and keeps nothing. If output is lost for another reason, such as a full disk, the context ends with a
    sentence on standard error and exit code 2.
    """
    codecs.register_error(_HANDLER, _plain_signs)
    sys.stdout, sys.stderr = _settled(sys.stdout), _settled(sys.stderr)
    output = sys.stdout
    try:
        yield
    finally:
        output.flush()
        lost = output.lost if isinstance(output, _Output) else None
        if lost is not None and lost.errno != errno.EPIPE:
            sys.stderr.write(f"error: standard output cannot be written ({lost.strerror}); give it another place\n")
            sys.exit(BAD_OUTPUT)


class _Output(TextIOWrapper):
    """A stream that writes on into nothing once it cannot be written any more.

    Attributes:
        lost: the first error.
        replaced: the stream in whose place this one is, which would close the file if nobody held it.
    """

    lost: OSError | None = None
    replaced: TextIOWrapper | None = None

    def write(self, text: str) -> int:
        """Write a text."""
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Write what waits."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = self.lost or error
        # What waits in the stream goes there too, now or at exit.
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, self.fileno())
        os.close(nothing)


def _settled(stream: Any) -> Any:
    if stream is None:
        # Closed before the program began. The null device takes its number, so that no file of ours does.
        return open(os.devnull, "w", encoding="utf-8")  # as long as the process
    if type(stream) is not TextIOWrapper:
        # A notebook's, or a test's.
        return stream
    stream.flush()
    settled = _Output(
        stream.buffer,
        stream.encoding,
        _HANDLER,
        line_buffering=stream.line_buffering,
        # As python -u and PYTHONUNBUFFERED ask for, so that a log shows what is going on.
        write_through=stream.write_through,
    )
    settled.replaced = stream
    return settled


def can_be_written(text: str) -> bool:
    """True if standard output has every sign of a text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8", "strict")
    except UnicodeEncodeError:
        return False
    return True


def writable(text: str) -> str:
    """A text as standard output can write it: signs that its encoding lacks are in their plain form.

    >>> writable("3 (exact)")
    '3 (exact)'
    """
    codecs.register_error(_HANDLER, _plain_signs)
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, _HANDLER).decode(encoding)


def _plain_signs(error: UnicodeError) -> tuple[str | bytes, int]:
    """What is written for a sign that an encoding lacks: its plain form, or its number in the form of Python.

    >>> _plain_signs(UnicodeEncodeError("ascii", "a ≥ b", 2, 3, "not in range"))
    ('>=', 3)
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if 0xDC80 <= ord(sign) <= 0xDCFF:
        # A byte of a file's name that was no text is given back as it came.
        return bytes([ord(sign) - 0xDC00]), error.start + 1
    return _PLAIN.get(sign) or sign.encode("ascii", "backslashreplace").decode(), error.start + 1
