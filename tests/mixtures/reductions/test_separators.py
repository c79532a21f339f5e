import itertools
from math import ceil, log2, prod

import networkx as nx
import pytest
from hypothesis import given, settings
from mixtures.small_trees import graph_of, tree_with, trees

from tensorrank.mixtures.hidden_markov import HiddenMarkov
from tensorrank.mixtures.latent_class import LatentClass
from tensorrank.mixtures.latent_tree import LatentTree
from tensorrank.mixtures.reductions.separators import is_chain, prefix_separators, separating_latents
from tensorrank.mixtures.tensorial_mixture import TensorialMixture


def parts_without(graph, names):
    rest = graph.copy()
    rest.remove_nodes_from(names)
    return list(nx.connected_components(rest))


def separates_all(tree, graph, names):
    return all(len(part & set(tree.leaves)) <= 1 for part in parts_without(graph, names))


def separates_prefix(tree, graph, names, site):
    before, after = set(tree.leaves[:site]), set(tree.leaves[site + 1 :])
    return tree.parent(tree.leaves[site]) in names and not any(
        part & before and part & after for part in parts_without(graph, names)
    )


def reach(graph, names, starts):
    """The nodes that are reached from some without meeting the names."""
    return set().union(*(part for part in parts_without(graph, names) if part & set(starts)))


def states_of(tree, names):
    return prod(tree.states[name] for name in names)


def least(tree, allowed):
    """The least product of states over all sets of hidden variables that are allowed."""
    sets = itertools.chain(*(itertools.combinations(tree.latents, size) for size in range(len(tree.latents) + 1)))
    return min(states_of(tree, names) for names in sets if allowed(names))


@given(trees(most_nodes=11, most_states=4))
@settings(max_examples=80, deadline=None)
def test_separators_of_all_variables_are_the_least_among_all_sets(tree):
    graph = graph_of(tree)
    names, states = separating_latents(tree)
    assert separates_all(tree, graph, names)
    assert states == states_of(tree, names)
    if len(tree.latents) > 1:
        assert states == least(tree, lambda chosen: separates_all(tree, graph, chosen))
    else:
        assert names == (tree.root,)


@given(trees(most_nodes=11, most_states=4))
@settings(max_examples=60, deadline=None)
def test_separators_of_prefixes_are_the_least_among_all_sets(tree):
    graph = graph_of(tree)
    for site, names in enumerate(prefix_separators(tree)):
        assert separates_prefix(tree, graph, names, site)
        assert states_of(tree, names) == least(tree, lambda chosen, site=site: separates_prefix(tree, graph, chosen, site))


@given(trees(most_nodes=24, most_states=5))
@settings(max_examples=80, deadline=None)
def test_separators_of_prefixes_move_to_the_right_only(tree):
    graph = graph_of(tree)
    separators = prefix_separators(tree)
    for site, (before, after) in enumerate(itertools.pairwise(separators)):
        assert separates_prefix(tree, graph, before, site)
        kept_left = reach(graph, before, [tree.parent(leaf) for leaf in tree.leaves[: site + 1]])
        kept_right = reach(graph, after, [tree.parent(leaf) for leaf in tree.leaves[site + 1 :]])
        assert not set(after) & kept_left
        assert not set(before) & kept_right
        # The Markov property: given the one, the next is separated from all before that.
        for earlier in separators[:site]:
            for part in parts_without(graph, before):
                assert not (part & set(earlier) and part & set(after))


@pytest.mark.parametrize("states", [2, 3])
@pytest.mark.parametrize("depth", range(1, 7))
def test_balanced_trees_reach_the_known_bounds(depth, states):
    """r^(N/2) classes, and r^ceil(log2(N)/2) states at the worst step (Khrulkov, Novikov, Oseledets 2018)."""
    tree = TensorialMixture.random(depth, states, 2, seed=0, shared=True).latent_tree()
    sites = 2**depth
    assert separating_latents(tree)[1] == states ** (sites // 2)
    sizes = [states_of(tree, names) for names in prefix_separators(tree)]
    assert max(sizes) == states ** ceil(log2(sites) / 2)


def test_chains_need_every_other_hidden_variable():
    for steps in range(2, 9):
        tree = HiddenMarkov.random(3, 2, steps, seed=0).latent_tree()
        assert is_chain(tree)
        assert separating_latents(tree)[1] == 3 ** (steps // 2)
        assert prefix_separators(tree) == tuple((f"z{step}",) for step in range(steps))


def test_chains_in_another_order_or_from_the_middle_are_no_chains_from_the_root():
    parents = [0, 1, 0, 1, 2]
    assert is_chain(tree_with(parents, [2] * 6, 0, variables=[3, 4, 5]))
    assert not is_chain(tree_with(parents, [2] * 6, 0, variables=[5, 4, 3]))
    assert not is_chain(tree_with([0, 0, 0, 1, 2], [2] * 6, 0))
    assert not is_chain(tree_with([0, 0, 1, 1], [2] * 5, 0))
    backwards = prefix_separators(tree_with(parents, [2] * 6, 0, variables=[5, 4, 3]))
    assert backwards == (("n2",), ("n1",), ("n0",))


def test_the_smaller_of_two_variables_on_a_path_is_taken():
    narrow = LatentTree.random([0, 0, 1, 1, 2, 2], states=3, symbols=2, seed=0)
    assert separating_latents(narrow) == (("z1", "z2"), 9)
    # z0 has one state only: it separates for nothing, and leaves 0 and 1 are independent.
    assert separating_latents(tree_with([0, 0, 1, 2], [1, 3, 3, 2, 2], 0)) == (("n0",), 1)
    # Between leaves 0, 1 and leaves 2, 3 stands n1 with 2 states; each pair needs its own parent, of 5.
    assert separating_latents(tree_with([0, 1, 0, 0, 2, 2], [5, 2, 5, 2, 2, 2, 2], 0))[1] == 25


def test_long_chains_and_wide_stars_take_no_recursion():
    table = [[1.0]]
    steps = 10_000
    edges = [(f"z{step - 1}", f"z{step}", table) for step in range(1, steps)]
    chain = LatentTree("z0", [1.0], edges + [(f"z{step}", step, table) for step in range(steps)])
    names, states = separating_latents(chain)
    assert states == 1
    assert all(f"z{step}" in names or f"z{step + 1}" in names for step in range(steps - 1))
    assert len(prefix_separators(chain)) == steps
    wide = LatentClass.random([2] * 2_000, 4, seed=0).latent_tree()
    assert separating_latents(wide) == (("class",), 4)
