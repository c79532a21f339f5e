"""Runs killed at any moment: nothing finished is lost or computed twice, and the table is that of one whole run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tensorrank.arithmetic.primes import SMALL_PRIMES

PROGRAM = Path(__file__).with_name("killed_runs.py")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
@pytest.mark.parametrize(("engine", "kills"), [("auto", 60), ("float32", 20)])
def test_kills_lose_nothing_and_repeat_nothing(tmp_path, engine, kills):
    command = [sys.executable, str(PROGRAM), str(tmp_path), str(kills), "0", engine]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] >= kills
    assert found["twice"] == found["lost"] == []
    # The comparison of tables had every standing to compare.
    assert found["standings"] == ["exact", "lower bound", "probable"]
    assert found["blocks"] > 50
    assert bool(found["small"]) == (engine == "float32")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_a_rank_killed_between_the_blocks_of_its_draws_at_small_primes_is_that_of_one_run(tmp_path):
    engine = "float32"
    program = PROGRAM.with_name("killed_in_draws.py")
    done = subprocess.run([sys.executable, str(program), str(tmp_path), engine], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    short, full = json.loads(done.stdout)
    # The first as the packaged atlas has it, the second of SOURCES.md, section 2.
    assert short["result"][:3] == [2441, "probable", [engine, "float64"]]
    assert full["result"][:3] == [232, "exact", [engine]]
    small = [[prime < SMALL_PRIMES.least for prime in one["result"][3]] for one in (short, full)]
    assert small[0] == [True, True, False, False]
    assert all(small[1])
    for one in (short, full):
        assert one["same"]
        assert one["twice"] == 0
        assert len(set(one["blocks"])) == 1
        assert one["kills"] == one["blocks"][0] // 2
    # Kills came in all draws.
    assert short["kills"] > 4


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_programs_ended_by_any_signal_leave_nothing_stray(tmp_path):
    """A few; `python tests/studies/killed_programs.py FOLDER 60` takes as many as one likes."""
    program = PROGRAM.with_name("killed_programs.py")
    paths = os.pathsep.join([str(PROGRAM.parent.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), "4"],
        capture_output=True, text=True, timeout=500, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] >= 4
    assert found["stray"] == found["odd lines"] == []
    assert set(found["codes"]) <= {"-15", "-9", "-2", "0", "130", "143"}
    pictures = {f"{name}.png" for name in ("collapse", "increments", "knee", "rank_vs_depth")}
    assert set(found["contents"]) == pictures | {"ranks.csv", "scratch", "study.sqlite"}
