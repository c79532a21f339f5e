"""Functions of two bit vectors by their inner product: set disjointness, and the inner product itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tensorrank.arguments import true_or_false, whole_number
from tensorrank.arithmetic.arrays import Integers
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.checked import checked
from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.short_reprs import ShortRepr
from tensorrank.tasks.communication import CommunicationMatrix, refuse_bits
from tensorrank.tasks.sparse_averaging import disjointness_in_sparse_averaging
from tensorrank.tasks.task import Examples, all_words, assignments, balanced_labels, checked_whole_numbers, in_words


@checked
@dataclass(frozen=True)
class TwoBitVectors(ShortRepr, ABC):
    """A function of the inner product of two vectors a, b of bits.

    Args:
        length: n, the number of bits of either vector.

    Sites 0..n-1 are the bits of a, sites n..2n-1 those of b.

    Raises:
        TensorRankError: if the length is not a whole number of at least 1.
    """

    length: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "length", whole_number("length", self.length, 1))

    @property
    def sites(self) -> int:
        """2n, the bits of a and of b."""
        return 2 * self.length

    def solve(self, inputs: ArrayLike) -> NDArray[Any]:
        """The value at each input.

        Args:
            inputs: (count, 2, n) of 0 and 1: a, then b.

        Returns:
            (count,) values.

        Raises:
            TensorRankError: if inputs are of another shape, or hold anything but the whole numbers 0 and 1.
        """
        n = self.length
        pairs = checked_whole_numbers("inputs", inputs, (None, 2, n), 1, f"(count, 2, {n}), bits of a and of b")
        return self._values(pairs.prod(axis=1).sum(axis=1))

    def all_inputs(self, *, memory: int | str | None = None) -> Integers:
        """All 4^n inputs, (4^n, 2, n), in lexicographic order.

        Raises:
            TensorRankError: if they would not fit the memory limit.
        """
        return all_words(2, self.sites, f"the inputs of {self}", memory).reshape(-1, 2, self.length)

    def communication(self, partition: PartitionLike | None = None, *, memory: int | str | None = None) -> CommunicationMatrix:
        """The values at all assignments of side A's bits, a row each, and of side B's, a column each.

        Args:
            partition: of the 2n bits; a against b by default.
            memory: bytes, or a text such as "4GiB"; 60 % of what is available by default.

        Returns:
            Rows and columns in lexicographic order of the bits of their side, in the order of the partition.

        Raises:
            PartitionError: if it is no bipartition of 2n sites.
            TensorRankError: if the matrix would not fit the memory limit.
        """
        # However the bits are split, there are 4^n entries: too many are refused before their sites are listed.
        refuse_bits(memory, self.sites, f"the matrix of {self}")
        split = checked_partition(self.sites, partition)
        rows, columns = 2 ** len(split.a), 2 ** len(split.b)
        values = self._values(_inner_products(self.length, split))
        sides = (self._held(split.a), self._held(split.b))
        return CommunicationMatrix(values.astype(np.int64), rows, columns, str(self), sides)

    @abstractmethod
    def _values(self, products: NDArray[Any]) -> NDArray[Any]:
        """The function of the inner product."""

    def _held(self, sites: tuple[int, ...]) -> str:
        n = self.length
        vectors = {"a": [site for site in sites if site < n], "b": [site - n for site in sites if site >= n]}
        return " and ".join(
            name if len(bits) == n else f"{in_words('bit', bits)} of {name}" for name, bits in vectors.items() if bits
        )


@checked
@dataclass(frozen=True)
class Disjointness(TwoBitVectors):
    """The task of set disjointness: do two sets of n elements, given by the bits a and b, have none in common?

    Args:
        length: n, the number of elements.
        intersecting: whether 1 stands for sets that meet instead of disjoint ones.

    Known, for a against b: rank 2^n over every field; 2^n - 1 if 1 stands for sets that meet.

    Raises:
        TensorRankError: if the length is not a whole number of at least 1, or intersecting is neither True nor False.

    Source: Kushilevitz and Nisan, Communication Complexity (1997).

    >>> task = Disjointness(2)
    >>> task.communication().entries
    array([[1, 1, 1, 1],
           [1, 0, 1, 0],
           [1, 1, 0, 0],
           [1, 0, 0, 0]])
    >>> task.solve([[[0, 1], [1, 0]], [[0, 1], [1, 1]]])
    array([ True, False])
    """

    _: KW_ONLY
    intersecting: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "intersecting", true_or_false("intersecting", self.intersecting))

    def __str__(self) -> str:
        return f"{'intersection' if self.intersecting else 'disjointness'} of {self.length}-bit sets"

    def examples(self, count: int, seed: int | np.random.Generator = 0) -> Examples[Integers]:
        """Random sets of about n / 4 elements that are disjoint, or meet in exactly one element.

        Either set alone has the same distribution in both cases (if n > 1), as in Razborov's hard distribution.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.

        Raises:
            TensorRankError: if the count is not a whole number of at least 1.

        Source: Razborov, On the distributional complexity of disjointness (Theoretical Computer Science 106, 1992).
        """
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        meet = labels if self.intersecting else ~labels
        size = max(1, (self.length + 1) // 4)
        # Places in random order: a takes the first, b those that follow, or the last of a's too.
        order = rng.random((len(labels), self.length)).argsort(axis=1)
        first = (size - meet)[:, None]
        return Examples(np.stack([order < size, (first <= order) & (order < first + size)], axis=1).astype(np.int64), labels)

    def matrices(
        self, partition: PartitionLike | None = None, *, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of disjointness and of intersection; a against b, also as sparse averaging.

        Arguments and errors are those of `communication`.
        """
        found = {"disjoint?": replace(self, intersecting=False).communication(partition, memory=memory)}
        if partition is None:
            found["as sparse averaging"] = disjointness_in_sparse_averaging(self.length, memory=memory)
        found["meet?"] = replace(self, intersecting=True).communication(partition, memory=memory)
        if partition is None:
            averages = disjointness_in_sparse_averaging(self.length, thresholded=True, memory=memory)
            found["averages above -1?"] = averages
        return found

    def _values(self, products: NDArray[Any]) -> NDArray[Any]:
        return np.asarray((products > 0) == self.intersecting)


@checked
@dataclass(frozen=True)
class InnerProduct(TwoBitVectors):
    """The task of the inner product of two vectors of n bits, modulo M or as a whole number.

    Args:
        length: n, the number of bits of either vector.
        modulus: M; None for the whole number.

    Known, for a against b: modulo 2 rank 2^n - 1 over the rationals and n over GF(2); n for the whole number.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1.

    Source: Kushilevitz and Nisan, Communication Complexity (1997).

    >>> InnerProduct(2).communication().entries
    array([[0, 0, 0, 0],
           [0, 1, 0, 1],
           [0, 0, 1, 1],
           [0, 1, 1, 0]])
    >>> InnerProduct(2, modulus=None).solve([[[1, 1], [1, 1]]])
    array([2])
    """

    _: KW_ONLY
    modulus: int | None = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.modulus is not None:
            object.__setattr__(self, "modulus", whole_number("modulus", self.modulus, 1))

    def __str__(self) -> str:
        return f"inner product of {self.length} bits" + ("" if self.modulus is None else f" mod {self.modulus}")

    def examples(self, count: int, seed: int | np.random.Generator = 0) -> Examples[Integers]:
        """Random vectors whose inner product modulo M is 0, and others with one bit of b changed so that it is not.

        Args:
            count: how many.
            seed: a whole number or a numpy Generator.

        Returns:
            Labels that are 1 where the value is not 0.

        Raises:
            TensorRankError: if the modulus is None or 1, or the count is not a whole number of at least 1.
        """
        if self.modulus is None:
            raise TensorRankError("the inner product as a whole number has no two labels; give a modulus, such as 2")
        if self.modulus == 1:
            raise TensorRankError("the inner product mod 1 is always 0, so that no label is 1; expected a modulus from 2")
        rng = random_stream(seed)
        labels = balanced_labels(count, rng)
        every = np.arange(len(labels))
        a, b = rng.integers(2, size=(2, len(labels), self.length))
        a[every, rng.integers(self.length, size=len(labels))] = 1
        # Random common bits leave b until their number is a multiple of the modulus.
        common = np.where(a & b, rng.random(a.shape), np.inf).argsort(axis=1).argsort(axis=1)
        b[common < self._values((a & b).sum(axis=1))[:, None]] = 0
        # A random place where a is 1; there is one in every row.
        changed = np.where(a == 1, rng.random(a.shape), -1).argmax(axis=1)
        b[every, changed] ^= labels
        return Examples(np.stack([a, b], axis=1), labels)

    def matrices(
        self, partition: PartitionLike | None = None, *, memory: int | str | None = None
    ) -> dict[str, CommunicationMatrix]:
        """The communication matrices of the inner product modulo M, unless M is None, and of the whole number.

        Arguments and errors are those of `communication`.
        """
        moduli = {f"modulo {self.modulus}": self.modulus, "whole number": None}
        return {
            what: replace(self, modulus=modulus).communication(partition, memory=memory)
            for what, modulus in moduli.items()
            if what != "modulo None"
        }

    def _values(self, products: NDArray[Any]) -> NDArray[Any]:
        # A modulus beyond every product changes none, and may be beyond their type.
        return products if self.modulus is None or self.modulus > self.length else products % self.modulus


def _inner_products(length: int, partition: Bipartition) -> NDArray[np.uint8]:
    """<a, b> at all assignments of either side's bits; it is less than 256 where the matrix fits any memory."""
    rows, columns = assignments(partition.a), assignments(partition.b)
    products = np.zeros((2 ** len(partition.a), 2 ** len(partition.b)), dtype=np.uint8)
    for place in range(length):
        left, right = np.ones(products.shape[0], np.uint8), np.ones(products.shape[1], np.uint8)
        for site in (place, length + place):
            if site in rows:
                left &= rows[site]
            else:
                right &= columns[site]
        products += np.multiply.outer(left, right)
    return products
