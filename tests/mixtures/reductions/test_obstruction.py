import numpy as np
import pytest
from mixtures.brute_force import marginal_of, probability_table, unfolding
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.reductions.obstruction import obstruction
from tensorrank.mixtures.sum_product import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

MODELS = [
    HiddenMarkov.random(2, 2, 6, seed=0),
    HiddenMarkov.random(2, 3, 4, seed=1, exact=True),
    TensorialMixture.random(2, 3, 3, seed=2),
    Hierarchical.random([2] * 5, 2, seed=3),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "tensorial_mixture", "latent_tree"])
def test_the_rank_is_that_of_the_unfolding(model, target):
    found = obstruction(model, target, None)
    marginal = marginal_of(probability_table(model), found.unfolding.variables)
    place = {site: number for number, site in enumerate(found.unfolding.variables)}
    matrix = unfolding(marginal, [place[site] for site in found.unfolding.a])
    residues = PrimeField(found.unfolding.prime).image(matrix)
    # Floats of the brute force round, so that only exact tables have the very same rank modulo p.
    if matrix.dtype == object:
        assert found.states == flint_rank(residues, found.unfolding.prime)
    else:
        assert found.states == np.linalg.matrix_rank(matrix, tol=1e-10)


def test_states_of_a_chain_at_its_worst_step():
    # Prefix ranks 2 2 4 2 4 2 2 of the balanced tree of 8 variables.
    assert obstruction(TensorialMixture.random(3, 2, 2, seed=0), "hidden_markov", None).states == 4
    assert obstruction(TensorialMixture.random(3, 2, 2, seed=0), "hidden_markov", None, step=0).states == 2


def test_a_chain_on_the_balanced_tree():
    # The halves of a chain share one hidden variable.
    assert obstruction(HiddenMarkov.random(3, 3, 8, seed=0), "hierarchical", None, balanced=True).states == 3


def test_the_least_balanced_cut_of_a_chain_is_its_states():
    assert obstruction(HiddenMarkov.random(2, 2, 9, seed=0), "latent_tree", None).states == 2


def test_a_large_network_is_bounded_by_a_marginal():
    found = obstruction(SumProduct.three_matchings(16, 2, seed=0), "latent_tree", None)
    assert len(found.unfolding.variables) == 10
    assert "of the marginal of 10 variables" in found.theorem
    assert found.states >= 2


def test_a_long_chain_is_bounded_by_a_marginal():
    found = obstruction(HiddenMarkov.random(3, 3, 40, seed=0), "latent_class", 7)
    assert found.states == 3**7
    assert found.needed == 7
