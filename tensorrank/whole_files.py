"""Files that are written whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from tensorrank.arguments import file_path, shown
from tensorrank.errors import TensorRankError
from tensorrank.temporary_files import temporary_file

if sys.platform != "win32":
    import fcntl

_KINDS = {stat.S_ISCHR: "a device", stat.S_ISBLK: "a device", stat.S_ISFIFO: "a pipe (FIFO)", stat.S_ISSOCK: "a socket"}
# The disk is full, the user's share of it, or the largest file allowed.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# What the group and others may do with a file, and its owner.
_PERMISSIONS = 0o777


def write_whole(path: str | Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file by way of a temporary one beside it, which takes its place when it is complete and on the disk.

    An older file is replaced, and its permissions stay; a new one has those that the umask leaves. If the path is a
    link, the link stays and its target is replaced. Whatever happens, the path leads to the older file as it was or to
    the new one, and nothing else is left (`tensorrank.temporary_files`).

    Args:
        path: of the file.
        write: called with the temporary file, open for binary writing, which it fills.

    Raises:
        TensorRankError: if the path names a folder, a device, a pipe or a socket, the older file is protected
            against writing, or the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "greeting.txt"
    ...     write_whole(path, lambda file: file.write(b"hello"))
    ...     path.read_text()
    'hello'
    """
    older = _older(path, str(path))
    try:
        target = Path(os.path.realpath(path))
        # What is private is private from the beginning.
        with temporary_file(target.parent, 0o666 if older is None else 0o600) as (temporary, file):
            write(file)
            file.flush()
            if older is not None:
                _take_over(file.fileno(), older)
            os.fsync(file.fileno())
            if os.name == "nt":
                file.close()
            temporary.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        remedy = "make room, or give another folder" if error.errno in _NO_ROOM else "give a writable folder"
        raise TensorRankError(f"{path} cannot be written ({error.strerror or error}); {remedy}") from error


@contextmanager
def one_at_a_time(path: str | Path) -> Iterator[None]:
    """Wait until nobody else is within a block of this kind for a file in the same folder, and hold back others.

    Whoever reads a file, changes what it says and writes it whole would otherwise undo what another process or thread
    wrote in between. The lock is on the folder and leaves nothing behind; the system drops it when the process ends.
    Where there are no such locks, on Windows and on some network file systems, nobody waits.

    Args:
        path: of the file, which need not be there.
    """
    descriptor = None
    try:
        if sys.platform != "win32":
            with suppress(OSError):
                descriptor = os.open(Path(os.path.realpath(path)).parent, os.O_RDONLY)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def checked_file(name: str, path: str | Path) -> Path:
    """The path of a file to be written, if that looks possible: asked before the work, not after it.

    Args:
        name: of what the user gave, such as an option.
        path: of the file, as the user wrote it: a Path has lost the slash by which a text names a folder.

    Raises:
        TensorRankError: if it is that of a folder, a device, a pipe or a socket, the file is protected against writing,
            or its folder is missing or read-only.
    """
    what = f"{name} {path}"
    _older(path, what)
    folder = Path(os.path.realpath(path)).parent
    if not folder.is_dir():
        raise TensorRankError(f"{what} cannot be written: there is no folder {folder}; make it, or give another")
    if not os.access(folder, os.W_OK):
        raise TensorRankError(f"{what} cannot be written: the folder {folder} is read-only; give another")
    return Path(path)


def refuse_slash(what: str, path: str | os.PathLike[str]) -> None:
    """Refuse the path of a file that ends in a slash, which names a folder.

    >>> refuse_slash("--save out/", "out/")
    Traceback (most recent call last):
    tensorrank.errors.TensorRankError: --save out/ ends in a slash, which names a folder; expected the path of a file
    """
    if os.fspath(path).endswith(tuple(filter(None, (os.sep, os.altsep)))):
        raise TensorRankError(f"{what} ends in a slash, which names a folder; expected the path of a file")


def checked_folder(name: str, given: str | Path | None) -> Path | None:
    """A folder that a user gave, if it exists and files can be made in it; None if none was given."""
    if given is None:
        return None
    folder = file_path(name, given)
    if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
        raise TensorRankError(f"{name} is {shown(str(given))}; expected a folder that exists and can be written to")
    return folder


def _older(path: str | Path, what: str) -> os.stat_result | None:
    """What is known of the file that is to be replaced; None where there is none."""
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise TensorRankError(f"{what} is no path; expected the path of a file, such as 'model.json'")
    try:
        older = os.stat(path)
    except FileNotFoundError:
        refuse_slash(what, path)
        return None
    except ValueError as error:
        raise TensorRankError(f"{what!r} is no path ({error}); expected the path of a file, such as 'model.json'") from error
    except OSError as error:
        refuse_slash(what, path)
        raise TensorRankError(f"{what} cannot be written ({error.strerror or error}); give a writable folder") from error
    if stat.S_ISDIR(older.st_mode):
        raise TensorRankError(f"{what} is a folder; give a file in it, such as {Path(path) / 'model.json'}")
    if not stat.S_ISREG(older.st_mode):
        kind = next((words for test, words in _KINDS.items() if test(older.st_mode)), "something else")
        raise TensorRankError(f"{what} is no ordinary file but {kind}; give one, such as model.json")
    if not os.access(path, os.W_OK):
        raise TensorRankError(f"{what} is protected against writing; allow it (chmod u+w), or give another file")
    return older


def _take_over(descriptor: int, older: os.stat_result) -> None:
    """Give a file the permissions of the older one, and its owner and group where this process may."""
    if hasattr(os, "fchown"):
        with suppress(OSError):
            os.fchown(descriptor, older.st_uid, older.st_gid)
        with suppress(OSError):
            os.fchmod(descriptor, stat.S_IMODE(older.st_mode) & _PERMISSIONS)


def _sync_folder(folder: Path) -> None:
    """Bring the new name to the disk, where the file system can say so of a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
