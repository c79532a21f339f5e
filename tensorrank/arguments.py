"""Checks of what users give, and words for their messages.

A check returns the value that it found good, or raises an error that says what was given and what was expected.
"""

import math
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from tensorrank.errors import TensorRankError

_MOST_LISTED = 12


def whole_number(name: str, given: Any, least: int) -> int:
    """A whole number that a user gave (numpy's too), if it is at least so large.

    >>> whole_number("depth", 3, least=1)
    3
    """
    if isinstance(given, bool) or not hasattr(given, "__index__") or given < least:
        raise TensorRankError(f"{name} is {given!r}; expected a whole number of at least {least}")
    return int(given)


def finite_number(name: str, given: Any) -> float:
    """A finite number that a user gave (numpy's too), as a float.

    >>> finite_number("slope", 1)
    1.0
    """
    try:
        number = float("nan") if isinstance(given, bool | str) else float(given)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not math.isfinite(number):
        raise TensorRankError(f"{name} is {given!r}; expected a finite number")
    return number


def true_or_false(name: str, given: Any) -> bool:
    """A truth value that a user gave (numpy's too); numbers and texts are none.

    >>> true_or_false("shared", True)
    True
    """
    # By the name of the type, which numpy's has too: numpy is not imported for this alone.
    if type(given).__name__ not in ("bool", "bool_"):
        raise TensorRankError(f"{name} is {given!r}; expected True or False")
    return bool(given)


def several(name: str, given: Any, expected: str) -> tuple[Any, ...]:
    """What a user gave in a list or another iterable that is no text, at least one thing.

    >>> several("levels", 3, "a table for each")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: levels are 3; expected a table for each
    """
    try:
        found = () if isinstance(given, str) else tuple(given)
    except TypeError:
        found = ()
    if not found:
        raise TensorRankError(f"{name} are {given!r}; expected {expected}")
    return found


def nearest(text: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the names expected, and the one that may have been meant.

    >>> nearest("hiden_markov", ["hidden_markov", "latent_class"])
    "expected one of hidden_markov, latent_class; did you mean 'hidden_markov'?"
    """
    names = list(known)
    close = get_close_matches(text, names, n=1)
    return f"expected one of {', '.join(names)}" + (f"; did you mean {close[0]!r}?" if close else "")


def one_of(name: str, given: Any, known: Sequence[str]) -> str:
    """One of some names that a user gave.

    Raises:
        TensorRankError: if it is another name, or none.

    >>> one_of("the method", "plain", ["plain", "sampling"])
    'plain'
    """
    if given not in known:
        raise TensorRankError(f"{name} is {given!r}; {nearest(str(given), known)}")
    return str(given)


def listed(numbers: Sequence[int]) -> str:
    """Numbers listed for a sentence; of many only the first are listed, with how many there are.

    >>> listed(range(20))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... (20 in all)'
    """
    shown = ", ".join(map(str, numbers[:_MOST_LISTED]))
    return shown if len(numbers) <= _MOST_LISTED else f"{shown}, ... ({len(numbers)} in all)"
