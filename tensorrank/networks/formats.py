"""The base of tensor formats: each becomes a tensor network, and through it an architecture."""

from __future__ import annotations

from abc import abstractmethod

from tensorrank.networks.function import NetworkFunction
from tensorrank.networks.network import TensorNetwork
from tensorrank.separation.architecture import Model
from tensorrank.whole_numbers import span


class TensorFormat(Model):
    """A tensor given by smaller arrays in one of the known formats."""

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """The dimension of each site."""

    @abstractmethod
    def to_network(self) -> TensorNetwork:
        """The format as a tensor network whose open legs are the sites, in order."""

    def __str__(self) -> str:
        return f"{type(self).__name__}({len(self.shape)} sites of dimension {span(self.shape)})"

    def architecture(self) -> NetworkFunction:
        """The function of the network's open legs, for `separation_rank`."""
        return self.to_network().architecture()
