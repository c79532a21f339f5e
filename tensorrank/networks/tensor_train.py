"""The tensor train format: a chain of cores, each with a site and a bond to either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
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
    from tensorly.tt_tensor import TTTensor


@dataclass(frozen=True, eq=False)
class TensorTrain(TensorFormat, EqualByValue):
    """A tensor as a chain of cores, the tensor train format, also known as matrix product state.

    W[j_0, ..., j_(N-1)] is the matrix product cores[0][:, j_0, :] @ ... @ cores[N-1][:, j_(N-1), :], which is 1 x 1.

    Attributes:
        cores: one array (left rank, dimension, right rank) for each site, as in tensorly; the outermost ranks are 1.

    Raises:
        TensorRankError: if there is no core, a core has not three dimensions, or neighbouring ranks differ.

    Source: Oseledets, Tensor-Train Decomposition (SIAM J. Sci. Comput. 33, 2011).

    >>> ones = TensorTrain([np.ones((1, 2, 3)), np.ones((3, 2, 1))])
    >>> ones.ranks, ones.to_network().contract()[0, 0]
    ((1, 3, 1), np.float64(3.0))
    """

    cores: tuple[Entries, ...]

    def __post_init__(self) -> None:
        given = several("cores", self.cores, "an array for each site")
        cores = tuple(given_entries(core, f"core {site}") for site, core in enumerate(given))
        object.__setattr__(self, "cores", cores)
        for site, core in enumerate(cores):
            if core.ndim != 3:
                raise TensorRankError(f"core {site} has the shape {core.shape}; expected (left rank, dimension, right rank)")
        for site, (left, right) in enumerate(pairwise(cores)):
            if left.shape[2] != right.shape[0]:
                raise TensorRankError(
                    f"core {site} has right rank {left.shape[2]} and core {site + 1} left rank {right.shape[0]}; "
                    "expected the same"
                )
        if self.ranks[0] != 1 or self.ranks[-1] != 1:
            raise TensorRankError(f"the outermost ranks are {self.ranks[0]} and {self.ranks[-1]}; expected 1 and 1")

    @property
    def ranks(self) -> tuple[int, ...]:
        """The dimensions of the bonds, with the 1 at either end."""
        return (*(core.shape[0] for core in self.cores), self.cores[-1].shape[2])

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimension of each site."""
        return tuple(core.shape[1] for core in self.cores)

    @classmethod
    def random(cls, shape: Sequence[int], rank: int | Sequence[int], seed: int | np.random.Generator) -> TensorTrain:
        """A train whose cores hold random whole numbers between -999 and 999.

        Args:
            shape: the dimension of each site.
            rank: the dimension of all bonds, or of each of them (one fewer than sites).
            seed: a whole number or a numpy Generator.

        Raises:
            TensorRankError: if a dimension is no positive whole number, or ranks are not one fewer than sites.
        """
        rng = random_stream(seed)
        shape = several("dimensions", shape, "one for each site")
        inner = list(rank) if isinstance(rank, Sequence) else [rank] * (len(shape) - 1)
        if len(inner) != len(shape) - 1:
            raise TensorRankError(f"{len(inner)} ranks were given for {len(shape)} sites; expected {len(shape) - 1}")
        ranks = [1, *(whole_number("rank", one, 1) for one in inner), 1]
        dimensions = [whole_number("dimension", k, 1) for k in shape]
        shapes = zip(ranks[:-1], dimensions, ranks[1:], strict=True)
        return cls(tuple(random_entries(one, rng) for one in shapes))

    def to_network(self) -> TensorNetwork:
        """The train as tensors "core i" with legs "site i", and "bond i" between core i and the next.

        The bonds of dimension 1 at both ends are left out.
        """
        last = len(self.cores) - 1
        tensors = []
        for i, core in enumerate(self.cores):
            kept = slice(1 if i == 0 else 0, 2 if i == last else 3)
            legs: tuple[str, ...] = (f"bond {i - 1}", f"site {i}", f"bond {i}")
            tensors.append(Tensor(f"core {i}", legs[kept], core.reshape(core.shape[kept])))
        return TensorNetwork(tuple(tensors), tuple(f"site {i}" for i in range(len(tensors))))

    def to_tensorly(self) -> TTTensor:
        """The train as an object of tensorly, with float64 entries."""
        from tensorly.tt_tensor import TTTensor

        return TTTensor([core.astype(np.float64) for core in self.cores])

    @classmethod
    def from_tensorly(cls, tensor: TTTensor) -> TensorTrain:
        """The train of a TTTensor of tensorly, of any of its backends.

        Raises:
            TensorRankError: if anything else is given.
        """
        import tensorly
        from tensorly.tt_tensor import TTTensor

        if not isinstance(tensor, TTTensor):
            raise TensorRankError(f"a {type(tensor).__name__} was given; expected a TTTensor of tensorly")
        return cls(tuple(tensorly.to_numpy(core) for core in tensor))
