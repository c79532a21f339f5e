"""Function composition: two functions are given by their values, and a point; what does one give after the other?"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorrank.arguments import whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.checked import checked
from tensorrank.separation.partition import PartitionLike, checked_partition
from tensorrank.tasks.task import in_words
from tensorrank.tasks.word_task import WordTask

# More points than the tables of any function that fits a memory.
_MOST_POINTS = 2**62


@checked
@dataclass(frozen=True)
class FunctionComposition(WordTask):
    """The task of function composition: what is f(g(x)), for functions f and g from n points to n points?

    Args:
        points: n.

    Sites 0..n-1 are the values g(0)..g(n-1), sites n..2n-1 the values f(0)..f(n-1), site 2n is x. The answer is one of
    0..n-1. By default side A holds g, and side B the rest.

    Known, with g on side A: n^n different rows and n (n^n - n) + n different columns, since a constant function f makes
    the same column for every x, and any other one a column of its own for each. The rank over the rationals is n (n -
    1) + 1, since the answer is a sum over x' and y of [x = x'] f(y) times [g(x') = y], and these last sum to 1 for
    every x'. With f on side A: n^n different rows, and rank n, for the answer is the sum of f(y) [g(x) = y] over y.

    Raises:
        TensorRankError: if the points are not a whole number of at least 2.

    Source: Peng, Narayanan and Papadimitriou, On limitations of the transformer architecture (arXiv 2402.08164).

    >>> task = FunctionComposition(3)
    >>> task.solve([[1, 2, 0, 0, 0, 2, 1]])  # g(1) = 2 and f(2) = 2
    array([2])
    >>> matrix = task.communication()
    >>> matrix.distinct_rows, matrix.distinct_columns, matrix.ranks().rank.value
    (27, 75, 7)
    """

    points: int

    question = "is it point 0?"
    accepted = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", whole_number("points", self.points, 2, _MOST_POINTS))

    def __str__(self) -> str:
        return f"composition of functions of {self.points} points"

    @property
    def sites(self) -> int:
        """The values of both functions and the point asked for: 2n + 1."""
        return 2 * self.points + 1

    @property
    def alphabet(self) -> int:
        """The n points."""
        return self.points

    def same_splits(self, side: PartitionLike) -> Hashable:
        """How many values of g and of f side A holds, and whether it holds x.

        Renaming the points x permutes the values of g, renaming the values of g permutes those of f, and the answer
        stays.

        Args:
            side: the sites of side A.

        Raises:
            PartitionError: if they are no side of a bipartition.
        """
        held = checked_partition(self.sites, side).a
        of_g = sum(site < self.points for site in held)
        asks = 2 * self.points in held
        return of_g, len(held) - of_g - asks, asks

    def _usual_partition(self) -> PartitionLike:
        return range(self.points)

    def _held(self, side: Sequence[int]) -> str:
        n = self.points
        functions = {"g": [site for site in side if site < n], "f": [site - n for site in side if n <= site < 2 * n]}
        parts = [
            name if len(values) == n else f"{in_words('value', values)} of {name}"
            for name, values in functions.items()
            if values
        ]
        return " and ".join(parts + ["x"] * (2 * n in side))

    def _answers(self, symbols: Integers) -> Integers:
        every = np.arange(symbols.shape[1])
        middle = symbols[symbols[-1], every].astype(np.int64)
        answers: Integers = symbols[self.points + middle, every]
        return answers

    def _random_words(self, labels: NDArray[np.bool_], rng: np.random.Generator) -> Integers:
        n, every = self.points, np.arange(len(labels))
        words = rng.integers(n, size=(len(labels), self.sites))
        words[every, n + words[every, words[:, -1]]] = np.where(labels, 0, rng.integers(1, n, len(labels)))
        return words
