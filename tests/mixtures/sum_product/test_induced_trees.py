import pytest
from mixtures.brute_force import all_states

from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.reductions.to_sum_product import sum_product_of
from tensorrank.mixtures.sum_product.model import SumProduct


def test_a_chain_has_a_tree_for_each_path_of_states():
    assert sum_product_of(HiddenMarkov.random(3, 2, 5, seed=0).latent_tree()).induced_trees == 3**5


def test_three_matchings_have_three_times_a_choice_for_each_pair():
    assert SumProduct.perfect_matchings(8, 2, seed=0).induced_trees == 3 * 2**4


@pytest.mark.parametrize(
    "network", [SumProduct.perfect_matchings(6, 2, 1, fractions=True), SumProduct.random(4, 2, 2, fractions=True)]
)
def test_classes_have_the_density_of_the_network(network):
    x = all_states(network.shape)
    assert (network.latent_class().probability(x) == network.probability(x)).all()
