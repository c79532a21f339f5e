"""What gates buy: ranks of causal attention, of recurrences with gates, and of stacks of both, of one size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.circuits.gated_recurrence import GatedRecurrence, Gates
from tensorrank.experiments.experiment import Experiment, ascending, told, where
from tensorrank.records import Record
from tensorrank.separation.containment import Ranked, raised
from tensorrank.separation.partition import checked_partition
from tensorrank.separation.result import SeparationRank
from tensorrank.separation.solve import separation_rank

Equal = Literal["state", "parameters"]
Cut = Literal["halves", "interleaved"]

_EQUAL: tuple[Equal, ...] = get_args(Equal)
_CUTS: tuple[Cut, ...] = get_args(Cut)


@checked
@dataclass(frozen=True)
class GateRow(Record):
    """One stack of layers at one cut.

    Attributes:
        stack: the kinds of its layers in words.
        equal: what the stack has as much of as causal attention: numbers in its states, or at most as many parameters.
        cut: "halves" or "interleaved".
        model: the stack, with its sizes.
        rank: the separation rank with its standing.
    """

    derived = ("tokens", "parameters", "state_size")
    left_out = ("model",)
    stack: str
    equal: Equal
    cut: Cut
    model: GatedRecurrence
    rank: SeparationRank

    @property
    def tokens(self) -> int:
        """The number of tokens, N."""
        return self.model.tokens

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.model.parameters

    @property
    def state_size(self) -> int:
        """The numbers that all states hold together."""
        return self.model.state_size


@checked
@dataclass(frozen=True)
class GateRanks(Experiment, name="gates"):
    """Ranks of stacks with gates and without, for growing numbers of tokens.

    Attributes:
        depth, width, head_dim, seed: as given to `gate_ranks`.
        rows: one row for a stack, what is equal, a cut and a number of tokens.

    >>> gate_ranks([4], depth=1).of("selective", "state", "interleaved")[0].rank.value
    7
    """

    depth: int
    width: int
    head_dim: int
    seed: int
    rows: tuple[GateRow, ...]

    def of(self, stack: str, equal: Equal, cut: Cut) -> tuple[GateRow, ...]:
        """The rows of one stack at one cut, for growing numbers of tokens."""
        return where(self.rows, stack=stack, equal=equal, cut=cut)


@checked
@with_progress
def gate_ranks(
    tokens: Sequence[int] = (2, 3, 4, 5, 6),
    *,
    depth: int = 2,
    width: int = 2,
    head_dim: int = 2,
    seed: int = 0,
    memory: int | str | None = "4GiB",
    work: float | None = 1e9,
    progress: ProgressLike = None,
) -> GateRanks:
    """Ranks of causal attention without softmax beside those of recurrences with gates, and of stacks of both.

    Attention has one head of width a, and a state of a x a numbers in each layer. The other stacks are measured twice:
    with states of that shape, and with as many rows in their states but fewer columns, so that they have no more
    parameters than attention. The halves and the even against the odd tokens are cut.

    Stacks are "attention", "constant gates", "selective" (gates made of the inputs), and beyond depth 1 "attention
    below" and "attention above": layers of attention below or above selective ones, as many of both or one less.

    Args:
        tokens: numbers of tokens, each from 2 to 100.
        depth: the layers of every stack.
        width: the dimension of a token.
        head_dim: a, the width of attention's head.
        seed: a whole number.
        memory: the limit for each rank.
        work: the limit for each rank in operations; a rank that needs more becomes a lower bound. None for no limit.
        progress: True shows a line in a terminal or a notebook; a function is called with the ranks done, their number
            and the next model in words.

    Raises:
        TensorRankError: if a number is out of range, or no numbers of tokens are given.

    >>> found = gate_ranks([4, 6, 8], depth=1)
    >>> stacks = ("attention", "constant gates", "selective")
    >>> {stack: [row.rank.value for row in found.of(stack, "state", "interleaved")] for stack in stacks}
    {'attention': [3, 3, 3], 'constant gates': [3, 3, 3], 'selective': [7, 11, 15]}
    """
    chosen = ascending("numbers of tokens", tokens, 2, 100)
    for name, value in (("depth", depth), ("width", width), ("head_dim", head_dim)):
        whole_number(name, value, 1)
    questions = [
        (stack, equal, cut, model)
        for stack, gates in _stacks(depth).items()
        for equal in _EQUAL
        for cut in _CUTS
        for model in _models(gates, equal, chosen, width, head_dim)
    ]
    found: dict[Any, Ranked] = {}
    for _, _, cut, model in told(questions, reporter(progress), lambda one: f"{one[0]}, {one[3].tokens} tokens"):
        # Attention has the size of itself, whatever is equal.
        if (model, cut) not in found:
            rank = separation_rank(model, cut, seed=seed, memory=memory, work=work)
            found[model, cut] = Ranked(model, checked_partition(model.sites, cut), rank)
    # A rank that was cut is no less than that of what its stack contains, such as one of fewer tokens.
    ranks = {key: raised(one, list(found.values())) for key, one in found.items()}
    rows = [GateRow(stack, equal, cut, model, ranks[model, cut]) for stack, equal, cut, model in questions]
    return GateRanks(depth, width, head_dim, seed, tuple(rows))


def _stacks(depth: int) -> dict[str, tuple[Gates, ...]]:
    """The gates of every layer by the name of the stack, attention first."""
    none: tuple[Gates, ...] = ("none",)
    constant: tuple[Gates, ...] = ("constant",)
    inputs: tuple[Gates, ...] = ("inputs",)
    stacks = {"attention": none * depth, "constant gates": constant * depth, "selective": inputs * depth}
    if depth > 1:
        less, more = depth // 2, depth - depth // 2
        stacks["attention below"] = none * less + inputs * more
        stacks["attention above"] = inputs * more + none * less
    return stacks


def _models(
    gates: tuple[Gates, ...], equal: Equal, tokens: Sequence[int], width: int, head_dim: int
) -> Iterator[GatedRecurrence]:
    """The stack for each number of tokens, if there is one of its size."""
    most = 4 * len(gates) * width * head_dim if equal == "parameters" else None
    for count in tokens:
        for columns in range(head_dim, 0, -1):
            model = GatedRecurrence(len(gates), width, head_dim, count, head_dim=columns, gates=gates)
            if most is None or model.parameters <= most:
                yield model
                break
