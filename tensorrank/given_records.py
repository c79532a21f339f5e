"""The fields of a record as plain values, given back: each is checked by the annotation of its field.

`Record.to_dict` makes plain values of a record; files and databases keep them, and may damage them. Here they become
values of the fields again, or an error that names the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from functools import cache
from typing import Any, get_origin, get_type_hints

import numpy as np

from tensorrank.arguments import shown
from tensorrank.checked import PLAIN, REFUSED, Rule, list_of, rule_of
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
    rules, values = _rules(record), {}
    for name, value in given.items():
        values[name] = rules[name].admitted(value)
        if values[name] is REFUSED:
            raise TensorRankError(f"{what} was given whose {name} is {shown(value)}; expected {rules[name].one}")
    return values


@cache
def _rules(record: type) -> dict[str, Rule]:
    hints = get_type_hints(record)
    found = {field.name: rule_of(hints[field.name], _single) for field in fields(record)}
    return {name: rule for name, rule in found.items() if rule is not None}


def _single(hint: Any) -> Rule | None:
    # Since numpy 2.5 its name for a type of arrays is an alias, with the type as its value.
    if get_origin(getattr(get_origin(hint), "__value__", hint)) is np.ndarray:
        return list_of(Rule("a finite number", "finite numbers", _finite))
    if hasattr(hint, "from_dict"):
        return Rule("a record", "records", lambda value: hint.from_dict(value) if isinstance(value, Mapping) else REFUSED)
    return _SINGLE.get(hint)


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return from_text(value)
        except TensorRankError:
            return REFUSED
    return value if isinstance(value, int) and not isinstance(value, bool) else REFUSED


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or (isinstance(value, str) and value not in _ENDS):
        return REFUSED
    try:
        return float(value)
    except OverflowError:
        return REFUSED


def _finite(value: Any) -> Any:
    number = _number(value)
    return number if number is not REFUSED and np.isfinite(number) else REFUSED


_SINGLE: dict[Any, Rule] = {
    **PLAIN,
    type(None): replace(PLAIN[type(None)], one="null", many="null"),
    int: replace(PLAIN[int], admitted=_whole),
    float: replace(PLAIN[float], admitted=_number),
}
