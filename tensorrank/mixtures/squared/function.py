"""The density of a squared mixture for the solver of separation ranks, with what rounding makes of its tables."""

from __future__ import annotations

from dataclasses import dataclass

from tensorrank.networks.function import NetworkFunction
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.separation.architecture import Weights
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.rounding import FloatMatrix


@dataclass(frozen=True, eq=False, repr=False)
class SquaredFunction(NetworkFunction):
    """The function of a network of pairs of states, whose exact entries are products of floats that were given.

    The rank is of the exact products. How far it is one of rounding is told by the products in floats.

    Attributes:
        network: of tables that hold Fractions.
    """

    def in_floats(self, partition: Bipartition, weights: Weights | None, work: float, rank: int) -> FloatMatrix | None:
        """The network in floats, compressed to the cut or sampled; None if an entry is beyond them."""
        try:
            tensors = tuple(Tensor(one.name, one.legs, one.array.astype(float)) for one in self.network.tensors)
        except OverflowError:
            return None
        rounded = NetworkFunction(TensorNetwork(tensors, self.network.open_legs))
        return rounded.in_floats(partition, weights, work, rank)
