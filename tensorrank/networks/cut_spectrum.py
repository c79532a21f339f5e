"""The singular values of a network across a cut, in floats, without the dense unfolding.

Tensors are contracted two at a time. What a tensor has of the sites of A is one leg, and likewise of B. Where the leg
of a side is longer than all other legs of its tensor together, the tensor is Q R with orthonormal columns in Q, and R
takes its place. All these Q act on different sites of a side. Hence they change no singular value of the unfolding, and
in the end a small matrix has those of the whole: its sides are no longer than the bonds across the cut together.

The work of a train or a tree grows with the number of its sites, however long it is. Nothing is squared, so no digits
are lost.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from string import ascii_letters

import numpy as np

from tensorrank.arithmetic.arrays import Floats
from tensorrank.networks.contraction import Operand
from tensorrank.networks.tensors import LabelledTensors
from tensorrank.separation.partition import Bipartition

# The leg of a tensor that stands for its sites of a side; no tensor has legs of these names.
_SIDES = ("\0A", "\0B")
# Larger tensors, and tensors of more legs, are not made.
_MOST_ENTRIES, _MOST_LEGS = 2**22, 30
# Of a leg that many tensors share, a new tensor is offered so many of them as partners.
_MOST_PARTNERS = 4


def cut_matrix(network: LabelledTensors, operands: Sequence[Operand], partition: Bipartition, work: float) -> Floats | None:
    """A matrix with the singular values of the network's unfolding but for a common factor; None if it costs too much.

    Args:
        network: the tensors.
        operands: their entries in float64.
        partition: the sites of A, for the rows, and of B.
        work: the operations that it may take, about.

    Source: orthogonalisation of tensor trains, Oseledets, Tensor-Train Decomposition (SIAM J. Sci. Comput. 33, 2011).

    >>> from tensorrank.networks.tensor_train import TensorTrain
    >>> train = TensorTrain.random((2,) * 60, 3, seed=0).to_network()
    >>> cut_matrix(train, train.operands(None), Bipartition.halves(60), work=1e8).shape
    (3, 3)
    """
    sides = [{network.open_legs[site] for site in sites} for sites in (partition.a, partition.b)]
    return _Contraction(network, operands, sides, work).matrix()


@dataclass(frozen=True, eq=False)
class _Part:
    """A product of some tensors of the network, with at most one leg for each side."""

    legs: tuple[str, ...]
    values: Floats

    def sizes(self, place: int) -> dict[str, int]:
        """The dimension of every leg; the legs for the sides are told apart by a place."""
        names = (f"{leg}{place}" if leg in _SIDES else leg for leg in self.legs)
        return dict(zip(names, self.values.shape, strict=True))


class _Contraction:
    """The parts that are left, which of them have each leg, and the pairs that may be contracted next."""

    def __init__(self, network: LabelledTensors, operands: Sequence[Operand], sides: Sequence[set[str]], work: float) -> None:
        self.sides, self.open, self.work = sides, sides[0] | sides[1], work
        self.owners: dict[str, set[int]] = {leg: set() for leg in network.sizes}
        self.parts: dict[int, _Part] = {}
        self.pairs: list[tuple[int, int, int]] = []
        for number, tensor in enumerate(network.tensors):
            for leg in tensor.legs:
                self.owners[leg].add(number)
        self.made = len(network.tensors)
        for number, (tensor, operand) in enumerate(zip(network.tensors, operands, strict=True)):
            self._put(number, tensor.legs, operand.values)

    def matrix(self) -> Floats | None:
        """Contract all parts to one, the cheapest pairs first, and give it as a matrix of the two sides."""
        while len(self.parts) > 1:
            if not self._contract(*self._next()):
                return None
        (last,) = self.parts.values()
        if self.work < 0:
            return None
        order = [last.legs.index(side) for side in _SIDES if side in last.legs]
        sizes = dict(zip(last.legs, last.values.shape, strict=True))
        return last.values.transpose(order).reshape(sizes.get(_SIDES[0], 1), sizes.get(_SIDES[1], 1))

    def _next(self) -> tuple[int, int]:
        while self.pairs:
            _, first, second = heapq.heappop(self.pairs)
            if first in self.parts and second in self.parts:
                return first, second
        # No two share a leg: the smallest are multiplied as they are.
        first, second = sorted(self.parts, key=lambda number: self.parts[number].values.size)[:2]
        return first, second

    def _contract(self, first: int, second: int) -> bool:
        """Put the product of two parts in their place; False if it would cost too much."""
        left, right = self.parts.pop(first), self.parts.pop(second)
        near, far = left.sizes(0), right.sizes(1)
        sizes = near | far
        for leg in sizes:
            if leg in self.owners:
                self.owners[leg] -= {first, second}
        kept = [leg for leg in sizes if leg not in self.owners or self.owners[leg] or leg in self.open]
        self.work -= prod(sizes.values())
        if self.work < 0 or prod(sizes[leg] for leg in kept) > _MOST_ENTRIES or len(sizes) > _MOST_LEGS:
            return False
        letters = dict(zip(sizes, ascii_letters, strict=False))
        a, b, c = ("".join(letters[leg] for leg in legs) for legs in (near, far, kept))
        values = np.einsum(f"{a},{b}->{c}", left.values, right.values, optimize=True)
        number, self.made = self.made, self.made + 1
        for leg in kept:
            if leg in self.owners:
                self.owners[leg].add(number)
        self._put(number, tuple(kept), values)
        return True

    def _put(self, number: int, legs: tuple[str, ...], values: Floats) -> None:
        """Add a part: scaled, since products of many tensors may be of any size, and no longer than need be."""
        largest = np.abs(values).max()
        if largest > 0:
            values = values / largest
        for side, opened in zip(_SIDES, self.sides, strict=True):
            own = [leg for leg in legs if leg.startswith(side) or (leg in opened and self.owners[leg] == {number})]
            if own:
                legs, values = self._shortened(legs, values, own, side)
        self.parts[number] = _Part(legs, values)
        for leg in legs:
            for partner in sorted(self.owners.get(leg, set()) & self.parts.keys() - {number})[:_MOST_PARTNERS]:
                cost = prod((self.parts[partner].sizes(0) | self.parts[number].sizes(1)).values())
                heapq.heappush(self.pairs, (cost, partner, number))

    def _shortened(self, legs: tuple[str, ...], values: Floats, own: list[str], side: str) -> tuple[tuple[str, ...], Floats]:
        """The legs of one side as a single one in front, made no longer than all others together."""
        others = tuple(leg for leg in legs if leg not in own)
        sizes = dict(zip(legs, values.shape, strict=True))
        ordered = values.transpose([legs.index(leg) for leg in (*own, *others)])
        matrix = ordered.reshape(prod(sizes[leg] for leg in own), -1)
        if matrix.shape[0] > matrix.shape[1]:
            self.work -= 2 * matrix.size * matrix.shape[1]
            if self.work > 0:
                matrix = np.asarray(np.linalg.qr(matrix, mode="r"))
        return (side, *others), matrix.reshape(-1, *(sizes[leg] for leg in others))
