"""The clock that leaves compilation out, and word of when it begins."""

import time

import pytest
from numba import njit

from tensorrank.arithmetic.compile_time import event, stopwatch, told_of_compilation


def test_the_seconds_of_compilation_are_left_out_and_its_beginning_is_told():
    told = []
    seconds, started = stopwatch(), time.perf_counter()
    with told_of_compilation(lambda: told.append("begun")):
        inner = njit(lambda x: x + 1)
        assert njit(lambda x: inner(x) * 2)(3) == 8
    passed = time.perf_counter() - started
    # The inner kernel is compiled within the outer one.
    assert told == ["begun"]
    assert 0 <= seconds() < passed


def test_nothing_is_told_after_the_context():
    told = []
    with told_of_compilation(lambda: told.append("begun")):
        pass
    assert njit(lambda x: x - 1)(3) == 2
    assert not told


def test_seconds_are_left_out_also_after_an_interrupt_while_being_told():
    def interrupted():
        raise KeyboardInterrupt("while it is told")

    with (
        told_of_compilation(interrupted),
        pytest.raises(KeyboardInterrupt, match="while it is told"),
        event.trigger_event("numba:compile"),
    ):
        pass
    seconds = stopwatch()
    with event.trigger_event("numba:compile"):
        time.sleep(0.2)
    assert seconds() < 0.1
