"""Architectures of equal size side by side: what separation rank each makes of a budget of parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from tensorrank.arguments import whole_number
from tensorrank.attention import bounds
from tensorrank.attention.architecture import SelfAttention
from tensorrank.circuits.convolutional import ConvolutionalCircuit
from tensorrank.circuits.recurrent import RecurrentCircuit
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

Family = Literal["attention", "recurrent", "convolutional"]
Model = SelfAttention | RecurrentCircuit | ConvolutionalCircuit

_RECURRENT_DEPTHS = (1, 2, 3)


@dataclass(frozen=True)
class Contender:
    """One architecture of a comparison.

    Attributes:
        family: "attention", "recurrent" or "convolutional".
        shape: its sizes in words.
        model: the architecture.
    """

    family: Family
    shape: str
    model: Model

    @property
    def parameters(self) -> int:
        """Its number of weights, at most the budget."""
        return self.model.parameters


@dataclass(frozen=True)
class Compared:
    """A contender and its separation rank."""

    contender: Contender
    result: SeparationRank

    @property
    def log3_value(self) -> float | None:
        """The logarithm to base 3 of the rank, or of the lower bound that is known; None for rank 0."""
        return bounds.log3(self.result.value) if self.result.value else None

    @property
    def log3_per_parameter(self) -> float | None:
        """That, divided by the number of parameters."""
        return None if self.log3_value is None else self.log3_value / self.contender.parameters


def contenders(
    parameters: int, *, sites: int = 8, channels: int = 8, families: Sequence[Family] = get_args(Family)
) -> list[Contender]:
    """The architectures that make the most of a budget of parameters on so many sites.

    Attention with one head at every depth and width that fill 4 L d^2 parameters; recurrent circuits of depth 1 to 3,
    and convolutional circuits of each number of levels, positions sharing their weights, with both named pooling
    geometries: each as wide as the budget allows.

    Args:
        parameters: the budget.
        sites: tokens, steps or positions.
        channels: the dimension of a circuit's site; attention's tokens are as wide as the network.
        families: which to compare.

    Raises:
        TensorRankError: if a number is out of range, a family is unknown, or nothing fits the budget.

    >>> [contender.shape for contender in contenders(64, families=["attention"])]
    ['depth 1, width 4', 'depth 4, width 2', 'depth 16, width 1']
    """
    budget = whole_number("parameters", parameters, 1)
    whole_number("sites", sites, 2)
    whole_number("channels", channels, 1)
    makers: dict[str, Callable[[int, int, int], Iterator[Contender]]] = {
        "attention": _attention,
        "recurrent": _recurrent,
        "convolutional": _convolutional,
    }
    if not families:
        raise TensorRankError(f"no families were given; expected some of {', '.join(makers)}")
    for family in families:
        if family not in makers:
            raise TensorRankError(f"a family is {family!r}; expected some of {', '.join(makers)}")
    found = [contender for family in families for contender in makers[family](budget, sites, channels)]
    if not found:
        raise TensorRankError(f"no architecture has as few as {budget} parameters; give more")
    return found


def compare(
    contestants: Sequence[Contender],
    partition: Bipartition | None = None,
    *,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    work: float | None = 2.5e11,
    threads: int | None = None,
    progress: Callable[[Contender, float, float], None] | None = None,
) -> Iterator[Compared]:
    """The separation rank of each, under the same limits; what does not fit them is a lower bound.

    Args:
        contestants: as `contenders` lists them, or your own.
        partition: of the sites; halves by default.
        seed: of every rank.
        memory: limit for each rank.
        work: limit for each rank, in operations; None: no limit.
        threads: all processors by default.
        progress: called with the contender, the work done and its total.

    >>> [one.result.value for one in compare(contenders(16, sites=4, channels=2, families=["attention"]))]
    [3, 41]
    """
    for contender in contestants:
        report = None if progress is None else _about(contender, progress)
        yield Compared(
            contender,
            separation_rank(
                contender.model, partition, seed=seed, memory=memory, work=work, threads=threads, progress=report
            ),
        )


def _about(contender: Contender, progress: Callable[[Contender, float, float], None]) -> Callable[[float, float], None]:
    return lambda done, total: progress(contender, done, total)


def _attention(budget: int, sites: int, channels: int) -> Iterator[Contender]:
    """For each depth the largest width, where no greater depth has the same."""
    for depth, width in bounds.equal_sizes(budget):
        yield Contender("attention", f"depth {depth}, width {width}", SelfAttention(depth, width, tokens=sites))


def _recurrent(budget: int, sites: int, channels: int) -> Iterator[Contender]:
    for depth in _RECURRENT_DEPTHS:

        def circuit(width: int, depth: int = depth) -> RecurrentCircuit:
            return RecurrentCircuit(depth, width, channels, sites)

        hidden = _widest(budget, circuit)
        if hidden:
            yield Contender("recurrent", f"depth {depth}, {hidden} unit{'s' if hidden > 1 else ''}", circuit(hidden))


def _convolutional(budget: int, sites: int, channels: int) -> Iterator[Contender]:
    for depth in range(1, max(2, (sites - 1).bit_length() + 1)):
        for pooling in ("neighbours", "mirror") if depth > 1 else ("neighbours",):

            def circuit(width: int, depth: int = depth, pooling: str = pooling) -> ConvolutionalCircuit:
                return ConvolutionalCircuit(sites, channels, (width,) * depth, pooling=pooling, shared=True)

            width = _widest(budget, circuit)
            if width:
                how = "" if depth == 1 else f", {pooling}"
                levels = f"{depth} level{'s' if depth > 1 else ''}"
                yield Contender("convolutional", f"{levels} of {width}{how}", circuit(width))


def _widest(budget: int, model: Callable[[int], Model]) -> int:
    """The largest width within the budget, 0 if there is none."""
    width = 0
    while model(width + 1).parameters <= budget:
        width += 1
    return width
