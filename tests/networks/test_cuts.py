import itertools
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks.random_networks import networks
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.networks.cuts import Cut, minimum_cut
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import Bipartition

FIELD = PrimeField(2147483629)


def partitions(sites):
    return st.permutations(range(sites)).flatmap(
        lambda order: st.integers(1, sites - 1).map(lambda cut: Bipartition(tuple(order[:cut]), tuple(order[cut:])))
    )


def by_brute_force(network, partition):
    """The least product over all ways to put every tensor on side A or side B."""
    side_of = {network.open_legs[s]: name for name, side in (("A", partition.a), ("B", partition.b)) for s in side}
    best = None
    for sides in itertools.product("AB", repeat=len(network.tensors)):
        cut = []
        for leg, size in network.sizes.items():
            touched = {side for side, tensor in zip(sides, network.tensors, strict=True) if leg in tensor.legs}
            touched |= {side_of[leg]} if leg in side_of else set()
            cut.append(size if len(touched) == 2 else 1)
        best = prod(cut) if best is None else min(best, prod(cut))
    return best


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_it_is_the_least_over_all_ways_to_put_tensors_on_two_sides(network, data):
    partition = data.draw(partitions(network.sites))
    cut = minimum_cut(network, partition)
    assert cut.bound == by_brute_force(network, partition)
    assert cut.bound == prod(network.sizes[leg] for leg in cut.legs)


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_no_rank_exceeds_it(network, data):
    partition = data.draw(partitions(network.sites))
    assert flint_rank(network.unfold(partition, FIELD), FIELD.prime) <= minimum_cut(network, partition).bound


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_the_legs_cut_separate_the_sides(network, data):
    partition = data.draw(partitions(network.sites))
    cut = minimum_cut(network, partition)
    reached = {network.open_legs[site] for site in partition.a} - set(cut.legs)
    while True:
        touched = [tensor for tensor in network.tensors if reached & set(tensor.legs)]
        more = set().union(reached, *(tensor.legs for tensor in touched)) - set(cut.legs)
        if more == reached:
            break
        reached = more
    assert reached.isdisjoint(network.open_legs[site] for site in partition.b)


@pytest.mark.parametrize(("rank", "sites", "bound"), [(2, 8, 16), (2, 24, 4096), (3, 8, 16), (1, 8, 1)])
def test_interleaved_trains_are_cut_at_min_of_rank_and_dimension_for_every_second_site(rank, sites, bound):
    train = TensorTrain.random((2,) * sites, rank, seed=0).to_network()
    assert minimum_cut(train, Bipartition.interleaved(sites)).bound == bound


def test_the_bound_is_a_whole_number_of_any_size():
    tensors = [Tensor(f"t{i}", (f"x{i}", f"y{i}"), np.ones((3, 3))) for i in range(200)]
    pairs = TensorNetwork(tuple(tensors), tuple(leg for tensor in tensors for leg in tensor.legs))
    assert minimum_cut(pairs, Bipartition.interleaved(400)).bound == 3**200


def test_parts_that_do_not_meet_cost_nothing_and_neither_do_legs_of_dimension_one():
    apart = TensorNetwork((Tensor("u", ("a",), [1, 2]), Tensor("v", ("b",), [3, 4])), ("a", "b"))
    assert minimum_cut(apart, Bipartition.halves(2)) == Cut(1, ())
    thin = TensorNetwork((Tensor("u", ("a", "z"), np.ones((2, 1))), Tensor("v", ("z", "b"), np.ones((1, 2)))), ("a", "b"))
    cut = minimum_cut(thin, Bipartition.halves(2))
    assert (cut.bound, cut.legs) == (1, ("z",))


def test_prefix_cuts_of_a_balanced_tree():
    # SOURCES.md section 4: ranks 2 2 4 2 4 2 2 for r = 2, N = 8.
    network = HierarchicalTucker.random((2,) * 8, 2, seed=1).to_network()
    bounds, ranks = [], []
    for first in range(1, 8):
        partition = Bipartition.of(8, range(first))
        bounds.append(minimum_cut(network, partition).bound)
        ranks.append(flint_rank(network.unfold(partition, FIELD), FIELD.prime))
    assert bounds == ranks == [2, 2, 4, 2, 4, 2, 2]
