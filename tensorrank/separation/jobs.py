"""Jobs: the ranks of single matrices that a separation rank is computed from.

A computation is a generator. Round by round it yields jobs that do not wait for each other, and it is sent their ranks;
at its end it returns its evidence. The caller decides where jobs run, and may answer from a store. A job holds all that
it needs, its seeds too. Neither the order of jobs nor the number of threads or machines therefore changes a rank.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from tensorrank.arithmetic.compile_time import stopwatch
from tensorrank.arithmetic.progress import Progress, silent
from tensorrank.arithmetic.resources import Workers
from tensorrank.records import Record
from tensorrank.separation.limits import SMALL_BLOCK

E = TypeVar("E")


@dataclass(frozen=True)
class JobRank(Record):
    """The rank of a Hankel block, or of a sampled matrix, and how much of the matrix it was computed from.

    Attributes:
        rank: its rank over GF(p), certified.
        rows: the number of rows, as computed.
        columns: the number of columns, as computed.
        complete: whether all that can matter was used: of a block, all rows and columns or enough of them; of a grid,
            all inputs of both sides.
        saturated: whether the rank is below both, so that more samples would hardly give more, or all were used.
        finite: whether inputs are finitely many and those left out could give more, whatever the weights.
        engine: what multiplied; None in ranks that follow from others, and in those stored before this field.
    """

    rank: int
    rows: int
    columns: int
    complete: bool
    saturated: bool = True
    finite: bool = False
    engine: str | None = field(default=None, compare=False)

    @property
    def samples(self) -> tuple[int, int]:
        """The numbers of rows and columns, as computed."""
        return self.rows, self.columns


@dataclass(frozen=True, order=True)
class JobKey(Record):
    """The name of a job: no two jobs of one model and seed have the same.

    Attributes:
        draw: the number of the draw, from 0.
        prime: its modulus.
        degree: of the block in side A's moments; -1 for a matrix of all degrees.
        asked: the method and the size asked for, in words.
    """

    draw: int
    prime: int
    degree: int
    asked: str

    @property
    def brief(self) -> str:
        """The draw, and the degree if there is one, in words."""
        return f"draw {self.draw + 1}" if self.degree < 0 else f"draw {self.draw + 1}, degree {self.degree}"


class Shared(Protocol):
    """Data that all jobs of one draw need, before it is made: once in each process."""

    @property
    def memory(self) -> float:
        """Bytes while the data is made."""

    @property
    def work(self) -> float:
        """Operations of making the data."""

    def make(self, pool: Workers, report: Progress = silent) -> Any:
        """Make the data; `report` may be told the work done and the total, from the caller's thread."""


@dataclass(frozen=True, eq=False)
class Job:
    """The rank of one matrix, to be computed; a job can be pickled.

    Attributes:
        key: its name.
        rank: computes it; called with what `shared` made, threads, and a Progress, which is told the work done and the
            total.
        memory: bytes at the peak, beside what is shared.
        work: operations expected.
        room: bytes that it and others at the same time may take, beside what is shared.
        shared: what the jobs of a draw share, if anything.
    """

    key: JobKey
    rank: Callable[[Any, Workers, Progress], JobRank]
    memory: float
    work: float
    room: float
    shared: Shared | None = None


# A computation: yields rounds of jobs, is sent their ranks, and returns what they prove.
Rounds = Generator[Sequence[Job], Sequence[JobRank], E]
# Called with a job, its rank and the seconds it took, as soon as they are known.
Done = Callable[[Job, JobRank, float], None]


class Here:
    """Runs jobs in this process, on its threads.

    Args:
        pool: threads.
        report: called with the operations done so far in all runs and the job under way, from the caller's thread
            alone.
        within: called from there too, while a job that has all threads runs, with the job, the work done and its total.
        made: called when the data that a job shares was made, with the job and the seconds it took.

    Attributes:
        spent: operations done.
    """

    def __init__(
        self,
        pool: Workers,
        report: Callable[[float, Job], None] = lambda spent, job: None,
        within: Callable[[Job, float, float], None] = lambda job, done, total: None,
        made: Callable[[Job, float], None] = lambda job, seconds: None,
    ) -> None:
        self.pool = pool
        self.spent = 0.0
        self._report, self._within, self._told = report, within, made
        self._made: tuple[Shared, Any] | None = None
        self._lock = threading.Lock()
        self._caller = threading.get_ident()

    def run(self, jobs: Sequence[Job], done: Done, stop: Callable[[], bool] = lambda: False) -> None:
        """Run jobs of one draw: large ones with all threads, then small ones side by side, a thread each.

        `done` is called for each job as soon as its rank is known, never twice at a time. `stop` is asked before each;
        once it is true, no further job begins.
        """
        waiting = sorted(jobs, key=lambda job: (-job.work, job.key))
        small = [job for job in waiting if self._small(job)]
        if len(small) < 2 * self.pool.count:
            small = []  # a thread that is done first would wait
        if not waiting or stop():
            return
        shared = self._shared(waiting[0])

        def one(job: Job, pool: Workers) -> None:
            if stop():
                return
            mine = threading.get_ident() == self._caller
            clock = stopwatch()
            base, share = self.spent, 0.0

            def within(part: float, total: float, what: str) -> None:
                nonlocal share
                # The total grows where a block comes out short.
                share = max(share, min(1.0, part / total if total else 1.0))
                self._within(job, part, total)
                self._report(base + job.work * share, job)

            rank = job.rank(shared, pool, within if pool is self.pool else silent)
            seconds = clock()
            with self._lock:
                self.spent += job.work
                done(job, rank, seconds)
            if mine:
                self._report(self.spent, job)

        beside = {job.key for job in small}
        for job in waiting:
            if job.key not in beside:
                one(job, self.pool)
        self.pool.map(lambda job: one(job, Workers(1, None)), small)

    def _small(self, job: Job) -> bool:
        """True if jobs like this one can run side by side within the memory."""
        # Twice, since a block that comes out short has a left kernel beside it.
        return job.work <= SMALL_BLOCK and 2 * self.pool.count * job.memory <= job.room

    def _shared(self, job: Job) -> Any:
        shared = job.shared
        if shared is None:
            return None
        if self._made is None or self._made[0] is not shared:
            self._made = None  # what another draw shared makes room first
            clock = stopwatch()
            base = self.spent

            def within(part: float, total: float, what: str) -> None:
                self._report(base + shared.work * part / total, job)

            self._made = shared, shared.make(self.pool, within)
            self.spent += shared.work
            self._told(job, clock())
            self._report(self.spent, job)
        return self._made[1]


def finish_here(rounds: Rounds[E], pool: Workers, expected: float, report: Progress) -> E:
    """Run all jobs of a computation in this process, and return what it returns.

    A draw is expected to take so many operations. `report` is told the operations done, and those expected up to the
    end of the draw under way.
    """
    before = 0.0
    found: dict[JobKey, JobRank] = {}

    def keep(job: Job, rank: JobRank, seconds: float) -> None:
        found[job.key] = rank

    here = Here(pool, lambda spent, job: report(spent, max(before + expected, spent), job.key.brief))
    draw: Shared | None = None
    try:
        jobs = next(rounds)
        while True:
            if jobs and (jobs[0].shared is None or jobs[0].shared is not draw):
                draw, before = jobs[0].shared, here.spent
            here.run(jobs, keep)
            jobs = rounds.send([found[job.key] for job in jobs])
    except StopIteration as end:
        result: E = end.value
        return result
