"""How far a study and its present block are, and how long they may still take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tensorrank.separation.jobs import JobKey
from tensorrank.separation.limits import TYPICAL_RATE
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

# The first blocks are small, and tell little of how fast large ones go. Hence the typical rate counts as if it had been
# seen for so many seconds.
_AS_IF_SEEN = 3.0
# Every rank takes some hundredth of a second more than its operations.
_AROUND_A_RANK = 0.01 * TYPICAL_RATE
# A remainder below this share of the time elapsed is not foretold.
_FORESEEN = 0.02


def seconds_left(elapsed: float, done: float, left: float) -> float:
    """The seconds in which the operations left may be done, if those done took the seconds that have elapsed.

    A clock goes back by the seconds of a compilation that ends, and a block begins anew where its worker was lost:
    what is below zero counts as zero.

    >>> seconds_left(0, done=0, left=5e12)
    100.0
    """
    elapsed, done, left = max(0.0, elapsed), max(0.0, done), max(0.0, left)
    return left * (elapsed + _AS_IF_SEEN) / (done + _AS_IF_SEEN * TYPICAL_RATE)


def _stopwatch() -> Callable[[], float]:
    # Heavy modules are imported where they are used.
    from tensorrank.arithmetic.compile_time import stopwatch

    return stopwatch()


@dataclass
class Pace:
    """An observer of a study's events that tells how far the study is; work is in operations.

    Attributes:
        ranks: how many ranks there are to be found.
        found: how many ranks are found.
        total: the work expected in the ranks that were not in the store.
        block: the block under way that was last heard of: its model, its key, its work done and its work in all.
    """

    clock: Callable[[], float] = field(default_factory=_stopwatch)
    ranks: int = 0
    found: int = 0
    total: float = 0.0
    block: tuple[ModelKey, JobKey, float, float] | None = None
    # Of ranks under way: the work planned, the work done, and the work expected by now, which grows with further draws.
    _planned: dict[ModelKey, float] = field(default_factory=dict)
    _under_way: dict[ModelKey, tuple[float, float]] = field(default_factory=dict)
    # Of finished ranks: the work planned, and the work done. Of blocks from the store: the work they would have taken.
    _finished: float = 0.0
    _computed: float = 0.0
    _recalled: float = 0.0
    _fresh: int = 0
    _started: float = 0.0
    # When each block under way was first heard of, and what was done then.
    _first: dict[tuple[ModelKey, JobKey], tuple[float, float]] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Take note of an event."""
        match event:
            case StudyStarted(ranks, work):
                self.ranks, self.total, self._started = ranks, work, self.clock()
            case RankStarted(model, plan):
                self._planned[model], self._under_way[model] = plan.work, (0.0, plan.work)
            case Advanced(model, done, total):
                self._under_way[model] = done, total
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
                self._fresh += getattr(event, "fresh", True)
                self._finished += self._planned.pop(model, 0.0)
                self._computed += self._under_way.pop(model, (0.0, 0.0))[0]
                # Of a skipped rank, blocks under way are not heard of again.
                if self.block is not None and self.block[0] == model:
                    self.block = None

    @property
    def done(self) -> float:
        """The work done, or found in the store; of the total expected, so that it grows as the ranks are found."""
        shares = (self._planned[model] * done / total for model, (done, total) in self._under_way.items() if total)
        return self._finished + sum(shares)

    @property
    def study_left(self) -> float | None:
        """The seconds that the study may still take; what came from the store tells nothing of its pace."""
        if self.found == self.ranks:
            return None
        done, expected = (sum(column) for column in zip((0.0, 0.0), *self._under_way.values(), strict=True))
        waiting = self.total - self._finished - sum(self._planned.values())
        elapsed = self.clock() - self._started
        computed = self._computed + done - self._recalled + self._fresh * _AROUND_A_RANK
        remaining = max(0.0, waiting) + expected - done + (self.ranks - self.found) * _AROUND_A_RANK
        left = seconds_left(elapsed, computed, remaining)
        # What seems nearly done may still need further draws, or be done at once.
        return left if left > _FORESEEN * elapsed else None

    @property
    def block_left(self) -> float | None:
        """The seconds that the block under way may still take."""
        if self.block is None:
            return None
        model, key, done, total = self.block
        started, before = self._first[model, key]
        return seconds_left(self.clock() - started, done - before, total - done)
