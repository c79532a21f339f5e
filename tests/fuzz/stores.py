"""Stores of studies with changed rows, schema or bytes: shown, exported, read and carried on.

An input is a list of changes of a good store: a statement of SQL with its values, or bytes written at an offset.
"""

import hashlib
import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from fuzz.command_line import invoke
from fuzz.good_files import store, study
from fuzz.lists import lines, values
from fuzz.target import Target

_COLUMNS = {
    "ranks": [
        "model",
        "value",
        "lower",
        "upper",
        "standing",
        "result",
        "memory",
        "work",
        "seconds",
        "version",
        "finished",
        "files",
    ],
    "blocks": [
        "model",
        "seed",
        "draw",
        "prime",
        "degree",
        "asked",
        "rank",
        "rows",
        "columns",
        "complete",
        "saturated",
        "finite",
        "engine",
        "memory",
        "work",
        "files",
        "seconds",
        "version",
        "finished",
    ],
}
_FIELDS = [
    "value",
    "lower",
    "upper",
    "standing",
    "by_degree",
    "method",
    "primes",
    "seeds",
    "samples",
    "failure_probability",
    "seconds",
    "reason",
    "spectrum",
]
_FIELD_VALUES = (
    *("null", "-1", "0", "1.5", '"x"', "[]", "{}", '["x"]', "[1, 2]", "true", "1e999", '"1"', "[null]"),
    *("1" * 400, '"' + "1" * 5000 + '"'),
)
# A statement with its values, or an offset with bytes.
Change = tuple[str, tuple] | tuple[int, bytes]


def generate(stream: Random) -> tuple[Change, ...]:
    """Changes of the good store."""
    changes: list[Change] = []
    for _ in range(stream.choice((1, 1, 2))):
        match stream.randrange(8):
            case 0:
                changes.append((stream.choice(lines("statements")), ()))
            case 1:
                changes.append(
                    (stream.randrange(len(store())), stream.choice((b"\x00", b"\xff" * 16, bytes(512), stream.randbytes(8))))
                )
            case 2:
                changes.append((-stream.randrange(len(store())), b""))
            case 3 | 4:
                field, value = stream.choice(_FIELDS), stream.choice(_FIELD_VALUES)
                changes.append((f"UPDATE OR REPLACE ranks SET result = json_set(result, '$.{field}', json(?))", (value,)))
            case _:
                table = stream.choice(("ranks", "ranks", "blocks"))
                column = stream.choice(_COLUMNS[table])
                some = stream.choice(("", " WHERE ranks.rowid = 1", " WHERE seconds >= 0")) if table == "ranks" else ""
                changes.append((f'UPDATE OR REPLACE {table} SET "{column}" = ?{some}', (stream.choice(values("columns")),)))
    return tuple(changes)


def changed(changes: tuple[Change, ...], path: Path) -> None:
    """Write the good store with these changes."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    path.write_bytes(store())
    for first, second in changes:
        if isinstance(first, int) and first < 0:
            os.truncate(path, -first)
        elif isinstance(first, int):
            with open(path, "r+b") as file:
                file.seek(first)
                file.write(second)
        else:
            # What earlier changes or constraints of the schema make impossible is no change. What SQLite says of it
            # may be no text.
            with suppress(sqlite3.Error, UnicodeDecodeError), closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA ignore_check_constraints = on")
                for statement in first.split(";"):
                    connection.execute(statement, second)
                connection.commit()


def consume(changes: tuple[Change, ...]) -> object:
    """Show the store, which must leave it as it is, then read it row by row and carry the study on."""
    import tensorrank as tr
    from tensorrank.errors import TensorRankError

    path = Path(f"store-{os.getpid()}.sqlite")
    changed(changes, path)
    before = hashlib.sha256(path.read_bytes()).digest()
    refused = None
    for options in ([], ["--json"], ["--blocks", "--json"], ["--export", f"shown-{os.getpid()}.csv"]):
        try:
            invoke(["show", str(path), *options])
        except TensorRankError as error:
            refused = error
    if hashlib.sha256(path.read_bytes()).digest() != before:
        raise AssertionError("`show` changed the store")
    with tr.Store(path) as kept:
        for key, stored in kept:
            repr((key, stored))
        list(kept.blocks())
        list(study().run(kept))
    if refused is not None:
        raise refused
    return None


TARGET = Target("stores", generate, consume, cases=50)
