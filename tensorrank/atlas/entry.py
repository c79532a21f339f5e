"""One entry of an atlas: a model, a partition, the rank between its sides, and where it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tensorrank.atlas.kinds import SizedModel, made
from tensorrank.checked import check_fields
from tensorrank.errors import TensorRankError
from tensorrank.given_records import field_values
from tensorrank.records import Record
from tensorrank.separation.architecture import Model, as_architecture
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.separation.result import SeparationRank
from tensorrank.whole_numbers import abbreviated

# Standings that an atlas keeps; singular values prove nothing.
CERTIFIED = ("exact", "probable", "lower bound")
# Fields of a result that an entry has by itself, or that are written only where they say something.
_OWN = ("model", "partition")
_SELDOM = ("reason", "spectrum", "numerical")


@dataclass(frozen=True)
class Entry(Record):
    """A separation rank for almost all weights, certified, with all that it takes to compute it again.

    Attributes:
        model: the model, of a kind that plain sizes make.
        partition: the two sides.
        rank: the separation rank: its value and standing, the rank of each degree's part, seeds, primes, engines,
            seconds, method and failure probability.
        version: of the tensorrank that computed it; None where nobody noted it.
        source: where it came from, in words.

    Raises:
        TensorRankError: if the rank is numerical, or the fields contradict each other.
    """

    model: SizedModel
    partition: Bipartition
    rank: SeparationRank
    version: str | None = None
    source: str = ""

    def __post_init__(self) -> None:
        check_fields(self)
        checked_partition(self.model.sites, self.partition)
        rank, parts = self.rank, self.rank.by_degree
        what = f"the ranks by degree of {named(self.model, self.partition)}"
        if rank.standing not in CERTIFIED:
            raise TensorRankError(f"a rank called {rank.standing} was given; expected one that is {', '.join(CERTIFIED)}")
        if parts is not None and sum(parts) != rank.value:
            raise TensorRankError(f"{what} add up to {abbreviated(sum(parts))}; expected its rank, {abbreviated(rank.value)}")
        # What rounding leaves is said of weights that were given.
        of_this = replace(rank, model=str(self.model), partition=tuple(sorted(self.partition.a)), numerical=None)
        object.__setattr__(self, "rank", of_this)

    @cached_property
    def key(self) -> str:
        """The text by which an atlas knows what was asked: entries of equal keys have equal ranks, as is proved."""
        return question(self.model, self.partition)

    @property
    def name(self) -> str:
        """The model and its partition, in words."""
        return named(self.model, self.partition)

    @property
    def claim(self) -> str:
        """The rank and its standing in few words, such as "18 (exact)"."""
        return f"{self.rank.brief()} ({self.rank.standing})"

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain values: the model by its kind and sizes, and the sites of side A."""
        rank = self.rank.to_dict()
        kept = {name: value for name, value in rank.items() if name not in _OWN and (name not in _SELDOM or value is not None)}
        return {
            "model": {"kind": self.model.kind, **self.model.to_dict()},
            "partition": sorted(self.partition.a),
            "rank": kept,
            "version": self.version,
            "source": self.source,
        }

    @classmethod
    def from_dict(cls, values: Any) -> Entry:
        """The entry that `to_dict` described.

        Raises:
            TensorRankError: naming the field that is missing, unknown, of another type, or contradicts others.
        """
        given = field_values(_Written, values, "an entry")
        sizes = dict(given.pop("model"))
        model = made(sizes.pop("kind", None), sizes)
        partition = Bipartition.of(model.sites, given.pop("partition"))
        return cls(model, partition, **given)


def named(model: SizedModel, partition: Bipartition) -> str:
    """A model and its partition in words; the halves are not named."""
    return f"{model}" if partition == Bipartition.halves(model.sites) else f"{model} between {partition}"


def question(model: Model, partition: PartitionLike | None = None) -> str:
    """The text by which an atlas knows a model with a partition, the halves by default.

    Raises:
        TensorRankError: if it is no model, or none that can be told from others.
    """
    architecture = as_architecture(model)
    split = checked_partition(architecture.sites, partition)
    return json.dumps({"kind": getattr(architecture, "kind", None), **architecture.rank_key(split)})


@dataclass(frozen=True)
class _Written:
    """The fields of an entry as they stand in a file."""

    model: Mapping[str, Any]
    partition: tuple[int, ...]
    rank: SeparationRank
    version: str | None = None
    source: str = ""
