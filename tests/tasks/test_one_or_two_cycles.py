"""One cycle or two: solutions against networkx, and parts of the matrix against all graphs, listed anew."""

import itertools

import networkx as nx
import numpy as np
import pytest

from tensorrank.errors import TensorRankError
from tensorrank.tasks.one_or_two_cycles import OneOrTwoCycles
from tensorrank.tasks.promises import Promise, all_kept


def graphs(vertices):
    """All graphs of the promise, by their edges, with their answers."""
    found = {}
    for order in itertools.permutations(range(vertices)):
        for parts in ([order], [order[: vertices // 2], order[vertices // 2 :]]):
            edges = frozenset(frozenset(edge) for part in parts for edge in zip(part, part[1:] + part[:1], strict=True))
            found[edges] = len(parts) == 1
    return found


def adjacency(edges, vertices):
    return nx.to_numpy_array(nx.Graph(list(map(tuple, edges))), nodelist=range(vertices), dtype=int)


def test_solutions_are_the_number_of_components_of_every_graph_of_6_vertices():
    known = graphs(6)
    assert len(known) == 70  # 5!/2 cycles, and 10 pairs of triangles
    found = OneOrTwoCycles(6).solve(np.array([adjacency(edges, 6) for edges in known]))
    assert found.tolist() == list(known.values())
    assert [nx.number_connected_components(nx.Graph(list(map(tuple, edges)))) == 1 for edges in known] == found.tolist()


@pytest.mark.parametrize("vertices", [6, 8, 30])
def test_examples_are_one_cycle_or_two_of_half_the_length(vertices):
    found = OneOrTwoCycles(vertices).examples(21, seed=1)
    assert found.labels.sum() == 10
    for graph, label in zip(found.inputs, found.labels, strict=True):
        sizes = [len(part) for part in nx.connected_components(nx.from_numpy_array(graph))]
        assert sizes == ([vertices] if label else [vertices // 2] * 2)
        assert (graph.sum(axis=0) == 2).all()
    assert (OneOrTwoCycles(vertices).solve(found.inputs) == found.labels).all()


@pytest.mark.parametrize("side", [(0,), (0, 1), (1, 4), (0, 2, 4), (2, 3, 4, 5)])
def test_the_part_is_one_of_the_matrix_of_all_graphs(side):
    known = graphs(6)
    other = [vertex for vertex in range(6) if vertex not in side]

    def seen(edges, from_side):
        return frozenset(edge for edge in edges if edge & set(from_side))

    values = {(seen(edges, side), seen(edges, other)): answer for edges, answer in known.items()}
    rows, columns = ({pair[which] for pair in values} for which in (0, 1))
    found = OneOrTwoCycles(6).communication(side).entries
    # Six vertices leave a side no choice that the other side's choice matters to: the part is a single line.
    assert 1 in found.shape
    ones, zeros = int(found.sum()), int((1 - found).sum())
    lines = [[values[row, column] for column in columns if (row, column) in values] for row in rows]
    lines += [[values[row, column] for row in rows if (row, column) in values] for column in columns]
    assert any(line.count(True) >= ones and line.count(False) >= zeros for line in lines)


def test_perfect_matchings_on_both_sides_of_8_vertices():
    # With four edges across, each side has 3 perfect matchings: the same one closes two cycles, any other one cycle.
    found = OneOrTwoCycles(8).communication([0, 2, 4, 6])
    assert (np.sort(found.entries.sum(axis=1)) == 2).all()
    ranks = found.ranks(threads=1)
    # J - I of size 3 has the determinant 2.
    assert ranks.fields == {"Q": 3, "GF(2)": 2, "GF(3)": 3}
    assert (ranks.distinct_rows, ranks.distinct_columns, ranks.vc.lower) == (3, 3, 1)
    assert (found.whole, ranks.whole, ranks.to_dict()["whole"]) == (False, False, False)


def test_a_part_is_found_where_pairs_break_the_promise():
    # A staircase: row i and column j belong together where i <= j; the answers are whether i < j.
    pairs = [(i, j) for i in range(4) for j in range(4) if i <= j]
    left, right = (np.array([[pair[side]] for pair in pairs]) for side in (0, 1))
    values = np.array([i < j for i, j in pairs])
    found = all_kept(Promise(left, right, np.zeros_like(left), values))
    # Column 0 has three gaps, then row 3 two, then row 2 and column 1 one: rows first.
    assert found.tolist() == [[1, 1, 1], [0, 1, 1]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: OneOrTwoCycles(7), "vertices is 7; expected an even number from 6"),
        (lambda: OneOrTwoCycles(4), "vertices is 4; expected a whole number of at least 6"),
        (lambda: OneOrTwoCycles(6).solve(np.zeros((2, 6, 6), int)), "graph 0 is neither one cycle of 6 vertices nor two of 3"),
        (lambda: OneOrTwoCycles(6).solve(np.zeros((6, 6), int)), r"the shape \(6, 6\); expected \(count, 6, 6\)"),
        (lambda: OneOrTwoCycles(20).communication(), "all graphs of one cycle of 20 vertices or two of 10 would take about"),
        (lambda: OneOrTwoCycles(50000).communication(), "would not fit any memory"),
        (lambda: OneOrTwoCycles(6).communication([0, 7]), "the partition names site 7; the model has sites 0 to 5"),
        (lambda: OneOrTwoCycles(10**9).examples(2), "2 graphs of 1000000000 vertices would take about"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()


def test_a_chord_or_three_cycles_break_the_promise():
    graph = nx.to_numpy_array(nx.cycle_graph(12), dtype=int)
    graph[0, 5] = graph[5, 0] = 1
    with pytest.raises(TensorRankError, match="graph 1 is neither one cycle of 12 vertices nor two of 6"):
        OneOrTwoCycles(12).solve([nx.to_numpy_array(nx.cycle_graph(12), dtype=int), graph])
    triple = nx.to_numpy_array(nx.disjoint_union_all([nx.cycle_graph(4)] * 3), dtype=int)
    uneven = nx.to_numpy_array(nx.disjoint_union(nx.cycle_graph(4), nx.cycle_graph(8)), dtype=int)
    for broken in (triple, uneven):
        with pytest.raises(TensorRankError, match="graph 0 is neither"):
            OneOrTwoCycles(12).solve([broken])
