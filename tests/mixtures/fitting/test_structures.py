import itertools

import networkx as nx
import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.mixtures.fitting.chow_liu import chow_liu_tree, mutual_information
from tensorrank.mixtures.fitting.observations import observations
from tensorrank.mixtures.fitting.structures import balanced_parents, hidden_tree_parents
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.networks.hierarchical_tucker import balanced_ranges


def leaves_below(tree, name):
    return [name] if name in tree.leaves else [leaf for one in tree.children[name] for leaf in leaves_below(tree, one)]


def depth(tree):
    def above(name):
        return 0 if name == tree.root else 1 + above(tree.parent(name))

    return max(above(leaf) for leaf in tree.leaves)


@pytest.mark.parametrize(("branching", "levels"), [(64, 1), (8, 2), (4, 3), (2, 6)])
def test_levels_over_64_variables(branching, levels):
    tree = LatentTree.random(balanced_parents(64, branching), 2, 2, 0)
    assert depth(tree) == levels
    assert {len(children) for children in tree.children.values()} == {branching}


@pytest.mark.parametrize("sites", [1, 2, 3, 5, 7, 12, 33])
@pytest.mark.parametrize("branching", [2, 3, 5])
def test_any_number_of_variables(sites, branching):
    tree = LatentTree.random(balanced_parents(sites, branching), 2, 2, 0)
    assert tree.leaves == tuple(range(sites))
    blocks = {name: leaves_below(tree, name) for name in tree.latents}
    assert leaves_below(tree, tree.root) == list(range(sites))
    for name, children in tree.children.items():
        sizes = [len(leaves_below(tree, child)) for child in children]
        assert len(children) == min(branching, len(blocks[name]))
        assert max(sizes) - min(sizes) <= 1
    if branching == 2 and sites > 1:
        assert sorted((block[0], block[-1] + 1) for block in blocks.values()) == sorted(balanced_ranges(sites))


def planted_tree(rows, seed):
    """Four symbols that are passed on along a tree with a chance of change."""
    rng = np.random.default_rng(seed)
    tree = nx.random_labeled_tree(9, seed=seed)
    data = np.empty((rows, 9), dtype=int)
    data[:, 0] = rng.integers(0, 4, rows)
    for parent, child in nx.bfs_edges(tree, 0):
        data[:, child] = np.where(rng.random(rows) < 0.6, data[:, parent], rng.integers(0, 4, rows))
    return tree, data


def edges(graph):
    return {frozenset(edge) for edge in graph.edges}


@pytest.mark.parametrize("seed", range(3))
def test_a_planted_markov_tree_is_found(seed):
    tree, data = planted_tree(3000, seed)
    assert edges(chow_liu_tree(data)) == edges(tree)
    data[np.random.default_rng(0).random(data.shape) < 0.2] = -1
    assert edges(chow_liu_tree(data)) == edges(tree)


def information(first, second, weights):
    total = 0.0
    for a, b in itertools.product(set(first), set(second)):
        joint = weights[(first == a) & (second == b)].sum() / weights.sum()
        if joint:
            product = weights[first == a].sum() * weights[second == b].sum() / weights.sum() ** 2
            total += joint * np.log(joint / product)
    return total


def test_information_by_its_definition():
    rng = np.random.default_rng(0)
    data = rng.integers(0, 3, (60, 5)) % rng.integers(2, 4, 5)
    data[rng.random(data.shape) < 0.2] = -1
    weights = rng.choice([0.0, 1.0, 2.5], 60)
    found = mutual_information(observations(data, weights=weights, symbols=4))
    graph = nx.Graph()
    for i, j in itertools.combinations(range(5), 2):
        both = (data[:, i] >= 0) & (data[:, j] >= 0)
        expected = information(data[both, i], data[both, j], weights[both])
        assert found[i, j] == found[j, i] == pytest.approx(expected, abs=1e-13)
        graph.add_edge(i, j, weight=expected)
    assert edges(chow_liu_tree(data, weights=weights)) == edges(nx.maximum_spanning_tree(graph))


def test_information_of_normal_variables():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(500, 3))
    data[:, 2] += 2 * data[:, 0]
    rho = np.corrcoef(data.T)
    found = mutual_information(observations(data))
    np.testing.assert_allclose(found[0, 2], -np.log(1 - rho[0, 2] ** 2) / 2, rtol=1e-10)
    turned = data[:, :, None] @ rng.normal(size=(1, 2)) + 1e-3 * rng.normal(size=(500, 3, 2))
    both = mutual_information(observations(turned @ rng.normal(size=(2, 2))))
    np.testing.assert_allclose(both, mutual_information(observations(turned)), rtol=1e-6)
    assert mutual_information(observations(np.repeat(data[:, :1], 2, axis=1)))[0, 1] > 15
    assert mutual_information(observations(data * [1, 0, 1]))[0, 1] == 0
    assert edges(chow_liu_tree(data)) >= {frozenset((0, 2))}


def test_hidden_trees():
    tree, data = planted_tree(1500, 1)
    model = LatentTree.fit(data, 4, tree="chow_liu", iterations=20, tolerance=0)
    assert len(model.latents) == 9
    owner = {model.parent(leaf): leaf for leaf in model.leaves}
    joined = {frozenset((owner[name], owner[model.parent(name)])) for name in model.latents if model.parent(name) is not None}
    assert joined == edges(tree)


def test_what_is_no_structure():
    for graph in (nx.cycle_graph(3), nx.empty_graph(2), nx.path_graph([1, 2]), nx.empty_graph(0)):
        with pytest.raises(TensorRankError, match="expected a tree of variables 0 to N - 1"):
            hidden_tree_parents(graph)
    with pytest.raises(TensorRankError, match="branching is 1; expected a whole number of at least 2"):
        balanced_parents(4, 1)
    with pytest.raises(TensorRankError, match=r"the tree is 'balance'; .*did you mean 'balanced'"):
        LatentTree.fit([[0, 1], [1, 0]], tree="balance")
    with pytest.raises(TensorRankError, match="the tree has 3 leaves for data of 2 variables; expected as many"):
        LatentTree.fit([[0, 1], [1, 0]], tree=[0, 0, 0])
