"""How the ranks of a task's communication matrix grow with its size, and with them what models need."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tensorrank.arguments import whole_number
from tensorrank.errors import TensorRankError
from tensorrank.experiments.interleaved import Progress
from tensorrank.tasks.communication import CommunicationMatrix, CommunicationRanks


@dataclass(frozen=True)
class CommunicationGrowth:
    """The ranks of one task at several sizes.

    Attributes:
        task: what it is called in tables and pictures.
        size_name: what grows, such as "bits on either side".
        sizes: ascending.
        ranks: of the matrix of each size.
    """

    task: str
    size_name: str
    sizes: tuple[int, ...]
    ranks: tuple[CommunicationRanks, ...]

    def bits(self, of: str) -> tuple[float | None, ...]:
        """For each size the bits of one quantity: log2 of what is counted, or the VC dimension itself.

        Args:
            of: "distinct rows", "VC dimension", or the name of a field, such as "Q" or "GF(2)".

        Returns:
            One number a size; None where a matrix of rank 0, or one without a VC dimension, has none.

        Raises:
            TensorRankError: if there is no such quantity.
        """
        known = ["distinct rows", "VC dimension", *self.ranks[0].fields]
        if of not in known:
            raise TensorRankError(f"the quantity is {of!r}; expected one of {', '.join(known)}")
        if of == "VC dimension":
            return tuple(None if ranks.vc is None else float(ranks.vc.lower) for ranks in self.ranks)
        counts = [ranks.distinct_rows if of == "distinct rows" else ranks.fields[of] for ranks in self.ranks]
        return tuple(math.log2(count) if count else None for count in counts)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        rows = [{"size": size, **ranks.to_dict()} for size, ranks in zip(self.sizes, self.ranks, strict=True)]
        return {"study": "communication_growth", "task": self.task, "size_name": self.size_name, "rows": rows}


def communication_growth(
    task: str,
    size_name: str,
    sizes: Sequence[int],
    matrix: Callable[[int], CommunicationMatrix],
    *,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> CommunicationGrowth:
    """The ranks of a task's communication matrices, from small to large.

    Args:
        task: what it is called.
        size_name: what grows.
        sizes: whole numbers, at least one.
        matrix: makes the matrix of a size.
        seed: of the primes for ranks over the rationals.
        threads: for elimination.
        progress: called with the size, the sizes done and their number.

    Raises:
        TensorRankError: if there are no sizes, or one is no whole number from 1.

    >>> from tensorrank.tasks.disjointness import Disjointness
    >>> growth = communication_growth("disjointness", "bits", [1, 2, 3], lambda n: Disjointness(n).communication())
    >>> [ranks.rank.value for ranks in growth.ranks], growth.bits("distinct rows")
    ([2, 4, 8], (1.0, 2.0, 3.0))
    """
    chosen = sorted({whole_number("a size", size, 1) for size in sizes})
    if not chosen:
        raise TensorRankError("no sizes were given; expected at least one, such as 4")
    found = []
    for done, size in enumerate(chosen):
        if progress is not None:
            progress(f"{task}, {size} {size_name}", done, len(chosen))
        found.append(matrix(size).ranks(seed=seed, threads=threads))
    return CommunicationGrowth(task, size_name, tuple(chosen), tuple(found))
