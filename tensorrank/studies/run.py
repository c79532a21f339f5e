"""Running a study: tasks are answered from the store, or sent to a scheduler and stored once they are finished."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tensorrank.separation.architecture import Model
from tensorrank.separation.evidence import Evidence
from tensorrank.separation.jobs import Job, JobKey, JobRank, Shared
from tensorrank.separation.limits import Limits
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import Computation
from tensorrank.short_reprs import ShortRepr
from tensorrank.studies.events import (
    Advanced,
    BlockAdvanced,
    BlockFinished,
    LatticeMade,
    Observer,
    RankFinished,
    RankSkipped,
    RankStarted,
    StoreWritten,
    StudyStarted,
    WorkersChanged,
)
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.scheduler import Scheduler, Task
from tensorrank.studies.store import Store

T = TypeVar("T")
M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Finding(ShortRepr, Generic[T]):
    """One model and its separation rank.

    Attributes:
        model: the model; the partition is the balanced halves of its sites.
        result: the rank with its standing; its seconds are those of its blocks, wherever they were computed.
        fresh: whether it was computed now rather than found in the store.
        from_atlas: whether it was taken from an atlas, and is none of the study's own.
    """

    model: T
    result: SeparationRank
    fresh: bool = field(default=True, compare=False)
    from_atlas: bool = field(default=False, compare=False)

    @property
    def proved(self) -> bool:
        """Whether the value is the rank (exact, or probable), and not a lower bound of it."""
        return self.result.standing in ("exact", "probable")


@dataclass(eq=False)
class _UnderWay:
    """A rank that is being computed: its tasks of now, what is known of them, and what it took."""

    key: ModelKey
    computation: Computation
    tasks: Sequence[Task] = ()
    found: dict[JobKey, JobRank] = field(default_factory=dict)
    seconds: float = 0.0
    spent: float = 0.0
    before: float = 0.0
    draw: Shared | None = None

    @property
    def answered(self) -> bool:
        """Whether the computation can go on."""
        return all(task.job.key in self.found for task in self.tasks)

    @property
    def answers(self) -> list[JobRank]:
        """The ranks of the tasks of now, in their order."""
        return [self.found[task.job.key] for task in self.tasks]

    def note(self, job: Job, rank: JobRank, seconds: float) -> None:
        """Keep the rank of a job."""
        self.found[job.key] = rank
        self.seconds += seconds
        self.spent += job.work

    def advance(self, done: float) -> Advanced:
        """The event that so many operations are done, of those expected so far."""
        return Advanced(self.key, done, max(self.before + self.computation.plan.work, done))


@dataclass(eq=False)
class Run(Generic[M]):
    """One run of a study, and the listener of its scheduler.

    Args:
        models: the models, all different, by their keys.
        begin: gives the computation of one.
        seed: of all.
        limits: of all.
        store: where everything is looked up first, and kept.
        scheduler: where tasks run.
        observe: told of every event.
        stop: once true, nothing new begins.
    """

    models: Mapping[ModelKey, M]
    begin: Callable[[M], Computation]
    seed: int
    limits: Limits
    store: Store
    scheduler: Scheduler
    observe: Observer
    stop: Callable[[], bool]
    _under_way: dict[ModelKey, _UnderWay] = field(default_factory=dict)
    # Of a rank that was given up there is no finding.
    _finished: dict[ModelKey, Finding[M] | None] = field(default_factory=dict)

    def findings(self) -> Iterator[Finding[M]]:
        """Compute, and yield every finding in the order of the models, without those that had to be skipped.

        Raises:
            KeyboardInterrupt: if it was stopped, once what was under way is stored.
            StoreError: if a result contradicts a stored one, or cannot be stored.
        """
        try:
            yield from self._found()
        finally:
            # Whatever ended this study, its scheduler may serve another one.
            for one in self._under_way.values():
                self.scheduler.forget(one.tasks)

    def _found(self) -> Iterator[Finding[M]]:
        waiting, unsaid = deque(self.models), deque(self.models)
        self.observe(StudyStarted(len(waiting), self._expected_work()))
        while unsaid:
            while unsaid and unsaid[0] in self._finished:
                finding = self._finished.pop(unsaid.popleft())
                if finding is not None:
                    yield finding
            if self.stop():
                break
            while waiting and len(self._under_way) < self.scheduler.ahead and not self.stop():
                self._start(waiting.popleft())
            if self._under_way:
                self.scheduler.wait(self, self.stop)
            for one in list(self._under_way.values()):
                if one.answered:
                    self._go_on(one, one.answers)
        if unsaid:
            raise KeyboardInterrupt("the study was stopped")

    def done(self, task: Task, rank: JobRank, seconds: float, worker: str | None) -> None:
        """Store a block, also of a rank that was given up meanwhile, and note it."""
        job = task.job
        with self._timed():
            self.store.put_block(task.model, self.seed, job.key, rank, seconds, self.limits)
        one = self._under_way.get(task.model)
        if one is not None:
            one.note(job, rank, seconds)
        self.observe(BlockFinished(task.model, job.key, rank, seconds, job.work, worker=worker))
        if one is not None:
            self.observe(one.advance(one.spent))

    def failed(self, task: Task, reason: str) -> None:
        """Give up the rank that the task is part of."""
        one = self._under_way.pop(task.model, None)
        if one is not None:
            self._finished[task.model] = None
            self.scheduler.forget(one.tasks)
            self.observe(RankSkipped(task.model, reason))

    def shared_made(self, task: Task, seconds: float) -> None:
        """Note the seconds that the coefficients of a draw took."""
        one = self._under_way.get(task.model)
        if one is not None:
            one.seconds += seconds
            one.spent += task.job.shared.work if task.job.shared is not None else 0.0
            self.observe(LatticeMade(task.model, seconds))
            self.observe(one.advance(one.spent))

    def advanced(self, task: Task, done: float, total: float) -> None:
        """Tell how far a block is."""
        one = self._under_way.get(task.model)
        if one is not None:
            self.observe(BlockAdvanced(task.model, task.job.key, done, total))
            self.observe(one.advance(one.spent + task.job.work * min(1.0, done / total if total else 1.0)))

    def workers_changed(self, workers: int, lost: int) -> None:
        """Tell of the workers."""
        self.observe(WorkersChanged(workers, lost))

    def _expected_work(self) -> float:
        unsettled = [model for key, model in self.models.items() if not self._settled(key)]
        return sum(self.begin(model).plan.work for model in unsettled)

    def _settled(self, key: ModelKey) -> SeparationRank | None:
        before = self.store.get(key)
        return before.result if before is not None and before.settles(self.limits, self.seed) else None

    def _start(self, key: ModelKey) -> None:
        model = self.models[key]
        known = self._settled(key)
        if known is not None:
            self._finish(key, known, fresh=False)
            return
        one = self._under_way[key] = _UnderWay(key, self.begin(model))
        self.observe(RankStarted(key, one.computation.plan))
        self._go_on(one)

    def _go_on(self, one: _UnderWay, ranks: Sequence[JobRank] | None = None) -> None:
        """Take the next round of jobs, and those after it as long as the store knows every answer."""
        rounds = one.computation.rounds
        while True:
            before = one.tasks
            try:
                jobs = next(rounds) if ranks is None else rounds.send(ranks)
            except StopIteration as end:
                self.scheduler.forget(before)
                self._conclude(one, end.value)
                return
            if jobs and jobs[0].shared is not one.draw:
                self.scheduler.forget(before)
                one.draw, one.before = jobs[0].shared, one.spent
            plan = one.computation.plan
            one.tasks, one.found = [Task(one.key, job, plan.engine, plan.device) for job in jobs], {}
            missing = [task for task in one.tasks if not self._recalled(one, task.job)]
            if missing:
                self.scheduler.submit(missing)
                return
            ranks = one.answers

    def _recalled(self, one: _UnderWay, job: Job) -> bool:
        """Whether the store knows the job's rank; then it is noted."""
        before = self.store.get_block(one.key, self.seed, job.key)
        if before is None or not before.settles(self.limits):
            return False
        one.note(job, before.rank, before.seconds)
        self.observe(BlockFinished(one.key, job.key, before.rank, before.seconds, job.work, fresh=False))
        return True

    def _conclude(self, one: _UnderWay, evidence: Evidence) -> None:
        del self._under_way[one.key]
        result = one.computation.result(evidence, one.seconds)
        with self._timed():
            result = self.store.put(one.key, result, self.limits)
        self._finish(one.key, result, fresh=True)

    def _finish(self, key: ModelKey, result: SeparationRank, *, fresh: bool) -> None:
        self._finished[key] = Finding(self.models[key], result, fresh)
        self.observe(RankFinished(key, result, fresh))

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Tell how long the store took, also where it raises an error."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.observe(StoreWritten(time.perf_counter() - started))
