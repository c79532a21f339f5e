"""What tasks demand of models over all splits of their sites, and the stacks of attention that suffice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from types import MappingProxyType

from tensorrank.arguments import shown, things, whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import Experiment, ascending, told, where
from tensorrank.records import Record
from tensorrank.tasks.registry import NamedTask, named_task
from tensorrank.tasks.splitting import split_ranks, splitting_vc_dimension
from tensorrank.units.pointer_stacks import stack_for
from tensorrank.units.stack_checks import check_stack, least_bits_of_stack

# By what grows of each task: tokens, points or vertices.
_SIZES: Mapping[str, Sequence[int]] = MappingProxyType(
    {
        "induction-heads": (3, 4, 5, 6, 7),
        "k-hop": (3, 4, 5, 6, 7),
        "function-composition": (2, 3, 4),
        "one-or-two-cycles": (6, 8, 10),
    }
)


@dataclass(frozen=True)
class DemandRow(Record):
    """One task of one size.

    Attributes:
        task: the name on the command line.
        size: of what grows: tokens, points or vertices.
        splits: how many splits of the sites there are, those alike by a symmetry once.
        rank: the largest rank over the rationals of a split: the dimension of the state of a linear recurrent model
            that reads the sites in the worst order.
        standing: "exact" if the ranks of all splits are, else "probable".
        distinct_rows: the largest number of different rows of a split: the states of a finite-state machine.
        vc: the splitting VC dimension that was found.
        vc_exact: whether it is no larger.
        whole: whether the matrices have all inputs. Of a part, rank, rows and VC dimension are lower bounds.
        layers: of a stack of attention that suffices.
        heads: the most in one of its layers.
        dimension: the largest of its queries and keys.
        bits: the least p from which on p bits leave none of the inputs tried wrong.
        tried: how many inputs the stack was held against in p bits and in float64.
        wrong: how many answers were wrong in float64.
    """

    derived = ("state_bits", "memory_bits")

    task: str
    size: int
    splits: int
    rank: int
    standing: str
    distinct_rows: int
    vc: int
    vc_exact: bool
    whole: bool
    layers: int
    heads: int
    dimension: int
    bits: int | None
    tried: int
    wrong: int

    @property
    def state_bits(self) -> float:
        """The logarithm to base 2 of the rank."""
        return log2(max(1, self.rank))

    @property
    def memory_bits(self) -> float:
        """The logarithm to base 2 of the different rows: memory that every deterministic recurrent model needs."""
        return log2(self.distinct_rows)


@checked
@dataclass(frozen=True)
class TaskDemands(Experiment, name="task_demands"):
    """What tasks demand, by size.

    Attributes:
        seed: as given to `task_demands`.
        rows: by task, small sizes first.

    >>> task_demands({"function-composition": [2]}).of("function-composition")[0].rank
    4
    """

    seed: int
    rows: tuple[DemandRow, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks, in the order of the rows."""
        return tuple(dict.fromkeys(row.task for row in self.rows))

    def of(self, task: str) -> tuple[DemandRow, ...]:
        """The rows of one task."""
        return where(self.rows, task=task)


@checked
@with_progress
def task_demands(
    sizes: Mapping[str, Sequence[int]] | None = None,
    *,
    examples: int = 100,
    seed: int = 0,
    work: float = 1e11,
    threads: int | None = None,
    memory: int | str | None = None,
    progress: ProgressLike = None,
) -> TaskDemands:
    """The largest rank, different rows and VC dimension of tasks over all splits, beside a stack of attention.

    Of a task with a promise the matrices are parts, and the numbers lower bounds: see `OneOrTwoCycles`.

    Args:
        sizes: for each task, by its name on the command line, the sizes of what grows; the other sizes have their
            defaults. Tasks that a stack of attention solves, with at most 16 sites: "induction-heads", "k-hop",
            "function-composition" and "one-or-two-cycles", with a few small sizes each by default.
        examples: inputs that the stacks are held against.
        seed: of primes and examples.
        work: operations that may be spent on proving each rank.
        threads: for elimination.
        memory: bytes, or a text such as "4GiB", for each matrix; 60 % of what is available by default.
        progress: True shows a line in a terminal or a notebook; a function is called with the sizes done, their number
            and the next size in words.

    Raises:
        TensorRankError: if a task has no stack of attention, a size is out of range, or a matrix would not fit.

    Sources: as for `split_ranks`, `splitting_vc_dimension` and the stacks.

    >>> (row,) = task_demands({"induction-heads": [3]}).rows
    >>> row.splits, row.layers, row.heads, row.wrong
    (6, 2, 1, 0)
    """
    chosen = dict(_SIZES if sizes is None else sizes)
    for name in chosen:
        if name not in _SIZES:
            known = ", ".join(_SIZES)
            raise TensorRankError(f"the task is {shown(name)}; expected some of {known}, which stacks of attention solve")
    cases = [(named_task(name), size) for name, given in chosen.items() for size in _listed(name, given)]
    tried = whole_number("examples", examples, 1)
    rows = []
    for task, size in told(cases, reporter(progress), lambda case: f"{case[0].name}, {case[0].grows[1]} = {case[1]}"):
        rows.append(_row(task, size, tried, seed, work, threads, memory))
    return TaskDemands(seed, tuple(rows))


def _listed(name: str, given: Sequence[int]) -> list[int]:
    """The sizes given for a task, ascending."""
    found = things(given)
    if found is None:
        raise TensorRankError(f"the sizes of {name} are {shown(given)}; expected a list of whole numbers, such as [4, 5]")
    return ascending("sizes", found, such_as=4)


def _row(
    named: NamedTask, size: int, tried: int, seed: int, work: float, threads: int | None, memory: int | str | None
) -> DemandRow:
    task = named.task({named.grows[0]: size})
    every = [row.ranks for row in split_ranks(task, seed=seed, work=work, threads=threads, memory=memory)]
    vc = splitting_vc_dimension(task, memory=memory)
    stack = stack_for(task)
    found = check_stack(stack, tried, seed=seed, memory=memory)
    return DemandRow(
        task=named.name,
        size=size,
        splits=vc.splits,
        rank=max(ranks.rank.value for ranks in every),
        standing="exact" if all(ranks.rank.standing == "exact" for ranks in every) else "probable",
        distinct_rows=max(ranks.distinct_rows for ranks in every),
        vc=vc.lower,
        vc_exact=vc.exact,
        whole=vc.upper is not None,
        layers=found.layers,
        heads=found.heads,
        dimension=found.dimension,
        bits=least_bits_of_stack(stack, tried, seed=seed, memory=memory),
        tried=found.inputs,
        wrong=found.wrong,
    )
