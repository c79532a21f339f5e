"""Signals that end long work: the first asks, the second insists, wherever it finds Python."""

import signal
import sys
import threading
import time

import pytest

from tensorrank.cli.shared.interrupts import Interrupts


class Interrupted:
    """An object during whose end a signal comes. Python drops what destructors raise."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def wait():
    # The interrupt is raised between two calls; it ends no sleep.
    for _ in range(100):
        time.sleep(0.05)
    return "nothing came"


def test_a_second_signal_that_meets_a_destructor_interrupts_all_the_same(capsys):
    assert threading.current_thread() is threading.main_thread()
    hook, heard = sys.unraisablehook, []
    with Interrupts(60, heard.append) as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop()

        def block():
            last = Interrupted()
            del last
            return wait()

        with pytest.raises(KeyboardInterrupt):
            block()
        assert stop.code == 128 + signal.SIGTERM
    assert "Traceback" not in capsys.readouterr().err
    assert sys.unraisablehook is hook
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_else_a_destructor_raises_is_told_as_before(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    class Broken:
        def __del__(self):
            raise ValueError("a destructor of the user's")

    with Interrupts(60, print):
        Broken()
    assert [lost.exc_type for lost in told] == [ValueError]
