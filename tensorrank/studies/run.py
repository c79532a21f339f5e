"""Running a study: jobs are answered from the store or sent to a scheduler, and stored as soon as they are finished."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from tensorrank.attention.architecture import SelfAttention
from tensorrank.separation.evidence import Evidence
from tensorrank.separation.jobs import BlockRank, Job, JobKey, Shared
from tensorrank.separation.limits import Limits
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import Computation
from tensorrank.studies.events import (
    Advanced,
    BlockAdvanced,
    BlockFinished,
    Event,
    LatticeMade,
    Observer,
    RankFinished,
    RankSkipped,
    RankStarted,
    StoreWritten,
    StudyStarted,
    WorkersChanged,
)
from tensorrank.studies.scheduler import Scheduler
from tensorrank.studies.store import Store


@dataclass(frozen=True)
class Finding:
    """One architecture and its separation rank.

    Attributes:
        model: the architecture; the partition is its balanced halves.
        result: the rank with its standing; its seconds are those of its blocks, wherever they were computed.
        fresh: whether it was computed now rather than found in the store.
    """

    model: SelfAttention
    result: SeparationRank
    fresh: bool = True

    @property
    def proved(self) -> bool:
        """Whether the value is the rank (exact, or probable), and not a lower bound of it."""
        return self.result.standing in ("exact", "probable")


@dataclass(eq=False)
class _UnderWay:
    """A rank that is being computed: its jobs of now, what is known of them, and what it took."""

    number: int
    model: SelfAttention
    computation: Computation
    jobs: Sequence[Job] = ()
    found: dict[JobKey, BlockRank] = field(default_factory=dict)
    seconds: float = 0.0
    spent: float = 0.0
    before: float = 0.0
    draw: Shared | None = None
    skipped: bool = False

    @property
    def answered(self) -> bool:
        """Whether the computation can go on."""
        return all(job.key in self.found for job in self.jobs)

    @property
    def answers(self) -> list[BlockRank]:
        """The ranks of the jobs of now, in their order."""
        return [self.found[job.key] for job in self.jobs]

    def total(self, done: float) -> float:
        """The operations expected so far, of which so many are done."""
        return max(self.before + self.computation.plan.work, done)


class Run:
    """One run of a study over some architectures.

    Args:
        models: the architectures.
        begin: the computation of one.
        seed: of all.
        limits: of all.
        store: where everything is looked up first, and kept.
        scheduler: where jobs run.
        observe: told of every event.
        stop: once true, nothing new begins.
    """

    def __init__(
        self,
        models: Sequence[SelfAttention],
        begin: Callable[[SelfAttention], Computation],
        seed: int,
        limits: Limits,
        store: Store,
        scheduler: Scheduler,
        observe: Observer,
        stop: Callable[[], bool],
    ) -> None:
        self._models, self._begin = models, begin
        self._seed, self._limits = seed, limits
        self._store, self._scheduler = store, scheduler
        self._observe, self._stop = observe, stop
        self._owners: dict[int, _UnderWay] = {}
        self._finished: dict[int, Finding | None] = {}

    def findings(self) -> Iterator[Finding]:
        """Every finding in the order of the architectures; without those that had to be skipped.

        Raises:
            KeyboardInterrupt: if it was stopped, once what was under way is stored.
            StoreError: if a result contradicts a stored one, or cannot be stored.
        """
        waiting = deque(enumerate(self._models))
        under_way: list[_UnderWay] = []
        said = 0
        self._observe(StudyStarted(len(waiting), self._expected_work()))
        while waiting or under_way or said in self._finished:
            while said in self._finished:
                finding = self._finished.pop(said)
                said += 1
                if finding is not None:
                    yield finding
            if self._stop():
                break
            while waiting and len(under_way) < self._scheduler.ahead and not self._stop():
                started = self._started(*waiting.popleft())
                if started is not None:
                    under_way.append(started)
            if any(one.jobs and not one.skipped for one in under_way):
                self._scheduler.wait(self, self._stop)
            for one in under_way:
                if one.jobs and not one.skipped and one.answered:
                    self._go_on(one, one.answers)
            under_way = [one for one in under_way if one.jobs and not one.skipped]
        if waiting or under_way:
            raise KeyboardInterrupt("the study was stopped")

    def done(self, job: Job, rank: BlockRank, seconds: float, worker: str | None) -> None:
        """Store a block, and note it."""
        one = self._owners.pop(id(job))
        with _Timed(self._observe):
            self._store.put_block(one.model, self._seed, job.key, rank, seconds, self._limits)
        self._note(one, job, rank, seconds)
        self._observe(BlockFinished(one.model, job.key, rank, seconds, job.work, worker=worker))
        if not one.skipped:
            self._advance(one, one.spent)

    def failed(self, job: Job, reason: str) -> None:
        """Give up the rank that the job is part of."""
        one = self._owners.pop(id(job))
        if not one.skipped:
            one.skipped = True
            self._finished[one.number] = None
            self._scheduler.forget(one.jobs)
            self._observe(RankSkipped(one.model, reason))

    def shared_made(self, job: Job, seconds: float) -> None:
        """Note what the coefficients took."""
        one = self._owner(job)
        if one is not None:
            one.seconds += seconds
            one.spent += job.shared.work if job.shared is not None else 0.0
            self._observe(LatticeMade(one.model, seconds))
            self._advance(one, one.spent)

    def advanced(self, job: Job, done: float, total: float) -> None:
        """Tell how far a block is."""
        one = self._owner(job)
        if one is not None:
            self._observe(BlockAdvanced(one.model, job.key, done, total))
            self._advance(one, one.spent + job.work * min(1.0, done / total if total else 1.0))

    def workers_changed(self, workers: int, lost: int) -> None:
        """Tell it."""
        self._observe(WorkersChanged(workers, lost))

    def _owner(self, job: Job) -> _UnderWay | None:
        """The rank that a job is part of, unless it is given up."""
        one = self._owners.get(id(job))
        return None if one is None or one.skipped else one

    def _expected_work(self) -> float:
        return sum(self._begin(model).plan.work for model in self._models if not self._settled(model))

    def _settled(self, model: SelfAttention) -> SeparationRank | None:
        before = self._store.get(model)
        return before.result if before is not None and before.settles(self._limits, self._seed) else None

    def _started(self, number: int, model: SelfAttention) -> _UnderWay | None:
        known = self._settled(model)
        if known is not None:
            self._finish(number, Finding(model, known, fresh=False))
            return None
        one = _UnderWay(number, model, self._begin(model))
        self._observe(RankStarted(model, one.computation.plan))
        self._go_on(one)
        return one if one.jobs else None

    def _go_on(self, one: _UnderWay, ranks: Sequence[BlockRank] | None = None) -> None:
        """Take the next step, and those after it as long as the store knows every answer."""
        steps = one.computation.steps
        while True:
            before = one.jobs
            try:
                one.jobs = next(steps) if ranks is None else steps.send(ranks)
            except StopIteration as end:
                one.jobs = ()
                self._scheduler.forget(before)
                self._conclude(one, end.value)
                return
            if one.jobs and one.jobs[0].shared is not one.draw:
                self._scheduler.forget(before)
                one.draw, one.before = one.jobs[0].shared, one.spent
            one.found = {}
            missing = [job for job in one.jobs if not self._recalled(one, job)]
            if missing:
                self._owners |= {id(job): one for job in missing}
                self._scheduler.submit(missing)
                return
            ranks = one.answers

    def _recalled(self, one: _UnderWay, job: Job) -> bool:
        """Whether the store knows the job's rank; then it is noted."""
        before = self._store.get_block(one.model, self._seed, job.key)
        if before is None or not before.settles(self._limits):
            return False
        self._note(one, job, before.rank, before.seconds)
        self._observe(BlockFinished(one.model, job.key, before.rank, before.seconds, job.work, fresh=False))
        return True

    def _note(self, one: _UnderWay, job: Job, rank: BlockRank, seconds: float) -> None:
        one.found[job.key] = rank
        one.seconds += seconds
        one.spent += job.work

    def _advance(self, one: _UnderWay, done: float) -> None:
        self._observe(Advanced(one.model, done, one.total(done)))

    def _conclude(self, one: _UnderWay, evidence: Evidence) -> None:
        result = one.computation.result(evidence, one.seconds)
        with _Timed(self._observe):
            result = self._store.put(one.model, result, self._limits)
        self._finish(one.number, Finding(one.model, result))

    def _finish(self, number: int, finding: Finding) -> None:
        self._finished[number] = finding
        self._observe(RankFinished(finding.model, finding.result, finding.fresh))


class _Timed:
    """Tells how long the store took."""

    def __init__(self, observe: Callable[[Event], None]) -> None:
        self._observe = observe

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self._observe(StoreWritten(time.perf_counter() - self._started))
