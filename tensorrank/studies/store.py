"""The store of a study: an SQLite file with a row for each finished block and one for each rank, written at once.

Several processes may use one store at the same time (write-ahead log), on one machine. A process killed at any moment
leaves every finished row. After a power failure the last blocks may be missing, but no rank, and nothing is broken.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from tensorrank.arguments import shown
from tensorrank.checked import checked
from tensorrank.errors import StoreError
from tensorrank.notebook_tables import NotebookTable
from tensorrank.separation.architecture import Model
from tensorrank.separation.comparison import contradict, worth
from tensorrank.separation.jobs import JobKey, JobRank
from tensorrank.separation.limits import Limits
from tensorrank.separation.result import SeparationRank
from tensorrank.studies.model_key import ModelKey
from tensorrank.studies.store_files import APPLICATION, clear_away, connected, file_path, keep_log, refuse_others
from tensorrank.studies.stored_rows import (
    DamagedCellError,
    StoredBlock,
    StoredRank,
    TableName,
    all_rows,
    block_row,
    check_all,
    rank_row,
)
from tensorrank.version import __version__
from tensorrank.whole_numbers import to_text

# Step n makes schema version n + 1 of version n; a new store takes all steps. Whole numbers that pass 2**63 are text.
# `result` holds all fields, as SeparationRank.to_dict gives them, and `model` the text of a ModelKey.
_STEPS = (
    """
    CREATE TABLE ranks (
        architecture TEXT PRIMARY KEY,
        value TEXT NOT NULL, lower TEXT NOT NULL, upper TEXT, standing TEXT NOT NULL,
        result TEXT NOT NULL,
        memory TEXT NOT NULL, work REAL,
        seconds REAL NOT NULL, version TEXT NOT NULL,
        finished TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
    );
    """,
    """
    ALTER TABLE ranks ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE blocks (
        architecture TEXT NOT NULL, seed TEXT NOT NULL,
        draw INTEGER NOT NULL, prime INTEGER NOT NULL, degree INTEGER NOT NULL, asked TEXT NOT NULL,
        rank INTEGER NOT NULL, "rows" INTEGER NOT NULL, columns INTEGER NOT NULL,
        complete INTEGER NOT NULL, saturated INTEGER NOT NULL, finite INTEGER NOT NULL,
        memory TEXT NOT NULL, work REAL NOT NULL, files INTEGER NOT NULL,
        seconds REAL NOT NULL, version TEXT NOT NULL,
        finished TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')),
        PRIMARY KEY (architecture, seed, draw, prime, degree, asked)
    ) WITHOUT ROWID;
    """,
    # Before version 3 all models were of one kind.
    """
    ALTER TABLE ranks RENAME COLUMN architecture TO model;
    ALTER TABLE blocks RENAME COLUMN architecture TO model;
    UPDATE ranks SET model = '{"kind": "attention", ' || substr(model, 2);
    UPDATE blocks SET model = '{"kind": "attention", ' || substr(model, 2);
    """,
    # NULL where the engine is not known, as of earlier blocks.
    """
    ALTER TABLE blocks ADD COLUMN engine TEXT;
    """,
)
SCHEMA_VERSION = len(_STEPS)
# What tells a block from all others.
_KEY = "(model, seed, draw, prime, degree, asked)"


@checked
class Store(NotebookTable):
    """The ranks and blocks that studies have finished, in a file; a context manager.

    A rank is kept with its standing and the limits under which it was computed. What is put later replaces it only if
    it tells more. Rows are found by their models alone, and a partition is no part of that: the ranks kept here are
    those between the balanced halves of the sites.

    Args:
        path: of the file, which is made if it is missing; ":memory:" for a store that lasts as long as it is open.
        read_only: leave the file as it is, also one of an older schema; nothing can be put then.
        check: called with the key of every model in the file before anything is changed; a `TensorRankError` says that
            there is no such model. The store itself knows no kinds of models.

    Raises:
        StoreError: if the file cannot be opened or written, is cut off, is no store, has an unknown schema version, or
            is damaged. The whole store is read when it is opened, and a damaged one is not changed.

    >>> from tensorrank.circuits.recurrent import RecurrentCircuit
    >>> from tensorrank.studies.study import Study
    >>> circuit = RecurrentCircuit(depth=1, hidden=2, channels=2, steps=4)
    >>> with Store(":memory:") as store:
    ...     findings = list(Study([circuit]).run(store))
    ...     store.get(circuit).result.value
    ...     [(key.kind, key.values["hidden"], stored.result.standing) for key, stored in store]
    2
    [('recurrent', 2, 'exact')]
    """

    def __init__(
        self, path: str | Path, *, read_only: bool = False, check: Callable[[ModelKey], object] = lambda model: None
    ) -> None:
        self.path, self._read_only = file_path(path), read_only
        # Where the file is, whatever the working directory is later.
        self._place = None if str(path) == ":memory:" else os.path.abspath(self.path)
        refuse_others(self.path)
        with self._explained():
            self._connection = connected(self.path, read_only=read_only)
            try:
                version = self._checked_version(read_only, check)
                if version < SCHEMA_VERSION and read_only:
                    self._read_from_memory()
                elif version < SCHEMA_VERSION:
                    self._bring_up_to_date()
                if not read_only:
                    keep_log(self._connection)
                    self._set_durable(False)
            except BaseException:
                self.close()
                raise

    def __repr__(self) -> str:
        return f"Store({shown(str(self.path))})"

    def _named_values(self) -> dict[str, Any]:
        return {"file": str(self.path), "read only": self._read_only}

    def get(self, model: Model | ModelKey) -> StoredRank | None:
        """The stored rank of a model, or None."""
        with self._explained():
            statement = "SELECT rowid AS number, * FROM ranks WHERE model = ?"
            row = self._connection.execute(statement, (ModelKey.of(model).text,)).fetchone()
            with self._named("ranks", "rowid", () if row is None else (row["number"],)):
                return None if row is None else rank_row(row)[1]

    def put(self, model: Model | ModelKey, result: SeparationRank, limits: Limits) -> SeparationRank:
        """Store a result, unless a better one is there; returns the better one.

        Raises:
            StoreError: if it contradicts what is stored: the lower bound of one exceeds what is proved of the other.
        """
        model = ModelKey.of(model)
        self._refuse_if_gone()
        with self._explained():
            # To the disk, and with it every block before it.
            self._set_durable(True)
            try:
                with self._transaction():
                    before = self.get(model)
                    if before is not None:
                        _agree(model, before.result, result)
                        better = worth(before.result) > worth(result)
                        if (better or _same_bound(before.result, result)) and not limits.covers(before.limits):
                            return before.result
                        if better:
                            result = before.result
                    row = {
                        "model": model.text,
                        "value": to_text(result.value),
                        "lower": to_text(result.lower),
                        "upper": None if result.upper is None else to_text(result.upper),
                        "standing": result.standing,
                        "seconds": result.seconds,
                        "result": json.dumps(result.to_dict()),
                    }
                    self._write("ranks", row | _limits_row(limits))
            finally:
                self._set_durable(False)
        return result

    def get_block(self, model: Model | ModelKey, seed: int, key: JobKey) -> StoredBlock | None:
        """The stored rank of a block, or None."""
        with self._explained():
            known = (ModelKey.of(model).text, str(seed), key.draw, key.prime, key.degree, key.asked)
            row = self._connection.execute(f"SELECT * FROM blocks WHERE {_KEY} = (?, ?, ?, ?, ?, ?)", known).fetchone()
            with self._named("blocks", _KEY, known):
                return None if row is None else block_row(row)[3]

    def put_block(self, model: Model | ModelKey, seed: int, key: JobKey, rank: JobRank, seconds: float, limits: Limits) -> None:
        """Store a block's rank, unless one as complete is there.

        Raises:
            StoreError: if it contradicts what is stored: a rank of the same block cannot differ.
        """
        model = ModelKey.of(model)
        self._refuse_if_gone()
        with self._explained(), self._transaction():
            before = self.get_block(model, seed, key)
            if before is not None:
                _agree_on_block(model, key, before.rank, rank)
                cut_later = before.rank.rank == rank.rank and not rank.complete and not limits.covers(before.limits)
                if before.rank.complete or before.rank.rank > rank.rank or cut_later:
                    return
            found = {**key.to_dict(), **rank.to_dict(), "seconds": seconds}
            self._write("blocks", {"model": model.text, "seed": str(seed), **found, **_limits_row(limits)})

    def __iter__(self) -> Iterator[tuple[ModelKey, StoredRank]]:
        with self._explained():
            return iter(list(all_rows(self._connection, self.path, "ranks")))

    def blocks(self) -> Iterator[tuple[ModelKey, int, JobKey, StoredBlock]]:
        """All blocks: of which model and seed, their keys, and what is stored."""
        with self._explained():
            return iter(list(all_rows(self._connection, self.path, "blocks")))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        if self._read_only:
            clear_away(self.path)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _checked_version(self, read_only: bool, check: Callable[[ModelKey], object]) -> int:
        """The schema version of the file, 0 of an empty one, once all that is in the file was found good."""
        # In one transaction: another process may be making the store, and what it commits must not show in part.
        with self._transaction("DEFERRED"):
            version, application, tables = (
                int(self._connection.execute(statement).fetchone()[0])
                for statement in ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_master")
            )
            if version == 0 and not tables and not read_only:
                return 0
            if application != APPLICATION:
                raise StoreError(f"{self.path} is an SQLite file, but no store of tensorrank; give another file")
            if not 1 <= version <= SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path} has schema version {version}; this tensorrank ({__version__}) "
                    f"reads versions 1 to {SCHEMA_VERSION}; install the version that wrote it, or give another file"
                )
            check_all(self._connection, self.path, version, check)
            return version

    def _bring_up_to_date(self) -> None:
        """Bring the file to the newest schema in one transaction: an interrupt leaves the old schema or the new."""
        with self._transaction():
            # Another process may have been first.
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            for step in _STEPS[version:]:
                for statement in filter(None, map(str.strip, step.split(";"))):
                    self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _read_from_memory(self) -> None:
        """Go on with a copy in memory that is brought up to date; the file stays as it is."""
        file, self._connection = self._connection, connected(Path(":memory:"), read_only=False)
        file.backup(self._connection)
        file.close()
        self._bring_up_to_date()
        self._connection.execute("PRAGMA query_only = ON")

    @contextmanager
    def _named(self, table: TableName, key: str, values: Sequence[Any]) -> Iterator[None]:
        """A context in which the row with this key is read; a damaged cell is named by the number of its row."""
        try:
            yield
        except DamagedCellError as error:
            statement = f"SELECT count(*) FROM {table} WHERE {key} <= ({', '.join('?' * len(values))})"
            raise error.named(self.path, table, self._connection.execute(statement, values).fetchone()[0]) from None

    def _write(self, table: TableName, row: Mapping[str, Any]) -> None:
        columns = ", ".join(f'"{name}"' for name in row)
        values = ", ".join(f":{name}" for name in row)
        self._connection.execute(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({values})", row)

    def _refuse_if_gone(self) -> None:
        """Refuse to write to a file that was deleted or moved away: SQLite would go on, and all would be lost."""
        if self._place is not None and not os.path.exists(self._place):
            raise StoreError(
                f"the store {self.path} is no longer there: its file or folder was deleted, moved or unmounted while it was "
                "open. Put it back if it was moved, which keeps all that was finished before, and run the same again"
            )

    def _set_durable(self, durable: bool) -> None:
        """Set whether a commit waits for the disk."""
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")

    @contextmanager
    def _transaction(self, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[None]:
        # An interrupt may come between any two statements.
        try:
            self._connection.execute(f"BEGIN {kind}")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # Where the disk is full SQLite has rolled back by itself.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            # The words of an error of SQLite, which repeat bytes of the file.
            raise StoreError(
                f"the store {self.path} is damaged: SQLite cannot read its tables. Nothing was changed. Put a copy in its place"
            ) from error
        except sqlite3.ProgrammingError as error:
            raise StoreError(f"the store {self.path} is closed ({error}); open it again") from error
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", "")
            if name in ("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE"):
                raise StoreError(
                    f"there is no room left for the store {self.path} ({error}); all that was finished before is kept: "
                    "make room, and run the same again"
                ) from error
            if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
                raise StoreError(
                    f"the store {self.path} is held by another process ({error}); end it, or give another file"
                ) from error
            raise StoreError(
                f"the store {self.path} cannot be used ({error}); expected a writable SQLite file or a writable folder"
            ) from error


def _limits_row(limits: Limits) -> dict[str, Any]:
    """The limits as columns of a row, and the version that writes it."""
    return {"memory": str(limits.memory), "work": limits.work, "files": limits.files, "version": __version__}


def _same_bound(before: SeparationRank, now: SeparationRank) -> bool:
    """Whether both are lower bounds, and equal: then the one under the larger limits tells more."""
    return before.standing == now.standing == "lower bound" and before.lower == now.lower


def _agree(model: ModelKey, before: SeparationRank, now: SeparationRank) -> None:
    if contradict(before, now):
        raise StoreError(f"two results for {model} contradict each other: stored {before}; computed {now}")


def _agree_on_block(model: ModelKey, key: JobKey, before: JobRank, now: JobRank) -> None:
    for one, other in ((before, now), (now, before)):
        if one.complete and (other.rank > one.rank or (other.complete and other.rank != one.rank)):
            raise StoreError(
                f"two ranks of one block of {model} contradict each other ({key}): stored {before}; computed {now}; "
                "one of the two computations was wrong"
            )
