"""The errors a user can cause. Each message says what was given, what was expected, where, and what to try."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class TensorRankError(ValueError):
    """Base of every error that tensorrank raises on purpose."""


class PrimeError(TensorRankError):
    """A modulus that is not a prime, is out of the supported range, or divides something it must not."""


class PartitionError(TensorRankError):
    """A bipartition that does not fit the sites of a model."""


class WeightsError(TensorRankError):
    """Weights of the wrong names, shapes or values."""


class StoreError(TensorRankError):
    """A store that cannot be opened, was written by another version, or contradicts a new result."""


def whole_number(name: str, given: Any, least: int) -> int:
    """The whole number given (numpy's too), if it is at least so large.

    Raises:
        TensorRankError: if it is not.

    >>> whole_number("depth", 3, least=1)
    3
    """
    if isinstance(given, bool) or not hasattr(given, "__index__") or given < least:
        raise TensorRankError(f"{name} is {given!r}; expected a whole number of at least {least}")
    return int(given)


def nearest(text: str, known: Iterable[str]) -> str:
    """What was expected, and which of it the text may have meant.

    >>> nearest("hiden_markov", ["hidden_markov", "latent_class"])
    "expected one of hidden_markov, latent_class; did you mean 'hidden_markov'?"
    """
    names = list(known)
    close = get_close_matches(text, names, n=1)
    return f"expected one of {', '.join(names)}" + (f"; did you mean {close[0]!r}?" if close else "")
