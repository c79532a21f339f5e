"""Region graphs in the files of cirkit, and the circuits of their structure."""

import itertools
import json

import numpy as np
import pytest
from mixtures.brute_force import all_states

import tensorrank as tr
from tensorrank.errors import TensorRankError

# Four variables, split in two ways whose parts do not meet: no tree has both.
REGIONS = {0: (0, 1, 2, 3), 1: (0, 1), 2: (2, 3), 3: (0, 2), 4: (1, 3), **{5 + site: (site,) for site in range(4)}}
SPLITS = ((0, (1, 2)), (0, (3, 4)), (1, (5, 6)), (2, (7, 8)), (3, (5, 7)), (4, (6, 8)))


def written(regions=REGIONS, splits=SPLITS, roots=("0",)):
    return {
        "regions": {str(region): {"scope": list(scope)} for region, scope in regions.items()},
        "roots": list(roots),
        "graph": [{"output": region, "inputs": list(parts)} for region, parts in splits],
    }


def test_a_file_is_read_and_written_again_as_it_was(tmp_path):
    path, again = tmp_path / "regions.json", tmp_path / "again.json"
    path.write_text(json.dumps(written()))
    graph = tr.RegionGraph.load(path)
    assert graph == tr.RegionGraph(REGIONS, SPLITS, 0)
    graph.save(again)
    assert json.loads(again.read_text()) == written()
    assert graph.sites == 4


@pytest.mark.parametrize("units", [1, 2, 3])
def test_ranks_of_a_random_circuit_are_those_of_its_table_and_as_large_as_the_structure_allows(units):
    model = tr.RegionGraph(REGIONS, SPLITS, 0).sum_product(units, symbols=2, seed=0)
    table = np.asarray(model.probability(all_states((2,) * 4))).reshape((2,) * 4)
    for side in itertools.combinations(range(4), 2):
        cut = tr.Bipartition.of(4, side)
        matrix = table.transpose(cut.a + cut.b).reshape(4, 4)
        found = tr.separation_rank(model, cut)
        assert found.value == np.linalg.matrix_rank(matrix, tol=1e-12)
        # A split along the cut costs its units; one across it no more than the product of those of both parts.
        along = {frozenset(REGIONS[part]) for part in (1, 2, 3, 4)}
        most = min(4, units + units**3) if frozenset(side) in along else 4
        assert found.value <= most


def test_a_tree_has_at_each_of_its_regions_as_much_rank_as_units():
    chain = tr.RegionGraph(
        {0: (0, 1, 2, 3), 1: (0, 1, 2), 2: (0, 1), **{3 + site: (site,) for site in range(4)}},
        ((0, (1, 6)), (1, (2, 5)), (2, (3, 4))),
        0,
    )
    model = chain.sum_product(units=3, symbols=4, seed=1)
    assert [tr.separation_rank(model, side).value for side in ((0,), (0, 1), (0, 1, 2))] == [3, 3, 3]


def test_a_region_that_is_not_split_is_a_product_of_its_variables():
    model = tr.RegionGraph({0: (0, 1, 2)}, (), 0).sum_product(2, symbols=3, seed=0)
    assert tr.separation_rank(model, "interleaved").value == 1


def test_exact_fractions_and_seeds():
    graph = tr.RegionGraph(REGIONS, SPLITS, 0)
    exact = graph.sum_product(2, 2, 0, fractions=True)
    assert sum(exact.probability(all_states((2,) * 4))) == 1
    assert exact == graph.sum_product(2, 2, 0, fractions=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": (*SPLITS, (2, (7, 7)))}, "region 2 is split in 7, 7; expected two or more parts"),
        ({"splits": (*SPLITS, (0, (1, 3, 8)))}, "region 0 is not decomposable: its parts 1 and 3 share the variables 0"),
        (
            {"splits": (*SPLITS, (0, (1, 7)))},
            "region 0 is not smooth: its parts 1, 7 have the variables 0, 1, 2, the region 0, 1, 2, 3; expected the same",
        ),
        ({"splits": (*SPLITS, (0, (1, 12)))}, "a part of region 0 is region 12; expected one of the regions 0, 1, 2"),
        ({"splits": SPLITS[1:]}, "region 1 is not reached from the root, region 0; expected all below it"),
        ({"roots": ("0", "1")}, "the region graph has 2 roots; expected one"),
        ({"roots": ("17",)}, "the root is region 17; expected one of the regions"),
        ({"roots": ("top",)}, "the root is 'top'; expected the number of a region, from 0"),
        ({"regions": {**REGIONS, 9: ()}}, r"the variables of region 9 are \[\]; expected different ones, not none"),
        ({"regions": {**REGIONS, 5: (0, 0)}}, r"the variables of region 5 are \[0, 0\]; expected different ones"),
        ({"regions": {0: (1, 2)}, "splits": ()}, "region 0, the root, has the variables 1, 2; expected 0 to N - 1"),
    ],
)
def test_a_graph_that_is_not_smooth_or_decomposable_is_refused_by_the_region(change, message, tmp_path):
    path = tmp_path / "regions.json"
    path.write_text(json.dumps(written(**change)))
    with pytest.raises(TensorRankError, match=message):
        tr.RegionGraph.load(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "the region graph is .*; expected an object with 'regions', 'roots', 'graph'"),
        ({"regions": {}, "roots": []}, "the region graph: the field 'graph' is missing"),
        ({"regions": [], "roots": ["0"], "graph": []}, "the field 'regions' is .*; expected an object of a scope"),
        ({"regions": {"0": {"scop": [0]}}, "roots": ["0"], "graph": []}, "region '0': unknown field 'scop'"),
        ({"regions": {"0": {"scope": [0]}}, "roots": ["0"], "graph": [{"output": 0}]}, "the field 'inputs' is missing"),
        ({"regions": {"0": {"scope": [-1]}}, "roots": ["0"], "graph": []}, "a variable of region 0 is -1"),
    ],
)
def test_values_that_are_no_region_graph_are_refused(values, message):
    with pytest.raises(TensorRankError, match=message):
        tr.RegionGraph.from_dict(values)
