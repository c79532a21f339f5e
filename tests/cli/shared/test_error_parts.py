"""Sentences of errors taken apart."""

import ast
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import tensorrank
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
        ("'x' was given as the model; expected one of a, b", "the model", "x", "one of a, b", None),
        ("tokens are not given; all matter, so give a number", None, None, None, "give a number"),
        ("not enough memory (8 GiB); try smaller numbers", None, None, None, "smaller numbers"),
        ("Parquet needs pyarrow; try: pip install pyarrow", None, None, None, "pip install pyarrow"),
        ("No such option: --widht (Possible options: --width)", "option", "--widht", "--width", None),
        ("No such command 'x'.", "command", "x", None, None),
        ("No such command 'x.json'.", "command", "x.json", None, None),
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


@given(st.text(max_size=40))
@example("x; expected y; try: z")
@example("a: b was given, expected c'd")
@example("for x as the value, write")
def test_what_was_given_is_no_part_of_the_sentence(text):
    message = f"the engine is {text!r}; expected one of a, b; try: more"
    plain = text if text and repr(text) == f"'{text}'" and "\\" not in text else repr(text) if text else None
    assert parts_of(message) == {"what": "the engine", "given": plain, "expected": "one of a, b", "try": "more"}


@pytest.mark.parametrize("message", ["a list of '1; expected numbers", "the user's file is 'x; expected one of the user's"])
def test_quotes_without_an_end_cover_nothing(message):
    assert parts_of(message)["expected"] in ("numbers", "one of the user's")


@pytest.mark.parametrize(
    "message",
    ["a is " * 20_000, "; expected " * 180, "x " * 50_000 + "; try", "a is " * 390, " '" * 999, "'\\" * 999, ", give" * 330],
    ids=len,
)
def test_long_messages_take_no_time(message):
    assert set(parts_of(message)) == {"what", "given", "expected", "try"}


# What functions add to sentences; anything else that is put into them is a word.
ENDINGS = {"nearest": "expected one of a, b; did you mean 'a'?", "meant": "; did you mean 'a'?"}


def sentences():
    """The messages of all errors that the package raises, by place."""
    root = Path(tensorrank.__file__).parent
    for path in root.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and call.args and ast.unparse(call.func).endswith("Error"):
                parts = getattr(call.args[0], "values", [call.args[0]])
                if all(isinstance(part, ast.Constant | ast.FormattedValue) for part in parts):
                    yield f"{path.relative_to(root)}:{call.lineno}", "".join(map(written, parts))


def written(part):
    """A part of a sentence: its text, or what stands for something that is put into it."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    called = part.value.func if isinstance(part.value, ast.Call) else None
    return ENDINGS.get(getattr(called, "id", ""), "'w'")


def test_every_sentence_of_the_package_that_says_what_is_expected_is_taken_apart():
    found = {place: sentence for place, sentence in sentences() if "; expected " in sentence}
    assert len(found) > 300
    for place, sentence in found.items():
        parts = parts_of(sentence)
        assert parts["expected"], (place, sentence)
        assert parts["what"] or parts["given"], (place, sentence)
        for name in ("what", "given", "expected"):
            part = parts[name] or ""
            assert part in sentence, (place, sentence)
            for mark in ("; expected ", "did you mean", " was given", "given as "):
                assert mark not in part, (place, sentence, parts)
        assert parts["try"] or "did you mean" not in sentence, (place, sentence)
