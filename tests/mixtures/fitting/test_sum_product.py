"""EM of sum-product networks, whose nodes have several parents: against all induced trees, and against other models."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tensorrank.mixtures.fitting.fit import fitted
from tensorrank.mixtures.gaussian import Gaussians
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.reduce import reduce
from tensorrank.mixtures.sum_product.model import LeafNode, ProductNode, SumNode, SumProduct


def induced_trees(network, name):
    """All ways to choose a child at each sum below a node: the chosen (sum, child) pairs and the leaves."""
    match network.nodes[name]:
        case LeafNode():
            return [((), (name,))]
        case ProductNode(children=children):
            parts = [induced_trees(network, child) for child in children]
            return [
                (sum((pairs for pairs, _ in one), ()), sum((leaves for _, leaves in one), ()))
                for one in itertools.product(*parts)
            ]
        case SumNode(children=children):
            return [(((name, child), *pairs), leaves) for child in children for pairs, leaves in induced_trees(network, child)]


def one_step(network, rows):
    """The weights and distributions after one step, by the expected number of uses over all induced trees."""
    trees = induced_trees(network, network.root)
    uses = {name: np.zeros(len(table_of(node))) for name, node in network.nodes.items() if not isinstance(node, ProductNode)}
    for row in rows:
        terms = []
        for pairs, leaves in trees:
            term = np.prod([network.nodes[s].weights[network.nodes[s].children.index(child)] for s, child in pairs])
            for leaf in leaves:
                node = network.nodes[leaf]
                term *= 1.0 if row[node.variable] < 0 else node.distribution[row[node.variable]]
            terms.append(term)
        for (pairs, leaves), share in zip(trees, np.array(terms) / sum(terms), strict=True):
            for name, child in pairs:
                if any(row[site] >= 0 for site in network.scopes[name]):
                    uses[name][network.nodes[name].children.index(child)] += share
            for leaf in leaves:
                value = row[network.nodes[leaf].variable]
                if value >= 0:
                    uses[leaf][value] += share
    return {name: used / used.sum() if used.any() else table_of(network.nodes[name]) for name, used in uses.items()}


def table_of(node):
    return node.weights if isinstance(node, SumNode) else node.distribution


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 2), st.sampled_from([0, 0.4]))
def test_a_step_by_definition(seed, sites, sums, missing):
    rng = np.random.default_rng(seed)
    network = SumProduct.random(sites, 3, rng, sums=sums)
    rows = network.sample(5, rng)
    rows[rng.random(rows.shape) < missing] = -1
    rows[0, 0] = 0
    found = fitted(network, rows, iterations=1, tolerance=0).model
    for name, expected in one_step(network, rows).items():
        np.testing.assert_allclose(table_of(found.nodes[name]), expected, rtol=1e-9, atol=1e-12)
    assert list(found.nodes) == list(network.nodes)
    assert found.root == network.root


@pytest.mark.parametrize("model", [LatentClass.random([3, 2, 4], 3, 0), LatentTree.random([0, 0, 1, 1, 2, 2], 2, 3, 1)])
def test_steps_of_other_models_as_networks(model):
    """Each table of these models stands once in the network, so that EM of both takes the same steps."""
    rows = model.sample(40, 2)
    rows[::3, 1] = -1
    network = reduce(model, "sum_product")
    one, other = (fitted(start, rows, iterations=6, tolerance=0) for start in (model, network))
    np.testing.assert_allclose(one.log_likelihoods, other.log_likelihoods, rtol=1e-10)
    np.testing.assert_allclose(other.model.log_density(rows), one.model.log_density(rows), rtol=1e-9)


def test_sums_of_one_set_of_children_in_any_order():
    leaves = {name: LeafNode(0, p) for name, p in {"a": [0.9, 0.1], "b": [0.2, 0.8]}.items()}
    halves = {"c": LeafNode(1, [0.5, 0.5]), "d": LeafNode(1, [0.1, 0.9])}
    sums = {"s": SumNode(("a", "b"), [0.7, 0.3]), "t": SumNode(("b", "a"), [0.6, 0.4])}
    products = {"p": ProductNode(("s", "c")), "q": ProductNode(("d", "t"))}
    network = SumProduct(leaves | halves | sums | products | {"r": SumNode(("q", "p"), [0.25, 0.75])}, "r")
    rows = network.sample(30, 0)
    found = fitted(network, rows, iterations=1, tolerance=0).model
    for name, expected in one_step(network, rows).items():
        np.testing.assert_allclose(table_of(found.nodes[name]), expected, rtol=1e-9)


def test_a_network_is_fitted_from_random_starts():
    """Pairs of equal values, as no independent variables have them."""
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.integers(0, 2, (300, 3)), 2, axis=1)
    report = SumProduct.fit_report(rows, 2, 1, restarts=3, tolerance=1e-4, iterations=300)
    assert (np.diff(report.log_likelihoods) > -1e-8).all()
    assert report.model.score(rows) > 6 * np.log(0.5) + 0.5
    again = SumProduct.fit(rows, 2, 1, restarts=3, tolerance=1e-4, iterations=300)
    assert again.score(rows) == report.model.score(rows)


def test_real_variables():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3)) + 6 * rng.integers(0, 2, (200, 1))
    rows[::5, 2] = np.nan
    report = SumProduct.fit_report(rows, 2, 0, tolerance=1e-4)
    assert (np.diff(report.log_likelihoods) > -1e-8).all()
    single = LatentClass([1.0], [[[1.0]]] * 3, densities=Gaussians([[[3.0]]] * 3, [[[10.0]]] * 3))
    assert report.model.score(rows) > fitted(single, rows, tolerance=1e-6).model.score(rows) + 0.5
    assert SumProduct.fit(rows[:, :1], 2, 0, tolerance=1e-3).sites == 1


def test_zeros_and_fractions():
    network = SumProduct.perfect_matchings(4, 2, 0, fractions=True)
    found = fitted(network, network.sample(50, 1), iterations=3, tolerance=0)
    assert not found.model.over_fractions
    first = fitted(LatentClass([1.0], [[[1.0, 0.0]]]), [[0]], iterations=1, tolerance=0).model
    assert first.components[0].tolist() == [[1.0, 0.0]]
    zero = SumProduct({"a": LeafNode(0, [0.5, 0.5, 0.0])}, "a")
    assert fitted(zero, [[0], [0], [1]], iterations=2, tolerance=0).model.nodes["a"].distribution[2] == 0
