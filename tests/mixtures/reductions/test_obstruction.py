from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from mixtures.brute_force import all_states, marginal_of, probability_table, unfolding
from oracles import flint_rank

from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.arithmetic.primes import PrimeRange
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.reductions import unfoldings
from tensorrank.mixtures.reductions.class_values import least_shape
from tensorrank.mixtures.reductions.equality import check_reduction
from tensorrank.mixtures.reductions.obstruction import obstruction
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.reductions.to_hierarchical import BalancedGoal
from tensorrank.mixtures.sum_product.model import SumProduct, perfect_matchings
from tensorrank.mixtures.sum_product.nodes import LeafNode
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.solve import separation_rank

MODELS = [
    HiddenMarkov.random(2, 2, 6, seed=0),
    HiddenMarkov.random(2, 3, 4, seed=1, fractions=True),
    TensorialMixture.random(2, 3, 3, seed=2),
    Hierarchical.random([2] * 5, 2, seed=3),
]


@pytest.mark.parametrize("model", MODELS, ids=repr)
@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "tensorial_mixture", "latent_tree"])
def test_the_rank_is_that_of_the_unfolding(model, target):
    found = obstruction(model, KINDS[target], 10, 1)
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
    assert obstruction(TensorialMixture.random(3, 2, 2, seed=0), KINDS["hidden_markov"], 10, 1).states == 4
    assert obstruction(TensorialMixture.random(3, 2, 2, seed=0), KINDS["hidden_markov"], 10, 1, step=0).states == 2


def test_a_chain_on_the_balanced_tree():
    # Inner blocks have two ends, r^2 together: Khrulkov, Novikov, Oseledets (ICLR 2018).
    assert obstruction(HiddenMarkov.random(3, 3, 8, seed=0), BalancedGoal(), 10, 1).states == 9


def test_the_least_balanced_cut_of_a_chain_is_its_states():
    assert obstruction(HiddenMarkov.random(2, 2, 9, seed=0), KINDS["latent_tree"], 10, 1).states == 2


def test_a_large_network_on_any_tree_is_bounded_by_a_marginal():
    network = SumProduct.perfect_matchings(16, 2, seed=0)
    found = obstruction(network, KINDS["latent_tree"], 10, 1)
    assert "of the marginal of 10 variables" in found.theorem
    # The least rank over all splits of the marginal with a third or more of the variables on either side, by FLINT.
    field = PrimeField(found.unfolding.prime)
    kept = found.unfolding.variables
    states = all_states([2] * len(kept))
    inputs = [np.ones((len(states), 2), dtype=np.int64) for _ in range(16)]
    for place, site in enumerate(kept):
        inputs[site] = np.eye(2, dtype=np.int64)[states[:, place]]
    dense = network.circuit.residues(inputs, field).reshape([2] * len(kept))
    splits = [side for size in (4, 5) for side in combinations(range(10), size)]
    assert found.states == min(flint_rank(unfolding(dense, side), field.prime) for side in splits)


def test_a_large_network_is_sampled():
    network = SumProduct.perfect_matchings(32, 2, seed=0)

    def apart(side):
        """The most pairs of one matching that a side separates: the rank is 2 to this power at least."""
        return max(sum((a in side) != (b in side) for a, b in one) for one in perfect_matchings(32, seed=0))

    # Samples of 1024 rows and columns show no more.
    assert apart(range(0, 32, 2)) >= 10
    assert obstruction(network, KINDS["latent_class"], 10, 1).states == 1024
    assert obstruction(network, KINDS["hidden_markov"], 10, 1).states >= min(1024, 2 ** apart(range(16)))


def test_rounding_raises_no_rank():
    # Row 2 is the sum of the others in exact floats; divided by their sums the rows would be independent.
    rows = np.array([[75.0, 19, 15], [8, 9, 2], [83, 28, 17]])
    diagonal = np.zeros((1, 3, 3))
    diagonal[0][np.diag_indices(3)] = 1 / 256
    model = Hierarchical((Leaf(0, rows), Leaf(1, np.eye(3)), Transfer((0, 1), diagonal)))
    assert separation_rank(model).value == 2
    for target in ("latent_class", "hidden_markov", "tensorial_mixture", "latent_tree"):
        assert obstruction(model, KINDS[target], 10, 1).states == 2


@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "latent_tree"])
def test_no_multiple_of_the_largest_small_primes_hides_a_class(target):
    # Two classes that never agree: the unfolding of two variables is diagonal, of rank 2.
    weight = Fraction(8388593 * 8388587, 10**20)
    model = LatentClass([weight, 1 - weight], [[[1, 0], [0, 1]]] * 2)
    assert obstruction(model, KINDS[target], 10, 1).states == 2


def test_a_denominator_of_primes_is_met_by_another_prime(monkeypatch):
    # Every prime of 5 bits divides the denominator, so a large prime has to do.
    monkeypatch.setattr(unfoldings, "SMALL_PRIMES", PrimeRange(16, 32, 5))
    monkeypatch.setattr(unfoldings, "_MOST_SMALL", 5)
    weight = Fraction(1, 17 * 19 * 23 * 29 * 31)
    model = LatentClass([weight, 1 - weight], [[[1, 0], [0, 1]]] * 2)
    found = obstruction(model, KINDS["latent_class"], 10, 1)
    assert (found.states, found.unfolding.prime > 2**30) == (2, True)


@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "latent_tree", "hierarchical", "sum_product"])
def test_a_single_variable(target):
    found = obstruction(HiddenMarkov.random(2, 2, 1, seed=0), KINDS[target], 10, 1)
    assert (found.states, found.unfolding) == (1, None)
    assert found.size <= 2


def test_a_long_chain_is_bounded_by_a_marginal():
    found = obstruction(HiddenMarkov.random(3, 3, 40, seed=0), KINDS["latent_class"], 7, 1)
    assert found.states == 3**7
    assert found.needed == 7


@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "tensorial_mixture", "latent_tree", "hierarchical"])
@pytest.mark.parametrize("kind", ["hidden_markov", "sum_product"])
def test_equal_gaussian_components_are_one(kind, target):
    # Whatever the hidden states are, every variable is standard normal: one class of one component is enough.
    chain = HiddenMarkov.random(2, 2, 4, seed=0, fractions=True)
    chain = HiddenMarkov(chain.initial, chain.transition, chain.emission, 4, densities=Gaussians([0, 0], [1, 1]))
    product = LatentClass([1], [[[1]]] * 4, densities=Gaussians([0], [1]))
    model = reduce(chain, kind)
    assert check_reduction(model, product).identical
    small = reduce(product, target)
    found = obstruction(model, KINDS[target], 100, 1)
    assert found.states == 1
    assert found.size <= small.size


@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "latent_tree", "hierarchical"])
def test_components_that_are_equal_or_not_used_are_in_no_bound(target):
    # Components 0 and 2 are the same density, and component 3 is never used.
    emission = [[Fraction(1, 2), Fraction(1, 4), Fraction(1, 4), 0], [Fraction(1, 8), Fraction(1, 2), Fraction(3, 8), 0]]
    tables = [Fraction(1, 3), Fraction(2, 3)], [[Fraction(1, 4), Fraction(3, 4)], [Fraction(1, 2), Fraction(1, 2)]]
    model = HiddenMarkov(*tables, emission, 4, densities=Gaussians([0, 1, 0, 2], [1, 1, 1, 1]))
    joined = [[row[0] + row[2], row[1]] for row in emission]
    small = HiddenMarkov(*tables, joined, 4, densities=Gaussians([0, 1], [1, 1]))
    assert check_reduction(model, small).identical
    assert least_shape(model) == (2, 2, 2, 2)
    ours, theirs = (obstruction(one, KINDS[target], 1000, 1) for one in (model, small))
    table = probability_table(small)
    # Prefixes of 1, 2 and 3 variables, and even against odd ones.
    ranks = [np.linalg.matrix_rank(unfolding(table, side).astype(float)) for side in ([0], [0, 1], [0, 1, 2], [0, 2])]
    assert ours.states == theirs.states <= max(ranks)
    assert ours.size == theirs.size <= reduce(small, target).size


def test_a_network_of_a_single_leaf_has_no_edges():
    model = LatentClass([1], [[[0.25, 0.75]]])
    leaf = SumProduct({"x": LeafNode(0, [0.25, 0.75])}, "x")
    assert check_reduction(model, leaf).equal
    assert obstruction(model, KINDS["sum_product"], 10, 1).size <= leaf.size == 0


@pytest.mark.parametrize("target", ["latent_class", "hidden_markov", "latent_tree", "hierarchical"])
def test_a_bound_that_rests_on_rounding_says_so(target):
    # 0.1 + 0.2 is not 0.3: the rows of the table differ in their last digits, and but for that states are forgotten.
    sum_of_floats = 0.1 + 0.2
    transition = [[sum_of_floats, 1 - sum_of_floats], [0.3, 0.7]]
    emission = np.array([[0.5, 0.5], [0.2, 0.8]])
    chain = HiddenMarkov([0.3, 0.7], transition, emission, 8)
    product = LatentClass([1], [(np.array([0.3, 0.7]) @ emission)[None]] * 8)
    report = check_reduction(chain, product)
    assert (report.equal, report.identical) == (True, False)
    # On any tree the unfolding of least rank is taken, and the one of a third of the variables keeps two states.
    found = obstruction(chain.latent_tree(), KINDS[target], 10, 1)
    assert found.states >= 2
    assert found.numerical.value == 1
    assert "holds for the tables as stored, but of the floats given" in str(found)
    assert found.to_dict()["numerical"]["value"] == 1
    exact = HiddenMarkov.random(2, 2, 8, seed=0, fractions=True)
    clear = HiddenMarkov.random(2, 2, 8, seed=0)
    for model in (exact, clear):
        assert obstruction(model, KINDS[target], 10, 1).numerical is None


def test_rounding_in_a_marginal():
    long = HiddenMarkov([0.3, 0.7], [[0.1 + 0.2, 1 - (0.1 + 0.2)], [0.3, 0.7]], [[0.5, 0.5], [0.2, 0.8]], 20)
    found = obstruction(long, KINDS["hidden_markov"], 10, 1)
    assert (len(found.unfolding.variables), found.numerical.value) == (16, 1)
