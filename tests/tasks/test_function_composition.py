import itertools

import numpy as np
import pytest
from tasks.naive_tasks import composed, fingerprint, random_side, raw_matrix

from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.function_composition import FunctionComposition


@pytest.mark.parametrize("points", [2, 3])
def test_solutions_are_the_definition_on_all_inputs(points):
    task = FunctionComposition(points)
    inputs = task.all_inputs()
    assert len(inputs) == points ** (2 * points + 1)
    assert task.solve(inputs).tolist() == [composed(word, points) for word in inputs.tolist()]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("points", [2, 3])
def test_any_partition_is_brute_force(points, seed):
    sites = 2 * points + 1
    side = random_side(np.random.default_rng([points, seed]), sites)
    partition = Bipartition.of(sites, side)
    found = FunctionComposition(points).matrices(partition)
    expected = raw_matrix(lambda word: composed(word, points), points, partition.a, partition.b)
    assert (found["answer"].entries == expected).all()
    assert (found["is it point 0?"].entries == (expected == 0)).all()
    ranks = found["answer"].ranks(threads=1)
    shape, _, _, (over_2, over_3, *over_large) = fingerprint(expected)
    assert (ranks.distinct_rows, ranks.distinct_columns) == shape
    assert ranks.fields == {"Q": max(over_large), "GF(2)": over_2, "GF(3)": over_3}


@pytest.mark.parametrize("points", [2, 3, 4])
def test_closed_forms_with_either_function_on_side_a(points):
    n = points
    task = FunctionComposition(n)
    inner = task.communication()
    assert inner.sides == ("g", "f and x")
    # Functions g, and pairs of a point x and a function f: those of constant f are the same for every x.
    assert (inner.rows, inner.distinct_rows) == (n**n, n**n)
    assert (inner.columns, inner.distinct_columns) == (n ** (n + 1), n * (n**n - n) + n)
    assert inner.ranks((), threads=1).rank.value == n * (n - 1) + 1
    outer = task.communication(range(n, 2 * n))
    assert outer.sides == ("f", "g and x")
    # Pairs of g and x matter by g(x) alone.
    assert (outer.distinct_rows, outer.distinct_columns) == (n**n, n)
    assert outer.ranks((), threads=1).rank.value == n


@pytest.mark.parametrize("points", [2, 3])
def test_splits_called_the_same_have_the_same_lines_and_ranks(points):
    task = FunctionComposition(points)
    seen = {}
    for size in range(1, task.sites):
        for side in itertools.combinations(range(task.sites), size):
            matrix = task.communication(side)
            known = (matrix.distinct_rows, matrix.distinct_columns, matrix.entries.shape, matrix.ranks(threads=1).fields)
            assert seen.setdefault(task.same_splits(side), known) == known
    assert len(seen) == (points + 1) ** 2 * 2 - 2


@pytest.mark.parametrize("points", [2, 3, 50])
def test_examples_are_balanced_and_rightly_labelled(points):
    found = FunctionComposition(points).examples(101, seed=3)
    assert found.labels.sum() == 50
    assert [composed(word, points) == 0 for word in found.inputs.tolist()] == found.labels.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FunctionComposition(1), "points is 1; expected a whole number from 2 to 4611686018427387904"),
        (lambda: FunctionComposition(-3), "points is -3; expected a whole number from 2"),
        (lambda: FunctionComposition(2).solve([[0, 1, 1, 0, 2]]), r"inputs hold 2 at \(0, 4\)"),
        (lambda: FunctionComposition(20).communication(), "composition of functions of 20 points, .* would not fit any memory"),
        (lambda: FunctionComposition(2).communication([5]), "the partition names site 5; the model has sites 0 to 4"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()
