"""Checks of what users give, and words for their messages.

A check returns the value that it found good, or raises an error that says what was given and what was expected. Whole
calls are checked by their annotations in `tensorrank.checked`, arrays in `tensorrank.arithmetic.given_arrays`.
"""

import math
import operator
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from inspect import signature
from itertools import islice
from numbers import Real
from pathlib import Path
from reprlib import Repr
from typing import Any, TypeVar

from tensorrank.errors import TensorRankError

N = TypeVar("N", bound=str)

MOST_LISTED = 12
# No list is longer than this, and an iterator that gives more things than that is taken to be endless.
MOST_THINGS, _MOST_GIVEN_ONE_BY_ONE = 10**7, 10**6
# A whole number of more digits than this is shown by their number.
_MOST_DIGITS = 60
# A text that is compared with known names is no longer than this; no name is.
_LONGEST_NAME = 100
# Python itself writes no whole numbers of more than 4300 digits, and no size or seed needs as many.
_LARGEST = 10**4000


class _Shown(Repr):
    """Python's own short forms of values, and shorter ones of what has none."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = MOST_LISTED
        self.maxarray = self.maxdeque = MOST_LISTED
        self.maxstring = self.maxother = 120
        self.maxlevel = 4

    def repr1(self, value: Any, level: int) -> str:
        if not isinstance(value, Fraction) or value.denominator == 1:
            return super().repr1(value.numerator if isinstance(value, Fraction) else value, level)
        return f"{self.repr_int(value.numerator, level)}/{self.repr_int(value.denominator, level)}"

    def repr_int(self, number: int, level: int) -> str:
        digits = int(number.bit_length() * math.log10(2))
        return repr(number) if digits < _MOST_DIGITS else f"a whole number of some {digits} digits"

    def repr_instance(self, value: object, level: int) -> str:
        try:
            text = " ".join(repr(value).split())
        except Exception:  # a stranger's own code, which may raise anything
            return f"an object of type {type(value).__name__}"
        if len(text) > self.maxother:
            text = f"{text[: self.maxother - 20]}...{text[-17:]}"
        return text


_SHOWN = _Shown()


def shown(value: object) -> str:
    """A value as a message shows it: its own form, shortened where it is long. This never fails.

    >>> shown([1, "two"]), shown(10**5000), shown(Fraction(1, 3))
    ("[1, 'two']", 'a whole number of some 5000 digits', '1/3')
    """
    if type(value) is str and len(text := repr(value)) <= _SHOWN.maxstring:
        return text
    try:
        return _SHOWN.repr(value)
    except Exception:  # a stranger's own code, which may raise anything
        return f"an object of type {type(value).__name__}"


def as_whole_number(given: object) -> int | None:
    """The int that any whole number is (numpy's too); None for what is none, such as truth values, classes and masks.

    >>> as_whole_number(3), as_whole_number(3.0), as_whole_number(True), as_whole_number(int)
    (3, None, None, None)
    """
    if type(given) is int:
        return given
    # By the name of the type, which numpy's has too: numpy is not imported for this alone.
    if type(given).__name__ in ("bool", "bool_") or isinstance(given, type):
        return None
    try:
        return None if _is_masked(given) else operator.index(given)  # type: ignore[arg-type] # what is none has no such method, and raises
    except Exception:  # a stranger's own code, which may raise anything
        return None


def _is_masked(given: object) -> bool:
    """Whether an array without axes is masked, so that its number is hidden."""
    return getattr(given, "ndim", None) == 0 and bool(getattr(given, "mask", False))


def as_real_number(given: object) -> Real | Decimal | None:
    """Any real number that a user gave, arrays without axes included; None for what is none, such as truth values.

    >>> as_real_number(0.5), as_real_number("0.5"), as_real_number(True)
    (0.5, None, None)
    """
    item = getattr(given, "item", None)  # arrays without axes, of numpy and others, have it
    if callable(item) and getattr(given, "ndim", None) == 0 and not _is_masked(given):
        given = item()
    if isinstance(given, bool) or not isinstance(given, Real | Decimal):
        return None
    return given


def as_float(given: object) -> float:
    """Any real number that a user gave, as a float: infinite if no float is as large, NaN if it is no number.

    >>> as_float(2), as_float(10**400), as_float("2")
    (2.0, inf, nan)
    """
    real: Any = as_real_number(given)
    try:
        return float("nan") if real is None else float(real)
    except OverflowError:
        return math.inf if real > 0 else -math.inf
    except ValueError:  # a Decimal's signalling NaN
        return float("nan")


def whole_number(name: str, given: Any, least: int, most: int | None = None) -> int:
    """A whole number that a user gave (numpy's too), if it is at least and at most so large.

    >>> whole_number("depth", 3, least=1)
    3
    """
    number = as_whole_number(given)
    if number is None or not least <= number <= (_LARGEST if most is None else most):
        limits = f"of at least {least}" if most is None else f"from {least} to {most}"
        if most is None and number is not None and number > _LARGEST:
            limits = f"from {least} to 10^4000"
        raise TensorRankError(f"{name} is {shown(given)}; expected a whole number {limits}")
    return number


def finite_number(name: str, given: Any, *, least: float | None = None, above: float | None = None) -> float:
    """A finite number that a user gave (numpy's too), as a float, if it is at least, or above, what is named.

    >>> finite_number("slope", 1)
    1.0
    """
    number = as_float(given)
    low = (least is not None and number < least) or (above is not None and number <= above)
    if low or not math.isfinite(number):
        limits = "" if least is None else f" of at least {least:g}"
        limits += "" if above is None else f" above {above:g}"
        raise TensorRankError(f"{name} is {shown(given)}; expected a finite number{limits}")
    return number


def true_or_false(name: str, given: Any) -> bool:
    """A truth value that a user gave (numpy's too); numbers and texts are none.

    >>> true_or_false("shared", True)
    True
    """
    # By the name of the type, which numpy's has too: numpy is not imported for this alone.
    if type(given).__name__ not in ("bool", "bool_"):
        raise TensorRankError(f"{name} is {shown(given)}; expected True or False")
    return bool(given)


def takes_arguments(given: Any, count: int) -> bool:
    """True if a function can be called with so many arguments, or if nobody can tell, as of some built-in ones.

    >>> takes_arguments(len, 1), takes_arguments(len, 3), takes_arguments(print, 3)
    (True, False, True)
    """
    try:
        known = signature(given)
    except Exception:  # a stranger's own code, which may raise anything
        return True
    try:
        known.bind(*range(count))
    except TypeError:
        return False
    return True


def function_given(name: str, given: Any, expected: str, arguments: int) -> Callable[..., Any]:
    """A function of so many arguments, or anything else that can be called with them, that a user gave.

    >>> function_given("progress", 1, "a function of the work done, the work in all and words", 3)
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: progress is 1; expected a function of the work done, the work in all and words
    """
    if not callable(given) or not takes_arguments(given, arguments):
        raise TensorRankError(f"{name} is {shown(given)}; expected {expected}")
    # What can be called has no more exact type than this.
    return given  # type: ignore[no-any-return]


def file_path(name: str, given: Any) -> Path:
    """The path of a file or folder that a user gave, as a text or a path; whether there is one is not looked at.

    >>> file_path("scratch", None)
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: scratch is None; expected the path of a file or folder, as a text or a Path
    """
    try:
        path = os.fspath(given)
    except Exception:  # a stranger's own code, which may raise anything
        path = None
    if not isinstance(path, str) or not path:
        raise TensorRankError(f"{name} is {shown(given)}; expected the path of a file or folder, as a text or a Path")
    try:
        named = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        named = False
    if not named:
        raise TensorRankError(
            f"{name} is {shown(given)}; expected a path without NUL and of characters that file names can hold"
        )
    return Path(path)


def several(name: str, given: Any, expected: str) -> tuple[Any, ...]:
    """What a user gave in a list or another iterable that is no text, at least one thing.

    >>> several("levels", 3, "a table for each")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: levels are 3; expected a table for each
    """
    found = things(given)
    if not found:
        raise TensorRankError(f"{name} are {shown(given)}; expected {expected}")
    return found


def things(given: Any) -> tuple[Any, ...] | None:
    """The things in a list or another iterable, in their order; None for a text, or what gives no things or no end."""
    if type(given) is tuple:
        return given if len(given) <= MOST_THINGS else None
    if isinstance(given, str | bytes | bytearray | type):
        return None
    try:
        if hasattr(given, "__len__") and len(given) > MOST_THINGS:
            return None
        most = MOST_THINGS if hasattr(given, "__len__") else _MOST_GIVEN_ONE_BY_ONE
        found = tuple(islice(given, most + 1))
    except Exception:  # a stranger's own code, which may raise anything
        return None
    return found if len(found) <= most else None


def by_name(name: str, given: Any, expected: str) -> dict[str, Any]:
    """A dictionary, or another mapping, that a user gave, if all its keys are texts.

    >>> by_name("weights", {5: 1}, "arrays by the names of the weights")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: weights have the key 5; expected arrays by the names of the weights
    """
    if not isinstance(given, Mapping):
        raise TensorRankError(f"{name} are {shown(given)}; expected {expected}")
    for key in given:
        if not isinstance(key, str):
            raise TensorRankError(f"{name} have the key {shown(key)}; expected {expected}")
    return {key: given[key] for key in given}


def named(things: Iterable[Any]) -> str:
    """The names of some things, in order, for a sentence; what is no text among them is shown as Python writes it.

    >>> named({"value": 1, "key": 2}), named([5, "key"])
    ('key, value', '5, key')
    """
    names = sorted(shown(name)[1:-1] if isinstance(name, str) else shown(name) for name in things)
    return ", ".join(names[:MOST_LISTED]) + (f", ... ({len(names)} in all)" if len(names) > MOST_LISTED else "")


def seed_number(name: str, given: Any) -> int:
    """The whole number that random numbers begin with, if a user gave one.

    >>> seed_number("the seed", -1)
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: the seed is -1; expected a whole number of at least 0 or a numpy Generator
    """
    number = as_whole_number(given)
    if number is None or not 0 <= number < _LARGEST:
        raise TensorRankError(f"{name} is {shown(given)}; expected a whole number of at least 0 or a numpy Generator")
    return number


def tolerance(name: str, given: Any) -> float:
    """A tolerance that a user gave: a number of at least 0.

    >>> tolerance("rtol", "x")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: rtol is 'x'; expected a finite number of at least 0
    """
    return finite_number(name, given, least=0)


def nearest(text: Any, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the names expected, and the one that may have been meant.

    >>> nearest("hiden_markov", ["hidden_markov", "latent_class"])
    "expected one of hidden_markov, latent_class; did you mean 'hidden_markov'?"
    """
    names = list(known)
    return f"expected one of {', '.join(names)}{meant(text, names)}"


def meant(text: Any, known: Sequence[str], likeness: float = 0.65) -> str:
    """The end of a message about an unknown name: the known one that may have been meant, if one is near.

    Args:
        text: the name that was given.
        known: the names that are known.
        likeness: how much of both names has to agree, from 0 to 1; more where names are long and share words.

    >>> meant("atention", ["attention", "recurrent"]), meant("rnn", ["attention", "recurrent"])
    ("; did you mean 'attention'?", '')
    """
    comparable = isinstance(text, str) and len(text) <= _LONGEST_NAME
    close = get_close_matches(text, known, n=1, cutoff=likeness) if comparable else []
    return f"; did you mean {close[0]!r}?" if close else ""


def no_attribute(thing: object, name: str, ours: Mapping[str, str]) -> AttributeError:
    """The error that an object has no such attribute; it tells what is ours for a name that is known from elsewhere.

    >>> raise no_attribute([], "add", {"add": "append(value)"})
    Traceback (most recent call last):
    AttributeError: 'list' object has no attribute 'add'; here it is append(value)
    """
    hint = f"; here it is {ours[name]}" if name in ours else ""
    return AttributeError(f"{type(thing).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=thing)


def one_of(name: str, given: Any, known: Sequence[N]) -> N:
    """One of some names that a user gave, of the type that they have: a text, or a `Literal`.

    Raises:
        TensorRankError: if it is another name, or none.

    >>> one_of("the method", "plain", ["plain", "sampling"])
    'plain'
    """
    if not isinstance(given, str) or given not in known:
        raise TensorRankError(f"{name} is {shown(given)}; {nearest(given, known)}")
    # An equal text may be of a class of its own.
    return known[known.index(given)]


def listed(numbers: Sequence[int | str], count: int | None = None) -> str:
    """Numbers, or names, listed for a sentence; of many only the first are listed, with how many there are.

    Args:
        numbers: all of the numbers, or the first of them.
        count: how many there are in all, where only the first are given.

    >>> listed(range(20))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... (20 in all)'
    """
    words, total = ", ".join(map(shown, numbers[:MOST_LISTED])), len(numbers) if count is None else count
    return words if total <= MOST_LISTED else f"{words}, ... ({shown(total)} in all)"
