"""Families of mixture models that are compared at equal size: one structure each, of any number of states."""

from __future__ import annotations

import sys
from bisect import bisect_right
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from tensorrank.arguments import one_of, shown, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.checked import check_fields, checked
from tensorrank.errors import TensorRankError, TooLargeError
from tensorrank.experiments.experiment import power_of_two
from tensorrank.mixtures.fitting.options import FitOptions
from tensorrank.mixtures.fitting.report import FitReport
from tensorrank.mixtures.fitting.structures import balanced_parents
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.short_reprs import ShortRepr

_KINDS = ("latent_class", "balanced", "chow_liu", "chain")
# The side of an image of 16 million pixels, a mixture's most by far.
_LONGEST_SIDE = 4096


@checked
@dataclass(frozen=True)
class MixtureFamily(ShortRepr):
    """Mixtures of one structure, of any size: all hidden variables have the same number of states.

    Attributes:
        name: the name of the family in tables and figures.
        kind: "latent_class" (one hidden variable), "balanced" (a balanced tree over the variables in order), "chow_liu"
            (a hidden variable for each observed one, joined by the Chow-Liu tree of the rows that are fitted) or
            "chain" (a hidden Markov model with tables for each step).
        branching: the number of children in a balanced tree.
        order: the variables in the order in which a tree or a chain has them; as they come if None.

    Raises:
        TensorRankError: if the kind is none of these, the branching is less than 2, or the order does not name each
            variable once.

    >>> MixtureFamily("trees", "balanced").depth(sites=8)
    3
    """

    name: str
    kind: Literal["latent_class", "balanced", "chow_liu", "chain"]
    branching: int = 2
    order: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        one_of("the kind of a family", self.kind, _KINDS)
        whole_number("branching", self.branching, least=2)
        if self.order is not None and sorted(self.order) != list(range(len(self.order))):
            raise TensorRankError(f"an order is {shown(self.order)}; expected each variable once, from 0")

    def depth(self, sites: int) -> int | None:
        """The levels of hidden variables over so many observed variables; None for trees without levels."""
        if self.kind not in ("latent_class", "balanced"):
            return None
        levels = 1
        while self.kind == "balanced" and self.branching**levels < sites:
            levels += 1
        return levels

    def parameters(self, sites: int, symbols: int, states: int) -> int:
        """The free parameters of a model of this family: those of the prior and of a table for each edge.

        >>> MixtureFamily("trees", "balanced").parameters(sites=4, symbols=3, states=2)  # 1, two tables of 2, four of 4
        21
        """
        hidden = {"latent_class": 1, "balanced": 0, "chow_liu": sites, "chain": sites}[self.kind]
        if self.kind == "balanced":
            hidden = len(set(balanced_parents(sites, self.branching)))
        return states - 1 + (hidden - 1) * states * (states - 1) + sites * states * (symbols - 1)

    def states(self, sites: int, symbols: int, budget: int) -> int:
        """The most states of each hidden variable with which a model has no more parameters than the budget.

        Raises:
            TensorRankError: if a model of one state has more.

        >>> MixtureFamily("classes", "latent_class").states(sites=4, symbols=3, budget=30)
        3
        """
        if self.parameters(sites, symbols, 1) > budget:
            raise TensorRankError(
                f"the budget is {budget}; expected at least the {self.parameters(sites, symbols, 1)} parameters of "
                f"{sites} independent variables of {symbols} values"
            )
        # A model of r states has r - 1 parameters or more; a range holds no more numbers than a processor can count.
        states = range(1, min(budget + 2, sys.maxsize))
        return bisect_right(states, budget, key=partial(self.parameters, sites, symbols))

    def ordered(self, data: Integers) -> Integers:
        """The data with its variables in the family's order."""
        return data if self.order is None else data[:, list(self.order)]

    def fit(
        self, data: Integers, states: int, random_state: int | np.random.Generator, options: FitOptions
    ) -> FitReport[LatentClass] | FitReport[LatentTree] | FitReport[HiddenMarkov]:
        """A model of this family, fitted to data whose variables are in the family's order."""
        if self.kind == "latent_class":
            return LatentClass.fit_report(data, states, random_state, **options)
        if self.kind == "chain":
            return HiddenMarkov.fit_report(data, states, random_state, homogeneous=False, **options)
        return LatentTree.fit_report(data, states, random_state, tree=self.kind, branching=self.branching, **options)


@checked
def z_order(side: int) -> tuple[int, ...]:
    """The pixels of a square image, numbered row by row, in the order in which every aligned run of 4^l is a square.

    Args:
        side: a power of two.

    Raises:
        TensorRankError: if the side is no power of two, or more than 4096.

    Source: Morton, A computer oriented geodetic data base and a new technique in file sequencing (1966).

    >>> z_order(4)
    (0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15)
    """
    levels = power_of_two("the side", side).bit_length() - 1
    if side > _LONGEST_SIDE:
        raise TooLargeError(f"the side is {shown(side)}; expected at most {_LONGEST_SIDE}")
    # Rows and columns as bits; a bit of the row, then one of the column, the highest first.
    bits = np.arange(side**2).reshape((2,) * (2 * levels))
    woven = [axis for level in range(levels) for axis in (level, levels + level)]
    return tuple(bits.transpose(woven).ravel().tolist())
