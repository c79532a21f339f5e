"""Studies on workers: the same numbers, whatever dies; programs of their own, since workers are processes."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from engines_tried import DEVICE, names

import tensorrank as tr
from tensorrank.separation.jobs import JobRank
from tensorrank.studies.cluster import cluster

PROGRAM = Path(__file__).with_name("cluster_runs.py")


def run(which):
    paths = os.pathsep.join([str(PROGRAM.parent.parent), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, str(PROGRAM), which]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)
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


def test_a_worker_without_the_memory_that_comes_late_is_told_of():
    assert "and the largest worker declares 97.7 KiB; give a smaller memory limit" in run("late")["error"]


def test_processes_that_cannot_be_started_are_told_of_with_the_reason(monkeypatch):
    """As where /dev/shm cannot be written: Dask names the reason in the first of three errors."""

    def refused(**options):
        try:
            try:
                raise OSError(30, "Read-only file system")
            except OSError as error:
                raise RuntimeError("Nanny failed to start.") from error
        except RuntimeError as error:
            raise RuntimeError("Cluster failed to start") from error

    monkeypatch.setattr("tensorrank.studies.cluster_workers.LocalCluster", refused)
    with (
        pytest.raises(tr.TensorRankError, match=r"2 worker processes cannot .* \('\[Errno 30\] Read-only file system'\)"),
        cluster(workers=2),
    ):
        pass


def test_a_lost_scheduler_is_told_of_and_what_was_finished_is_kept():
    found = run("lost")
    assert found["error"].startswith("the connection to the Dask scheduler was lost; all that was finished before is")
    assert found["blocks"] >= 1


def test_a_worker_that_dies_as_the_study_is_stopped_changes_nothing():
    assert run("stopped") == {"stopped": "the study was stopped", "same": True}


def test_what_the_blocks_of_a_draw_share_is_made_once():
    assert run("lattices") == {"once": True, "models": 3}


def test_another_cluster_on_the_machine_is_no_reason_to_warn():
    assert run("crowded") == {"warnings": []}


def test_blocks_at_small_primes_by_every_engine_are_the_same_on_workers_one_of_which_is_killed():
    found = run("engines")
    assert found.keys() == set(names(251))
    for engine, told in found.items():
        assert told["same"]
        assert told["standings"] == ["exact", "probable"]
        # Two draws at small primes before those at telling ones.
        assert (told["small"], told["draws"]) == (([], 2) if engine == "float64" else ([engine], 4))


def test_blocks_of_a_study_that_was_left_in_its_middle_are_not_taken_for_those_of_the_next():
    found = run("abandoned")
    assert found["same"]
    assert found["blocks"] > 0


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("bytes missing", "the engine 'bytes' needs onnxruntime, which is not installed (not here): pip install onnxruntime"),
        ("bytes false", "the engine 'bytes' does not multiply exactly on this processor; engine 'auto' takes the fastest"),
        (
            "device missing",
            "the device 'cuda' needs PyTorch, which cannot be imported (not here): pip install 'tensorrank[torch]'",
        ),
    ],
)
def test_a_worker_without_the_engine_or_the_device_ends_the_study_in_words(which, words):
    found = run(which)
    assert found["error"].startswith("the worker tcp://")
    assert f"cannot multiply as asked: {words}" in found["error"]
    # SOURCES.md, sections 4 and 2.
    assert found["values"] == [2, 18]


def test_a_block_that_arrives_together_with_a_failure_is_kept():
    from tensorrank.studies.cluster import Cluster
    from tensorrank.studies.cluster_workers import Answer, UnservedError

    answer, kept = Answer(JobRank(3, 3, 3, complete=True), 1.0, "tcp://worker", 0.0), []
    gathered = SimpleNamespace(subscribe_topic=lambda *_: None, gather=lambda wanted, errors: dict.fromkeys(wanted, answer))
    where = Cluster(gathered, 1)
    futures = {
        "failed": SimpleNamespace(status="error", exception=lambda: UnservedError("the worker cannot multiply")),
        "finished": SimpleNamespace(status="finished"),
    }
    where._tasks = {name: (SimpleNamespace(job=SimpleNamespace(shared=None)), future) for name, future in futures.items()}
    with pytest.raises(tr.TensorRankError, match="the worker cannot multiply"):
        where._pass_on([*futures], SimpleNamespace(done=lambda task, rank, *_: kept.append(rank)))
    assert kept == [answer.rank]


def test_a_device_that_workers_alone_have_serves():
    pytest.importorskip("torch", reason="devices are reached by PyTorch, which is not installed")
    found = run("device")
    assert f"the device '{DEVICE}' needs PyTorch" in found["error"]
    # SOURCES.md, section 2.
    assert (found["values"], found["engines"]) == ([18, 232], [f"float64 on {DEVICE}"])


def test_workers_to_be_started_beside_a_given_scheduler_are_refused():
    from tensorrank.studies import cluster

    with (
        pytest.raises(tr.TensorRankError, match="workers is 2, and the address of a scheduler was given"),
        cluster.cluster("tcp://127.0.0.1:1", workers=2),
    ):
        pass


@pytest.mark.parametrize("where", ["scheduler", "worker"])
def test_where_tensorrank_is_missing_is_told_of(where):
    message = run(where)["error"]
    name = "the scheduler" if where == "scheduler" else "tcp://"
    assert f"this is tensorrank {tr.__version__}, and {name}" in message
    assert "cannot import it (not here); install the same version on the scheduler and on all workers" in message


@pytest.mark.parametrize("address", ["nonsense://x", "tcp://127.0.0.1:1", "tls://127.0.0.1:1", "nonsense"])
def test_a_scheduler_that_does_not_answer_is_told_of(address, monkeypatch):
    from tensorrank.errors import TensorRankError
    from tensorrank.studies import cluster

    monkeypatch.setattr(cluster, "_ANSWER", 1.0)
    with pytest.raises(TensorRankError, match=f"no Dask scheduler answers at '{address}'"), cluster.cluster(address):
        pass


def test_what_listens_and_says_nothing_is_told_of(monkeypatch):
    from tensorrank.errors import TensorRankError
    from tensorrank.studies import cluster

    monkeypatch.setattr(cluster, "_ANSWER", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        match = rf"no Dask scheduler answers at '{address}' \(.+\); expected"
        with pytest.raises(TensorRankError, match=match), cluster.cluster(address):
            pass
