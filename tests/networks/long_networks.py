"""Networks of any length in several forms, and what their cuts are in theory."""

import numpy as np

from tensorrank.networks.canonical_polyadic import CanonicalPolyadic
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain


def graph_network(bonds, sites):
    """A tensor with a site of dimension 2 at every vertex, and a bond of dimension 2 for every edge."""
    legs = [[f"site {site}"] for site in range(sites)]
    for number, ends in enumerate(bonds):
        for end in ends:
            legs[end].append(f"bond {number}")
    rng = np.random.default_rng(1)
    tensors = [Tensor(f"t{i}", tuple(one), rng.integers(1, 10, [2] * len(one))) for i, one in enumerate(legs)]
    return TensorNetwork(tuple(tensors), tuple(f"site {site}" for site in range(sites)))


def ring(sites):
    return graph_network([(site, (site + 1) % sites) for site in range(sites)], sites)


def random_tree(sites):
    rng = np.random.default_rng(2)
    return graph_network([(int(rng.integers(max(0, site - 4), site)), site) for site in range(1, sites)], sites)


def ladder(sites):
    along = [(site, site + 2) for site in range(sites - 2)]
    return graph_network([*along, *((site, site + 1) for site in range(0, sites - 1, 2))], sites)


def unconnected(sites):
    return graph_network([], sites)


def train(sites):
    return TensorTrain.random((2,) * sites, 2, seed=0).to_network()


def hierarchical(sites):
    return HierarchicalTucker.random((2,) * sites, 2, seed=0).to_network()


def polyadic(sites):
    return CanonicalPolyadic.random((2,) * sites, 3, seed=0).to_network()


FORMS = [train, ring, random_tree, ladder, hierarchical, polyadic, unconnected]
# The rank of halves: a bond, two bonds, two bonds, a bond, the terms, nothing.
HALVES = {train: 2, ring: 4, ladder: 4, hierarchical: 2, polyadic: 3, unconnected: 1}
