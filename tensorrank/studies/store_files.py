"""Opening the file of a store. A file that is no store is refused before SQLite touches it, so it stays as it was."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote

from tensorrank import arguments
from tensorrank.errors import StoreError, TensorRankError

# Marks the file as ours ("tRnk"), so that a stranger's database is not taken for a store.
APPLICATION = 0x74526E6B
# Seconds to wait for another process that writes.
_PATIENCE = 15.0
_PAUSE = 0.01
# Seconds between two looks at a file that is not as it should be.
_SECOND_LOOK = 0.05
# How the names of the errors begin that a folder without room for a log brings.
_NO_LOG = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_IOERR")
# A statement that reads the file.
_ANY = "SELECT count(*) FROM sqlite_master"
_MAGIC = b"SQLite format 3\0"
_HEADER_BYTES = 100


def file_path(given: str | Path) -> Path:
    """The path of a store that a user gave, if it can be that of a file."""
    try:
        path = arguments.file_path("the store", given)
        mode = path.stat().st_mode
    except TensorRankError as error:
        raise StoreError(str(error)) from error
    except OSError:
        # There is no file yet, or SQLite will say why it cannot be opened.
        return path
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        raise StoreError(f"the store is {path}, which is {kind}; expected the path of a file")
    return path


def is_database(path: Path) -> bool:
    """Whether the file begins as an SQLite database does."""
    return _header(path)[0].startswith(_MAGIC)


def refuse_others(path: Path) -> None:
    """Refuse a file that is no store, or a store that is cut off. A missing or empty file may become a store."""
    objection = _objection(path)
    while objection is not None:
        # A store that another process is making looks cut off for a moment: only what stays so counts.
        time.sleep(_SECOND_LOOK)
        before, objection = objection, _objection(path)
        if objection == before:
            raise StoreError(objection)


def connected(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Connect to the database in a file; transactions are begun and ended by hand.

    What a killed process left half-written is undone first, also in a file that is opened to be read.
    """
    if not read_only:
        return _connect(str(path))
    connection = _connect(_address(path, "mode=ro"), uri=True)
    try:
        connection.execute(_ANY)
    except BaseException as error:
        name = getattr(error, "sqlite_errorname", "")
        if name == "SQLITE_READONLY_ROLLBACK":
            # Only a connection that may write can undo it.
            with closing(_connect(_address(path, "mode=rw"), uri=True)) as writer:
                writer.execute(_ANY)
            return connection
        connection.close()
        # In a read-only folder a log can be neither opened nor made; without one the file is all there is.
        alone = name.startswith(_NO_LOG) and not any(map(os.path.exists, _beside(path)))
        if not alone:
            clear_away(path)
            raise
        connection = _connect(_address(path, "immutable=1"), uri=True)
    return connection


def clear_away(path: Path) -> None:
    """Remove what a connection that only read has left beside the file, unless others use it or something is in it."""
    log, _ = _beside(path)
    if not os.path.exists(log) or _holds_something(log):
        return
    # SQLite does so itself when the last connection that may write is closed. In a read-only folder nothing was left.
    with suppress(sqlite3.Error), closing(_connect(_address(path, "mode=rw"), uri=True)) as writer:
        writer.execute(_ANY)


def keep_log(connection: sqlite3.Connection) -> None:
    """Let the database keep a write-ahead log, so that several processes can use it at the same time."""
    # SQLite does not wait for others by itself here.
    ends = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            busy = getattr(error, "sqlite_errorname", "") in ("SQLITE_BUSY", "SQLITE_LOCKED")
            if not busy or time.monotonic() > ends:
                raise
            time.sleep(_PAUSE)


def _objection(path: Path) -> str | None:
    """Why the file is no whole store, in words; None if it is one, or may become one."""
    # What a killed process left beside the file is part of it; SQLite puts that right.
    log, journal = (_holds_something(beside) for beside in _beside(path))
    if not os.path.isfile(path) or journal:
        return None
    header, size = _header(path)
    if not size:
        return None
    if not header.startswith(_MAGIC[: len(header)]):
        return f"{path} is no store of tensorrank: it is no SQLite file; give another file"
    if len(header) < _HEADER_BYTES:
        return f"{path} is cut off: it holds {size} bytes, less than a store's header; give a whole copy"
    if int.from_bytes(header[68:72], "big") != APPLICATION:
        return f"{path} is an SQLite file, but no store of tensorrank; give another file"
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    whole = (65536 if page == 1 else page) * pages
    if size < whole and not log:
        return f"{path} is cut off: it holds {size} bytes of {whole}; give a whole copy, or another file"
    return None


def _connect(address: str, *, uri: bool = False) -> sqlite3.Connection:
    # Blocks that run side by side are stored from their threads, one at a time.
    connection = sqlite3.connect(address, timeout=_PATIENCE, isolation_level=None, check_same_thread=False, uri=uri)
    connection.row_factory = sqlite3.Row
    connection.text_factory = _text
    return connection


def _text(cell: bytes) -> str | bytes:
    """The text in a cell; bytes that are no UTF-8 as they are, for whoever reads the row to refuse."""
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return cell


def _address(path: Path, how: str) -> str:
    return f"file:{quote(str(path.absolute()))}?{how}"


def _header(path: Path) -> tuple[bytes, int]:
    """The first bytes of the file, and its size."""
    try:
        with path.open("rb") as file:
            return file.read(_HEADER_BYTES), os.fstat(file.fileno()).st_size
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); give another file") from error


def _holds_something(path: Path) -> bool:
    # Another process may delete it at any moment.
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + ending) for ending in ("-wal", "-journal")]
