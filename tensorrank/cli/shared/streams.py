"""Standard output and error as they may be: of any encoding, closed, or left by their reader."""

from __future__ import annotations

import codecs
import os
import sys
from io import TextIOWrapper

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


def settle_streams() -> None:
    """Make standard output and error take every text: what an encoding lacks is written as it would be typed.

    A stream that was closed before the program began becomes one that takes everything and keeps nothing.
    """
    codecs.register_error(_HANDLER, _plain_signs)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # The null device stays open as long as the process.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=_HANDLER)


def can_be_written(text: str) -> bool:
    """True if standard output has every sign of a text."""
    try:
        text.encode(sys.stdout.encoding or "utf-8", "strict")
    except UnicodeEncodeError:
        return False
    return True


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
