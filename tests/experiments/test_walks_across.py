"""Ranks of all partitions of small graphs: which are measured, and what is said of them."""

import json
from itertools import combinations

import networkx as nx
import pytest

from tensorrank import GraphNetwork, TensorRankError, separation_rank
from tensorrank.experiments.walks_across import walk_ranks


@pytest.mark.parametrize("name", ["path:4", "cycle:5", "star:4", "complete:4"])
def test_partitions_that_a_symmetry_makes_alike_are_measured_once(name):
    rows = walk_ranks([name], depth=1).of(name)
    n = rows[0].model.vertices
    assert sum(row.alike for row in rows) == 2 ** (n - 1) - 1
    # By brute force: orbits of partitions under all permutations that keep the edges.
    graph = nx.Graph(list(rows[0].model.edges))
    moves = list(nx.isomorphism.GraphMatcher(graph, graph).isomorphisms_iter())
    halves = {frozenset(side) for count in range(1, n) for side in combinations(range(n), count)}
    orbits = {
        frozenset(
            frozenset({image, frozenset(range(n)) - image}) for move in moves for image in [frozenset(map(move.get, side))]
        )
        for side in halves
    }
    assert sorted(row.alike for row in rows) == sorted(len(orbit) for orbit in orbits)


def test_ranks_of_partitions_that_are_alike_agree():
    study = walk_ranks(["path:4"], depth=2)
    found = {row.walk_index: set() for row in study.rows}
    for count in (1, 2):
        for side in combinations(range(4), count):
            model = GraphNetwork("path:4", 2, 2)
            found[model.walk_index(side)].add(separation_rank(model, side).value)
    assert found == {w: {row.rank.value for row in study.rows if row.walk_index == w} for w in found}


def test_an_output_vertex_is_kept_in_its_place():
    rows = walk_ranks(["path:3"], depth=1, output_vertex=0).rows
    assert [(row.side, row.alike) for row in rows] == [((2,), 1), ((0,), 1), ((1,), 1)]


def test_findings_are_plain_values_and_progress_names_partitions():
    seen = []
    study = walk_ranks([[(0, 1), (1, 2)]], depth=2, progress=lambda *step: seen.append(step[-1]))
    assert "0-1,1-2, side (0,)" in seen
    row = json.loads(json.dumps(study.to_dict()))["rows"][0]
    assert (row["graph"], row["side"], row["walk_index"], row["upper"]) == ("0-1,1-2", [0], 5, 6)
    assert (study.met, str(study)) == (2, "2 partitions, depth 2, width 2: 2 have the rank of their proven upper bound")


def test_no_rank_is_more_than_walks_allow():
    for row in walk_ranks(["cycle:4", "star:4"], depth=2, width=3, work=1e8).rows:
        assert row.width_power <= 1 + 2 * row.walk_index
        assert row.rank.value <= row.upper


def test_what_is_no_question_is_refused():
    with pytest.raises(TensorRankError, match="graphs are 'cycle:4'; expected a list of graphs"):
        walk_ranks("cycle:4")
    with pytest.raises(TensorRankError, match="the number of vertices of a graph is 11; expected a whole number from 2 to 10"):
        walk_ranks(["path:11"])
    with pytest.raises(TensorRankError, match="depth is 0"):
        walk_ranks(["path:3"], depth=0)
