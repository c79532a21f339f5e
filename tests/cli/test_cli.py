import csv
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import numpy as np
import pytest
from command_line import PROGRAM, assert_refused, run
from matplotlib import pyplot

import tensorrank


def test_version():
    assert run("--version").stdout == f"tensorrank {tensorrank.__version__}\n"


@pytest.mark.parametrize("verb", [["study"], ["rank", "attention"], ["bounds"]])
def test_every_verb_has_help_with_an_example(verb):
    done = run(*verb, "--help")
    assert done.returncode == 0
    assert "Example: tensorrank " + " ".join(verb) in " ".join(done.stdout.split())


def test_the_help_of_the_program_tells_every_exit_code():
    text = " ".join(run("--help").stdout.replace("│", " ").split())
    codes = "0; 2 for bad input; 130 after an interrupt (143 where SIGTERM ends a study); 1 where a study had to skip"
    assert f"The exit code is {codes} ranks, where atlas verify could not decide, and for internal errors." in text


def test_rank_prints_one_object_with_the_known_rank():
    done = run("rank", "attention", "--depth", 3, "--width", 3, "--json")
    assert done.returncode == 0
    assert done.stderr == ""
    values = json.loads(done.stdout)
    assert values["value"] == values["lower"] == values["upper"] == 3102
    assert values["standing"] == "exact"
    assert values["by_degree"] == [3, 18, 63, 168, 378, 756, 792, 462, 252, 126, 56, 21, 6, 1]
    assert values["failure_probability"] == 0
    assert values["model"] == {"kind": "attention", "depth": 3, "width": 3, "heads": 1, "head_dim": 3, "tokens": 6}
    assert {"method", "primes", "seeds", "seconds"} <= set(values)


def test_rank_takes_every_option():
    model = ("--depth", 2, "--width", 5, "--heads", 1, "--head-dim", 3, "--tokens", 10, "--partition", "0-4")
    limits = ("--method", "grid", "--memory", "1GiB", "--work", "1e12", "--threads", 1)
    luck = ("--seed", 5, "--draws", 2, "--primes", "8388593")
    done = run("rank", "attention", *model, *limits, *luck, "--json")
    values = json.loads(done.stdout)
    # By the definition of attention, tests/attention/test_head_bounds.py.
    assert (values["value"], values["upper"], values["standing"]) == (144, 150, "probable")
    given, drawn = values["primes"]
    assert given == 8388593
    assert 2**22 < drawn < 2**31
    assert values["partition"] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_rank_speaks_in_a_pipe_without_a_bar():
    done = run("rank", "attention", "--depth", 3, "--width", 2)
    assert done.stdout.splitlines()[1].startswith("SeparationRank 232 (exact): lower 232 = upper bound 232; by degree 2 6 12")
    assert done.stderr == ""


def test_plan_computes_nothing():
    done = run("rank", "attention", "--depth", 9, "--width", 9, "--plan", "--json")
    assert json.loads(done.stdout)["method"] == "bounds"


def test_bounds_have_whole_numbers_of_any_size():
    done = run("bounds", "--width", 64, "--depth", "1-12", "--json")
    rows = [line for line in [done.stdout] if line]
    assert len(rows) == 1
    sys.set_int_max_str_digits(0)
    values = json.loads(rows[0])
    assert [row["depth"] for row in values["bounds"]] == list(range(1, 13))
    assert values["bounds"][0]["moment_bound"] == 65
    assert int(values["bounds"][11]["moment_bound"]) > 3**9000
    # Whole numbers that readers of JSON may round are text.
    for row in values["bounds"]:
        assert isinstance(row["moment_bound"], int) == (int(row["moment_bound"]) <= 2**53)


def test_bounds_as_a_table():
    done = run("bounds", "--width", 2, "--depth", 3)
    assert done.returncode == 0
    assert "4.96" in done.stdout  # log3(232)
    assert "knee at depth 2.26" in done.stdout


FIGURES = ("collapse", "knee", "rank_vs_depth", "increments")


def test_study_writes_store_table_and_figures(tmp_path):
    done = run("study", "--widths", "1-2", "--depths", "1,2,3", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "study.sqlite",
        "ranks.csv",
        *(f"{name}.{ending}" for name in FIGURES for ending in ("png", "svg")),
    }
    rows = list(csv.DictReader((tmp_path / "out" / "ranks.csv").read_text().splitlines()))
    assert [(row["width"], row["depth"], row["value"]) for row in rows] == [
        ("1", "1", "2"),
        ("1", "2", "5"),
        ("1", "3", "14"),
        ("2", "1", "3"),
        ("2", "2", "18"),
        ("2", "3", "232"),
    ]
    assert "6 computed, 0 from the store" in done.stdout
    assert "The picture: " in done.stdout
    assert "width 2: depth 1 growing, depth" in done.stdout
    assert "collapse.png" in done.stdout
    again = run("study", "--widths", "1-2", "--depths", "1-3", "--format", "none", "--out", tmp_path / "out", "--json")
    values = json.loads(again.stdout)
    assert [row["value"] for row in values["rows"]] == [2, 5, 14, 3, 18, 232]


def test_what_is_too_large_is_a_lower_bound_with_its_reason(tmp_path):
    done = run("study", "--widths", 2, "--depths", 4, "--memory", "700kB", "--format", "none", "--out", tmp_path)
    assert done.returncode == 0
    assert "lower bound" in done.stdout
    assert "width 2, depth 4: blocks of" in done.stdout


def test_combinations_left_out_are_named(tmp_path):
    done = run("study", "--widths", "2,3", "--depths", 1, "--heads", "1,2", "--format", "none", "--out", tmp_path)
    assert "left out: 2 heads do not divide the width 3" in done.stdout


RANK = ("rank", "attention", "--depth", 2, "--width", 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rank", "attention", "--depth", 0, "--width", 2), "depth is 0; expected a whole number of at least 1"),
        (("rank", "attention", "--depth", 2, "--width", -1), "width is -1; expected a whole number of at least 1"),
        (("rank", "attention", "--depth", 2, "--width", 3, "--heads", 2), "2 heads do not divide the width 3"),
        ((*RANK, "--primes", "15"), "the modulus 15 is not a prime; try 13"),
        ((*RANK, "--primes", "3"), "the prime 3 does not exceed the degree 4"),
        ((*RANK, "--partition", "0,0"), "the partition repeats site 0"),
        ((*RANK, "--partition", "0-3"), "side B of the partition has no sites"),
        ((*RANK, "--partition", "0,9"), "the partition names site 9; the model has sites 0 to 3"),
        ((*RANK, "--partition", "left"), "--partition is 'left'; expected halves, interleaved, or the tokens of side A"),
        ((*RANK, "--method", "magic"), "the method is 'magic'; expected one of auto, catalecticant, grid"),
        ((*RANK, "--memory", "much"), "the memory limit is 'much'"),
        ((*RANK, "--threads", 0), "threads is 0"),
        ((*RANK, "--seed", -1), "the seed is -1"),
        ((*RANK, "--tokens", 1), "tokens is 1; expected a whole number of at least 2"),
        ((*RANK, "--weights", "nowhere.npz"), "nowhere.npz cannot be read (No such file or directory)"),
        (("study", "--widths", "4-1"), "--widths is '4-1'; expected whole numbers and ranges"),
        (("study", "--out", "/dev/null/x"), "--out /dev/null/x cannot be made (Not a directory)"),
        (("bounds", "--width", 2, "--depth", "x"), "--depth is 'x'"),
    ],
)
def test_bad_input_gets_two_lines_and_exit_2(arguments, message, tmp_path):
    assert_refused(run(*arguments, cwd=tmp_path), message)


def test_a_wrong_flag_gets_exit_2():
    done = run("rank", "attention", "--deep", 3)
    assert done.returncode == 2
    assert "--deep" in done.stderr


def test_weights_with_infinity_are_named(tmp_path):
    shapes = {"query": (1, 1, 2, 2), "key": (1, 1, 2, 2), "value": (1, 1, 2, 2), "output": (1, 1, 2, 2)}
    arrays = {name: np.ones(shape) for name, shape in shapes.items()}
    arrays["key"][0, 0, 1, 0] = np.inf
    np.savez(tmp_path / "w.npz", **arrays)
    done = run("rank", "attention", "--depth", 1, "--width", 2, "--weights", tmp_path / "w.npz")
    assert done.returncode == 2
    assert "weights 'key' are inf at (0, 0, 1, 0); expected finite numbers" in done.stderr


def test_interrupting_a_study_keeps_finished_ranks_and_exits_130(tmp_path):
    command = ["study", "--widths", "2,4", "--depths", "2,3", "--work", "inf", "--format", "none", "--out", str(tmp_path)]
    # Shells make background jobs ignore interrupts, and so would the program below such a job.
    process = subprocess.Popen(
        [*PROGRAM, *command],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    table = tmp_path / "study.sqlite"
    deadline = time.monotonic() + 60

    def finished():
        if not table.exists():
            return 0
        try:
            with closing(sqlite3.connect(table)) as connection:
                return connection.execute("SELECT count(*) FROM ranks").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    while finished() < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "finishing the blocks under way, for at most 10 s; once more drops them" in errors
    assert "interrupted: 3 of 4 ranks and every finished block are kept" in errors
    assert "Traceback" not in errors
    assert len(list(csv.DictReader((tmp_path / "ranks.csv").read_text().splitlines()))) == 3
    again = run("study", "--widths", "2", "--depths", "2,3", "--format", "none", "--out", tmp_path)
    assert "0 computed, 2 from the store" in again.stdout


def test_help_and_import_need_no_numerical_library():
    # What makes them fast: nothing heavy is imported, so nothing is compiled either.
    code = (
        "import sys, tensorrank; from tensorrank.cli import main; "
        "print(sorted({'numpy', 'numba', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_a_single_array_is_no_set_of_weights(tmp_path):
    np.save(tmp_path / "w.npy", np.ones((2, 2)))
    done = run("rank", "attention", "--depth", 1, "--width", 2, "--weights", tmp_path / "w.npy")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "holds a single array; expected arrays named query and key and value and output" in done.stderr


def test_bounds_say_where_the_published_upper_bound_is_passed():
    # SOURCES.md section 2: with strictly fewer heads than the width at (d, H, L) = (32, 16, 14).
    done = run("bounds", "--width", 32, "--heads", 16, "--depth", "14")
    assert "the published upper bound is passed by what is proved from below at depth 14" in done.stdout
    assert "…" not in done.stdout


def test_the_example_in_the_help_of_study_saves_whole_pictures(tmp_path):
    words = run("study", "--help").stdout.split()
    start = words.index("Example:") + 2
    example = words[start : words.index("Other", start)]
    assert example == ["study", "--widths", "2-3", "--depths", "1-4", "--out", "results"]
    done = run(*example[:-1], tmp_path, "--format", "png", "--work", "1e9")
    assert done.returncode == 0, done.stderr
    for name in FIGURES:
        pixels = pyplot.imread(tmp_path / f"{name}.png")
        edges = [pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]
        assert all((edge == pixels[0, 0]).all() for edge in edges), f"{name} is cut off"


def test_formats_and_the_depth_of_pictures_are_chosen(tmp_path):
    done = run("study", "--width", 2, "--depths", "1-2", "--out", tmp_path, "--format", "pdf,svg", "--deepest", 30)
    assert done.returncode == 0, done.stderr
    written = {path.name for path in tmp_path.iterdir()} - {"study.sqlite", "ranks.csv"}
    assert written == {f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "svg")}
    assert (tmp_path / "knee.pdf").read_bytes().startswith(b"%PDF")
    shown = run("show", tmp_path, "--figures", tmp_path / "again", "--format", "png", "--deepest", "7", "--json")
    assert [path.rsplit(".", 1)[1] for path in json.loads(shown.stdout)["written"]] == ["png"] * 4


def test_a_study_without_pictures_writes_its_store_and_table_alone(tmp_path):
    done = run("study", "--width", 2, "--depths", "1-2", "--format", "none", "--out", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"study.sqlite", "ranks.csv"}
    assert f"The table: {tmp_path / 'ranks.csv'}" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "pgn"), "a format of --format is 'pgn'; expected one of"),
        (("--deepest", "1"), "--deepest is 1; expected a whole number"),
        (("--deepest", "5000"), "--deepest is 5000; expected a whole number from 2 to 1000"),
    ],
)
def test_pictures_that_cannot_be_made_are_refused_before_anything_is_computed(options, message, tmp_path):
    done = run("study", "--width", 2, "--depths", "1-2", "--out", tmp_path / "out", *options)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["compare", "advise", "ablation", "approximate", "study", "show"])
def test_every_verb_with_pictures_takes_formats(verb):
    assert "--format" in run(verb, "--help").stdout
