"""What is in a file that a user named: an ordinary file, or a pipe that somebody fills, of a bounded size."""

from __future__ import annotations

import os
import select
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tensorrank.arithmetic.resources import amount, memory_limit
from tensorrank.errors import TensorRankError
from tensorrank.given_files.paths import shown_path

# Seconds that the next bytes of a pipe may take, which another machine may be asked for first.
_PATIENCE = 15.0
_CHUNK = 2**20
# What is made of a text takes about so many times its bytes.
_GROWTH = 16
_SQLITE = b"SQLite format 3\0"
# How a file that gzip has written begins, and how zlib is told of it.
_GZIP, _GZIP_WINDOW = b"\x1f\x8b", 31
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def text_of(path: Path, expected: str, *, most: int | None = None, packed: bool = False) -> str:
    """The text of a UTF-8 file, without the mark of its encoding.

    Args:
        path: a path that `file_path` has checked.
        expected: what the file should be, for messages, such as "a model file (JSON)".
        most: the most bytes that the file may have; by default as many as the memory holds when they are read.
        packed: whether the file may be compressed by gzip; its text then may have as many bytes.

    Raises:
        TensorRankError: if the file cannot be read, is larger, or is no UTF-8 text. Errors about what is in it do not
            name the path: `named_in_errors` does.
    """
    content = bytes_of(path, expected, most=most)
    if packed and content.startswith(_GZIP):
        content = _unpacked(content, expected, memory_limit(None) // _GROWTH if most is None else most)
    if content.startswith(_SQLITE):
        raise TensorRankError(f"this is an SQLite file, as `tensorrank study --out` keeps ranks in; expected {expected}")
    if content[8:9] == b"{" and 2 <= int.from_bytes(content[:8], "little") <= len(content) - 8:
        raise TensorRankError(
            f"this is a file of weights (safetensors), which tensorrank.from_safetensors(path, ...) reads; expected {expected}"
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "; it seems to be UTF-16: save it as UTF-8" if content.startswith(_UTF_16) else ""
        raise TensorRankError(f"byte {error.start} is no UTF-8 text; expected {expected}{hint}") from error


def bytes_of(path: Path, expected: str, *, most: int | None = None) -> bytes:
    """The bytes of a file, or of a pipe; see `text_of`."""
    limit = memory_limit(None) // _GROWTH if most is None else most
    with opened(path, expected, pipes=True) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise TensorRankError(f"the file has {amount(size)}; expected {expected}, of at most {amount(limit)}")
        parts, read = [], 0
        # A file may grow while it is read.
        while part := _next_part(file, expected):
            parts.append(part)
            read += len(part)
            if read > limit:
                raise TensorRankError(f"there are more than {amount(limit)}; expected {expected}, of at most so much")
    return b"".join(parts)


def _unpacked(content: bytes, expected: str, most: int) -> bytes:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    try:
        found = unpacking.decompress(content, most + 1)
    except zlib.error as error:
        raise TensorRankError(f"the compressed file is damaged ({error}); expected {expected}") from error
    if len(found) > most:
        raise TensorRankError(f"there are more than {amount(most)}, unpacked; expected {expected}, of at most so much")
    if not unpacking.eof:
        raise TensorRankError(f"the compressed file breaks off; expected {expected}")
    return found


@contextmanager
def opened(path: Path, expected: str, *, pipes: bool = False) -> Iterator[BinaryIO]:
    """A context with a file opened for reading: never a folder or a device, which may have no end.

    Opening never waits, as it otherwise would for whoever fills a pipe. Failures of the system while the context reads
    are errors in words, too.

    Raises:
        TensorRankError: if the file cannot be opened or read, or is no ordinary file, nor a pipe where these are taken.
    """
    try:
        with open(path, "rb", buffering=0, opener=_without_waiting) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not (stat.S_ISREG(mode) or (pipes and stat.S_ISFIFO(mode))):
                kind = "a pipe" if stat.S_ISFIFO(mode) else "a device"
                raise TensorRankError(f"{kind} was given; expected {expected}")
            yield file
    except OSError as error:
        why = error.strerror or error
        raise TensorRankError(f"{shown_path(path)} cannot be read ({why}); expected {expected}") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _next_part(file: BinaryIO, expected: str) -> bytes:
    """The next bytes, none at the end; what brings nothing for a while, as a pipe that nobody fills, is refused."""
    # A pipe whose writers have left can be read, to its end; one whose writer has not come yet cannot.
    waits = stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
    while True:
        if waits and not select.select([file], [], [], _PATIENCE)[0]:
            raise TensorRankError(f"nothing came for {_PATIENCE:g} s; expected {expected}")
        part = file.read(_CHUNK)
        if part is not None:
            return part
        # Some files of the system's own seem ordinary, and yet have nothing to give.
        waits = True
