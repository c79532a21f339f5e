"""Seconds that work takes, without those in which kernels are compiled, and word of when compilation begins.

A kernel is compiled when it is first needed, and kept for later runs. That takes some ten seconds in all, once, and
says nothing about the work that waits for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from numba.core import event


class _Compiling(event.Listener):
    """The seconds in which this process has compiled. Numba compiles under a lock of its own, so nothing races."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: list[Callable[[], None]] = []
        # A kernel that is called by another one is compiled within it.
        self._depth, self._began = 0, 0.0

    def on_start(self, event: Any) -> None:
        # Counted first: numba tells of the end also where telling is interrupted.
        self._depth += 1
        if self._depth == 1:
            self._began = time.perf_counter()
            for tell in self.told:
                tell()

    def on_end(self, event: Any) -> None:
        self._depth -= 1
        if not self._depth:
            self.seconds += time.perf_counter() - self._began


_COMPILING = _Compiling()
event.register("numba:compile", _COMPILING)  # type: ignore[no-untyped-call] # numba's own


def stopwatch() -> Callable[[], float]:
    """Start a clock: it gives the seconds since then in which this process has compiled no kernel.

    >>> seconds = stopwatch()
    >>> 0 <= seconds() < 60
    True
    """
    started, compiled = time.perf_counter(), _COMPILING.seconds
    return lambda: max(0.0, time.perf_counter() - started - (_COMPILING.seconds - compiled))


@contextmanager
def told_of_compilation(tell: Callable[[], None]) -> Iterator[None]:
    """A context in which a function is called whenever compilation begins, from whatever thread compiles."""
    _COMPILING.told.append(tell)
    try:
        yield
    finally:
        _COMPILING.told.remove(tell)
