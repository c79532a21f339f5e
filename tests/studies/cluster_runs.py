"""Studies on a local Dask cluster, run as a program that prints what it found as JSON: python cluster_runs.py WHICH."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import dask
from distributed import Client
from engines_tried import DEVICE, names

import tensorrank as tr
from tensorrank.arithmetic.primes import SMALL_PRIMES
from tensorrank.errors import TensorRankError
from tensorrank.studies import cluster as cluster_module
from tensorrank.studies.cluster import cluster
from tensorrank.studies.events import BlockFinished, LatticeMade, RankSkipped, WorkersChanged
from tensorrank.studies.store import Store
from tensorrank.studies.summary import Summary

STUDY = tr.Study.over(tr.SelfAttention, width=(2, 3), heads=(1, 2, 3), depth=(1, 2, 3, 4), work=4e9, threads=1)


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
        "same": found == expected,
        "ranks": len(found),
        "blocks": blocks,
        "told": len(seen),
        "lost": summary.workers_lost,
        "skipped": len(summary.skipped),
    }


def fatal():
    """With no failure allowed, a block whose worker dies is skipped with the reason, and the study goes on."""
    study = tr.Study.over(tr.SelfAttention, width=3, heads=3, depth=(1, 3), work=None, threads=1)
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
    """A worker without room for the blocks is told of."""
    cluster_module._PATIENCE = 1.0
    with cluster(workers=1) as where, Store(":memory:") as store:
        where._client.run(declare)
        try:
            list(STUDY.run(store, scheduler=where))
        except TensorRankError as error:
            return {"error": str(error)}
    return {}


def lattices():
    """What the blocks of a draw share is made once, however many ranks are under way and steps a draw has."""
    made = Counter()

    def observe(event):
        if isinstance(event, LatticeMade):
            made[event.model] += 1

    study = tr.Study.over(tr.SelfAttention, width=2, heads=2, depth=(2, 3, 4), threads=1)
    with cluster(workers=1) as where, Store(":memory:") as store:
        list(study.run(store, observe, scheduler=where))
        draws = Counter(model for model, _ in {(model, key.draw) for model, _, key, _ in store.blocks()})
    return {"once": made == draws, "models": len(made)}


def crowded():
    """Another cluster on this machine has the port of Dask's dashboard; what is warned of is returned."""
    with socket.socket() as other, warnings.catch_warnings(record=True) as heard:
        # Where the port is taken already, whoever has it is in the way as well.
        with suppress(OSError):
            other.bind(("", 8787))
            other.listen()
        warnings.simplefilter("always")
        with cluster(workers=1):
            pass
    return {"warnings": [str(warning.message) for warning in heard if issubclass(warning.category, UserWarning)]}


class Dask:
    """A scheduler and workers as programs of their own; what they find first on their path may be given."""

    def __init__(self, folder, path=""):
        self.folder, self.programs = folder, []
        self._start("scheduler", "--port", "0", "--scheduler-file", str(folder / "file"), path=path)
        while not (folder / "file").exists() or not (folder / "file").read_text().endswith("}"):
            time.sleep(0.05)
        self.address = json.loads((folder / "file").read_text())["address"]

    def worker(self, *options, path=""):
        self._start("worker", self.address, "--nthreads", "1", "--no-nanny", *options, path=path)

    def _start(self, what, *options, path):
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *options, "--no-dashboard"]
        # Behind it what this program has, and first of all this tensorrank, wherever another is installed.
        paths = [path, str(Path(tr.__file__).parents[1]), *sys.path]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
        self.programs.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder, env=environment)
        )


@contextmanager
def programs(**options):
    with tempfile.TemporaryDirectory() as folder:
        dask_programs = Dask(Path(folder), **options)
        try:
            yield dask_programs
        finally:
            for program in dask_programs.programs:
                program.kill()
                program.wait()


def error_of(call):
    try:
        call()
    except TensorRankError as error:
        return {"error": str(error)}
    return {}


def late():
    """A worker without room for the blocks comes once they are waiting."""
    cluster_module._PATIENCE = 1.0
    with programs() as started, cluster(started.address) as where, Store(":memory:") as store:
        threading.Timer(1.0, started.worker, ["--resources", "MEMORY=1e5"]).start()
        return error_of(lambda: list(STUDY.run(store, scheduler=where)))


def lost():
    """The scheduler dies in the middle."""
    cluster_module._ANSWER = 3.0
    with programs() as started, Store(":memory:") as store:
        started.worker()

        def observe(event):
            if isinstance(event, BlockFinished):
                started.programs[0].kill()

        def study():
            with cluster(started.address) as where:
                list(STUDY.run(store, observe, scheduler=where))

        return {**error_of(study), "blocks": sum(1 for _ in store.blocks())}


def stopped():
    """A worker dies as the study is stopped."""
    with programs() as started, cluster(started.address) as where, Store(":memory:") as store:
        started.worker()
        started.worker()
        seen, workers = [], []

        def observe(event):
            if isinstance(event, WorkersChanged):
                workers.append(event.workers)
            if isinstance(event, BlockFinished):
                seen.append(event)

        def stop():
            if len(seen) >= 3 and 2 in workers and started.programs[1].poll() is None:
                started.programs[1].kill()
                started.programs[1].wait()
            return started.programs[1].poll() is not None

        try:
            list(STUDY.run(store, observe, scheduler=where, stop=stop))
        except KeyboardInterrupt as error:
            return {"stopped": str(error), "same": len(seen) == sum(1 for _ in store.blocks())}
    return {}


def foreign(where):
    """A scheduler or worker on which tensorrank cannot be imported."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tensorrank.py").write_text("raise ModuleNotFoundError('not here')")
        with programs(path=folder if where == "scheduler" else "") as started:
            started.worker(path=folder if where == "worker" else "")

            # A worker that comes later than the client is refused by Dask itself.
            with Client(started.address, set_as_default=False) as client:
                client.wait_for_workers(1, timeout=60)

            def connect():
                with cluster(started.address):
                    pass

            return error_of(connect)


def engines():
    """Blocks at small primes by named engines on workers, one of which is killed, and in this process."""
    small = replace(STUDY, models=(*STUDY.models[:8], tr.SelfAttention(3, 3, head_dim=2)))
    found, seen = {}, []
    with cluster(workers=2) as where:

        def observe(event):
            if isinstance(event, BlockFinished):
                seen.append(event.worker)
                if len(seen) == 5:
                    os.kill(pids(where._client)[0], signal.SIGKILL)

        for engine in names(251):
            study = replace(small, engine=engine)
            with Store(":memory:") as store:
                expected = untimed(study.run(store))
            with Store(":memory:") as store:
                results = untimed(study.run(store, observe, scheduler=where))
                keys = {key: block.rank.engine for *_, key, block in store.blocks()}
            found[engine] = {
                "same": results == expected,
                "standings": sorted({result.standing for _, result in results}),
                "small": sorted({by for key, by in keys.items() if key.prime < SMALL_PRIMES.least}),
                "draws": len({key.draw for key in keys}),
            }
    return found


def abandoned():
    """A study that is left in its middle, and another with other weights on the same workers."""
    other = replace(STUDY, models=STUDY.models[:2], seed=1)
    with cluster(workers=1) as where, Store(":memory:") as first, Store(":memory:") as store:
        next(STUDY.run(first, scheduler=where))
        list(other.run(store, scheduler=where))
        later = [row[:3] for row in store.blocks()]
    with Store(":memory:") as store:
        list(other.run(store))
        alone = [row[:3] for row in store.blocks()]
    return {"same": later == alone, "blocks": len(later)}


MISSING = "raise ModuleNotFoundError('not here')"
# A session of onnxruntime that leaves its products as they were.
FALSE = """
from types import SimpleNamespace
nothing = lambda *arguments: None
binding = SimpleNamespace(bind_input=nothing, bind_output=nothing)
SessionOptions = SimpleNamespace
InferenceSession = lambda *a, **b: SimpleNamespace(io_binding=lambda: binding, run_with_iobinding=nothing)
"""


def unserved(options, module, text):
    """A worker whose module for an engine or a device is this text."""
    with tempfile.TemporaryDirectory() as folder, programs() as started:
        (Path(folder) / f"{module}.py").write_text(text)
        started.worker(path=folder)
        with cluster(started.address) as where, Store(":memory:") as store:
            # Circuits have no small primes: nothing would be multiplied by bytes, or on a device.
            study = tr.Study([tr.RecurrentCircuit(1, 2, 2, 4), tr.SelfAttention(2, 2)], **options)
            refused = error_of(lambda: list(study.run(store, scheduler=where)))
            plain = list(replace(study, engine="auto", device="cpu").run(store, scheduler=where))
    return {**refused, "values": [finding.result.value for finding in plain]}


def device():
    """A device that the workers have, and this process has not."""
    study = tr.Study.over(tr.SelfAttention, width=2, depth=(2, 3), engine="float64", device=DEVICE)
    with programs() as started:
        started.worker()
        sys.modules["torch"] = None
        with cluster(started.address) as where, Store(":memory:") as store:
            here = error_of(lambda: list(study.run(store)))
            found = [finding.result for finding in study.run(store, scheduler=where)]
    return {**here, "values": [one.value for one in found], "engines": sorted({name for one in found for name in one.engines})}


if __name__ == "__main__":
    which = {
        "killed": lambda: killed({3, 20, 60}),
        "fatal": fatal,
        "small": small,
        "lattices": lattices,
        "crowded": crowded,
        "late": late,
        "lost": lost,
        "stopped": stopped,
        "engines": engines,
        "abandoned": abandoned,
        "bytes missing": lambda: unserved({"engine": "bytes"}, "onnxruntime", MISSING),
        "bytes false": lambda: unserved({"engine": "bytes"}, "onnxruntime", FALSE),
        "device missing": lambda: unserved({"device": "cuda"}, "torch", MISSING),
        "device": device,
        "scheduler": lambda: foreign("scheduler"),
        "worker": lambda: foreign("worker"),
    }[sys.argv[1]]
    json.dump(which(), sys.stdout)
