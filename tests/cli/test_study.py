"""`tensorrank study`: long runs, killed, interrupted, logged, on workers."""

import csv
import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import pytest
from command_line import PROGRAM, assert_refused, run
from engines_tried import names

import tensorrank as tr

SMALL = ("study", "--format", "none", "--widths", "2-3", "--depths", "1-3", "--heads", "1,2,3", "--work", "1e9")


def table(folder):
    """The table without its times."""
    rows = list(csv.DictReader((folder / "ranks.csv").read_text().splitlines()))
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def started(*arguments):
    # Shells make background jobs ignore interrupts, and so would the program below such a job.
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def count(path, what):
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    done = run(*SMALL, "--out", out, "--log-json", out / "log")
    assert done.returncode == 0, done.stderr
    return out, done


def test_the_summary_counts_standings_blocks_and_stages(whole):
    out, done = whole
    blocks = count(out / "study.sqlite", "blocks")
    assert "ranks: 11 exact, 0 probable, 1 lower bound; 12 computed, 0 from the store" in done.stdout
    assert f"blocks: {blocks} computed, 0 from the store" in done.stdout
    assert "time: lattice " in done.stdout
    assert "left out: 3 heads do not divide the width 2; expected a divisor, or give head_dim" in done.stdout
    assert "Larger --work or --memory, or --scratch" in done.stdout


def test_the_log_has_every_block_as_a_line_of_json(whole):
    out, _ = whole
    events = [json.loads(line) for line in (out / "log").read_text().splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "study started"
    assert kinds[-1] == "summary"
    assert kinds.count("rank finished") == 12
    assert kinds.count("block finished") == count(out / "study.sqlite", "blocks")
    assert all("time" in event for event in events)
    found = {(e["width"], e["depth"], e["heads"]): e["value"] for e in events if e["event"] == "rank finished"}
    assert found[2, 3, 2] == 215
    assert (events[-1]["exact"], events[-1]["probable"], events[-1]["lower_bounds"]) == (11, 0, 1)


def test_a_log_on_standard_error_is_appended_to_nothing(tmp_path):
    done = run("study", "--widths", 1, "--depths", 1, "--format", "none", "--out", tmp_path, "--log-json", "-", "--json")
    assert [json.loads(line)["event"] for line in done.stderr.splitlines()][-1] == "summary"
    assert json.loads(done.stdout)["summary"]["exact"] == 1


def test_a_killed_study_is_carried_on_by_the_same_command(tmp_path, whole):
    for blocks in (1, 30):
        process = started(*SMALL, "--out", tmp_path, "--threads", 1)
        wait_for(lambda blocks=blocks: count(tmp_path / "study.sqlite", "blocks") >= blocks)
        process.kill()
        process.communicate()
    before = count(tmp_path / "study.sqlite", "blocks")
    done = run(*SMALL, "--out", tmp_path, "--json")
    summary = json.loads(done.stdout)["summary"]
    assert summary["blocks_computed"] == count(tmp_path / "study.sqlite", "blocks") - before
    assert table(tmp_path) == table(whole[0])


def test_two_studies_on_one_store_at_once_give_the_same_table(tmp_path, whole):
    both = [started(*SMALL, "--out", tmp_path, "--threads", 1, "--json") for _ in range(2)]
    printed = [json.loads(process.communicate(timeout=120)[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert table(tmp_path) == table(whole[0])
    for found in printed:
        assert [row["value"] for row in found["rows"]] == [int(row["value"]) for row in table(whole[0])]
    assert count(tmp_path / "study.sqlite", "ranks") == 12
    assert count(tmp_path / "study.sqlite", "blocks") == count(whole[0] / "study.sqlite", "blocks")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_the_block_under_way_finish(tmp_path, number, code):
    # Some hundred blocks, of half a second at most and 20 s in all: the study is not done before the signal comes.
    study = (
        "study",
        "--format",
        "none",
        "--widths",
        2,
        "--depths",
        5,
        "--heads",
        2,
        "--work",
        "inf",
        "--threads",
        1,
        "--out",
        tmp_path,
    )
    log, later = tmp_path / "log", tmp_path / "later"
    process = started(*study, "--grace", 60, "--log-json", log)
    wait_for(lambda: log.exists() and "block finished" in log.read_text())
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert "finishing the blocks under way, for at most 60 s" in errors
    assert "interrupted: 0 of 1 ranks and every finished block are kept" in errors
    assert "Traceback" not in errors
    finished = blocks_finished(log)
    assert len(finished) == count(tmp_path / "study.sqlite", "blocks") > 0
    assert all(event["fresh"] for event in finished)
    assert json.loads(log.read_text().splitlines()[-1])["interrupted"] is True
    process = started(*study, "--log-json", later)
    wait_for(lambda: later.exists() and any(event["fresh"] for event in blocks_finished(later)))
    process.kill()
    process.communicate()
    recalled = [event["degree"] for event in blocks_finished(later) if not event["fresh"]]
    assert sorted(recalled) == sorted(event["degree"] for event in finished)


def blocks_finished(log):
    """What a log says of finished blocks; its last line may be under way."""
    lines = [line for line in log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [event for event in map(json.loads, lines) if event["event"] == "block finished"]


@pytest.fixture(scope="module")
def compiled():
    """The kernels of blocks of depth 6 are compiled: what compiles them prints a traceback when a signal comes."""
    for engine in names(509):
        tr.separation_rank(tr.SelfAttention(6, 2), engine=engine, work=5e9)


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize(
    ("grace", "signals", "code"),
    [(0.2, [signal.SIGINT], 130), (60, [signal.SIGINT] * 2, 130), (60, [signal.SIGTERM] * 2, 143), (0, [signal.SIGTERM], 143)],
)
def test_a_second_signal_or_the_end_of_the_grace_period_drops_the_block(tmp_path, grace, signals, code):
    log = tmp_path / "log"
    # Two blocks of half a minute.
    study = ("study", "--format", "none", "--widths", 2, "--depths", 6, "--work", "inf", "--out", tmp_path, "--json")
    process = started(*study, "--grace", grace, "--log-json", log)
    wait_for(lambda: log.exists() and "lattice made" in log.read_text())
    first, *more = signals
    process.send_signal(first)
    for number in more:
        # Two signals that find Python in one call of a library are one to it.
        assert any("finishing the blocks under way" in line for line in process.stderr)
        process.send_signal(number)
    printed, errors = process.communicate(timeout=120)
    assert process.returncode == code
    assert "Traceback" not in errors
    found = json.loads(printed)
    assert (found["interrupted"], found["rows"], found["figures"]) == (True, [], [])
    assert count(tmp_path / "study.sqlite", "ranks") == 0
    # Had it been waited for, it would be there.
    assert count(tmp_path / "study.sqlite", "blocks") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
def test_workers_give_the_same_table(tmp_path, whole):
    done = run(*SMALL, "--out", tmp_path, "--workers", 2)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert table(tmp_path) == table(whole[0])
    assert "12 computed, 0 from the store" in done.stdout


def test_options_that_make_no_sense_are_refused(tmp_path):
    study = ("study", "--format", "none", "--widths", 1, "--depths", 1, "--out", tmp_path)
    assert_refused(run(*study, "--workers", 2, "--scheduler", "tcp://x:1"), "--workers and --scheduler were both given")
    assert_refused(run(*study, "--workers", 0), "workers is 0; expected 1 to 1024")
    assert_refused(run(*study, "--grace", -1), "--grace is -1.0; expected seconds, 0 or more")
    assert_refused(run(*study, "--log-json", tmp_path), "cannot be written (Is a directory)")
    assert_refused(run(*study, "--scratch", tmp_path / "none"), "expected a folder that exists and can be written to")
    assert_refused(run(*study, "--scheduler", "nonsense://x"), "no Dask scheduler answers at 'nonsense://x'")
