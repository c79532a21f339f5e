import math

import pytest

from tensorrank.arithmetic.elimination.costs import elimination_work
from tensorrank.errors import TensorRankError
from tensorrank.separation.limits import Limits


def test_limits_read_memory_as_text_and_work_as_a_number():
    limits = Limits.of("1MB", 1e9)
    assert (limits.memory, limits.work) == (10**6, 1e9)
    assert Limits.of(5000, None).work == math.inf
    assert 0 < Limits.of(None, None).memory < math.inf


@pytest.mark.parametrize("work", [0, -1.0, float("nan"), True, False])
def test_work_that_is_no_positive_amount_is_refused(work):
    with pytest.raises(TensorRankError, match=r"work limit is .*expected a positive number of operations"):
        Limits.of("1MB", work)


def test_memory_that_is_no_positive_amount_is_refused():
    with pytest.raises(TensorRankError, match="expected a positive number of bytes"):
        Limits.of("plenty", None)


def test_limits_print_what_is_limited():
    assert str(Limits.of("2GiB", None)) == "memory limit 2 GiB"
    assert str(Limits.of("2GiB", 5e8)) == "memory limit 2 GiB, work limit 5e+08 operations"


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (7, 7), (5, 30), (30, 5), (1, 100)])
def test_the_work_of_an_elimination_is_the_sum_over_its_pivots(rows, columns):
    counted = 2 * sum((rows - i) * (columns - i) for i in range(1, min(rows, columns) + 1))
    lower_order = 6 * rows * columns + 6
    assert abs(elimination_work(rows, columns) - counted) <= lower_order
    assert elimination_work(rows, columns) == elimination_work(columns, rows)
