"""Bounds on the rank of a network without hidden legs, of any size: rows fall into classes, and ranks add up.

Let every leg be open, so that the function is a product of factors, f(a, b) = prod of T_t over the tensors t. The legs
of A number the rows of the unfolding F, the legs of B its columns. Five statements, over any field, take F apart.

1. A factor with legs of one side only multiplies rows, or columns, by numbers. Only where these are zero does it
   matter.
2. Two sets of factors without a leg in common make F a Kronecker product, with repeated rows and columns: their ranks
   multiply.
3. Values of a leg at which one of its factors vanishes can be left out. If a single factor holds a leg, and its slices
   at two values are multiples of each other, one of the two can be left out.
4. Let P be the product of the factors that hold some legs b of B, X its legs of A, and Z its other legs of B. Let the
   slices of P at values of X fall into classes q of multiples, P[X, Z, b] = c(X) u_q(Z, b). Then the rows of F lie in
   the sum of the spaces u_q W_q, where W_q are the rows, with X in class q, of the network without P and b. So
   rank F <= sum over q of rank F_q, where F_q is that network with X in class q, and Z where u_q(Z, .) is not zero.
   If for every value of Z those vectors u_q(Z, .) that are not zero are independent, the sum is direct, and both sides
   are equal. If they are independent for some of the classes, the rows of these have the sum of their ranks.
5. The rank is at most the minimum cut, and at least the rank modulo a prime of any submatrix.

The proof of 4: let the sum of u_q(Z, b) w_q(Z, b'') be zero, with w_q in W_q. At fixed Z and b'' the independent
vectors u_q(Z, .) have the coefficients w_q(Z, b''), which hence vanish wherever u_q(Z, .) does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache, reduce
from math import prod
from typing import Any

import numpy as np

from tensorrank.arithmetic.elimination.rank import rank_mod_p
from tensorrank.arithmetic.rational_rank import rational_rank
from tensorrank.networks.class_splits import Split, outlines_of
from tensorrank.networks.cuts import cut_between
from tensorrank.networks.factors import FIELD, Factor, product_of
from tensorrank.networks.simple_factors import simplified
from tensorrank.networks.tensors import LabelledTensors
from tensorrank.separation.partition import Bipartition

Bounds = tuple[int, int]

# Matrices of at most so many entries are eliminated whole, modulo a prime, and small ones over the rationals.
_ELIMINATED, _PROVED = 2**20, 2**10
# Nanoseconds on 2020s hardware that a search may take, and that its parts take: a network, an outline of a split, a
# multiplication of an elimination. What is found does not depend on the time that they really take.
_WORK = 2e10
_NETWORK, _OUTLINE, _PRODUCT = 2e6, 2e5, 0.1
# Of splits without equality, so many are looked at closely.
_TRIED = 4
# Networks of more tensors, or of more entries, are left alone.
_MOST_FACTORS, _MOST_ENTRIES = 512, 2**18


@lru_cache(maxsize=8)
def class_bounds(network: LabelledTensors, partition: Bipartition, share: float = 1.0) -> Bounds | None:
    """A certified lower and a proven upper bound on the rank of a network's unfolding, by the statements above.

    None for a single tensor, if a leg is hidden, so that values are sums, or if entries are complex, too long or too
    many. The share is that of some fifteen seconds which the search may take.

    >>> from tensorrank.networks.network import Tensor, TensorNetwork
    >>> links = [Tensor(f"link {i}", (f"x{i}", f"x{i + 1}"), [[1, 2], [3, 4]]) for i in range(99)]
    >>> chain = TensorNetwork(tuple(links), tuple(f"x{i}" for i in range(100)))
    >>> class_bounds(chain, Bipartition.interleaved(100)) == (2**50, 2**50)
    True
    """
    entries = sum(tensor.array.size for tensor in network.tensors)
    alone, hidden = len(network.tensors) == 1, len(network.open_legs) < len(network.sizes)
    if alone or hidden or len(network.tensors) > _MOST_FACTORS or entries > _MOST_ENTRIES:
        return None
    factors = [Factor.of(tensor) for tensor in network.tensors]
    known = [factor for factor in factors if factor is not None]
    if len(known) < len(factors):
        return None
    sides = {network.open_legs[site]: side for side in (0, 1) for site in (partition.a, partition.b)[side]}
    return _Search(sides, share * _WORK).bounds(known)


class _Search:
    """The bounds of networks over some legs, found once for each network, and the work that is left for them."""

    def __init__(self, sides: Mapping[str, int], work: float) -> None:
        self.sides, self.work = sides, work
        self.known: dict[Any, Bounds] = {}

    def bounds(self, factors: Sequence[Factor]) -> Bounds:
        """The bounds of the network of these factors."""
        self.work -= _NETWORK
        simple = simplified(factors, self.sides)
        if simple is None:
            return 0, 0
        key = tuple(sorted(factor.key for factor in simple))
        if key not in self.known:
            low = high = 1
            for part in _apart(simple):
                found = self._of_part(part)
                low, high = low * found[0], high * found[1]
            self.known[key] = low, high
        return self.known[key]

    def _of_part(self, factors: list[Factor]) -> Bounds:
        """The bounds of factors that are connected."""
        sizes = {leg: factor.size(leg) for factor in factors for leg in factor.legs}
        sides = [[leg for leg in sizes if self.sides[leg] == side] for side in (0, 1)]
        height, width = (prod(sizes[leg] for leg in side) for side in sides)
        entries, low = height * width, 0
        high = cut_between([factor.legs for factor in factors], sizes, *sides).bound if all(sides) else 1
        if entries <= _ELIMINATED and self.work > 0:
            self.work -= _PRODUCT * entries * min(height, width)
            low, high = _eliminated(factors, [*sides[0], *sides[1]], (height, width), high)
        if low == high or self.work <= 0 or not all(sides):
            return low, high
        split = self._split(factors)
        if split is None:
            return low, high
        found = [self.bounds(split.network_of(number)) for number in range(split.count)]
        return (
            max(low, sum(one[0] for one, kept in zip(found, split.independent, strict=True) if kept)),
            min(high, sum(one[1] for one in found)),
        )

    def _split(self, factors: list[Factor]) -> Split | None:
        """The first split with equality, or else the best of those that may come nearest."""
        outlines = []
        for outline in outlines_of(factors, self.sides):
            self.work -= _OUTLINE + outline.entries
            if outline.most_independent == 1 and (split := outline.split()).independent.all():
                return split
            outlines.append(outline)
        outlines.sort(key=lambda outline: -outline.most_independent)
        return max((outline.split() for outline in outlines[:_TRIED]), key=lambda split: split.share, default=None)


def _apart(factors: Sequence[Factor]) -> list[list[Factor]]:
    """The sets of factors that share legs, directly or by way of others."""
    parts: list[tuple[set[str], list[Factor]]] = []
    for factor in factors:
        legs, together = set(factor.legs), [factor]
        touched = [part for part in parts if part[0] & legs]
        for part in touched:
            legs |= part[0]
            together = part[1] + together
        parts = [part for part in parts if not any(part is one for one in touched)] + [(legs, together)]
    return [part for _, part in parts]


def _eliminated(factors: Sequence[Factor], legs: Sequence[str], shape: tuple[int, int], high: int) -> Bounds:
    """The bounds by the whole matrix: its rank over the rationals if it is small, and otherwise modulo the prime."""
    sizes = {leg: factor.size(leg) for factor in factors for leg in factor.legs}
    order = [sizes[leg] for leg in legs]
    if prod(shape) <= _PROVED:
        ones = Factor.made(tuple(legs), np.ones(order, dtype=np.int64).astype(object))
        found = rational_rank(reduce(Factor.times, factors, ones).exact.reshape(shape), threads=1)
        return found.value, min(high, found.upper)
    image = product_of([(factor.legs, factor.image) for factor in factors], legs, order)
    return rank_mod_p(np.ascontiguousarray(image).reshape(shape), FIELD.prime, threads=1), high
