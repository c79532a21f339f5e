"""Where the jobs of a study run: in this process here, on a cluster in `cluster`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from tensorrank.arithmetic.resources import Workers
from tensorrank.separation.jobs import BlockRank, Here, Job


class Listener(Protocol):
    """Who is told what became of jobs; never by two threads at a time."""

    def done(self, job: Job, rank: BlockRank, seconds: float, worker: str | None) -> None:
        """The job's rank is known; it took so long, and that worker."""

    def failed(self, job: Job, reason: str) -> None:
        """The job cannot be computed."""

    def shared_made(self, job: Job, seconds: float) -> None:
        """What the job shares with others was made."""

    def advanced(self, job: Job, done: float, total: float) -> None:
        """So much of the job is done."""

    def workers_changed(self, workers: int, lost: int) -> None:
        """So many workers take part from now on."""


class Scheduler(Protocol):
    """Runs jobs."""

    @property
    def ahead(self) -> int:
        """How many ranks are worth having under way at once."""

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs of one draw."""

    def forget(self, jobs: Sequence[Job]) -> None:
        """Jobs of one draw, after which no other of that draw comes: drop those not finished, and what they share."""

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Work, or wait, until at least one of the jobs taken is finished; tell the listener.

        Once `stop` is true no job begins; those under way are finished, and the others dropped.
        """


class Threads:
    """Runs the jobs in this process: one rank after the other, on all threads."""

    ahead: int = 1

    def __init__(self, pool: Workers) -> None:
        self._waiting: deque[Sequence[Job]] = deque()
        self._listener: Listener | None = None
        self._here = Here(pool, within=self._within, made=self._made)

    def submit(self, jobs: Sequence[Job]) -> None:
        """Take jobs of one draw."""
        self._waiting.append(jobs)

    def forget(self, jobs: Sequence[Job]) -> None:
        """Nothing is left of them: jobs run to their end, and what is shared makes room for what is shared next."""

    def wait(self, listener: Listener, stop: Callable[[], bool]) -> None:
        """Run the jobs that were taken first."""
        self._listener = listener

        def done(job: Job, rank: BlockRank, seconds: float) -> None:
            listener.done(job, rank, seconds, None)

        if self._waiting:
            self._here.run(self._waiting.popleft(), done, stop)

    def _within(self, job: Job, done: float, total: float) -> None:
        if self._listener is not None:
            self._listener.advanced(job, done, total)

    def _made(self, job: Job, seconds: float) -> None:
        if self._listener is not None:
            self._listener.shared_made(job, seconds)
