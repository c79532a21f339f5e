"""Jobs on a Dask cluster: a task for each block, its memory declared as a resource, results taken as they arrive.

The coefficients that the blocks of a draw share are a task of their own, made on one worker and sent to the others.
Lost workers are Dask's to replace: what they had is computed again, from the jobs, which carry everything.
"""

from __future__ import annotations

import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from tensorrank.arithmetic.resources import amount, memory_available, thread_count, worker_threads
from tensorrank.errors import TensorRankError
from tensorrank.separation.jobs import BlockRank, Job, Shared
from tensorrank.separation.limits import SMALL_BLOCK
from tensorrank.studies.scheduler import Listener
from tensorrank.version import __version__

try:
    from distributed import Client, Future, KilledWorker, LocalCluster, Scheduler, Worker, WorkerPlugin, get_worker
    from distributed.comm import get_address_host_port
except ModuleNotFoundError as missing:
    raise TensorRankError(
        "a cluster needs dask.distributed, which is not installed; try: pip install 'tensorrank[cluster]'"
    ) from missing

# The resource of a worker that tasks are counted against, in bytes.
RESOURCE = "MEMORY"
# What a worker's other needs leave of its memory.
_SHARE = 0.85
# Seconds: for a scheduler to answer, between looks at the workers, at the queue, and between reports of a task.
_ANSWER, _LOOK, _TICK, _REPORT = 30.0, 1.0, 0.1, 0.5
_TOPIC = "tensorrank"


class _Answer(NamedTuple):
    """What a task gives back."""

    rank: BlockRank
    seconds: float
    worker: str
    shared_seconds: float


@contextmanager
def cluster(address: str | None = None, *, workers: int | None = None, threads: int | None = None) -> Iterator[Cluster]:
    """A connection to a Dask scheduler, or to a cluster of processes started here.

    Args:
        address: of a scheduler, such as "tcp://host:8786"; None to start a cluster on this machine.
        workers: how many processes to start.
        threads: that a large block may take in one of them; all processors shared among them by default. On a cluster
            given by its address, as many as its workers were given.

    Raises:
        TensorRankError: if no scheduler answers; later, in a study, if workers run another version of tensorrank, none
            has the memory for a block, or the connection is lost.
    """
    with ExitStack() as stack:
        if address is None:
            count = 1 if workers is None else workers
            if count < 1:
                raise TensorRankError(f"workers is {count}; expected at least 1")
            threads = max(1, thread_count(None) // count) if threads is None else thread_count(threads)
            address = stack.enter_context(_local(count)).scheduler_address
        try:
            # Dask itself would take a minute to find that nobody listens.
            socket.create_connection(get_address_host_port(address), timeout=_ANSWER).close()
            client = stack.enter_context(Client(address, timeout=_ANSWER, set_as_default=False))
        except (OSError, ValueError) as error:
            raise TensorRankError(
                f"no Dask scheduler answers at {address!r} ({error}); expected an address such as tcp://host:8786"
            ) from error
        client.register_plugin(_DeclareMemory())
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
        client.subscribe_topic(_TOPIC, self._hear)

    @property
    def ahead(self) -> int:
        """Enough ranks that workers are not idle where one has few blocks."""
        self._look()
        return 4 + 2 * sum(int(worker["nthreads"]) for worker in self._workers.values())

    def submit(self, jobs: Sequence[Job]) -> None:
        """Send jobs of one draw."""
        shared = self._shared_of(jobs[0].shared)
        for job in jobs:
            memory = job.memory + (0 if job.shared is None else job.shared.memory)
            self._check_room(memory)
            future = self._client.submit(
                _run, job, shared, __version__, self._threads, pure=False, resources={RESOURCE: memory}
            )
            self._await(job, future)

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Wait until at least one job is finished, and tell the listener of all that are."""
        dropped = False
        while self._jobs:
            if stop() and not dropped:
                self._drop_waiting()
                dropped = True
            self._look()
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
        self._client.unsubscribe_topic(_TOPIC)
        futures = [future for _, future in self._jobs.values()]
        self._client.cancel([*futures, *(future for _, future in self._shared.values())], force=True)

    def _shared_of(self, shared: Shared | None) -> Future | None:
        if shared is None:
            return None
        # Of other draws they are no longer needed once their jobs are done; those under way hold them.
        needed = {id(job.shared) for job, _ in self._jobs.values()} | {id(shared)}
        self._shared = {number: kept for number, kept in self._shared.items() if number in needed}
        if id(shared) not in self._shared:
            self._check_room(shared.memory)
            future = self._client.submit(
                _make, shared, __version__, self._threads, pure=False, resources={RESOURCE: shared.memory}
            )
            self._shared[id(shared)] = shared, future
            self._told.discard(id(shared))
        return self._shared[id(shared)][1]

    def _check_room(self, memory: float) -> None:
        """Refuse a task that would wait for ever; where no worker is there yet, wait."""
        # What was seen may be old: before it is refused, look again.
        for again in (False, True):
            self._look(at_once=again)
            # A worker declares its memory a moment after it has come.
            declared = [worker["resources"].get(RESOURCE) for worker in self._workers.values()]
            largest = max(filter(None, declared), default=None)
            if largest is None or largest >= memory:
                return
        if largest is not None:
            raise TensorRankError(
                f"a block takes {amount(memory)}, and the largest worker declares {amount(largest)}; give a smaller "
                "memory limit, fewer workers on a machine, or workers with more memory"
            )

    def _look(self, *, at_once: bool = False) -> None:
        """Look at the workers, now and then or at once."""
        now = time.monotonic()
        if at_once or now >= self._looked + _LOOK:
            self._looked = now
            self._workers = dict(self._client.scheduler_info()["workers"])
            declared = {name for name, worker in self._workers.items() if RESOURCE in worker["resources"]}
            if declared - self._declared:
                self._client.run_on_scheduler(_reconsider)
            self._declared = declared

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
        answers: dict[str, _Answer] = self._client.gather(wanted, errors="skip")
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
                raise TensorRankError(
                    "the connection to the Dask scheduler was lost; all that was finished before is kept: run the same "
                    "again once a scheduler answers"
                )
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
        elif isinstance(error, ImportError | AttributeError | _OtherVersionError):
            raise TensorRankError(
                f"a worker cannot run the jobs ({error}); install tensorrank {__version__} on all workers"
            ) from error
        else:
            raise error

    def _drop_waiting(self) -> None:
        """Take back the jobs that no worker has begun."""
        begun = {key for keys in self._client.run(_begun).values() for key in keys}
        for key in [key for key in self._jobs if key not in begun]:
            _, future = self._jobs[key]
            if future.status == "pending":
                del self._jobs[key]
                self._client.cancel(future, force=True)


class _OtherVersionError(RuntimeError):
    """A worker runs another version."""


# mypy takes distributed, half typed, as untyped: its classes are of any type.
class _DeclareMemory(WorkerPlugin):  # type: ignore[misc]
    """Every worker, also one that comes later, declares its memory unless it was started with a figure of its own."""

    name = "tensorrank-memory"

    async def setup(self, worker: Worker) -> None:
        if RESOURCE not in worker.state.total_resources:
            limit = worker.memory_manager.memory_limit or memory_available()
            await worker.set_resources(**{RESOURCE: _SHARE * limit})


class _Undisturbed(WorkerPlugin):  # type: ignore[misc]
    """Ctrl-C reaches every process of a terminal; ours are told by us when to end."""

    name = "tensorrank-undisturbed"

    def setup(self, worker: Worker) -> None:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _local(count: int) -> Iterator[LocalCluster]:
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        started = LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs="CRITICAL"
        )
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    with started, Client(started, set_as_default=False) as client:
        client.register_plugin(_Undisturbed())
        yield started


def _make(shared: Shared, version: str, threads: int | None) -> tuple[Any, float]:
    _check(version)
    started = time.perf_counter()
    with worker_threads(_threads(threads)) as pool:
        made = shared.make(pool)
    return made, time.perf_counter() - started


def _run(job: Job, shared: tuple[Any, float] | None, version: str, threads: int | None) -> _Answer:
    _check(version)
    started = said = time.perf_counter()
    worker = get_worker()
    name = str(worker.get_current_task())

    def report(done: float, total: float) -> None:
        nonlocal said
        now = time.perf_counter()
        if now > said + _REPORT:
            said = now
            worker.log_event(_TOPIC, (name, done, total))

    made, shared_seconds = (None, 0.0) if shared is None else shared
    with worker_threads(1 if job.work <= SMALL_BLOCK else _threads(threads)) as pool:
        rank = job.rank(made, pool, report)
    return _Answer(rank, time.perf_counter() - started, worker.address, shared_seconds)


def _threads(threads: int | None) -> int:
    return int(get_worker().state.nthreads) if threads is None else threads


def _check(version: str) -> None:
    if version != __version__:
        raise _OtherVersionError(f"it has tensorrank {__version__}, this is {version}")


def _reconsider(dask_scheduler: Scheduler) -> None:
    """Let tasks that no worker could take be taken: the scheduler looks when a worker comes, not when it declares."""
    for worker in list(dask_scheduler.workers.values()):
        wanted = dask_scheduler.bulk_schedule_unrunnable_after_adding_worker(worker)
        dask_scheduler.transitions(wanted, f"{_TOPIC}-reconsider-{time.time()}")


def _begun(dask_worker: Worker) -> list[str]:
    return [task.key for task in dask_worker.state.executing]
