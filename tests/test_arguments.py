"""Checks of what users give."""

import functools
import math
from decimal import Decimal
from fractions import Fraction
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tensorrank.arguments import (
    as_float,
    by_name,
    file_path,
    finite_number,
    function_given,
    nearest,
    one_of,
    seed_number,
    several,
    shown,
    takes_arguments,
    tolerance,
    true_or_false,
    whole_number,
)
from tensorrank.circuits.convolutional import ConvolutionalCircuit
from tensorrank.errors import TensorRankError
from tensorrank.tasks.disjointness import Disjointness
from tensorrank.tasks.match import Match2

# Python writes no whole number of so many digits.
ENDLESS = 10**5000


class Hostile:
    """An object whose every answer is an error."""

    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __index__ = __float__ = __len__ = __iter__ = __fspath__ = __repr__


def kind(given):
    """The type of a value, by which its test is called: not every value here has a text."""
    return type(given).__name__


@pytest.mark.parametrize("given", [True, False, np.True_, np.bool_(False)])
def test_truth_values_are_those_of_python_and_of_numpy(given):
    assert true_or_false("causal", given) is bool(given)


@pytest.mark.parametrize("given", [0, 1, "True", None, np.array([True]), 1.0])
def test_nothing_else_is_a_truth_value(given):
    with pytest.raises(TensorRankError, match=r"causal is .*; expected True or False"):
        true_or_false("causal", given)


def test_truth_values_of_numpy_become_those_of_python():
    assert Match2(4, 5, itself=np.False_).itself is False
    assert Disjointness(3, intersecting=np.True_).intersecting is True
    assert ConvolutionalCircuit(4, 2, [2], shared=np.True_).shared is True


@pytest.mark.parametrize("given", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_whole_numbers_of_every_type_become_ints(given):
    assert type(whole_number("depth", given, 1)) is int
    assert whole_number("depth", given, 1) == 3


@pytest.mark.parametrize(
    "given",
    [
        *(int, np.int64, np.array([3]), np.array([1, 2]), 3.0, "3", None, True, np.True_, 1 + 0j, Hostile(), Hostile, [3]),
        *(np.ma.masked, np.ma.array(3, mask=True)),
    ],
)
def test_arrays_and_classes_are_no_whole_numbers(given):
    with pytest.raises(TensorRankError, match=r"^depth is .*; expected a whole number of at least 1$"):
        whole_number("depth", given, 1)


@pytest.mark.parametrize("given", [0, 11, -ENDLESS, ENDLESS], ids=["0", "11", "low", "high"])
def test_whole_numbers_outside_their_limits_are_refused_however_long(given):
    with pytest.raises(TensorRankError, match=r"^depth is .{1,60}; expected a whole number from 1 to 10$"):
        whole_number("depth", given, 1, 10)


@pytest.mark.parametrize("given", [2, 2.0, Fraction(4, 2), Decimal(2), np.float32(2), np.int8(2), np.array(2.0)])
def test_finite_numbers_of_every_type_become_floats(given):
    assert type(finite_number("slope", given)) is float
    assert finite_number("slope", given, least=2, above=1) == 2.0


@pytest.mark.parametrize(
    "given",
    [
        *("2", True, None, np.array([2.0]), 2j, np.nan, np.inf, 10**400, Decimal("sNaN"), float, Hostile()),
        *(np.ma.masked, np.ma.array(3, mask=True)),
    ],
)
def test_nothing_else_is_a_finite_number(given):
    with pytest.raises(TensorRankError, match=r"^slope is .*; expected a finite number$"):
        finite_number("slope", given)


@pytest.mark.parametrize(("limits", "words"), [({"least": 3}, "of at least 3"), ({"above": 2}, "above 2")])
def test_numbers_outside_their_limits_are_refused(limits, words):
    with pytest.raises(TensorRankError, match=f"expected a finite number {words}"):
        finite_number("slope", 2, **limits)


@pytest.mark.parametrize("given", ["x", -1e-300, np.nan, None, [0.1]])
def test_tolerances_are_numbers_of_at_least_0(given):
    with pytest.raises(TensorRankError, match=r"rtol is .*; expected a finite number of at least 0"):
        tolerance("rtol", given)


@pytest.mark.parametrize("given", [-1, 1.5, "0", None, int, np.array([0, 1]), ENDLESS, np.random.RandomState(0)], ids=kind)
def test_seeds_are_whole_numbers_of_at_least_0(given):
    with pytest.raises(TensorRankError, match=r"the seed is .*; expected a whole number of at least 0 or a numpy Generator"):
        seed_number("the seed", given)


@pytest.mark.parametrize("given", [None, "", 1.5, b"x", Hostile(), str, ["x"], "a\0b", "\ud800", Path("a\0b")])
def test_paths_are_texts_or_paths_that_files_can_have(given):
    with pytest.raises(TensorRankError, match=r"the file is .*; expected .*path"):
        file_path("the file", given)


def test_paths_keep_names_whose_bytes_are_no_text():
    # What os.listdir gives for a name that is no UTF-8.
    assert file_path("the file", "\udcff.json") == Path("\udcff.json")


@pytest.mark.parametrize("given", [3, None, "abc", b"abc", [], (), list, Hostile(), count(), range(10**30), np.array(3)])
def test_several_things_are_neither_one_nor_a_text_nor_endless(given):
    with pytest.raises(TensorRankError, match=r"levels are .*; expected a table for each"):
        several("levels", given, "a table for each")


@pytest.mark.parametrize(
    ("given", "words"), [({5: 1, "x": 2}, "weights have the key 5"), ([1], r"weights are \[1\]"), (None, "weights are None")]
)
def test_names_are_texts(given, words):
    with pytest.raises(TensorRankError, match=f"{words}; expected arrays by name"):
        by_name("weights", given, "arrays by name")


def test_what_cannot_be_called_is_no_function():
    assert function_given("progress", print, "a function", 3) is print
    for odd in (1, len, lambda: None, lambda a, b, c, d: None):
        with pytest.raises(TensorRankError, match=r"progress is .*; expected a function of three"):
            function_given("progress", odd, "a function of three", 3)


def test_what_nobody_can_tell_of_a_function_is_taken():
    class Odd:
        @property
        def __signature__(self):
            raise RuntimeError("no")

        def __call__(self):
            return None

    assert takes_arguments(Odd(), 3)
    assert takes_arguments(functools.partial(lambda a, b, c: None, 1), 2)
    assert not takes_arguments(functools.partial(lambda a, b, c: None, 1), 3)


@pytest.mark.parametrize("given", [None, 5, ["plain"], Hostile(), np.array(["plain", "x"]), "plane"])
def test_names_that_are_unknown_are_refused(given):
    with pytest.raises(TensorRankError, match=r"the method is .*; expected one of plain, sampling"):
        one_of("the method", given, ["plain", "sampling"])


@pytest.mark.parametrize("given", ["x" * 10**6, 5, None])
def test_names_far_from_all_others_have_none_that_is_near(given):
    assert nearest(given, ["plain"]) == "expected one of plain"


@pytest.mark.parametrize(
    "given",
    [
        Hostile(),
        Hostile,
        [Hostile()] * 5,
        {"x": Hostile()},
        10**10**5,
        [10**5000],
        Fraction(10**5000, 7),
        np.array([10**5000], dtype=object),
        list(range(10**6)),
        [[[[[[[[1]]]]]]]],
        "x" * 10**6,
        b"x" * 10**6,
        np.zeros((300, 300)),
        "\ud800",
        type("list", (), {})(),
    ],
    ids=kind,
)
def test_every_value_is_shown_in_one_short_line_that_can_be_printed(given):
    text = shown(given)
    assert 0 < len(text) <= 2000
    assert "\n" not in text
    text.encode()


def test_short_values_are_shown_as_python_does():
    for value in (None, 3, -2.5, "three", [1, 2], (1,), {"a": 1}, np.int64(3), True, int):
        assert shown(value) == repr(value)


def test_a_type_of_arrays_has_axes_but_no_item():
    assert math.isnan(as_float(np.dtype("f8")))
