"""Rows of a store as values: the one place where what stands in the file is read and checked.

Nothing else trusts a cell. A cell may be damaged by a disk, an editor or another program, and SQLite itself keeps any
type in any column. What does not fit is named by table, row and column, and nothing is made of it.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from tensorrank.arguments import shown
from tensorrank.errors import StoreError, TensorRankError
from tensorrank.given_files.json_values import parsed_json
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.model_key import ModelKey
from tensorrank.version import __version__
from tensorrank.whole_numbers import from_text

TableName = Literal["ranks", "blocks"]


@dataclass(frozen=True)
class StoredRank:
    """A result, the limits under which it was computed, and by which version."""

    result: SeparationRank
    limits: Limits
    version: str = __version__

    def settles(self, limits: Limits, seed: int) -> bool:
        """True if another run with this seed, under these limits, cannot improve the stored rank.

        The stored rank is exact, or it was computed from this seed and is probable or had limits at least as generous.
        By which engine it was computed does not matter.
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


# The versions of the schema that were the first with the column `files` and the table `blocks`, with several kinds, and
# with the column `engine`.
_FIRST_WITH_FILES, _FIRST_WITH_MODELS, _FIRST_WITH_ENGINES = 2, 3, 4

# What a row of each table tells.
RankRow = tuple[ModelKey, StoredRank]
BlockRow = tuple[ModelKey, int, JobKey, StoredBlock]


_Reader = Callable[[Mapping[str, Any]], Any]


class DamagedCellError(Exception):
    """A cell that does not hold what its column should; it is caught where it is known which row the cell is of."""

    def __init__(self, column: str, given: object, expected: str) -> None:
        super().__init__(column)
        self.column, self.given, self.expected = column, given, expected

    def named(self, path: Path, table: TableName, row: int) -> StoreError:
        """The error for users: which cell of which store is damaged, and what to do."""
        return StoreError(
            f"the store {path} is damaged: in row {row} of the table {table}, the column {self.column} is "
            f"{shown(self.given)}; expected {self.expected}. Nothing was changed. Put a copy in its place, or delete the "
            "row with SQLite: what it held is then computed again"
        )


def rank_row(row: Mapping[str, Any]) -> RankRow:
    """What a row of the ranks tells.

    Raises:
        DamagedCellError: if a cell is damaged, or two of them contradict each other.
    """
    cells = _cells(row, _RANK_CELLS)
    result: SeparationRank = cells["result"]
    for name in ("value", "lower", "upper", "standing"):
        if cells[name] != getattr(result, name):
            raise DamagedCellError(name, row[name], f"{shown(getattr(result, name))}, as in the column result")
    return cells["model"], StoredRank(result, _limits(cells), cells["version"])


def block_row(row: Mapping[str, Any]) -> BlockRow:
    """What a row of the blocks tells.

    Raises:
        DamagedCellError: if a cell is damaged.
    """
    cells = _cells(row, _BLOCK_CELLS)
    key = JobKey(cells["draw"], cells["prime"], cells["degree"], cells["asked"])
    rank = JobRank(**{name: cells[name] for name in ("rank", "rows", "columns", "complete", "saturated", "finite", "engine")})
    return cells["model"], cells["seed"], key, StoredBlock(rank, cells["seconds"], _limits(cells), cells["version"])


def all_rows(connection: sqlite3.Connection, path: Path, table: TableName) -> Iterator[Any]:
    """What every row of a table tells.

    Raises:
        StoreError: naming a damaged cell.
    """
    read: _Reader = rank_row if table == "ranks" else block_row
    return _each(connection, path, table, read)


def _each(connection: sqlite3.Connection, path: Path, table: TableName, read: _Reader) -> Iterator[Any]:
    # Blocks stand in the order of their keys anyway.
    cursor = connection.execute(f"SELECT * FROM {table}{' ORDER BY rowid' if table == 'ranks' else ''}")
    names = [column[0] for column in cursor.description]
    # A row's own look-up by name is slow.
    cursor.row_factory = None
    # A file cannot be closed while it is read.
    with closing(cursor):
        for number, row in enumerate(cursor, 1):
            try:
                yield read(dict(zip(names, row, strict=True)))
            except DamagedCellError as error:
                raise error.named(path, table, number) from None


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

    @cache
    def can_be(model: ModelKey) -> None:
        try:
            check(model)
        except TensorRankError as error:
            raise DamagedCellError(_named("model", version), model.text, f"a model ({error})") from error

    def checked(row: Mapping[str, Any]) -> None:
        newest = _as_newest(row, version)
        # A rank's cells are checked against each other; of a block there is nothing to be made yet.
        can_be(rank_row(newest)[0] if "result" in newest else _cells(newest, _BLOCK_CELLS)["model"])

    for table in _tables(version):
        for _ in _each(connection, path, table, checked):
            pass


def _columns(table: TableName, version: int) -> list[str]:
    """The columns of a table in the schema of a version."""
    names = {"ranks": _RANK_CELLS, "blocks": _BLOCK_CELLS}[table]
    firsts = {"files": _FIRST_WITH_FILES, "engine": _FIRST_WITH_ENGINES}
    left_out = {column for column, first in firsts.items() if version < first}
    return [_named(name, version) for name in names if name not in left_out]


def _tables(version: int) -> tuple[TableName, ...]:
    return ("ranks",) if version < _FIRST_WITH_FILES else ("ranks", "blocks")


def _named(column: str, version: int) -> str:
    return "architecture" if column == "model" and version < _FIRST_WITH_MODELS else column


def _as_newest(row: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    """A row as the newest schema will have it."""
    if version < _FIRST_WITH_FILES:
        row = {"files": 0, **row}
    if version < _FIRST_WITH_ENGINES:
        row = {"engine": None, **row}
    if version >= _FIRST_WITH_MODELS:
        return row
    # Before there were several kinds, the identity stood alone.
    identity = row["architecture"]
    text = f'{{"kind": "attention", {identity[1:]}' if isinstance(identity, str) and identity[:1] == "{" else ""
    try:
        _model(text)
    except _UnfitError:
        expected = "a JSON object, the arguments of an attention network"
        raise DamagedCellError("architecture", identity, expected) from None
    return {"model": text, **row}


def _cells(row: Mapping[str, Any], cells: Mapping[str, _Cell]) -> dict[str, Any]:
    """The cells of a row, each read and checked."""
    values, column = {}, ""
    try:
        for column, (_, read) in cells.items():  # named in the error
            values[column] = read(row[column])
    except _UnfitError as error:
        raise DamagedCellError(column, row[column], str(error) or cells[column][0]) from None
    return values


def _limits(cells: Mapping[str, Any]) -> Limits:
    return Limits(cells["memory"], cells["work"], cells["files"])


class _UnfitError(Exception):
    """A cell that does not hold what it should: what was expected, where that is more than the column says."""


# What a column holds, in words, and the function that reads a cell of it.
_Cell = tuple[str, Callable[[Any], Any]]


def _text(given: Any) -> str:
    # Bytes that are no UTF-8 come as bytes.
    if not isinstance(given, str):
        raise _UnfitError
    return given


def _whole(least: int) -> _Cell:
    def read(given: Any) -> int:
        if not isinstance(given, int) or given < least:
            raise _UnfitError
        return given

    return f"a whole number of at least {least}", read


def _whole_as_text(least: int, digits: int) -> _Cell:
    @lru_cache(maxsize=64)
    def read(given: Any) -> int:
        if len(_text(given)) > digits:
            raise _UnfitError(f"a whole number of at most {digits} digits, as text")
        try:
            number = from_text(given)
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
        return SeparationRank.from_dict(parsed_json(_text(given), "a result"))
    except TensorRankError as error:
        raise _UnfitError(f"a result as JSON ({error})") from error


# A float, and a seed that a study takes, have fewer digits; so has what Python itself writes. Ranks in closed form have
# up to a million, which are read in a second.
_MOST_BYTES_DIGITS, _MOST_SEED_DIGITS, _MOST_RANK_DIGITS = 308, 4000, 10**6
_NATURAL = _whole_as_text(0, _MOST_RANK_DIGITS)
_VERSION: _Cell = ("a version of tensorrank, as text", _text)
_FINISHED: _Cell = ("a time, as text", _text)
_LIMITS: dict[str, _Cell] = {
    "memory": _whole_as_text(1, _MOST_BYTES_DIGITS),
    "work": ("a positive number", _work),
    "files": ("0 or 1", _flag),
}
_RANK_CELLS: dict[str, _Cell] = {
    "model": ("the kind of a model and its identity, as a JSON object", _model),
    "value": _NATURAL,
    "lower": _NATURAL,
    "upper": (f"{_NATURAL[0]}, or NULL", lambda given: None if given is None else _NATURAL[1](given)),
    "standing": ("a standing, as text", _text),
    "result": ("a result, as JSON", _result),
    **_LIMITS,
    "seconds": ("a number of seconds", _seconds),
    "version": _VERSION,
    "finished": _FINISHED,
}
_BLOCK_CELLS: dict[str, _Cell] = {
    "model": _RANK_CELLS["model"],
    "seed": _whole_as_text(0, _MOST_SEED_DIGITS),
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
    "engine": ("the name of an engine, as text, or NULL", lambda given: None if given is None else _text(given)),
    **_LIMITS,
    "seconds": _RANK_CELLS["seconds"],
    "version": _VERSION,
    "finished": _FINISHED,
}
