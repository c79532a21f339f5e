"""Minimum cuts of graphs, against networkx and over all cuts."""

import itertools

import networkx as nx
import numpy as np
import pytest

from tensorrank.networks.maximum_flow import UNLIMITED, FlowGraph


def random_arcs(seed, nodes, arcs, most=6):
    """Arcs with capacities; some are unlimited, but not those out of the source."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(arcs):
        tail, head = (int(node) for node in rng.choice(nodes, 2, replace=False))
        unlimited = tail != 0 and rng.random() < 0.2
        found.append((tail, head, UNLIMITED if unlimited else int(rng.integers(0, most))))
    return found


def far_side(nodes, arcs):
    graph = FlowGraph(nodes)
    for arc in arcs:
        graph.add(*arc)
    return {node for node, far in enumerate(graph.far_side(0, nodes - 1)) if far}


@pytest.mark.parametrize("seed", range(60))
def test_the_cut_is_the_least_of_all_and_of_these_the_nearest_to_the_sink(seed):
    nodes, arcs = 7, random_arcs(seed, 7, 14)

    def capacity(far):
        cut = [size for tail, head, size in arcs if tail not in far and head in far]
        return float("inf") if UNLIMITED in cut else sum(cut)

    subsets = itertools.chain(*(itertools.combinations(range(1, nodes - 1), k) for k in range(nodes - 1)))
    least: dict[float, list[set[int]]] = {}
    for inner in subsets:
        far = {*inner, nodes - 1}
        least.setdefault(capacity(far), []).append(far)
    assert far_side(nodes, arcs) == set.intersection(*least[min(least)])


@pytest.mark.parametrize("seed", range(20))
def test_large_graphs_have_the_cut_that_networkx_finds(seed):
    nodes, most = 200, 2**46
    # Several arcs between two nodes are one for networkx.
    arcs = {(tail, head): size for tail, head, size in random_arcs(seed, nodes, 800, most)}
    graph = nx.DiGraph()
    graph.add_nodes_from(range(nodes))
    for (tail, head), size in arcs.items():
        graph.add_edge(tail, head, **({} if size == UNLIMITED else {"capacity": size}))
    value, (_, expected) = nx.minimum_cut(graph, 0, nodes - 1)
    far = far_side(nodes, [(*ends, size) for ends, size in arcs.items()])
    assert far == expected
    assert value == sum(size for (tail, head), size in arcs.items() if tail not in far and head in far)
