"""Studies on a local Dask cluster, run as a program that prints what it found as JSON: python cluster_runs.py WHICH."""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace

import dask

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.studies.cluster import cluster
from tensorrank.studies.events import BlockFinished, RankSkipped
from tensorrank.studies.store import Store
from tensorrank.studies.summary import Summary

STUDY = tr.Study((2, 3), (1, 2, 3, 4), heads=(1, 2, 3), work=4e9, threads=1)


def untimed(findings):
    return [(finding.model, replace(finding.result, seconds=0.0)) for finding in findings]


def pids(client):
    return list(client.run(os.getpid).values())


def killed(deaths):
    """A worker is killed at each of the first so many blocks; what it had is computed again."""
    with Store(":memory:") as store:
        expected = untimed(STUDY.run(store))
    summary, seen = Summary(), []
    with cluster(workers=2) as where, Store(":memory:") as store:

        def observe(event):
            summary(event)
            if isinstance(event, BlockFinished):
                seen.append(event.worker)
                if len(seen) in deaths:
                    os.kill(pids(where._client)[0], signal.SIGKILL)
                    time.sleep(0.2)

        found = untimed(STUDY.run(store, observe, scheduler=where))
        blocks = sum(1 for _ in store.blocks())
    return {
        "same": found == expected, "ranks": len(found), "blocks": blocks, "told": len(seen),
        "lost": summary.workers_lost, "skipped": len(summary.skipped),
    }  # fmt: skip


def fatal():
    """With no failure allowed, a block whose worker dies is skipped with the reason, and the study goes on."""
    study = tr.Study((3,), (1, 3), heads=(3,), work=None, threads=1)
    skipped = []
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), cluster(workers=1) as where:
        (pid,) = pids(where._client)

        def observe(event):
            if isinstance(event, RankSkipped):
                skipped.append(event.reason)

        def kill():
            while not any(where._client.processing().values()):
                time.sleep(0.001)
            os.kill(pid, signal.SIGKILL)

        with Store(":memory:") as store:
            killer = threading.Thread(target=kill)
            killer.start()
            found = list(study.run(store, observe, scheduler=where))
            killer.join()
    return {"skipped": skipped, "found": len(found)}


async def declare(dask_worker):
    await dask_worker.set_resources(MEMORY=1e5)


def small():
    """A worker without room for the blocks is told of at once."""
    with cluster(workers=1) as where, Store(":memory:") as store:
        where._client.run(declare)
        try:
            list(STUDY.run(store, scheduler=where))
        except TensorRankError as error:
            return {"error": str(error)}
    return {}


if __name__ == "__main__":
    which = {"killed": lambda: killed({3, 20, 60}), "fatal": fatal, "small": small}[sys.argv[1]]
    json.dump(which(), sys.stdout)
