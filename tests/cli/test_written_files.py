"""Which files the program writes by itself, beside those that a user asks for."""

import os
import sys
from pathlib import Path

import pytest
from command_line import run_afresh

# Variables that name folders elsewhere, or that switch off what is looked for here.
ELSEWHERE = {"MPLCONFIGDIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ORT_DISABLE_TELEMETRY"}


def written(folder: Path) -> set[str]:
    """The first two folders of every file below a folder."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {"/".join(path.parts[:2]) for path in files}


@pytest.mark.skipif(sys.platform != "linux", reason="folders are named as on Linux")
def test_an_engine_of_a_library_leaves_no_files_of_that_library_in_a_home(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    env = {name: value for name, value in os.environ.items() if name not in ELSEWHERE} | {"HOME": str(home)}
    done = run_afresh("rank", "attention", "--depth", "2", "--width", "2", "--engine", "bytes", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == [home]
    # Compiled code is kept beside the sources where these can be written.
    assert written(home) - {".cache/numba"} == set()
