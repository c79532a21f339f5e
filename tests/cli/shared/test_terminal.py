import io
import time

import pytest
from numba import njit
from rich.console import Console

from tensorrank.cli.shared import terminal
from tensorrank.errors import TensorRankError


@pytest.mark.parametrize(
    ("text", "numbers"), [("3", (3,)), ("1-4", (1, 2, 3, 4)), ("2,8", (2, 8)), (" 1 - 2 , 5 ", (1, 2, 5)), ("1,1", (1, 1))]
)
def test_lists_and_ranges(text, numbers):
    assert terminal.whole_numbers(text, "--widths") == numbers


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "4-1", "1,,2", "1.5", "1-99999999"])
def test_anything_else_is_explained(text):
    with pytest.raises(TensorRankError, match=r"--widths is .*; expected whole numbers and ranges, such as 1-4 or 2,3,8"):
        terminal.whole_numbers(text, "--widths")


def test_columns_are_as_wide_as_the_plain_forms_of_their_signs(monkeypatch):
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", output)
    table = terminal.empty_table("states ≥", "rank")
    table.add_row("≥ 12345678", "4")
    table.add_row("7", "≥ 5")
    terminal.wide_console().print(table)
    output.flush()
    lines = output.buffer.getvalue().decode().rstrip().split("\n")
    assert ">= 12345678" in "".join(lines)
    assert "states >=" in "".join(lines)
    assert len({len(line.rstrip("\n")) for line in lines if line.strip()}) == 1


def test_lists_are_no_longer_than_what_a_verb_can_go_through():
    assert len(terminal.whole_numbers("1-5000,1-5000", "--widths")) == 10**4
    for text in ("1-5000,1-5001", "2," * 10**4 + "2"):
        with pytest.raises(TensorRankError, match="--widths lists more than 10000 numbers; expected fewer"):
            terminal.whole_numbers(text, "--widths")
    with pytest.raises(TensorRankError, match="--parameters lists more than 10000 numbers; expected fewer"):
        terminal.numbers_of_parameters("1e9," * 10**4 + "1e9", "--parameters")


def written(monkeypatch, *, is_terminal, patience):
    monkeypatch.setattr(terminal, "_PATIENCE", patience)
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=80)
    with terminal.Bar(console) as bar:
        bar(1, 2, "width 2, depth 5")
        time.sleep(0.3)
        bar(2, 2, "width 2, depth 5")
    return console.file.getvalue()


def test_a_terminal_that_waits_sees_a_bar(monkeypatch):
    text = written(monkeypatch, is_terminal=True, patience=0.05)
    assert "width 2, depth 5" in text
    assert "100 %" in text


def test_short_work_shows_no_bar(monkeypatch):
    assert written(monkeypatch, is_terminal=True, patience=1e9) == ""


def test_a_pipe_sees_no_bar(monkeypatch):
    assert written(monkeypatch, is_terminal=False, patience=0.05) == ""


def test_compilation_is_announced_once_on_a_terminal():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with terminal.Bar(console):
        for _ in range(2):
            assert njit(lambda x: x + 1)(3) == 4
    assert console.file.getvalue().count("compiling what computes") == 1


@pytest.mark.parametrize("width", [60, 100])
def test_nothing_of_a_table_is_cut(monkeypatch, width):
    console = Console(file=io.StringIO(), force_terminal=True, width=width)
    monkeypatch.setattr(terminal, "wide_console", lambda: console)
    headings = ("variables", "levels", "window", "states at least", "enough", "entries at least", "regime")
    table = terminal.empty_table(*headings, words=["regime"])
    table.add_row(*["1234567"] * 6, "double-exponential")
    console.print(table)
    text = "".join(console.file.getvalue().split())
    assert "…" not in text
    assert width < 80 or text.endswith("1234567" * 6 + "double-exponential")
