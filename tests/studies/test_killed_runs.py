"""Runs killed at any moment: nothing finished is lost or computed twice, and the table is that of one whole run."""

import json
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
