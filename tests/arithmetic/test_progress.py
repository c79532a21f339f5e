"""`progress`: functions that are told, lines that come and go, and what is refused; of every function that has it."""

import inspect
import io
import time
from types import SimpleNamespace

import pytest

import tensorrank as tr
from tensorrank.arithmetic import progress as module
from tensorrank.arithmetic.compile_time import event
from tensorrank.arithmetic.progress import ProgressLine, check_progress, reporter, reporting, silent, with_progress
from tensorrank.errors import TensorRankError


class Terminal(io.StringIO):
    """A standard error that is a terminal, and what it shows."""

    def isatty(self):
        return True

    @property
    def lines(self):
        """What each carriage return left."""
        return [line for line in self.getvalue().split("\r") if line]


@pytest.fixture
def terminal(monkeypatch):
    made = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=made))
    monkeypatch.setattr(module, "_PATIENCE", 0.0)
    monkeypatch.setattr(module, "_PAUSE", 0.0)
    return made


def test_a_line_tells_the_share_and_goes_when_the_work_ends(terminal):
    with ProgressLine() as line:
        line(1, 4, "elimination")
        assert terminal.lines == ["25 %, 0 s: elimination"]
        line(2, 4, "end")
    first, second, last = terminal.lines
    # Shorter words cover longer ones, and spaces cover all.
    assert second == "50 %, 0 s: end".ljust(len(first))
    assert last == " " * len(second.rstrip())


def test_a_line_goes_also_when_the_work_fails(terminal):
    @with_progress
    def fail(*, progress=None):
        reporter(progress)(1, 4, "elimination")
        raise ZeroDivisionError("so many")

    with pytest.raises(ZeroDivisionError, match="so many"):
        fail(progress=True)
    assert terminal.lines[0] == "25 %, 0 s: elimination"
    assert not terminal.lines[-1].strip()


def test_short_work_shows_nothing(monkeypatch):
    made = Terminal()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=made))
    with ProgressLine() as line:
        line(1, 4, "elimination")
    assert made.getvalue() == ""


def test_no_line_is_wider_than_the_terminal(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    with ProgressLine() as line:
        line(1, 4, "an elimination of many rows")
        assert terminal.lines == ["25 %, 0 s: an elimi"]


def test_a_total_that_is_not_known_is_not_divided_by(terminal):
    with ProgressLine() as line:
        line(0, 0, "looking")
        assert terminal.lines == ["0 s: looking"]


def test_in_a_file_whole_lines_are_written(monkeypatch):
    file = io.StringIO()
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=file))
    monkeypatch.setattr(module, "_LONG_PAUSE", 0.0)
    with ProgressLine() as line:
        line(1, 4, "elimination")
    assert file.getvalue() == "25 %, 0 s: elimination\n"


class Full(Terminal):
    """A standard error whose file takes nothing more."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def closed():
    made = Terminal()
    made.close()
    return made


@pytest.mark.parametrize("stream", [None, closed(), Full(), object()], ids=["none", "closed", "full", "no stream"])
@pytest.mark.parametrize("pause", ["_PAUSE", "_LONG_PAUSE"])
def test_work_goes_on_where_nothing_can_be_shown(stream, pause, monkeypatch):
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=stream))
    for seconds in ("_PATIENCE", pause):
        monkeypatch.setattr(module, seconds, 0.0)
    with ProgressLine() as line:
        with event.trigger_event("numba:compile"):
            line(1, 4, "elimination")
        line(2, 4, "elimination")


def test_compilation_is_announced_and_no_seconds_are_told_of_it(terminal):
    with ProgressLine() as line:
        with event.trigger_event("numba:compile"):
            time.sleep(1.1)
        line(1, 2, "elimination")
    assert terminal.lines[0].startswith("compiling what computes")
    assert terminal.lines[1].startswith("50 %, 0 s: elimination")


def test_without_a_standard_error_nobody_is_told(monkeypatch):
    monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=None))
    with reporting(True) as tell:
        assert tell is silent


@pytest.mark.parametrize("given", [None, False])
def test_without_progress_nobody_is_told(given):
    with reporting(given) as tell:
        assert tell is silent


@pytest.mark.parametrize("given", [1, "yes", lambda done: None, int])
def test_what_is_no_progress_is_refused(given):
    with pytest.raises(TensorRankError, match=r"^progress is .*; expected a function of 3 arguments, True or False or None$"):
        check_progress(given)


def functions_with_progress():
    """Every public function and method that has the argument, by name."""
    for name in dir(tr):
        for path, thing in named(name, getattr(tr, name)):
            if callable(thing) and "progress" in signature_of(thing):
                yield path, thing


def named(name, thing, depth=0):
    """A public object, what a public module or class of this package holds, and so on."""
    yield name, thing
    inside = inspect.ismodule(thing) or inspect.isclass(thing)
    own = getattr(thing, "__name__" if inspect.ismodule(thing) else "__module__", "") or ""
    if inside and own.startswith("tensorrank") and depth < 3:
        for each in dir(thing):
            if not each.startswith("_"):
                yield from named(f"{name}.{each}", getattr(thing, each, None), depth + 1)


def signature_of(thing):
    try:
        return inspect.signature(thing).parameters
    except (TypeError, ValueError):
        return {}


FOUND = dict(functions_with_progress())


def test_the_functions_with_progress_are_found():
    assert {"separation_rank", "study", "compare", "fit_report"} <= {path.rpartition(".")[2] for path in FOUND}
    assert len(FOUND) > 20


@pytest.mark.parametrize("path", FOUND)
def test_every_progress_is_of_one_kind(path):
    parameter = signature_of(FOUND[path])["progress"]
    assert (str(parameter.annotation), parameter.default) == ("ProgressLike", None)
