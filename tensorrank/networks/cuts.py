"""The minimum cut of a network: an upper bound on the rank of its unfolding, whatever the entries of its tensors."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2, prod

from tensorrank.networks.tensors import LabelledTensors
from tensorrank.separation.partition import PartitionLike, checked_partition

# Capacities are logarithms in these units: whole numbers, with which a maximum flow is exact and ends.
_UNITS = 2**40


@dataclass(frozen=True)
class Cut:
    """A set of legs that separates the sites of A from those of B.

    Attributes:
        bound: the product of the dimensions of the legs, a whole number of any size; the unfolding has at most this
            rank.
        legs: the names of the legs. An open leg among them is cut from its own site.
    """

    bound: int
    legs: tuple[str, ...]


def minimum_cut(network: LabelledTensors, partition: PartitionLike) -> Cut:
    """The cut of least product of dimensions between the open legs of A and those of B.

    For fixed values of the legs cut, the network is a function of A's inputs times a function of B's. Hence the product
    of the dimensions of these legs bounds the separation rank, for all entries. Every leg counts once, however many
    tensors share it. Cuts are compared by sums of logarithms, each exact to 2**-40; the bound itself is the exact
    product for the cut that was found.

    Args:
        network: the tensors.
        partition: a Bipartition of its sites, "halves", "interleaved", or the sites of side A.

    Raises:
        PartitionError: if the partition is no bipartition of the open legs.

    Sources: min-cut bound for tensor networks, Cui et al., Quantum max-flow/min-cut (2016, arXiv 1508.04644); vertices
    for legs, Lawler, Cutsets and partitions of hypergraphs (Networks 3, 1973).

    >>> from tensorrank.networks.tensor_train import TensorTrain
    >>> train = TensorTrain.random((2,) * 8, 2, seed=0).to_network()
    >>> minimum_cut(train, "halves")
    Cut(bound=2, legs=('bond 3',))
    >>> minimum_cut(train, "interleaved").bound
    16
    """
    # networkx takes a tenth of a second to import, which not everyone who contracts a network needs.
    import networkx as nx

    split = checked_partition(network.sites, partition)
    graph = nx.DiGraph()
    graph.add_nodes_from(["A", "B"])
    for leg, size in network.sizes.items():
        graph.add_edge(("into", leg), ("out of", leg), capacity=round(_UNITS * log2(size)))
    pins = [(("tensor", tensor.name), leg) for tensor in network.tensors for leg in tensor.legs]
    for pin, leg in pins:
        # An edge without a capacity is never cut.
        graph.add_edge(pin, ("into", leg))
        graph.add_edge(("out of", leg), pin)
    for site in split.a:
        graph.add_edge("A", ("into", network.open_legs[site]))
    for site in split.b:
        graph.add_edge(("out of", network.open_legs[site]), "B")
    _, (near, _) = nx.minimum_cut(graph, "A", "B")
    cut = tuple(leg for leg in network.sizes if ("into", leg) in near and ("out of", leg) not in near)
    return Cut(prod(network.sizes[leg] for leg in cut), cut)
