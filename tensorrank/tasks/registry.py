"""Tasks by name, with numbers for their sizes: what the command line offers, and what studies make matrices from.

Nothing heavy is imported before a task is made, so that the command line can list all tasks at once. To add a task,
write its class in a file of its own and add an entry to `_TASKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from tensorrank.arguments import nearest, shown, whole_number
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.short_reprs import ShortRepr

if TYPE_CHECKING:
    from tensorrank.separation.partition import PartitionLike
    from tensorrank.tasks.communication import CommunicationMatrix
    from tensorrank.tasks.task import Task

# What the numbers mean that tasks and their matrices depend on.
SIZES: Mapping[str, str] = MappingProxyType(
    {
        "tokens": "Tokens, N, the asking one included",
        "modulus": "Tokens are residues modulo M",
        "window": "How far from the asking token the others may be, K",
        "sparsity": "How many tokens a token averages, q",
        "length": "Elements or bits of either side, n",
        "anchor": "Residue of the asking token, known to both sides",
        "symbols": "How many different tokens there are",
        "hops": "How many times a token is looked up, k",
        "points": "Points of the functions, n",
        "vertices": "Vertices of the graph, an even number n",
    }
)


@checked
@dataclass(frozen=True)
class NamedTask(ShortRepr):
    """A task that is chosen by name, with what the command line and studies need to know about it.

    Attributes:
        name: the name on the command line.
        home: the module and the class, such as "match.Match3".
        about: what the task is, in a sentence or two.
        sizes: the numbers that the class takes, with defaults.
        anchor: the residue of the asking token where the matrices have a public one; None where they have none.
        grows: the size that studies vary, and what it is called in pictures.
        least: the least value of that size in studies, for the other sizes.
        step: by how much that size grows in studies.
        note: what must not be misread in the table of ranks.
        unit: the explicit attention unit that solves the task, in words; empty if none is known here.
        unit_options: options of the check of that unit that other units do not have.
        studies: names of studies of attention units for the task.
    """

    name: str
    home: str
    about: str
    sizes: Mapping[str, int]
    anchor: int | None = None
    grows: tuple[str, str] = ("tokens", "tokens N")
    least: Callable[[Mapping[str, int]], int] = lambda sizes: 2
    step: int = 1
    note: str = ""
    unit: str = ""
    unit_options: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()

    @property
    def matrix_sizes(self) -> dict[str, int]:
        """All numbers that the matrices depend on, with defaults: the sizes, and the anchor if there is one."""
        return dict(self.sizes) | ({} if self.anchor is None else {"anchor": self.anchor})

    def sized(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """All numbers that the matrices depend on: those given, and defaults.

        Raises:
            TensorRankError: if one is given that the task does not take, or the modulus is none.
        """
        known = self.matrix_sizes
        odd = [name for name in sizes if name not in known]
        if odd:
            raise TensorRankError(f"{self.name} takes no {odd[0]}; expected {', '.join(known)}")
        full = known | dict(sizes)
        if self.anchor is not None and "anchor" not in sizes:
            full["anchor"] = min(self.anchor, whole_number("modulus", full["modulus"], 1) - 1)
        return full

    def task(self, sizes: Mapping[str, int] = MappingProxyType({})) -> Task:
        """The task itself, without an anchor.

        Raises:
            TensorRankError: if a size is not one of the task's, or out of range.

        >>> named_task("match3").task({"modulus": 7})
        Match3(tokens=9, modulus=7)
        """
        full = self.sized(sizes)
        module, kind = self.home.split(".")
        make = getattr(import_module(f"tensorrank.tasks.{module}"), kind)
        task: Task = make(**{name: full[name] for name in self.sizes})
        return task

    def sites(self, sizes: Mapping[str, int]) -> int:
        """How many sites a bipartition splits: those of the task, without a public asking token."""
        return self.task(sizes).sites - (self.anchor is not None)

    def matrices(
        self,
        sizes: Mapping[str, int] = MappingProxyType({}),
        *,
        partition: PartitionLike | None = None,
        memory: int | str | None = None,
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of the task by what they say, the most telling first.

        Args:
            sizes: numbers by name; those left out have their defaults.
            partition: of the sites; None for the task's own.
            memory: limit for each matrix.

        Raises:
            TensorRankError: if a size is not one of the task's, is out of range, or a matrix would not fit.

        >>> {what: matrix.entries.shape for what, matrix in named_task("disjointness").matrices({"length": 3}).items()}
        {'disjoint?': (8, 8), 'as sparse averaging': (8, 8), 'meet?': (8, 8), 'averages above -1?': (8, 8)}
        """
        options = {} if self.anchor is None else {"anchor": self.sized(sizes)["anchor"]}
        return self.task(sizes).matrices(partition, memory=memory, **options)


def named_task(name: str) -> NamedTask:
    """The task of this name.

    Raises:
        TensorRankError: if there is none, with the list.
    """
    if not isinstance(name, str) or name not in NAMED_TASKS:
        raise TensorRankError(f"the task is {shown(name)}; {nearest(name, NAMED_TASKS)}")
    return NAMED_TASKS[name]


_TASKS = (
    NamedTask(
        "sparse-averaging",
        "sparse_averaging.SparseAveraging",
        "the average of q chosen tokens out of N. Side A holds the tokens, B the choice.",
        {"tokens": 12, "sparsity": 2},
        least=lambda sizes: sizes["sparsity"] + 1,
        note="Averaging itself has small rank, the number of tokens: a linear recurrent model of that size does it. "
        "Only its threshold, a decision, is hard for protocols.",
        unit="attention of order 2, with random keys and with keys on a moment curve",
        unit_options=("dimension",),
        studies=("model_sizes", "sparse_averaging_errors", "sparse_averaging_dimensions", "sparse_averaging_bits"),
    ),
    NamedTask(
        "match2",
        "match.Match2",
        "is there a token that sums to 0 modulo M with the asking one? A holds the asking token, B all others.",
        {"tokens": 8, "modulus": 7},
        unit="attention of order 2, dimension 3",
    ),
    NamedTask(
        "match3",
        "match.Match3",
        "are there two tokens that sum to 0 modulo M with the asking one? The asking token is known to both sides.",
        {"tokens": 9, "modulus": 11},
        anchor=1,
        least=lambda sizes: 3,
        step=2,
        unit="attention of order 3, dimension 5",
        studies=("triples",),
    ),
    NamedTask(
        "match3-bigram",
        "match3_variants.Match3Bigram",
        "Match3 where the two tokens are neighbours.",
        {"tokens": 9, "modulus": 11},
        anchor=1,
        least=lambda sizes: 3,
        step=2,
        unit="two layers of attention of order 2, dimensions 2 and 3",
    ),
    NamedTask(
        "match3-local",
        "match3_variants.Match3Local",
        "Match3 where both tokens are within a window around the asking one, which stands in the middle.",
        {"tokens": 9, "modulus": 11, "window": 2},
        anchor=1,
        least=lambda sizes: 3,
        step=2,
        unit="attention of order 2, a head of dimension 2 for each token of the window",
    ),
    NamedTask(
        "disjointness",
        "disjointness.Disjointness",
        "have two sets of n elements none in common?",
        {"length": 8},
        grows=("length", "elements n"),
        least=lambda sizes: 1,
        note="Sparse averaging holds disjointness only once it is thresholded: the average itself, 2<a, b>/n - 1, "
        "has the rank n + 1.",
    ),
    NamedTask(
        "inner-product",
        "disjointness.InnerProduct",
        "the inner product of two vectors of n bits, modulo M or as a whole number.",
        {"length": 8, "modulus": 2},
        grows=("length", "bits n"),
        least=lambda sizes: 1,
    ),
    NamedTask(
        "induction-heads",
        "induction_heads.InductionHeads",
        "which token followed the last earlier occurrence of the last token? 0 if there is none, else 1 plus the token.",
        {"tokens": 8, "symbols": 4},
        unit="two layers of attention of order 2, dimensions 3 and 2, under a causal mask",
    ),
    NamedTask(
        "k-hop",
        "induction_heads.InductionHeads",
        "induction heads k times: from the token that was found, the one after its last earlier occurrence, and so on.",
        {"tokens": 8, "symbols": 4, "hops": 2},
        unit="floor(log2 k) + 2 layers of attention of order 2, dimensions 3 and 2, the first under a causal mask",
    ),
    NamedTask(
        "function-composition",
        "function_composition.FunctionComposition",
        "f(g(x)), for two functions of n points that are given by their values, and a point x. A holds g.",
        {"points": 3},
        grows=("points", "points n"),
        note="The rank over Q is that of answers as numbers; a decision about them can have more or less.",
        unit="two layers of attention of order 2, dimension 2",
    ),
    NamedTask(
        "one-or-two-cycles",
        "one_or_two_cycles.OneOrTwoCycles",
        "is a graph one cycle of n vertices or two of n/2? A token is a row of its adjacency matrix.",
        {"vertices": 8},
        grows=("vertices", "vertices n"),
        least=lambda sizes: 6,
        step=2,
        note="No other graphs are asked about. The matrix is a part in which every pair of inputs is such a graph: what it "
        "says of models are lower bounds for the whole task.",
        unit="floor(log2 n) layers of attention of order 2 with two heads of dimension 2",
    ),
)

# By name, in the order of the documentation.
NAMED_TASKS: Mapping[str, NamedTask] = MappingProxyType({task.name: task for task in _TASKS})
