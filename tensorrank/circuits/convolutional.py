"""Convolutional arithmetic circuits: linear maps of channels at each position, then products over pooling windows.

Level l maps the channels of each position p by a matrix, v_p = W^l_p u_p (a 1 x 1 convolution). Then it multiplies the
vectors v_p of each window entry by entry, and each window becomes a position of the next level. After the last level
one position is left, and one output is read from it. The function is multilinear in the vectors of the sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from math import log2, prod
from typing import ClassVar

import numpy as np

from tensorrank.arguments import several, true_or_false, whole_number
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.checked import checked
from tensorrank.circuits.pooling import Levels, Pooling, pooling_levels
from tensorrank.networks.cuts import minimum_cut
from tensorrank.networks.function import NetworkInstance
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.architecture import Model, Weights
from tensorrank.separation.monomials import monomial_count
from tensorrank.separation.named_weights import (
    Shapes,
    WeightedArchitecture,
    checked_weights,
    drawn_or_given,
    heights_of,
    refuse_large,
)
from tensorrank.separation.partition import Bipartition, PartitionLike, checked_partition
from tensorrank.separation.rounding import FloatMatrix

# Every bound and every value goes through all sites: for so many it takes some ten seconds.
_MOST_SITES = 20_000


@checked
@dataclass(frozen=True)
class ConvolutionalCircuit(WeightedArchitecture):
    """A convolutional arithmetic circuit with a chosen pooling geometry.

    Args:
        sites: N, the number of input positions.
        channels: M, the dimension of a site's vector.
        widths: r_0, r_1, ...: the channels after the linear map of each level. One width makes the shallow circuit
            (a canonical polyadic tensor of that rank), log2(N) widths the deepest of the named geometries.
        pooling: "neighbours" (windows of two adjacent positions), "mirror" (each position with its mirror image), or
            for each level a list of windows, each a list of positions. Named geometries pool whatever is left in one
            window at the last level.
        shared: whether the positions of a level share one matrix.

    Raises:
        TensorRankError: if a number is not a whole number of at least 1 (from 2 to 20000 for sites), there are
            more widths than the geometry has levels, or windows do not cover each position of their level once.

    Weights are `level 0`, `level 1`, ..., of shape (positions, r_l, r_(l-1)), with r_(-1) = M and 1 for positions if
    shared, and `output` of shape (r_last,).

    Source: Cohen, Shashua, Inductive bias of deep convolutional networks through pooling geometry (ICLR 2017, arXiv
    1605.06743).

    >>> from tensorrank.separation.solve import separation_rank
    >>> circuit = ConvolutionalCircuit(8, channels=2, widths=(2, 2, 2))
    >>> separation_rank(circuit).value, separation_rank(circuit, Bipartition.interleaved(8)).value
    (2, 16)
    """

    kind: ClassVar = "convolutional"
    sites: int
    channels: int
    widths: Sequence[int]
    _: KW_ONLY
    pooling: Pooling = "neighbours"
    shared: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "sites", whole_number("sites", self.sites, 2, _MOST_SITES))
        object.__setattr__(self, "channels", whole_number("channels", self.channels, 1))
        widths = several("widths", self.widths, "a list of whole numbers, one for each level")
        object.__setattr__(self, "widths", tuple(whole_number("a width", width, 1) for width in widths))
        object.__setattr__(self, "shared", true_or_false("shared", self.shared))
        levels = pooling_levels(self.sites, len(self.widths), self.pooling)
        if not isinstance(self.pooling, str):
            object.__setattr__(self, "pooling", levels)
        # Where the property below would keep it.
        self.__dict__["levels"] = levels

    @cached_property
    def levels(self) -> Levels:
        """The windows of each level, as positions of that level."""
        return pooling_levels(self.sites, len(self.widths), self.pooling)

    @property
    def weight_degree(self) -> int:
        """The degree of the output in the weights: one for each linear map, and one for the output."""
        return sum(self._positions) + 1

    @property
    def input_degree(self) -> int:
        """The degree of the output in the inputs: N, one for each site."""
        return self.sites

    def value_work(self, partition: Bipartition) -> float:
        """The operations of one value: a matrix product for each position, and as much again for residues."""
        inner = (self.channels, *self.widths)
        maps = zip(self._positions, inner, self.widths, strict=False)
        return 20.0 * sum(count * above * (below + 5) for count, below, above in maps)

    @property
    def _positions(self) -> list[int]:
        return [sum(map(len, windows)) for windows in self.levels]

    @property
    def shapes(self) -> Shapes:
        """For every weight the axes of its array in words, and the shape."""
        shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
        below = self.channels
        for level, (positions, width) in enumerate(zip(self._positions, self.widths, strict=True)):
            count = 1 if self.shared else positions
            shapes[f"level {level}"] = ("positions (1 if shared), width, width below", (count, width, below))
            below = width
        shapes["output"] = ("width", (below,))
        return shapes

    def draw(self, field: PrimeField, rng: np.random.Generator, weights: Weights | None = None) -> NetworkInstance:
        """The circuit over GF(p) with random weights, or with the exact image of those given."""
        drawn = drawn_or_given(weights, self.shapes, field, rng)
        return self.to_network(drawn).architecture().draw(field, rng)

    def value_bits(self, weights: Weights | None = None) -> float:
        """log2 of a bound on the coefficients of the output, a polynomial in the inputs and in weights not given.

        As a tensor network the circuit has a matrix for every position. The sum of the absolute values of all entries
        of the dense tensor is at most the product of those sums of all matrices. Of weights that are not given, each
        entry counts as 1.
        """
        found = heights_of(weights, self.shapes)
        positions = [*self._positions, 1]
        total = sum(one.denominator for one in found.values())
        for count, (name, (_, shape)) in zip(positions, self.shapes.items(), strict=True):
            entries = prod(shape[1:] if len(shape) > 1 else shape)
            total += count * (log2(entries) + (found[name].largest if found else 0.0))
        return total

    def contains(self, partition: Bipartition, other: Model, other_partition: Bipartition) -> bool:
        """True for a circuit of the same pooling whose levels and sites are no wider, and shared if this one's are.

        Weights are padded with zeros, so that further entries of a level stay zero. Weights that are not shared may be
        equal. For almost all weights the rank is the largest that any weights give, and restricting inputs raises none.
        """
        return (
            isinstance(other, ConvolutionalCircuit)
            and self.levels == other.levels
            and self.shared <= other.shared
            and self.channels >= other.channels
            and all(own >= wanted for own, wanted in zip(self.widths, other.widths, strict=True))
            and {frozenset(partition.a), frozenset(partition.b)}
            == {frozenset(s) for s in (other_partition.a, other_partition.b)}
        )

    def in_floats(self, partition: Bipartition, weights: Weights | None, work: float, rank: int) -> FloatMatrix | None:
        """The circuit as a network, compressed to the cut, if some of the weights given are floats."""
        return None if weights is None else self.to_network(weights).architecture().in_floats(partition, None, work, rank)

    def rank_bound(self, partition: PartitionLike) -> int:
        """The minimum cut of the circuit as a tensor network, or less for one level with shared weights.

        In that case the sites of a side enter alike. Symmetric tensors of order n in dimension M form a space of
        dimension binom(M + n - 1, n), and the rank is at most that of either side.
        """
        split = checked_partition(self.sites, partition)
        refuse_large(self.shapes)
        ones = {name: np.ones(shape, dtype=np.int64) for name, (_, shape) in self.shapes.items()}
        bound = minimum_cut(self.to_network(ones), split).bound
        if self.shared and len(self.levels) == 1:
            bound = min(bound, *(monomial_count(self.channels, len(side)) for side in (split.a, split.b)))
        return bound

    def generic_lower_bound(self, partition: PartitionLike) -> int:
        """The published bound min(r_0, M)^S, where S windows of the first level have sites of both sides.

        The bound holds with shared weights and without. For one level it is min(r_0, M) if the only window is split.

        Source: Cohen, Shashua (ICLR 2017), theorem 1.
        """
        side_a = set(checked_partition(self.sites, partition).a)
        split = sum(len({site in side_a for site in window}) == 2 for window in self.levels[0])
        return int(min(self.widths[0], self.channels) ** split)

    def to_network(self, weights: Weights) -> TensorNetwork:
        """The circuit as a tensor network, a tree with one open leg for each site; legs of windows are copied.

        Args:
            weights: by name, as `separation_rank` takes them.

        Raises:
            WeightsError: if they have other names or shapes, or are not finite.
        """
        arrays = checked_weights(weights, self.shapes)
        tensors = []
        legs = [f"x{site}" for site in range(self.sites)]
        for level, windows in enumerate(self.levels):
            matrices = arrays[f"level {level}"]
            for number, window in enumerate(windows):
                for position in window:
                    matrix = matrices[0 if self.shared else position]
                    pooled = f"level {level} window {number}"
                    tensors.append(Tensor(f"level {level} position {position}", (pooled, legs[position]), matrix))
            legs = [f"level {level} window {number}" for number in range(len(windows))]
        tensors.append(Tensor("output", tuple(legs), arrays["output"]))
        return TensorNetwork(tuple(tensors), tuple(f"x{site}" for site in range(self.sites)))
