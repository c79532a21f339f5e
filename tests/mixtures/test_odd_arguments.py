"""Arguments of another type than was asked for are refused in words, and lists may be any iterable."""

import re
from itertools import count

import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.approximation.approximate import approximate
from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.formats.files import save
from tensorrank.mixtures.formats.schema import from_dict
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.hierarchical import Hierarchical, Leaf, Transfer
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.equality import check_reduction, size_bound
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.squared.model import SquaredMixture
from tensorrank.mixtures.sum_product.model import ProductNode, SumProduct
from tensorrank.mixtures.tensorial_mixture import TensorialMixture

COIN = LatentClass([1], [[[0.25, 0.75]]])
TREE = LatentTree.random([0, 0], 2, 2, 0)
MIXTURE = TensorialMixture.random(1, 2, 2, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LatentClass([1], 3), "components are 3; expected a table for each variable"),
        (lambda: LatentClass.random(3, 2, 0), "numbers of values are 3; expected one for each variable"),
        (lambda: LatentTree("z", [1], None), "edges are None; expected (parent, child, table) for each node"),
        (lambda: LatentTree(["z"], [1], [("z", 0, [[1]])]), "the root is named ['z']; expected a whole number or a"),
        (lambda: SquaredMixture(["z"], [1], [("z", 0, [[1]])]), "the root is named ['z']; expected a whole number or a"),
        (lambda: LatentTree.random(3, 2, 2, 0), "parents are 3; expected at least one"),
        (lambda: TensorialMixture([1], "ab"), "levels are 'ab'; expected tables for at least one level"),
        (lambda: Hierarchical(2), "nodes are 2; expected leaves and transfer nodes"),
        (lambda: Hierarchical([Leaf(0, [[1]]), Transfer(0, [[1]])]), "children of node 1 are 0; expected one or two"),
        (lambda: Hierarchical.random(3, 2, 0), "numbers of values are 3; expected one for each variable"),
        (lambda: COIN.marginal(0), "the variables 0 were given; expected a list of them, such as [0, 1]"),
        (lambda: reduce(COIN, ["latent_tree"]), "the kind ['latent_tree'] is unknown"),
        (lambda: TREE.parent(7), "no node is named 7; expected one of ['z0', 0, 1]"),
        (lambda: TREE.table([1]), "no node is named [1]; expected one of ['z0', 0, 1]"),
        (lambda: TREE.restricted("01"), "the variables '01' were given; expected a list of them"),
        (lambda: TREE.marginal_network([[0]]), "a variable is [0]; expected a whole number of at least 0"),
        (lambda: MIXTURE.tables(1), "level is 1; expected a whole number from 0 to 0"),
        (lambda: reduce(COIN, LatentClass), "squared; did you mean 'latent_class'"),
        (lambda: save("x.json", COIN), "'x.json' was given as the model; expected one of the models"),
        (lambda: reduce(COIN, []), "the kind [] is unknown; expected one of latent_class"),
        (lambda: reduce(None, "latent_tree"), "the model is None; expected a mixture model"),
        (lambda: approximate(COIN, 2, []), "the method is []; expected one of corrective"),
        (lambda: COIN.marginal({0: 1}), "the variables {0: 1} were given; expected a list of them, such as [0, 1]"),
        (lambda: COIN.marginal([0] * 70), "expected different ones of 0 to 0"),
        (lambda: LatentClass.random([1] * 70, 1, 0).marginal(range(70)), "expected at most 64, the dimensions"),
        (lambda: fitted(Hierarchical.random([2, 2], 2, 0), [[0, 1]]), "expected a latent class, hidden Markov, latent tree"),
        (lambda: fitted(3, [[0, 1]]), "the start is 3; expected a latent class, hidden Markov, latent tree"),
        (lambda: Gaussians.from_dict(None), "densities are None; expected an object with the fields type, means"),
        (lambda: from_dict({"model": "latent_class", "version": np.ones(2)}), "the version is array([1., 1.]); expected 1"),
        (lambda: LatentTree("z", [1], [("z", "9" * 5000, [[1]])] * 2), "has the parents 'z' and 'z'; expected one"),
        (lambda: LatentClass.random([2], 2, 0, fractions=np.ones(2)), "fractions is array([1., 1.]); expected True or False"),
        (lambda: Hierarchical.random([2, 2], 2, 0, tree=10**5000), "the sites a whole number of some 5000 digits; expected"),
        (lambda: check_reduction(10**5000, COIN), "a whole number of some 5000 digits was given as the source"),
        (lambda: size_bound(None, COIN), "the model is None; expected one of the kinds latent_class"),
        (lambda: Hierarchical.random([2] * 4, 2, 0).toward_tree("x"), "limit is 'x'; expected a number"),
        (lambda: SumProduct.random(4, 2, 0).toward_tree(1), "beyond the limit; expected a larger limit"),
        (lambda: check_reduction(COIN, 3), "3 was given as the target; expected what `reduce` returns"),
        (lambda: check_reduction("coin", COIN), "'coin' was given as the source; expected a mixture model"),
    ],
)
def test_they_are_refused_in_words(make, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        make()


def test_lists_may_be_any_iterable():
    pair = LatentClass([1], ([[0.25, 0.75]] for _ in range(2)))
    assert pair.probability([[1, 1]]).tolist() == [0.75**2]
    assert LatentClass.random(iter([2, 3]), 2, 0).shape == (2, 3)
    assert LatentTree.random(iter([0, 0]), 2, 2, 0).sites == 2
    assert Hierarchical(node for node in [Leaf(0, [[1]])]).sites == 1
    assert TensorialMixture([1], ([[1]] for _ in range(2))).sites == 4


def test_edges_may_come_one_by_one_with_tables_that_nothing_else_holds():
    """A table that is gone must not lend its id to the next one."""
    tables = [[[k / 8, 1 - k / 8]] for k in range(8)]
    tree = LatentTree("z", [1], (("z", site, [[*row]]) for site, (row,) in enumerate(tables)))
    assert [tree.table(site).tolist() for site in range(8)] == tables


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LatentTree("z", [1], count()), "edges are count("),
        (lambda: SumProduct({"s": ProductNode(count())}, "s"), "product node 's' has the children count("),
        (lambda: SumProduct({"s": ProductNode("ab")}, "s"), "product node 's' has the children 'ab'; expected a list"),
        (lambda: LatentTree("z", [1], {"z": 0}), "edges are {'z': 0}; expected (parent, child, table) for each node"),
    ],
)
def test_what_is_no_list_or_has_no_end_is_refused(make, message):
    with pytest.raises(TensorRankError, match=re.escape(message)):
        make()
