"""Tasks by name, with numbers for their sizes: what the command line and studies make matrices from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tensorrank.arguments import nearest
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.communication import CommunicationMatrix
from tensorrank.tasks.disjointness import Disjointness, InnerProduct
from tensorrank.tasks.match import Match2, Match3
from tensorrank.tasks.match3_variants import Match3Bigram, Match3Local
from tensorrank.tasks.sparse_averaging import SparseAveraging, disjointness_in_sparse_averaging

Matrices = dict[str, CommunicationMatrix]
# Called with the sizes by name, the partition (None for the task's own) and the memory limit.
Make = Callable[[Mapping[str, int], Bipartition | None, int | str | None], Matrices]


@dataclass(frozen=True)
class NamedTask:
    """A task that is chosen by name.

    Attributes:
        name: as on the command line.
        about: what it is, a line.
        sizes: the numbers it takes, with their defaults.
        grows: the one of them that studies vary, and what it is called in pictures.
        least: the least value of that one that studies begin with, for the other sizes.
        note: what must not be misread in its table.
        make: its communication matrices, in words and in order of interest.
        sites: how many sites a bipartition splits.
    """

    name: str
    about: str
    sizes: Mapping[str, int]
    grows: tuple[str, str]
    make: Make
    sites: Callable[[Mapping[str, int]], int]
    least: Callable[[Mapping[str, int]], int] = lambda sizes: 1
    note: str = ""

    def matrices(
        self,
        sizes: Mapping[str, int] = MappingProxyType({}),
        *,
        partition: Bipartition | None = None,
        memory: int | str | None = None,
    ) -> Matrices:
        """Its communication matrices, the most telling first, by what they are.

        Args:
            sizes: numbers by name; those left out have their defaults.
            partition: of its sites; None for the task's own.
            memory: limit for each matrix.

        Raises:
            TensorRankError: if a size is not one of its own, is out of range, or a matrix would not fit.

        >>> {what: matrix.entries.shape for what, matrix in named_task("disjointness").matrices({"length": 3}).items()}
        {'disjoint?': (8, 8), 'as sparse averaging': (8, 8), 'meet?': (8, 8), 'averages above -1?': (8, 8)}
        """
        return self.make(self.sized(sizes), partition, memory)

    def sized(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """All its numbers: those given, and defaults.

        Raises:
            TensorRankError: if one is given that it does not take.
        """
        odd = [name for name in sizes if name not in self.sizes]
        if odd:
            raise TensorRankError(f"{self.name} takes no {odd[0]}; expected {', '.join(self.sizes)}")
        full = {**self.sizes, **sizes}
        if "anchor" in full and "anchor" not in sizes:
            full["anchor"] = min(full["anchor"], max(0, full["modulus"] - 1))
        return full


def named_task(name: str) -> NamedTask:
    """The task of this name.

    Raises:
        TensorRankError: if there is none, with the list.
    """
    if not isinstance(name, str) or name not in NAMED_TASKS:
        raise TensorRankError(f"the task is {name!r}; {nearest(str(name), NAMED_TASKS)}")
    return NAMED_TASKS[name]


def _sparse_averaging(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    task = SparseAveraging(sizes["tokens"], sizes["sparsity"])
    return {
        "sum of the chosen": task.communication(partition, memory=memory),
        "is any chosen 1?": task.communication(partition, thresholded=True, memory=memory),
    }


def _match2(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    tokens, modulus = sizes["tokens"] + 1, sizes["modulus"]
    return {
        "decision": Match2(tokens, modulus).communication(partition, memory=memory),
        "other tokens only": Match2(tokens, modulus, itself=False).communication(partition, memory=memory),
    }


def _match3(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    task = Match3(2 * sizes["tokens"] + 1, sizes["modulus"])
    return {"decision": task.communication(partition, anchor=sizes["anchor"], memory=memory)}


def _bigram(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    # The asking token stands last, so that the cut goes through a pair of the others.
    task = Match3Bigram(2 * sizes["tokens"] + 1, sizes["modulus"])
    return {"decision": task.communication(partition, anchor=sizes["anchor"], memory=memory)}


def _local(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    # The asking token stands in the middle, so that both sides are within its window.
    task = Match3Local(2 * sizes["tokens"] + 1, sizes["modulus"], sizes["window"])
    middle = sizes["tokens"]
    return {"decision": task.communication(partition, anchor=sizes["anchor"], asking=middle, memory=memory)}


def _disjointness(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    length = sizes["length"]
    found = {"disjoint?": Disjointness(length).communication(partition, memory=memory)}
    if partition is None:
        found["as sparse averaging"] = disjointness_in_sparse_averaging(length, memory=memory)
    found["meet?"] = Disjointness(length, intersecting=True).communication(partition, memory=memory)
    if partition is None:
        found["averages above -1?"] = disjointness_in_sparse_averaging(length, thresholded=True, memory=memory)
    return found


def _inner_product(sizes: Mapping[str, int], partition: Bipartition | None, memory: int | str | None) -> Matrices:
    length, modulus = sizes["length"], sizes["modulus"]
    return {
        f"modulo {modulus}": InnerProduct(length, modulus=modulus).communication(partition, memory=memory),
        "whole number": InnerProduct(length, modulus=None).communication(partition, memory=memory),
    }


def _both_sides(sizes: Mapping[str, int]) -> int:
    return 2 * sizes["tokens"]


_TASKS = (
    NamedTask(
        "sparse-averaging",
        "the average of q chosen tokens out of N. Side A holds the tokens, B the choice.",
        {"tokens": 12, "sparsity": 2},
        ("tokens", "tokens N"),
        _sparse_averaging,
        lambda sizes: sizes["tokens"] + 1,
        lambda sizes: sizes["sparsity"] + 1,
        "Averaging itself has small rank, the number of tokens: a linear recurrent model of that size does it. "
        "Only its threshold, a decision, is hard for protocols.",
    ),
    NamedTask(
        "match2",
        "is there a token that sums to 0 modulo M with the asking one? A holds the asking token, B all others.",
        {"tokens": 7, "modulus": 7},
        ("tokens", "other tokens"),
        _match2,
        lambda sizes: sizes["tokens"] + 1,
    ),
    NamedTask(
        "match3",
        "are there two tokens that sum to 0 modulo M with the asking one? The asking token is known to both sides.",
        {"tokens": 4, "modulus": 11, "anchor": 1},
        ("tokens", "tokens on either side"),
        _match3,
        _both_sides,
    ),
    NamedTask(
        "match3-bigram",
        "Match3 where the two tokens are neighbours.",
        {"tokens": 4, "modulus": 11, "anchor": 1},
        ("tokens", "tokens on either side"),
        _bigram,
        _both_sides,
    ),
    NamedTask(
        "match3-local",
        "Match3 where both tokens are within a window around the asking one.",
        {"tokens": 4, "modulus": 11, "anchor": 1, "window": 2},
        ("tokens", "tokens on either side"),
        _local,
        _both_sides,
    ),
    NamedTask(
        "disjointness",
        "have two sets of n elements none in common?",
        {"length": 8},
        ("length", "elements n"),
        _disjointness,
        lambda sizes: 2 * sizes["length"],
        note="Sparse averaging holds disjointness only once it is thresholded: the average itself, 2<a, b>/n - 1, "
        "has the rank n + 1.",
    ),
    NamedTask(
        "inner-product",
        "the inner product of two vectors of n bits, modulo M or as a whole number.",
        {"length": 8, "modulus": 2},
        ("length", "bits n"),
        _inner_product,
        lambda sizes: 2 * sizes["length"],
    ),
)

# By name, in the order of the documentation.
NAMED_TASKS: Mapping[str, NamedTask] = MappingProxyType({task.name: task for task in _TASKS})
