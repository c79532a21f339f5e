"""Tensors in files of the format safetensors: a header in JSON, and numbers behind it, of which only some are read.

The library of that name gives numpy no bfloat16, in which most models are published, so that the format, which takes a
page to describe, is read here. Source: https://huggingface.co/docs/safetensors, "Format".
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tensorrank.arguments import as_whole_number, named, shown, things
from tensorrank.arithmetic.arrays import Floats
from tensorrank.arithmetic.resources import amount, memory_limit, refuse_beyond
from tensorrank.errors import TensorRankError, WeightsError
from tensorrank.given_files.contents import opened
from tensorrank.given_files.json_values import parsed_json, read_json

EXPECTED = "a file of safetensors"
# The library, too, refuses longer headers.
_LONGEST_HEADER = 100_000_000
_INDEX = ".safetensors.index.json"
_LONGEST_INDEX = 100_000_000
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor stands in a file.

    Attributes:
        path: the file.
        kind: the type of its numbers, such as "BF16".
        shape: its shape.
        begin: the place of its first byte in the file.
        size: its bytes.
    """

    path: Path
    kind: str
    shape: tuple[int, ...]
    begin: int
    size: int


def tensors_in(path: Path) -> dict[str, StoredTensor]:
    """The tensors of a file, or of all files of safetensors that an index or a folder names, by name; none is read.

    Args:
        path: a path that `file_path` has checked.

    Raises:
        WeightsError: if a file is damaged or no such file, a name is in two files, or files lack what an index names.
        TensorRankError: if a file cannot be read, or a folder has none.
    """
    if path.name.endswith(_INDEX):
        return _indexed(path)
    if not os.path.isdir(path):  # pathlib fails on names too long for any file
        return _header(path)
    indexes = sorted(path.glob(f"*{_INDEX}"))
    if len(indexes) == 1:
        return _indexed(indexes[0])
    files = sorted(path.glob("*.safetensors"))
    if not files:
        raise TensorRankError(f"the folder has no file that ends in .safetensors; expected {EXPECTED}, or a folder of them")
    return _together(files)


def _indexed(index: Path) -> dict[str, StoredTensor]:
    """The tensors that an index names, in the files beside it; files of which it says nothing are left alone."""
    content = read_json(index, "an index of safetensors", most=_LONGEST_INDEX)
    places = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(places, dict) or not all(isinstance(file, str) for file in places.values()):
        raise WeightsError(f"{index.name} has the weight_map {shown(places)}; expected names of files by those of tensors")
    files = sorted(set(places.values()))
    outside = [file for file in files if Path(file).name != file]
    if outside:
        raise WeightsError(f"{index.name} names the file {shown(outside[0])}; expected files in its own folder")
    absent = [file for file in files if not os.path.isfile(index.parent / file)]
    if absent:
        raise WeightsError(f"{index.name} names files that are not there: {named(absent)}; expected all files of the model")
    found = _together([index.parent / file for file in files])
    lacking = [name for name in places if name not in found]
    if lacking:
        raise WeightsError(f"{index.name} names tensors that no file has: {named(lacking)}; copy the files again")
    return found


def _together(files: Sequence[Path]) -> dict[str, StoredTensor]:
    found: dict[str, StoredTensor] = {}
    for file in files:
        for name, tensor in _header(file).items():
            if name in found:
                raise WeightsError(
                    f"{shown(name)} is in {found[name].path.name} and in {file.name}; expected it once: give one of the files"
                )
            found[name] = tensor
    return found


def floats_of(stored: dict[str, StoredTensor], names: Collection[str]) -> dict[str, Floats]:
    """Some tensors as float64, which holds each of their numbers exactly.

    Raises:
        WeightsError: if numbers are of another type than float64, float32, float16 or bfloat16.
        TensorRankError: if a file cannot be read, or the numbers do not fit the memory.
    """
    refuse_beyond(memory_limit(None), 8 * sum(prod(stored[name].shape) for name in names), "the weights", "fewer layers")
    return {name: _floats(name, stored[name]) for name in names}


def _floats(name: str, tensor: StoredTensor) -> Floats:
    if tensor.kind not in _TYPES:
        raise WeightsError(
            f"{name} is of type {tensor.kind}; expected F64, F32, F16 or BF16. Weights that are quantised have to be "
            "made floats again by what quantised them"
        )
    with opened(tensor.path, EXPECTED) as file:
        file.seek(tensor.begin)
        raw = np.frombuffer(_bytes(file, tensor.size), dtype=_TYPES[tensor.kind])
    # The bits of a bfloat16 are the upper half of those of a float32.
    numbers = (raw.astype(np.uint32) << 16).view(np.float32) if tensor.kind == "BF16" else raw
    return numbers.astype(np.float64).reshape(tensor.shape)


def _header(path: Path) -> dict[str, StoredTensor]:
    with opened(path, EXPECTED) as file:
        size = os.fstat(file.fileno()).st_size
        length = int.from_bytes(file.read(8) or b"", "little")
        if size < 10 or length > min(_LONGEST_HEADER, size - 8):
            raise WeightsError(
                f"the file has {amount(size)} and would begin with a header of {shown(length)}; expected {EXPECTED}"
            )
        content = _bytes(file, length)
    try:
        header = parsed_json(content.decode("utf-8"), f"the header of {EXPECTED}")
    except UnicodeDecodeError as error:
        raise WeightsError(f"the file begins with no header in UTF-8; expected {EXPECTED}") from error
    if not isinstance(header, dict):
        raise WeightsError(f"the header is {shown(header)}; expected tensors by name, as in {EXPECTED}")
    first = 8 + length
    return {name: _stored(path, name, entry, first, size) for name, entry in header.items() if name != "__metadata__"}


def _stored(path: Path, name: str, entry: Any, first: int, size: int) -> StoredTensor:
    fields = entry if isinstance(entry, dict) else {}
    kind, shape = fields.get("dtype"), _whole_numbers(fields.get("shape"))
    place = _whole_numbers(fields.get("data_offsets"))
    if not isinstance(kind, str) or shape is None or place is None or len(place) != 2:
        raise WeightsError(f"{shown(name)} is {shown(entry)} in the header; expected dtype, shape and data_offsets")
    begin, end = place
    if not begin <= end <= size - first:
        raise WeightsError(f"{shown(name)} ends {shown(end)} bytes behind the header, the file {size - first}: copy it again")
    if kind in _TYPES and end - begin != prod(shape) * np.dtype(_TYPES[kind]).itemsize:
        raise WeightsError(f"{shown(name)}, {kind} of shape {shown(shape)}, has {end - begin} bytes; the file is damaged")
    return StoredTensor(path, kind, shape, first + begin, end - begin)


def _whole_numbers(given: Any) -> tuple[int, ...] | None:
    numbers = [as_whole_number(number) for number in things(given) or ()] if isinstance(given, list) else [None]
    return None if any(number is None or number < 0 for number in numbers) else tuple(n for n in numbers if n is not None)


def _bytes(file: BinaryIO, count: int) -> bytes:
    """So many bytes from here on; a single read may give fewer."""
    parts: list[bytes] = []
    while count > 0 and (part := file.read(count)):
        parts.append(part)
        count -= len(part)
    if count:
        raise WeightsError(f"{count} bytes are missing at the end; copy the file again")
    return b"".join(parts)
