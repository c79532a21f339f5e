"""Temporary files that leave nothing behind, whenever and however their process ends.

A temporary file has a random name that nobody can guess, and it is made where no file and no link has that name. Its
maker holds a lock on it (flock) for as long as it is open, and the system drops the lock when the process ends. Whoever
makes the next temporary file in a folder, once in each process, first removes those that are stray there. The rule is:

- A locked file belongs to a living process, and stays.
- An unlocked file of this system, as its name says, has lost its process, and is removed.
- An unlocked file of another system stays for a day after its last change. Systems that share a folder over a network
  do not always see each other's locks, and no number of a process says whether it lives elsewhere. After a reboot this
  system is another one.
- Where a file system knows no locks, everything stays.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

# The name of a temporary file: of which system, and at random.
_NAME = re.compile(r"\.tensorrank-([0-9a-f]{8})-[0-9a-f]{16}\.part")
# Seconds without a change after which an unlocked file of another system is stray.
_STRAY = 86400.0
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
# Windows removes no file that is open, but has a flag for files that are gone when they are closed.
_GONE_WHEN_CLOSED = getattr(os, "O_TEMPORARY", 0)


@contextmanager
def temporary_file(folder: Path, mode: int = 0o600) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file in a folder, open for reading and writing, and its path; at the end it is closed, and removed.

    Args:
        folder: where the file is made.
        mode: the permissions of the file, from which the umask takes some away.

    Raises:
        OSError: if no file can be made there.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with temporary_file(Path(folder)) as (path, file):
    ...         file.write(b"half done")
    ...     path.exists()
    9
    False
    """
    remove_stray(os.path.realpath(folder), os.getpid())
    path, descriptor = _made(folder, mode)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield path, file
    finally:
        # The file may have been moved to another name, and its folder may be gone.
        with suppress(OSError):
            path.unlink(missing_ok=True)


@contextmanager
def nameless_file(folder: Path) -> Iterator[BinaryIO]:
    """A new file in a folder, open for reading and writing without a buffer, that no name leads to (except on Windows).

    The file is gone when it is closed, or when the process ends.

    Raises:
        OSError: if no file can be made there.
    """
    remove_stray(os.path.realpath(folder), os.getpid())
    with os.fdopen(_nameless(folder), "w+b", buffering=0) as file:
        yield file


@lru_cache(maxsize=64)
def remove_stray(folder: str, process: int) -> None:
    """Remove the temporary files of a folder that have lost their process, by the rule above; look there only once.

    Args:
        folder: without links in its path.
        process: the number of this process, which a forked one does not share.
    """
    with suppress(OSError):
        for name in os.listdir(folder):
            found = _NAME.fullmatch(name)
            if found:
                _remove_if_stray(os.path.join(folder, name), found[1] == _system())


def _remove_if_stray(path: str, of_this_system: bool) -> None:
    with suppress(OSError):
        if sys.platform == "win32":
            # A file that is open cannot be removed there, by this process as little as by another.
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and (of_this_system or time.time() - status.st_mtime > _STRAY):
                os.unlink(path)
            return
        # To be locked over a network the file has to be open for writing. A pipe of the name would wait for a reader.
        descriptor = os.open(path, os.O_RDWR | _NO_LINKS | getattr(os, "O_NONBLOCK", 0))
        try:
            untouched = time.time() - os.fstat(descriptor).st_mtime
            stray = of_this_system or untouched > _STRAY
            if stray and _is_file(path, descriptor) and _locked(descriptor) and _is_file(path, descriptor):
                os.unlink(path)
        finally:
            os.close(descriptor)


def _made(folder: Path, mode: int, flags: int = 0) -> tuple[Path, int]:
    """A new file and its descriptor, locked where the file system knows locks."""
    while True:
        path = folder / f".tensorrank-{_system()}-{secrets.token_hex(8)}.part"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINKS | flags, mode)
        # Another process may have found the file before it was locked, and taken it for stray.
        with suppress(OSError):
            if not (_locked(descriptor) and _is_file(path, descriptor)):
                os.close(descriptor)
                continue
        return path, descriptor


def _nameless(folder: Path) -> int:
    """The descriptor of a new file without a name."""
    if hasattr(os, "O_TMPFILE"):
        # Not every file system has it.
        with suppress(OSError):
            return os.open(folder, os.O_RDWR | os.O_TMPFILE, 0o600)
    path, descriptor = _made(folder, 0o600, _GONE_WHEN_CLOSED)
    if not _GONE_WHEN_CLOSED:
        path.unlink()
    return descriptor


def _locked(descriptor: int) -> bool:
    """Lock a file, unless another process has.

    Raises:
        OSError: where the file system knows no locks.
    """
    if sys.platform == "win32":
        # There a file that is open cannot be removed, which tells as much.
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_file(path: str | Path, descriptor: int) -> bool:
    """Whether the path leads to the very file that is open, an ordinary one, and by no link."""
    opened = os.fstat(descriptor)
    try:
        return stat.S_ISREG(opened.st_mode) and os.path.samestat(opened, os.lstat(path))
    except FileNotFoundError:
        return False


@cache
def _system() -> str:
    """Eight digits that tell this running system from others: processes with the same digits see each other's locks."""
    try:
        system = Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        system = socket.gethostname()
    return hashlib.sha256(system.encode()).hexdigest()[:8]
