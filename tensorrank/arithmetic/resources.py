"""Memory and threads: what the machine has, and what a computation may use."""

from __future__ import annotations

import math
import os
import re
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from threadpoolctl import ThreadpoolController

from tensorrank.arguments import as_float, as_real_number, shown, whole_number
from tensorrank.errors import TensorRankError

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

T = TypeVar("T")
R = TypeVar("R")

# More threads than any machine gains from; as many can be begun.
MOST_THREADS = 1024
# The share of the available memory that a computation takes when no limit is given.
MEMORY_SHARE = 0.6
# A system that reports less than this is too full to tell the truth.
_LEAST = 2**20
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def memory_available() -> int:
    """The bytes that can be allocated now without swapping, as the kernel, the container and the shell limit them."""
    limits = []
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        if found:
            limits.append(int(found.group(1)) * 1024)
    control = Path("/sys/fs/cgroup")
    try:
        limit = (control / "memory.max").read_text().strip()
        if limit.isdigit():
            # The file cache counts as used, but gives way.
            cached = re.search(r"inactive_file (\d+)", (control / "memory.stat").read_text())
            used = int((control / "memory.current").read_text()) - (int(cached.group(1)) if cached else 0)
            limits.append(int(limit) - used)
    except OSError:
        pass
    if resource is not None:
        # The limit of a shell (ulimit -v) is on addresses, of which some are taken already.
        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        size = Path("/proc/self/statm")
        if most != resource.RLIM_INFINITY and size.exists():
            limits.append(most - int(size.read_text().split()[0]) * resource.getpagesize())
    if not limits and hasattr(os, "sysconf"):
        # Systems without /proc (macOS) tell what there is, not what is free; half of it is a fair guess.
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2)
    if not limits:
        raise TensorRankError("this system does not tell how much memory is available; give a memory limit, such as '4GiB'")
    return max(_LEAST, min(limits))


def amount(number_of_bytes: float) -> str:
    """A number of bytes in words, to three digits; also one that no float holds.

    >>> amount(3 * 2**30), amount(10**400)
    ('3 GiB', '10^400.0 bytes')
    """
    if number_of_bytes > 1e30:
        return f"10^{math.log10(number_of_bytes):.1f} bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number_of_bytes < 1024:
            return f"{number_of_bytes:.3g} {unit}"
        number_of_bytes /= 1024
    return f"{number_of_bytes:.3g} TiB"


def memory_limit(memory: int | str | None) -> int:
    """The bytes a computation may use: a number of bytes, a text such as "4GiB" or "500MB", or 60 % of what there is.

    >>> memory_limit("4GiB") == 4 * 2**30
    True
    """
    if memory is None:
        return int(MEMORY_SHARE * memory_available())
    size = float("nan")
    if isinstance(memory, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([kmgt]i?)?b?\s*", memory.lower())
        if found:
            size = float(found.group(1)) * _UNITS[found.group(2) or ""]
    elif (real := as_real_number(memory)) is not None:
        size = as_float(real)
    if not 1 <= size < float("inf"):
        raise TensorRankError(
            f"the memory limit is {shown(memory)}; expected a positive number of bytes or a text such as '4GiB'"
        )
    return int(size)


def refuse_beyond(limit: int, needed: float, what: str, smaller: str) -> None:
    """Raise an error if something needs more bytes than its limit; the one place where that is said.

    The bytes needed may be a whole number of any size. The error says `what` needs them, and to try `smaller`.

    >>> refuse_beyond(2**30, 2**31, "a grid", "fewer rows")
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: a grid would take about 2 GiB; the memory limit is 1 GiB. Try fewer rows
    """
    if needed > limit:
        # No float holds the largest sizes, and no reader wants their digits.
        size = f"take about {amount(needed)}" if needed < 2**100 else "not fit any memory"
        raise TensorRankError(f"{what} would {size}; the memory limit is {amount(limit)}. Try {smaller}")


def work_limit(work: float | None) -> float:
    """The operations that a computation may take: a positive number of them, or infinitely many for None.

    >>> work_limit(None), work_limit(1e12)
    (inf, 1000000000000.0)
    """
    operations = math.inf if work is None else as_float(work)
    if not operations > 0:
        raise TensorRankError(f"the work limit is {shown(work)}; expected a positive number of operations, such as 1e12")
    return operations


def refuse_long(limit: float, needed: float, what: str, smaller: str) -> None:
    """Raise an error if something takes more operations than its limit; the error says to try `smaller`.

    >>> refuse_long(1e10, 5e12, "this check", "less")
    Traceback (most recent call last):
        ...
    tensorrank.errors.TensorRankError: this check would take about 5e+12 operations; the work limit is 1e+10. Try less
    """
    if needed > limit:
        size = f"{needed:.2g}" if needed < 1e300 else "10^300 or more"
        raise TensorRankError(f"{what} would take about {size} operations; the work limit is {limit:.3g}. Try {smaller}")


def thread_count(threads: int | None) -> int:
    """The threads a computation may use: the number given, or the processors this process may run on."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return whole_number("threads", threads, 1, MOST_THREADS)


class Workers:
    """A number of threads that share lists of work, the thread that brings a list among them.

    The caller takes part and never waits for a helper that has not begun. Hence work may itself bring further work, and
    short lists are done before a helper wakes up.

    Attributes:
        count: the number of threads, the caller's included.
    """

    def __init__(self, count: int, helpers: ThreadPoolExecutor | None) -> None:
        self.count = count
        self._helpers = helpers

    def shares(self, length: int, each: int = 1) -> list[slice]:
        """The numbers of so many items cut into ranges, `each` of them for a thread, fewer if items are few."""
        pieces = min(self.count * each, length)
        return [slice(length * i // pieces, length * (i + 1) // pieces) for i in range(pieces)]

    def map(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """The results of the work on all items, in their order; an error is passed on and ends what has not begun."""
        listed = list(items)
        results: list[R | None] = [None] * len(listed)
        waiting = deque(enumerate(listed))

        def drain() -> None:
            while waiting:
                try:
                    number, item = waiting.popleft()
                except IndexError:  # another thread took the last one
                    return
                try:
                    results[number] = work(item)
                except BaseException:
                    waiting.clear()
                    raise

        helpers = []
        if self._helpers is not None:
            helpers = [self._helpers.submit(drain) for _ in range(min(self.count, len(listed)) - 1)]
        try:
            drain()
        finally:
            waiting.clear()
            begun = [helper for helper in helpers if not helper.cancel()]
            wait(begun)
        for helper in begun:
            helper.result()
        return cast(list[R], results)


@contextmanager
def worker_threads(threads: int | None) -> Iterator[Workers]:
    """A context with threads of our own, in each of which BLAS is held at one thread."""
    count = thread_count(threads)
    with _BLAS.held():
        if count == 1:
            yield Workers(1, None)
        else:
            with ThreadPoolExecutor(count - 1) as helpers:
                yield Workers(count, helpers)


class _BlasHold:
    """A hold on BLAS at one thread; its setting is one for the whole process, so whoever needs the hold is counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._libraries: Any = None
        self._modules = 0
        self._limits: Any = None

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock:
            if self._holders == 0:
                self._limits = self._found().limit(limits=1)
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if self._holders == 0:
                    self._limits.restore_original_limits()

    def _found(self) -> Any:
        """The libraries of this process that have threads; they come with modules, so new modules are a reason to look.

        A look takes milliseconds, and the rank of a small matrix less than one.
        """
        if self._modules != len(sys.modules):
            self._libraries, self._modules = ThreadpoolController(), len(sys.modules)
        return self._libraries


_BLAS = _BlasHold()
