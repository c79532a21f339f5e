"""Sentences of errors taken apart."""

import pytest

from tensorrank.cli.shared.error_parts import parts_of


@pytest.mark.parametrize(
    ("message", "what", "given", "expected", "advice"),
    [
        ("depth is 0; expected a whole number of at least 1", "depth", "0", "a whole number of at least 1", None),
        ("the engine is 'f'; expected one of a, b; did you mean 'a'?", "the engine", "f", "one of a, b", "a"),
        ("widths are (1, 'a'); expected numbers", "widths", "(1, 'a')", "numbers", None),
        ("x.csv cannot be read (no file); expected a CSV file", "x.csv", "cannot be read (no file)", "a CSV file", None),
        ("--out x cannot be made (no room); give another", "--out x", "cannot be made (no room)", None, "give another"),
        ("/dev/null: a device was given; expected a model file", "/dev/null", "a device", "a model file", None),
        ("2 heads do not fit; expected a divisor, or give head_dim", None, "2 heads do not fit", "a divisor", "give head_dim"),
        ("not enough memory (8 GiB); try smaller numbers", None, None, None, "smaller numbers"),
        ("Parquet needs pyarrow; try: pip install pyarrow", None, None, None, "pip install pyarrow"),
        ("No such option: --widht (Possible options: --width)", "option", "--widht", "--width", None),
        ("No such command 'x'.", "command", "x", None, None),
        ("Missing option '--hidden'.", "--hidden", None, None, None),
        (
            "Invalid value for '--seed': 'a' was given. Input should be a valid integer, unable",
            "--seed",
            "a",
            "a valid integer",
            None,
        ),
        ("Got unexpected extra argument (x)", None, "x", None, None),
        ("--a is followed by the option --b; expected a value", "--a", "the option --b", "a value", None),
        ("interrupted", None, None, None, None),
        ("", None, None, None, None),
    ],
)
def test_the_parts_of_a_message(message, what, given, expected, advice):
    assert parts_of(message) == {"what": what, "given": given, "expected": expected, "try": advice}


@pytest.mark.parametrize(
    "message", ["a is " * 20_000, "; expected " * 180, "x " * 50_000 + "; try", "a is " * 390, ", give" * 330], ids=len
)
def test_long_messages_take_no_time(message):
    assert set(parts_of(message)) == {"what", "given", "expected", "try"}
