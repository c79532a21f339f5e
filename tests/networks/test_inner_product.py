import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.networks.inner_product import log_inner_product
from tensorrank.networks.network import Tensor, TensorNetwork


@pytest.mark.parametrize("seed", range(3))
def test_inner_products_are_those_of_the_dense_tensors(seed):
    chain = HiddenMarkov.random(3, 3, 5, seed=seed).to_network()
    shallow = LatentClass.random([3] * 5, classes=4, seed=seed).to_network()
    for first, second in ((chain, chain), (chain, shallow), (shallow, chain)):
        expected = (first.contract() * second.contract()).sum()
        assert log_inner_product(first, second) == pytest.approx(np.log(expected), abs=1e-12)


def test_long_networks_do_not_underflow():
    # The square of a product is the product of the squares, 1 / 1000 each.
    steps = 150
    uniform = HiddenMarkov([0.5, 0.5], [[0.5, 0.5]] * 2, [[1e-3] * 1000] * 2, steps).to_network()
    assert log_inner_product(uniform, uniform) == pytest.approx(-steps * np.log(1000))


def test_orthogonal_tensors_have_the_product_zero():
    one, other = (TensorNetwork((Tensor("v", ("i",), entries),), ("i",)) for entries in ([1, 0], [0, 1]))
    assert log_inner_product(one, other) == -np.inf
    nothing = TensorNetwork((Tensor("v", ("i",), [0, 0]),), ("i",))
    assert log_inner_product(one, nothing) == -np.inf


def test_errors_say_what_is_expected():
    pair = TensorNetwork((Tensor("m", ("i", "j"), [[1, 2], [3, 4]]),), ("i", "j"))
    negative = TensorNetwork((Tensor("m", ("i", "j"), [[1, -2], [3, 4]]),), ("i", "j"))
    longer = TensorNetwork((Tensor("m", ("i", "j"), [[1, 2, 3], [3, 4, 5]]),), ("i", "j"))
    with pytest.raises(TensorRankError, match=r"the shapes \(2, 2\) and \(2, 3\) were given; expected the same"):
        log_inner_product(pair, longer)
    with pytest.raises(TensorRankError, match="tensor 'm' has negative entries; expected none"):
        log_inner_product(pair, negative)
    with pytest.raises(TensorRankError, match="contracting two networks with each other would take about"):
        log_inner_product(pair, pair, memory=1)
