"""What happens in a study, told to whoever watches: progress bars, logs, the summary at the end.

Every event names its model by its key. Those with a `heading` are written to logs: `to_dict` gives one level of plain
values, so the values of a key or of a result stand beside the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from tensorrank.records import Record
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.plan import Plan
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.model_key import ModelKey


class _Logged(Record):
    """An event for logs."""

    def to_dict(self) -> dict[str, Any]:
        """All that the event says, as one level of plain values ready for JSON."""
        flat: dict[str, Any] = {}
        for name, value in super().to_dict().items():
            flat |= value if isinstance(value, dict) else {name: value}
        return flat


@dataclass(frozen=True)
class StudyStarted(_Logged):
    """A study begins: so many ranks are to be found, and so many operations expected in those not in the store."""

    heading: ClassVar = {"event": "study started"}
    ranks: int
    work: float


@dataclass(frozen=True)
class RankStarted(_Logged):
    """A rank is to be computed as planned."""

    heading: ClassVar = {"event": "rank started"}
    left_out = ("plan",)
    derived = ("size",)
    model: ModelKey
    plan: Plan

    @property
    def size(self) -> dict[str, Any]:
        """What the rank takes: method, memory in bytes, work in operations."""
        return {"method": self.plan.method, "memory": self.plan.memory, "work": self.plan.work}


@dataclass(frozen=True)
class Advanced:
    """So many operations of a rank are done, of the total expected so far."""

    model: ModelKey
    done: float
    total: float


@dataclass(frozen=True)
class BlockAdvanced:
    """So much of one block is done; told of blocks that take their time."""

    model: ModelKey
    key: JobKey
    done: float
    total: float


@dataclass(frozen=True)
class LatticeMade(_Logged):
    """The coefficients that a draw's blocks are filled from were made, in so many seconds."""

    heading: ClassVar = {"event": "lattice made"}
    model: ModelKey
    seconds: float


@dataclass(frozen=True)
class BlockFinished(_Logged):
    """A block has a rank: computed now, or found in the store if it is not fresh.

    Attributes:
        seconds: that it took when it was computed.
        work: operations, as planned.
        worker: the worker that computed it, on a cluster.
    """

    heading: ClassVar = {"event": "block finished"}
    left_out = ("work",)
    model: ModelKey
    key: JobKey
    rank: JobRank
    seconds: float
    work: float
    fresh: bool = True
    worker: str | None = None


@dataclass(frozen=True)
class RankFinished(_Logged):
    """A rank is known: computed now, or found in the store if it is not fresh."""

    heading: ClassVar = {"event": "rank finished"}
    model: ModelKey
    result: SeparationRank
    fresh: bool


@dataclass(frozen=True)
class RankSkipped(_Logged):
    """A rank could not be computed; the study goes on without it."""

    heading: ClassVar = {"event": "rank skipped"}
    model: ModelKey
    reason: str


@dataclass(frozen=True)
class WorkersChanged(_Logged):
    """So many workers take part from now on; `lost` of those before went away."""

    heading: ClassVar = {"event": "workers changed"}
    workers: int
    lost: int = 0


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
