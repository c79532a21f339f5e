"""Whole calls checked at once: every argument that a user gives, against the annotation of its parameter.

Annotations say what a public function takes. `checked` makes them true: what does not fit is refused before the
function begins, in words made of the annotation. Limits that no annotation says, such as a least depth, are left to the
function, with the checks in `tensorrank.arguments`. Arrays are left to it too.
"""

from __future__ import annotations

import math
import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, wraps
from inspect import Parameter, get_annotations, isfunction, signature, unwrap
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, is_typeddict

from tensorrank.arguments import as_float, as_whole_number, file_path, meant, shown, takes_arguments, things
from tensorrank.errors import TensorRankError

T = TypeVar("T")

# Stands in `Annotated` beside a type whose values are checked where they are used, with errors of their own.
CHECKED_WHERE_USED = "checked where it is used"
# Every whole number up to this one is a float64.
_LARGEST_WHOLE = 2**53
# Stands for the value of what a rule does not admit.
REFUSED = object()
_MANY = (Sequence, Iterable, Collection, tuple, list)


@dataclass(frozen=True)
class Rule:
    """What one annotation admits.

    Attributes:
        one: what is expected, in words, such as "a whole number".
        many: the plural of these words.
        admitted: gives the value that a function is to get for the one given, or `REFUSED`.
        several: True if several things are expected, a list or a dictionary.
        names: the texts that are admitted, where these are known.
        element: the rule of the things in a list.
    """

    one: str
    many: str
    admitted: Callable[[Any], Any]
    several: bool = False
    names: tuple[str, ...] = ()
    element: Rule | None = None

    def checked(self, name: str, given: Any) -> Any:
        """The value that a function is to get for the one given; an error if the rule does not admit it."""
        value = self.admitted(given)
        if value is REFUSED:
            if self.element is not None and self.element.names and not isinstance(given, Mapping):
                self.element._check_names(name, things(given) or ())
            verb = "are" if self.several and name.endswith("s") else "is"
            raise TensorRankError(f"{name} {verb} {shown(given)}; expected {self.one}{meant(given, self.names)}")
        return value

    def _check_names(self, name: str, given: tuple[Any, ...]) -> None:
        for one in given:
            if self.admitted(one) is REFUSED:
                verb = "have" if name.endswith("s") else "has"
                raise TensorRankError(f"{name} {verb} {shown(one)}; expected {self.many}{meant(one, self.names)}")


def checked(thing: T) -> T:
    """A function whose arguments are checked by their annotations; a class whose public methods are such functions.

    A dataclass that has a `__post_init__` checks its fields there, where it knows their limits.
    Whole numbers come as int whatever their type (numpy's too), lists and other iterables of a known kind as tuples.

    >>> @checked
    ... def halves(number: int) -> float:
    ...     return number / 2
    >>> halves("three")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: number is 'three'; expected a whole number
    """
    if isfunction(thing):
        return cast(T, _checking(thing))
    own = getattr(thing, "__dataclass_fields__", {})
    called = ("__call__",) if hasattr(thing, "__post_init__") else ("__call__", "__init__")
    for name, member in list(vars(thing).items()):
        if name in own or (name.startswith("_") and name not in called):
            continue
        if isinstance(member, classmethod | staticmethod):
            setattr(thing, name, type(member)(_checking(member.__func__)))
        elif isfunction(member):
            setattr(thing, name, _checking(member))
    return thing


def checked_values(given: Mapping[str, Any], expected: type) -> dict[str, Any]:
    """Named values, such as options, each checked by the annotation that a class has for its name."""
    rules = _rules_of_class(expected)
    return {name: value if (rule := rules.get(name)) is None else rule.checked(name, value) for name, value in given.items()}


def check_fields(record: Any) -> None:
    """Check the fields of a dataclass by their annotations, as `checked` does arguments; for its `__post_init__`.

    >>> @dataclass(frozen=True)
    ... class Circle:
    ...     radius: float
    ...     def __post_init__(self) -> None:
    ...         check_fields(self)
    >>> Circle("wide")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: radius is 'wide'; expected a number
    """
    kind: type = type(record)
    for name, rule in _rules_of_fields(kind).items():
        given = getattr(record, name)
        value = rule.checked(name, given)
        if value is not given:
            object.__setattr__(record, name, value)


@cache
def _rules_of_fields(record: type) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    for base in reversed(record.__mro__):
        names, own = vars(sys.modules[base.__module__]), get_annotations(base)
        found = {name: _rule_of(hint, names) for name, hint in own.items()}
        rules |= {name: rule for name, rule in found.items() if rule is not None}
    return {field.name: rules[field.name] for field in fields(record) if field.name in rules}


def _checking(function: Callable[..., Any]) -> Any:
    rules = _Rules(function)

    def call(*args: Any, **named: Any) -> Any:
        return function(*rules.of_places(args), **rules.of_names(named))

    # Its globals are those of the function's module, by which doctest knows where a function stands.
    found = types.FunctionType(call.__code__, unwrap(function).__globals__, function.__name__, None, call.__closure__)
    return wraps(function)(found)


class _Rules:
    """The rules of a function's parameters, made when it is first called: all names of its module are known then."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._places: list[tuple[str, Rule | None]] | None = None
        self._names: dict[str, Rule | None] = {}

    def of_places(self, given: tuple[Any, ...]) -> list[Any]:
        places = self._made() if self._places is None else self._places
        checked = [
            value if rule is None else rule.checked(name, value) for (name, rule), value in zip(places, given, strict=False)
        ]
        return [*checked, *given[len(checked) :]]

    def of_names(self, given: dict[str, Any]) -> dict[str, Any]:
        if self._places is None:
            self._made()
        rules = self._names
        return {
            name: value if (rule := rules.get(name)) is None else rule.checked(name, value) for name, value in given.items()
        }

    def _made(self) -> list[tuple[str, Rule | None]]:
        # Of a decorated function, such as a figure, the annotations are those of the function within.
        names, places = unwrap(self._function).__globals__, []
        for name, parameter in signature(self._function).parameters.items():
            free = parameter.annotation is Parameter.empty or parameter.kind in (
                Parameter.VAR_POSITIONAL,
                Parameter.VAR_KEYWORD,
            )
            rule = None if free else _rule_of(parameter.annotation, names)
            self._names[name] = rule
            if parameter.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD):
                places.append((name, rule))
        self._places = places
        return places


@cache
def _rules_of_class(expected: type) -> dict[str, Rule | None]:
    names = vars(sys.modules[expected.__module__])
    return {name: _rule_of(hint, names) for name, hint in get_annotations(expected).items()}


def _rule_of(annotation: Any, names: Mapping[str, Any]) -> Rule | None:
    """The rule of an annotation, a text or a type; None if it is left to the function."""
    text = getattr(annotation, "__forward_arg__", annotation)
    if isinstance(text, str):
        try:
            annotation = eval(text, dict(names))  # text of this package's own signatures
        except NameError:  # a name that only type checkers import
            return None
    return rule_of(annotation, PLAIN.get)


def rule_of(hint: Any, single: Callable[[Any], Rule | None]) -> Rule | None:
    """The rule of an annotation that is a type; None if it is left to the function.

    Args:
        hint: the type.
        single: gives the rules of types that are not made of others here; None for all other types.
    """
    origin, args = get_origin(hint), get_args(hint)
    if (known := single(hint)) is not None:
        return known
    if origin in (Union, types.UnionType):
        return _any_of(args, single)
    if origin is Literal:
        words, names = ", ".join(map(repr, args)), tuple(one for one in args if isinstance(one, str))
        return Rule(
            f"one of {words}", f"names among {words}", lambda given: given if _is_one(given, args) else REFUSED, names=names
        )
    if origin is Callable:
        # What gives nothing is called to be told something, which no class is.
        told = bool(args) and args[-1] in (None, type(None))
        count = len(args[0]) if args and isinstance(args[0], list) else None

        def admitted(given: Any) -> Any:
            fits = callable(given) and not (told and isinstance(given, type))
            return given if fits and (count is None or takes_arguments(given, count)) else REFUSED

        what = "a function" if count is None else f"a function of {count} argument{'' if count == 1 else 's'}"
        return Rule(what, "functions", admitted)
    if origin is tuple and args and args[-1] is not Ellipsis:
        return _fixed(tuple(rule_of(one, single) for one in args))
    if origin in _MANY:
        return list_of(rule_of(args[0], single) if args else None)
    if origin in (Mapping, dict) or is_typeddict(hint):
        return Rule("a dictionary whose keys are texts", "dictionaries whose keys are texts", _mapping, several=True)
    own = isinstance(hint, type) and origin is None and hint.__module__ not in ("builtins", "typing")
    if own and not getattr(hint, "_is_protocol", False):
        name = hint.__name__
        article = "an" if name[0] in "AEIOU" else "a"
        return Rule(f"{article} {name}", f"{name}s", lambda given: given if isinstance(given, hint) else REFUSED)
    return None


def _any_of(args: tuple[Any, ...], single: Callable[[Any], Rule | None]) -> Rule | None:
    if str in args and Path in args:
        args = (*(one for one in args if one not in (str, Path)), Path)
    rules = [rule_of(one, single) for one in args]
    if None in rules:
        return None
    known = [rule for rule in rules if rule is not None]

    def admitted(given: Any) -> Any:
        return next((value for rule in known if (value := rule.admitted(given)) is not REFUSED), REFUSED)

    several, names = any(rule.several for rule in known), tuple(name for rule in known for name in rule.names)
    return Rule(_either([rule.one for rule in known]), _either([rule.many for rule in known]), admitted, several, names)


def list_of(element: Rule | None) -> Rule:
    """The rule of a list whose elements have a rule, or may be anything."""

    def admitted(given: Any) -> Any:
        found = None if isinstance(given, Mapping) else things(given)
        if found is None or element is None:
            return REFUSED if found is None else found
        values = []
        for one in found:
            values.append(element.admitted(one))
            if values[-1] is REFUSED:
                return REFUSED
        return tuple(values)

    many = "values" if element is None else element.many
    return Rule(f"a list of {many}", f"lists of {many}", admitted, several=True, element=element)


def _fixed(elements: tuple[Rule | None, ...]) -> Rule:
    def admitted(given: Any) -> Any:
        found = None if isinstance(given, Mapping) else things(given)
        if found is None or len(found) != len(elements):
            return REFUSED
        values = tuple(one if rule is None else rule.admitted(one) for one, rule in zip(found, elements, strict=True))
        return REFUSED if any(value is REFUSED for value in values) else values

    words = ", ".join("a value" if rule is None else rule.one for rule in elements)
    return Rule(f"a tuple ({words})", f"tuples ({words})", admitted)


def _either(words: Iterable[str]) -> str:
    *first, last = dict.fromkeys(words)
    return f"{', '.join(first)} or {last}" if first else last


def _is_one(given: Any, known: tuple[Any, ...]) -> bool:
    return any(type(given) is type(one) and given == one for one in known)


def _whole(given: Any) -> Any:
    if type(given) is int:
        return given
    number = as_whole_number(given)
    return REFUSED if number is None else number


def _real(given: Any) -> Any:
    if type(given) is float:
        return REFUSED if math.isnan(given) else given
    number, whole = as_float(given), as_whole_number(given)
    # What only an infinite float could stand for is larger than any use.
    if math.isnan(number) or (whole is not None and math.isinf(number)):
        return REFUSED
    # What a float cannot tell from its neighbours gains nothing from more digits.
    return number if whole is None or abs(whole) > _LARGEST_WHOLE else whole


def _truth(given: Any) -> Any:
    # By the name of the type, which numpy's has too: numpy is not imported for this alone.
    return bool(given) if type(given).__name__ in ("bool", "bool_") else REFUSED


def _text(given: Any) -> Any:
    if not isinstance(given, str):
        return REFUSED
    try:
        given.encode()
    except UnicodeEncodeError:  # half of a pair of surrogates, which nothing can print
        return REFUSED
    return given


def _path(given: Any) -> Any:
    try:
        file_path("path", given)
    except TensorRankError:
        return REFUSED
    return given


def _mapping(given: Any) -> Any:
    return given if isinstance(given, Mapping) and all(isinstance(key, str) for key in given) else REFUSED


PLAIN: dict[Any, Rule] = {
    type(None): Rule("None", "None", lambda given: given if given is None else REFUSED),
    bool: Rule("True or False", "truth values", _truth),
    int: Rule("a whole number", "whole numbers", _whole),
    float: Rule("a number", "numbers", _real),
    str: Rule("a text", "texts", _text),
    Path: Rule("the path of a file or folder", "paths", _path),
}
