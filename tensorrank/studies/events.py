"""What happens in a study, told to whoever watches: progress bars, logs, the summary at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tensorrank.attention.architecture import SelfAttention
from tensorrank.separation.jobs import BlockRank, JobKey
from tensorrank.separation.plan import Plan
from tensorrank.separation.result import SeparationRank


@dataclass(frozen=True)
class StudyStarted:
    """So many ranks are to be found, with so many operations expected in those that are not in the store."""

    ranks: int
    work: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"event": "study started", "ranks": self.ranks, "work": self.work}


@dataclass(frozen=True)
class RankStarted:
    """A rank is to be computed as planned."""

    model: SelfAttention
    plan: Plan

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        plan = self.plan
        size = {"method": plan.method, "memory": plan.memory, "work": plan.work}
        return {"event": "rank started", **self.model.to_dict(), **size}


@dataclass(frozen=True)
class Advanced:
    """So many operations of a rank are done, of the total expected so far."""

    model: SelfAttention
    done: float
    total: float


@dataclass(frozen=True)
class BlockAdvanced:
    """So much of one block is done; told of blocks that take their time."""

    model: SelfAttention
    key: JobKey
    done: float
    total: float


@dataclass(frozen=True)
class LatticeMade:
    """The coefficients that a draw's blocks are filled from took so many seconds."""

    model: SelfAttention
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"event": "lattice made", **self.model.to_dict(), "seconds": round(self.seconds, 6)}


@dataclass(frozen=True)
class BlockFinished:
    """A block has a rank, for so many operations: computed now, or found in the store if it is not fresh.

    `worker` names who computed it, on a cluster.
    """

    model: SelfAttention
    key: JobKey
    rank: BlockRank
    seconds: float
    work: float
    fresh: bool = True
    worker: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        rows, columns = self.rank.samples
        return {
            "event": "block finished",
            **self.model.to_dict(),
            "draw": self.key.draw,
            "prime": self.key.prime,
            "degree": self.key.degree,
            "asked": self.key.asked,
            "rank": self.rank.rank,
            "rows": rows,
            "columns": columns,
            "complete": self.rank.complete,
            "seconds": round(self.seconds, 6),
            "fresh": self.fresh,
            "worker": self.worker,
        }


@dataclass(frozen=True)
class RankFinished:
    """A rank is known: computed now, or found in the store if it is not fresh."""

    model: SelfAttention
    result: SeparationRank
    fresh: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "event": "rank finished",
            **self.model.to_dict(),
            "value": self.result.value,
            "standing": self.result.standing,
            "reason": self.result.reason,
            "seconds": round(self.result.seconds, 6),
            "fresh": self.fresh,
        }


@dataclass(frozen=True)
class RankSkipped:
    """A rank could not be computed; the study goes on without it."""

    model: SelfAttention
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"event": "rank skipped", **self.model.to_dict(), "reason": self.reason}


@dataclass(frozen=True)
class WorkersChanged:
    """So many workers take part from now on; `lost` of them went away."""

    workers: int
    lost: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {"event": "workers changed", "workers": self.workers, "lost": self.lost}


@dataclass(frozen=True)
class StoreWritten:
    """Writing to the store took so many seconds."""

    seconds: float


Event = (
    StudyStarted
    | RankStarted
    | Advanced
    | BlockAdvanced
    | LatticeMade
    | BlockFinished
    | RankFinished
    | RankSkipped
    | WorkersChanged
    | StoreWritten
)
Observer = Callable[[Event], None]
