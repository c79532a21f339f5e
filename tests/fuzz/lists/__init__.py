"""What inputs are made of, as lists in files: a value or a call a line, which no formatter spreads."""

from functools import cache
from pathlib import Path
from typing import Any


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of a list, without comments."""
    text = Path(__file__).with_name(f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))


@cache
def values(name: str) -> tuple[Any, ...]:
    """The values of the expressions in a list."""
    return tuple(eval(line) for line in lines(name))
