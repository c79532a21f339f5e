"""The fields of a record as plain values, given back: each is checked by the annotation of its field.

`Record.to_dict` makes plain values of a record; files and databases keep them, and may damage them. Here they become
values of the fields again, or an error that names the field.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from tensorrank.arguments import shown
from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import from_text

# What no JSON number says stands as a text.
_ENDS = ("inf", "-inf", "nan")


def field_values(record: type, given: Any, what: str) -> dict[str, Any]:
    """The values of a record's fields, of the types that they are annotated with.

    A field with a default may be missing. Whole numbers may stand as text. Arrays of floats come as lists. Fields whose
    class has `from_dict` are read by it.

    Args:
        record: a dataclass.
        given: a mapping of names to plain values.
        what: the record in words, such as "a result".

    Raises:
        TensorRankError: if it is no mapping, a name is missing or unknown, or a value does not fit its annotation.

    >>> from dataclasses import dataclass
    >>> @dataclass
    ... class Block:
    ...     rank: int
    ...     samples: tuple[int, int] | None = None
    >>> field_values(Block, {"rank": "36893488147419103232", "samples": [3, 4]}, "a block")
    {'rank': 36893488147419103232, 'samples': (3, 4)}
    >>> field_values(Block, {"rank": 1.5}, "a block")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: a block was given whose rank is 1.5; expected a whole number
    """
    names = {field.name: field.default is not MISSING for field in fields(record)}
    if not isinstance(given, Mapping):
        raise TensorRankError(f"{shown(given)} was given for {what}; expected to_dict's {', '.join(sorted(names))}")
    missing = [name for name, may_lack in names.items() if name not in given and not may_lack]
    odd = [*missing, *(name for name in given if name not in names)]
    if odd:
        raise TensorRankError(
            f"{what} with missing or unknown names was given ({', '.join(sorted(map(str, odd)))}); expected to_dict's "
            f"{', '.join(sorted(names))}"
        )
    rules = _rules(record)
    values = {}
    for name, value in given.items():
        words, read = rules[name]
        try:
            values[name] = read(value)
        except _UnfitError:
            raise TensorRankError(f"{what} was given whose {name} is {shown(value)}; expected {words}") from None
    return values


class _UnfitError(Exception):
    """A value that does not fit."""


_Rule = tuple[str, Callable[[Any], Any]]


@cache
def _rules(record: type) -> dict[str, _Rule]:
    hints = get_type_hints(record)
    return {field.name: _rule(hints[field.name]) for field in fields(record)}


def _rule(hint: Any) -> _Rule:
    """What an annotation admits: in words, and as the function that reads it."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _SINGLE:
        return _SINGLE[hint]
    if origin in (Union, types.UnionType):
        (one,) = (part for part in inner if part is not types.NoneType)
        words, read = _rule(one)
        return f"{words} or null", lambda value: None if value is None else read(value)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}", lambda value: _among(value, inner)
    if origin is tuple and inner[-1] is not Ellipsis:
        words, read = _rule(inner[0])
        return f"{len(inner)} values, each {words}", lambda value: tuple(map(read, _list(value, len(inner))))
    if origin is tuple:
        words, read = _rule(inner[0])
        return f"a list, each value {words}", lambda value: tuple(map(read, _list(value)))
    if origin is np.ndarray:
        return "a list of finite numbers", lambda value: [_finite(entry) for entry in _list(value)]
    if hasattr(hint, "from_dict"):
        return "a record", hint.from_dict
    # Fields of other types are no part of what is written and read.
    raise TypeError(f"fields of type {hint} cannot be read")


def _whole(value: Any) -> int:
    if isinstance(value, str):
        try:
            return from_text(value)
        except TensorRankError:
            raise _UnfitError from None
    if isinstance(value, bool) or not isinstance(value, int):
        raise _UnfitError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not (isinstance(value, int | float) or value in _ENDS):
        raise _UnfitError
    try:
        return float(value)
    except OverflowError:
        raise _UnfitError from None


def _finite(value: Any) -> float:
    number = _number(value)
    if not np.isfinite(number):
        raise _UnfitError
    return number


def _text(value: Any) -> str:
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _UnfitError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _UnfitError
    return value


def _among(value: Any, known: tuple[Any, ...]) -> Any:
    if not isinstance(value, str) or value not in known:
        raise _UnfitError
    return value


def _list(value: Any, length: int | None = None) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple) or length not in (None, len(value)):
        raise _UnfitError
    return value


_SINGLE: dict[Any, _Rule] = {
    int: ("a whole number", _whole),
    float: ("a number", _number),
    str: ("a text", _text),
    bool: ("true or false", _truth),
}
