import json
import math
from itertools import combinations

import numpy as np
import oracles
import pytest

from tensorrank import TensorRankError
from tensorrank.experiments.sparse_averaging_models import MatrixRow, ModelSizes, UnitRow, model_sizes
from tensorrank.tasks.token_sets import random_sets
from tensorrank.units.selection_units import RestrictedIsometryUnit


@pytest.fixture(scope="module")
def study():
    return model_sizes(range(4, 10), [8, 128, 1024], sets=30, repeats=3)


def test_ranks_are_those_of_a_naive_matrix(study):
    for row in study.matrices:
        n = row.tokens
        entries = np.array(
            [[sum(value >> j & 1 for j in chosen) for chosen in combinations(range(n), 2)] for value in range(2**n)]
        )
        assert row.rank == oracles.flint_rank(entries, 2**31 - 1)
        assert row.standing == "exact"
        assert row.distinct_rows == len({tuple(one) for one in entries})
        assert row.distinct_columns == len({tuple(one) for one in entries.T})


def test_ranks_are_as_proved(study):
    # SOURCES.md section 5: data first, rank n and 2^n different rows for 1 <= q < n.
    assert study.as_proved
    for row in study.matrices:
        assert (row.memory_bits, row.state_dimension, row.first_layer_width) == (row.tokens, row.tokens, row.tokens)
        assert row.query_bits == pytest.approx(math.log2(math.comb(row.tokens, 2)))
        assert row.first_layer_width >= row.tokens / 2  # S23, as published


@pytest.mark.parametrize("sparsity", [1, 3])
def test_other_sparsities(sparsity):
    found = model_sizes([5], [16], sparsity=sparsity, sets=5, repeats=1)
    assert found.as_proved
    assert found.matrices[0].distinct_columns == math.comb(5, sparsity)


def test_attention_pays_for_its_questions_and_wins_only_for_many_tokens(study):
    for row in study.units:
        assert row.size >= math.log2(math.comb(row.tokens, 2))
        assert row.size == row.bits * row.dimension_at_bits
    few, middle, many = study.units
    assert few.dimension > few.tokens
    assert middle.size > middle.tokens
    assert many.size < many.tokens
    assert many.dimension < 2 * middle.dimension
    assert (study.smaller_from("dimension"), study.smaller_from("size")) == (128, 1024)


def test_units_of_the_least_size_select_other_sets_with_other_keys(study):
    for row in study.units:
        sets = random_sets(row.tokens, 2, 30, seed=9)
        worst = [
            RestrictedIsometryUnit(row.tokens, 2, 2 * row.dimension_at_bits, seed=seed).at(row.bits).deviation(sets)
            for seed in range(20, 25)
        ]
        assert np.median(np.max(worst, axis=1)) <= 0.1


def test_smaller_from_holds_to_the_last():
    units = tuple(UnitRow(n, m, 2, m) for n, m in [(8, 4), (16, 20), (32, 21), (64, 40)])
    found = ModelSizes(2, 0.1, 1, 1, 0, (), units)
    assert found.smaller_from() == 32
    assert found.smaller_from("size") is None


def test_a_wrong_matrix_is_not_as_proved():
    row = MatrixRow(4, 4, "exact", 16, 6)
    for other in (MatrixRow(4, 3, "exact", 16, 6), MatrixRow(4, 4, "exact", 15, 6), MatrixRow(4, 4, "exact", 16, 5)):
        assert ModelSizes(2, 0.1, 1, 1, 0, (row,), ()).as_proved
        assert not ModelSizes(2, 0.1, 1, 1, 0, (row, other), ()).as_proved


def test_findings_are_json(study):
    plain = study.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["smaller_from"] == {"dimension": 128, "size": 1024}
    assert [row["memory_bits"] for row in plain["matrices"]] == [4, 5, 6, 7, 8, 9]
    assert [row["size"] for row in plain["units"]] == [row.size for row in study.units]


def test_progress_is_told():
    told = []
    model_sizes([4, 3], [8], sets=2, repeats=1, progress=lambda *what: told.append(what))
    assert told == [(0, 3, "ranks, N = 3"), (1, 3, "ranks, N = 4"), (2, 3, "attention, N = 8")]


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: model_sizes([2], [8]), r"tokens is 2; expected a whole number of at least 3"),
        (lambda: model_sizes([4], [2]), r"tokens of units is 2; expected a whole number of at least 3"),
        (lambda: model_sizes([], [8]), r"no tokens were given"),
        (lambda: model_sizes([4], []), r"no tokens of units were given"),
        (lambda: model_sizes([4], [8], sparsity=0), r"sparsity is 0"),
        (lambda: model_sizes([4], [8], tolerance=-1), r"tolerance is -1; expected above 0 and below 0.5"),
        (lambda: model_sizes([4], [8], tolerance=5), r"tolerance is 5; .* averages over two sets of q = 2 .* 1/q apart"),
        (lambda: model_sizes([5], [16], sparsity=4, tolerance=0.25), r"tolerance is 0.25; expected .* below 0.25"),
        (lambda: model_sizes([4], [8], tolerance=True), r"tolerance is True"),
        (lambda: model_sizes([4], [8], sets=2, repeats=1, threads=0), r"threads is 0"),
        (lambda: model_sizes([12], [16], memory="1KiB"), r"4096 x 66 entries, .* memory limit is 1 KiB"),
        (lambda: ModelSizes(2, 0.1, 1, 1, 0, (), ()).smaller_from("bits"), r"the quantity is 'bits'; expected"),
    ],
)
def test_bad_input_is_refused(made, message):
    with pytest.raises(TensorRankError, match=message):
        made()
