import pytest

from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.kinds import KINDS
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.equality import size_bound
from tensorrank.mixtures.reductions.obstruction import Obstruction
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def bound(source, kind, **options):
    return size_bound(source, reduce(source, kind, **options))


def test_chains():
    chain = HiddenMarkov.random(2, 3, 8, seed=0)
    entries = 2 + 7 * 4 + 8 * 2 * 3
    assert bound(chain, "latent_tree").size == entries
    assert bound(chain, "sum_product").size == 2 * entries
    # Khrulkov, Novikov, Oseledets (ICLR 2018): ranks r^2 on the balanced tree, so r^6 entries a node.
    assert bound(chain, "hierarchical", tree="balanced").size == 7 * 2**6 + 8 * 4 * 3 + 4
    # r^floor(N / 2) classes.
    assert bound(chain, "latent_class").size == 2**4 * (1 + 8 * 3)


def test_balanced_trees_as_chains():
    # r^ceil(log2(N) / 2) states.
    found = bound(TensorialMixture.random(3, 3, 2, seed=0), "hidden_markov")
    assert found.size == 9 + 7 * 81 + 8 * 9 * 2
    assert "r^ceil(log2(N) / 2) = 9" in found.theorem


def test_networks_that_are_not_self_similar_go_by_way_of_their_trees():
    found = bound(SumProduct.perfect_matchings(6, 2, seed=0), "latent_tree")
    assert found.size == 24 * (1 + 6 * 2)
    assert "24 induced trees" in found.theorem


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("states", [2, 3])
def test_every_form_keeps_to_its_bound(kind, states):
    for source in (HiddenMarkov.random(states, 2, 4, seed=0), TensorialMixture.random(2, states, 2, seed=0)):
        form = reduce(source, kind)
        assert form.size <= size_bound(source, form).size


def test_hidden_variables_of_one_child_on_the_balanced_tree():
    coin = [[0.9, 0.1], [0.2, 0.8]]
    above = [("z", "a", coin), ("a", 0, coin), ("a", 1, coin), ("z", "b", coin), ("b", "c", coin)]
    tree = LatentTree("z", [0.5, 0.5], [*above, ("c", 2, coin), ("c", 3, coin)])
    for kind, options in (("tensorial_mixture", {}), ("hierarchical", {"tree": "balanced"})):
        form = reduce(tree, kind, **options)
        assert form.kind == kind
        assert form.size <= size_bound(tree, form).size


def test_many_induced_trees_make_no_large_tables():
    network = SumProduct.random(4, 1, 1014583970, fractions=True)
    # 128 induced trees: joins of three variables would have 128^3 entries each.
    assert isinstance(reduce(network, "hierarchical"), Obstruction)
