"""Jobs on a Dask cluster: a task for each block, its memory declared as a resource, results taken as they arrive.

The coefficients that the blocks of a draw share are a task of their own, made on one worker and sent to the others.
Lost workers are Dask's to replace: what they had is computed again, from the jobs, which carry everything.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from tensorrank.arithmetic.resources import amount, thread_count
from tensorrank.errors import TensorRankError
from tensorrank.separation.jobs import Job, Shared
from tensorrank.studies.scheduler import Listener
from tensorrank.version import __version__

try:
    from distributed import Client, Future, KilledWorker

    from tensorrank.studies.cluster_connection import connection, lost, talking
    from tensorrank.studies.cluster_workers import (
        RESOURCE,
        TOPIC,
        Answer,
        DeclareMemory,
        OtherVersionError,
        begun,
        local_cluster,
        make,
        reconsider,
        run,
    )
except ModuleNotFoundError as missing:
    raise TensorRankError(
        "a cluster needs dask.distributed, which is not installed; try: pip install 'tensorrank[cluster]'"
    ) from missing

# Seconds: for a scheduler to answer, between looks at the workers, at the queue, and for workers with the memory for a
# block to come, or come back.
_ANSWER, _LOOK, _TICK, _PATIENCE = 30.0, 1.0, 0.1, 20.0


@contextmanager
def cluster(address: str | None = None, *, workers: int | None = None, threads: int | None = None) -> Iterator[Cluster]:
    """A connection to a Dask scheduler, or to a cluster of processes started here.

    Args:
        address: of a scheduler, such as "tcp://host:8786"; None to start a cluster on this machine.
        workers: how many processes to start.
        threads: that a large block may take in one of them; all processors shared among them by default. On a cluster
            given by its address, as many as its workers were given.

    Raises:
        TensorRankError: if no scheduler answers, or it or a worker has no tensorrank or another version; later, in a
            study, also if no worker has the memory for a block, or the connection is lost.
    """
    with ExitStack() as stack:
        if address is None:
            count = 1 if workers is None else workers
            if count < 1:
                raise TensorRankError(f"workers is {count}; expected at least 1")
            threads = max(1, thread_count(None) // count) if threads is None else thread_count(threads)
            address = stack.enter_context(local_cluster(count)).scheduler_address
        client = stack.enter_context(connection(address, _ANSWER))
        with talking():
            client.register_plugin(DeclareMemory())
        yield stack.enter_context(Cluster(client, threads))


class Cluster:
    """A scheduler (`tensorrank.studies.scheduler`) that sends jobs to Dask; a context manager.

    Args:
        client: a connection, in which every worker declares its memory.
        threads: that a large block may take, or None for as many as its worker has.
    """

    def __init__(self, client: Client, threads: int | None) -> None:
        self._client, self._threads = client, threads
        self._jobs: dict[str, tuple[Job, Future]] = {}
        self._shared: dict[int, tuple[Shared, Future]] = {}
        self._told: set[int] = set()
        self._heard: queue.SimpleQueue[str | tuple[str, float, float]] = queue.SimpleQueue()
        self._workers: dict[str, Any] = {}
        self._announced: set[str] = set()
        self._declared: set[str] = set()
        self._looked = -float("inf")
        # Since when no worker has the memory for a job.
        self._roomless: float | None = None
        client.subscribe_topic(TOPIC, self._hear)

    @property
    def ahead(self) -> int:
        """Enough ranks that workers are not idle where one has few blocks."""
        self._look()
        return 4 + 2 * sum(int(worker["nthreads"]) for worker in self._workers.values())

    def submit(self, jobs: Sequence[Job]) -> None:
        """Send jobs of one draw."""
        shared = self._shared_of(jobs[0].shared)
        for job in jobs:
            with talking():
                future = self._client.submit(
                    run, job, shared, __version__, self._threads, pure=False, resources={RESOURCE: _memory(job)}
                )
            self._await(job, future)

    def forget(self, jobs: Sequence[Job]) -> None:
        """Take back jobs, also from workers that have begun them, and what they share."""
        given = {id(job) for job in jobs}
        dropped = [key for key, (job, _) in self._jobs.items() if id(job) in given]
        futures = [self._jobs.pop(key)[1] for key in dropped]
        futures += [self._shared.pop(number)[1] for number in {id(job.shared) for job in jobs} & self._shared.keys()]
        if dropped:
            with talking():
                self._client.cancel(futures, force=True)

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Wait until at least one job is finished, and tell the listener of all that are."""
        dropped = False
        while self._jobs:
            if stop() and not dropped:
                self._drop_waiting()
                dropped = True
            if self._look():
                self._check_room()
            if self._announced != self._workers.keys():
                listener.workers_changed(len(self._workers), len(self._announced - self._workers.keys()))
                self._announced = set(self._workers)
            finished = self._finished(listener)
            if finished:
                self._pass_on(finished, listener)
                if not dropped:
                    return

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *error: object) -> None:
        futures = [future for _, future in self._jobs.values()]
        # Where the connection is lost nothing is left to take back.
        with suppress(TensorRankError), talking():
            self._client.unsubscribe_topic(TOPIC)
            self._client.cancel([*futures, *(future for _, future in self._shared.values())], force=True)

    def _shared_of(self, shared: Shared | None) -> Future | None:
        if shared is None:
            return None
        if id(shared) not in self._shared:
            with talking():
                future = self._client.submit(
                    make, shared, __version__, self._threads, pure=False, resources={RESOURCE: shared.memory}
                )
            self._shared[id(shared)] = shared, future
            self._told.discard(id(shared))
        return self._shared[id(shared)][1]

    def _check_room(self) -> None:
        """Refuse a task that would wait for ever; where no worker is there yet, wait."""
        needed = max((_memory(job) for job, _ in self._jobs.values()), default=0.0)
        declared = [worker["resources"].get(RESOURCE) for worker in self._workers.values()]
        # A worker declares its memory a moment after it has come.
        largest = max(filter(None, declared), default=None)
        now = time.monotonic()
        if largest is None or largest >= needed:
            self._roomless = None
        elif self._roomless is None:
            self._roomless = now
        elif now >= self._roomless + _PATIENCE:
            raise TensorRankError(
                f"a block takes {amount(needed)}, and the largest worker declares {amount(largest)}; give a smaller "
                "memory limit, fewer workers on a machine, or workers with more memory"
            )

    def _look(self) -> bool:
        """Look at the workers now and then; whether it was now."""
        now = time.monotonic()
        if now < self._looked + _LOOK:
            return False
        self._looked = now
        with talking():
            self._workers = dict(self._client.scheduler_info()["workers"])
            declared = {name for name, worker in self._workers.items() if RESOURCE in worker["resources"]}
            if declared - self._declared:
                self._client.run_on_scheduler(reconsider)
        self._declared = declared
        return True

    def _await(self, job: Job, future: Future) -> None:
        self._jobs[future.key] = job, future
        future.add_done_callback(self._note)

    def _note(self, future: Future) -> None:
        self._heard.put(future.key)

    def _hear(self, event: tuple[float, Any]) -> None:
        self._heard.put(event[1])

    def _finished(self, listener: Listener) -> list[str]:
        """The keys of jobs that have come to an end, after a short wait."""
        finished = []
        try:
            heard: Any = self._heard.get(timeout=_TICK)
            while True:
                if isinstance(heard, str):
                    finished.append(heard)
                elif heard[0] in self._jobs:
                    listener.advanced(self._jobs[heard[0]][0], *heard[1:])
                heard = self._heard.get_nowait()
        except queue.Empty:
            return [key for key in finished if key in self._jobs]

    def _pass_on(self, finished: list[str], listener: Listener) -> None:
        ended = {key: self._jobs.pop(key) for key in finished}
        wanted = {key: future for key, (_, future) in ended.items() if future.status == "finished"}
        # By key: what was lost with its worker since is missing.
        with talking():
            answers: dict[str, Answer] = self._client.gather(wanted, errors="skip")
        for key, (job, future) in ended.items():
            if key in answers:
                answer = answers[key]
                if job.shared is not None and id(job.shared) not in self._told:
                    self._told.add(id(job.shared))
                    listener.shared_made(job, answer.shared_seconds)
                listener.done(job, answer.rank, answer.seconds, answer.worker)
            elif future.status == "error":
                self._explain(job, future, listener)
            elif future.status == "cancelled":
                raise lost()
            else:
                self._await(job, future)

    @staticmethod
    def _explain(job: Job, future: Future, listener: Listener) -> None:
        error = future.exception()
        if isinstance(error, KilledWorker):
            deaths = error.allowed_failures + 1
            listener.failed(
                job,
                f"{deaths} worker{'s' if deaths > 1 else ''} died over a block of degree {job.key.degree} "
                f"({amount(job.memory)}), for want of memory most likely; give a smaller memory limit",
            )
        elif isinstance(error, MemoryError):
            listener.failed(job, f"a worker ran out of memory ({error}); give a smaller memory limit")
        elif isinstance(error, TensorRankError):
            listener.failed(job, str(error))
        elif isinstance(error, ImportError | AttributeError | OtherVersionError):
            raise TensorRankError(
                f"a worker cannot run the jobs ({error}); install tensorrank {__version__} on all workers"
            ) from error
        else:
            raise error

    def _drop_waiting(self) -> None:
        """Take back the jobs that no worker has begun."""
        # A worker that has just died has begun nothing.
        with talking():
            answers = self._client.run(begun, on_error="ignore")
        under_way = {key for keys in answers.values() for key in keys}
        for key in [key for key in self._jobs if key not in under_way]:
            _, future = self._jobs[key]
            if future.status == "pending":
                del self._jobs[key]
                self._client.cancel(future, force=True)


def _memory(job: Job) -> float:
    """Bytes that a worker needs for a job."""
    return job.memory + (0 if job.shared is None else job.shared.memory)
