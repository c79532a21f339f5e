from fractions import Fraction

import pytest
from hypothesis import given, settings
from mixtures.brute_force import all_states
from mixtures.small_trees import trees

from tensorrank.mixtures.hierarchical import Hierarchical
from tensorrank.mixtures.reductions.to_sum_product import sum_product_of
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct
from tensorrank.mixtures.sum_product.self_similar import copies, is_self_similar
from tensorrank.mixtures.tensorial_mixture import TensorialMixture
from tensorrank.separation.partition import Bipartition
from tensorrank.separation.solve import separation_rank


def leaves(count, exact=True):
    """Two different distributions of each of so many binary variables, "ia" and "ib"."""
    one, other = ([Fraction(1, 3), Fraction(2, 3)], [Fraction(3, 4), Fraction(1, 4)])
    return {
        f"{site}{name}": LeafNode(site, table if exact else [float(entry) for entry in table])
        for site in range(count)
        for name, table in (("a", one), ("b", other))
    }


def same(network, form):
    x = all_states(network.shape)
    return (form.probability(x) == network.probability(x)).all()


def test_products_that_split_differently_have_no_dimension_tree():
    network = SumProduct.perfect_matchings(6, 2, seed=0)
    assert not is_self_similar(network.graph)
    assert network.dimension_tree is None


def test_products_of_three():
    nodes = leaves(3) | {
        "p": ProductNode(("0a", "1a", "2a")),
        "q": ProductNode(("2b", "1b", "0b")),
        "s": SumNode(("p", "q"), [Fraction(1, 4), Fraction(3, 4)]),
    }
    network = SumProduct(nodes, "s")
    form = network.dimension_tree
    assert isinstance(form, Hierarchical)
    assert same(network, form)
    assert max(form.ranks) == 2


def test_sums_of_sums_products_of_one_and_sums_of_leaves():
    half = [Fraction(1, 2), Fraction(1, 2)]
    nodes = leaves(2) | {
        "0s": SumNode(("0a", "0b"), half),
        "0t": SumNode(("0s", "0b"), [Fraction(1, 5), Fraction(4, 5)]),
        "only": ProductNode(("0t",)),
        "p": ProductNode(("only", "1a")),
        "q": ProductNode(("0a", "1b")),
        "s": SumNode(("p", "q"), half),
        "t": SumNode(("s", "q"), [Fraction(1, 3), Fraction(2, 3)]),
    }
    network = SumProduct(nodes, "t")
    form = network.dimension_tree
    assert isinstance(form, Hierarchical)
    assert same(network, form)
    assert copies(network.graph)


def test_a_single_leaf_and_a_product_as_root():
    one = SumProduct({"x": LeafNode(0, [Fraction(1, 3), Fraction(2, 3)])}, "x")
    assert same(one, one.dimension_tree)
    two = {name: leaf for name, leaf in leaves(2).items() if name in ("0a", "1b")}
    pair = SumProduct(two | {"p": ProductNode(("0a", "1b"))}, "p")
    assert same(pair, pair.dimension_tree)


def test_what_would_round_is_no_copy():
    floats = leaves(1, exact=False)
    twice = floats | {"s": SumNode(("0a", "0b"), [0.5, 0.5]), "t": SumNode(("s", "0b"), [0.3, 0.7])}
    assert not copies(SumProduct(twice, "t").graph)
    mixed = {"a": LeafNode(0, ["1/3", "2/3"]), "b": LeafNode(0, [0.5, 0.5]), "s": SumNode(("a", "b"), [0.5, 0.5])}
    assert not copies(SumProduct(mixed, "s").graph)


@settings(max_examples=25, deadline=None)
@given(trees(zeros=0.2))
def test_networks_of_trees(tree):
    network = sum_product_of(tree)
    form = network.dimension_tree
    assert isinstance(form, Hierarchical)
    assert same(network, form)


@pytest.mark.parametrize("seed", range(3))
def test_ranks_of_networks_of_trees_are_those_of_the_trees(seed):
    mixture = TensorialMixture.random(3, 2, 2, seed=seed)
    network = sum_product_of(mixture.latent_tree())
    # Prefix ranks 2 2 4 2 4 2 2 of the balanced tree.
    ranks = [separation_rank(network, Bipartition.of(8, range(step))).value for step in range(1, 8)]
    assert ranks == [2, 2, 4, 2, 4, 2, 2]
    assert separation_rank(network, Bipartition.interleaved(8)).standing == "exact"


def test_weights_that_would_be_added_or_multiplied_keep_their_rank():
    # Two functions of variables 0 and 1 that are equal but for rounding: rank 2, exactly.
    tables = {
        "0a": [0.25, 0.75],
        "0b": [0.5, 0.5],
        "1a": [0.125, 0.875],
        "1b": [0.75, 0.25],
        "2u": [1.0, 0.0],
        "2v": [0.0, 1.0],
    }
    nodes = {name: LeafNode(int(name[0]), table) for name, table in tables.items()} | {
        "p": ProductNode(("0a", "1a")),
        "again": ProductNode(("0a", "1a")),
        "q": ProductNode(("0b", "1b")),
        "one": ProductNode(("inner",)),
        "inner": SumNode(("p", "q"), [0.1, 0.9]),
    }
    tail = {"su": ProductNode(("s", "2u")), "tv": ProductNode(("t", "2v")), "root": SumNode(("su", "tv"), [0.5, 0.5])}
    # 0.1 + 0.2 is no float, nor is 0.1 * 0.3.
    added = {"s": SumNode(("p", "again", "q"), [0.1, 0.2, 0.7]), "t": SumNode(("p", "q"), [0.1 + 0.2, 0.7])}
    multiplied = {"s": SumNode(("one", "q"), [0.3, 0.7]), "t": SumNode(("p", "q"), [0.1 * 0.3, 0.9 * 0.3 + 0.7])}
    for sums, unused in ((added, ("one", "inner")), (multiplied, ("again",))):
        network = SumProduct({name: node for name, node in (nodes | sums | tail).items() if name not in unused}, "root")
        assert not copies(network.graph)
        assert separation_rank(network, Bipartition.of(3, [2])).value == 2
