"""Splits of the rows of a network into classes, by legs of the other side: statement 4 of `value_classes`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import prod

import numpy as np

from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.networks import contraction_kernels as kernels
from tensorrank.networks.expression import Legs
from tensorrank.networks.factors import FIELD, Factor, product_of

# Splits by so many legs at a time are looked at, up to so many values and entries.
_MOST_LEGS = 3
_MOST_VALUES, _MOST_CONDITIONS, _MOST_ENTRIES = 256, 512, 2**18


@dataclass(frozen=True, eq=False)
class Split:
    """Classes of values of some legs X, at which the product P of some factors has slices that are multiples.

    Attributes:
        rest: the factors that are not in P.
        rows: X, the legs of one side in P.
        classes: for each combination of values of X its class, or -1 where P vanishes; of the shape of X.
        conditions: Z, the legs of the other side in P that other factors hold, too.
        present: for each class and each combination of values of Z, whether u_q is not zero there; of the shape of Z
            behind the first axis.
        independent: for each class whether it belongs to those whose vectors are independent at all values of Z.
    """

    rest: list[Factor]
    rows: Legs
    classes: Integers
    conditions: Legs
    present: Array
    independent: Array

    @property
    def count(self) -> int:
        """The number of classes."""
        return len(self.independent)

    @property
    def share(self) -> float:
        """The share of the classes that are independent."""
        return float(self.independent.mean())

    def network_of(self, number: int) -> list[Factor]:
        """The network F_q of a class: without P, with X in the class, and with Z where u_q is not zero.

        Without conditions there is one combination of no values, at which u_q may be zero, too.
        """
        chosen = Factor.indicator(self.rows, self.classes == number)
        return [*self.rest, chosen, Factor.indicator(self.conditions, self.present[number])]


@dataclass(frozen=True, eq=False)
class Outline:
    """A split whose vectors have not been looked at.

    Attributes:
        held: the factors in P.
        rest: all others.
        legs: the legs b, which only the factors in P hold.
        rows: X, the legs of the other side in P.
        conditions: Z, the other legs of the same side in P.
        sizes: the dimensions of all of them.
        classes: the class of each combination of values of X, or -1.
        first: a combination of each class.
    """

    held: list[Factor]
    rest: list[Factor]
    legs: Legs
    rows: Legs
    conditions: Legs
    sizes: Mapping[str, int]
    classes: Integers
    first: Integers

    def shape(self, legs: Legs) -> tuple[int, ...]:
        """The dimensions of some legs."""
        return tuple(self.sizes[leg] for leg in legs)

    @property
    def entries(self) -> int:
        """How many numbers are looked at."""
        return len(self.classes) + len(self.first) * prod(self.shape((*self.conditions, *self.legs)))

    @property
    def most_independent(self) -> float:
        """A bound on the share of the classes that may be independent."""
        return min(1.0, prod(self.shape(self.legs)) / len(self.first)) if len(self.first) else 1.0

    def split(self) -> Split:
        """The split, with the classes whose vectors are independent."""
        chosen = np.unravel_index(self.first, self.shape(self.rows))
        order, lengths = (
            ("\0class", *self.conditions, *self.legs),
            (len(self.first), *self.shape((*self.conditions, *self.legs))),
        )
        images, nonzero = [], []
        for factor in self.held:
            own = ("\0class", *(leg for leg in factor.legs if leg not in self.rows))
            images.append((own, _slices(factor, factor.image, self.rows, chosen)))
            nonzero.append((own, _slices(factor, factor.nonzero.astype(np.int64), self.rows, chosen)))
        shape = len(self.first), prod(self.shape(self.conditions)), prod(self.shape(self.legs))
        vectors, shown = (product_of(parts, order, lengths).reshape(shape) for parts in (images, nonzero))
        present = (shown != 0).any(axis=2)
        # Large classes first.
        ranked = np.argsort(-np.bincount(self.classes[self.classes >= 0], minlength=len(self.first)), kind="stable")
        taken = np.zeros(len(self.first), dtype=bool)
        kernels.take_independent(np.array(vectors), present, ranked, FIELD.prime, taken)
        return Split(
            self.rest,
            self.rows,
            self.classes.reshape(self.shape(self.rows)),
            self.conditions,
            present.reshape(-1, *self.shape(self.conditions)),
            taken,
        )


def outlines_of(factors: Sequence[Factor], sides: Mapping[str, int]) -> Iterator[Outline]:
    """The splits by one leg, then by two and three of one side that are near each other, but for those too large."""
    for count in range(1, _MOST_LEGS + 1):
        for legs in _near_each_other(factors, sides, count):
            outline = _outline(factors, sides, legs)
            if outline is not None:
                yield outline


def _near_each_other(factors: Sequence[Factor], sides: Mapping[str, int], count: int) -> Iterator[Legs]:
    """Sets of so many legs of one side, each of which shares a factor with a leg of the other side."""
    near: dict[str, set[str]] = {}
    for factor in factors:
        for leg in factor.legs:
            near.setdefault(leg, set()).update(other for other in factor.legs if sides[other] != sides[leg])
    seen = dict.fromkeys(chosen for leg in sorted(near) for chosen in combinations(sorted(near[leg]), count))
    yield from seen


def _outline(factors: Sequence[Factor], sides: Mapping[str, int], legs: Legs) -> Outline | None:
    held = [factor for factor in factors if not set(legs).isdisjoint(factor.legs)]
    sizes = {leg: factor.size(leg) for factor in held for leg in factor.legs}
    rows = tuple(sorted(leg for leg in sizes if sides[leg] != sides[legs[0]]))
    conditions = tuple(sorted(leg for leg in sizes if sides[leg] == sides[legs[0]] and leg not in legs))
    values, at, columns = (prod(sizes[leg] for leg in group) for group in (rows, conditions, legs))
    if values > _MOST_VALUES or at > _MOST_CONDITIONS or values * at * columns > _MOST_ENTRIES:
        return None
    rest = [factor for factor in factors if set(legs).isdisjoint(factor.legs)]
    classes, first = _classes(held, rows, tuple(sizes[leg] for leg in rows))
    return Outline(held, rest, legs, rows, conditions, sizes, classes, first)


def _classes(held: Sequence[Factor], rows: Legs, shape: tuple[int, ...]) -> tuple[Integers, Integers]:
    """The class of each combination of values of X, and the first combination of each class.

    Two combinations are in one class if the slices of every factor are multiples of each other.
    """
    codes = []
    for factor in held:
        own = tuple(leg for leg in rows if leg in factor.legs)
        ids = factor.classes(own).reshape([factor.size(leg) for leg in own])
        codes.append(np.broadcast_to(ids.reshape([factor.size(leg) if leg in own else 1 for leg in rows]), shape).ravel())
    together = np.stack(codes)
    vanishes: Array = np.asarray((together < 0).any(axis=0))
    together[:, vanishes] = -1
    _, first, classes = np.unique(together, axis=1, return_index=True, return_inverse=True)
    classes = classes.ravel()
    order = np.sort(first[~vanishes[first]])
    renumbered = np.full(len(first), -1)
    renumbered[classes[order]] = np.arange(len(order))
    return renumbered[classes], order


def _slices(factor: Factor, part: Integers, rows: Legs, chosen: tuple[Integers, ...]) -> Integers:
    """The slices of a factor at some combinations of values of X: one more axis in front, for the combinations."""
    own = [leg for leg in factor.legs if leg in rows]
    order = [factor.legs.index(leg) for leg in own] + [n for n, leg in enumerate(factor.legs) if leg not in rows]
    moved = part.transpose(order)
    if not own:
        return np.broadcast_to(moved, (len(chosen[0]), *moved.shape))
    return moved[tuple(chosen[rows.index(leg)] for leg in own)]
