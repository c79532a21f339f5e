"""Tasks on a Dask cluster: one for each block, its memory declared as a resource, results taken as they arrive.

The coefficients that the blocks of a draw share are a task of their own, made on one worker and sent to the others.
Lost workers are Dask's to replace: what they had is computed again from the tasks, which carry all that they need.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from tensorrank.arguments import shown
from tensorrank.arithmetic.resources import amount, thread_count
from tensorrank.errors import TensorRankError
from tensorrank.separation.jobs import Job
from tensorrank.studies.scheduler import DrawKey, Listener, Task, TaskKey
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
        UnservedError,
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
# The most worker processes that a study starts on one machine.
_MOST_WORKERS = 1024


@contextmanager
def cluster(address: str | None = None, *, workers: int | None = None, threads: int | None = None) -> Iterator[Cluster]:
    """Connect to a Dask scheduler, or start a cluster of processes on this machine, for the blocks of studies.

    Args:
        address: of a scheduler, such as "tcp://host:8786"; None to start a cluster on this machine.
        workers: how many processes to start; one by default. With an address none are started.
        threads: how many threads a large block may take on one worker. By default the processes that are started share
            all processors, and the workers of a given scheduler use what they were given.

    Raises:
        TensorRankError: if no scheduler answers, or it or a worker has no tensorrank or another version; later, in a
            study, also if no worker has the memory for a block, one has no such engine or device as the study names,
            or the connection is lost.
    """
    if address is not None and workers is not None:
        raise TensorRankError(
            f"workers is {shown(workers)}, and the address of a scheduler was given, whose workers are its own; give one of "
            "the two"
        )
    with ExitStack() as stack:
        if address is None:
            count = 1 if workers is None else workers
            if not 1 <= count <= _MOST_WORKERS:
                raise TensorRankError(f"workers is {shown(count)}; expected 1 to {_MOST_WORKERS} processes of this machine")
            threads = max(1, thread_count(None) // count) if threads is None else thread_count(threads)
            address = stack.enter_context(local_cluster(count)).scheduler_address
        client = stack.enter_context(connection(address, _ANSWER))
        with talking():
            client.register_plugin(DeclareMemory())
        yield stack.enter_context(Cluster(client, threads))


class Cluster:
    """A scheduler (`tensorrank.studies.scheduler`) that sends tasks to Dask; a context manager.

    Args:
        client: a connection, in which every worker declares its memory.
        threads: how many threads a large block may take; None for as many as its worker has.
    """

    def __init__(self, client: Client, threads: int | None) -> None:
        self._client, self._threads = client, threads
        # By the keys that Dask has for them; the keys of tasks are ours.
        self._tasks: dict[str, tuple[Task, Future]] = {}
        self._shared: dict[DrawKey, Future] = {}
        # Draws of which the listener knows that what they share was made.
        self._told: set[DrawKey] = set()
        self._heard: queue.SimpleQueue[str | tuple[str, float, float]] = queue.SimpleQueue()
        self._workers: dict[str, Any] = {}
        self._announced: set[str] = set()
        self._declared: set[str] = set()
        self._looked = -float("inf")
        # Since when no worker has the memory for a task.
        self._roomless: float | None = None
        client.subscribe_topic(TOPIC, self._hear)

    @property
    def ahead(self) -> int:
        """How many ranks are under way at once: enough that workers are not idle where one rank has few blocks."""
        self._look()
        return 4 + 2 * sum(int(worker["nthreads"]) for worker in self._workers.values())

    def submit(self, tasks: Sequence[Task]) -> None:
        """Send tasks of one draw."""
        shared = self._shared_of(tasks[0])
        for task in tasks:
            room, by = {RESOURCE: _memory(task.job)}, (task.engine, task.device)
            with talking():
                future = self._client.submit(run, task.job, shared, __version__, self._threads, *by, pure=False, resources=room)
            self._await(task, future)

    def forget(self, tasks: Sequence[Task]) -> None:
        """Take back tasks, also from workers that have begun them, and what they share."""
        given: set[TaskKey] = {task.key for task in tasks}
        dropped = [name for name, (task, _) in self._tasks.items() if task.key in given]
        futures = [self._tasks.pop(name)[1] for name in dropped]
        futures += [self._shared.pop(draw) for draw in {task.draw for task in tasks} & self._shared.keys()]
        if dropped:
            with talking():
                self._client.cancel(futures, force=True)

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Wait until at least one task is finished, and tell the listener of all that are."""
        dropped = False
        while self._tasks:
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
        futures = [future for _, future in self._tasks.values()]
        # Where the connection is lost nothing is left to take back.
        with suppress(TensorRankError), talking():
            self._client.unsubscribe_topic(TOPIC)
            self._client.cancel([*futures, *self._shared.values()], force=True)

    def _shared_of(self, task: Task) -> Future | None:
        shared, draw = task.job.shared, task.draw
        if shared is None:
            return None
        if draw not in self._shared:
            with talking():
                self._shared[draw] = self._client.submit(
                    make, shared, __version__, self._threads, pure=False, resources={RESOURCE: shared.memory}
                )
            self._told.discard(draw)
        return self._shared[draw]

    def _check_room(self) -> None:
        """Raise an error if a task would wait for ever for a worker that has the memory."""
        needed = max((_memory(task.job) for task, _ in self._tasks.values()), default=0.0)
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
        """Look at the workers if it is time to; whether it was."""
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

    def _await(self, task: Task, future: Future) -> None:
        self._tasks[future.key] = task, future
        future.add_done_callback(self._note)

    def _note(self, future: Future) -> None:
        self._heard.put(future.key)

    def _hear(self, event: tuple[float, Any]) -> None:
        self._heard.put(event[1])

    def _finished(self, listener: Listener) -> list[str]:
        """Dask's keys of the tasks that have come to an end, after a short wait."""
        finished = []
        try:
            heard: Any = self._heard.get(timeout=_TICK)
            while True:
                if isinstance(heard, str):
                    finished.append(heard)
                elif heard[0] in self._tasks:
                    listener.advanced(self._tasks[heard[0]][0], *heard[1:])
                heard = self._heard.get_nowait()
        except queue.Empty:
            return [key for key in finished if key in self._tasks]

    def _pass_on(self, finished: list[str], listener: Listener) -> None:
        ended = {key: self._tasks.pop(key) for key in finished}
        wanted = {key: future for key, (_, future) in ended.items() if future.status == "finished"}
        # By key: what was lost with its worker since is missing.
        with talking():
            answers: dict[str, Answer] = self._client.gather(wanted, errors="skip")
        # An error ends the study, and what is finished is kept: first.
        for key in sorted(ended, key=lambda key: key not in answers):
            task, future = ended[key]
            if key in answers:
                answer = answers[key]
                if task.job.shared is not None and task.draw not in self._told:
                    self._told.add(task.draw)
                    listener.shared_made(task, answer.shared_seconds)
                listener.done(task, answer.rank, answer.seconds, answer.worker)
            elif future.status == "error":
                self._explain(task, future, listener)
            elif future.status == "cancelled":
                raise lost()
            else:
                self._await(task, future)

    @staticmethod
    def _explain(task: Task, future: Future, listener: Listener) -> None:
        error = future.exception()
        if isinstance(error, KilledWorker):
            deaths = error.allowed_failures + 1
            listener.failed(
                task,
                f"{deaths} worker{'s' if deaths > 1 else ''} died over a block of degree {task.job.key.degree} "
                f"({amount(task.job.memory)}), for want of memory most likely; give a smaller memory limit",
            )
        elif isinstance(error, MemoryError):
            listener.failed(task, f"a worker ran out of memory ({error}); give a smaller memory limit")
        elif isinstance(error, TensorRankError):
            listener.failed(task, str(error))
        elif isinstance(error, UnservedError):
            # Every other task would end there in the same way.
            raise TensorRankError(str(error)) from error
        elif isinstance(error, ImportError | AttributeError | OtherVersionError):
            raise TensorRankError(
                f"a worker cannot run the tasks ({error}); install tensorrank {__version__} on all workers"
            ) from error
        else:
            raise error

    def _drop_waiting(self) -> None:
        """Take back the tasks that no worker has begun."""
        # A worker that has just died has begun nothing.
        with talking():
            answers = self._client.run(begun, on_error="ignore")
        under_way = {key for keys in answers.values() for key in keys}
        for key in [key for key in self._tasks if key not in under_way]:
            _, future = self._tasks[key]
            if future.status == "pending":
                del self._tasks[key]
                self._client.cancel(future, force=True)


def _memory(job: Job) -> float:
    """Bytes that a worker needs for a job."""
    return job.memory + (0 if job.shared is None else job.shared.memory)
