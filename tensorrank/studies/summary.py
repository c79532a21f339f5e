"""What a study came to: how many ranks of each standing, what was computed and what found, where the time went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tensorrank.attention.architecture import SelfAttention
from tensorrank.studies.events import (
    BlockFinished,
    Event,
    LatticeMade,
    RankFinished,
    RankSkipped,
    StoreWritten,
    WorkersChanged,
)


@dataclass
class Summary:
    """An observer that counts a study's events.

    Attributes:
        standings: ranks by standing.
        computed, stored: ranks that were computed now, and that were found in the store.
        blocks_computed, blocks_stored: the same of blocks.
        seconds: of each stage: lattice, blocks (both on all workers together), store.
        skipped: ranks that could not be computed, with the reason.
        workers_lost: workers that went away.
    """

    standings: Counter[str] = field(default_factory=Counter)
    computed: int = 0
    stored: int = 0
    blocks_computed: int = 0
    blocks_stored: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"lattice": 0.0, "blocks": 0.0, "store": 0.0})
    skipped: list[tuple[SelfAttention, str]] = field(default_factory=list)
    workers_lost: int = 0

    def __call__(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RankFinished(_, result, fresh):
                self.standings[result.standing] += 1
                self.computed += fresh
                self.stored += not fresh
            case RankSkipped(model, reason):
                self.skipped.append((model, reason))
            case BlockFinished(seconds=seconds, fresh=fresh):
                self.blocks_computed += fresh
                self.blocks_stored += not fresh
                if fresh:
                    self.seconds["blocks"] += seconds
            case LatticeMade(_, seconds):
                self.seconds["lattice"] += seconds
            case StoreWritten(seconds):
                self.seconds["store"] += seconds
            case WorkersChanged(_, lost):
                self.workers_lost += lost

    def lines(self) -> list[str]:
        """In words."""
        counts = [
            f"{self.standings['exact']} exact",
            f"{self.standings['probable']} probable",
            f"{self.standings['lower bound']} lower bound{'' if self.standings['lower bound'] == 1 else 's'}",
        ]
        if self.skipped:
            counts.append(f"{len(self.skipped)} skipped")
        stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.seconds.items())
        lines = [
            f"ranks: {', '.join(counts)}; {self.computed} computed, {self.stored} from the store",
            f"blocks: {self.blocks_computed} computed, {self.blocks_stored} from the store",
            f"time: {stages}",
        ]
        if self.workers_lost:
            lines.append(f"workers lost: {self.workers_lost}")
        return lines + [f"skipped: {model}: {reason}" for model, reason in self.skipped]

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "event": "summary",
            "exact": self.standings["exact"],
            "probable": self.standings["probable"],
            "lower_bounds": self.standings["lower bound"],
            "computed": self.computed,
            "stored": self.stored,
            "blocks_computed": self.blocks_computed,
            "blocks_stored": self.blocks_stored,
            "seconds": {stage: round(seconds, 3) for stage, seconds in self.seconds.items()},
            "skipped": [{**model.to_dict(), "reason": reason} for model, reason in self.skipped],
            "workers_lost": self.workers_lost,
        }
