"""What a higher order of attention represents, and what it buys at equal numbers of layers and of weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.attention.higher_order import HigherOrderAttention
from tensorrank.checked import checked
from tensorrank.experiments.experiment import Experiment, ascending, told, where
from tensorrank.records import Record
from tensorrank.separation.options import RankOptions
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank


@dataclass(frozen=True)
class OrderRow(Record):
    """The separation rank of one network, between balanced halves of many tokens.

    Attributes:
        order: n, the tokens that a head looks at, the one that it writes to included.
        depth: L.
        width: d.
        degree: C = ((2n - 1)^L - 1) / 2, the degree in the entries of the moment matrix.
        parameters: the number of weights.
        rank: the rank, with its standing.
    """

    order: int
    depth: int
    width: int
    degree: int
    parameters: int
    rank: SeparationRank


@checked
@dataclass(frozen=True)
class OrderRanks(Experiment, name="orders"):
    """Separation ranks of attention of several orders.

    Attributes:
        seed: as given to `order_ranks`.
        rows: the ranks, by order, width and depth.

    >>> [row.rank.value for row in order_ranks((2, 3), widths=[2], depths=(1, 2)).of(3)]
    [6, 190]
    """

    seed: int
    rows: tuple[OrderRow, ...]

    def of(self, order: int) -> tuple[OrderRow, ...]:
        """The rows of one order."""
        return where(self.rows, order=order)


@checked
@with_progress
def order_ranks(
    orders: Sequence[int] = (2, 3, 4),
    *,
    widths: Sequence[int] = (1, 2, 3),
    depths: Sequence[int] = (1, 2),
    seed: int = 0,
    memory: int | str | None = "4GiB",
    work: float | None = 1e11,
    threads: int | None = None,
    progress: ProgressLike = None,
) -> OrderRanks:
    """The separation ranks of attention of several orders, with one head as wide as the network in each layer.

    Args:
        orders: n, each at least 2.
        widths: d.
        depths: L.
        seed: a whole number.
        memory: the limit for each rank.
        work: the limit on the operations of each rank; what passes it is a lower bound.
        threads: how many threads share the work; by default as many as there are processors.
        progress: True shows a line in a terminal or a notebook; a function is called with the networks done, their
            number and the next network in words.

    Raises:
        TensorRankError: if a number is out of range, or a list is empty.

    Source: the moment form of any order, `tensorrank.attention.higher_order`.

    >>> found = order_ranks((2, 3), widths=[1], depths=(1, 2))
    >>> [(row.order, row.degree, row.rank.value, row.rank.standing) for row in found.rows]
    [(2, 1, 2, 'exact'), (2, 4, 5, 'exact'), (3, 2, 3, 'exact'), (3, 12, 13, 'exact')]
    """
    chosen = [
        ascending("orders", orders, least=2, such_as=3),
        ascending("widths", widths, such_as=2),
        ascending("depths", depths, such_as=2),
    ]
    options = RankOptions(seed=seed, memory=memory, work=work, threads=threads)
    rows = []
    for order, width, depth in told(
        list(product(*chosen)), reporter(progress), lambda sizes: "order {}, width {}, depth {}".format(*sizes)
    ):
        model = HigherOrderAttention(depth, width, order=order)
        rank = separation_rank(model, **options)
        rows.append(OrderRow(order, depth, width, model.moment_degree, model.parameters, rank))
    return OrderRanks(seed, tuple(rows))
