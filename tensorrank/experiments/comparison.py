"""Architectures of equal size side by side: what separation rank each makes of a budget of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, takewhile
from typing import Any, Literal, TypeVar, get_args

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporting
from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.checked import checked
from tensorrank.circuits.convolutional import ConvolutionalCircuit
from tensorrank.circuits.pooling import Pooling
from tensorrank.circuits.recurrent import RecurrentCircuit
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import within
from tensorrank.records import Record
from tensorrank.separation.containment import Ranked, raised
from tensorrank.separation.options import RankOptions
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

Family = Literal["attention", "recurrent", "convolutional"]
Model = SelfAttention | RecurrentCircuit | ConvolutionalCircuit
Circuit = TypeVar("Circuit", RecurrentCircuit, ConvolutionalCircuit)


@checked
@dataclass(frozen=True)
class Contender(Record):
    """One architecture of a comparison.

    Attributes:
        family: "attention", "recurrent" or "convolutional".
        shape: the sizes of the architecture in words.
        model: the architecture.

    >>> Contender("attention", "depth 1, width 4", SelfAttention(1, 4)).parameters
    64
    """

    derived = ("parameters",)
    left_out = ("model",)
    family: Family
    shape: str
    model: Model

    @property
    def parameters(self) -> int:
        """The number of weights, at most the budget."""
        return self.model.parameters


@checked
@dataclass(frozen=True)
class Compared(Record):
    """A contender and its separation rank.

    Attributes:
        contender: the architecture.
        result: the separation rank with its standing.

    >>> (one,) = compare([Contender("attention", "depth 1, width 4", SelfAttention(1, 4))])
    >>> one.result.value, round(one.log3_value, 2)
    (5, 1.46)
    """

    contender: Contender
    result: SeparationRank

    @property
    def log3_value(self) -> float | None:
        """The logarithm to base 3 of the rank, or of the lower bound that is known; None for rank 0."""
        return bounds.log3(self.result.value) if self.result.value else None

    @property
    def log3_per_parameter(self) -> float | None:
        """The logarithm of the rank divided by the number of parameters; None for rank 0."""
        return None if self.log3_value is None else self.log3_value / self.contender.parameters

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values in one row: the contender, the logarithms and the rank with its standing."""
        logs = {"log3_value": self.log3_value, "log3_per_parameter": self.log3_per_parameter}
        return {**self.contender.to_dict(), **logs, **self.result.to_dict()}


@checked
def contenders(
    parameters: int, *, sites: int = 8, channels: int = 8, families: Sequence[Family] = get_args(Family)
) -> list[Contender]:
    """The architectures that make the most of a budget of parameters on so many sites.

    Attention has one head and 4 L d^2 parameters: every depth comes with the largest width. Recurrent circuits have
    depth 1 to 3. Convolutional circuits come with each number of levels and both named pooling geometries, and their
    positions share weights. Each circuit is as wide as the budget allows.

    Args:
        parameters: the budget.
        sites: the number of tokens, steps or positions.
        channels: the dimension of a circuit's site; attention's tokens are as wide as the network.
        families: the families to compare.

    Raises:
        TensorRankError: if a number is out of range, a family is unknown, or nothing fits the budget.

    >>> [contender.shape for contender in contenders(64, families=["attention"])]
    ['depth 1, width 4', 'depth 4, width 2', 'depth 16, width 1']
    """
    budget = whole_number("parameters", parameters, 1)
    whole_number("sites", sites, 2)
    whole_number("channels", channels, 1)
    if not families:
        raise TensorRankError(f"no families were given; expected some of {', '.join(_MAKERS)}")
    found = [contender for family in families for contender in _MAKERS[family](budget, sites, channels)]
    if not found:
        raise TensorRankError(f"no architecture has as few as {budget} parameters; give more")
    return found


@checked
def compare(
    contestants: Sequence[Contender],
    partition: PartitionLike | None = None,
    *,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    work: float | None = 2.5e11,
    threads: int | None = None,
    progress: ProgressLike = None,
) -> Iterator[Compared]:
    """The separation ranks of architectures, one after the other, all under the same limits.

    A rank that does not fit the limits is a certified lower bound. It is no less than that of any other contender that
    the architecture contains.

    Args:
        contestants: architectures as `contenders` lists them, or your own.
        partition: the bipartition of the sites; halves by default.
        seed: the seed of every rank.
        memory: the memory limit for each rank.
        work: the limit for each rank in operations; None for no limit.
        threads: all processors by default.
        progress: True shows a line in a terminal or a notebook; a function is called with the contenders done (a
            fraction of the one at work included), their number and the contender in words.

    Raises:
        TensorRankError: if the partition does not fit an architecture, or a limit is none.

    Sources: Levine, Wies, Sharir, Bata, Shashua (NeurIPS 2020, arXiv 2006.12467 v3) for attention; Levine, Sharir, Ziv,
    Shashua (arXiv 1710.09431) for recurrent, Cohen, Shashua (ICLR 2017, arXiv 1605.06743) for convolutional circuits.

    >>> [one.result.value for one in compare(contenders(16, sites=4, channels=2, families=["attention"]))]
    [3, 41]
    """
    listed, name = list(contestants), "{0.family}, {0.shape}".format
    splits = [checked_partition(one.model.sites, partition) for one in listed]
    ranked: dict[int, Ranked] = {}

    def rank(number: int) -> None:
        model, split, place = listed[number].model, splits[number], len(ranked)
        with reporting(progress) as tell:
            tell(place, len(listed), name(listed[number]))
            report = within(tell, place, len(listed), name(listed[number]), alone=True)
            options = RankOptions(seed=seed, memory=memory, work=work, threads=threads, progress=report)
            ranked[number] = Ranked(model, split, separation_rank(model, split, **options))

    for number, one in enumerate(listed):
        # What this contender contains is ranked before it is told.
        for other, (inner, split) in enumerate(zip(listed, splits, strict=True)):
            if other not in ranked and (other == number or one.model.contains(splits[number], inner.model, split)):
                rank(other)
        yield Compared(one, raised(ranked[number], list(ranked.values())))


def _attention(budget: int, sites: int, channels: int) -> Iterator[Contender]:
    """For each depth the largest width, where no greater depth has the same."""
    for depth, width in bounds.equal_sizes(budget):
        yield Contender("attention", f"depth {depth}, width {width}", SelfAttention(depth, width, tokens=sites))


def _recurrent(budget: int, sites: int, channels: int) -> Iterator[Contender]:
    for depth in (1, 2, 3):
        circuit = _widest(budget, partial(RecurrentCircuit, depth, channels=channels, steps=sites))
        if circuit is not None:
            units = f"{circuit.hidden} unit{'s' if circuit.hidden > 1 else ''}"
            yield Contender("recurrent", f"depth {depth}, {units}", circuit)


def _convolutional(budget: int, sites: int, channels: int) -> Iterator[Contender]:
    def circuit(depth: int, pooling: Pooling, width: int) -> ConvolutionalCircuit:
        return ConvolutionalCircuit(sites, channels, (width,) * depth, pooling=pooling, shared=True)

    for depth in range(1, max(2, (sites - 1).bit_length() + 1)):
        poolings: tuple[Pooling, ...] = ("neighbours", "mirror") if depth > 1 else ("neighbours",)
        for pooling in poolings:
            widest = _widest(budget, partial(circuit, depth, pooling))
            if widest is not None:
                shape = f"1 level of {widest.widths[0]}"
                if depth > 1:
                    shape = f"{depth} levels of {widest.widths[0]}, {pooling}"
                yield Contender("convolutional", shape, widest)


def _widest(budget: int, made: Callable[[int], Circuit]) -> Circuit | None:
    """The widest circuit within the budget, None if there is none."""
    widest = None
    for circuit in takewhile(lambda one: one.parameters <= budget, map(made, count(1))):
        widest = circuit
    return widest


_MAKERS: dict[str, Callable[[int, int, int], Iterator[Contender]]] = {
    "attention": _attention,
    "recurrent": _recurrent,
    "convolutional": _convolutional,
}
