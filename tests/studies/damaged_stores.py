"""Stores of every version, and ways to damage them: cells of another type or value, bytes, columns and tables."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import tensorrank as tr
from tensorrank.studies.store import Store

FOLDER = Path(__file__).with_name("stores")
# Exact, probable and lower bounds, of all kinds of models; milliseconds each.
MODELS = [
    *tr.Study.over(tr.SelfAttention, width=(1, 2), depth=(1, 2, 3)).models,
    tr.SelfAttention(depth=4, width=2, tokens=3),
    tr.RecurrentCircuit(depth=2, hidden=2, channels=2, steps=4),
    tr.ConvolutionalCircuit(sites=4, channels=2, widths=(2, 2)),
    tr.HiddenMarkov.random(states=2, symbols=2, length=4, seed=0),
]
STUDY = tr.Study(MODELS, work=1e6, threads=1)


def new_store(folder):
    """A store of the newest version in a folder, and its path."""
    path = folder / "study.sqlite"
    with Store(path) as store:
        list(STUDY.run(store))
    return path


def old_store(folder, version):
    """A store that an older version wrote, in a folder, and its path."""
    path = folder / "study.sqlite"
    shutil.copyfile(FOLDER / f"version_{version}.sqlite", path)
    return path


def cells(path):
    """The columns of each table, and how many rows it has."""
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: (
                [row[1] for row in connection.execute(f"PRAGMA table_info({name})")],
                connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0],
            )
            for name in names
        }


def place(path, table, column, number, value):
    """Put a value into a cell of row `number`, counted from 1, whatever the column's type; whether the cell changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = bytes
        keys = "rowid" if table == "ranks" else "model, seed, draw, prime, degree, asked"
        if table == "blocks":
            first = connection.execute("PRAGMA table_info(blocks)").fetchone()[1].decode()
            keys = keys.replace("model", first)
        key = connection.execute(f"SELECT {keys} FROM {table} ORDER BY {keys} LIMIT 1 OFFSET {number - 1}").fetchone()
        key = [cell.decode() if isinstance(cell, bytes) else cell for cell in key]
        where = f"({keys}) = ({', '.join('?' * len(key))})"
        typed = f'SELECT typeof("{column}"), "{column}" FROM {table} WHERE {where}'
        before = connection.execute(typed, key).fetchone()
        given = value(before[1]) if callable(value) else value
        expression = "CAST(? AS TEXT)" if isinstance(given, tuple) else "?"
        given = given[0] if isinstance(given, tuple) else given
        try:
            connection.execute(f'UPDATE {table} SET "{column}" = {expression} WHERE {where}', [given, *key])
        except sqlite3.IntegrityError:
            return False
        if column in keys.split(", "):
            return True
        return connection.execute(typed, key).fetchone() != before


def changed_text(text):
    """A text with one character changed, left out, doubled, or all after it left out."""
    if not isinstance(text, bytes) or not text:
        return "x"
    where = random.randrange(len(text))
    how = random.randrange(5)
    if how == 0:
        return (text[:where] + bytes([random.randrange(32, 127)]) + text[where + 1 :]).decode("latin-1")
    if how == 1:
        return (text[:where] + text[where + 1 :]).decode("latin-1")
    if how == 2:
        return (text[:where] + text[where : where + 1] + text[where:]).decode("latin-1")
    if how == 3:
        return text[:where].decode("latin-1")
    # A tuple is bytes that stand as text.
    return (text[:where] + bytes([random.randrange(128, 256)]) + text[where:],)


# Values of all types, some of which are what one column or another should hold. A tuple is bytes that stand as text.
VALUES = [
    None, 0, 1, -1, 2, 2**40, -(2**63), 2**63 - 1, 0.0, 0.5, -1.5, 1e308, float("inf"), "", "x", "[1]", "{}", "null",
    "0", "1", "-1", "1e5", "9" * 5000, "lots", "exact", "certain", b"", b"\xff\x00", (b"\xff\xfe",), (b"ab\xc3",),
    '{"kind": "attention"}', '{"kind": "attention", "depth": 1}', '{"kind": "attention", "depth": "x", "width": []}',
    '{"kind": 3}', '{"kind": "unknown", "size": {}}', '{"kind": "unknown", "size": [[1]]}', '{"depth": 1}',
    '{"kind": "attention", "depth": 3, "head_dim": 2, "heads": 1, "tokens": 4, "width": -2}', "[" * 2000, '{"a": NaN}',
    '{"kind": "recurrent", "depth": null}', '{"kind": "\\ud800"}', '{"kind": "attention", "depth": 1e400}',
    changed_text, changed_text, changed_text, changed_text, changed_text, changed_text,
]  # fmt: skip


def mutate_cell(path):
    """Damage one cell, or put another good value there; what was done, in words."""
    table, (columns, rows) = random.choice([item for item in cells(path).items() if item[1][1]])
    column, number, value = random.choice(columns), random.randrange(rows) + 1, random.choice(VALUES)
    place(path, table, column, number, value)
    return f"{table} {column} {number} {value!r}"


def mutate_bytes(path):
    """Flip, overwrite, cut off or add bytes of the file; what was done, in words."""
    content = bytearray(path.read_bytes())
    how = random.choice(["flip", "flip", "flip", "header", "overwrite", "cut", "add"])
    where = random.randrange(100 if how == "header" else len(content))
    if how in ("flip", "header"):
        content[where] ^= 1 << random.randrange(8)
    elif how == "overwrite":
        content[where : where + 64] = random.randbytes(min(64, len(content) - where))
    elif how == "cut":
        del content[where:]
    else:
        content[where:where] = random.randbytes(16)
    path.write_bytes(content)
    return f"{how} at {where}"


SCHEMAS = [
    "DROP TABLE ranks",
    "DROP TABLE IF EXISTS blocks",
    "ALTER TABLE ranks DROP COLUMN result",
    "ALTER TABLE ranks RENAME COLUMN memory TO room",
    "ALTER TABLE ranks RENAME TO ranked",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 2",
    "PRAGMA user_version = 5",
    "PRAGMA user_version = -1",
    "PRAGMA application_id = 0",
    "CREATE TABLE blocks (x)",
    "DELETE FROM ranks",
    "CREATE VIEW more AS SELECT * FROM ranks",
    "ALTER TABLE ranks ADD COLUMN note TEXT NOT NULL DEFAULT ''",
]


def mutate_schema(path):
    """Change the tables; what was done, in words."""
    statement = random.choice(SCHEMAS)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        try:
            connection.execute(statement)
        except sqlite3.Error:
            return "nothing"
    return statement


def mutate(path):
    """Damage a store in one way or two; what was done, in words."""
    how = random.choices([mutate_cell, mutate_bytes, mutate_schema], [6, 3, 1], k=random.choice([1, 1, 1, 2]))
    done = []
    for one in how:
        try:
            done.append(one(path))
        except (sqlite3.Error, UnicodeDecodeError, ValueError, IndexError, TypeError, AttributeError):
            # A store that is damaged already may not be read by SQLite.
            done.append("nothing")
    return "; ".join(done)
