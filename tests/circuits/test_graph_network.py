"""Graph networks against their definition, FLINT and brute force over assignments; bounds on random graphs."""

from itertools import combinations, pairwise, product
from math import comb

import networkx as nx
import numpy as np
import pytest
from as_written import graph_output
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import flint_rank

from tensorrank import Bipartition, GraphNetwork, TensorRankError, plan, separation_rank
from tensorrank.arithmetic.prime_field import PrimeField
from tensorrank.atlas.kinds import model_in_words
from tensorrank.circuits.gated_degrees import BEYOND
from tensorrank.circuits.graph_bounds import GraphCounts, exponent_count
from tensorrank.circuits.walks import boundary, closed_neighbours, walks_to
from tensorrank.cli.shared.swept_models import model_in, words_of
from tensorrank.errors import CombinationError, PartitionError, WeightsError

PRIME = 8388593
SMALL = [
    {"edges": "path:3", "depth": 1, "width": 2},
    {"edges": "path:4", "depth": 2, "width": 2, "features": 3},
    {"edges": "star:4", "depth": 2, "width": 3, "features": 1, "output_vertex": 1},
    {"edges": "complete:3", "depth": 2, "width": 2, "output_vertex": 0},
    {"edges": [(0, 1), (2, 3)], "depth": 2, "width": 2, "vertices": 5},
    {"edges": [(0, 1), (2, 3)], "depth": 3, "width": 2, "vertices": 5, "output_vertex": 2},
]


def weights_of(model, seed=0):
    rng = np.random.default_rng(seed)
    return {name: rng.integers(-PRIME, PRIME + 1, shape) for name, (_, shape) in model.shapes.items()}


def by_vertex(partition, row, column):
    inputs = {site: row[place] for place, site in enumerate(partition.a)}
    inputs |= {site: column[place] for place, site in enumerate(partition.b)}
    return [inputs[site] for site in range(partition.sites)]


def true_rank(model, partition, size, seed=0):
    """The rank of a grid of so many random inputs a side, by FLINT; other tests hold grids against the definition."""
    field, rng = PrimeField(PRIME), np.random.default_rng(seed)
    instance = model.draw(field, rng)
    rows, columns = (instance.sample(side, size, rng) for side in (partition.a, partition.b))
    return flint_rank(instance.grid(partition, rows, columns), PRIME)


def sides_of(vertices):
    """Every bipartition once, by the side of vertex 0."""
    others = range(1, vertices)
    return [(0, *more) for count in range(vertices - 1) for more in combinations(others, count)]


@pytest.mark.parametrize("sizes", SMALL, ids=str)
@pytest.mark.parametrize("prime", [101, PRIME, 2**31 - 1])
def test_grids_are_the_definition(sizes, prime):
    model, field, rng = GraphNetwork(**sizes), PrimeField(prime), np.random.default_rng(1)
    weights = weights_of(model)
    instance = model.draw(field, rng, weights)
    whole = {name: array.astype(object) % prime for name, array in weights.items()}
    for side in ([0], range(model.vertices // 2), [0, model.vertices - 1]):
        partition = Bipartition.of(model.vertices, side)
        rows, columns = instance.sample(partition.a, 2, rng), instance.sample(partition.b, 3, rng)
        expected = [
            [graph_output(model, whole, by_vertex(partition, row, column)) % prime for column in columns.astype(object)]
            for row in rows.astype(object)
        ]
        assert instance.grid(partition, rows, columns).tolist() == expected
        # With next to no memory pairs are evaluated one by one.
        assert instance.grid(partition, rows, columns, memory=1).tolist() == expected


def test_values_in_floats_are_the_definition():
    model, partition = GraphNetwork("path:4", depth=2, width=2), Bipartition.of(4, [0, 2])
    rng = np.random.default_rng(3)
    weights = {name: rng.normal(size=shape) for name, (_, shape) in model.shapes.items()}
    found = model.float_grid(weights, partition, 3, np.random.default_rng(5))
    again = np.random.default_rng(5)
    rows, columns = (again.standard_normal((3, 2, 2)) for _ in "ab")
    expected = [[graph_output(model, weights, by_vertex(partition, row, column)) for column in columns] for row in rows]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("sizes", SMALL, ids=str)
def test_degrees_are_those_of_the_polynomial(sizes):
    model = GraphNetwork(**sizes)
    base = 10**20
    ones = {name: np.ones(shape, dtype=object) for name, (_, shape) in model.shapes.items()}
    inputs = [[1] * model.features] * model.vertices

    def degree(weights, given):
        return (len(str(graph_output(model, weights, given))) - 1) // 20

    assert degree(ones, [[base] * model.features] * model.vertices) == model.input_degree
    assert degree({name: base * array for name, array in ones.items()}, inputs) == model.weight_degree
    for vertex in range(model.vertices):
        alone = [[base if i == vertex else 1] * model.features for i in range(model.vertices)]
        counts = walks_to(closed_neighbours(model.edges, model.vertices), model.outputs, model.depth)
        assert degree(ones, alone) == counts[model.depth][vertex]


@pytest.mark.parametrize("name", ["path:4", "cycle:5", "star:5", "grid:2x3"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_walk_indices_count_walks_one_by_one(name, depth):
    model = GraphNetwork(name, depth=depth, width=2)
    n = model.vertices
    joined = {(i, i) for i in range(n)} | set(model.edges) | {(b, a) for a, b in model.edges}
    walks = [walk for walk in product(range(n), repeat=depth) if all(step in joined for step in pairwise(walk))]
    for side in sides_of(n):
        crossing = {v for edge in model.edges if (edge[0] in side) != (edge[1] in side) for v in edge}
        assert model.walk_index(side) == sum(walk[0] in crossing for walk in walks)
        for target in (0, n - 1):
            to_one = GraphNetwork(name, depth=depth, width=2, output_vertex=target)
            assert to_one.walk_index(side) == sum(walk[0] in crossing and walk[-1] == target for walk in walks)
    # The authors take the power of the adjacency matrix with loops.
    adjacency = nx.to_numpy_array(nx.Graph([*model.edges]), nodelist=range(n), dtype=int) + np.eye(n, dtype=int)
    assert model.walk_index([0]) == np.linalg.matrix_power(adjacency, depth - 1)[adjacency[0] > 0].sum()


@pytest.mark.parametrize("name", ["path:3", "star:4", "cycle:4", "complete:4"])
@pytest.mark.parametrize(("width", "features"), [(2, 2), (4, 2), (3, 1)])
@pytest.mark.parametrize("output", [None, 0])
def test_one_layer_has_the_rank_of_its_theorem(name, width, features, output):
    model = GraphNetwork(name, depth=1, width=width, features=features, output_vertex=output)
    for side in sides_of(model.vertices):
        partition = Bipartition.of(model.vertices, side)
        assert true_rank(model, partition, width + 3) == model.rank_bound(side) == model.generic_lower_bound(side)


@pytest.mark.parametrize("name", ["path:4", "star:4", "cycle:4", "complete:3"])
@pytest.mark.parametrize(("depth", "width", "features"), [(2, 2, 2), (2, 3, 2), (2, 1, 3), (3, 2, 4)])
@pytest.mark.parametrize("output", [None, 1])
def test_one_vertex_against_all_others_has_the_exponents_of_as_many_walks(name, depth, width, features, output):
    model = GraphNetwork(name, depth=depth, width=width, features=features, output_vertex=output)
    for vertex in range(model.vertices):
        n, walks = min(width, features), model.walk_index([vertex])
        closed = comb(n + walks - 1, walks)
        assert model.generic_lower_bound([vertex]) == model.rank_bound([vertex]) == closed
        if closed < 60:
            assert true_rank(model, Bipartition.of(model.vertices, [vertex]), closed + 3) == closed


def test_sides_that_only_one_vertex_joins_are_exact():
    # One vertex of A and one of B see each other, by the walks that end in one of the two: counted by hand.
    for depth, degree in ((2, 5), (3, 12)):
        for width in (1, 2, 3):
            found = separation_rank(GraphNetwork("path:3", depth=depth, width=width), [0])
            assert (found.value, found.standing) == (comb(width + degree - 1, degree), "exact")
    # In a complete graph of n vertices all vectors of a layer are equal, and of degree n^L.
    for n, depth in ((3, 2), (4, 2), (3, 3)):
        found = separation_rank(GraphNetwork(f"complete:{n}", depth=depth, width=2), [0])
        assert (found.value, found.standing) == (n**depth + 1, "exact")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_bounds_hold_the_rank_between_them_on_random_graphs(data):
    n = data.draw(st.integers(2, 5))
    pairs = list(combinations(range(n), 2))
    edges = data.draw(st.lists(st.sampled_from(pairs), max_size=6))
    sizes = {
        "depth": data.draw(st.integers(1, 3)),
        "width": data.draw(st.integers(1, 3)),
        "features": data.draw(st.integers(1, 3)),
    }
    output = data.draw(st.sampled_from([None, *range(n)]))
    model = GraphNetwork(edges, **sizes, vertices=n, output_vertex=output)
    side = data.draw(st.sampled_from(sides_of(n)))
    upper, lower = model.rank_bound(side), model.generic_lower_bound(side)
    assert lower <= upper <= model.width ** (1 + 2 * model.walk_index(side))
    size = min(upper + 2, 60)
    rank = true_rank(model, Bipartition.of(n, side), size)
    assert rank <= upper
    assert min(lower, size) <= rank


def test_powers_given_in_any_way_give_a_bound():
    rng = np.random.default_rng(0)
    for name, output in (("path:4", None), ("cycle:4", 0), ("star:4", None)):
        model = GraphNetwork(name, depth=3, width=2, output_vertex=output)
        side = frozenset([0, 1])
        rank = true_rank(model, Bipartition.of(4, side), 140)
        counts = GraphCounts(model.neighbours, model.outputs, 3, 2, 2, side)
        for _ in range(60):
            first, second, top = (frozenset(np.flatnonzero(rng.integers(0, 2, 4)).tolist()) for _ in range(3))
            assert counts.bound(((side, side), (first, second), (top, top))) >= rank


def test_sides_that_no_edge_joins_have_rank_1_at_one_vertex():
    model = GraphNetwork([(0, 1), (2, 3)], depth=2, width=3, output_vertex=0)
    assert separation_rank(model, [0, 1]).value == 1
    # Over the whole graph both sides meet in the output, entry by entry.
    whole = GraphNetwork([(0, 1), (2, 3)], depth=2, width=3)
    found = separation_rank(whole, [0, 1])
    assert (whole.walk_index([0, 1]), found.value, found.standing) == (0, 3, "exact")


def test_monomials_are_counted_and_not_beyond_all_use():
    assert [exponent_count(n, c) for n, c in ((1, 5), (2, 5), (3, 4), (4, 0))] == [1, 6, 15, 1]
    assert exponent_count(500, 10**9) == BEYOND
    assert GraphNetwork("complete:10", depth=12, width=100).rank_bound("halves") is None


def test_wide_and_deep_networks_have_bounds_at_once():
    deep = GraphNetwork("cycle:100", depth=10, width=3)
    assert deep.rank_bound("halves") > deep.generic_lower_bound("halves") > 1
    assert plan(GraphNetwork("grid:3x3", depth=2, width=2)).method == "grid"


def test_edges_and_vertices_make_the_same_network_however_given():
    model = GraphNetwork([(1, 0), (1, 2), (2, 3), (0, 3)], depth=2, width=2)
    assert model == GraphNetwork("cycle:4", depth=2, width=2) == GraphNetwork(nx.cycle_graph(4), depth=2, width=2)
    assert model == GraphNetwork(nx.cycle_graph(4).edges, 2, 2) == GraphNetwork(np.array(model.edges), 2, 2)
    assert (model.edges, model.vertices, model.features) == (((0, 1), (0, 3), (1, 2), (2, 3)), 4, 2)
    assert GraphNetwork(**model.to_dict()) == model


def test_what_makes_no_network_is_refused():
    for name in ("depth", "width", "features"):
        sizes = {"depth": 1, "width": 1, name: 0}
        with pytest.raises(TensorRankError, match=f"{name} is 0; expected a whole number of at least 1"):
            GraphNetwork("path:3", **sizes)
    with pytest.raises(CombinationError, match="output_vertex is 3; the graph has vertices 0 to 2"):
        GraphNetwork("path:3", 1, 1, output_vertex=3)
    with pytest.raises(TensorRankError, match="depth 1000 and 3 vertices was asked for; expected at most 2000"):
        GraphNetwork("path:3", 1000, 1)
    model = GraphNetwork("path:4", 1, 2)
    with pytest.raises(PartitionError, match="the partition misses site 2; expected every site from 0 to 3"):
        separation_rank(model, Bipartition((0, 1), (3,)))
    with pytest.raises(PartitionError, match="the partition covers 3 sites; the model has 4"):
        model.walk_index(Bipartition((0, 1), (2,)))
    with pytest.raises(PartitionError, match="names site 7; the model has sites 0 to 3"):
        separation_rank(model, [7])
    with pytest.raises(WeightsError, match="expected input, output"):
        separation_rank(model, weights={"input": np.ones((2, 2))})
    with pytest.raises(TensorRankError, match="the weights of the architecture"):
        GraphNetwork("path:4", 2, 10**6).draw(PrimeField(PRIME), np.random.default_rng(0))


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("graph", ["grid:2x3", "0-1,0-2,1-2,2-3", "complete:4"])
def test_edges_are_removed_where_walks_stay_by_brute_force(graph, depth):
    model = GraphNetwork(graph, depth=depth, width=2)
    n, edges = model.vertices, list(model.edges)

    def indices(rest):
        # The public walk index of each vertex, read there, counts one by one in another test.
        one_vertex = [GraphNetwork(rest, depth, 2, vertices=n, output_vertex=t).walk_index([t]) for t in range(n)]
        return sorted(one_vertex)

    for count in range(1, 4):
        edges = max(([e for e in edges if e != gone] for gone in edges), key=indices)
        assert model.sparsified(count).edges == tuple(edges)
    assert model.sparsified(0) == model
    assert model.sparsified(len(model.edges)).edges == ()


def test_removals_that_cannot_be_are_refused():
    model = GraphNetwork("path:3", depth=2, width=2)
    with pytest.raises(CombinationError, match="3 edges are to be removed; the graph has 2"):
        model.sparsified(3)
    with pytest.raises(TensorRankError, match="the removal of 1 of 499 edges"):
        GraphNetwork("path:500", depth=2, width=2).sparsified(1)


def test_boundaries_are_the_ends_of_edges_across():
    near = closed_neighbours([(0, 1), (1, 2), (2, 3)], 5)
    assert boundary(near, [0, 1]) == (1, 2)
    assert boundary(near, [4]) == ()


def test_a_network_is_written_so_that_it_can_be_read():
    for name in ("cycle:5", "complete:10"):
        model = GraphNetwork(name, 2, 3, features=1)
        assert model_in_words(repr(model)) == model
        assert model_in(words_of(model).split()) == model
    assert model_in(words_of(GraphNetwork("path:2", 1, 1)).split()) == GraphNetwork("path:2", 1, 1)
    assert len(repr(GraphNetwork("complete:40", 2, 3))) < 500
