"""Splits of a task's sites: against all ordered splits, each with its VC dimension from the definition."""

import itertools

import pytest

from tensorrank.errors import TensorRankError
from tensorrank.separation.partition import Bipartition
from tensorrank.tasks.disjointness import Disjointness, InnerProduct
from tensorrank.tasks.function_composition import FunctionComposition
from tensorrank.tasks.induction_heads import InductionHeads
from tensorrank.tasks.one_or_two_cycles import OneOrTwoCycles
from tensorrank.tasks.splitting import split_ranks, splitting_vc_dimension
from tensorrank.tasks.word_task import WordTask


def shatters(rows, columns):
    return len({tuple(row[column] for column in columns) for row in rows}) == 2 ** len(columns)


def vc(matrix):
    rows = matrix.tolist()
    return max(
        size
        for size in range(4)
        if any(shatters(rows, columns) for columns in itertools.combinations(range(len(rows[0])), size))
    )


def sides(sites):
    return [side for size in range(1, sites) for side in itertools.combinations(range(sites), size)]


@pytest.mark.parametrize(
    ("task", "question"),
    [
        (FunctionComposition(2), "is it point 0?"),
        (InductionHeads(4, 2), "is it token 0?"),
        (InductionHeads(4, 3), "is it token 0?"),
        (InductionHeads(5, 2, hops=2), "is it token 0?"),
        (Disjointness(2), "disjoint?"),
    ],
)
def test_the_largest_vc_dimension_of_all_splits_is_found(task, question):
    expected = {side: vc(task.matrices(Bipartition.of(task.sites, side))[question].entries) for side in sides(task.sites)}
    found = splitting_vc_dimension(task)
    assert (found.lower, found.upper, found.exact) == (max(expected.values()), max(expected.values()), True)
    matrix = task.matrices(found.partition)[question].entries
    assert len(found.shattered) == found.lower
    assert shatters(matrix.tolist(), found.shattered)


def test_symmetries_leave_out_only_what_is_the_same():
    task = FunctionComposition(2)

    class Plain(FunctionComposition):
        same_splits = WordTask.same_splits

    assert splitting_vc_dimension(task).splits == 16
    unaided = splitting_vc_dimension(Plain(2))
    assert (unaided.splits, unaided.lower) == (30, splitting_vc_dimension(task).lower)


def test_ranks_of_all_splits_count_every_split_once():
    rows = split_ranks(InductionHeads(4, 2), fields=(2,), threads=1)
    assert sorted(row.partition.a for row in rows) == sorted(sides(4))
    rows = split_ranks(FunctionComposition(3), threads=1)
    assert sum(row.alike for row in rows) == 2**7 - 2
    by_side = {row.partition.a: row.ranks for row in rows}
    # g alone, and f alone: the closed forms n (n - 1) + 1 and n.
    assert (by_side[0, 1, 2].rank.value, by_side[3, 4, 5].rank.value) == (7, 3)
    # A rank is that of the transpose.
    assert by_side[0, 1, 2].rank.value == by_side[3, 4, 5, 6].rank.value


def test_a_search_that_is_cut_is_a_lower_bound():
    cut = splitting_vc_dimension(FunctionComposition(3), splits=5)
    assert (cut.searched, cut.upper, cut.exact) == (5, None, False)
    assert str(cut).startswith("at least ")
    short = splitting_vc_dimension(InductionHeads(7, 4), work=3)
    assert short.lower <= 5 <= short.upper
    assert not short.exact


def test_a_part_of_a_task_with_a_promise_bounds_it_from_below():
    found = splitting_vc_dimension(OneOrTwoCycles(8))
    assert (found.lower, found.upper, found.splits, found.exact) == (1, None, 7, False)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: splitting_vc_dimension(InductionHeads(17, 2)), "has 17 sites; all splits are gone through of up to 16"),
        (lambda: split_ranks(InductionHeads(10**15, 2)), "has 1000000000000000 sites; all splits"),
        (lambda: splitting_vc_dimension(InnerProduct(2, modulus=None)), "no matrix of inner product of 2 bits has only"),
        (lambda: splitting_vc_dimension(FunctionComposition(2), splits=0), "splits is 0; expected a whole number"),
        (lambda: splitting_vc_dimension(FunctionComposition(2), work=0), "work is 0; expected a whole number of at least 1"),
        (lambda: splitting_vc_dimension(InductionHeads(9, 4), memory="1MiB"), r"256 x 1024 entries, .* limit is 1 MiB"),
        (lambda: splitting_vc_dimension("disjointness"), "the task is 'disjointness'; expected one of"),
    ],
)
def test_bad_input_is_refused_in_words(call, message):
    with pytest.raises(TensorRankError, match=message):
        call()
