"""Factors: the tensors of a network without hidden legs, exact up to a common multiple and modulo a prime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np

from tensorrank.arithmetic.arrays import Array, Integers
from tensorrank.arithmetic.heights import height
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.networks.expression import Legs
from tensorrank.networks.tensors import Tensor

# The prime of all images. Whatever it is, a rank over its field is a lower bound.
FIELD = PrimeField(2147483629)
# Entries are whole numbers of at most so many bits.
_MOST_BITS = 2**13


@dataclass(frozen=True, eq=False)
class Factor:
    """An array of whole numbers with a leg for each dimension.

    Attributes:
        legs: the names of the legs.
        exact: Python's whole numbers.
        image: their residues modulo the prime of `FIELD`.
    """

    legs: Legs
    exact: Array
    image: Integers
    _classes: dict[Legs, Integers] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, tensor: Tensor) -> Factor | None:
        """The factor of a tensor of rational numbers, times a common denominator; None if its numbers are too long."""
        if np.iscomplexobj(tensor.array) or not height(tensor.array).cleared <= _MOST_BITS:
            return None
        ratios = [entry.as_integer_ratio() for entry in tensor.array.astype(object).flat]
        common = math.lcm(*(bottom for _, bottom in ratios))
        return cls.made(tensor.legs, _objects([int(top) * (common // bottom) for top, bottom in ratios], tensor.shape))

    @classmethod
    def made(cls, legs: Legs, exact: Array) -> Factor:
        """The factor of an array of Python's whole numbers."""
        return cls(legs, exact, FIELD.reduce(exact))

    @classmethod
    def indicator(cls, legs: Legs, chosen: Array) -> Factor:
        """The factor that is 1 where an array of truth values is true, and 0 elsewhere."""
        ones = np.asarray(chosen, dtype=np.int64)
        return cls(legs, ones.astype(object), ones)

    @cached_property
    def nonzero(self) -> Array:
        """Where the entries are not zero."""
        return np.asarray(self.exact != 0, dtype=bool)

    @cached_property
    def key(self) -> tuple[Any, ...]:
        """What tells the factor from others."""
        return self.legs, self.exact.shape, tuple(self.exact.ravel().tolist())

    def size(self, leg: str) -> int:
        """The dimension of a leg."""
        return int(self.exact.shape[self.legs.index(leg)])

    def values_used(self, leg: str) -> Array:
        """For each value of a leg, whether there is an entry that is not zero."""
        axis = self.legs.index(leg)
        return np.asarray(self.nonzero.any(axis=tuple(other for other in range(len(self.legs)) if other != axis)))

    def at(self, leg: str, chosen: Integers) -> Factor:
        """The factor with some of the values of a leg; without the leg, if it is a single value."""
        axis = self.legs.index(leg)
        if len(chosen) == 1:
            legs = self.legs[:axis] + self.legs[axis + 1 :]
            return Factor(legs, np.asarray(self.exact.take(chosen[0], axis), dtype=object), self.image.take(chosen[0], axis))
        return Factor(self.legs, self.exact.take(chosen, axis), self.image.take(chosen, axis))

    def projected(self, leg: str) -> Factor:
        """The factor that is 1 where for some value of a leg the entry is not zero."""
        axis = self.legs.index(leg)
        return Factor.indicator(self.legs[:axis] + self.legs[axis + 1 :], np.asarray(self.nonzero.any(axis=axis)))

    def times(self, other: Factor) -> Factor:
        """The product with a factor whose legs are all among the legs of this one."""
        order, shape = placed(other.legs, self.legs, other.exact.shape)
        exact, image = (part.transpose(order).reshape(shape) for part in (other.exact, other.image))
        return Factor(self.legs, self.exact * exact, self.image * image % FIELD.prime)

    def classes(self, legs: Legs) -> Integers:
        """The class of each combination of values of some legs: equal where the slices are multiples; -1 where zero.

        Combinations are numbered with the last leg running fastest.
        """
        if legs not in self._classes:
            rest = [leg for leg in self.legs if leg not in legs]
            order = [self.legs.index(leg) for leg in (*legs, *rest)]
            rows = self.exact.transpose(order).reshape(math.prod(self.size(leg) for leg in legs), -1).tolist()
            known: dict[Any, int] = {}
            self._classes[legs] = np.array(
                [known.setdefault(key, len(known)) if (key := _direction(row)) else -1 for row in rows]
            )
        return self._classes[legs]


def placed(legs: Legs, among: Sequence[str], shape: Sequence[int]) -> tuple[list[int], list[int]]:
    """How an array with some legs is transposed and shaped so that it multiplies one with more legs."""
    order = sorted(range(len(legs)), key=lambda axis: among.index(legs[axis]))
    sizes = dict(zip(legs, shape, strict=True))
    return order, [sizes.get(leg, 1) for leg in among]


def product_of(images: Sequence[tuple[Legs, Integers]], legs: Sequence[str], shape: Sequence[int]) -> Integers:
    """The product of residues of factors, with the legs in this order and of these dimensions."""
    found = np.ones([1] * len(legs), dtype=np.int64)
    for own, image in images:
        order, sizes = placed(own, legs, image.shape)
        found = found * image.transpose(order).reshape(sizes) % FIELD.prime
    return np.broadcast_to(found, tuple(shape))


def _direction(row: list[int]) -> tuple[int, ...] | None:
    """What a row of whole numbers has in common with its multiples; None for zeros."""
    common = reduce(math.gcd, row)
    if not common:
        return None
    first = next(entry for entry in row if entry)
    divisor = common if first > 0 else -common
    return tuple(entry // divisor for entry in row)


def _objects(values: list[int], shape: tuple[int, ...]) -> Array:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found.reshape(shape)
