"""Whole numbers as text, of any length and in little time."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.whole_numbers import from_text, to_text


@given(st.integers(-(2**20000), 2**20000))
def test_whole_numbers_are_written_as_decimal_writes_them_and_read_again(number):
    assert to_text(number) == str(Decimal(number))
    assert from_text(to_text(number)) == number


@pytest.mark.parametrize("digits", [1, 599, 601, 4001, 20_001])
def test_zeros_are_written_and_read(digits):
    for number in (10**digits, -(10**digits), 10**digits - 1):
        assert to_text(number) == str(Decimal(number))
        assert from_text(to_text(number)) == number
    assert from_text("0" * digits + "7") == from_text("+7") == 7


def test_half_a_million_digits_are_written_and_read_in_seconds():
    text = to_text(7**600_000)
    assert len(text) == 507059  # 600000 log10(7) = 507058.8
    assert from_text(text) == 7**600_000


@pytest.mark.parametrize("text", ["", "-", "1.5", "1e3", "0x1", " 1", "1_000", "٣"])
def test_a_text_of_anything_else_is_refused(text):
    with pytest.raises(TensorRankError, match="expected a whole number in decimal digits"):
        from_text(text)
