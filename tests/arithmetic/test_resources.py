import math
import os
import sys
import threading
import types

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from tensorrank.arithmetic import resources
from tensorrank.arithmetic.resources import amount as in_words
from tensorrank.arithmetic.resources import memory_available, memory_limit, refuse_beyond, thread_count, worker_threads
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
    with pytest.raises(TensorRankError, match=r"threads is .*; expected a whole number from 1 to 1024"):
        thread_count(threads)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_worker_threads_run_work_in_order_and_pass_its_errors_on(threads):
    done = []

    def failing(item):
        if item == 5:
            raise ZeroDivisionError(f"item {item}")
        done.append(item)

    with worker_threads(threads) as pool:
        assert pool.count == threads
        assert pool.map(abs, []) == []
        assert pool.map(abs, range(-100, 0)) == list(range(100, 0, -1))
        with pytest.raises(ZeroDivisionError, match="item 5"):
            pool.map(failing, [5, *range(6, 5000)])
        assert len(done) < 4994
        # An error that looks like the end of the list is an error too.
        with pytest.raises(IndexError, match="list index out of range"):
            pool.map([].__getitem__, [3, 4])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_work_may_bring_further_work(threads):
    with worker_threads(threads) as pool:
        found = pool.map(lambda i: sum(pool.map(lambda j: sum(pool.map(int, range(j))), range(i))), range(12))
    assert found == [sum(j * (j - 1) // 2 for j in range(i)) for i in range(12)]


def test_all_threads_take_part():
    meeting = threading.Barrier(3, timeout=30)
    with worker_threads(3) as pool:
        assert sorted(pool.map(lambda item: meeting.wait() >= 0 and item, [1, 2, 3])) == [1, 2, 3]


def test_blas_has_one_thread_while_our_own_threads_work_and_then_what_it_had():
    def threads():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpool_limits(2, "blas"):
        before = threads()
        for _ in range(2):
            with worker_threads(1):
                with worker_threads(2):
                    assert threads() <= {1}
                assert threads() <= {1}
            assert threads() == before


def test_libraries_are_sought_when_modules_were_imported_and_at_no_other_time(monkeypatch):
    sought = []
    monkeypatch.setattr(resources, "ThreadpoolController", lambda: sought.append(True) or ThreadpoolController())
    hold = resources._BlasHold()
    for _ in range(3):
        with hold.held():
            assert len(sought) == 1
    monkeypatch.setitem(sys.modules, "a module that brings a library", types.ModuleType("any"))
    with hold.held():
        assert len(sought) == 2


def test_shares_cover_a_range_without_overlap():
    with worker_threads(3) as pool:
        for length in (0, 1, 2, 3, 10, 100):
            for each in (1, 4):
                shares = pool.shares(length, each)
                assert [i for share in shares for i in range(length)[share]] == list(range(length))
                assert len(shares) == min(length, 3 * each)
                assert all(share.start < share.stop for share in shares)


def test_a_refusal_names_the_estimate_and_the_limit():
    refuse_beyond(1024, 1024, "this", "less")
    with pytest.raises(TensorRankError, match=r"that would take about 1\.5 KiB; the memory limit is 1 KiB\. Try less"):
        refuse_beyond(1024, 1536, "that", "less")


@pytest.mark.parametrize(
    ("number", "text"), [(1000, "1e+03 bytes"), (2**20, "1 MiB"), (3.5 * 2**40, "3.5 TiB"), (2.0**90, "1.13e+15 TiB")]
)
def test_amounts_in_words(number, text):
    assert in_words(number) == text
    assert math.isfinite(float(text.split()[0]))
