"""`benchmarks/gpu.py` without a GPU: its small form runs, and its large one says in one sentence that there is none."""

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *arguments], capture_output=True, text=True, timeout=600)


def test_the_small_form_measures_every_step_and_finds_the_known_ranks():
    done = run("--cpu")
    assert (done.returncode, done.stderr) == (0, "")
    assert "failed" not in done.stdout
    assert "was ended" not in done.stdout
    for part in ("lattice", "filling"):  # printed before the block is eliminated
        assert f'block: {{"what": "width 2, depth 3, degree 6", "done": "{part}"' in done.stdout
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines() if line.startswith("|")]
    # Ranks of tests/SOURCES.md, section 2, and of Macaulay2 (benchmarks/RESULTS.md); a block of full rank.
    assert [row[1:3] for row in rows if row[0] in ("width 2, depth 3", "width 2, depth 4")] == [
        ["232", "exact"],
        ["4538", "exact"],
    ]
    assert [row[1:3] for row in rows if row[0].endswith("degree 6")] == [["36", "36"]]
    squares = [row for row in rows if row[0] in ("bytes", "float64")]
    assert len(squares) == 5
    assert all(int(row[1]) - int(row[2]) <= 2 for row in squares)


def test_without_a_gpu_it_says_so_in_one_sentence():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    done = run()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Nothing was measured: the device 'cuda' is not there")
    assert len(done.stderr.splitlines()) == 1
