import json
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.records import Record, plain
from tensorrank.whole_numbers import from_text


@dataclass(frozen=True)
class Inner(Record):
    heading: ClassVar = {"kind": "inner"}
    left_out = ("secret",)
    size: int
    secret: object = None


@dataclass(frozen=True)
class Outer(Record):
    derived = ("double",)
    inners: tuple[Inner, ...]
    bounds: np.ndarray

    @property
    def double(self):
        return {len(self.inners): 2 * len(self.inners)}


def test_records_hold_records_arrays_and_derived_values():
    assert Outer((Inner(1, object()), Inner(2)), np.array([0.5, np.inf])).to_dict() == {
        "inners": [{"kind": "inner", "size": 1}, {"kind": "inner", "size": 2}],
        "bounds": [0.5, "inf"],
        "double": {"2": 4},
    }


@given(st.integers(-(2**70), 2**70))
def test_whole_numbers_survive_readers_that_know_only_floats(number):
    found = json.loads(json.dumps(plain(number)), parse_int=float)
    assert (from_text(found) if isinstance(found, str) else int(found)) == number


def test_a_value_without_a_plain_form_is_an_error():
    with pytest.raises(TypeError, match=r"1/3 of type Fraction has no plain form"):
        plain(Fraction(1, 3))


@pytest.mark.parametrize("text", ["", "many", "1.5", "inf", "1e9", "3^200.00"])
def test_a_text_that_is_no_whole_number_is_refused(text):
    with pytest.raises(TensorRankError, match="expected a whole number in decimal digits"):
        from_text(text)
