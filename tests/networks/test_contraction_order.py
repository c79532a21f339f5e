"""Orders of contraction for networks of many tensors: right values, and work that grows no faster than the network."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from networks.long_networks import FORMS, HALVES, hierarchical, polyadic, train
from networks.random_networks import dense, networks

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.errors import TensorRankError
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.networks import contraction_order, expression
from tensorrank.networks.contraction_order import greedy_pairs
from tensorrank.networks.cuts import minimum_cut
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.plan import plan
from tensorrank.separation.solve import separation_rank

FIELD = PrimeField(2147483629)


@pytest.fixture
def always(monkeypatch):
    """The search for many tensors, for networks of any size."""
    monkeypatch.setattr(expression, "_MOST_SEARCHED", 0)


@pytest.mark.usefixtures("always")
def test_the_search_for_many_tensors_finds_orders_that_give_the_dense_tensor():
    @settings(max_examples=80, deadline=None)
    @given(networks())
    def check(network):
        np.testing.assert_array_equal(network.contract(FIELD), dense(network) % FIELD.prime)

    check()


@pytest.mark.usefixtures("always")
def test_the_search_for_many_tensors_finds_orders_that_give_the_grid():
    @settings(max_examples=80, deadline=None)
    @given(networks())
    def check(network):
        rng = np.random.default_rng(3)
        split = Bipartition.interleaved(network.sites)
        near, far = ([rng.integers(-9, 10, (3, network.shape[site])) for site in side] for side in (split.a, split.b))
        found = network.grid(split, near, far, FIELD)
        for row in range(3):
            for column in range(3):
                inputs = dict(zip(split.a, (one[row : row + 1] for one in near), strict=True))
                inputs |= dict(zip(split.b, (one[column : column + 1] for one in far), strict=True))
                expected = dense(network, [inputs[site] for site in range(network.sites)])
                assert found[row, column] == expected[0] % FIELD.prime

    check()


@pytest.mark.parametrize("form", FORMS)
def test_every_pair_takes_two_that_are_left_and_one_remains(form):
    network = form(80)
    left = set(range(len(network.tensors)))
    legs = [tensor.legs for tensor in network.tensors]
    for number, pair in enumerate(greedy_pairs(legs, network.open_legs[:1], dict(network.sizes)), len(left)):
        left -= set(pair)
        left.add(number)
        assert len(left) == 2 * len(network.tensors) - number - 1
    assert len(left) == 1


@pytest.fixture
def pushes(monkeypatch):
    """A list of what each search pushed onto its heaps, to which a new search appends 0."""
    counts = []
    push = heapq.heappush

    def counted(heap, one):
        counts[-1] += 1
        push(heap, one)

    monkeypatch.setattr(contraction_order.heapq, "heappush", counted)
    return counts


@pytest.mark.parametrize("kind", [Bipartition.halves, Bipartition.interleaved])
@pytest.mark.parametrize("form", FORMS)
def test_twice_the_sites_take_less_than_three_times_the_search(form, kind, pushes):
    for sites in (250, 500):
        pushes.append(0)
        form(sites).grid_plan(kind(sites), (256, 256))
    assert 0 < pushes[1] < 3 * pushes[0]


def test_twice_the_sites_take_less_than_three_times_the_search_where_a_result_has_many_legs(pushes):
    for sites in (12, 24):
        pushes.append(0)
        network = SumProduct.perfect_matchings(sites, 2, seed=0).coefficients()
        # The network's inner product with itself: the sites are shared, the bonds of each copy are its own.
        own = network.sizes.keys() - set(network.open_legs)
        legs = [tensor.legs for tensor in network.tensors]
        legs += [tuple(f"copy {leg}" if leg in own else leg for leg in one) for one in legs]
        pairs = greedy_pairs(legs, (), dict.fromkeys({leg for one in legs for leg in one}, 2))
        assert len(pairs) == len(legs) - 1
    assert 0 < pushes[1] < 3 * pushes[0]


@pytest.mark.parametrize("form", [train, hierarchical, polyadic])
def test_a_value_of_halves_takes_as_many_operations_as_the_network_has_entries(form):
    # One input for each side: every tensor is contracted with what comes from below, an operation for each entry and
    # each of its legs at most.
    for sites in (300, 600):
        network = form(sites)
        plan = network.grid_plan(Bipartition.halves(sites), (1, 1))
        assert plan.operations <= 8 * sum(tensor.array.size for tensor in network.tensors)


@pytest.mark.parametrize("form", HALVES)
def test_networks_of_a_thousand_sites_have_their_cut_and_their_rank(form):
    network = form(1000)
    assert minimum_cut(network, "halves").bound == HALVES[form]
    result = separation_rank(network, "halves")
    assert (result.value, result.standing) == (HALVES[form], "exact")


def test_sizes_beyond_every_float_are_told_and_refused_in_words():
    # A hundred thousand million values to the power 40, and cuts of as many bonds.
    network = TensorTrain.random((10,) * 400, 3, seed=0).to_network()
    told = network.describe("interleaved")
    assert "dense tensor: about 10^400.0 entries" in told
    assert "about 10^40" in told.splitlines()[1].split("intermediate")[1]
    assert "rank at most 3^399.00" in told
    with pytest.raises(TensorRankError, match=r"a tensor of about 10\^400.0 entries would not fit any memory"):
        network.contract()
    assert plan(network, "interleaved").upper == 3**399
