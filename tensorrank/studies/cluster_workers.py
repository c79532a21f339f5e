"""The part of a study that runs on the workers of a Dask cluster: its tasks, and what every new worker is told."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from distributed import Client, LocalCluster, Scheduler, Worker, WorkerPlugin, get_worker

from tensorrank.arguments import shown
from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.elimination.engine_choice import refuse_missing
from tensorrank.arithmetic.resources import memory_available, worker_threads
from tensorrank.errors import TensorRankError
from tensorrank.separation.jobs import Job, JobRank, Shared
from tensorrank.separation.limits import SMALL_BLOCK
from tensorrank.version import __version__

# The resource of a worker that tasks are counted against, in bytes.
RESOURCE = "MEMORY"
TOPIC = "tensorrank"
# What a worker's other needs leave of its memory.
_SHARE = 0.85
# Seconds between reports of a task.
_REPORT = 0.5


class Answer(NamedTuple):
    """The answer of the task of a job: the rank, the seconds it took and where, and the seconds of what is shared."""

    rank: JobRank
    seconds: float
    worker: str
    shared_seconds: float


class OtherVersionError(RuntimeError):
    """A worker runs another version."""


class UnservedError(RuntimeError):
    """A worker has no such engine or device."""


# mypy takes distributed, half typed, as untyped: its classes are of any type.
class DeclareMemory(WorkerPlugin):  # type: ignore[misc]
    """Makes every worker, also one that comes later, declare its memory, if it was started without a figure."""

    name = "tensorrank-memory"

    async def setup(self, worker: Worker) -> None:
        """Declare the memory of a worker; called once on each."""
        if RESOURCE not in worker.state.total_resources:
            limit = worker.memory_manager.memory_limit or memory_available()
            await worker.set_resources(**{RESOURCE: _SHARE * limit})


class _Undisturbed(WorkerPlugin):  # type: ignore[misc]
    """Makes workers ignore Ctrl-C, which reaches every process of a terminal: the study tells them when to end."""

    name = "tensorrank-undisturbed"

    def setup(self, worker: Worker) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def local_cluster(count: int) -> Iterator[LocalCluster]:
    """Start a cluster of so many processes on this machine.

    Raises:
        TensorRankError: if the system starts none that share locks, as where nothing can be written to /dev/shm.
    """
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        started = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            # A scheduler serves pages all the same; at any port that is free, not at the one that others may have.
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
            silence_logs="CRITICAL",
        )
    except RuntimeError as error:
        raise TensorRankError(
            f"{count} worker processes cannot be started on this machine ({shown(str(_first(error)))}); leave out workers"
        ) from error
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    with started, Client(started, set_as_default=False) as client:
        client.register_plugin(_Undisturbed())
        yield started


def _first(error: BaseException) -> BaseException:
    """The error that others were raised for."""
    before = error.__cause__ or error.__context__
    return error if before is None else _first(before)


def make(shared: Shared, version: str, threads: int | None) -> tuple[Any, float]:
    """Make what the jobs of a draw share, and tell the seconds it took; a task."""
    _check(version)
    seconds = stopwatch()
    with worker_threads(_threads(threads)) as pool:
        made = shared.make(pool)
    return made, seconds()


def run(job: Job, shared: tuple[Any, float] | None, version: str, threads: int | None, engine: str, device: str) -> Answer:
    """Compute the rank of one job, and tell now and then how far it is; a task."""
    _check(version)
    worker = get_worker()
    try:
        # By a named engine also where the job's prime is too large for it: every worker serves, or none.
        refuse_missing(engine, device)
    except TensorRankError as error:
        raise UnservedError(f"the worker {worker.address} cannot multiply as asked: {error}") from error
    seconds, said = stopwatch(), time.perf_counter()
    name = str(worker.get_current_task())

    def report(done: float, total: float, what: str) -> None:
        nonlocal said
        now = time.perf_counter()
        if now > said + _REPORT:
            said = now
            worker.log_event(TOPIC, (name, done, total))

    made, shared_seconds = (None, 0.0) if shared is None else shared
    with worker_threads(1 if job.work <= SMALL_BLOCK else _threads(threads)) as pool:
        rank = job.rank(made, pool, report)
    return Answer(rank, seconds(), worker.address, shared_seconds)


def _threads(threads: int | None) -> int:
    return int(get_worker().state.nthreads) if threads is None else threads


def _check(version: str) -> None:
    if version != __version__:
        raise OtherVersionError(f"it has tensorrank {__version__}, this is {version}")


def reconsider(dask_scheduler: Scheduler) -> None:
    """Let the scheduler look for workers again for tasks that none could take.

    By itself it looks when a worker comes, and not when the worker declares its memory.
    """
    for worker in list(dask_scheduler.workers.values()):
        wanted = dask_scheduler.bulk_schedule_unrunnable_after_adding_worker(worker)
        dask_scheduler.transitions(wanted, f"{TOPIC}-reconsider-{time.time()}")


def begun(dask_worker: Worker) -> list[str]:
    """The keys of the tasks that a worker has begun."""
    return [task.key for task in dask_worker.state.executing]
