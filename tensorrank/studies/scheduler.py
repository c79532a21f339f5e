"""Where the tasks of a study run: in this process here, on a cluster in `cluster`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tensorrank.arithmetic.elimination.devices import HOST
from tensorrank.arithmetic.elimination.engine_choice import EngineName
from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.jobs import Here, Job, JobKey, JobRank
from tensorrank.studies.model_key import ModelKey

# What tells the tasks of a study apart, and what tells its draws apart: here and on every worker.
TaskKey = tuple[ModelKey, JobKey]
DrawKey = tuple[ModelKey, int]


@dataclass(frozen=True)
class Task:
    """One job of one model's rank.

    Attributes:
        model: the key of the model.
        job: the job, which knows itself by which engine and on which device it multiplies.
        engine: that engine, by the name that the study was given.
        device: that device. A machine without one of them cannot run the task.
    """

    model: ModelKey
    job: Job
    engine: EngineName = "auto"
    device: str = HOST

    @property
    def key(self) -> TaskKey:
        """The key of the task."""
        return self.model, self.job.key

    @property
    def draw(self) -> DrawKey:
        """The key of its draw, all of whose tasks share what `Job.shared` makes."""
        return self.model, self.job.key.draw


class Listener(Protocol):
    """Who is told what became of tasks; never by two threads at a time."""

    def done(self, task: Task, rank: JobRank, seconds: float, worker: str | None) -> None:
        """Hear that the rank is known: it took so long, on that worker (None for this process)."""

    def failed(self, task: Task, reason: str) -> None:
        """Hear that the task cannot be computed."""

    def shared_made(self, task: Task, seconds: float) -> None:
        """Hear that what the task shares with others of its draw was made."""

    def advanced(self, task: Task, done: float, total: float) -> None:
        """Hear that so much of the task is done."""

    def workers_changed(self, workers: int, lost: int) -> None:
        """Hear that so many workers take part from now on, and how many of those before were lost."""


class Scheduler(Protocol):
    """Runs tasks."""

    @property
    def ahead(self) -> int:
        """How many ranks are worth having under way at once."""

    def submit(self, tasks: Sequence[Task]) -> None:
        """Take tasks of one draw."""

    def forget(self, tasks: Sequence[Task]) -> None:
        """Drop those of these tasks that are not finished, and what they share.

        As a rule no other task of their draw comes. Where small primes are tried, one more round of the first draw may
        follow the second; what it shares is then made again.
        """

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Work, or wait, until at least one of the tasks taken is finished; tell the listener.

        Once `stop` is true no task begins; those under way are finished, and the others dropped.
        """


class Threads:
    """Runs the tasks in this process: one rank after the other, on all threads."""

    ahead: int = 1

    def __init__(self, pool: Workers) -> None:
        self._waiting: deque[Sequence[Task]] = deque()
        self._here = Here(
            pool,
            within=lambda job, done, total: self._listener.advanced(self._tasks[job.key], done, total),
            made=lambda job, seconds: self._listener.shared_made(self._tasks[job.key], seconds),
        )
        self._listener: Listener
        self._tasks: dict[JobKey, Task]

    def submit(self, tasks: Sequence[Task]) -> None:
        """Take tasks of one draw."""
        self._waiting.append(tasks)

    def forget(self, tasks: Sequence[Task]) -> None:
        """Do nothing: tasks run to their end, and what is shared makes room for what is shared next."""

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Run the tasks that were taken first."""

        def done(job: Job, rank: JobRank, seconds: float) -> None:
            listener.done(self._tasks[job.key], rank, seconds, None)

        if self._waiting:
            self._listener = listener
            self._tasks = {task.job.key: task for task in self._waiting.popleft()}
            self._here.run([task.job for task in self._tasks.values()], done, stop)
