"""Runs killed at any moment: nothing finished is lost or computed twice, and the table is that of one whole run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("killed_runs.py")


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_sixty_kills_lose_nothing_and_repeat_nothing(tmp_path):
    done = subprocess.run([sys.executable, str(PROGRAM), str(tmp_path), "60"], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] >= 60
    assert found["twice"] == found["lost"] == []
    # The comparison of tables had every standing to compare.
    assert found["standings"] == ["exact", "lower bound", "probable"]
    assert found["blocks"] > 50


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_programs_ended_by_any_signal_leave_nothing_stray(tmp_path):
    """A few; `python tests/studies/killed_programs.py FOLDER 60` takes as many as one likes."""
    program = PROGRAM.with_name("killed_programs.py")
    paths = os.pathsep.join([str(PROGRAM.parent.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), "6"],
        capture_output=True, text=True, timeout=500, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] >= 6
    assert found["stray"] == found["odd lines"] == []
    assert set(found["codes"]) <= {"-15", "-9", "-2", "0", "130", "143"}
    pictures = {f"{name}.{ending}" for name in ("increments", "rank_vs_depth") for ending in ("png", "svg")}
    assert set(found["contents"]) == pictures | {"ranks.csv", "scratch", "study.sqlite"}
