"""The store of a study: an SQLite file with one row per architecture, written as soon as its rank is known."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tensorrank.arithmetic.whole_numbers import to_text
from tensorrank.attention.architecture import SelfAttention
from tensorrank.errors import StoreError
from tensorrank.separation.limits import Limits
from tensorrank.separation.result import SeparationRank
from tensorrank.version import __version__

SCHEMA_VERSION = 1
# Marks the file as ours ("tRnk"), so that a stranger's database is not taken for a store.
_APPLICATION = 0x74526E6B

# Whole numbers are text: ranks and bounds pass 2**63. `result` holds all fields, as SeparationRank.to_dict gives them.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS ranks (
    architecture TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    lower TEXT NOT NULL,
    upper TEXT,
    standing TEXT NOT NULL,
    result TEXT NOT NULL,
    memory TEXT NOT NULL,
    work REAL,
    seconds REAL NOT NULL,
    version TEXT NOT NULL,
    finished TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
)
"""


@dataclass(frozen=True)
class Stored:
    """A result, and the limits under which it was computed."""

    result: SeparationRank
    limits: Limits

    def settles(self, limits: Limits) -> bool:
        """Whether computing again under these limits could not tell more: proved, or cut under limits as large."""
        if self.result.standing in ("exact", "probable"):
            return True
        return limits.memory <= self.limits.memory and limits.work <= self.limits.work


class Store:
    """An open store; a context manager.

    Raises:
        StoreError: if the file cannot be opened or written, is no store, or has an unknown schema version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        with self._explained():
            self._connection = sqlite3.connect(self.path)
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            application = self._connection.execute("PRAGMA application_id").fetchone()[0]
            empty = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
            if empty and version == 0:
                # One transaction, so that an interrupt leaves an empty file or a whole store.
                self._connection.executescript(
                    f"BEGIN IMMEDIATE; {_SCHEMA}; PRAGMA application_id = {_APPLICATION}; "
                    f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                )
                return
        if application != _APPLICATION:
            self.close()
            raise StoreError(f"{self.path} is an SQLite file, but no store of tensorrank; give another --out")
        if version != SCHEMA_VERSION:
            self.close()
            raise StoreError(
                f"{self.path} has schema version {version}; this tensorrank ({__version__}) "
                f"reads version {SCHEMA_VERSION}; install the version that wrote it, or give another --out"
            )

    def get(self, model: SelfAttention) -> Stored | None:
        """What is stored for an architecture."""
        with self._explained():
            row = self._connection.execute(
                "SELECT result, memory, work FROM ranks WHERE architecture = ?", (_key(model),)
            ).fetchone()
        return None if row is None else _stored(*row)

    def put(self, model: SelfAttention, result: SeparationRank, limits: Limits) -> SeparationRank:
        """Store a result, unless a better one is there; returns the better one.

        Raises:
            StoreError: if it contradicts what is stored: the lower bound of one exceeds what is proved of the other.
        """
        before = self.get(model)
        if before is not None:
            _agree(model, before.result, result)
            if _ranking(before.result) > _ranking(result):
                result = before.result
        with self._explained(), self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO ranks "
                "(architecture, value, lower, upper, standing, result, memory, work, seconds, version) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    _key(model),
                    to_text(result.value),
                    to_text(result.lower),
                    None if result.upper is None else to_text(result.upper),
                    result.standing,
                    json.dumps(result.to_dict()),
                    str(limits.memory),
                    limits.work,
                    result.seconds,
                    __version__,
                ),
            )
        return result

    def __iter__(self) -> Iterator[tuple[SelfAttention, Stored]]:
        with self._explained():
            rows = self._connection.execute("SELECT architecture, result, memory, work FROM ranks").fetchall()
        for architecture, *rest in rows:
            yield SelfAttention(**json.loads(architecture)), _stored(*rest)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"the store {self.path} cannot be used ({error}); expected a writable SQLite file or a writable folder"
            ) from error


def _key(model: SelfAttention) -> str:
    return json.dumps(model.to_dict(), sort_keys=True)


def _stored(result: str, memory: str, work: float) -> Stored:
    return Stored(SeparationRank.from_dict(json.loads(result)), Limits(int(memory), work))


def _ranking(result: SeparationRank) -> tuple[bool, int, bool]:
    """Exact first; then the higher certified bound, which a probable value below it cannot replace; then probable."""
    return result.standing == "exact", result.lower, result.standing == "probable"


def _agree(model: SelfAttention, before: SeparationRank, now: SeparationRank) -> None:
    for one, other in ((before, now), (now, before)):
        contradicted = one.standing == "exact" and other.lower > one.value
        if contradicted or (one.upper is not None and other.lower > one.upper):
            raise StoreError(f"two results for {model} contradict each other: stored {before}; computed {now}")
