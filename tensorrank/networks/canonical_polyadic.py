"""The canonical polyadic format: a weighted sum of rank-one tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tensorrank.arguments import several, whole_number
from tensorrank.arithmetic.randomness import random_stream
from tensorrank.equal_values import EqualByValue
from tensorrank.errors import TensorRankError
from tensorrank.networks.entries import Entries, given_entries, random_entries
from tensorrank.networks.formats import TensorFormat
from tensorrank.networks.network import Tensor, TensorNetwork

if TYPE_CHECKING:
    from tensorly.cp_tensor import CPTensor


@dataclass(frozen=True, eq=False)
class CanonicalPolyadic(TensorFormat, EqualByValue):
    """A tensor as a weighted sum of rank-one tensors, the canonical polyadic format.

    W[j_0, ..., j_(N-1)] is the sum over r of weights[r] times the product over sites i of factors[i][j_i, r].

    Attributes:
        weights: shape (rank,).
        factors: one matrix (dimension, rank) for each site, as in tensorly.

    Raises:
        TensorRankError: if there is no factor, or a factor is no matrix with a column for each weight.

    Sources: Hitchcock (1927); Kolda and Bader, Tensor Decompositions and Applications (SIAM Review 51, 2009).

    >>> diagonal = CanonicalPolyadic([1, 1], [np.eye(2, dtype=int)] * 3)
    >>> diagonal.to_network().contract()[1]
    array([[0., 0.],
           [0., 1.]])
    """

    weights: Entries
    factors: tuple[Entries, ...]

    def __post_init__(self) -> None:
        weights = given_entries(self.weights, "the array of weights")
        given = several("factors", self.factors, "a matrix for each site")
        factors = tuple(given_entries(factor, f"factor {site}") for site, factor in enumerate(given))
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "factors", factors)
        if weights.ndim != 1:
            raise TensorRankError(f"the weights have the shape {weights.shape}; expected (rank,)")
        for site, factor in enumerate(factors):
            if factor.ndim != 2 or factor.shape[1] != self.rank:
                raise TensorRankError(
                    f"factor {site} has the shape {factor.shape}; expected (dimension, {self.rank}): a column for each "
                    f"of the {self.rank} weights"
                )

    @property
    def rank(self) -> int:
        """The number of rank-one terms."""
        return len(self.weights)

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimension of each site."""
        return tuple(factor.shape[0] for factor in self.factors)

    @classmethod
    def random(cls, shape: Sequence[int], rank: int, seed: int | np.random.Generator) -> CanonicalPolyadic:
        """A format with weights 1 and factors of random whole numbers between -999 and 999."""
        rng = random_stream(seed)
        rank = whole_number("rank", rank, 1)
        shape = several("dimensions", shape, "one for each site")
        factors = [random_entries((whole_number("dimension", k, 1), rank), rng) for k in shape]
        return cls(np.ones(rank, dtype=np.int64), tuple(factors))

    def to_network(self) -> TensorNetwork:
        """The format as tensors "weights" and "factor i" that share the leg "term"; site i is the leg "site i"."""
        factors = [Tensor(f"factor {i}", (f"site {i}", "term"), factor) for i, factor in enumerate(self.factors)]
        return TensorNetwork(
            (Tensor("weights", ("term",), self.weights), *factors), tuple(f"site {i}" for i in range(len(factors)))
        )

    def to_tensorly(self) -> CPTensor:
        """The format as an object of tensorly, with float64 entries."""
        from tensorly.cp_tensor import CPTensor

        return CPTensor((self.weights.astype(np.float64), [factor.astype(np.float64) for factor in self.factors]))

    @classmethod
    def from_tensorly(cls, tensor: CPTensor) -> CanonicalPolyadic:
        """The format of a CPTensor of tensorly, of any of its backends; weights that are not given are 1.

        Raises:
            TensorRankError: if anything else is given.
        """
        import tensorly
        from tensorly.cp_tensor import CPTensor

        if not isinstance(tensor, CPTensor):
            raise TensorRankError(f"a {type(tensor).__name__} was given; expected a CPTensor of tensorly")
        weights, factors = tensor
        arrays = tuple(tensorly.to_numpy(factor) for factor in factors)
        return cls(np.ones(arrays[0].shape[1]) if weights is None else tensorly.to_numpy(weights), arrays)
