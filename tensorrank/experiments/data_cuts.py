"""Which cuts data favours: its entanglement at canonical cuts, for several orders of its variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import checked
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.experiments.canonical_cuts import canonical_partitions
from tensorrank.experiments.experiment import Experiment, told, where
from tensorrank.networks.data_tensor import DataTensor, checked_order
from tensorrank.records import Record
from tensorrank.separation.architecture import Model, as_architecture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

# The name of the order in which the data came, and of random ones, which are numbered.
_GIVEN, _PERMUTED = "as given", "permuted"


@checked
@dataclass(frozen=True)
class DataCut(Record):
    """The data at one canonical cut.

    Attributes:
        order: the name of the order of the variables; random ones are called "permuted 1" and so on.
        level: the level of the cut, from 1, where the variables are halved.
        block: the number of the block at its level, from 0.
        size: the variables in the block.
        entanglement: in nats.
        rank: the separation rank with its standing, whose partition has the numbers of the variables in the order as
            given; None where ranks were not asked for.
    """

    order: str
    level: int
    block: int
    size: int
    entanglement: float
    rank: SeparationRank | None = None


@checked
@dataclass(frozen=True)
class ModelCut(Record):
    """What a model can represent at the cuts of one level.

    Attributes:
        model: its name.
        level: the level of the cuts.
        log_rank: the natural logarithm of the proven upper bound on its separation rank, the mean over all blocks. Data
            of a larger mean entanglement is none of the model's functions.
    """

    model: str
    level: int
    log_rank: float


@checked
@dataclass(frozen=True, eq=False)
class DataCuts(EqualByValue, Experiment, name="data cuts"):
    """The entanglement of data at all canonical cuts, for several orders of its variables.

    Attributes:
        data: the data in words.
        sites: the number of variables.
        seed: of the random orders.
        orders: the order of the variables for each name.
        rows: one row for an order and a cut.
        models: one row for a model and a level.

    >>> copied = DataTensor([[0, 1, 0, 1], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    >>> found = data_entanglement(copied, orders={"pairs together": (0, 2, 1, 3)}, permutations=0)
    >>> [round(found.mean(order, 1)[0] / log(2), 6) for order in found.orders]
    [2.0, 0.0]
    """

    data: str
    sites: int
    seed: int
    orders: Mapping[str, tuple[int, ...]]
    rows: tuple[DataCut, ...]
    models: tuple[ModelCut, ...] = ()

    @property
    def levels(self) -> tuple[int, ...]:
        """The levels of the cuts, coarse ones first."""
        return tuple(dict.fromkeys(row.level for row in self.rows))

    @property
    def families(self) -> tuple[str, ...]:
        """The names of the orders; all random ones together are "permuted"."""
        return tuple(dict.fromkeys(_family(order) for order in self.orders))

    def of(self, order: str, level: int) -> tuple[DataCut, ...]:
        """The rows of one order at a level."""
        return where(self.rows, order=order, level=level)

    def mean(self, family: str, level: int) -> tuple[float, float]:
        """The mean entanglement over the blocks of a level, and its standard deviation over random orders.

        Args:
            family: the name of an order, or "permuted" for all random ones.
            level: the level.

        Raises:
            TensorRankError: if there is no such order or level.
        """
        orders = [order for order in self.orders if family in (order, _family(order))]
        means = [float(np.mean([row.entanglement for row in rows])) for order in orders if (rows := self.of(order, level))]
        if not means:
            raise TensorRankError(
                f"the order {shown(family)} at level {level} was asked for; expected one of {', '.join(self.families)} and a "
                f"level from 1 to {len(self.levels)}"
            )
        return float(np.mean(means)), float(np.std(means, ddof=1)) if len(means) > 1 else 0.0

    def findings(self) -> tuple[str, ...]:
        """What other orders than the one given change, a sentence for each, from the rows alone."""
        return tuple(self._finding(family) for family in self.families if family != _GIVEN)

    def favoured(self) -> str:
        """The name of the order, random ones among them, whose mean entanglement over all levels is least."""
        totals = {order: sum(self.mean(order, level)[0] for level in self.levels) for order in self.orders}
        return min(totals, key=lambda order: totals[order])

    def _finding(self, family: str) -> str:
        gains = {level: self.mean(family, level)[0] - self.mean(_GIVEN, level)[0] for level in self.levels}
        spreads = {level: self.mean(family, level)[1] for level in self.levels}
        more = [level for level in self.levels if gains[level] > max(2 * spreads[level], 1e-6)]
        less = [level for level in self.levels if gains[level] < -max(2 * spreads[level], 1e-6)]
        parts = [
            f"{words} at level{'s' * (len(levels) > 1)} {', '.join(map(str, levels))} "
            f"(by {' to '.join(dict.fromkeys(f'{size:.2f}' for size in (min(sizes), max(sizes))))} nats)"
            for words, levels in (("more entangled", more), ("less entangled", less))
            if (sizes := [abs(gains[level]) for level in levels])
        ]
        same = len(self.levels) - len(more) - len(less)
        return f"{family}, beside the order as given: {' and '.join(parts) or 'as entangled'}" + (
            f"; no difference at {same} other{'s' * (same > 1)}" if parts and same else ""
        )


@checked
@with_progress
def data_entanglement(
    data: DataTensor,
    *,
    orders: Mapping[str, Sequence[int]] | None = None,
    permutations: int = 3,
    models: Mapping[str, Model] | None = None,
    ranks: bool = False,
    seed: int = 0,
    memory: int | str | None = None,
    progress: ProgressLike = None,
) -> DataCuts:
    """The entanglement of data at the canonical cuts: of the order given, of others, and of random ones.

    A canonical cut separates a contiguous block of the variables from all others: `canonical_partitions`. What a
    locally connected network of some width represents has little entanglement there. Models are put beside the data by
    the logarithm of their proven upper bound on ranks.

    Args:
        data: the data.
        orders: further orders of the variables by name, such as `z_order(8)` or `arranged_order(data)`.
        permutations: the number of random orders.
        models: architectures by name, each of as many sites as the data has variables.
        ranks: whether separation ranks are computed, too.
        seed: a whole number.
        memory: as for `DataTensor.spectrum`.
        progress: True shows a line in a terminal or a notebook; a function is called with the cuts done, their number,
            and the next cut in words.

    Raises:
        TensorRankError: if an order does not name each variable once, a model has another number of sites, or a cut
            would take more memory.

    Source: Alexander, De La Vega, Razin, Cohen (NeurIPS 2023, arXiv 2303.11249).

    >>> found = data_entanglement(DataTensor([[0, 0, 0, 0], [1, 1, 1, 1]]), permutations=2)
    >>> found.findings()
    ('permuted, beside the order as given: as entangled',)
    """
    rng = random_stream(seed)
    for name in orders or {}:
        if name.startswith((_GIVEN, _PERMUTED)):
            raise TensorRankError(f"an order is named {shown(name)}; expected another name, for orders here are named so")
    named: dict[str, Any] = {_GIVEN: range(data.sites), **(orders or {})}
    for number in range(1, whole_number("permutations", permutations, 0, 1000) + 1):
        named[f"{_PERMUTED} {number}"] = rng.permutation(data.sites)
    order_of = {name: checked_order(order, data.sites) for name, order in named.items()}
    levels = canonical_partitions(data.sites)
    bounds = _bounds(models or {}, data, levels)
    questions = [
        (name, level, block, Bipartition.of(data.sites, [order[place] for place in cut.a]))
        for name, order in order_of.items()
        for level, cuts in enumerate(levels, 1)
        for block, cut in enumerate(cuts)
    ]
    rows = []
    # Blocks of few variables are met in several orders.
    known: dict[frozenset[int], tuple[float, SeparationRank | None]] = {}
    for name, level, block, cut in told(questions, reporter(progress), lambda one: f"{one[0]}, level {one[1]}"):
        inside = frozenset(cut.a)
        if inside not in known:
            rank = separation_rank(data, cut, seed=seed, memory=memory) if ranks else None
            known[inside] = data.entanglement(cut, memory=memory), rank
        rows.append(DataCut(name, level, block, len(inside), *known[inside]))
    return DataCuts(repr(data), data.sites, seed, order_of, tuple(rows), bounds)


def _bounds(models: Mapping[str, Model], data: DataTensor, levels: Sequence[Sequence[Any]]) -> tuple[ModelCut, ...]:
    """What each model can represent at every level, where a bound is known."""
    found = []
    for name, model in models.items():
        architecture = as_architecture(model)
        if architecture.sites != data.sites:
            raise TensorRankError(
                f"the model {shown(name)} has {architecture.sites} sites; expected {data.sites}, one for each variable"
            )
        for level, cuts in enumerate(levels, 1):
            ranks = [bound for cut in cuts if (bound := architecture.rank_bound(cut)) is not None]
            if len(ranks) == len(cuts):
                found.append(ModelCut(name, level, sum(map(log, ranks)) / len(ranks)))
    return tuple(found)


def _family(order: str) -> str:
    return _PERMUTED if order.startswith(f"{_PERMUTED} ") else order
