"""Whole numbers of any size as text, and of text. Python itself refuses to write or read more than 4300 digits."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from fractions import Fraction
from functools import lru_cache

from tensorrank.errors import TensorRankError

# The most digits of a whole number in a file of a model: exact arithmetic with longer ones takes its time.
MOST_DIGITS = 20_000
# The largest exponent of a decimal that is read exactly, so that it is a number of some reasonable length.
LARGEST_EXPONENT = 9999
_LARGE_EXPONENT = re.compile(r"[eE][+-]?[\d_]{5,}")
_RATIO = re.compile(r"([+-]?[0-9]+)(?:/([0-9]+))?")
# Fewer digits than any limit that Python may be set to.
_FEW = 600
# Up to so many bits Decimal itself, whose time grows with their square, is fast.
_FEW_BITS = 4000
# Decimal numbers of any length, never rounded.
_ANY_LENGTH = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


@lru_cache(maxsize=8)  # of an exact rank, the value and both bounds are one number
def to_text(number: int) -> str:
    """A whole number as text, with all its decimal digits.

    >>> len(to_text(10**5000))
    5001
    """
    digits = format(_decimal(abs(number), number.bit_length(), {}), "f")
    return f"-{digits}" if number < 0 else digits


def _decimal(number: int, bits: int, powers: dict[int, Decimal]) -> Decimal:
    """A natural number of so many bits, made of its halves: Decimal multiplies fast, and divides slowly."""
    if bits <= _FEW_BITS:
        return Decimal(number)
    half = bits // 2
    if half not in powers:
        powers[half] = _ANY_LENGTH.power(2, half)
    high = number >> half
    upper, lower = _decimal(high, bits - half, powers), _decimal(number - (high << half), half, powers)
    return _ANY_LENGTH.add(_ANY_LENGTH.multiply(upper, powers[half]), lower)


@lru_cache(maxsize=8)
def from_text(text: str) -> int:
    """The whole number that `to_text` wrote; any other text is refused.

    >>> from_text(to_text(3**12000)) == 3**12000
    True
    """
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise TensorRankError(f"the text {text[:40]!r} was given; expected a whole number in decimal digits")
    number = _whole(text.lstrip("+-"), {})
    return -number if text[0] == "-" else number


def fraction_from_text(text: str) -> Fraction:
    """The number that a text says, exactly: a whole number, a ratio of two, or a decimal with or without an exponent.

    Raises:
        ValueError: if it says none, divides by zero, or has an exponent of five digits.

    >>> fraction_from_text("1/3"), fraction_from_text("-2.5e-1")
    (Fraction(1, 3), Fraction(-1, 4))
    """
    ratio = _RATIO.fullmatch(text.strip())
    if ratio is not None:
        below = from_text(ratio[2] or "1")
        if below == 0:
            raise ValueError(text)
        return Fraction(from_text(ratio[1]), below)
    if _LARGE_EXPONENT.search(text):
        raise ValueError(text)
    return Fraction(text)


def _whole(digits: str, powers: dict[int, int]) -> int:
    """A natural number, made of the halves of its digits."""
    if len(digits) <= _FEW:
        return int(digits)
    half = len(digits) // 2
    if half not in powers:
        powers[half] = 10**half
    return _whole(digits[:-half], powers) * powers[half] + _whole(digits[-half:], powers)


def abbreviated(number: int, most: int = 20) -> str:
    """A whole number with all its digits if these are few, otherwise as a power of 3.

    >>> abbreviated(4538), abbreviated(3**200)
    ('4538', '3^200.00')
    """
    if abs(number) < 10**most:
        return str(number)
    return f"{'-' if number < 0 else ''}3^{math.log(abs(number)) / math.log(3):.2f}"


def counted(number: int) -> str:
    """A count with all its digits, or, where these are more than 15, as a power of 10.

    >>> counted(4096), counted(10**400)
    ('4096', 'about 10^400.0')
    """
    return str(number) if number < 10**15 else f"about 10^{math.log10(number):.1f}"


def in_brief(size: float) -> str:
    """A large number in a few characters, to three digits, with a letter for thousands, millions and so on.

    >>> [in_brief(size) for size in (950, 1e4, 1.25e8, 3e9, 1e13)]
    ['950', '10k', '125M', '3B', '10T']
    """
    if size > 1e300:
        return f"10^{math.log10(size):.1f}"
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if size >= unit * 0.9995:
            return f"{float(f'{size / unit:.3g}'):g}{name}"
    return f"{size:.3g}"


def as_ranges(numbers: Sequence[int]) -> str:
    """Ascending whole numbers as text, runs as ranges.

    >>> as_ranges([1, 2, 3, 5])
    '1-3, 5'
    """
    starts = [n for i, n in enumerate(numbers) if i == 0 or numbers[i - 1] != n - 1]
    ends = [n for i, n in enumerate(numbers) if i == len(numbers) - 1 or numbers[i + 1] != n + 1]
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in zip(starts, ends, strict=True))


def span(sizes: Sequence[int]) -> str:
    """From the least to the largest of some whole numbers.

    >>> span([3, 2, 3]), span([2, 2])
    ('2 to 3', '2')
    """
    least, most = min(sizes), max(sizes)
    return str(most) if least == most else f"{least} to {most}"
