"""JSON as values, by one reader for every file of the package.

The reader takes what RFC 8259 defines, in UTF-8 with or without a mark of the encoding, and refuses in words what other
readers take silently: a key given twice, NaN and Infinity, numbers beyond all floats or of endless digits, half a
surrogate pair, lists nested beyond reason. Messages say the line, the column and the place in the document.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorrank.arguments import shown
from tensorrank.errors import TensorRankError
from tensorrank.given_files.contents import text_of
from tensorrank.whole_numbers import MOST_DIGITS, from_text

# Nothing that is read is nested a quarter as deep.
DEEPEST = 64
_MOST_IN_PLACE = 80

_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
# A number or a constant ends where Python's reader ends it, whatever follows without a blank.
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|NaN|-?Infinity"
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:,]|' + _NUMBER + r'|[^\s"\[\]{}:,]+', re.DOTALL)
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


class _OddValueError(Exception):
    """A value that JSON's grammar allows or Python's reader takes, and that is refused here."""


def read_json(path: Path, expected: str, *, most: int | None = None) -> Any:
    """The value in a JSON file.

    Args:
        path: a path that `file_path` has checked.
        expected: what the file should be, for messages, such as "a model file (JSON)".
        most: the most bytes that the file may have.

    Raises:
        TensorRankError: if the file cannot be read, or as `parsed_json`.
    """
    return parsed_json(text_of(path, expected, most=most), expected)


def parsed_json(text: str, expected: str) -> Any:
    """The value of a JSON text: whole numbers of up to `MOST_DIGITS` digits, floats as float64.

    Raises:
        TensorRankError: saying where, if the text is no whole JSON value, or has a value that is refused.

    >>> parsed_json('{"depth": 12}', "a configuration")
    {'depth': 12}
    >>> parsed_json('{"depth": 12, "depth": 6}', "a configuration")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: the key 'depth' is given twice at line 1, column 15; expected each key once
    """
    if not text.strip():
        raise TensorRankError(f"the file is empty; expected {expected}")
    _check_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refused, parse_int=_whole, parse_float=_real)
        if _HALF_PAIR.search(text):
            _refuse_first_odd_value(text)
    except json.JSONDecodeError as error:
        said = error.msg.removesuffix(" at").removesuffix(" starting")
        where = f"{said[0].lower()}{said[1:]} at line {error.lineno}, column {error.colno}"
        if _is_at_the_end(text, error):
            raise TensorRankError(
                f"{where}, where the file ends: it seems to be cut off; expected a whole file of JSON"
            ) from error
        raise TensorRankError(f"{where}; expected JSON: {expected}") from error
    except _OddValueError as odd:
        _refuse_first_odd_value(text)
        raise AssertionError("a value was refused that is not found again") from odd
    return value


def _is_at_the_end(text: str, error: json.JSONDecodeError) -> bool:
    """Whether the error is at the end of the file: only the rest of a number, of a word or of a text follows."""
    left = text[error.pos :].rstrip()
    if error.msg.startswith("Extra data") or left == text.strip():
        return False
    return error.msg.startswith("Unterminated") or re.fullmatch(r"\\?[\w.+-]*", left) is not None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _OddValueError
    return fields


def _refused(name: str) -> Any:
    raise _OddValueError


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > MOST_DIGITS:
        raise _OddValueError
    return from_text(text)


def _real(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _OddValueError
    return number


def _check_depth(text: str) -> None:
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise TensorRankError(
                    f"lists are nested too deep at {_line_and_column(text, found.start())}; expected at most {DEEPEST} levels"
                )
        elif found[0] in "]}":
            depth -= 1


def _refuse_first_odd_value(text: str) -> None:
    """Raise the error that says what the first refused value is, and where; the text up to there is JSON."""
    for start, steps, token, is_key, seen in _walk(text):
        objection = _objection(token, is_key, seen)
        if objection is not None:
            found, expected = objection
            where = f"at {_line_and_column(text, start)}{_in_words(steps)}"
            raise TensorRankError(f"{found} {where}; expected {expected}")


def _objection(token: str, is_key: bool, seen: set[str]) -> tuple[str, str] | None:
    """What is refused in a key or value, and what was expected; None for a good one. A good key joins those seen."""
    if token[0] != '"':
        if token in ("NaN", "Infinity", "-Infinity"):
            return f"{token} is given as a number", "finite numbers"
        digits = token.lstrip("-")
        if len(digits) > MOST_DIGITS and digits.isdigit():
            return f"a whole number of {len(digits)} digits is given", f"at most {MOST_DIGITS} digits"
        if not digits.isdigit() and math.isinf(_float_of(token)):
            return f"the number {shown(token)} is beyond every float", "numbers below 1.8e308"
        return None
    given = json.loads(token)
    if any("\ud800" <= letter <= "\udfff" for letter in given):
        return f"half a surrogate pair is given in {shown(given)}", "whole characters"
    if is_key:
        if given in seen:
            return f"the key {shown(given)} is given twice", "each key once"
        seen.add(given)
    return None


def _float_of(token: str) -> float:
    """The float that a token stands for; 0 for words such as true."""
    try:
        return float(token)
    except ValueError:
        return 0.0


def _walk(text: str) -> Iterator[tuple[int, list[int | str], str, bool, set[str]]]:
    """The keys and values of a JSON text in order, with their places.

    Each comes with its first character's number, the steps to what holds it, such as ["nodes", 2], the text, whether
    it is a key, and the keys met so far in the same object.
    """
    # For each open list the number of the entry, for each open object its latest key; and the keys of each.
    steps: list[int | str] = []
    keys: list[set[str]] = []
    expects_key = False
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token in ("[", "{"):
            steps.append(0 if token == "[" else "")
            keys.append(set())
            expects_key = token == "{"
        elif token in ("]", "}"):
            steps.pop()
            keys.pop()
            expects_key = False
        elif token == ",":
            last = steps[-1]
            expects_key = isinstance(last, str)
            if isinstance(last, int):
                steps[-1] = last + 1
        elif token == ":":
            expects_key = False
        else:
            yield (found.start(), steps[: -1 if expects_key else None], token, expects_key, keys[-1] if keys else set())
            if expects_key:
                steps[-1] = json.loads(token)


def _in_words(steps: list[int | str]) -> str:
    """Steps into a document as a place in words.

    >>> _in_words(["nodes", 2, "id"])
    ' (nodes[2].id)'
    """
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")
    if not place:
        return ""
    return f" ({place})" if place.isprintable() and len(place) <= _MOST_IN_PLACE else f" ({shown(place)})"


def _line_and_column(text: str, start: int) -> str:
    line = text.count("\n", 0, start) + 1
    return f"line {line}, column {start - text.rfind(chr(10), 0, start)}"
