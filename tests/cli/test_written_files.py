"""Which files the program writes by itself, and that it works where it can write none."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import pytest
from command_line import run_afresh

import tensorrank

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


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only there is a folder that root cannot write to")
def test_verbs_work_where_nothing_can_be_written():
    # Numba would write beside the sources of a checkout; an installation is held to this by `make dist`.
    env = os.environ | {"NUMBA_CACHE_DIR": "", "NUMBA_CACHE_LOCATOR_CLASSES": "UserWideCacheLocator"}
    env |= dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"), "/dev/null/nowhere")
    unwritable = partial(run_afresh, cwd="/proc", env=env)
    done = unwritable("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"tensorrank {tensorrank.__version__}\n", "")
    # A model whose kernels are soon compiled.
    done = unwritable(
        "rank", "circuit", "recurrent", "--depth", "2", "--hidden", "2", "--channels", "2", "--steps", "4", "--json"
    )
    assert done.returncode == 0
    usual = tensorrank.separation_rank(tensorrank.RecurrentCircuit(depth=2, hidden=2, channels=2, steps=4))
    assert json.loads(done.stdout)["value"] == usual.value
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: no folder can be written that keeps compiled code")
    assert lines[0].endswith("set NUMBA_CACHE_DIR to a folder that can be written")
    done = unwritable("study", "--widths", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: --out tensorrank-study cannot be made (No such file or directory); give a writable folder\n"
