"""Compiled functions, kept on disk between runs where a folder can be written, and working without one.

Numba keeps compiled code beside the sources, in `NUMBA_CACHE_DIR`, or in the user's cache folder. Containers and
clusters may offer none of these, a full disk takes nothing, and a file may be damaged. A kernel is then compiled in
every process, which takes some ten seconds and changes no result; one warning a process says so.

The code of a function contains that of the compiled functions it calls, and the numbers it takes from modules. Numba
looks for changes in the function's own file alone, so that after an update of the package old code might run. Here
kept code is used if all of these are what they were.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from numba import njit
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache, UserWideCacheLocator
from numba.core.dispatcher import Dispatcher

_REMEDY = "every process compiles its kernels anew; set NUMBA_CACHE_DIR to a folder that can be written"


def compiled(*, fastmath: Iterable[str] = (), within_callers: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """A decorator that has numba compile a function, without Python's lock, and keep the code between runs.

    Args:
        fastmath: the liberties that LLVM may take with floating-point operations, by their names there.
        within_callers: whether the code is put into that of each caller. A call hands over every number that describes
            an array, which takes longer than a short function that is called often.

    >>> import numpy as np
    >>> @compiled()
    ... def total(values):
    ...     return values.sum()
    >>> float(total(np.ones(3)))
    3.0
    """

    def decorator(function: Callable[..., Any]) -> Any:
        kernel: Any = njit(nogil=True, fastmath=set(fastmath), forceinline=within_callers)(function)
        # As `cache=True` does, which raises an error where no folder can be written.
        kernel._cache = _Kept(function)
        return kernel

    return decorator


class _Kept(NullCache):
    """Numba's files of the code of one function, opened when they are first needed; files that fail are left alone.

    Numba calls the methods one at a time, under its own lock.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._files: Any = None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature that an earlier run compiled, or None."""
        if self._files is None:
            self._files = self._opened()
        try:
            return self._files.load_overload(sig, target_context)
        except OSError as error:
            self._give_up(f"compiled code cannot be read ({error.strerror})")
        except Exception:
            # What files that are cut or damaged raise when they are unpickled can be anything. They are written anew.
            self._write(self._files.flush)
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for a signature."""
        self._write(lambda: self._files.save_overload(sig, data))

    def _opened(self) -> Any:
        try:
            return _Files(self._function)
        except RuntimeError:
            if not os.path.exists(self._function.__code__.co_filename):
                return NullCache()  # a function typed at a prompt has no source to keep
            return self._give_up("no folder can be written that keeps compiled code")

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            self._give_up(f"compiled code cannot be written ({error.strerror})")

    def _give_up(self, why: str) -> Any:
        self._files = NullCache()
        _warn_once(why)
        return self._files


class _Code(CompileResultCacheImpl):
    def __init__(self, function: Callable[..., Any]) -> None:
        if not os.path.isabs(os.path.expanduser("~")):
            # A user without a home, as containers have them, would get a folder named "~" in the working folder.
            self._locator_classes = [one for one in self._locator_classes if one is not UserWideCacheLocator]
        super().__init__(function)  # type: ignore[no-untyped-call]  # numba's own


class _Files(FunctionCache):
    _impl_class = _Code

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)  # type: ignore[no-untyped-call]  # numba's own
        found: dict[str, Any] = {}
        _collect(function, found)
        self._cache_file._source_stamp = found


def _collect(function: Callable[..., Any], found: dict[str, Any]) -> None:
    """Write by name the stamps of the files of a function and of compiled ones it calls, and the numbers they use."""
    module = function.__module__
    found[f"{module}.{function.__qualname__}"] = _Code(function).locator.get_source_stamp()
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if isinstance(value, int | float | str):
            found[f"{module}: {name}"] = value
        elif isinstance(value, Dispatcher) and f"{value.py_func.__module__}.{value.py_func.__qualname__}" not in found:
            _collect(value.py_func, found)


_lock = threading.Lock()
_warned = False


def _warn_once(why: str) -> None:
    global _warned
    with _lock:
        first, _warned = not _warned, True
    if first:
        warnings.warn(f"{why}: {_REMEDY}", RuntimeWarning, stacklevel=2)
