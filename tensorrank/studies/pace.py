"""How far a study and its present block are, and how long they may still take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tensorrank.separation.jobs import JobKey
from tensorrank.studies.events import (
    Advanced,
    BlockAdvanced,
    BlockFinished,
    Event,
    RankFinished,
    RankSkipped,
    RankStarted,
    StudyStarted,
)
from tensorrank.studies.model_key import ModelKey


def seconds_left(elapsed: float, done: float, total: float) -> float | None:
    """The seconds that remain at the pace so far; None where nothing is done yet.

    >>> seconds_left(10, done=25, total=100)
    30.0
    """
    return elapsed * max(0.0, total - done) / done if done > 0 else None


@dataclass
class Pace:
    """An observer of a study's events that tells how far the study is; work is in operations.

    Attributes:
        ranks: how many ranks there are to be found.
        found: how many ranks are found.
        total: the work expected in the ranks that were not in the store.
        block: the block under way that was last heard of: its model, its key, its work done and its work in all.
    """

    clock: Callable[[], float] = time.monotonic
    ranks: int = 0
    found: int = 0
    total: float = 0.0
    block: tuple[ModelKey, JobKey, float, float] | None = None
    _finished: float = 0.0
    _recalled: float = 0.0
    _planned: dict[ModelKey, float] = field(default_factory=dict)
    _shares: dict[ModelKey, float] = field(default_factory=dict)
    _started: float = 0.0
    # When each block under way was first heard of, and what was done then.
    _first: dict[tuple[ModelKey, JobKey], tuple[float, float]] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case StudyStarted(ranks, work):
                self.ranks, self.total, self._started = ranks, work, self.clock()
            case RankStarted(model, plan):
                self._planned[model], self._shares[model] = plan.work, 0.0
            case Advanced(model, done, total):
                self._shares[model] = done / total if total else 0.0
            case BlockAdvanced(model, key, done, total):
                self._first.setdefault((model, key), (self.clock(), done))
                self.block = model, key, done, total
            case BlockFinished(model, key, fresh=fresh, work=work):
                self._first.pop((model, key), None)
                if self.block is not None and self.block[:2] == (model, key):
                    self.block = None
                if not fresh:
                    self._recalled += min(work, self._planned.get(model, 0.0))
            case RankFinished(model) | RankSkipped(model):
                self.found += 1
                self._finished += self._planned.pop(model, 0.0)
                self._shares.pop(model, None)
                # Of a skipped rank, blocks under way are not heard of again.
                if self.block is not None and self.block[0] == model:
                    self.block = None

    @property
    def done(self) -> float:
        """The work done, or found in the store."""
        return self._finished + sum(share * self._planned[model] for model, share in self._shares.items())

    @property
    def study_left(self) -> float | None:
        """The seconds that the study may still take; what came from the store tells nothing of its pace."""
        mine = self.done - self._recalled
        return seconds_left(self.clock() - self._started, mine, mine + self.total - self.done)

    @property
    def block_left(self) -> float | None:
        """The seconds that the block under way may still take."""
        if self.block is None:
            return None
        model, key, done, total = self.block
        started, before = self._first[model, key]
        return seconds_left(self.clock() - started, done - before, total - before)
