"""The minimum cut of a network: an upper bound on the rank of its unfolding, whatever the entries of its tensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2, prod

from tensorrank.networks.expression import Legs
from tensorrank.networks.maximum_flow import UNLIMITED, FlowGraph
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
        partition: a Bipartition of its sites, "halves", "interleaved", or the sites of side A by number or name.

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
    split = checked_partition(network.sites, partition, network.open_legs)
    sides = [[network.open_legs[site] for site in side] for side in (split.a, split.b)]
    return cut_between([tensor.legs for tensor in network.tensors], network.sizes, *sides)


def cut_between(tensors: Sequence[Legs], sizes: Mapping[str, int], side_a: Iterable[str], side_b: Iterable[str]) -> Cut:
    """The minimum cut between the legs of two sides, of tensors that are known by their legs.

    >>> cut_between([("x", "z"), ("z", "y")], {"x": 4, "y": 4, "z": 2}, ["x"], ["y"])
    Cut(bound=2, legs=('z',))
    """
    legs = list(sizes)
    # Nodes: where flow enters each leg and where it leaves it, the tensors, and the two sides.
    into = {leg: number for number, leg in enumerate(legs)}
    out_of = {leg: len(legs) + number for number, leg in enumerate(legs)}
    a = 2 * len(legs) + len(tensors)
    b = a + 1
    graph = FlowGraph(b + 1)
    for leg in legs:
        graph.add(into[leg], out_of[leg], round(_UNITS * log2(sizes[leg])))
    for pin, held in enumerate(tensors, 2 * len(legs)):
        for leg in held:
            graph.add(pin, into[leg], UNLIMITED)
            graph.add(out_of[leg], pin, UNLIMITED)
    for leg in side_a:
        graph.add(a, into[leg], UNLIMITED)
    for leg in side_b:
        graph.add(out_of[leg], b, UNLIMITED)
    far = graph.far_side(a, b)
    cut = tuple(leg for leg in legs if far[out_of[leg]] and not far[into[leg]])
    return Cut(prod(sizes[leg] for leg in cut), cut)
