"""Terminals of every encoding; standard output that is closed, full or left: nothing is lost, without a traceback."""

import json
import os
import subprocess
import sys

import pytest
from command_line import PROGRAM

BOUNDS = ["bounds", "--width", "4", "--depth", "1-3"]
STUDY = ["study", "--format", "none", "--widths", "2", "--depths", "1-3", "--work", "1e4", "--memory", "1GiB"]


def run(arguments, shell="", **environment):
    """The program in a shell, which may send its output somewhere."""
    command = ["sh", "-c", f'"$@" {shell}', "sh", *PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, env={**os.environ, **environment}, timeout=300, check=False)


PLACES = [
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_study_says_in_plain_signs_what_a_terminal_lacks(tmp_path, place):
    done = run([*STUDY, "--out", str(tmp_path)], **place)
    assert (done.returncode, done.stderr) == (0, b"")
    # At depth 3 and width 2 the work that is allowed gives a lower bound.
    assert ">= " in done.stdout.decode("ascii")
    assert (tmp_path / "ranks.csv").exists()


def test_the_same_in_utf_8_keeps_its_signs(tmp_path):
    done = run([*STUDY, "--out", str(tmp_path)], PYTHONIOENCODING="utf-8")
    assert "≥ " in done.stdout.decode("utf-8")


@pytest.mark.parametrize("verb", [[], ["study"], ["rank", "attention"], ["ablation"], ["task"]], ids=str)
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_help_is_plain_where_a_terminal_is(verb, place):
    done = run([*verb, "--help"], **place)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "Usage" in done.stdout.decode("latin-1")


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_json_escapes_what_the_encoding_lacks(place):
    done = run(["rank", "日本.json", "--json"], **place)
    assert done.returncode == 2
    assert json.loads(done.stdout.decode("ascii"))["error"].endswith(
        "expected one of attention, higher-order, gated, graph, softmax, circuit"
    )


@pytest.mark.parametrize(
    ("shell", "code"),
    [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), (">/dev/full", 2), ("2>/dev/full", 0), (">/dev/full 2>/dev/full", 2)],
)
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_output_that_goes_nowhere_costs_no_traceback(shell, code, options):
    done = run([*BOUNDS, *options], shell)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    if shell == ">/dev/full":
        assert done.stderr == b"error: standard output cannot be written (No space left on device); give it another place\n"


@pytest.mark.parametrize("arguments", [BOUNDS, [*BOUNDS, "--json"], ["--help"], ["rank", "attention", "--help"]], ids=str)
def test_a_reader_that_leaves_is_no_error(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, timeout=300, check=False, restore_signals=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_error_without_standard_error_still_has_its_exit_code():
    assert run(["bounds", "--width", "0"], "2>&-").returncode == 2
    assert run(["bounds", "--width", "0", "--json"], ">&-").returncode == 2


def test_the_package_as_a_program_is_the_same():
    done = subprocess.run([sys.executable, "-m", "tensorrank", *BOUNDS], capture_output=True, timeout=300, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == run(BOUNDS).stdout


@pytest.mark.parametrize("unbuffered", ["1", ""])
def test_what_is_written_shows_at_once_where_that_was_asked_for(unbuffered):
    # As `docker run` and batch systems ask for it, whose logs are read while the work goes on.
    program = (
        "import os, sys, time\n"
        "from tensorrank.cli.shared.streams import settled_streams\n"
        "with settled_streams():\n"
        "    print('begun')\n"
        "    os.write(2, b'.')\n"
        "    sys.stdin.read()\n"
    )
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes) as process:
        assert process.stderr.read(1) == b"."
        os.set_blocking(process.stdout.fileno(), False)
        assert (process.stdout.read() or b"") == (b"begun\n" if unbuffered else b"")
        process.stdin.close()
        process.wait(60)
