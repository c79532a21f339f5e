"""Compiled functions, kept on disk between runs where a folder can be written, and working without one.

Numba keeps compiled code beside the sources, in `NUMBA_CACHE_DIR`, or in the user's cache folder. Containers and
clusters may offer none of these, a full disk takes nothing, and a file may be damaged. A kernel is then compiled in
every process, which takes some ten seconds and changes no result; one warning a process says so.

Code is also read where it cannot be written: whoever installs the package for others, or builds an image, compiles it
once for all users. Numba itself would pass over a folder that is read-only.

The code of a function contains that of the compiled functions it calls, and the numbers it takes from modules. Numba
looks for changes in the function's own file alone, so that after an update of the package old code might run. Here
kept code is used if all of these are what they were. Of files the contents count, as they were when the function was
imported: a file may be edited before a process compiles, and images and archives give it another time.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import sigutils
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    NullCache,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)

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
        self.function = function
        # None where the source is no file: typed at a prompt, or in an archive. Its code is not kept.
        self.source = _digest(function.__code__.co_filename)
        # Where code is written, and where else it is read; the list is None until the first use.
        self._written: Any = None
        self._read: list[Any] | None = None

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature that an earlier run compiled, or None."""
        if self._read is None:
            self._written = _opened(self, _writable())
            own = self._written and self._written.cache_path
            places = (_opened(self, [place]) for place in _READ_ONLY)
            self._read = [files for files in places if files and files.cache_path != own]
        try:
            code = self._written.load_overload(sig, target_context) if self._written else None
        except OSError as error:
            self._give_up(f"compiled code cannot be read ({error.strerror})")
            code = None
        except Exception:
            # What files that are cut or damaged raise when they are unpickled can be anything: they are written anew.
            self._write(self._written.flush)
            code = None
        return code or next(filter(None, (_read(files, sig, target_context) for files in self._read)), None)

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code for a signature."""
        if self._written:
            self._write(lambda: self._written.save_overload(sig, data))
        elif self.source is not None:
            _warn_once("no folder can be written that keeps compiled code")

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            self._give_up(f"compiled code cannot be written ({error.strerror})")

    def _give_up(self, why: str) -> None:
        self._written = None
        _warn_once(why)


class _Code(CompileResultCacheImpl):
    """The first place of a list that will do for a function; RuntimeError if none does."""

    def __init__(self, function: Callable[..., Any], places: list[Any]) -> None:
        self._locator_classes = places
        super().__init__(function)  # type: ignore[no-untyped-call]  # numba's own


class _Files(FunctionCache):
    _impl_class: Any

    def __init__(self, kept: _Kept, places: list[Any]) -> None:
        self._impl_class = partial(_Code, places=places)
        super().__init__(kept.function)  # type: ignore[no-untyped-call]  # numba's own
        found: dict[str, Any] = {}
        _collect(kept, found)
        self._cache_file._source_stamp = found

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The code for a signature, or None; ValueError for code of another one.

        Two processes that write the files of one function at a time may choose one name for the code of two signatures.
        """
        code = super().load_overload(sig, target_context)  # type: ignore[no-untyped-call]  # numba's own
        args, _ = sigutils.normalize_signature(sig)  # type: ignore[no-untyped-call]  # numba's own
        if code is not None and tuple(code.signature.args) != tuple(args):
            raise ValueError(f"code for {code.signature} was kept as that for {sig}")
        return code


class _Filled:
    """What numba asks of a folder before it uses it, asked of one that is only read."""

    def ensure_cache_path(self) -> None:
        if not os.path.isdir(self.get_cache_path()):  # type: ignore[attr-defined]  # of the class beside it
            raise FileNotFoundError


class _Given(_Filled, UserProvidedCacheLocator):
    """The folder that `NUMBA_CACHE_DIR` names."""


class _BesideSources(_Filled, InTreeCacheLocator):
    """The folder `__pycache__` beside a file."""


_READ_ONLY = (_Given, _BesideSources)


def _writable() -> list[Any]:
    """Numba's places, which it tries by writing."""
    places = CompileResultCacheImpl._locator_classes
    # A user without a home, as containers have them, would get a folder named "~" in the working folder.
    return [place for place in places if place is not UserWideCacheLocator or os.path.isabs(os.path.expanduser("~"))]


def _opened(kept: _Kept, places: list[Any]) -> _Files | None:
    """The files of a function in the first of the places that will do, if one does."""
    if kept.source is None:
        return None
    try:
        return _Files(kept, places)
    except RuntimeError:
        return None


def _read(files: _Files, sig: Any, target_context: Any) -> Any:
    """The code for a signature in files of another user; damaged ones, or ones kept from this user, count as none."""
    with suppress(Exception):
        return files.load_overload(sig, target_context)
    return None


def _collect(kept: _Kept, found: dict[str, Any]) -> None:
    """Write by name the sources of a function and of compiled ones it calls, and the numbers they use."""
    function = kept.function
    module = function.__module__
    found[f"{module}.{function.__qualname__}"] = kept.source
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        called = getattr(value, "_cache", None)
        if isinstance(value, int | float | str):
            found[f"{module}: {name}"] = value
        elif isinstance(called, _Kept) and f"{called.function.__module__}.{called.function.__qualname__}" not in found:
            _collect(called, found)


def _digest(path: str) -> bytes | None:
    """What tells the contents of a file from others; None if there is no such file."""
    with suppress(OSError):
        return blake2b(Path(path).read_bytes()).digest()
    return None


_lock = threading.Lock()
_warned = False


def _warn_once(why: str) -> None:
    global _warned
    with _lock:
        first, _warned = not _warned, True
    if first:
        warnings.warn(f"{why}: {_REMEDY}", RuntimeWarning, stacklevel=2)
