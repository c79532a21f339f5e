import numpy as np
import pytest
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.progress import silent
from tensorrank.arithmetic.resources import worker_threads
from tensorrank.errors import WeightsError
from tensorrank.networks.hierarchical_tucker import HierarchicalTucker
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain
from tensorrank.separation.architecture import Architecture
from tensorrank.separation.grid import GridSampling
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.plan import plan
from tensorrank.separation.solve import separation_rank

FIELD = PrimeField(8388593)


def test_it_is_an_architecture_and_has_inputs_only():
    function = TensorTrain.random((2,) * 6, 2, seed=0).to_network().architecture()
    assert isinstance(function, Architecture)
    assert (function.sites, function.weight_degree, function.input_degree) == (6, 0, 6)
    assert function.value_work(Bipartition.halves(6)) > 1
    assert plan(function).method == "grid"


def hidden_markov_chain(states, values, sites, seed):
    """Random tables; each hidden state is one leg, shared by two transitions and an emission."""
    rng = np.random.default_rng(seed)
    emissions = [Tensor(f"emission {i}", (f"state {i}", f"x{i}"), rng.integers(1, 999, (states, values))) for i in range(sites)]
    transitions = [
        Tensor(f"transition {i}", (f"state {i}", f"state {i + 1}"), rng.integers(1, 999, (states, states)))
        for i in range(sites - 1)
    ]
    return TensorNetwork((*emissions, *transitions), tuple(f"x{i}" for i in range(sites)))


# SOURCES.md section 4, odd and even sites: q**(N // 2) with q = min(states, values), after Khrulkov et al. (2018).
@pytest.mark.parametrize(("states", "values", "sites", "expected"), [(2, 2, 8, 16), (2, 3, 6, 8), (3, 2, 6, 8)])
def test_interleaved_hidden_markov_chains_have_the_published_rank(states, values, sites, expected):
    function = hidden_markov_chain(states, values, sites, seed=1).architecture()
    found = separation_rank(function, Bipartition.interleaved(sites))
    assert (found.value, found.standing) == (expected, "exact")


def test_an_interleaved_markov_chain_has_the_published_rank():
    rng = np.random.default_rng(2)
    tables = [Tensor(f"t{i}", (f"x{i}", f"x{i + 1}"), rng.integers(1, 999, (3, 3))) for i in range(5)]
    chain = TensorNetwork(tuple(tables), tuple(f"x{i}" for i in range(6)))
    assert separation_rank(chain.architecture(), Bipartition.interleaved(6)).value == 27


def test_interleaved_trains_have_rank_two_for_every_second_site():
    function = TensorTrain.random((2,) * 12, 2, seed=1).to_network().architecture()
    found = separation_rank(function, Bipartition.interleaved(12))
    assert (found.value, found.standing) == (2**6, "exact")


def test_the_rank_of_a_grid_is_that_of_the_unfolding():
    # Train of rank 2 as a tree of rank at most 4 and back: an odd cut of a tree, ranks by FLINT.
    network = HierarchicalTucker.random((3, 2, 2, 3, 2), 2, seed=5).to_network()
    for sites in ((0,), (1, 2), (0, 3), (0, 2, 4)):
        partition = Bipartition.of(5, sites)
        instance = network.architecture().draw(FIELD, np.random.default_rng(0))
        with worker_threads(1) as pool:
            found = GridSampling(instance, partition, FIELD, seed=1, bound=None, most=64)(None, pool, silent)
        assert found.rank == flint_rank(network.unfold(partition, FIELD), FIELD.prime)


def test_a_network_that_vanishes_has_rank_zero():
    zero = TensorNetwork((Tensor("u", ("a", "b"), np.zeros((2, 2))),), ("a", "b"))
    assert zero.architecture().generic_lower_bound(Bipartition.halves(2)) == 0
    assert separation_rank(zero.architecture()).value == 0


def test_samples_are_zero_beyond_a_sites_dimension_and_uniform_within():
    function = TensorTrain.random((2, 4, 3), 2, seed=0).to_network().architecture()
    instance = function.draw(PrimeField(5), np.random.default_rng(0))
    values = instance.sample((2, 0), 400, np.random.default_rng(1))
    assert values.shape == (400, 2, 4)
    assert not values[:, 0, 3:].any()
    assert not values[:, 1, 2:].any()
    for site, size in ((0, 3), (1, 2)):
        assert all(set(values[:, site, k]) == set(range(5)) for k in range(size))


def test_an_instance_and_the_network_give_the_same_grid_in_residues():
    network = TensorTrain.random((2, 4, 3), 2, seed=0).to_network()
    instance = network.architecture().draw(FIELD, np.random.default_rng(0))
    rng, halves = np.random.default_rng(1), Bipartition((2, 0), (1,))
    rows, columns = instance.sample((2, 0), 5, rng), instance.sample((1,), 6, rng)
    found = instance.grid(halves, rows, columns)
    assert found.dtype == np.int64
    np.testing.assert_array_equal(found, network.grid(halves, rows, columns, FIELD))


def test_weights_are_refused():
    function = TensorTrain.random((2,) * 4, 2, seed=0).to_network().architecture()
    with pytest.raises(WeightsError, match="weights were given for a tensor network"):
        function.draw(FIELD, np.random.default_rng(0), {"query": [1]})
