"""Ending long work decently: the first signal asks for it, the second, or the end of the grace period, insists."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

# What schedulers of clusters send before they kill.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Seconds after which an interrupt that was dropped is raised again.
_A_MOMENT = 0.05


class Interrupts:
    """A context in which the first Ctrl-C (or SIGTERM) only sets a flag; calling the object asks whether it is set.

    Args:
        grace: the seconds that blocks under way have; then KeyboardInterrupt is raised, as it is at a second signal.
        say: tells the user what the first signal did.

    Attributes:
        code: the exit code that the signal asks for, 130 or 143.
    """

    def __init__(self, grace: float, say: Callable[[str], object]) -> None:
        self.code = 128 + signal.SIGINT
        self._grace, self._say = grace, say
        self._asked = False
        self._timer: threading.Timer | None = None
        self._before: dict[int, Any] = {}
        self._tell_of_lost = sys.unraisablehook

    def __call__(self) -> bool:
        """Whether to stop."""
        return self._asked

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._heard) for number in _SIGNALS}
            self._tell_of_lost, sys.unraisablehook = sys.unraisablehook, self._lost
        return self

    def __exit__(self, *raised: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._before:
            sys.unraisablehook = self._tell_of_lost

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked, self.code = True, 128 + number
        if self._grace <= 0:
            raise KeyboardInterrupt
        text = f"finishing the blocks under way, for at most {self._grace:g} s; once more drops them"
        # From a thread of its own: the signal may have come in the middle of a line.
        threading.Thread(target=self._say, args=(text,), daemon=True).start()
        self._interrupt_after(self._grace)

    def _interrupt_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, _thread.interrupt_main)
        self._timer.daemon = True
        self._timer.start()

    def _lost(self, lost: sys.UnraisableHookArgs) -> None:
        """Interrupt again where Python drops what is raised, as in destructors, which a signal may meet too."""
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # A moment later, since what is raised in here is dropped as well.
            self._interrupt_after(_A_MOMENT)
        else:
            self._tell_of_lost(lost)
