"""Rows of a store as values: the one place where what stands in the file is read and checked.

Nothing else trusts a cell. A cell may be damaged by a disk, an editor or another program, and SQLite itself keeps any
type in any column. What does not fit is named by table, row and column, and nothing is made of it.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, cast

from tensorrank.arguments import shown
from tensorrank.errors import StoreError, TensorRankError
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.model_key import ModelKey, parsed
from tensorrank.version import __version__
from tensorrank.whole_numbers import from_text

TableName = Literal["ranks", "blocks"]


@dataclass(frozen=True)
class StoredRank:
    """A result, and the limits under which it was computed."""

    result: SeparationRank
    limits: Limits

    def settles(self, limits: Limits, seed: int) -> bool:
        """True if another run with this seed, under these limits, cannot improve the stored rank.

        The stored rank is exact, or it was computed from this seed and is probable or had limits at least as generous.
        """
        if self.result.standing == "exact":
            return True
        return seed in self.result.seeds and (self.result.standing == "probable" or self.limits.covers(limits))


@dataclass(frozen=True)
class StoredBlock:
    """A block's rank, the seconds it took, the limits under which it was computed, and by which version."""

    rank: JobRank
    seconds: float
    limits: Limits
    version: str = __version__

    def settles(self, limits: Limits) -> bool:
        """True if another run under these limits cannot improve the stored rank of the block."""
        return self.rank.complete or self.limits.covers(limits)


# The versions of the schema that were the first with the column `files` and the table `blocks`, and with several kinds.
_FIRST_WITH_FILES, _FIRST_WITH_MODELS = 2, 3

# What a row of each table tells.
RankRow = tuple[ModelKey, StoredRank]
BlockRow = tuple[ModelKey, int, JobKey, StoredBlock]


class Place(NamedTuple):
    """Where a row stands: in which store and table, and which row it is, counted from 1 in the order of SELECT."""

    path: Path
    table: TableName
    row: Callable[[], int]

    def refuse(self, column: str, given: object, expected: str) -> NoReturn:
        """Say which cell is damaged, and what to do."""
        raise StoreError(
            f"the store {self.path} is damaged: in row {self.row()} of the table {self.table}, the column {column} is "
            f"{shown(given)}; expected {expected}. Nothing was changed. Put a copy in its place, or delete the row with "
            "SQLite: what it held is then computed again"
        )


def rank_row(row: Mapping[str, Any], place: Place) -> RankRow:
    """What a row of the ranks tells.

    Raises:
        StoreError: if a cell is damaged, or two of them contradict each other.
    """
    cells = _cells(row, place, _RANK_CELLS)
    result: SeparationRank = cells["result"]
    for name in ("value", "lower", "upper", "standing"):
        if cells[name] != getattr(result, name):
            place.refuse(name, row[name], f"{shown(getattr(result, name))}, as in the column result")
    return cells["model"], StoredRank(result, _limits(cells))


def block_row(row: Mapping[str, Any], place: Place) -> BlockRow:
    """What a row of the blocks tells.

    Raises:
        StoreError: if a cell is damaged.
    """
    cells = _cells(row, place, _BLOCK_CELLS)
    key = JobKey(cells["draw"], cells["prime"], cells["degree"], cells["asked"])
    rank = JobRank(**{name: cells[name] for name in ("rank", "rows", "columns", "complete", "saturated", "finite")})
    return cells["model"], cells["seed"], key, StoredBlock(rank, cells["seconds"], _limits(cells), cells["version"])


def all_rows(connection: sqlite3.Connection, path: Path, table: TableName, version: int | None = None) -> Iterator[Any]:
    """What every row of a table tells, also in the schema of an older version."""
    read: Callable[[Mapping[str, Any], Place], Any] = rank_row if table == "ranks" else block_row
    # Blocks stand in the order of their keys anyway.
    order = " ORDER BY rowid" if table == "ranks" else ""
    for number, row in enumerate(connection.execute(f"SELECT * FROM {table}{order}"), 1):
        place = Place(path, table, lambda number=number: number)  # type: ignore[misc] # a lambda has no annotations
        yield read(row if version is None else _as_newest(row, place, version), place)


def check_all(connection: sqlite3.Connection, path: Path, version: int, check: Callable[[ModelKey], object]) -> None:
    """Refuse a store with anything damaged in it: tables, their columns, pages of the file, cells of any row.

    Args:
        connection: to the store.
        path: of its file.
        version: of its schema.
        check: called with the key of each model once; raises a `TensorRankError` for one that cannot be.

    Raises:
        StoreError: naming what is damaged.
    """
    for table in _tables(version):
        found = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
        missing = [name for name in _columns(table, version) if name not in found]
        if missing:
            what = f"the columns {', '.join(missing)} of the table {table} are" if found else f"the table {table} is"
            raise StoreError(f"the store {path} is damaged: {what} missing. Nothing was changed. Put a copy in its place")
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        said = " ".join(verdict.split())
        raise StoreError(f"the store {path} is damaged: SQLite says: {said}. Nothing was changed. Put a copy in its place")
    seen: set[ModelKey] = set()
    for table in _tables(version):
        for number, (model, *_) in enumerate(all_rows(connection, path, table, version), 1):
            if model in seen:
                continue
            seen.add(model)
            try:
                check(model)
            except TensorRankError as error:
                place = Place(path, table, lambda number=number: number)  # type: ignore[misc] # as above
                place.refuse(_named("model", version), model.text, f"a model ({error})")


def _columns(table: TableName, version: int) -> list[str]:
    """The columns of a table in the schema of a version."""
    names = {"ranks": _RANK_CELLS, "blocks": _BLOCK_CELLS}[table]
    left_out = {"files"} if version < _FIRST_WITH_FILES else set()
    return [_named(name, version) for name in names if name not in left_out]


def _tables(version: int) -> tuple[TableName, ...]:
    return ("ranks",) if version < _FIRST_WITH_FILES else ("ranks", "blocks")


def _named(column: str, version: int) -> str:
    return "architecture" if column == "model" and version < _FIRST_WITH_MODELS else column


def _as_newest(row: sqlite3.Row, place: Place, version: int) -> Mapping[str, Any]:
    """A row as the newest schema will have it."""
    cells: dict[str, Any] = {"files": 0, **row} if version < _FIRST_WITH_FILES else dict(row)
    if version >= _FIRST_WITH_MODELS:
        return cells
    # Before there were several kinds, the identity stood alone.
    identity = cells.pop("architecture")
    if not isinstance(identity, str) or not identity.startswith("{"):
        place.refuse("architecture", identity, "a JSON object, the arguments of an attention network")
    cells["model"] = '{"kind": "attention", ' + identity[1:]
    try:
        ModelKey(cells["model"])
    except TensorRankError:
        place.refuse("architecture", identity, "a JSON object, the arguments of an attention network")
    return cells


def _cells(row: Mapping[str, Any], place: Place, cells: Mapping[str, _Cell]) -> dict[str, Any]:
    """The cells of a row, each read and checked."""
    values = {}
    for column, (expected, read) in cells.items():
        given = row[column]
        try:
            values[column] = read(given)
        except _UnfitError as error:
            place.refuse(column, given, str(error) or expected)
    return values


def _limits(cells: Mapping[str, Any]) -> Limits:
    return Limits(cells["memory"], cells["work"], cells["files"])


class _UnfitError(Exception):
    """A cell that does not hold what it should: what was expected, where that is more than the column says."""


# What a column holds, in words, and the function that reads a cell of it.
_Cell = tuple[str, Callable[[Any], Any]]


def _text(given: Any) -> str:
    # Bytes that are no UTF-8 come as bytes.
    if not isinstance(given, str) or any("\ud800" <= letter <= "\udfff" for letter in given):
        raise _UnfitError
    return given


def _whole(least: int) -> _Cell:
    def read(given: Any) -> int:
        if not isinstance(given, int) or given < least:
            raise _UnfitError
        return given

    return f"a whole number of at least {least}", read


def _whole_as_text(least: int) -> _Cell:
    def read(given: Any) -> int:
        try:
            number = from_text(_text(given))
        except TensorRankError:
            raise _UnfitError from None
        if number < least:
            raise _UnfitError
        return number

    return f"a whole number of at least {least}, as text", read


def _number(given: Any) -> float:
    if not isinstance(given, float):
        raise _UnfitError
    return given


def _work(given: Any) -> float:
    if not _number(given) > 0:
        raise _UnfitError
    return cast(float, given)


def _seconds(given: Any) -> float:
    if not 0 <= _number(given) < math.inf:
        raise _UnfitError
    return cast(float, given)


def _flag(given: Any) -> bool:
    if given not in (0, 1) or not isinstance(given, int):
        raise _UnfitError
    return bool(given)


@lru_cache(maxsize=1024)
def _model(given: Any) -> ModelKey:
    try:
        return ModelKey(_text(given))
    except TensorRankError as error:
        raise _UnfitError from error


def _result(given: Any) -> SeparationRank:
    try:
        return SeparationRank.from_dict(parsed(_text(given)))
    except TensorRankError as error:
        raise _UnfitError(f"a result as JSON ({error})") from error


_VERSION: _Cell = ("a version of tensorrank, as text", _text)
_FINISHED: _Cell = ("a time, as text", _text)
_LIMITS: dict[str, _Cell] = {"memory": _whole_as_text(1), "work": ("a positive number", _work), "files": ("0 or 1", _flag)}
_RANK_CELLS: dict[str, _Cell] = {
    "model": ("the kind of a model and its identity, as a JSON object", _model),
    "value": _whole_as_text(0),
    "lower": _whole_as_text(0),
    "upper": (f"{_whole_as_text(0)[0]}, or NULL", lambda given: None if given is None else _whole_as_text(0)[1](given)),
    "standing": ("a standing, as text", _text),
    "result": ("a result, as JSON", _result),
    **_LIMITS,
    "seconds": ("a number of seconds", _seconds),
    "version": _VERSION,
    "finished": _FINISHED,
}
_BLOCK_CELLS: dict[str, _Cell] = {
    "model": _RANK_CELLS["model"],
    "seed": _whole_as_text(0),
    "draw": _whole(0),
    "prime": _whole(2),
    "degree": _whole(-1),
    "asked": ("the method and size of a block, as text", _text),
    "rank": _whole(0),
    "rows": _whole(0),
    "columns": _whole(0),
    "complete": _LIMITS["files"],
    "saturated": _LIMITS["files"],
    "finite": _LIMITS["files"],
    **_LIMITS,
    "seconds": _RANK_CELLS["seconds"],
    "version": _VERSION,
    "finished": _FINISHED,
}
