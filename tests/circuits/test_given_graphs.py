"""Graphs as users give them, and what is said of those that are none."""

import re

import networkx as nx
import numpy as np
import pytest

from tensorrank.circuits.given_graphs import NAMED, edges_of_file, given_graph
from tensorrank.errors import CombinationError, TensorRankError

OF_NETWORKX = {
    "path:5": nx.path_graph(5),
    "cycle:5": nx.cycle_graph(5),
    "complete:4": nx.complete_graph(4),
    "star:5": nx.star_graph(4),
    "grid:2x3": nx.convert_node_labels_to_integers(nx.grid_2d_graph(2, 3), ordering="sorted"),
    "grid:1x4": nx.path_graph(4),
}


@pytest.mark.parametrize("name", OF_NETWORKX)
def test_names_are_graphs_of_networkx(name):
    edges, vertices = given_graph(name)
    graph = OF_NETWORKX[name]
    assert {frozenset(edge) for edge in edges} == {frozenset(edge) for edge in graph.edges}
    assert vertices == len(graph)
    assert given_graph(graph) == (edges, vertices)
    assert list(edges) == sorted(edges)


def test_edges_are_taken_in_every_form():
    expected = (((0, 1), (1, 2)), 3)
    for given in ("0-1,1-2", "1-0+2-1", "0-1 1-2 1-2", ["0-1", (2, 1)], np.array([[0, 1], [1, 2]]), iter([(0, 1), (1, 2)])):
        assert given_graph(given) == expected
    assert given_graph([(0, 1), (0, 0)]) == (((0, 1),), 2)
    assert given_graph([], vertices=3) == ((), 3)
    # A node of its own is a vertex without an edge.
    lonely = nx.Graph([(0, 1)])
    lonely.add_node(2)
    assert given_graph(lonely) == (((0, 1),), 3)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (5, "the graph is 5; expected a list of edges"),
        ([(0, 1, 2)], "an edge is (0, 1, 2); expected a pair of vertices, such as (0, 1)"),
        (np.array([[0, 1, 2], [1, 2, 0]]), "transposed"),
        ([(0, -1)], "an edge is (0, -1); expected a pair of vertices, which are whole numbers from 0"),
        ([("a", "b")], "expected a pair of vertices, which are whole numbers from 0"),
        ([3], "an edge is 3; expected a pair of vertices"),
        ("0-1,x", "an edge is 'x'; expected a pair"),
        ([], "the number of vertices is 0; expected a whole number from 2 to 500"),
        ([(0, 500)], "the number of vertices is 501; expected a whole number from 2 to 500"),
        ([(0, 1)] * 10_001, "the graph has 10001 edges; expected at most 10000"),
        ("wheel:5", "the graph is 'wheel:5'; "),
        ("cycle:x", "expected whole numbers behind the colon, as in 'cycle:4'"),
        ("cycle:2", "expected a whole number from 3 to 500"),
        ("grid:4", "as in 'grid:2x3'"),
        ("grid:30x30", "the number of vertices of 'grid:30x30' is 900"),
        ("path:999", "from 2 to 500"),
        (nx.DiGraph([(0, 1)]), "a directed graph was given; expected an undirected one"),
        (nx.Graph([("a", "b")]), "a graph of the nodes ['a', 'b'] was given; expected 0 to n - 1"),
    ],
    ids=str,
)
def test_what_is_no_graph_is_refused_by_name(given, words):
    with pytest.raises(TensorRankError, match=re.escape(words)):
        given_graph(given)


def test_vertices_that_do_not_fit_the_edges_are_named():
    with pytest.raises(CombinationError, match="edges name the vertices 3, 5; the graph has vertices 0 to 2"):
        given_graph([(0, 3), (1, 5)], vertices=3)
    with pytest.raises(CombinationError, match="4 vertices were asked for, but the graph given has 3"):
        given_graph(nx.path_graph(3), vertices=4)
    for vertices in (np.zeros((2, 2)), "3", 1):
        with pytest.raises(TensorRankError, match=r"the number of vertices is (?s:.*)expected a whole number from 2 to 500"):
            given_graph("path:3", vertices=vertices)


def test_every_name_has_an_example():
    for example, _ in NAMED.values():
        assert given_graph(example)[1] >= 2


def test_files_have_an_edge_a_line(tmp_path):
    path = tmp_path / "edges.txt"
    path.write_text("# a triangle\n0 1\n1,2\n\n2-0\n")
    assert given_graph(edges_of_file(path)) == (((0, 1), (0, 2), (1, 2)), 3)
    path.write_text("0 1\n1 2 3\n")
    with pytest.raises(TensorRankError, match="line 2 is '1 2 3'; expected two vertices, such as 0 1"):
        edges_of_file(path)
    path.write_text("\n")
    with pytest.raises(TensorRankError, match="no edges were found"):
        edges_of_file(path)
    with pytest.raises(TensorRankError, match=r"missing\.txt"):
        edges_of_file(tmp_path / "missing.txt")
