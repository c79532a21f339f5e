"""How the ranks of a task's communication matrix grow with its size, and with them what models need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tensorrank.arguments import shown
from tensorrank.arithmetic.progress import ProgressLike, reporter, with_progress
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.experiments.experiment import Experiment, ascending, told
from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks


@checked
@dataclass(frozen=True)
class CommunicationGrowth(Experiment, name="communication_growth"):
    """The ranks of one task at several sizes.

    Attributes:
        task, size_name: as given to `communication_growth`.
        sizes: the sizes, ascending.
        ranks: the ranks of the communication matrix of each size.

    >>> from tensorrank.tasks.disjointness import Disjointness
    >>> growth = communication_growth("disjointness", "bits", [1, 2, 3], lambda n: Disjointness(n).communication())
    >>> growth.bits("distinct rows")
    (1.0, 2.0, 3.0)
    """

    task: str
    size_name: str
    sizes: tuple[int, ...]
    ranks: tuple[CommunicationRanks, ...]

    def bits(self, of: str) -> tuple[float | None, ...]:
        """One quantity in bits for each size: log2 of what is counted, or the VC dimension itself.

        Args:
            of: "distinct rows", "VC dimension", or the name of a field, such as "Q" or "GF(2)".

        Returns:
            One number for each size; None for a matrix of rank 0, or one without a VC dimension.

        Raises:
            TensorRankError: if there is no such quantity.
        """
        known = ["distinct rows", "VC dimension", *self.ranks[0].fields]
        if of not in known:
            raise TensorRankError(f"the quantity is {shown(of)}; expected one of {', '.join(known)}")
        if of == "VC dimension":
            return tuple(None if ranks.vc is None else float(ranks.vc.lower) for ranks in self.ranks)
        counts = [ranks.distinct_rows if of == "distinct rows" else ranks.fields[of] for ranks in self.ranks]
        return tuple(math.log2(count) if count else None for count in counts)


@checked
@with_progress
def communication_growth(
    task: str,
    size_name: str,
    sizes: Sequence[int],
    matrix: Callable[[int], CommunicationMatrix],
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: ProgressLike = None,
) -> CommunicationGrowth:
    """The ranks of a task's communication matrices, from small to large.

    The logarithm of such a rank is a lower bound on the bits that two parties exchange, and with them on the size of a
    model that solves the task.

    Args:
        task: the name of the task in tables and pictures.
        size_name: what grows, such as "bits on either side".
        sizes: whole numbers, at least one.
        matrix: a function that makes the communication matrix of a size.
        seed: the seed of the primes for ranks over the rationals.
        threads: the threads for elimination.
        progress: True shows a line in a terminal or a notebook; a function is called with the sizes done, their number
            and the next size in words.

    Raises:
        TensorRankError: if there are no sizes, or one is no whole number from 1.

    Source: Kushilevitz, Nisan, Communication complexity (1997), section 1.4.

    >>> from tensorrank.tasks.disjointness import Disjointness
    >>> growth = communication_growth("disjointness", "bits", [1, 2, 3], lambda n: Disjointness(n).communication())
    >>> [ranks.rank.value for ranks in growth.ranks]
    [2, 4, 8]
    """
    chosen = ascending("sizes", sizes, such_as=4)
    steps = told(chosen, reporter(progress), lambda size: f"{task}, {size} {size_name}")
    ranks = tuple(matrix(size).ranks(seed=seed, threads=threads) for size in steps)
    return CommunicationGrowth(task, size_name, tuple(chosen), ranks)
