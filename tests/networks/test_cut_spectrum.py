import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks.random_networks import dense, networks

from tensorrank import Bipartition
from tensorrank.networks.cut_spectrum import cut_matrix
from tensorrank.networks.network import Tensor, TensorNetwork
from tensorrank.networks.tensor_train import TensorTrain


def spectra(network, partition):
    """The singular values of the small matrix and of the dense unfolding, each divided by its largest."""
    small = cut_matrix(network, network.operands(None), partition, 1e9)
    table = dense(network).astype(float).transpose(partition.a + partition.b)
    whole = table.reshape(np.prod([network.shape[site] for site in partition.a]), -1)
    found = [np.linalg.svd(matrix, compute_uv=False) for matrix in (small, whole)]
    return [one / max(one[0], 1e-300) for one in found]


@settings(max_examples=150, deadline=None)
@given(network=networks(), data=st.data())
def test_the_small_matrix_has_the_singular_values_of_the_unfolding(network, data):
    sites = list(range(network.sites))
    side = data.draw(st.sets(st.sampled_from(sites), min_size=1, max_size=len(sites) - 1))
    partition = Bipartition.of(len(sites), sorted(side))
    small, whole = spectra(network, partition)
    shared = min(len(small), len(whole))
    np.testing.assert_allclose(small[:shared], whole[:shared], atol=1e-13)
    assert (np.abs(small[shared:]) < 1e-13).all()
    assert (np.abs(whole[shared:]) < 1e-13).all()


@pytest.mark.parametrize("sites", [2, 50, 400])
@pytest.mark.parametrize("scale", [1, 10**6])
def test_a_train_of_any_length_and_size_becomes_as_small_as_its_bond(sites, scale):
    cores = [scale * core for core in TensorTrain.random((2,) * sites, 2, seed=0).cores]
    network = TensorTrain(cores).to_network()
    matrix = cut_matrix(network, network.operands(None), Bipartition.halves(sites), 1e7)
    assert matrix.shape == (2, 2)
    assert np.isfinite(matrix).all()


def test_too_much_work_is_not_done():
    network = TensorTrain.random((2,) * 40, 4, seed=0).to_network()
    operands = network.operands(None)
    assert cut_matrix(network, operands, Bipartition.halves(40), 100.0) is None
    assert cut_matrix(network, operands, Bipartition.interleaved(40), 1e7) is None


def test_tensors_that_share_nothing_are_multiplied():
    pair = (Tensor("a", ("i", "j"), [[1.0, 2.0], [3.0, 4.0]]), Tensor("b", ("k", "l"), np.eye(2)))
    network = TensorNetwork(pair, ("i", "j", "k", "l"))
    small, whole = spectra(network, Bipartition.of(4, [0, 2]))
    np.testing.assert_allclose(small, whole, atol=1e-14)
