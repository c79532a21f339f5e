"""The site, built once for all tests that look at it."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built with warnings as errors; processes that test side by side build it once."""
    pytest.importorskip("mkdocs", reason="the site needs mkdocs: pip install -e '.[docs]'")
    side_by_side = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp().parent if side_by_side else tmp_path_factory.mktemp("site")
    folder, built = shared / "site", shared / "site.built"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder]
            quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
            ended = subprocess.run(command, cwd=ROOT, env=quiet, capture_output=True, text=True, check=False)
            built.write_text(ended.stderr if ended.returncode else "")
    said = built.read_text()
    assert not said, said[-5000:]
    return folder
