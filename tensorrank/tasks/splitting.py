"""What a task demands over all splits of its sites: the ranks of each, and the splitting VC dimension."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Protocol, runtime_checkable

from tensorrank.arguments import shown, whole_number
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.arithmetic.rational_rank import distinct_rows
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.records import Record
from tensorrank.separation.partition import Bipartition, PartitionLike
from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks
from tensorrank.tasks.shattering import vc_dimension
from tensorrank.tasks.task import Task

# All splits of more sites are not listed.
_MOST_SITES = 16


@runtime_checkable
class KnowsSameSplits(Protocol):
    """A task that says which splits have the same matrix, but for the order of rows and of columns."""

    def same_splits(self, side: PartitionLike) -> Hashable:
        """What a split is known by; two splits of one value are the same."""


@runtime_checkable
class _Split(Protocol):
    """What is needed of a task to split it, which can be seen before it is used."""

    sites: int

    def matrices(self, partition: PartitionLike | None = None) -> dict[str, CommunicationMatrix]:
        """The communication matrices of a split."""


@checked
@dataclass(frozen=True)
class SplitRanks(Record):
    """The ranks of one split of a task's sites.

    Attributes:
        partition: the split.
        alike: how many splits, this one among them, are the same by a symmetry of the task.
        ranks: of its communication matrix.
    """

    partition: Bipartition
    alike: int
    ranks: CommunicationRanks


@checked
@dataclass(frozen=True)
class SplittingVC(Record):
    """A splitting VC dimension, as far as a search determined it.

    Attributes:
        task: what is decided, in words.
        lower: the largest number of shattered columns that was found.
        upper: a proven upper bound; None if splits were left out, or the task's matrices are parts only.
        partition: the split where it was found.
        shattered: the numbers of these columns.
        splits: how many splits there are, without those that are the same by a symmetry of the task.
        searched: how many of them were looked at.
    """

    task: str
    lower: int
    upper: int | None
    partition: Bipartition
    shattered: tuple[int, ...]
    splits: int
    searched: int

    @property
    def exact(self) -> bool:
        """Whether the bounds meet."""
        return self.lower == self.upper

    def __str__(self) -> str:
        found = f"{self.lower} (exact)" if self.exact else f"at least {self.lower}"
        if not self.exact and self.upper is not None:
            found = f"between {self.lower} and {self.upper}"
        return f"{found}: {self.task}, split {self.partition}, {self.searched} of {self.splits} splits searched"


@checked
@with_progress
def split_ranks(
    task: Task,
    *,
    fields: Sequence[int] = (),
    seed: int = 0,
    work: float = 1e11,
    threads: int | None = None,
    memory: int | str | None = None,
    progress: ProgressLike = None,
) -> tuple[SplitRanks, ...]:
    """The ranks of the communication matrix of every split of a task's sites, those alike by symmetry once.

    Splits are ordered pairs: side A, whose inputs are the rows, against side B. Balanced splits come first.

    Args:
        task: with at most 16 sites. Of several matrices the first is ranked.
        fields: primes p of further fields GF(p).
        seed: of the primes for ranks over the rationals.
        work: operations that may be spent on proving each rank, as for `rational_rank`.
        threads: for elimination.
        memory: bytes, or a text such as "4GiB", for each matrix; 60 % of what is available by default.
        progress: True shows a line in a terminal or a notebook; a function is called with the splits done, their number
            and the next split in words.

    Raises:
        TensorRankError: if the task has more than 16 sites, or a matrix would not fit.

    Source: Kushilevitz and Nisan, Communication Complexity (1997), section 7.1, for the worst and best partition.

    >>> from tensorrank.tasks.function_composition import FunctionComposition
    >>> found = split_ranks(FunctionComposition(2))
    >>> len(found), max(row.ranks.rank.value for row in found), sum(row.alike for row in found)
    (16, 4, 30)
    """
    splits, tell = _different_splits(task), reporter(progress)
    rows = []
    for done, (partition, alike) in enumerate(splits):
        tell(done, len(splits), f"split {partition}")
        matrix = next(iter(task.matrices(partition, memory=memory).values()))
        ranks = matrix.ranks(fields, seed=seed, work=work, threads=threads, memory=memory)
        rows.append(SplitRanks(partition, alike, ranks))
    return tuple(rows)


@checked
@with_progress
def splitting_vc_dimension(
    task: Task,
    *,
    splits: int | None = None,
    work: int = 100_000,
    memory: int | str | None = None,
    progress: ProgressLike = None,
) -> SplittingVC:
    """The splitting VC dimension of a task: the largest VC dimension of its matrix over all splits of the sites.

    The rows of a split's matrix, one for each input of side A, are concepts; its columns are points. Both orders of the
    sides are tried. Splits are searched one after the other, balanced ones first. One whose different rows are too few
    to shatter more than was found already is passed over: it needs 2^k of them for k columns.

    Args:
        task: with at most 16 sites; the first of its matrices that has no values but 0 and 1 is taken.
        splits: how many splits are searched at most; all by default. If some are left out the value is a lower bound.
        work: how many cells may be looked at in each split, as for `vc_dimension`.
        memory: bytes, or a text such as "4GiB", for each matrix; 60 % of what is available by default.
        progress: True shows a line in a terminal or a notebook; a function is called with the splits done, their number
            and the next split in words.

    Raises:
        TensorRankError: if the task has more than 16 sites, none of its matrices decides, a number is out of range, or
            a matrix would not fit.

    Source: Kozachinskiy et al., Strassen attention, split VC dimension and compositionality in transformers (NeurIPS
    2025, arXiv 2501.19215), who bound the size of one-layer transformers of any precision by it. Abstract and
    introduction could be read, not the constants of the bound.

    >>> from tensorrank.tasks.function_composition import FunctionComposition
    >>> print(splitting_vc_dimension(FunctionComposition(2)))
    2 (exact): composition of functions of 2 points, split 0,1 | 2,3,4, 16 of 16 splits searched
    """
    every, tell, whole = _different_splits(task), reporter(progress), True
    most = len(every) if splits is None else min(len(every), whole_number("splits", splits, 1))
    lower, upper, found, name = -1, 0, every[0][0], ""
    shattered: tuple[int, ...] = ()
    for done, (partition, _) in enumerate(every[:most]):
        tell(done, most, f"split {partition}")
        matrix = _decision(task, partition, memory)
        name, whole = matrix.task, whole and matrix.whole
        if len(distinct_rows(matrix.entries)).bit_length() - 1 <= lower:
            continue
        vc = vc_dimension(matrix.entries, work=work, memory=memory)
        upper = max(upper, vc.upper)
        if vc.lower > lower:
            lower, found, shattered = vc.lower, partition, vc.shattered
    proved = whole and most == len(every)
    return SplittingVC(name, lower, upper if proved else None, found, shattered, len(every), most)


def _decision(task: Task, partition: Bipartition, memory: int | str | None) -> CommunicationMatrix:
    """The first of the task's matrices that has no values but 0 and 1."""
    for matrix in task.matrices(partition, memory=memory).values():
        if matrix.decides:
            return matrix
    raise TensorRankError(
        f"no matrix of {task} has only the values 0 and 1; expected a decision, such as Disjointness, or a task whose "
        "matrices hold one"
    )


def _different_splits(task: Task) -> list[tuple[Bipartition, int]]:
    """A split of each kind and how many are alike, balanced ones first."""
    if not isinstance(task, _Split):
        raise TensorRankError(f"the task is {shown(task)}; expected one of tensorrank.tasks, such as Disjointness(4)")
    sites = task.sites
    if sites > _MOST_SITES:
        raise TensorRankError(
            f"{task} has {shown(sites)} sites; all splits are gone through of up to {_MOST_SITES}. Try a smaller size, or "
            "one partition: task.communication(partition)"
        )
    first: dict[Hashable, tuple[int, ...]] = {}
    alike: Counter[Hashable] = Counter()
    sizes = sorted(range(1, sites), key=lambda size: abs(2 * size - sites))
    for side in (side for size in sizes for side in combinations(range(sites), size)):
        kind = task.same_splits(side) if isinstance(task, KnowsSameSplits) else side
        first.setdefault(kind, side)
        alike[kind] += 1
    return [(Bipartition.of(sites, side), alike[kind]) for kind, side in first.items()]
