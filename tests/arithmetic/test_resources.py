import os

import numpy as np
import pytest

from tensorrank.arithmetic.resources import memory_available, memory_limit, thread_count, worker_threads
from tensorrank.errors import TensorRankError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("1000", 1000),
        ("512B", 512),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("500MB", 500 * 10**6),
        ("500 MB", 500 * 10**6),
        ("4GiB", 4 * 2**30),
        ("4gib", 4 * 2**30),
        ("4G", 4 * 10**9),
        ("4Gi", 4 * 2**30),
        (" 1.5GiB ", 3 * 2**29),
        ("0.5TB", 5 * 10**11),
        ("2TiB", 2 * 2**40),
    ],
)
def test_texts_are_amounts_of_memory(text, expected):
    assert memory_limit(text) == expected


@pytest.mark.parametrize("amount", [1, 12345, 2**40, np.int64(7), 1e9])
def test_numbers_are_bytes(amount):
    assert memory_limit(amount) == int(amount)


@pytest.mark.parametrize(
    "amount", ["", "much", "4 GB free", "-4GiB", "4EiB", "0", "0GiB", 0, -5, 0.5, float("nan"), True, False]
)
def test_what_is_no_amount_of_memory_is_refused(amount):
    with pytest.raises(TensorRankError, match="expected a positive number of bytes or a text such as '4GiB'"):
        memory_limit(amount)


def test_without_a_limit_a_share_of_what_is_available_is_used():
    available = memory_available()
    assert 0 < available <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory_limit(None) == pytest.approx(0.6 * available, rel=0.2)


def test_threads_default_to_the_processors_of_this_process():
    assert thread_count(None) == len(os.sched_getaffinity(0))
    assert [thread_count(n) for n in (1, 2, 64)] == [1, 2, 64]


@pytest.mark.parametrize("threads", [0, -3, 2.0, "2", True, False])
def test_an_impossible_number_of_threads_is_refused(threads):
    with pytest.raises(TensorRankError, match=r"threads is .*; expected a whole number of at least 1"):
        thread_count(threads)


def test_worker_threads_run_work_and_pass_its_errors_on():
    def failing(item):
        raise ZeroDivisionError(f"item {item}")

    with worker_threads(2) as pool:
        assert list(pool.map(abs, [-1, 2, -3])) == [1, 2, 3]
        with pytest.raises(ZeroDivisionError, match="item 5"):
            list(pool.map(failing, [5]))
