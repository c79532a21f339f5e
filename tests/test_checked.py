"""Arguments that are checked by the annotations of their parameters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from inspect import signature
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import pytest

from tensorrank.checked import check_fields, checked, checked_values
from tensorrank.errors import TensorRankError

# Python writes no whole number of so many digits.
ENDLESS = 10**5000


@checked
def whole(given: int):
    return given


@checked
def real(given: float | None = None):
    return given


@checked
def truth(given: bool):
    return given


@checked
def text(given: str):
    return given


@checked
def one_of_two(given: Literal["rows", "columns"]):
    return given


@checked
def several_of_two(given: Sequence[Literal["rows", "columns"]]):
    return given


@checked
def wholes(given: Sequence[int]):
    return given


@checked
def iterated(given: Iterable[int]):
    return given


@checked
def pair(given: tuple[int, str]):
    return given


@checked
def named(given: Mapping[str, Any]):
    return given


@checked
def function(given: Callable[[], None]):
    return given


@checked
def path(given: str | Path):
    return given


@checked
def amount(given: int | str | None):
    return given


@checked
def generator(given: int | np.random.Generator):
    return given


def kind(given):
    """The type of a value, by which its test is called: not every value here has a text."""
    return type(given).__name__ if not callable(given) else given.__name__


@pytest.mark.parametrize(
    ("take", "given", "received"),
    [
        (whole, np.int8(3), 3),
        (whole, np.array(3), 3),
        (whole, ENDLESS, ENDLESS),
        (real, np.float32(0.5), 0.5),
        (real, Fraction(1, 2), 0.5),
        (real, Decimal("0.5"), 0.5),
        (real, 2, 2),
        (real, float("inf"), float("inf")),
        (real, None, None),
        (truth, np.True_, True),
        (wholes, [np.int64(1), 2], (1, 2)),
        (wholes, np.array([1, 2]), (1, 2)),
        (wholes, range(3), (0, 1, 2)),
        (iterated, (n for n in (4, 5)), (4, 5)),
        (pair, [1, "a"], (1, "a")),
        (amount, "4GiB", "4GiB"),
        (amount, 5, 5),
    ],
    ids=kind,
)
def test_what_fits_is_received_as_its_plain_type(take, given, received):
    assert take(given) == received
    assert type(take(given) if not isinstance(given, type(n for n in ())) else received) is type(received)


@pytest.mark.parametrize(
    ("take", "given", "expected"),
    [
        (whole, 3.0, "given is 3.0; expected a whole number"),
        (whole, int, "expected a whole number"),
        (whole, np.array([3]), "expected a whole number"),
        (whole, True, "given is True; expected a whole number"),
        (real, "0.5", "given is '0.5'; expected a number or None"),
        (real, float("nan"), "given is nan; expected a number"),
        (real, ENDLESS, "given is a whole number of some 5000 digits; expected a number"),
        (real, 1j, "expected a number"),
        (truth, 1, "given is 1; expected True or False"),
        (text, 5, "given is 5; expected a text"),
        (text, "\ud800", "expected a text"),
        (one_of_two, "row", "given is 'row'; expected one of 'rows', 'columns'; did you mean 'rows'?"),
        (several_of_two, ["columns", "row"], "given has 'row'; expected names among 'rows', 'columns'; did you mean 'rows'?"),
        (several_of_two, ["columns", 5], "given has 5; expected names among 'rows', 'columns'$"),
        (several_of_two, "rows", "given is 'rows'; expected a list of names among 'rows', 'columns'$"),
        (several_of_two, {"row": 1}, "expected a list of names among 'rows', 'columns'$"),
        (one_of_two, np.array(["rows", "x"]), "expected one of 'rows', 'columns'"),
        (wholes, [1, 2.5], r"given is \[1, 2.5\]; expected a list of whole numbers"),
        (wholes, "12", "expected a list of whole numbers"),
        (wholes, {1: 2}, "expected a list of whole numbers"),
        (wholes, 5, "given is 5; expected a list of whole numbers"),
        (iterated, count(), r"given is count\(\d+\); expected a list of whole numbers"),
        (pair, (1,), r"expected a tuple \(a whole number, a text\)"),
        (pair, (1, 2), r"expected a tuple \(a whole number, a text\)"),
        (named, {5: 1}, "expected a dictionary whose keys are texts"),
        (named, [1], "expected a dictionary whose keys are texts"),
        (function, 1, "given is 1; expected a function"),
        (function, int, "given is <class 'int'>; expected a function"),
        (path, 5, "given is 5; expected the path of a file or folder"),
        (path, "a\0b", "expected the path of a file or folder"),
        (amount, 0.5, "given is 0.5; expected a whole number, a text or None"),
        (generator, np.random.RandomState(0), "expected a whole number or a Generator"),
    ],
    ids=kind,
)
def test_what_does_not_fit_is_refused_in_the_words_of_its_annotation(take, given, expected):
    with pytest.raises(TensorRankError, match=expected):
        take(given)
    with pytest.raises(TensorRankError, match=expected):
        take(given=given)


def test_what_may_be_anything_is_left_to_the_function():
    @checked
    def take(given: Any, number: int = 0):
        return given

    thing = object()
    assert take(thing) is thing
    with pytest.raises(TensorRankError, match="number is 'x'; expected a whole number"):
        take(thing, "x")


def test_a_checked_function_keeps_its_name_words_and_signature():
    @checked
    def known(first: int, /, *others: str, last: int = 2, **options: Any) -> str:
        """Words."""
        return f"{first}{others}{last}{options}"

    assert (known.__name__, known.__doc__) == ("known", "Words.")
    assert str(signature(known)) == "(first: int, /, *others: str, last: int = 2, **options: Any) -> str"
    assert known(1, "a", last=3, x=4) == "1('a',)3{'x': 4}"
    assert known.__globals__ is globals()


def test_public_methods_of_a_checked_class_are_checked_and_its_fields_are_its_own():
    @checked
    @dataclass(frozen=True)
    class Shape:
        sides: int

        def __post_init__(self) -> None:
            assert self.sides != 0

        def scaled(self, by: int) -> "Shape":
            return Shape(self.sides * self._plain(by))

        def _plain(self, by: int) -> int:
            return by

        @classmethod
        def of(cls, sides: int) -> "Shape":
            return cls(sides)

        @staticmethod
        def name(sides: int) -> str:
            return f"{sides} sides"

    assert Shape.of(3).scaled(2) == Shape(6)
    assert Shape.name(3) == "3 sides"
    for call in (Shape(3).scaled, Shape.of, Shape.name):
        with pytest.raises(TensorRankError, match="is 'x'; expected a whole number"):
            call("x")
    assert Shape("x").sides == "x"


def test_a_checked_class_without_checks_of_its_own_checks_what_it_is_made_of():
    @checked
    @dataclass(frozen=True)
    class Point:
        x: float
        name: str = "p"

    assert Point(np.float64(1)).x == 1.0
    with pytest.raises(TensorRankError, match="x is None; expected a number"):
        Point(None)
    with pytest.raises(TensorRankError, match="name is 5; expected a text"):
        Point(1, name=5)


@dataclass(frozen=True)
class Base:
    size: int


@dataclass(frozen=True)
class Row(Base):
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_fields(self)


def test_fields_are_checked_with_those_of_the_base():
    assert Row(np.int64(3), ["a"]) == Row(3, ("a",))
    with pytest.raises(TensorRankError, match="size is 'x'; expected a whole number"):
        Row("x")
    with pytest.raises(TensorRankError, match="names are 'a'; expected a list of texts"):
        Row(3, "a")


class Options(TypedDict, total=False):
    rtol: float | None
    threads: int


def test_named_values_are_checked_by_the_class_that_annotates_them():
    assert checked_values({"rtol": None, "threads": np.int8(2), "other": "x"}, Options) == {
        "rtol": None,
        "threads": 2,
        "other": "x",
    }
    with pytest.raises(TensorRankError, match="rtol is 'x'; expected a number or None"):
        checked_values({"rtol": "x"}, Options)


def test_a_dictionary_of_options_is_no_class_to_be_an_instance_of():
    @checked
    def take(options: Options) -> Options:
        return options

    assert take({"threads": 1}) == {"threads": 1}
    with pytest.raises(TensorRankError, match="options are 5; expected a dictionary whose keys are texts"):
        take(5)
