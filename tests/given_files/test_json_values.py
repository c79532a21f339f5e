"""JSON by the grammar of RFC 8259, against the standard library's own reader."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tensorrank.errors import TensorRankError
from tensorrank.given_files.json_values import parsed_json
from tensorrank.whole_numbers import MOST_DIGITS

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN, st.booleans(), st.sampled_from([None, 1]))
def test_values_are_those_of_the_standard_library(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert parsed_json(text, "a value") == value == json.loads(text)


def test_whole_numbers_keep_every_digit():
    number = 7**20000  # 16902 digits: more than Python itself reads
    digits = []
    left = number
    while left:
        left, digit = divmod(left, 10**4000)
        digits.append(f"{digit:04000}")
    text = "".join(reversed(digits)).lstrip("0")
    assert parsed_json(f"[{text}, -{text}]", "a value") == [number, -number]


@pytest.mark.parametrize("sign", ["", "-"])
def test_the_sign_of_a_number_is_no_digit(sign):
    longest = "9" * MOST_DIGITS
    assert parsed_json(f"[{sign}{longest}]", "a value") == [int(f"{sign}1") * (10**MOST_DIGITS - 1)]
    with pytest.raises(TensorRankError, match=r"a whole number of 20001 digits is given at line 1, column 2 \(\[0\]\)"):
        parsed_json(f"[{sign}{longest}9]", "a value")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty; expected a value"),
        ('{"a": 1,\n "b": {"a": 2, "a": 3}}', "the key 'a' is given twice at line 2, column 16 (b); expected each key once"),
        ('{"a": 1, "\\u0061": 3}', "the key 'a' is given twice at line 1, column 10; expected each key once"),
        ('[{"a": [1, NaN]}]', "NaN is given as a number at line 1, column 12 ([0].a[1]); expected finite numbers"),
        ('{"a": -Infinity}', "-Infinity is given as a number at line 1, column 7 (a)"),
        ("[1e3091e309]", "the number '1e3091' is beyond every float at line 1, column 2 ([0]); expected numbers below"),
        ("[NaNs]", "NaN is given as a number at line 1, column 2 ([0]); expected finite numbers"),
        ("[-Infinity1]", "-Infinity is given as a number at line 1, column 2 ([0])"),
        ("[" + "1" * (MOST_DIGITS + 1) + "x]", "a whole number of 20001 digits is given at line 1, column 2 ([0]); exp"),
        ('["a", "\\ud800"]', "half a surrogate pair is given in '\\ud800' at line 1, column 7 ([1]); expected whole char"),
        ('{"\\udc00\\ud800": 1}', "half a surrogate pair is given in '\\udc00\\ud800' at line 1, column 2"),
        ("[" + "1" * (MOST_DIGITS + 1) + "]", "a whole number of 20001 digits is given at line 1, column 2 ([0]); expected"),
        ("[" * 65 + "]" * 65, "lists are nested too deep at line 1, column 65; expected at most 64 levels"),
        ('{"a":' * 10**6, "lists are nested too deep at line 1, column 321"),
        ("[1, 2", "expecting ',' delimiter at line 1, column 6, where the file ends: it seems to be cut off"),
        ('{"a": "b', "unterminated string at line 1, column 7, where the file ends: it seems to be cut off"),
        ("x", "expecting value at line 1, column 1; expected JSON"),
        ('{"seconds": -1e400}', "the number '-1e400' is beyond every float at line 1, column 13 (seconds); expected numbers"),
        ('["\\x"]', "invalid \\escape at line 1, column 3; expected JSON"),
        ('["a\0"]', "invalid control character at line 1, column 4; expected JSON"),
        ("[0001]", "expecting ',' delimiter at line 1, column 3; expected JSON"),
        ("[٣]", "expecting value at line 1, column 2; expected JSON"),
        ("\ufeff[]", "unexpected UTF-8 BOM (decode using utf-8-sig) at line 1, column 1; expected JSON"),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_refused_is_said_with_its_place(text, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        parsed_json(text, "a value")


def test_brackets_in_texts_are_not_counted():
    text = json.dumps(["[" * 100, '\\"' + "{" * 100, {"[" * 100: "\\"}])
    assert parsed_json(text, "a value") == json.loads(text)


def test_pairs_of_surrogates_are_one_character():
    assert parsed_json('["\\ud83d\\ude00", "\\\\ud800"]', "a value") == ["\U0001f600", "\\ud800"]


def test_time_grows_as_the_text_does():
    # Each pair of surrogates, as json.dump writes emoji, has the text looked through once more.
    value = {"name": "\U0001f600", "entries": [[place / 7, "\\"] for place in range(100_000)]}
    text = json.dumps(value)
    begun = time.process_time()
    assert parsed_json(text, "a value") == value
    with pytest.raises(TensorRankError, match=r"NaN is given as a number at line 1, column \d{7} \(last\); expected finite"):
        parsed_json(f'{text[:-1]}, "last": NaN}}', "a value")
    # About one second; minutes if the place of every token was counted from the beginning.
    assert time.process_time() - begun < 20
