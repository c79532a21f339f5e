"""Studies on workers: the same numbers, whatever dies; programs of their own, since workers are processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("cluster_runs.py")


def run(which):
    done = subprocess.run([sys.executable, str(PROGRAM), which], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_killed_workers_change_nothing_and_no_block_is_told_twice():
    found = run("killed")
    assert found["same"]
    assert found["ranks"] == 16
    assert found["blocks"] == found["told"] > 60
    assert found["lost"] >= 1
    assert found["skipped"] == 0


def test_a_block_that_kills_its_workers_is_skipped_with_the_reason():
    found = run("fatal")
    assert found["found"] + len(found["skipped"]) == 2
    assert found["skipped"]
    assert all(reason.startswith("1 worker died over a block of degree ") for reason in found["skipped"])


def test_a_worker_without_the_memory_is_told_of_at_once():
    message = run("small")["error"]
    assert "a block takes" in message
    assert "and the largest worker declares 97.7 KiB; give a smaller memory limit" in message


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:1"])
def test_a_scheduler_that_does_not_answer_is_told_of(address, monkeypatch):
    from tensorrank.errors import TensorRankError
    from tensorrank.studies import cluster

    monkeypatch.setattr(cluster, "_ANSWER", 1.0)
    with pytest.raises(TensorRankError, match=f"no Dask scheduler answers at '{address}'"), cluster.cluster(address):
        pass
