"""What a study came to: how many ranks of each standing, what was computed and what found, where the time went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from tensorrank.records import Record
from tensorrank.separation.result import Standing
from tensorrank.studies.events import BlockFinished, Event, LatticeMade, RankFinished, RankSkipped, StoreWritten, WorkersChanged


@dataclass
class Summary(Record):
    """An observer that counts a study's events.

    Attributes:
        exact, probable, lower_bounds: ranks of each standing.
        computed, stored: ranks that were computed now, and ranks that were found in the store.
        proved: those of both that a theorem gives, for which no block is computed.
        blocks_computed, blocks_stored: blocks that were computed now, and blocks that were found in the store.
        seconds: of each stage: lattice, blocks (both on all workers together), store.
        skipped: ranks that could not be computed, with the reason.
        workers_lost: workers that went away.
    """

    heading: ClassVar = {"event": "summary"}
    exact: int = 0
    probable: int = 0
    lower_bounds: int = 0
    computed: int = 0
    stored: int = 0
    proved: int = 0
    blocks_computed: int = 0
    blocks_stored: int = 0
    seconds: dict[str, float] = field(default_factory=lambda: {"lattice": 0.0, "blocks": 0.0, "store": 0.0})
    skipped: list[RankSkipped] = field(default_factory=list)
    workers_lost: int = 0

    def __call__(self, event: Event) -> None:
        """Count an event."""
        match event:
            case RankFinished(_, result, fresh):
                self.exact += result.standing == "exact"
                self.probable += result.standing == "probable"
                self.lower_bounds += result.standing == "lower bound"
                self.computed += fresh
                self.stored += not fresh
                self.proved += result.method == "theorem"
            case RankSkipped():
                self.skipped.append(event)
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

    def count(self, standings: Iterable[Standing]) -> None:
        """Count the ranks of each standing anew, as they are shown."""
        shown = Counter(standings)
        self.exact, self.probable, self.lower_bounds = shown["exact"], shown["probable"], shown["lower bound"]

    def lines(self) -> list[str]:
        """The summary in words."""
        bounds = f"{self.lower_bounds} lower bound{'' if self.lower_bounds == 1 else 's'}"
        counts = [f"{self.exact} exact", f"{self.probable} probable", bounds]
        if self.skipped:
            counts.append(f"{len(self.skipped)} skipped")
        proved = f"; {self.proved} of these known by theorems" if self.proved else ""
        lines = [
            f"ranks: {', '.join(counts)}; {self.computed} computed, {self.stored} from the store{proved}",
            f"blocks: {self.blocks_computed} computed, {self.blocks_stored} from the store",
            f"time: {', '.join(f'{stage} {seconds:.1f} s' for stage, seconds in self.seconds.items())}",
        ]
        if self.workers_lost:
            lines.append(f"workers lost: {self.workers_lost}")
        return lines + [f"skipped: {event.model}: {event.reason}" for event in self.skipped]
