import itertools
from math import log2

import numpy as np
import pytest
from oracles import flint_rank
from tasks.naive_tasks import composed, hops, raw_matrix

import tensorrank as tr
from tensorrank.errors import TensorRankError
from tensorrank.experiments.demands import task_demands


def largest(value, symbols, sites):
    """The largest rank, and number of different rows, of all splits by the definition."""
    matrices = []
    for size in range(1, sites):
        for side in itertools.combinations(range(sites), size):
            others = tuple(site for site in range(sites) if site not in side)
            matrices.append(raw_matrix(value, symbols, side, others))
    return max(flint_rank(m, 2**31 - 1) for m in matrices), max(len(np.unique(m, axis=0)) for m in matrices)


def test_ranks_and_rows_are_the_largest_of_all_splits():
    study = task_demands({"induction-heads": [3, 4], "function-composition": [2]}, examples=10)
    expected = [largest(lambda word: hops(word, 1), 4, tokens) for tokens in (3, 4)]
    expected.append(largest(lambda word: composed(word, 2), 2, 5))
    assert [(row.rank, row.distinct_rows) for row in study.rows] == expected
    assert study.tasks == ("induction-heads", "function-composition")
    for row in study.rows:
        assert (row.state_bits, row.memory_bits) == (log2(row.rank), log2(row.distinct_rows))
        assert (row.wrong, row.tried, row.standing, row.whole) == (0, 10, "exact", True)


def test_layers_are_those_that_are_proved_and_parts_are_lower_bounds():
    study = task_demands({"k-hop": [4], "one-or-two-cycles": [8]}, examples=10)
    # floor(log2 2) + 2 and floor(log2 8).
    assert [row.layers for row in study.rows] == [3, 3]
    assert [(row.whole, row.vc_exact) for row in study.rows] == [(True, True), (False, False)]


def test_the_figure_shows_every_quantity_of_every_task():
    study = task_demands({"induction-heads": [4, 3], "one-or-two-cycles": [6]}, examples=5)
    _, (heads, cycles) = tr.figures.task_demands(study)
    assert [line.get_xdata().tolist() for line in heads.lines] == [[3, 4]] * 4
    by_name = {line.get_label(): line.get_ydata().tolist() for line in heads.lines}
    rows = study.of("induction-heads")
    assert by_name["layers of attention that suffice"] == [2, 2]
    assert by_name["splitting VC dimension"] == [row.vc for row in rows]
    assert [heads.get_title(), cycles.get_title()] == ["induction-heads", "one-or-two-cycles\n(lower bounds)"]
    assert (heads.get_ylabel(), cycles.get_xlabel()) == ("bits, or layers", "vertices n")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: task_demands({"match2": [3]}), "the task is 'match2'; expected some of induction-heads, k-hop"),
        (lambda: task_demands({"k-hop": []}), "no sizes were given; expected at least one, such as 4"),
        (lambda: task_demands({"k-hop": [1]}), "tokens is 1; expected a whole number of at least 2"),
        (lambda: task_demands({"one-or-two-cycles": [7]}), "vertices is 7; expected an even number from 6"),
        (lambda: task_demands({"k-hop": [30]}), "has 30 sites; all splits are gone through of up to 16"),
        (lambda: task_demands({"k-hop": [3]}, examples=0), "examples is 0; expected a whole number of at least 1"),
        (lambda: tr.figures.task_demands(tr.experiments.TaskDemands(0, ())), "an experiment without rows was given"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()
