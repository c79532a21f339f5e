"""Archives of arrays, as `numpy.savez` writes them: each array is looked at before it is read.

numpy reads archives lazily, so that damage shows only when an array is asked for, and an array's header may promise
more numbers than any memory holds. Here the header is read first, and the numbers only where type and shape are those
that are wanted.
"""

from __future__ import annotations

import io
import lzma
import struct
import tokenize
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import IO
from zipfile import BadZipFile

import numpy as np
from numpy.lib import format as npy
from numpy.lib.npyio import NpzFile

from tensorrank.arguments import shown
from tensorrank.arithmetic.arrays import Array
from tensorrank.arithmetic.resources import memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.given_files.contents import opened

_SINGLE_ARRAY = b"\x93NUMPY"
_LONGEST_HEADER = 2**17
_ARCHIVES = (b"PK\x03\x04", b"PK\x05\x06")
# What numpy and the libraries behind it raise for archives and headers that are damaged: an expression in Python, the
# header of an array may fail as any of these.
_DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RuntimeError),
    *(MemoryError, SyntaxError, RecursionError, NotImplementedError),
    *(BadZipFile, zlib.error, lzma.LZMAError, struct.error, tokenize.TokenError),
)


@contextmanager
def opened_archive(path: Path, wanted: str) -> Iterator[NpzFile]:
    """A context with the archive in a file, of which nothing is read yet.

    Args:
        path: a path that `file_path` has checked.
        wanted: the arrays wanted in words, such as "key and value", for messages.

    Raises:
        WeightsError: if the file is no archive of arrays.
        TensorRankError: if the file cannot be read.
    """
    with opened(path, f"an .npz file of {wanted}") as file:
        start = file.read(len(_SINGLE_ARRAY)) or b""
        if start == _SINGLE_ARRAY:
            raise WeightsError(f"the file holds a single array; expected {wanted}, saved by numpy.savez")
        if not start.startswith(_ARCHIVES):
            kind = "the file is empty" if not start else "this is no .npz file"
            raise WeightsError(f"{kind}; expected {wanted} in one, by numpy.savez")
        file.seek(0)
        try:
            archive = np.load(file, allow_pickle=False)
            names = archive.files
        except _DAMAGE as error:
            raise WeightsError(
                f"the .npz file is damaged, perhaps cut off ({_why(error)}); expected {wanted} in one, by numpy.savez: copy "
                "or save it again"
            ) from error
        if len(set(names)) < len(archive.zip.namelist()):
            raise WeightsError(f"an array is there twice; expected {wanted}, each once")
        with archive:
            yield archive


def array_of(archive: NpzFile, name: str, shape: tuple[int, ...] | None, axes: str, what: str = "weights") -> Array:
    """An array of an archive, read only if it holds numbers in the shape that is wanted, its axes told in words.

    Args:
        archive: the archive.
        name: the name of the array.
        shape: its shape; any that fits in memory if None.
        axes: its axes in words.
        what: what messages call arrays.

    Raises:
        WeightsError: if the array is another, holds Python objects, or cannot be read.
        TensorRankError: if it would not fit in memory.
    """
    if archive.zip is None:
        raise WeightsError(f"the archive of the {what} has been closed; read them before, for example by dict(archive)")
    member = name if name in archive.zip.namelist() else f"{name}.npy"
    try:
        with archive.zip.open(member) as file:
            _check_header(io.BytesIO(file.read(_LONGEST_HEADER)), f"{what} {name!r}", shape, axes)
        with archive.zip.open(member) as file:
            array: Array = npy.read_array(file, allow_pickle=False)
            if file.read(1):
                raise WeightsError(f"{what} {name!r} have bytes behind their numbers: the .npz file is damaged")
    except TensorRankError:
        raise
    except _DAMAGE as error:
        raise WeightsError(
            f"{what} {name!r} cannot be read from the .npz file ({_why(error)}); save them again by numpy.savez"
        ) from error
    return array


def _check_header(file: IO[bytes], called: str, shape: tuple[int, ...] | None, axes: str) -> None:
    version = npy.read_magic(file)
    # Versions beyond 2.0 only let names of fields be in other scripts.
    found, _, dtype = npy.read_array_header_1_0(file) if version == (1, 0) else npy.read_array_header_2_0(file)
    if dtype.hasobject:
        raise WeightsError(
            f"{called} are Python objects in the .npz file; expected arrays of whole numbers or floats. Fractions "
            "can be given in Python"
        )
    if dtype.kind not in "biuf":
        raise WeightsError(f"{called} are of type {shown(dtype)}; expected whole numbers or floats")
    if shape is None:
        refuse_beyond(memory_limit(None), prod(found) * dtype.itemsize, f"{called} of the shape {shown(found)}", "fewer")
    elif found != shape:
        raise WeightsError(f"{called} have shape {shown(found)}; expected {shape} ({axes})")


def _why(error: BaseException) -> str:
    """What a library said, in a line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:120]}" if text else type(error).__name__
